"""The command line: run a graph of yours as a stream, look at its threads and go on with them, or audit Python.

``rxgraph run`` streams a graph; ``state`` and ``history`` show a thread that was kept, ``resume`` answers its question.
``rxgraph demo`` audits this Python environment with a graph.

It needs the extra ``cli``; importing this module does not.
"""

from __future__ import annotations

import sys
from typing import Final

MISSING_EXTRA: Final = "the command line needs the extra 'cli' of rxgraph-runtime"


def main() -> None:
    """Run the command line; the entry point ``rxgraph``."""
    try:
        from rxgraph.cli._app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("packaging", "rich", "typer"):
            sys.exit(f"error: {MISSING_EXTRA} ({error.name} is not installed)")
        raise
    app(prog_name="rxgraph")


__all__ = ("main",)
