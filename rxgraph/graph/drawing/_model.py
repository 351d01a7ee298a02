"""The picture of a graph as data: nodes, edges, and what can be done with them before they are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from textwrap import wrap
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

SEPARATOR: Final = ":"
"""Stands between the name of an inner graph and the id of its node."""


LABEL_WIDTH: Final = 28
"""Letters in a line of an edge's label, in text and images."""


class Node(NamedTuple):
    """A node of a picture.

    Args:
        id: Unique in the picture; of a node inside another graph ``outer:inner``.
        name: Shown.
        data: What it runs: a callable, a compiled graph, or ``None`` for the end.
        metadata: Shown below the name.
    """

    id: str
    name: str
    data: Any = None
    metadata: dict[str, Any] | None = None

    def copy(self, *, id: str | None = None, name: str | None = None) -> Node:
        """Return the node under another id or name."""
        return self._replace(id=id or self.id, name=name or self.name)


class Edge(NamedTuple):
    """An edge of a picture; its ends are ids.

    Args:
        data: Its label.
        conditional: Drawn dotted: a run may take it, or not.
    """

    source: str
    target: str
    data: Any = None
    conditional: bool = False

    def copy(self, *, source: str | None = None, target: str | None = None) -> Edge:
        """Return the edge between other nodes."""
        return self._replace(source=source or self.source, target=target or self.target)


def notes_of(node: Node) -> list[tuple[str, str]]:
    """Return the metadata that is drawn, as text: plain values, and lists of them."""
    notes = []
    for key, value in (node.metadata or {}).items():
        parts = list(value) if isinstance(value, (list, tuple, set)) else [value]
        if all(isinstance(part, (str, int, float)) for part in parts):
            notes.append((str(key), ", ".join(map(str, parts))))
    return notes


def label_of(edge: Edge) -> list[str]:
    """Return the label as lines of a readable length; none without a label."""
    if edge.data is None:
        return []
    return [line for part in str(edge.data).splitlines() for line in wrap(part, LABEL_WIDTH)]


class CurveStyle(Enum):
    """How Mermaid bends the lines."""

    BASIS = "basis"
    BUMP_X = "bumpX"
    BUMP_Y = "bumpY"
    CARDINAL = "cardinal"
    CATMULL_ROM = "catmullRom"
    LINEAR = "linear"
    MONOTONE_X = "monotoneX"
    MONOTONE_Y = "monotoneY"
    NATURAL = "natural"
    STEP = "step"
    STEP_AFTER = "stepAfter"
    STEP_BEFORE = "stepBefore"


@dataclass(frozen=True)
class NodeStyles:
    """Mermaid styles, i.e. CSS, of nodes: of all, of the first, of the last."""

    default: str = "fill:#f2f0ff,line-height:1.2"
    first: str = "fill-opacity:0"
    last: str = "fill:#bfb6fc"


