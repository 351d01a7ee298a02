"""The loop of ``bench_superstep`` once more, with somebody who reads its stream."""

from __future__ import annotations

import sys
from typing import Any

from _compare import RUN, Library, Line, Sample, acount, count, each, each_async, run
from bench_superstep import aadvance, advance, loop

QUESTION = "What does a superstep cost when its stream is read?"

SHOWN: dict[str, tuple[str | list[str], int, int]] = {
    "values": ("values", 1, 1),
    "updates": ("updates", 1, 0),
    "tasks": ("tasks", 2, 0),
    "debug": ("debug", 2, 0),
    "values + updates + tasks": (["values", "updates", "tasks"], 4, 1),
}
"""Name -> the mode or modes, items for each superstep, and items for the input."""


def lines(quick: bool) -> list[Line]:
    """Each mode in both lanes; a reader that only counts."""
    steps = 100 if quick else 500
    inputs = {"count": 0, "total": 0}

    def program(node: Any, lane: str, modes: str | list[str], expected: int) -> Any:
        def make(library: Library) -> Sample:
            graph = loop(library, node, steps)
            if lane == "sync":
                return each(lambda: count(graph.stream(inputs, RUN, stream_mode=modes)), steps, expected)
            return each_async(lambda: acount(graph.astream(inputs, RUN, stream_mode=modes)), steps, expected)

        return make

    return [
        Line(f"superstep, {lane}, reading {name}", program(node, lane, modes, per_step * steps + of_input))
        for lane, node in (("sync", advance), ("async", aadvance))
        for name, (modes, per_step, of_input) in SHOWN.items()
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
