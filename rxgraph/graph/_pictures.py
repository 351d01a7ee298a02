"""What a compiled graph shows of itself: its picture, a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rxgraph.config import RunnableConfig

if TYPE_CHECKING:
    from rxgraph.pregel._plan import Node

    from .drawing import Drawing
    from .state import AnyStateGraph

SHOWN = 6
"""Nodes that a ``repr`` names."""


class Pictures:
    """The part of a compiled graph that is looked at and not run."""

    builder: AnyStateGraph
    name: str
    nodes: Mapping[str, Node]

    def get_graph(self, config: RunnableConfig | None = None, *, xray: bool | int = False) -> Drawing:
        """Return the picture of the graph: its nodes and edges, with methods that draw them.

        Args:
            config: Taken because programs pass it; a picture is the same under every configuration.
            xray: Draw the graphs inside it: all of them, or so many levels.

        Example:
            >>> from rxgraph.graph import START, StateGraph
            >>> graph = StateGraph(dict).add_node("greet", lambda state: state).add_edge(START, "greet").compile()
            >>> [(edge.source, edge.target) for edge in graph.get_graph().edges]
            [('__start__', 'greet'), ('greet', '__end__')]
        """
        # Who draws nothing doesn't wait for what draws.
        from .drawing._build import build_drawing

        return build_drawing(self, xray)  # type: ignore[arg-type]

    async def aget_graph(self, config: RunnableConfig | None = None, *, xray: bool | int = False) -> Drawing:
        """Do what :meth:`get_graph` does."""
        return self.get_graph(config, xray=xray)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Return what a notebook shows: the picture as SVG and as Mermaid text, else the ``repr``."""
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        try:
            drawing = self.get_graph()
            bundle["text/vnd.mermaid"] = drawing.draw_mermaid()
            bundle["image/svg+xml"] = drawing.draw_svg()
        except Exception as error:
            # A notebook must be able to show the graph, whatever the names and metadata of its nodes do.
            bundle["text/plain"] += f"\n(no picture: {error!r})"
        return bundle

    def __repr__(self) -> str:
        names = list(self.builder.nodes)
        shown = ", ".join(names[:SHOWN]) + (f", and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        edges = len(self.builder.edge_list) + sum(len(starts) for starts, _ in self.builder.waiting_edge_list)
        branches = sum(map(len, self.builder.branches.values()))
        lines = f"{_count(edges, 'edge')}" + (f", {_count(branches, 'branch', 'branches')}" if branches else "")
        return f"<{type(self).__name__} {self.name!r} | {_count(len(names), 'node')}: {shown} | {lines}>"


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


__all__ = ("Pictures",)
