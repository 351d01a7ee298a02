"""From an empty builder to a compiled graph."""

from __future__ import annotations

import sys
from typing import Any

from _compare import MILLISECONDS, START, Library, Line, Sample, each, run
from bench_superstep import State, advance

QUESTION = "How long does a graph take to build and compile?"


def chain(library: Library, nodes: int, backwards: bool) -> Any:
    """A chain of nodes, its edges added from the front or from the back."""
    graph = library.StateGraph(State)
    for i in range(nodes):
        graph.add_node(f"n{i}", advance)
    edges = [(f"n{i - 1}" if i else START, f"n{i}") for i in range(nodes)]
    for start, end in reversed(edges) if backwards else edges:
        graph.add_edge(start, end)
    return graph


def lines(quick: bool) -> list[Line]:
    """A chain of 200 nodes; its edges backwards, which a fixed-point search might not like; and 1,000 nodes."""

    def whole(nodes: int, backwards: bool = False) -> Any:
        def make(library: Library) -> Sample:
            return each(lambda: chain(library, nodes, backwards).compile().builder.edges is not None, 1, True)

        return make

    def compiling(nodes: int) -> Any:
        def make(library: Library) -> Sample:
            graph = chain(library, nodes, False)
            return each(lambda: graph.compile().builder is graph, 1, True)

        return make

    found = [
        Line("build and compile a chain of 200 nodes", whole(200), MILLISECONDS),
        Line("compile it once more", compiling(200), MILLISECONDS),
        Line("build and compile it, edges added backwards", whole(200, True), MILLISECONDS),
    ]
    if not quick:
        big = {"unit": MILLISECONDS, "bar": 2, "rounds": 3}
        found.append(Line("build and compile a chain of 1,000 nodes", whole(1000), **big))
        found.append(Line("  compile it once more", compiling(1000), **big))
        found.append(Line("build and compile a chain of 1,000, backwards", whole(1000, True), **big))
    return found


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