@dataclass
class Structure:
    """Nodes and edges in the order in which they are drawn."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.nodes)

    # --- building

    def next_id(self) -> str:
        """Return an id that no node has."""
        return uuid4().hex

    def add_node(self, data: Any, id: str | None = None, *, metadata: dict[str, Any] | None = None) -> Node:
        """Add a node; without an id it gets a random one, and the name of its data.

        Raises:
            ValueError: The id is taken.
        """
        if id is not None and id in self.nodes:
            raise ValueError(f"Node with id {id!r} already exists in this picture. Give each node an id of its own.")
        node_id = id or self.next_id()
        node = Node(node_id, id or (node_id if data is None else _name_of(data)), data, metadata)
        self.nodes[node_id] = node
        return node

    def remove_node(self, node: Node) -> None:
        """Remove a node and the edges that touch it."""
        del self.nodes[node.id]
        self.edges = [edge for edge in self.edges if node.id not in (edge.source, edge.target)]

    def add_edge(self, source: Node, target: Node, data: Any = None, conditional: bool = False) -> Edge:
        """Add an edge.

        Raises:
            ValueError: One of its ends is no node of this picture.
        """
        for end, node in (("Source", source), ("Target", target)):
            if node.id not in self.nodes:
                raise ValueError(f"{end} node {node.id!r} of an edge is not in this picture. Add it with add_node().")
        edge = Edge(source.id, target.id, data, conditional)
        self.edges.append(edge)
        return edge

    def extend(self, graph: Structure, *, prefix: str = "") -> tuple[Node | None, Node | None]:
        """Add all nodes and edges of another picture, their ids put behind *prefix*.

        Shapes: returns the first and the last node of what was added; ``None`` where there is no single one.
        """
        added = {old: node.copy(id=f"{prefix}{SEPARATOR}{old}" if prefix else old) for old, node in graph.nodes.items()}
        self.nodes.update((node.id, node) for node in added.values())
        self.edges.extend(edge.copy(source=added[edge.source].id, target=added[edge.target].id) for edge in graph.edges)
        first, last = graph.first_node(), graph.last_node()
        return (added[first.id] if first else None), (added[last.id] if last else None)

    def reid(self) -> Structure:
        """Return a copy in which names take the place of random ids, numbered where a name comes twice."""
        ids = self._readable_ids()
        return type(self)(
            {ids[old]: node.copy(id=ids[old]) for old, node in self.nodes.items()},
            [edge.copy(source=ids[edge.source], target=ids[edge.target]) for edge in self.edges],
        )

    def _readable_ids(self) -> dict[str, str]:
        count = Counter(node.name for node in self.nodes.values() if _is_random(node.id))
        taken = {id for id in self.nodes if not _is_random(id)}
        ids: dict[str, str] = {}
        for id, node in self.nodes.items():
            ids[id] = id
            if _is_random(id):
                numbered = (f"{node.name}_{number}" for number in range(1, len(self.nodes) * 2 + 1))
                candidates: Iterator[str] = numbered if count[node.name] > 1 else iter((node.name, *numbered))
                ids[id] = next(name for name in candidates if name not in taken)
                taken.add(ids[id])
        return ids

    # --- ends

    def first_node(self) -> Node | None:
        """Return the only node that no edge leads to; ``None`` if there are more, or none."""
        return self._only_end("target", ())

    def last_node(self) -> Node | None:
        """Return the only node that no edge leads away from; ``None`` if there are more, or none."""
        return self._only_end("source", ())

    def trim_first_node(self) -> None:
        """Remove the first node, if one edge leads from it to what then is the first."""
        first = self.first_node()
        if first and self._only_end("target", (first.id,)) and self._count_edges("source", first) == 1:
            self.remove_node(first)

    def trim_last_node(self) -> None:
        """Remove the last node, if one edge leads to it from what then is the last."""
        last = self.last_node()
        if last and self._only_end("source", (last.id,)) and self._count_edges("target", last) == 1:
            self.remove_node(last)

    def _only_end(self, side: str, without: Collection[str]) -> Node | None:
        other = {"source": "target", "target": "source"}[side]
        touched = {getattr(edge, side) for edge in self.edges if getattr(edge, other) not in without}
        found = [node for node in self.nodes.values() if node.id not in touched and node.id not in without]
        return found[0] if len(found) == 1 else None

    def _count_edges(self, side: str, node: Node) -> int:
        # Equal edges count once.
        return len(
            {(*edge[:2], str(edge.data), edge.conditional) for edge in self.edges if getattr(edge, side) == node.id}
        )

    # --- data

    def to_json(self, *, with_schemas: bool = False) -> dict[str, list[dict[str, Any]]]:
        """Return the picture as plain lists and dicts; random ids become numbers.

        Args:
            with_schemas: Show the JSON schema of a node that is a model class, not only its name.
        """
        ids: Mapping[str, Any] = {id: place if _is_random(id) else id for place, id in enumerate(self.nodes)}
        nodes = []
        for node in self.nodes.values():
            shown = {"id": ids[node.id], **_data_of(node, with_schemas)}
            if node.metadata is not None:
                shown["metadata"] = node.metadata
            nodes.append(shown)
        edges = []
        for edge in self.edges:
            line = {"source": ids[edge.source], "target": ids[edge.target]}
            if edge.data is not None:
                line["data"] = edge.data
            if edge.conditional:
                line["conditional"] = True
            edges.append(line)
        return {"nodes": nodes, "edges": edges}


def _is_random(id: str) -> bool:
    try:
        UUID(id)
    except ValueError:
        return False
    return True


def _name_of(data: Any) -> str:
    if hasattr(data, "get_name"):
        return str(data.get_name())
    return getattr(data, "__name__", None) or type(data).__name__


def _data_of(node: Node, with_schemas: bool) -> dict[str, Any]:
    data = node.data
    if data is None:
        return {}
    if isinstance(data, type) and hasattr(data, "model_json_schema"):
        return {"type": "schema", "data": data.model_json_schema() if with_schemas else node.name}
    if isinstance(data, (str, bytes, int, float, complex, list, tuple, dict, set, frozenset)):
        return {"type": "unknown", "data": node.name}
    home = data if hasattr(data, "__qualname__") else type(data)
    module = getattr(home, "__module__", None) or "builtins"
    return {"type": "runnable", "data": {"id": [*module.split("."), home.__qualname__], "name": node.name}}


__all__ = ("SEPARATOR", "CurveStyle", "Edge", "Node", "NodeStyles", "Structure", "label_of", "notes_of")
