"""What a thread looks like at a checkpoint, as ``get_state`` and ``get_state_history`` show it.

*Live* is the head of a thread: writes of tasks that have finished are folded in, and only unanswered questions are
shown. A *record* is any checkpoint that was asked for by its id, or in the history: the state as the superstep began,
and all that became of its tasks. [persistence reference 2.7]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rxgraph.constants import CONF, ERROR, INTERRUPT
from rxgraph.types import Interrupt, PregelTask, StateSnapshot

from ._lineage import Lineage, finished_writes
from ._payloads import result_of
from ._state import RunState
from ._steps import apply_writes, plan_tasks
from ._task import RunContext, Task


def empty_snapshot(config: dict[str, Any]) -> StateSnapshot:
    """Return the snapshot of a thread that nothing was saved of."""
    return StateSnapshot({}, (), config, None, None, None, (), ())


def planned(run: RunContext, lineage: Lineage, *, changes: bool = True) -> tuple[RunState, list[Task]]:
    """Restore the state at a checkpoint, and plan the tasks that come next.

    What a command has written on top of the checkpoint counts for the state, and not yet for the tasks.

    Args:
        run: The graph.
        lineage: Stands on the checkpoint.
        changes: Whether the caller may change the state; one that is only looked at needs no copies.
    """
    head = lineage.head
    extra = lineage.null_writes()
    state = RunState(run.plan.channels, lineage.step + 1, lineage.step + 2)
    if changes or extra:
        state.restore(head, lineage.next_version)
    else:
        state.channels.saved = head["channel_values"]
        state.versions, state.seen = head["channel_versions"], head["versions_seen"]
    lineage.rebuild(state)
    # All nodes are looked at, so the tasks stand in the order in which the graph declares them.
    tasks = plan_tasks(run, state, None, inputs=changes)
    if extra:
        apply_writes(run.plan, state, (), extra)
    return state, tasks


def snapshot(run: RunContext, found: Any, histories: dict[str, Any] | None = None, *, live: bool) -> StateSnapshot:
    """Show a checkpoint.

    Args:
        run: The graph whose thread it is; its lineage is moved to the checkpoint.
        found: The saver's tuple.
        histories: What its delta channels are made of.
        live: Whether it is shown as the head of its thread, rather than as a record.
    """
    lineage = run.lineage
    assert lineage is not None
    lineage.visit(found, histories)
    state, tasks = planned(run, lineage, changes=live)
    keys = run.plan.stream_channels
    shown: list[PregelTask] = []
    left: list[str] = []
    finished: list[Task] = []
    asked: list[Interrupt] = []
    for task in tasks:
        stored = lineage.pending_of(task.id)
        writes = finished_writes(stored)
        facts = dict(stored)
        questions: tuple[Interrupt, ...] = ()
        if INTERRUPT in facts and not (live and writes is not None):
            questions = tuple(facts[INTERRUPT])
            asked += questions
        result = None
        if writes is not None:
            task.writes = writes
            result = result_of(writes, keys)
            if isinstance(keys, str):
                result = result.get(keys)
            finished.append(task)
        if writes is None or not live:
            left.append(task.name)
        shown.append(PregelTask(task.id, task.name, task.path, facts.get(ERROR), questions, task.inner_address, result))
    if live and finished:
        apply_writes(run.plan, state, finished)
    return StateSnapshot(
        state.look(run.plan.stream_keys),
        tuple(left),
        with_map(found.config, found.metadata),
        lineage.metadata,
        lineage.head["ts"],
        with_map(found.parent_config, found.metadata),
        tuple(shown),
        tuple(asked),
    )


def with_map(config: Any, metadata: Mapping[str, Any]) -> Any:
    """Let the address of an inner graph's checkpoint say which checkpoints of the graphs around it belong to it."""
    parents = metadata.get("parents")
    if config is None or not parents:
        return config
    configurable = config[CONF]
    whole = {**parents, configurable["checkpoint_ns"]: configurable["checkpoint_id"]}
    return {**config, CONF: {**configurable, "checkpoint_map": whole}}


__all__ = ("empty_snapshot", "planned", "snapshot", "with_map")
