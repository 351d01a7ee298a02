"""The loop itself: plan, run one node, apply its writes, decide where to go."""

from __future__ import annotations

import asyncio
import operator
import sys
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, Library, Line, Sample, each, each_async, run

QUESTION = "What does a superstep cost?"


class State(TypedDict):
    """A counter, and a key that a reducer merges."""

    count: int
    total: Annotated[int, operator.add]


Wide = TypedDict(
    "Wide",
    {
        "count": int,
        "total": Annotated[int, operator.add],
        **{f"k{i}": Annotated[int, operator.add] if i % 5 == 0 else int for i in range(48)},  # type: ignore[misc]
    },
)


def advance(state: State) -> dict[str, Any]:
    """One step of work: two writes, one of them through a reducer."""
    return {"count": state["count"] + 1, "total": 2}


async def aadvance(state: State) -> dict[str, Any]:
    """The same as a coroutine."""
    return {"count": state["count"] + 1, "total": 2}


async def suspend(state: State) -> dict[str, Any]:
    """The same with one real suspension, as a node that does input and output has."""
    await asyncio.sleep(0)
    return {"count": state["count"] + 1, "total": 2}


def loop(library: Library, node: Any, steps: int) -> Any:
    """One node that a conditional edge leads back to itself."""
    graph = library.StateGraph(State)
    graph.add_node("advance", node)
    graph.add_edge(START, "advance")
    graph.add_conditional_edges("advance", lambda state: "advance" if state["count"] < steps else END)
    return graph.compile()


def chain(library: Library, node: Any, steps: int) -> Any:
    """As many nodes as steps, one after another."""
    graph = library.StateGraph(State)
    for i in range(steps):
        graph.add_node(f"n{i}", node)
        graph.add_edge(f"n{i - 1}" if i else START, f"n{i}")
    return graph.compile()


def wide(library: Library, node: Any, steps: int) -> Any:
    """The loop with 50 keys in its state, of which each step writes two."""
    graph = library.StateGraph(Wide)
    graph.add_node("advance", node)
    graph.add_edge(START, "advance")
    graph.add_conditional_edges("advance", lambda state: "advance" if state["count"] < steps else END)
    return graph.compile()


def lines(quick: bool) -> list[Line]:
    """Loop, chain and wide state, in both lanes."""
    steps = 100 if quick else 500

    def program(shape: Any, node: Any, lane: str, inputs: dict[str, Any]) -> Any:
        expected = {**inputs, "count": steps, "total": 2 * steps}

        def make(library: Library) -> Sample:
            graph = shape(library, node, steps)
            if lane == "sync":
                return each(lambda: graph.invoke(inputs, RUN), steps, expected)
            return each_async(lambda: graph.ainvoke(inputs, RUN), steps, expected)

        return make

    small = {"count": 0, "total": 0}
    large = {"count": 0, "total": 0, **{f"k{i}": i for i in range(48)}}
    return [
        Line("superstep, sync, self loop", program(loop, advance, "sync", small), bar=8, goal=15),
        Line("superstep, async, self loop", program(loop, aadvance, "async", small), bar=8, goal=15),
        Line("superstep, async, self loop, node suspends once", program(loop, suspend, "async", small), bar=8, goal=15),
        Line("superstep, async, self loop of a sync node", program(loop, advance, "async", small)),
        Line(f"superstep, sync, chain of {steps} nodes", program(chain, advance, "sync", small), bar=8, goal=15),
        Line(f"superstep, async, chain of {steps} nodes", program(chain, aadvance, "async", small), bar=8, goal=15),
        Line("superstep, sync, 50 keys in the state", program(wide, advance, "sync", large), bar=8, goal=15),
        Line("superstep, async, 50 keys in the state", program(wide, aadvance, "async", large), bar=8, goal=15),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
