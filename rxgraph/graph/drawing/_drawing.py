"""A picture with its renderers: Mermaid, plain text, SVG and PNG, all of them made here and not by a web service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._mermaid import mermaid
from ._model import CurveStyle, NodeStyles, Structure
from ._png import png
from ._run import read_run
from ._scene import make_scene
from ._svg import svg
from ._text import text


class Drawing(Structure):
    """A picture of a graph, as :meth:`get_graph` returns it.

    Every ``draw`` method takes ``run=``: the picture then shows what is done, what comes next, what has failed and what
    waits for a person. It is a ``StateSnapshot``, a history of them (which alone knows all that is done), or the handle
    of a run.

    Example:
        >>> from rxgraph.graph import START, StateGraph
        >>> graph = StateGraph(dict).add_node("greet", lambda state: state).add_edge(START, "greet").compile()
        >>> print(graph.get_graph().draw_ascii())
        +-----------+
        | __start__ |
        +-----------+
              |
              v
          +-------+
          | greet |
          +-------+
              |
              v
         +---------+
         | __end__ |
         +---------+
    """

    def draw_mermaid(
        self,
        *,
        with_styles: bool = True,
        curve_style: CurveStyle | str = CurveStyle.LINEAR,
        node_colors: NodeStyles | None = None,
        wrap_label_n_words: int = 9,
        frontmatter_config: Mapping[str, Any] | None = None,
        run: Any = None,
    ) -> str:
        """Return the picture as Mermaid text.

        Args:
            with_styles: Declare nodes and colours; without them only the edges are left.
            curve_style: How lines bend.
            node_colors: Styles of nodes.
            wrap_label_n_words: Words in a line of an edge's label.
            frontmatter_config: Mermaid's configuration, e.g. ``{"config": {"theme": "neutral"}}``.
            run: See the class.
        """
        return mermaid(
            self,
            with_styles=with_styles,
            curve_style=curve_style,
            node_colors=node_colors,
            wrap_label_n_words=wrap_label_n_words,
            frontmatter_config=frontmatter_config,
            states=read_run(run, self.nodes),
        )

    def draw_ascii(self, *, run: Any = None) -> str:
        """Return the picture as plain text: boxes, ``|`` and ``-`` for edges, ``:`` and ``.`` for conditional ones."""
        return text(self, read_run(run, self.nodes))

    def print_ascii(self, *, run: Any = None) -> None:
        """Print :meth:`draw_ascii`."""
        print(self.draw_ascii(run=run))  # what it is for

    def draw_svg(self, output_file_path: str | Path | None = None, *, run: Any = None) -> str:
        """Return the picture as SVG, and write it to a file if one is named."""
        drawn = svg(make_scene(self, read_run(run, self.nodes)))
        if output_file_path is not None:
            Path(output_file_path).write_text(drawn, encoding="utf-8")
        return drawn

    def draw_png(
        self,
        output_file_path: str | Path | None = None,
        fontname: str | None = None,
        labels: Mapping[str, Mapping[str, str]] | None = None,
        *,
        background_color: str = "white",
        padding: int = 10,
        scale: float = 2.0,
        run: Any = None,
    ) -> bytes:
        """Return the picture as PNG, and write it to a file if one is named.

        Args:
            fontname: Font, of those that Matplotlib finds.
            labels: Other names: ``{"nodes": {name: shown}, "edges": {label: shown}}``.
            background_color: A colour, or ``"transparent"``; a ``!`` before it is allowed.
            padding: Room around the picture, in units of the SVG.
            scale: Pixels for each unit of the SVG.
            run: See the class.

        Raises:
            ImportError: The extra ``draw`` is not installed.
        """
        scene = make_scene(self._relabelled(labels or {}), read_run(run, self.nodes), padding)
        drawn = png(scene, background=background_color.lstrip("!"), font=fontname, scale=scale)
        if output_file_path is not None:
            Path(output_file_path).write_bytes(drawn)
        return drawn

    def draw_mermaid_png(
        self,
        *,
        curve_style: CurveStyle | str = CurveStyle.LINEAR,
        node_colors: NodeStyles | None = None,
        wrap_label_n_words: int = 9,
        output_file_path: str | Path | None = None,
        draw_method: Any = None,
        background_color: str = "white",
        padding: int = 10,
        max_retries: int = 1,
        retry_delay: float = 1.0,
        frontmatter_config: Mapping[str, Any] | None = None,
        base_url: str | None = None,
        proxies: Mapping[str, str] | None = None,
        run: Any = None,
    ) -> bytes:
        """Do what :meth:`draw_png` does, under the name that programs know.

        No service is asked. The arguments for one, and those for Mermaid's looks, are taken and have no effect.

        Raises:
            ImportError: The extra ``draw`` is not installed.
        """
        return self.draw_png(output_file_path, background_color=background_color, padding=padding, run=run)

    def _relabelled(self, labels: Mapping[str, Mapping[str, str]]) -> Structure:
        nodes, edges = labels.get("nodes") or {}, labels.get("edges") or {}
        return Structure(
            {id: node.copy(name=nodes.get(node.name)) for id, node in self.nodes.items()},
            [edge._replace(data=edges.get(str(edge.data), edge.data)) for edge in self.edges],
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Return what a notebook shows: the SVG, and Mermaid text elsewhere."""
        return {"text/plain": self.draw_mermaid(), "image/svg+xml": self.draw_svg()}


__all__ = ("Drawing",)
