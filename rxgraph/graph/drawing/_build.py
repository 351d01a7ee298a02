"""From a compiled graph to its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxgraph.constants import END, START

from ._drawing import Drawing
from ._model import Edge
from ._routes import Stop, find_routes

if TYPE_CHECKING:
    from ..state import AnyStateGraph, CompiledStateGraph


def build_drawing(graph: CompiledStateGraph[Any, Any, Any, Any], xray: bool | int) -> Drawing:
    """Return the picture of a graph.

    Args:
        xray: Draw the graphs inside it, all or so many levels of them.
    """
    builder = graph.builder
    drawing = Drawing()
    drawing.add_node(graph.nodes[START].body, START)
    for name, spec in builder.nodes.items():
        drawing.add_node(spec.action, name, metadata=_metadata(graph, name))
    drawing.edges = [Edge(*route) for route in find_routes(_stops(builder), builder.waiting_edge_list)]
    if any(edge.target == END for edge in drawing.edges):
        drawing.add_node(None, END)
    if xray:
        deeper = xray if xray is True else xray - 1
        for name, inner in graph.get_subgraphs():
            _open(drawing, name, inner.get_graph(xray=deeper))
    return drawing


def _stops(builder: AnyStateGraph) -> dict[str, Stop]:
    nexts: dict[str, list[str]] = {}
    for start, end in builder.edge_list:
        if end != END:
            nexts.setdefault(start, []).append(end)
    stops = {}
    for name in (START, *builder.nodes):
        spec = builder.nodes.get(name)
        ends: list[tuple[str, str | None]] = list(spec.ends.items()) if spec else []
        for branch in builder.branches.get(name, {}).values():
            ends += [(end, str(answer)) for answer, end in (branch.ends or {}).items()]
        stops[name] = Stop(tuple(nexts.get(name, ())), tuple(ends), spec.defer if spec else False)
    return stops


def _metadata(graph: CompiledStateGraph[Any, Any, Any, Any], name: str) -> dict[str, Any] | None:
    spec = graph.builder.nodes[name]
    shown = dict(spec.metadata or {})
    if spec.defer:
        shown["defer"] = True
    stops = [
        when
        for when, names in (("before", graph.interrupt_before_nodes), ("after", graph.interrupt_after_nodes))
        if name in names
    ]
    if stops:
        shown["__interrupt"] = ",".join(stops)
    return shown or None


def _open(drawing: Drawing, name: str, inner: Drawing) -> None:
    """Put the picture of an inner graph in the place of its node, if it has one way in and one way out."""
    inner.trim_first_node()
    inner.trim_last_node()
    if inner.first_node() is None or inner.last_node() is None:
        return
    first, last = drawing.extend(inner, prefix=name)
    del drawing.nodes[name]
    drawing.edges = [
        edge.copy(
            source=last.id if last and edge.source == name else None,
            target=first.id if first and edge.target == name else None,
        )
        for edge in drawing.edges
    ]


__all__ = ("build_drawing",)
