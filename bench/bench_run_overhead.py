"""Runs so short that opening and closing them is all there is: a graph of one node."""

from __future__ import annotations

import sys
from typing import Any

from _compare import Library, Line, Sample, acount, count, each, each_async, run
from bench_superstep import aadvance, advance, chain

QUESTION = "What does a run cost by itself (one node, one superstep)?"


def lines(quick: bool) -> list[Line]:
    """Every door."""
    runs = 20 if quick else 100
    inputs = {"count": 0, "total": 0}

    def sync(once: Any, expected: Any) -> Any:
        def make(library: Library) -> Sample:
            graph = chain(library, advance, 1)
            return each(lambda: [once(graph) for _ in range(runs)], runs, [expected] * runs)

        return make

    def asynchronous(once: Any, expected: Any) -> Any:
        def make(library: Library) -> Sample:
            graph = chain(library, aadvance, 1)

            async def all_runs() -> list[Any]:
                return [await once(graph) for _ in range(runs)]

            return each_async(all_runs, runs, [expected] * runs)

        return make

    result = {"count": 1, "total": 2}
    return [
        Line("run, invoke", sync(lambda graph: graph.invoke(inputs), result)),
        Line("run, stream values", sync(lambda graph: count(graph.stream(inputs, stream_mode="values")), 2)),
        Line("run, stream custom", sync(lambda graph: count(graph.stream(inputs, stream_mode="custom")), 0)),
        Line("run, ainvoke", asynchronous(lambda graph: graph.ainvoke(inputs), result)),
        Line("run, astream values", asynchronous(lambda graph: acount(graph.astream(inputs, stream_mode="values")), 2)),
        Line("run, astream custom", asynchronous(lambda graph: acount(graph.astream(inputs, stream_mode="custom")), 0)),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
