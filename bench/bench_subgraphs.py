"""Graphs inside graphs: a fan-out to a hundred of them, with and without a saver, and two levels in a chain."""

from __future__ import annotations

import importlib
import operator
import sys
from itertools import count
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, Library, Line, Sample, each, each_async, run

QUESTION = "What does a graph inside a graph cost?"


class Item(TypedDict):
    """What one inner graph works on."""

    item: int
    squares: Annotated[list[int], operator.add]


class Squares(TypedDict):
    """What it hands back."""

    squares: Annotated[list[int], operator.add]


class State(TypedDict):
    """The items, and what a reducer gathers."""

    items: list[int]
    squares: Annotated[list[int], operator.add]


class Counter(TypedDict):
    """What all levels of the chain share."""

    count: int


def square(state: Item) -> dict[str, Any]:
    """The only node of the inner graph."""
    return {"squares": [state["item"] * state["item"]]}


async def asquare(state: Item) -> dict[str, Any]:
    """The same as a coroutine."""
    return {"squares": [state["item"] * state["item"]]}


def advance(state: Counter) -> dict[str, Any]:
    """The only node of the innermost graph."""
    return {"count": state["count"] + 1}


async def aadvance(state: Counter) -> dict[str, Any]:
    """The same as a coroutine."""
    return {"count": state["count"] + 1}


def fan_out(library: Library, node: Any, saver: Any = None) -> Any:
    """START sends every item to an inner graph."""
    send = library.Send
    inner = library.StateGraph(Item, output_schema=Squares)
    inner.add_node("square", node)
    inner.add_edge(START, "square")
    graph = library.StateGraph(State)
    graph.add_node("inner", inner.compile())
    graph.add_conditional_edges(
        START, lambda state: [send("inner", {"item": item, "squares": []}) for item in state["items"]], ["inner"]
    )
    graph.add_edge("inner", END)
    return graph.compile(checkpointer=saver)


def nested(library: Library, node: Any, steps: int, levels: int) -> Any:
    """A loop around a graph, which is a node of a graph, as many levels down as are asked for."""
    graph: Any = node
    for level in range(levels):
        builder = library.StateGraph(Counter)
        builder.add_node("down", graph)
        builder.add_edge(START, "down")
        if level == levels - 1:
            builder.add_conditional_edges("down", lambda state: "down" if state["count"] < steps else END)
        graph = builder.compile()
    return graph


def lines(quick: bool) -> list[Line]:
    """Both lanes; streams show the events of the inner graphs, too."""
    graphs, steps = (20, 20) if quick else (100, 100)
    inputs = {"items": list(range(graphs)), "squares": []}
    squares = [item * item for item in range(graphs)]

    def fanned(node: Any, lane: str, saved: bool) -> Any:
        def make(library: Library) -> Sample:
            threads = count()
            memory = importlib.import_module(f"{library.name}.checkpoint.memory")

            # Each run has a saver of its own: what older threads hold is not what is measured.
            def sample() -> float:
                graph = fan_out(library, node, memory.InMemorySaver() if saved else None)
                config: Any = {**RUN, "configurable": {"thread_id": str(next(threads))}} if saved else RUN

                async def answer() -> Any:
                    return (await graph.ainvoke(inputs, config))["squares"]

                if lane == "sync":
                    return each(lambda: graph.invoke(inputs, config)["squares"], graphs, squares)()
                return each_async(answer, graphs, squares)()

            return sample

        return make

    def streamed(library: Library) -> Sample:
        graph = fan_out(library, square)

        def answers() -> list[int]:
            stream = graph.stream(inputs, RUN, stream_mode="updates", subgraphs=True)
            return sorted(update["square"]["squares"][0] for _, update in stream if "square" in update)

        return each(answers, graphs, squares)

    def astreamed(library: Library) -> Sample:
        graph = fan_out(library, asquare)

        async def answers() -> list[int]:
            stream = graph.astream(inputs, RUN, stream_mode="updates", subgraphs=True)
            return sorted([update["square"]["squares"][0] async for _, update in stream if "square" in update])

        return each_async(answers, graphs, squares)

    def chained(node: Any, lane: str) -> Any:
        def make(library: Library) -> Sample:
            graph = nested(library, node, steps, 3)
            if lane == "sync":
                return each(lambda: graph.invoke({"count": 0}, RUN), steps, {"count": steps})
            return each_async(lambda: graph.ainvoke({"count": 0}, RUN), steps, {"count": steps})

        return make

    return [
        Line(f"graph of a fan-out to {graphs}, sync", fanned(square, "sync", False), bar=6),
        Line(f"graph of a fan-out to {graphs}, async", fanned(asquare, "async", False), bar=6),
        Line(f"graph of a fan-out to {graphs}, saver, sync", fanned(square, "sync", True), bar=4),
        Line(f"graph of a fan-out to {graphs}, saver, async", fanned(asquare, "async", True), bar=4),
        Line(f"graph of a fan-out to {graphs}, subgraphs=True, sync", streamed),
        Line(f"graph of a fan-out to {graphs}, subgraphs=True, async", astreamed),
        Line("loop around two more levels, sync", chained(advance, "sync")),
        Line("loop around two more levels, async", chained(aadvance, "async")),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
