"""A picture as shapes on a plane, the same for SVG and PNG. The unit is the pixel of a screen."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from math import hypot
from typing import Final, NamedTuple

from ._groups import Group, make_groups
from ._layout import Course, Gaps, Line, Place, Size, lay_out
from ._model import SEPARATOR, Edge, Node, Structure, label_of, notes_of
from ._run import STYLES, RunStates

FONT: Final = 14.0
SMALL: Final = 11.0
LEAD: Final = 1.35
"""Height of a line in sizes of its font."""

ARROW: Final = 8.0
"""Length of an arrow's head."""

INK: Final = "#333333"
FRAME: Final = "#9e9ac8"
FILLS: Final = {"": "#f2f0ff", "first": "#ffffff", "last": "#bfb6fc"}

Point = tuple[float, float]


class Label(NamedTuple):
    """A line of text around a point."""

    x: float
    y: float
    text: str
    size: float
    italic: bool = False


class Shape(NamedTuple):
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    stroke: str
    thick: float = 1.0
    title: str = ""


class Curve(NamedTuple):
    """A line of cubic curves: a first point, then three for each curve; its arrow is at the last."""

    points: tuple[Point, ...]
    dotted: bool

    @property
    def arrow(self) -> tuple[Point, Point, Point]:
        """The corners of its arrow, the tip first."""
        tip_x, tip_y = tip = self.points[-1]
        x, y = next(point for point in reversed(self.points) if point != tip)
        length = hypot(tip_x - x, tip_y - y)
        dx, dy = (tip_x - x) / length, (tip_y - y) / length
        back_x, back_y = tip_x - ARROW * dx, tip_y - ARROW * dy
        side = ARROW * 0.4
        return tip, (back_x - side * dy, back_y + side * dx), (back_x + side * dy, back_y - side * dx)


@dataclass
class Scene:
    """Everything to be painted, in that order."""

    size: Size
    shapes: list[Shape] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    plates: list[Shape] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def put(self, other: Scene, dx: float, dy: float) -> None:
        """Add what is in another scene, moved."""
        self.shapes += [shape._replace(x=shape.x + dx, y=shape.y + dy) for shape in other.shapes]
        self.plates += [shape._replace(x=shape.x + dx, y=shape.y + dy) for shape in other.plates]
        self.labels += [label._replace(x=label.x + dx, y=label.y + dy) for label in other.labels]
        self.curves += [Curve(tuple((x + dx, y + dy) for x, y in curve.points), curve.dotted) for curve in other.curves]


