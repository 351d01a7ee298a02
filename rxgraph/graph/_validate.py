"""Checks of a builder before it is compiled. Every message names the node, the rule and the likely fix."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rxgraph._hints import did_you_mean
from rxgraph.constants import END, START
from rxgraph.errors import UnreachableNodeError
from rxgraph.warnings import UnreachableNodeWarning

if TYPE_CHECKING:
    from .state import AnyStateGraph


def validate_graph(graph: AnyStateGraph, interrupt: Iterable[str] | None, strict: bool) -> None:
    """Raise for edges that lead nowhere and for a graph without an entry.

    Raises:
        ValueError: An unknown node, or no entry point.
        UnreachableNodeError: With *strict*: nothing leads to a node.
    """
    nodes = graph.nodes.keys()
    sources = {start for start, _ in graph.edges} | set(graph.branches)
    sources |= {start for starts, _ in graph.waiting_edges for start in starts}
    for source in sorted(sources):
        if source != START and source not in nodes:
            raise ValueError(f"Edge from {source!r} starts at an unknown node." + did_you_mean(source, nodes))
    if START not in sources:
        raise ValueError(
            "Graph must have an entrypoint: no edge leads from START to a node. "
            "Add one: add_edge(START, 'node') or set_entry_point('node')."
        )
    for start, end in sorted(graph.edges):
        if end != END and end not in nodes:
            raise ValueError(f"Edge {start!r} -> {end!r} ends at an unknown node." + did_you_mean(end, nodes))
    for starts, end in sorted(graph.waiting_edges):
        if end != END and end not in nodes:
            raise ValueError(f"Edge {list(starts)} -> {end!r} ends at an unknown node." + did_you_mean(end, nodes))
    for source, branches in graph.branches.items():
        for name, branch in branches.items():
            for end in (branch.ends or {}).values():
                if end != END and end not in nodes:
                    raise ValueError(
                        f"Branch {name!r} of node {source!r} ends at an unknown node {end!r}."
                        + did_you_mean(end, nodes)
                    )
    for name, spec in graph.nodes.items():
        for end in spec.ends:
            if end != END and end not in nodes:
                raise ValueError(f"Node {name!r} declares unknown destination {end!r}." + did_you_mean(end, nodes))
    for name in interrupt or ():
        if name not in nodes:
            raise ValueError(f"Interrupt node {name!r} not found." + did_you_mean(name, nodes))
    _check_reachable(graph, strict)


def _check_reachable(graph: AnyStateGraph, strict: bool) -> None:
    """Look for nodes that nothing leads to.

    A function may return a ``Command`` or a ``Send`` to any node, so without ``strict`` this only warns, and only if
    no code of the graph seems to do that.
    """
    reached = {END, START}
    leads: dict[str, set[str]] = {}
    for start, end in graph.edges:
        leads.setdefault(start, set()).add(end)
    for starts, end in graph.waiting_edges:
        for start in starts:
            leads.setdefault(start, set()).add(end)
    for name, spec in graph.nodes.items():
        leads.setdefault(name, set()).update(spec.ends)
    anywhere = False
    for source, branches in graph.branches.items():
        for branch in branches.values():
            anywhere = anywhere or branch.ends is None
            leads.setdefault(source, set()).update((branch.ends or {}).values())
    if anywhere:
        return
    waiting = [START]
    while waiting:
        for end in leads.get(waiting.pop(), ()):
            if end not in reached:
                reached.add(end)
                waiting.append(end)
    lost = [name for name in graph.nodes if name not in reached]
    if not lost:
        return
    text = (
        f"Node {lost[0]!r} is unreachable: no edge, branch or declared destination leads to it. Add an edge to it, or "
        f"declare it where it is gone to: add_node(..., destinations=({lost[0]!r},))."
    )
    if strict:
        raise UnreachableNodeError(text)
    if not any(spec.may_jump for spec in graph.nodes.values()):
        warnings.warn(text, UnreachableNodeWarning, stacklevel=4)


__all__ = ("validate_graph",)
