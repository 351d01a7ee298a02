"""Changing the state of a thread from outside: ``update_state``.

An update is what a node would have returned: the node's own writers and routers turn it into writes, and the result
is saved as a checkpoint of its own. The node itself does not run. [persistence reference 2.5]
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from rxgraph._hints import did_you_mean
from rxgraph.checkpoint.base import update_task_id
from rxgraph.checkpoint.base._ids import path_string
from rxgraph.constants import END, INPUT, INTERRUPT, START
from rxgraph.errors import InvalidUpdateError

from ._effects import Effect, Load, Route, Save
from ._engine import input_writes
from ._lineage import Lineage, finished_writes
from ._snapshot import planned
from ._state import RunState
from ._steps import apply_writes
from ._superstep import SaveWrites
from ._task import RunContext, Task


def update_thread(run: RunContext, lineage: Lineage, values: Any, as_node: str | None) -> Generator[Effect, Any, Any]:
    """Save an update; returns the address of the new checkpoint.

    Raises:
        InvalidUpdateError: *as_node* is unknown, or has to be given; or *values* are no update.
    """
    found = yield Load(lineage.config)
    lineage.adopt(found)
    state, tasks = planned(run, lineage)
    if as_node == INPUT:
        state.seen[INPUT] = {}
        apply_writes(run.plan, state, tasks, input_writes(run.plan, values, saved=True))
        return (yield Save(*lineage.advance(state, "input", None)))
    # A thread that was never saved begins with the step of its first superstep.
    state.step = max(lineage.step, -1) + 1
    if as_node == END and values is None:
        _finished(lineage, tasks)
        apply_writes(run.plan, state, tasks)
        return (yield Save(*lineage.advance(state, "update", None)))
    name = _whose(run, lineage, state, as_node)
    finished = _finished(lineage, tasks)
    if finished and found is not None:
        apply_writes(run.plan, state, finished)
    task = Task(run.plan.nodes[name], None, run, state)
    task.from_outside = True
    known = next((one for one in tasks if one.name == name and one.index is None), None)
    task_id = known.id if known is not None and lineage.stored else update_task_id(lineage.head["id"])
    task.node.record(values, task)
    for router in task.node.routers:
        yield Route(task, router, values)
    if lineage.stored and not lineage.config["configurable"].get("checkpoint_id"):
        yield SaveWrites(lineage.at_head, task.writes, task_id, path_string((INTERRUPT, 0)))
    apply_writes(run.plan, state, [task])
    return (yield Save(*lineage.advance(state, "update", None)))


def _finished(lineage: Lineage, tasks: list[Task]) -> list[Task]:
    finished = []
    for task in tasks:
        writes = finished_writes(lineage.pending_of(task.id))
        if writes is not None:
            task.writes = writes
            finished.append(task)
    return finished


def _whose(run: RunContext, lineage: Lineage, state: RunState, as_node: str | None) -> str:
    """Find the node that an update stands for: the one that is named, or the last one that has run."""
    nodes = run.plan.nodes
    if as_node is not None:
        if as_node not in nodes:
            raise InvalidUpdateError(f"Node {as_node!r} of as_node does not exist." + did_you_mean(as_node, nodes))
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
