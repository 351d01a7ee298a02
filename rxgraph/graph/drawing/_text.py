"""Pictures as plain text: boxes of ASCII, lines that run down and across.

Each layer of the layout becomes rows; between two layers as many rows are put in as the lines need that go across
there. A line goes down from its upper end, across in a row of its own, and down to its lower end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import floor
from typing import NamedTuple
from unicodedata import east_asian_width

from ._groups import Group, make_groups
from ._layout import Course, Gaps, Layout, Line, Place, Size, lay_out
from ._model import SEPARATOR, Edge, Node, Structure, label_of, notes_of
from ._run import STYLES, RunStates

Block = list[str]
"""Lines of one length."""


def text(structure: Structure, states: RunStates) -> str:
    """Return a picture as plain text; see ``Drawing.draw_ascii``."""
    return "\n".join(line.rstrip() for line in _draw(make_groups(structure), states))


def _draw(group: Group, states: RunStates) -> Block:
    touches: dict[str, int] = {}
    for edge in group.edges:
        for end in (group.child(edge.source), group.child(edge.target)):
            touches[end] = touches.get(end, 0) + 1
    blocks, insets = {}, {}
    for node in group.nodes:
        loops = [loop for loop in group.loops if loop.source == node.id]
        blocks[node.id], insets[node.id] = _box(node, touches.get(node.id, 0), loops, states)
    for inner in group.groups:
        blocks[inner.id] = _frame(_label(inner.name, states, inner.id), _draw(inner, states))
        insets[inner.id] = 0
    lines = [Line(group.child(edge.source), group.child(edge.target), _room(edge)) for edge in group.edges]
    sizes = {id: Size(len(block[0]), len(block)) for id, block in blocks.items()}
    return _Canvas(lay_out(sizes, lines, Gaps(4, 3, 1), insets), group.edges, blocks, insets).paint()


def _box(node: Node, touches: int, loops: list[Edge], states: RunStates) -> tuple[Block, int]:
    shown = [_label(node.name.split(SEPARATOR)[-1], states, node.id)]
    shown += [f"{key} = {value}" for key, value in notes_of(node)]
    shown = [line.expandtabs(1) for item in shown for line in item.splitlines() or [""]]
    # An odd width has a middle.
    width = max(*map(_width, shown), 2 * touches) | 1
    border = f"+{'-' * (width + 2)}+"
    block = [border, *(f"| {_centred(line, width)} |" for line in shown), border]
    if not loops:
        return block, 0
    conditional = all(loop.conditional for loop in loops)
    label = ", ".join(line for loop in loops for line in label_of(loop))
    side = 3 + (_width(label) + 1 if label else 0)
    dash, bar = (".", ":") if conditional else ("-", "|")
    right = [f"{dash * 2}+", *(f"  {bar}" for _ in shown), f"<{dash}+"]
    right[1] += f" {label}" if label else ""
    # As much room at the left, so that the box keeps the middle.
    return [
        " " * side + left + more + " " * (side - _width(more)) for left, more in zip(block, right, strict=True)
    ], side


def _frame(title: str, block: Block) -> Block:
    width = max(_width(block[0]), _width(title) + 2) | 1
    head = f" {title} ".center(width + 2 - _width(title) + len(title), "=")
    return [f"+{head}+", *(f"| {_centred(line, width)} |" for line in block), f"+{'=' * (width + 2)}+"]


def _label(name: str, states: RunStates, id: str) -> str:
    return f"[{STYLES[states.of[id]].mark}] {name}" if id in states.of else name


def _room(edge: Edge) -> Size | None:
    lines = label_of(edge)
    return Size(max(map(_width, lines)) + 2, len(lines)) if lines else None


def _width(line: str) -> int:
    """Return the columns that a terminal needs: ideographs take two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in line)


def _centred(line: str, width: int) -> str:
    return line.center(width - _width(line) + len(line))


class _Piece(NamedTuple):
    """A piece of a line between two layers: down one column, across, and down another.

    Args:
        upper, lower: The columns.
        after: The piece that it goes on from, by number; -1 if it comes from the upper layer.
        ends: Whether it goes down to the lower layer.
    """

    upper: int
    lower: int
    conditional: bool
    after: int = -1
    ends: bool = True

    @property
    def span(self) -> range:
        """The columns of its way across."""
        return range(min(self.upper, self.lower), max(self.upper, self.lower) + 1)


