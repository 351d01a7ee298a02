"""Answer all questions in one table, or those that are named: ``python bench [QUESTION ...] [--quick]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from _compare import run

FIRST = ("superstep", "fan_out", "custom_events", "import_time", "cost_growth", "slow_reader_memory")
"""The questions that have a bar come first."""


def main() -> int:
    """Find the bench files, keep those whose names were given, and run them."""
    found = [path.stem.removeprefix("bench_") for path in sorted(Path(__file__).parent.glob("bench_*.py"))]
    names = list(dict.fromkeys((*FIRST, *found)))
    arguments = sys.argv[1:]
    wanted = [name for name in names if name in arguments] or names
    modules = [importlib.import_module(f"bench_{name}") for name in wanted]
    return run(
        {module.QUESTION: module.lines for module in modules}, [given for given in arguments if given not in names]
    )


if __name__ == "__main__":
    sys.exit(main())
