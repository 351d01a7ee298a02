"""A compiled graph in a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import AnyStateGraph

SHOWN = 6
"""Nodes that a ``repr`` names."""


class Summary:
    """The ``repr`` of a compiled graph."""

    builder: AnyStateGraph
    name: str

    def __repr__(self) -> str:
        names = list(self.builder.nodes)
        shown = ", ".join(names[:SHOWN]) + (f", and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        edges = len(self.builder.edge_list) + sum(len(starts) for starts, _ in self.builder.waiting_edge_list)
        branches = sum(map(len, self.builder.branches.values()))
        lines = f"{_count(edges, 'edge')}" + (f", {_count(branches, 'branch', 'branches')}" if branches else "")
        return f"<{type(self).__name__} {self.name!r} | {_count(len(names), 'node')}: {shown} | {lines}>"


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


__all__ = ("Summary",)
