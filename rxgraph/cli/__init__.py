"""The command line: ``rxgraph run`` streams a graph of yours, ``rxgraph demo`` audits this Python environment.

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
