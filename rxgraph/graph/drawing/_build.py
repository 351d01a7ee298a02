"""From a compiled graph to its picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rxgraph.constants import END, START
from rxgraph.pregel import Pregel

from ._drawing import Drawing
from ._model import Edge
from ._routes import Stop, find_routes

if TYPE_CHECKING:
    from ..state import AnyStateGraph, CompiledStateGraph


def build_drawing(graph: Any, xray: bool | int) -> Drawing:
    """Return the picture of a graph: of a builder, of channels and nodes, or of a function.

    Args:
        graph: Any graph that can be run.
        xray: Draw the graphs inside it, all or so many levels of them.
    """
    drawing = _of_builder(graph) if hasattr(graph, "builder") else _of_channels(graph)
    if xray:
        deeper = xray if xray is True else xray - 1
        for name, inner in graph.get_subgraphs():
            _open(drawing, name, inner.get_graph(xray=deeper))
    return drawing


def _of_channels(graph: Pregel[Any, Any, Any, Any]) -> Drawing:
    """Draw what leads where by the channels that nodes write, and that others are triggered by.

    What a workflow calls isn't known before it runs, so it's a node that leads to the end.
    """
    plan, raw = graph._plan, graph._raw
    made = {} if raw is None else raw.built()
    drawing = Drawing()
    for name, node in plan.nodes.items():
        steps = made[name].steps if name in made else ()
        shown = _metadata(graph, name, dict(node.metadata or {}))
        drawing.add_node(steps[0] if len(steps) == 1 else node.body, name, metadata=shown)

    drawing.add_node(None, START)

    def triggered(channels: Iterable[str]) -> tuple[str, ...]:
        return tuple(node.name for channel in channels for node in plan.triggered_by.get(channel, ()))

    inputs = (plan.input_channels,) if isinstance(plan.input_channels, str) else plan.input_channels
    stops = {START: Stop(tuple(dict.fromkeys(triggered(inputs))))}
    for name in plan.nodes:
        written = [channel for channel, _ in made[name].writers] if name in made else []
        stops[name] = Stop(tuple(dict.fromkeys(triggered(written))))
    drawing.edges = [Edge(*route) for route in find_routes(stops, begins_outside=True)]
    if any(edge.target == END for edge in drawing.edges):
        drawing.add_node(None, END)
    return drawing


def _of_builder(graph: CompiledStateGraph[Any, Any, Any, Any]) -> Drawing:
    builder = graph.builder
    drawing = Drawing()
    drawing.add_node(graph.nodes[START].body, START)
    for name, spec in builder.nodes.items():
        # Error handlers take over without an edge.
        if spec.handler is not None and (handler := graph.nodes[name].handler):
            drawing.add_node(spec.handler, handler)
        shown = dict(spec.metadata or {})
        if spec.defer:
            shown["defer"] = True
        drawing.add_node(spec.action, name, metadata=_metadata(graph, name, shown))
    for name, node in graph.nodes.items():
        # That of all nodes which have no handler of their own.
        if name not in drawing.nodes:
            drawing.add_node(node.body, name)
    drawing.edges = [Edge(*route) for route in find_routes(_stops(builder), builder.waiting_edge_list)]
    if any(edge.target == END for edge in drawing.edges):
        drawing.add_node(None, END)
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


def _metadata(graph: Pregel[Any, Any, Any, Any], name: str, shown: dict[str, Any]) -> dict[str, Any] | None:
    """Add the breakpoints of a node to what is shown of it."""
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
