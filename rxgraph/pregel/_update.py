"""Changing the state of a thread from outside: ``update_state``.

An update is what a node would have returned: the node's own writers and routers turn it into writes, and the result
is saved as a checkpoint of its own. The node itself does not run. [persistence reference 2.5]
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from rxgraph._hints import did_you_mean
from rxgraph.checkpoint.base import delta_input_task_id, update_task_id
from rxgraph.checkpoint.base._ids import path_string
from rxgraph.constants import CONF, COPY, END, INPUT, INTERRUPT, START
from rxgraph.errors import EmptyInputError, InvalidUpdateError
from rxgraph.types import StateUpdate

from ._effects import Effect, Load, Route, Save
from ._engine import input_writes
from ._lineage import Lineage, Step, finished_writes
from ._snapshot import planned, with_map
from ._state import RunState
from ._steps import apply_writes
from ._superstep import SaveWrites
from ._task import RunContext, Task

WHOLE: Final = {
    END: "apply multiple updates when clearing state",
    INPUT: "apply multiple updates when updating as input",
    COPY: "copy checkpoint with multiple updates",
}
"""Updates that are about a whole thread."""


def update_thread(
    run: RunContext, lineage: Lineage, supersteps: Sequence[Sequence[StateUpdate]]
) -> Generator[Effect, Any, Any]:
    """Save updates, a checkpoint for each superstep of them; returns the address of the last one.

    Raises:
        InvalidUpdateError: *as_node* is unknown, or has to be given; or *values* are no update.
        ValueError: There is nothing to do.
    """
    _check(run, supersteps)
    found = yield Load(lineage.config)
    question = lineage.asks(found)
    lineage.adopt(found, None if question is None else (yield question))
    lineage.parents = dict(lineage.metadata.get("parents") or {})
    rows = True
    if lineage.config[CONF].get("checkpoint_id"):
        latest = yield Load(lineage.without_id())
        rows = found is not None and latest is not None and latest.checkpoint["id"] == found.checkpoint["id"]
    address = None
    for updates in supersteps:
        first = updates[0]
        if first.as_node == COPY:
            address = yield Save(*_copy(run, lineage))
            if not isinstance(first.values, list):
                continue
            updates = [StateUpdate(*one) for one in first.values]
        address = yield from _superstep(run, lineage, updates, rows or address is not None)
    return with_map(address, lineage.metadata)


def _check(run: RunContext, supersteps: Sequence[Sequence[StateUpdate]]) -> None:
    """Look at all that can be looked at before anything is saved."""
    name = run.plan.name
    if not supersteps:
        raise ValueError(f"Update of graph {name!r} has no supersteps: No supersteps provided.")
    for number, updates in enumerate(supersteps):
        if not updates:
            raise ValueError(f"Superstep {number} of an update of graph {name!r} is empty: No updates provided.")
        for one in updates:
            whole = one.as_node in WHOLE and (one.as_node != END or _clears(one))
            if whole and len(updates) > 1:
                raise InvalidUpdateError(
                    f"Cannot {WHOLE[str(one.as_node)]}: it has to be alone in superstep {number} of the update."
                )
            if len(updates) > 1 and one.as_node is None:
                raise InvalidUpdateError(
                    f"Superstep {number} has {len(updates)} updates: as_node is required when applying multiple "
                    "updates."
                )
            if one.as_node is not None and not whole and one.as_node not in run.plan.nodes:
                raise InvalidUpdateError(
                    f"Node {one.as_node!r} of as_node does not exist." + did_you_mean(one.as_node, run.plan.nodes)
                )
            if one.as_node == COPY and isinstance(one.values, list):
                _check(run, [[StateUpdate(*inner) for inner in one.values]])


def _clears(update: StateUpdate) -> bool:
    """Whether an update gives up what is pending, rather than standing for a node."""
    return update.as_node == END and update.values is None


def _copy(run: RunContext, lineage: Lineage) -> Step:
    """Make a twin of the head, with the same parent."""
    if not lineage.stored:
        raise InvalidUpdateError(f"Thread of graph {run.plan.name!r} is empty: Cannot copy a non-existent checkpoint.")
    state = RunState(run.plan.channels, lineage.step + 1, lineage.step + 2)
    state.restore(lineage.head, lineage.next_version)
    lineage.rebuild(state)
    return lineage.twin(state)


def _superstep(
    run: RunContext, lineage: Lineage, updates: Sequence[StateUpdate], rows: bool
) -> Generator[Effect, Any, Any]:
    """Save the updates of one superstep; returns the address of its checkpoint."""
    values, as_node, _ = updates[0]
    if not rows and as_node != INPUT and not _clears(updates[0]):
        # What commands and finished tasks have written there belongs to the branch that goes on from there.
        lineage.pending = []
    state, tasks = planned(run, lineage)
    if as_node == INPUT:
        try:
            writes = input_writes(run.plan, values, saved=True)
        except EmptyInputError as error:
            raise InvalidUpdateError(str(error)) from error
        if lineage.stored and rows:
            id = delta_input_task_id(lineage.head["id"])
            yield SaveWrites(lineage.at_head, writes, id, "")
        state.seen[INPUT] = {}
        apply_writes(run.plan, state, (), writes)
        return (yield Save(*lineage.advance(state, "input", None)))
    # A thread that was never saved begins with the step of its first superstep.
    state.step = max(lineage.step, -1) + 1
    finished = _finished(lineage, tasks)
    if _clears(updates[0]):
        apply_writes(run.plan, state, tasks)
        return (yield Save(*lineage.advance(state, "update", None)))
    names = [_whose(run, state, one.as_node) for one in updates]
    if finished and lineage.stored:
        apply_writes(run.plan, state, finished)
    known = {task.name: task.id for task in reversed(tasks) if task.index is None} if lineage.stored else {}
    applied = []
    for index, (name, (values, _, task_id)) in enumerate(zip(names, updates, strict=True)):
        task = Task(run.plan.nodes[name], None, run, state)
        task.from_outside = True
        task.node.record(values, task)
        for router in task.node.routers:
            yield Route(task, router, values)
        applied.append(task)
        if lineage.stored and rows:
            id = task_id or known.pop(name, None) or update_task_id(lineage.head["id"], index)
            yield SaveWrites(lineage.at_head, task.writes, id, path_string((INTERRUPT, index)))
    apply_writes(run.plan, state, applied)
    return (yield Save(*lineage.advance(state, "update", None)))


def _finished(lineage: Lineage, tasks: list[Task]) -> list[Task]:
    finished = []
    for task in tasks:
        writes = finished_writes(lineage.pending_of(task.id))
        if writes is not None:
            task.writes = writes
            finished.append(task)
    return finished


def _whose(run: RunContext, state: RunState, as_node: str | None) -> str:
    """Find the node that an update stands for: the one that is named, or the last one that has run."""
    nodes = run.plan.nodes
    if as_node is not None:
        return as_node
    seen = {name: max(known.values()) for name, known in state.seen.items() if known and name in nodes}
    if not seen:
        return START
    latest = max(seen.values())
    last = [name for name, version in seen.items() if version == latest]
    if len(last) > 1:
        raise InvalidUpdateError(
            f"Ambiguous update, specify as_node: nodes {', '.join(map(repr, sorted(last)))} have run last, together."
        )
    return last[0]


__all__ = ("update_thread",)
