"""A graph of 1,000 nodes of which a run touches ten, beside a graph that has only those ten."""

from __future__ import annotations

import sys
from typing import Any

from _compare import END, RUN, START, TIMES, Library, Line, Sample, each, run
from bench_superstep import State, advance

QUESTION = "What does a run pay for nodes that it doesn't reach?"
REACHED = 10


def branched(library: Library, nodes: int) -> Any:
    """A chain that a conditional edge leaves after ten nodes."""
    graph = library.StateGraph(State)
    for i in range(nodes):
        graph.add_node(f"n{i}", advance)
        if i != REACHED:
            graph.add_edge(f"n{i - 1}" if i else START, f"n{i}")
    graph.add_conditional_edges(
        f"n{REACHED - 1}", lambda state: END if state["count"] == REACHED else f"n{REACHED}", [END, f"n{REACHED}"]
    )
    return graph.compile()


def lines(quick: bool) -> list[Line]:
    """The run in the large graph, and its cost over that of the same run in the small graph."""
    runs, nodes = (5, 200) if quick else (20, 1000)
    inputs, expected = {"count": 0, "total": 0}, {"count": REACHED, "total": 2 * REACHED}

    def runs_of(library: Library, size: int) -> Sample:
        graph = branched(library, size)
        return each(lambda: [graph.invoke(inputs, RUN) for _ in range(runs)], runs, [expected] * runs)

    def growth(library: Library) -> Sample:
        large, small = runs_of(library, nodes), runs_of(library, REACHED + 1)
        # Two runs that a disturbance may hit apart: the best of a few of each.
        return lambda: min(large() for _ in range(3)) / min(small() for _ in range(3))

    return [
        Line(f"run of {REACHED} nodes in a graph of {nodes:,}", lambda library: runs_of(library, nodes)),
        Line(f"its cost / that in a graph of {REACHED + 1}", growth, TIMES, bar=1.2, judge="most", by="median"),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
