"""A picture as a tree: inner graphs are groups, and an edge belongs to the innermost group that holds both its ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ._model import SEPARATOR, Edge, Node, Structure

Path = tuple[str, ...]


@dataclass
class Group:
    """The picture, or an inner graph of it.

    Args:
        path: Names of the graphs around its nodes.
        nodes: Its own.
        edges: Between its own nodes and groups.
        parts: Loops, from a node to itself, and graphs inside it, in the order of their first edges.
    """

    path: Path = ()
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    parts: list[Edge | Group] = field(default_factory=list)

    @property
    def loops(self) -> list[Edge]:
        """Edges from a node to itself."""
        return [part for part in self.parts if isinstance(part, Edge)]

    @property
    def groups(self) -> list[Group]:
        """Graphs inside it."""
        return [part for part in self.parts if isinstance(part, Group)]

    @property
    def id(self) -> str:
        """Its path as it stands in front of the ids of its nodes."""
        return SEPARATOR.join(self.path)

    @property
    def name(self) -> str:
        """The last part of its path; empty for the picture."""
        return self.path[-1] if self.path else ""

    def at(self, path: Path) -> Group:
        """Return the group of a path, made if it is new."""
        group = self
        for name in path:
            found = next((inner for inner in group.groups if inner.name == name), None)
            if found is None:
                found = Group((*group.path, name))
                group.parts.append(found)
            group = found
        return group

    def child(self, id: str) -> str:
        """Return what holds a node at this level: the node's own id, or the id of the group that it is in."""
        path = tuple(id.split(SEPARATOR))
        depth = len(self.path) + 1
        return id if len(path) <= depth else SEPARATOR.join(path[:depth])

    def __iter__(self) -> Iterator[Group]:
        yield self
        for group in self.groups:
            yield from group


def make_groups(structure: Structure) -> Group:
    """Return a picture as a tree.

    Edges are looked at first: their order gives that of the groups, to which loops inside them add nothing.
    """
    root = Group()
    # Loops come last, so that they bring no group forward, and are then put in their order.
    for edge in sorted(structure.edges, key=lambda edge: edge.source == edge.target):
        source, target = edge.source.split(SEPARATOR), edge.target.split(SEPARATOR)
        if edge.source == edge.target:
            root.at(tuple(source[:-1])).parts.append(edge)
            continue
        shared = 0
        while shared < min(len(source), len(target)) and source[shared] == target[shared]:
            shared += 1
        root.at(tuple(source[:shared])).edges.append(edge)
    numbers = {id(edge): number for number, edge in enumerate(structure.edges)}
    for group in root:
        group.parts.sort(key=lambda part: min((numbers[id(edge)] for edge in _leading(part)), default=len(numbers)))
    for node in structure.nodes.values():
        root.at(tuple(node.id.split(SEPARATOR)[:-1])).nodes.append(node)
    return root


def _leading(part: Edge | Group) -> list[Edge]:
    """Return the edges of which the first gives the part its place: its own, or of graphs inside it if it has none."""
    if isinstance(part, Edge):
        return [part]
    return part.edges or [edge for group in part for edge in group.edges]


__all__ = ("Group", "make_groups")
