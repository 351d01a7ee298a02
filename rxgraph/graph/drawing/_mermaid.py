"""Pictures as Mermaid text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._groups import Group, make_groups
from ._model import SEPARATOR, CurveStyle, Edge, Node, NodeStyles, Structure, notes_of
from ._run import STYLES, RunStates
from ._yaml import dump_yaml

MARKDOWN = "*_`"
"""Mermaid would take a name between these for formatted text, were it not a paragraph."""


def mermaid(
    structure: Structure,
    *,
    with_styles: bool,
    curve_style: CurveStyle | str,
    node_colors: NodeStyles | None,
    wrap_label_n_words: int,
    frontmatter_config: Mapping[str, Any] | None,
    states: RunStates,
) -> str:
    """Return a picture as Mermaid text; see ``Drawing.draw_mermaid``."""
    lines = [f"---\n{_front(frontmatter_config, _curve(curve_style))}---"] if with_styles else []
    lines.append("graph TD;")
    text = _Text(structure, with_styles, wrap_label_n_words)
    lines.extend(text.group(make_groups(structure)))
    if with_styles:
        colors = node_colors or NodeStyles()
        lines += [f"\tclassDef {kind} {getattr(colors, kind)}" for kind in ("default", "first", "last")]
    for state, ids in states.by_state().items():
        lines.append(f"\tclassDef {state} {STYLES[state].css}")
        lines.append(f"\tclass {','.join(map(text.id, ids))} {state}")
    return "\n".join(lines) + "\n"


class _Text:
    def __init__(self, structure: Structure, declared: bool, words: int) -> None:
        if words < 1:
            raise ValueError(f"draw_mermaid(wrap_label_n_words=...) must be at least 1, got {words!r}.")
        self.declared, self.words = declared, words
        first, last = structure.first_node(), structure.last_node()
        self.first, self.last = first and first.id, last and last.id
        self.titles: set[str] = set()
        self.group_ids: dict[str, str] = {}

    def id(self, id: str) -> str:
        """Return the id as Mermaid knows it, of a node or of a group."""
        return self.group_ids.get(id) or _escape(id)

    def group(self, group: Group) -> Iterator[str]:
        if not self.declared and not any(inner.edges or inner.loops for inner in group):
            return
        if group.path:
            yield f"\tsubgraph {self._title(group)}"
        if self.declared:
            yield from map(self._node, group.nodes)
        yield from map(self._edge, group.edges)
        for part in group.parts:
            yield from self.group(part) if isinstance(part, Group) else (self._edge(part),)
        if group.path:
            yield "\tend"

    def _title(self, group: Group) -> str:
        """Return the name of a group, with an id of its own where Mermaid could not take the name for one."""
        name = group.name
        if name not in self.titles and re.fullmatch(r"[\w .-]*\w", name):
            self.titles.add(name)
            self.group_ids[group.id] = name
            return name
        self.group_ids[group.id] = _escape(group.id)
        return f'{_escape(group.id)}["{name.replace(chr(34), "#quot;")}"]'

    def _node(self, node: Node) -> str:
        name = node.name.split(SEPARATOR)[-1]
        if name.startswith(tuple(MARKDOWN)) and name.endswith(tuple(MARKDOWN)):
            name = f"<p>{name}</p>"
        if notes := notes_of(node):
            shown = "\n".join(f"{_plain(key)} = {_plain(value)}" for key, value in notes)
            name = f"{name}<hr/><small><em>{shown}</em></small>"
        if node.id in (self.first, self.last):
            kind = "last" if node.id == self.last else "first"
            return f"\t{_escape(node.id)}([{name}]):::{kind}"
        return f"\t{_escape(node.id)}({name})"

    def _edge(self, edge: Edge) -> str:
        source, target = _escape(edge.source), _escape(edge.target)
        if edge.data is None:
            return f"\t{source} {'-.->' if edge.conditional else '-->'} {target};"
        label = str(edge.data)
        words = label.split()
        if len(words) > self.words:
            chunks = (" ".join(words[at : at + self.words]) for at in range(0, len(words), self.words))
            label = "&nbsp<br>&nbsp".join(chunks)
        left, right = ("-.", ".->") if edge.conditional else ("--", "-->")
        return f"\t{source} {left} &nbsp;{label}&nbsp; {right} {target};"


def _escape(id: str) -> str:
    """Return an id in which only ASCII letters, digits, dash and underscore stand for themselves."""
    return re.sub(r"[^a-zA-Z0-9_-]", lambda found: f"\\{ord(found[0]):x}", id)


def _plain(text: str) -> str:
    """Return a text in which nothing is Mermaid's syntax or HTML."""
    return re.sub(r"[#<>|()\[\]{}]", lambda found: f"#{ord(found[0])};", text).replace('"', "#quot;")


def _curve(style: CurveStyle | str) -> str:
    # An enum of the same values may come from elsewhere.
    value = getattr(style, "value", style)
    known = [one.value for one in CurveStyle]
    if value not in known:
        raise ValueError(f"draw_mermaid(curve_style=...) got {style!r}: expected one of {', '.join(known)}.")
    return str(value)


def _front(config: Mapping[str, Any] | None, curve: str) -> str:
    front = dict(config or {})
    inner = dict(front.get("config") or {})
    inner["flowchart"] = {**(inner.get("flowchart") or {}), "curve": curve}
    return dump_yaml({**front, "config": inner})


__all__ = ("mermaid",)
