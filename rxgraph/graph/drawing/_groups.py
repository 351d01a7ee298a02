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
        loops: From a node to itself.
        groups: Graphs inside it.
    """

    path: Path = ()
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    loops: list[Edge] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)

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
            group = group.groups.setdefault(name, Group((*group.path, name)))
        return group

    def child(self, id: str) -> str:
        """Return what holds a node at this level: the node's own id, or the id of the group that it is in."""
        path = tuple(id.split(SEPARATOR))
        depth = len(self.path) + 1
        return id if len(path) <= depth else SEPARATOR.join(path[:depth])

    def __iter__(self) -> Iterator[Group]:
        yield self
        for group in self.groups.values():
            yield from group


def make_groups(structure: Structure) -> Group:
    """Return a picture as a tree.

    Edges are looked at first: their order gives that of the groups.
    """
    root = Group()
    for edge in structure.edges:
        source, target = edge.source.split(SEPARATOR), edge.target.split(SEPARATOR)
        if edge.source == edge.target:
            root.at(tuple(source[:-1])).loops.append(edge)
            continue
        shared = 0
        while shared < min(len(source), len(target)) and source[shared] == target[shared]:
            shared += 1
        root.at(tuple(source[:shared])).edges.append(edge)
    for node in structure.nodes.values():
        root.at(tuple(node.id.split(SEPARATOR)[:-1])).nodes.append(node)
    return root


__all__ = ("Group", "make_groups")
