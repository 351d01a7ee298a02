"""The state of a run, node by node: what a picture colours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from rxgraph.constants import END, START

from ._model import SEPARATOR

State = Literal["done", "next", "failed", "waiting"]


class Style(NamedTuple):
    """How a state is drawn."""

    fill: str
    stroke: str
    mark: str

    @property
    def css(self) -> str:
        """As Mermaid takes it."""
        return f"fill:{self.fill},stroke:{self.stroke},stroke-width:2px"


STYLES: Final[dict[State, Style]] = {
    "done": Style("#d8f3dc", "#2d8a4e", "ok"),
    "next": Style("#dbeafe", "#2563eb", ">>"),
    "failed": Style("#fde2e1", "#c62828", "!!"),
    "waiting": Style("#fff3c4", "#b7791f", "??"),
}
"""States in the order of their weight: a later one hides an earlier one of the same node."""


@dataclass
class RunStates:
    """State of each node that has one, by id; an inner graph that is not drawn open counts as a node."""

    of: dict[str, State] = field(default_factory=dict)

    def by_state(self) -> dict[State, list[str]]:
        """Return the ids of each state that some node is in."""
        found = {state: [id for id, one in self.of.items() if one == state] for state in STYLES}
        return {state: ids for state, ids in found.items() if ids}


def read_run(run: Any, nodes: Collection[str]) -> RunStates:
    """Read the states of a picture's nodes out of a run.

    Args:
        run: A ``StateSnapshot``; a thread's history, the newest first, which also knows what is done; an object with
            ``snapshot`` and ``interrupts``, such as the handle of a run; or ``None``.
        nodes: Ids of the picture's nodes.

    Raises:
        TypeError: *run* is none of these.
    """
    if run is None:
        return RunStates()
    known = {*nodes, *(SEPARATOR.join(path[:depth]) for path in map(_path, nodes) for depth in range(1, len(path)))}
    states: dict[str, State] = {}
    for id, state in _states(run):
        if id in known and (id not in states or _weight(state) > _weight(states[id])):
            states[id] = state
    return RunStates({id: states[id] for id in sorted(states, key=_place(nodes))})


def _states(run: Any) -> Iterator[tuple[str, State]]:
    if hasattr(run, "next") and hasattr(run, "tasks"):
        yield from _of_snapshot(run)
    elif hasattr(run, "snapshot"):
        snapshot = run.snapshot
        yield from _of_snapshot(snapshot)
        questions = getattr(run, "interrupts", None)
        known = any(task.interrupts for task in snapshot.tasks)
        if isinstance(questions, (list, tuple)) and questions and not known:
            yield from ((name, "waiting") for name in snapshot.next)
    elif isinstance(run, Iterable) and not isinstance(run, (str, bytes, dict)) and not hasattr(run, "interrupts"):
        # A handle without a snapshot is not looked at by reading its events, which are for somebody else.
        yield from _of_history(run)
    else:
        raise TypeError(
            f"A picture's run= is a StateSnapshot, a history of them, or the handle of a run, got {run!r}. "
            "Pass e.g. graph.get_state(config) or graph.get_state_history(config)."
        )


def _of_snapshot(snapshot: Any, prefix: str = "") -> Iterator[tuple[str, State]]:
    if START not in snapshot.next and snapshot.values:
        yield prefix + START, "done"
    if not snapshot.next and snapshot.values:
        yield prefix + END, "done"
    for name in snapshot.next:
        yield prefix + name, "next"
    for task in snapshot.tasks:
        if task.error is not None:
            yield prefix + task.name, "failed"
        elif task.interrupts:
            yield prefix + task.name, "waiting"
        elif task.name not in snapshot.next:
            yield prefix + task.name, "done"
        if hasattr(task.state, "tasks"):
            yield from _of_snapshot(task.state, prefix + task.name + SEPARATOR)


def _of_history(history: Iterable[Any]) -> Iterator[tuple[str, State]]:
    newest = True
    for snapshot in history:
        if newest:
            yield from _of_snapshot(snapshot)
            newest = False
        else:
            yield from ((name, "done") for name in snapshot.next)


def _weight(state: State) -> int:
    # What was done before and comes again is what comes next.
    return list(STYLES).index(state)


def _path(id: str) -> list[str]:
    return id.split(SEPARATOR)


def _place(nodes: Collection[str]) -> Any:
    places = {id: place for place, id in enumerate(nodes)}
    return lambda id: (places.get(id, len(places)), id)


__all__ = ("STYLES", "RunStates", "State", "Style", "read_run")
