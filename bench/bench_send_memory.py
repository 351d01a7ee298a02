"""A node sends 100,000 packets, which are all tasks of one superstep; on LangGraph a fifth of them, for want of time.

Each measure is of a process of its own: the highest memory that it ever had, the interpreter and the library included.
"""

from __future__ import annotations

import asyncio
import json
import operator
import resource
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Annotated, Any, TypedDict

from _compare import END, MEGABYTES, MILLISECONDS, START, Library, Line, Sample, check, libraries, run

QUESTION = "How much memory does one superstep of 100,000 packets take?"
CHILD = "--in-child"
MOST = 1000
"""Megabytes that such a run may take."""


class State(TypedDict):
    """How many to send, and the sum of what they carry."""

    packets: int
    total: Annotated[int, operator.add]


def add(state: Any) -> dict[str, Any]:
    """One packet."""
    return {"total": state["number"]}


async def aadd(state: Any) -> dict[str, Any]:
    """One packet, on the event loop."""
    return {"total": state["number"]}


def graph_of(library: Library, node: Any) -> Any:
    """A graph that sends a packet for each number."""

    def spread(state: State) -> list[Any]:
        return [library.Send("add", {"number": number}) for number in range(state["packets"])]

    graph = library.StateGraph(State)
    graph.add_node("add", node)
    graph.add_conditional_edges(START, spread, ["add"])
    graph.add_edge("add", END)
    return graph.compile()


def child(name: str, lane: str, packets: int) -> None:
    """Run once, and print the peak and the time."""
    library = next(library for library in libraries() if library.name == name)
    graph, input = graph_of(library, add if lane == "sync" else aadd), {"packets": packets, "total": 0}
    begun = perf_counter()
    result = graph.invoke(input) if lane == "sync" else asyncio.run(graph.ainvoke(input))
    took = perf_counter() - begun
    check(result["total"], packets * (packets - 1) // 2)
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"peak": peak, "took": took}))


def lines(quick: bool) -> list[Line]:
    """Peak and time in both lanes."""
    packets = 5_000 if quick else 100_000
    theirs = packets // 5
    known: dict[tuple[str, str], dict[str, float]] = {}

    def measured(lane: str, what: str) -> Callable[[Library], Sample]:
        def make(library: Library) -> Sample:
            def sample() -> float:
                key = (library.name, lane)
                if key not in known:
                    command = [sys.executable, __file__, CHILD, *key, str(packets if library.is_ours else theirs)]
                    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
                    known[key] = json.loads(output)
                return known[key][what]

            return sample

        return make

    found = []
    for lane in ("sync", "async"):
        found.append(
            Line(
                f"peak, {lane}; LangGraph: {theirs:,} packets",
                measured(lane, "peak"),
                MEGABYTES,
                bar=MOST,
                judge="most",
                rounds=1,
            )
        )
        found.append(Line(f"  time, {lane}", measured(lane, "took"), MILLISECONDS, rounds=1))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(run({QUESTION: lines}))
