"""Which edges a picture has: found by walking the graph as a run would, every branch going every way that it declares.

The walk is a run without nodes. A superstep follows the static edges of its nodes, each time, and their declared ends
(of branches, ``Command`` annotations and ``destinations``) the first time only: so the walk of a graph whose loops are
all conditional ends, and a walk around a static loop is cut off.

1. A join is passed once all of its nodes have been left, and so is not drawn if one of them is never reached.
2. A deferred node comes when nothing else is left, after whatever ran last.
3. Nodes that lead nowhere lead to END. If nothing leads there, the last node that ran alone might have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rxgraph.constants import END, START

LIMIT: Final = 251
"""Supersteps of a walk, the start among them; or twice the number of the nodes, if that is more."""


class Stop(NamedTuple):
    """A node as the walk sees it.

    Args:
        nexts: Nodes that its static edges lead to; without END, which is where they lead if there are none.
        ends: Declared ends as ``(node or END, label)``; the label ``None`` says no more than the name.
        deferred: Whether it waits until nothing else is left.
    """

    nexts: tuple[str, ...] = ()
    ends: tuple[tuple[str, str | None], ...] = ()
    deferred: bool = False


class Route(NamedTuple):
    """An edge of a picture."""

    source: str
    target: str
    label: str | None
    conditional: bool


class How(NamedTuple):
    """How one node leads to another."""

    label: str | None
    conditional: bool


STATIC: Final = How(None, False)


def find_routes(
    stops: Mapping[str, Stop], joins: Iterable[tuple[tuple[str, ...], str]] = (), begins_outside: bool = False
) -> list[Route]:
    """Return the edges of a graph, sorted, those to END that nobody declared at the end.

    Args:
        stops: By name, START among them.
        joins: Edges that wait for several nodes.
        begins_outside: START is no node that runs, so its ways don't count among those that lead to END.
    """
    walk = _Walk(stops, tuple(joins))
    for _ in range(max(LIMIT, 2 * len(stops))):
        if not walk.now:
            break
        walk.step()
    return walk.routes(begins_outside)


@dataclass(slots=True)
class _Join:
    """An edge that waits for several nodes: those that were left since it was passed, and those that ever were."""

    starts: frozenset[str]
    end: str
    left: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


class _Walk:
    def __init__(self, stops: Mapping[str, Stop], joins: tuple[tuple[tuple[str, ...], str], ...]) -> None:
        self.stops = stops
        # In the order of the joins' channels, the last of which says how an edge is drawn.
        joins = tuple(join for join in joins if join[1] != END)
        self.joins = [_Join(frozenset(starts), end) for starts, end in sorted(joins, key=lambda one: "+".join(one[0]))]
        self.now: list[str] = [START]
        self.last: list[str] = []
        self.declared: set[str] = set()
        self.waiting: set[str] = set()
        self.sources: dict[str, dict[str, How]] = {}
        self.found: dict[tuple[str, str], How] = {}

    def step(self) -> None:
        arrived: set[str] = set()
        for name in self.now:
            for target, how in self._leave(name).items():
                if target == END:
                    self.found.setdefault((name, END), how)
                else:
                    self.sources.setdefault(target, {})[name] = how
                    arrived.add(target)
        for join in self.joins:
            join.left.update(join.starts.intersection(self.now))
            join.sources |= join.left
            if join.left == join.starts:
                arrived.add(join.end)
        self.waiting.update(name for name in arrived if self.stops[name].deferred)
        arrived -= self.waiting
        if not arrived and self.waiting:
            arrived, self.waiting = self.waiting, set()
            self._follow_the_last(arrived)
        for name in arrived:
            self._draw_to(name)
        self.last, self.now = self.now, sorted(arrived)

    def _draw_to(self, target: str) -> None:
        self.found.update({(source, target): how for source, how in self.sources.get(target, {}).items()})
        for join in self.joins:
            if join.end == target:
                self.found.update({(start, target): STATIC for start in join.sources})
                if join.left == join.starts:
                    join.left.clear()

    def _leave(self, name: str) -> dict[str, How]:
        stop = self.stops[name]
        ways = dict.fromkeys(stop.nexts, STATIC)
        if name not in self.declared:
            self.declared.add(name)
            # Of several ways to a node the one that says most is drawn: the first label, else that it depends.
            for target, label in sorted(stop.ends, key=lambda end: end[1] or ""):
                if ways.get(target, STATIC).label is None:
                    ways[target] = How(label, True)
        return ways

    def _follow_the_last(self, arrived: set[str]) -> None:
        """Draw deferred nodes after the nodes that ran last, unless one of these has led to them itself."""
        for target in arrived:
            known = {name for join in self.joins if join.end == target for name in join.sources}
            if known.union(self.sources.get(target, ())).isdisjoint(self.now):
                for name in self.now:
                    self.found.setdefault((name, target), How(None, True))

    def routes(self, begins_outside: bool) -> list[Route]:
        found = [Route(*ends, label if label != ends[1] else None, how) for ends, (label, how) in self.found.items()]
        found.sort(key=lambda route: (route.source, route.target))
        counted = [route for route in found if not (begins_outside and route.source == START)]
        sources, targets = {route.source for route in counted}, {route.target for route in counted}
        ends = [Route(name, END, None, False) for name in sorted(targets - sources - {END})]
        if not ends and END not in targets and len(self.last) == 1:
            ends = [Route(self.last[0], END, None, True)]
        return found + ends


__all__ = ("LIMIT", "Route", "Stop", "find_routes")
