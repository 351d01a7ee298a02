"""The part of a graph that is looked at and not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxgraph.config import RunnableConfig

if TYPE_CHECKING:
    from rxgraph.graph.drawing import Drawing


class Pictures:
    """Pictures of a graph, made when they are asked for."""

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
        # Who draws nothing doesn't wait for what draws; it stands above, because it knows builders, too.
        from rxgraph.graph.drawing._build import build_drawing

        return build_drawing(self, xray)

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


__all__ = ("Pictures",)
