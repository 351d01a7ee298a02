"""Where boxes and lines go: a layered layout, from top to bottom, in whatever unit the sizes are given.

Four steps, as Sugiyama, Tagawa and Toda described them in 1981:

1. Edges that close a cycle are turned round, so that the rest has a direction.
2. Each box gets a layer below all boxes that lead to it. Boxes stand in even layers; odd layers hold the labels of
   edges. An edge over several layers becomes a chain of bends.
3. Layers are put in an order with few crossings: each box goes to the middle of its neighbours, down and up in turns.
4. Boxes move towards their neighbours as far as the order and the gaps allow, which is a least-squares problem with
   an exact solution for one layer: pool adjacent violators.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

SWEEPS: Final = 12


class Size(NamedTuple):
    """Room that a box or a label takes."""

    width: float
    height: float


class Line(NamedTuple):
    """An edge to be laid out.

    Args:
        source, target: Ids of boxes.
        label: Room for its label; ``None`` without one.
    """

    source: str
    target: str
    label: Size | None = None


class Gaps(NamedTuple):
    """Room between neighbours in a layer, between lines, and between layers."""

    across: float
    lines: float
    down: float


class Place(NamedTuple):
    """Where something is: its left upper corner, and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The middle of its width."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


@dataclass
class Course:
    """The way of an edge, from the upper box to the lower one.

    Args:
        layer: Layer of the upper box; each stop is one layer below the one before.
        stops: Places that it passes, those of its boxes first and last; lines go down through each.
        upward: Whether the edge leads from the lower box to the upper one.
        leaves, arrives: Where it touches the upper and the lower box.
        label: Place of its label.
    """

    layer: int
    stops: list[Place]
    upward: bool
    leaves: float
    arrives: float
    label: Place | None = None


@dataclass
class Layout:
    """Places of boxes by id, courses of lines in their order, and the size of the whole."""

    places: dict[str, Place]
    courses: list[Course]
    layers: list[list[Place]]
    size: Size


@dataclass
class _Item:
    """A box, a bend or a label, on its way to a place."""

    id: str
    size: Size
    layer: int = 0
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0.0
    bend: bool = False


def lay_out(
    boxes: Mapping[str, Size], lines: Sequence[Line], gaps: Gaps, insets: Mapping[str, float] | None = None
) -> Layout:
    """Place boxes and lines; lines from a box to itself are not taken.

    Args:
        insets: Room at both sides of a box that lines don't touch.
    """
    graph = _Graph(boxes, lines, insets or {})
    graph.order()
    graph.align(gaps)
    return graph.place(gaps)


