"""One node writes 100,000 ints to the ``custom`` stream; the reader counts and adds them up."""

from __future__ import annotations

import operator
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, Library, Line, Sample, StreamWriter, each, each_async, run

from rxgraph.types import Emit

QUESTION = "What does a custom event cost, from the node to the reader (v1)?"


class State(TypedDict):
    """How many to write, and what a reducer gathers."""

    events: int
    done: Annotated[list[str], operator.add]


def write(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from a thread."""
    for i in range(state["events"]):
        writer(i)
    return {"done": ["write"]}


async def awrite(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop without waiting for the reader, as a LangGraph program does."""
    for i in range(state["events"]):
        writer(i)
    return {"done": ["write"]}


async def awrite_paced(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop at the reader's pace; LangGraph has no such thing."""
    for i in range(state["events"]):
        await writer(i)
    return {"done": ["write"]}


async def ayield_paced(state: State) -> AsyncIterator[Any]:
    """Yield events at the reader's pace; LangGraph has no such thing."""
    for i in range(state["events"]):
        yield Emit(i)
    yield {"done": ["write"]}


def one_node(library: Library, node: Any) -> Any:
    """A graph of one node."""
    graph = library.StateGraph(State)
    graph.add_node("write", node)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    return graph.compile()


def lines(quick: bool) -> list[Line]:
    """The sync lane across a thread; the async lane bare, and in the two ways that keep to the reader's pace."""
    events = 10_000 if quick else 100_000
    inputs = {"events": events, "done": []}
    expected = (events, events * (events - 1) // 2)

    def sync(library: Library) -> Sample:
        graph = one_node(library, write)

        def read() -> tuple[int, int]:
            n = total = 0
            for item in graph.stream(inputs, RUN, stream_mode="custom"):
                n += 1
                total += item
            return n, total

        return each(read, events, expected)

    def asynchronous(node: Any) -> Any:
        def make(library: Library) -> Sample:
            graph = one_node(library, node if library.is_ours else awrite)

            async def read() -> tuple[int, int]:
                n = total = 0
                async for item in graph.astream(inputs, RUN, stream_mode="custom"):
                    n += 1
                    total += item
                return n, total

            return each_async(read, events, expected)

        return make

    return [
        Line("custom event, sync, across a thread", sync, bar=1.5, goal=2.5),
        Line("custom event, async, writer(x)", asynchronous(awrite), bar=3, goal=6),
        Line("custom event, async, ours awaits writer(x)", asynchronous(awrite_paced), bar=3, goal=6),
        Line("custom event, async, ours yields Emit(x)", asynchronous(ayield_paced), bar=3, goal=6),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