def make_scene(structure: Structure, states: RunStates, padding: float = 10) -> Scene:
    """Return a picture as shapes."""
    inner = _Painter(structure, states).group(make_groups(structure))
    scene = Scene(Size(inner.size.width + 2 * padding, inner.size.height + 2 * padding))
    scene.put(inner, padding, padding)
    return scene


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is in an ordinary sans-serif font."""
    wide = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
    return wide * size * 0.58


class _Painter:
    def __init__(self, structure: Structure, states: RunStates) -> None:
        self.states = states
        first, last = structure.first_node(), structure.last_node()
        self.kinds = {node.id: kind for node, kind in ((last, "last"), (first, "first")) if node}

    def group(self, group: Group) -> Scene:
        touches: dict[str, int] = {}
        for edge in group.edges:
            for end in (group.child(edge.source), group.child(edge.target)):
                touches[end] = touches.get(end, 0) + 1
        loops = {node.id: [loop for loop in group.loops if loop.source == node.id] for node in group.nodes}
        parts = {node.id: self._box(node, touches.get(node.id, 0), loops[node.id]) for node in group.nodes}
        parts.update((inner.id, self._frame(inner)) for inner in group.groups)
        insets = {id: _side(lines) for id, lines in loops.items() if lines}
        lines = [Line(group.child(edge.source), group.child(edge.target), _room(edge)) for edge in group.edges]
        layout = lay_out({id: part.size for id, part in parts.items()}, lines, Gaps(36, 18, 28), insets)
        scene = Scene(layout.size)
        for id, place in layout.places.items():
            scene.put(parts[id], place.x, place.y)
        for course, edge in zip(layout.courses, group.edges, strict=True):
            scene.curves.append(Curve(_curve(course), edge.conditional))
            if course.label is not None:
                said = label_of(edge)
                scene.plates.append(_plate(course.label, len(said)))
                scene.labels += _lines(said, course.label, SMALL)
        return scene

    def _box(self, node: Node, touches: int, loops: list[Edge]) -> Scene:
        names = node.name.split(SEPARATOR)[-1].splitlines() or [""]
        notes = [line for key, value in notes_of(node) for line in f"{key} = {value}".splitlines()]
        widths = [text_width(name, FONT) for name in names] + [text_width(note, SMALL) for note in notes]
        kind = self.kinds.get(node.id, "")
        width = max(*widths, 30.0, touches * 14.0) + (36 if kind else 24)
        height = len(names) * FONT * LEAD + len(notes) * SMALL * LEAD + 16
        side = _side(loops)
        state = self.states.of.get(node.id)
        fill, stroke, thick = (STYLES[state].fill, STYLES[state].stroke, 2.0) if state else (FILLS[kind], FRAME, 1.0)
        scene = Scene(Size(width + 2 * side, height))
        scene.shapes.append(Shape(side, 0, width, height, height / 2 if kind else 5, fill, stroke, thick, state or ""))
        scene.labels += _lines(names, Place(side, 8, width, len(names) * FONT * LEAD), FONT)
        room = Place(side, 8 + len(names) * FONT * LEAD, width, len(notes) * SMALL * LEAD)
        scene.labels += _lines(notes, room, SMALL, italic=True)
        if loops:
            right, out = side + width, side + width + 26
            points = ((right, height * 0.3), (out, height * 0.05), (out, height * 0.95), (right, height * 0.7))
            scene.curves.append(Curve(points, all(loop.conditional for loop in loops)))
            said = _loop_label(loops)
            if said:
                room = Place(right + 22, 0, text_width(said, SMALL), height)
                scene.labels += _lines([said], room, SMALL)
        return scene

    def _frame(self, group: Group) -> Scene:
        inner, title = self.group(group), text_width(group.name, FONT)
        width, top = max(inner.size.width, title) + 32, FONT * LEAD + 14
        state = self.states.of.get(group.id)
        fill, stroke, thick = (STYLES[state].fill, STYLES[state].stroke, 2.0) if state else ("#fafaff", FRAME, 1.0)
        scene = Scene(Size(width, inner.size.height + top + 16))
        scene.shapes.append(Shape(0, 0, *scene.size, 8, fill, stroke, thick, state or ""))
        scene.labels += _lines([group.name], Place(0, 6, width, FONT * LEAD), FONT)
        scene.put(inner, (width - inner.size.width) / 2, top)
        return scene


def _loop_label(loops: list[Edge]) -> str:
    return ", ".join(line for loop in loops for line in label_of(loop))


def _side(loops: list[Edge]) -> float:
    """Return the room that loops take at the right of a box; as much is left free at the left."""
    return 26 + text_width(_loop_label(loops), SMALL) if loops else 0.0


def _room(edge: Edge) -> Size | None:
    lines = label_of(edge)
    return Size(max(text_width(line, SMALL) for line in lines) + 10, len(lines) * SMALL * LEAD + 2) if lines else None


def _plate(room: Place, lines: int) -> Shape:
    """A white ground for a label, so that its line doesn't run through it."""
    height = lines * SMALL * LEAD + 2
    return Shape(room.x + 2, room.y + (room.height - height) / 2, room.width - 4, height, 3, "#ffffff", "none", 0)


def _lines(lines: list[str], room: Place, size: float, italic: bool = False) -> list[Label]:
    step = size * LEAD
    top = room.y + room.height / 2 - step * (len(lines) - 1) / 2
    return [Label(room.middle, top + number * step, line, size, italic) for number, line in enumerate(lines)]


def _curve(course: Course) -> tuple[Point, ...]:
    """Return a line that goes straight through each layer, and bends between layers."""
    points: list[Point] = [(course.leaves, course.stops[0].bottom)]
    for stop in course.stops[1:-1]:
        # A layer without height has no room between it and the next one, either.
        for y in (stop.y, stop.bottom) if stop.height else ():
            points += _bend(points[-1], (stop.middle, y))
    points += _bend(points[-1], (course.arrives, course.stops[-1].y))
    return tuple(reversed(points)) if course.upward else tuple(points)


def _bend(start: Point, end: Point) -> list[Point]:
    middle = (start[1] + end[1]) / 2
    return [(start[0], middle), (end[0], middle), end]


__all__ = ("FONT", "INK", "Curve", "Label", "Scene", "Shape", "make_scene", "text_width")