class _Graph:
    def __init__(self, boxes: Mapping[str, Size], lines: Sequence[Line], insets: Mapping[str, float]) -> None:
        self.insets = insets
        self.items = [_Item(id, size) for id, size in boxes.items()]
        self.number = {id: place for place, id in enumerate(boxes)}
        self.turned = _turned(list(boxes), [(line.source, line.target) for line in lines])
        self.lines = lines
        self._rank()
        self.chains = [self._chain(line, turned) for line, turned in zip(lines, self.turned, strict=True)]
        count = max((item.layer for item in self.items), default=-1) + 1
        self.layers: list[list[int]] = [[] for _ in range(count)]
        for place, item in enumerate(self.items):
            self.layers[item.layer].append(place)

    def _ends(self, line: Line, turned: bool) -> tuple[int, int]:
        source, target = self.number[line.source], self.number[line.target]
        return (target, source) if turned else (source, target)

    def _rank(self) -> None:
        """Put each box two layers below the lowest box that leads to it."""
        below: list[list[int]] = [[] for _ in self.items]
        missing = [0] * len(self.items)
        for line, turned in zip(self.lines, self.turned, strict=True):
            upper, lower = self._ends(line, turned)
            below[upper].append(lower)
            missing[lower] += 1
        ready = [place for place, count in enumerate(missing) if not count]
        for place in ready:
            for lower in below[place]:
                self.items[lower].layer = max(self.items[lower].layer, self.items[place].layer + 2)
                missing[lower] -= 1
                if not missing[lower]:
                    ready.append(lower)

    def _chain(self, line: Line, turned: bool) -> list[int]:
        upper, lower = self._ends(line, turned)
        chain = [upper]
        for layer in range(self.items[upper].layer + 1, self.items[lower].layer):
            # The label stands below the upper box of a turned edge, too: that is where its arrow is.
            size = line.label if line.label and layer == self.items[upper].layer + 1 else Size(0, 0)
            self.items.append(_Item("", size, layer, bend=True))
            chain.append(len(self.items) - 1)
        chain.append(lower)
        for one, other in pairwise(chain):
            self.items[one].below.append(other)
            self.items[other].above.append(one)
        return chain

    # --- the order in a layer

    def order(self) -> None:
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            steps = list(pairwise(self.layers if down else self.layers[::-1]))
            for before, layer in steps:
                self._sort(layer, _positions(before), down)
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _sort(self, layer: list[int], before: Mapping[int, float], down: bool) -> None:
        """Put the items of a layer in the order of the middles of their neighbours in the layer before."""
        own, middles = _positions(layer), {}
        for place in layer:
            neighbours = self.items[place].above if down else self.items[place].below
            middles[place] = _mean([before[one] for one in neighbours], own[place])
        layer.sort(key=middles.__getitem__)

    def _crossings(self) -> int:
        count = 0
        for upper, lower in pairwise(self.layers):
            positions = _positions(lower)
            seen: list[float] = []
            for place in upper:
                ends = sorted(positions[one] for one in self.items[place].below)
                count += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return count

    # --- places

    def align(self, gaps: Gaps) -> None:
        for layer in self.layers:
            for place, offset in zip(layer, self._offsets(layer, gaps), strict=True):
                self.items[place].x = offset
        for sweep in range(SWEEPS):
            for layer in self.layers[1:] if sweep % 2 == 0 else self.layers[-2::-1]:
                self._pull(layer, gaps, sweep % 2 == 0)
        left = min((item.x - item.size.width / 2 for item in self.items), default=0)
        for item in self.items:
            item.x -= left

    def _offsets(self, layer: list[int], gaps: Gaps) -> list[float]:
        """Return how far each item of a layer is from the first, middle to middle, if all stand close together."""
        offsets, at = [], 0.0
        for position, place in enumerate(layer):
            item = self.items[place]
            if position:
                before = self.items[layer[position - 1]]
                gap = gaps.lines if before.bend and item.bend else gaps.across
                at += (before.size.width + item.size.width) / 2 + gap
            offsets.append(at)
        return offsets

    def _pull(self, layer: list[int], gaps: Gaps, down: bool) -> None:
        offsets = self._offsets(layer, gaps)
        wishes = []
        for place, offset in zip(layer, offsets, strict=True):
            item = self.items[place]
            neighbours = (item.above if down else item.below) or item.above or item.below
            wishes.append(_mean([self.items[one].x for one in neighbours], item.x) - offset)
        for place, offset, x in zip(layer, offsets, _pooled(wishes), strict=True):
            self.items[place].x = offset + x

    def place(self, gaps: Gaps) -> Layout:
        places: dict[int, Place] = {}
        y, layers = 0.0, []
        for number, layer in enumerate(self.layers):
            height = max(self.items[place].size.height for place in layer)
            for place in layer:
                item = self.items[place]
                # Bends go through the whole of their layer.
                size = Size(item.size.width, height) if item.bend else item.size
                places[place] = Place(item.x - size.width / 2, y + (height - size.height) / 2, *size)
            layers.append([places[place] for place in layer])
            y += height + (gaps.down if height or number % 2 == 0 else 0)
        courses = [self._course(chain, places, turned) for chain, turned in zip(self.chains, self.turned, strict=True)]
        self._touch(courses)
        for course, line, chain in zip(courses, self.lines, self.chains, strict=True):
            course.label = places[chain[1]] if line.label else None
        width = max((place.x + place.width for place in places.values()), default=0.0)
        boxes = {item.id: places[number] for number, item in enumerate(self.items) if not item.bend}
        bottom = max((place.bottom for place in places.values()), default=0.0)
        return Layout(boxes, courses, layers, Size(width, bottom))

    def _course(self, chain: list[int], places: Mapping[int, Place], turned: bool) -> Course:
        stops = [places[place] for place in chain]
        return Course(self.items[chain[0]].layer, stops, turned, stops[0].middle, stops[-1].middle)

    def _touch(self, courses: list[Course]) -> None:
        """Spread the lines that touch a box over its width, in the order of where they go."""
        upper: dict[int, list[Course]] = {}
        lower: dict[int, list[Course]] = {}
        for chain, course in zip(self.chains, courses, strict=True):
            upper.setdefault(chain[0], []).append(course)
            lower.setdefault(chain[-1], []).append(course)
        for number, at_box in upper.items():
            at_box.sort(key=lambda course: course.stops[1].middle)
            for course, x in zip(at_box, self._spread(number, at_box[0].stops[0], len(at_box)), strict=True):
                course.leaves = x
        for number, at_box in lower.items():
            at_box.sort(key=lambda course: course.stops[-2].middle)
            for course, x in zip(at_box, self._spread(number, at_box[0].stops[-1], len(at_box)), strict=True):
                course.arrives = x

    def _spread(self, number: int, place: Place, count: int) -> list[float]:
        inset = self.insets.get(self.items[number].id, 0.0)
        step = (place.width - 2 * inset) / (count + 1)
        return [place.x + inset + step * (at + 1) for at in range(count)]


def _turned(boxes: list[str], lines: list[tuple[str, str]]) -> list[bool]:
    """Return which lines close a cycle, when the graph is walked in depth from its first box on."""
    leaving: dict[str, list[int]] = {box: [] for box in boxes}
    for number, (source, _) in enumerate(lines):
        leaving[source].append(number)
    turned = [False] * len(lines)
    begun: set[str] = set()
    open_: set[str] = set()
    targets = {target for _, target in lines}
    # Boxes that nothing leads to first: from elsewhere, their own lines might be taken for the way back.
    for start in sorted(boxes, key=lambda box: box in targets):
        if start in begun:
            continue
        begun.add(start)
        open_.add(start)
        trail = [(start, iter(leaving[start]))]
        while trail:
            box, numbers = trail[-1]
            number = next(numbers, -1)
            if number < 0:
                open_.discard(box)
                trail.pop()
                continue
            target = lines[number][1]
            if target in open_:
                turned[number] = True
            elif target not in begun:
                begun.add(target)
                open_.add(target)
                trail.append((target, iter(leaving[target])))
    return turned


def _positions(layer: list[int]) -> dict[int, float]:
    # Between 0 and 1, so that layers of unlike length can be compared.
    return {place: (position + 0.5) / len(layer) for position, place in enumerate(layer)}


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _pooled(wishes: Iterable[float]) -> list[float]:
    """Return the non-decreasing numbers that are closest to these."""
    pools: list[tuple[float, int]] = []
    for wish in wishes:
        pools.append((wish, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, size), (other, more) = pools[-2:]
            pools[-2:] = [((one * size + other * more) / (size + more), size + more)]
    return [value for value, size in pools for _ in range(size)]


__all__ = ("Course", "Gaps", "Layout", "Line", "Place", "Size", "lay_out")