class _Bar(NamedTuple):
    """A piece of a line that goes down one column, from one row to before another."""

    x: int
    top: int
    bottom: int
    conditional: bool


class _Canvas:
    """Characters by place; what is put on later hides what was there."""

    def __init__(
        self, layout: Layout, edges: list[Edge], blocks: Mapping[str, Block], insets: Mapping[str, int]
    ) -> None:
        self.layout, self.blocks, self.insets = layout, blocks, insets
        self.ids = {place: id for id, place in layout.places.items()}
        self.ways = list(zip(layout.courses, edges, strict=True))
        self.cells: dict[tuple[int, int], str] = {}
        # Odd layers without labels have no rows: lines go on to the next layer.
        self.layers = [number for number, layer in enumerate(layout.layers) if number % 2 == 0 or _height(layer)]
        self.columns = [self._columns(course) for course in layout.courses]
        self._straighten()
        gaps: dict[int, list[_Piece]] = {number: [] for number in self.layers}
        for (_, edge), columns in zip(self.ways, self.columns, strict=True):
            for (number, upper), (_, lower) in pairwise(columns.items()):
                gaps[number].append(_Piece(upper, lower, edge.conditional))
        self.pieces = {number: _route(pieces) for number, pieces in gaps.items()}
        self.tops, self.bottoms = self._rows()

    def _columns(self, course: Course) -> dict[int, int]:
        """Return where a line passes the layers that have rows."""
        last = course.layer + len(course.stops) - 1
        passed = [number for number in self.layers if course.layer < number < last]
        return {
            course.layer: floor(course.leaves),
            **{number: floor(course.stops[number - course.layer].middle) for number in passed},
            last: floor(course.arrives),
        }

    def _straighten(self) -> None:
        """Let lines touch their boxes where they come from, if no other line does and the order of lines stays."""
        for course, columns in zip(self.layout.courses, self.columns, strict=True):
            numbers = list(columns)
            for end, place, inner in ((0, course.stops[0], 1), (-1, course.stops[-1], -2)):
                number, wish = numbers[end], columns[numbers[inner]]
                inset = floor(self.insets.get(self.ids[place], 0))
                others = [
                    other[number]
                    for one, other in zip(self.layout.courses, self.columns, strict=True)
                    if one is not course and one.stops[end] == place
                ]
                low, high = sorted((columns[number], wish))
                inside = floor(place.x + 0.5) + inset < wish < floor(place.x + place.width + 0.5) - inset - 1
                if inside and not any(low - 1 <= other <= high + 1 for other in others):
                    columns[number] = wish

    def _rows(self) -> tuple[dict[int, int], dict[int, int]]:
        tops, bottoms, y = {}, {}, 0
        for number in self.layers:
            tops[number] = y
            y += round(_height(self.layout.layers[number]))
            bottoms[number] = y
            # One row to leave a box, and one for the arrow that meets one.
            between_boxes = number % 2 == 0 and number + 1 not in self.layers
            y += max((row for _, row in self.pieces[number]), default=-1) + 1 + (2 if between_boxes else 1)
        return tops, bottoms

    def paint(self) -> Block:
        bars: list[_Bar] = []
        for (course, edge), columns in zip(self.ways, self.columns, strict=True):
            bars += self._through(course, columns, edge.conditional)
        corners = []
        for number, below in pairwise(self.layers):
            top, bottom = self.bottoms[number], self.tops[below]
            top_track = top + (number % 2 == 0)
            for piece, track in self.pieces[number]:
                start = top if piece.after < 0 else top_track + self.pieces[number][piece.after][1]
                row = top_track + max(track, 0)
                bars.append(_Bar(piece.upper, start, row, piece.conditional))
                if piece.ends:
                    bars.append(_Bar(piece.lower, row, bottom, piece.conditional))
                if track >= 0:
                    self.cells.update(((x, row), "." if piece.conditional else "-") for x in piece.span)
                    corners += [(piece.upper, row), (piece.lower, row)]
        for x, top, bottom, conditional in bars:
            self.cells.update(((x, y), ":" if conditional else "|") for y in range(top, bottom))
        self.cells.update((corner, "+") for corner in corners)
        for place, id in self.ids.items():
            number = next(number for number in self.layers if place in self.layout.layers[number])
            for row, line in enumerate(self.blocks[id]):
                self._write(floor(place.x + 0.5), self._row(place, number) + row, line)
        for (course, edge), columns in zip(self.ways, self.columns, strict=True):
            self._finish(course, columns, edge)
        width = max((x for x, _ in self.cells), default=-1) + 1
        height = max((y for _, y in self.cells), default=-1) + 1
        return ["".join(self.cells.get((x, y), " ") for x in range(width)) for y in range(height)]

    def _through(self, course: Course, columns: Mapping[int, int], conditional: bool) -> Iterator[_Bar]:
        """Yield the parts of a line inside layers: past boxes, and to its own boxes where these are low ones."""
        first, last = min(columns), max(columns)
        for number, x in columns.items():
            top = self._row(course.stops[0], number) if number == first else self.tops[number]
            bottom = self._row(course.stops[-1], number) if number == last else self.bottoms[number]
            yield _Bar(x, top, bottom, conditional)

    def _finish(self, course: Course, columns: Mapping[int, int], edge: Edge) -> None:
        """Put on the arrow and the label of a line."""
        first, last = min(columns), max(columns)
        if course.upward:
            upper = course.stops[0]
            self.cells[columns[first], self._row(upper, first) + round(upper.height)] = "^"
        else:
            self.cells[columns[last], self._row(course.stops[-1], last) - 1] = "v"
        if course.label is not None:
            top = self._row(course.label, first + 1)
            for row, line in enumerate(label_of(edge)):
                label = f" {line.expandtabs(1)} "
                self._write(columns[first + 1] - _width(label) // 2, top + row, label)

    def _row(self, place: Place, number: int) -> int:
        layer = self.layout.layers[number]
        return self.tops[number] + int(place.y - min(one.y for one in layer))

    def _write(self, x: int, y: int, line: str) -> None:
        # Room beside a box that holds nothing hides nothing.
        start = len(line) - len(line.lstrip()) if line.startswith("  ") else 0
        x += start
        for character in line[start:]:
            self.cells[x, y] = character
            if _width(character) == 2:
                self.cells[x + 1, y] = ""
            x += _width(character)


def _height(layer: list[Place]) -> float:
    return max((place.height for place in layer), default=0)


def _route(pieces: list[_Piece]) -> list[tuple[_Piece, int]]:
    """Return pieces with the row in which each goes across, counted from the upper layer; -1 for one that needs none.

    Pieces in one row don't touch. Where a piece comes down, another one may start: it is below that one. If they ask
    this of each other, one of them makes a detour over a column of its own.
    """
    pieces = list(pieces)
    rows = [-1] * len(pieces)
    left = [number for number, piece in enumerate(pieces) if piece.upper != piece.lower]
    row = 0
    while left:
        free = [number for number in left if _is_free(number, pieces, left)]
        if not free:
            number = left[0]
            piece, column = pieces[number], _free_column(pieces[number], pieces)
            pieces[number] = piece._replace(lower=column, ends=False)
            pieces.append(piece._replace(upper=column, after=number))
            rows.append(-1)
            left.append(len(pieces) - 1)
            continue
        taken: list[range] = []
        for number in sorted(free, key=lambda one: pieces[one].span.start):
            span = pieces[number].span
            if all(span.start > other.stop or span.stop < other.start for other in taken):
                rows[number] = row
                taken.append(span)
        left = [number for number in left if rows[number] < 0]
        row += 1
    return list(zip(pieces, rows, strict=True))


def _is_free(number: int, pieces: list[_Piece], left: list[int]) -> bool:
    piece = pieces[number]
    if piece.after in left:
        return False
    others = [pieces[other] for other in left if other != number and pieces[other].after < 0]
    return not piece.ends or all(piece.lower != other.upper for other in others)


def _free_column(piece: _Piece, pieces: list[_Piece]) -> int:
    """Return the column nearest to the middle of a piece that no line comes near."""
    used = {column + beside for one in pieces for column in (one.upper, one.lower) for beside in (-1, 0, 1)}
    middle = (piece.upper + piece.lower) // 2
    return min((column for column in range(max(used) + 2) if column not in used), key=lambda one: abs(one - middle))


__all__ = ("text",)
