"""How soon a reader sees something: from the call of ``stream`` to its first item."""

from __future__ import annotations

import asyncio
import gc
import operator
import sys
from time import perf_counter
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, Library, Line, Sample, StreamWriter, check, run

QUESTION = "How long until the first event (a graph of ten nodes, the first of which writes one)?"
NODES = 10


class State(TypedDict):
    """What a reducer gathers."""

    done: Annotated[list[str], operator.add]


def hello(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write one event and go on."""
    writer("hello")
    return {"done": ["hello"]}


async def ahello(state: State, writer: StreamWriter) -> dict[str, Any]:
    """The same as a coroutine."""
    writer("hello")
    return {"done": ["hello"]}


def work(state: State) -> dict[str, Any]:
    """One of the nodes that come later."""
    return {"done": ["work"]}


async def awork(state: State) -> dict[str, Any]:
    """The same as a coroutine."""
    return {"done": ["work"]}


def greeting(library: Library, first: Any, later: Any) -> Any:
    """A chain whose first node writes an event."""
    graph = library.StateGraph(State)
    for i in range(NODES):
        graph.add_node(f"n{i}", later if i else first)
        graph.add_edge(f"n{i - 1}" if i else START, f"n{i}")
    graph.add_edge(f"n{NODES - 1}", END)
    return graph.compile()


def lines(quick: bool) -> list[Line]:
    """The custom event and the first update, in both lanes; the rest of the run is read off the clock."""
    runs = 5 if quick else 20
    inputs: dict[str, Any] = {"done": []}
    firsts = {"custom": ("hello", 1), "updates": ({"n0": {"done": ["hello"]}}, NODES)}

    def sync(mode: str) -> Any:
        first, items = firsts[mode]

        def make(library: Library) -> Sample:
            graph = greeting(library, hello, work)

            def latency() -> float:
                begin = perf_counter()
                stream = graph.stream(inputs, RUN, stream_mode=mode)
                item = next(stream)
                elapsed = perf_counter() - begin
                check((item, 1 + sum(1 for _ in stream)), (first, items))
                return elapsed

            def sample() -> float:
                gc.collect()
                return min(latency() for _ in range(runs))

            return sample

        return make

    def asynchronous(mode: str) -> Any:
        first, items = firsts[mode]

        def make(library: Library) -> Sample:
            graph = greeting(library, ahello, awork)

            async def latency() -> float:
                begin = perf_counter()
                stream = graph.astream(inputs, RUN, stream_mode=mode)
                item = await anext(stream)
                elapsed = perf_counter() - begin
                check((item, 1 + len([item async for item in stream])), (first, items))
                return elapsed

            async def best() -> float:
                return min([await latency() for _ in range(runs)])

            def sample() -> float:
                gc.collect()
                return asyncio.run(best())

            return sample

        return make

    return [
        Line(f"first event, {lane}, {mode}", make(mode))
        for lane, make in (("sync", sync), ("async", asynchronous))
        for mode in firsts
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
