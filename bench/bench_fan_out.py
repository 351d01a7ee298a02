"""A map step: one node is sent to a thousand times in one superstep, and a reducer gathers the answers."""

from __future__ import annotations

import operator
import sys
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, Library, Line, Sample, each, each_async, run

QUESTION = "What does a task of a Send fan-out cost?"


class State(TypedDict):
    """The items, and what a reducer gathers."""

    items: list[int]
    squares: Annotated[list[int], operator.add]


def square(item: int) -> dict[str, Any]:
    """One task of the fan-out."""
    return {"squares": [item * item]}


async def asquare(item: int) -> dict[str, Any]:
    """The same as a coroutine."""
    return {"squares": [item * item]}


def fan_out(library: Library, node: Any) -> Any:
    """START sends every item to one node."""
    send = library.Send
    graph = library.StateGraph(State)
    graph.add_node("square", node)
    graph.add_conditional_edges(START, lambda state: [send("square", item) for item in state["items"]], ["square"])
    graph.add_edge("square", END)
    return graph.compile()


def lines(quick: bool) -> list[Line]:
    """Both lanes, and a stream of updates, which has to tell each task apart."""
    tasks = 200 if quick else 1000
    inputs = {"items": list(range(tasks)), "squares": []}
    squares = [item * item for item in range(tasks)]

    def sync(library: Library) -> Sample:
        graph = fan_out(library, square)
        return each(lambda: graph.invoke(inputs, RUN)["squares"], tasks, squares)

    def asynchronous(node: Any) -> Any:
        def make(library: Library) -> Sample:
            graph = fan_out(library, node)

            async def squares_of_run() -> Any:
                return (await graph.ainvoke(inputs, RUN))["squares"]

            return each_async(squares_of_run, tasks, squares)

        return make

    def updates(library: Library) -> Sample:
        graph = fan_out(library, square)
        # Updates come in the order in which tasks end.
        return each(
            lambda: sorted(item["square"]["squares"][0] for item in graph.stream(inputs, RUN, stream_mode="updates")),
            tasks,
            squares,
        )

    def aupdates(library: Library) -> Sample:
        graph = fan_out(library, asquare)

        async def answers() -> list[int]:
            stream = graph.astream(inputs, RUN, stream_mode="updates")
            return sorted([item["square"]["squares"][0] async for item in stream])

        return each_async(answers, tasks, squares)

    return [
        Line(f"task of {tasks:,} Sends, sync", sync, bar=6, goal=12),
        Line(f"task of {tasks:,} Sends, async", asynchronous(asquare), bar=6, goal=12),
        Line(f"task of {tasks:,} Sends, async, sync node", asynchronous(square)),
        Line(f"task of {tasks:,} Sends, sync, streaming updates", updates, bar=6, goal=12),
        Line(f"task of {tasks:,} Sends, async, streaming updates", aupdates, bar=6, goal=12),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
