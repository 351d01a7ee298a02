"""The two pure halves of a superstep: which tasks run, and what their writes make of the state.

Order is fixed by a task's place, never by the time at which it ended: tasks run sends first, then triggered nodes by
name; their writes are applied triggered nodes first, by name, then sends by index. [runtime reference 4.2, 4.4]
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any, Final

from rxgraph._hints import did_you_mean
from rxgraph.constants import MISSING, TASKS
from rxgraph.errors import InvalidUpdateError
from rxgraph.types import Send
from rxgraph.warnings import UnknownTargetWarning

from ._plan import Node, Plan
from ._state import RunState
from ._task import RunContext, Task

_place: Final = attrgetter("place")


def plan_tasks(run: RunContext, state: RunState, updated: Collection[str] | None, *, inputs: bool = True) -> list[Task]:
    """Return the tasks of the next superstep.

    Args:
        run: The run.
        state: Its state; reading makes channels, nothing else changes.
        updated: Channels that changed in the last superstep; ``None`` when that is not known.
        inputs: Whether their nodes are given inputs; tasks that are only looked at need none.
    """
    plan = run.plan
    tasks: list[Task] = []
    # Where nobody has sent a packet, in this run or in the one that was saved, the channel needn't be made.
    known = state.channels
    sent = (TASKS in known or TASKS in known.saved) if updated is None else TASKS in updated
    if sent:
        topic = state.channels[TASKS]
        if topic.is_available():
            for index, packet in enumerate(topic.get()):
                node = plan.nodes.get(packet.node) if isinstance(packet, Send) else None
                if node is None:
                    _warn_unknown_packet(packet, plan)
                else:
                    if packet.timeout is not None:
                        node = node._replace(timeout=packet.timeout)
                    tasks.append(Task(node, packet.arg, run, state, index))
    candidates = _candidates(plan, updated)
    known_inputs: dict[int, dict[str, Any]] = {}
    for node in candidates:
        if _is_triggered(node, state, inputs):
            # A mapper is asked all the same: a state that it refuses is refused by whoever looks at it, too.
            if inputs or node.mapper is not None or isinstance(node.reads, str):
                value = _read_input(node, state, known_inputs)
            else:
                value = None
            if value is not MISSING:
                tasks.append(Task(node, value, run, state))
    return tasks


def apply_writes(plan: Plan, state: RunState, tasks: Sequence[Task], extra: Sequence[tuple[str, Any]] = ()) -> set[str]:
    """Apply the writes of a finished superstep and return the channels that now hold something new.

    Args:
        plan: The graph.
        state: Its state, which changes.
        tasks: The tasks. Without any, nothing fades and nothing that is deferred is released.
        extra: Writes that no task made: an input, or an update from outside.

    Raises:
        InvalidUpdateError: A channel refuses its values; the error names the nodes that wrote them.
    """
    pulls = [task for task in tasks if task.index is None]
    if len(pulls) > 1:
        # Where a run goes on they stand in the order of their nodes' declaration.
        pulls.sort(key=_place)
    ordered = pulls if len(pulls) == len(tasks) else pulls + [task for task in tasks if task.index is not None]
    _mark_seen(ordered, state)
    state.version = state.next_version(state.version)
    _consume(plan, pulls, state)
    updated = _update_channels(plan, state, ordered, extra)
    if tasks:
        _fade(state, updated)
        if plan.finishing and updated.isdisjoint(plan.triggering):
            updated |= _finish(plan, state)
    return updated


def _candidates(plan: Plan, updated: Collection[str] | None) -> Sequence[Node]:
    if updated is None:
        return list(plan.nodes.values())
    triggered_by = plan.triggered_by
    found: dict[str, Node] = {}
    for name in updated:
        for node in triggered_by.get(name, ()):
            found[node.name] = node
    return list(found.values()) if len(found) < 2 else [found[name] for name in sorted(found)]


def _is_triggered(node: Node, state: RunState, makes_channels: bool) -> bool:
    channels, versions = state.channels, state.versions
    seen = state.seen.get(node.name)
    for name in node.triggers:
        version = versions.get(name)
        if version is None:
            continue
        is_new = seen is None or name not in seen or version > seen[name]
        if is_new and (channels[name].is_available() if makes_channels else state.has_value(name)):
            return True
    return False


def _read_input(node: Node, state: RunState, cache: dict[int, dict[str, Any]]) -> Any:
    reads = node.reads
    if isinstance(reads, str):
        channel = state.channels[reads]
        return channel.get() if channel.is_available() else MISSING
    # Siblings with one schema share the reading, and get a shallow copy each.
    values = cache.get(id(reads))
    if values is None:
        values = cache[id(reads)] = state.read(reads)
        for name, managed in node.managed:
            values[name] = managed.get(state)
    else:
        values = dict(values)
    if node.mapper is None:
        return values
    try:
        return node.mapper(values)
    except Exception as error:
        error.add_note(f"Before task with name {node.name!r} in superstep {state.step}: its input could not be made.")
        raise


def _mark_seen(tasks: Sequence[Task], state: RunState) -> None:
    versions = state.versions
    for task in tasks:
        node = task.node
        if task.index is not None:
            state.seen.setdefault(node.name, {})
            continue
        # A new dict each time: checkpoints hold on to the old one.
        fresh = {name: versions[name] for name in task.triggers if name in versions}
        known = state.seen.get(node.name)
        state.seen[node.name] = {**known, **fresh} if known else fresh


def _consume(plan: Plan, pulls: Sequence[Task], state: RunState) -> None:
    if not plan.consumed:
        return
    for name in sorted({name for task in pulls for name in task.triggers if name in plan.consumed}):
        if state.channels[name].consume():
            state.versions[name] = state.version
            if not state.channels[name].is_available():
                state.fading.pop(name, None)


def _update_channels(plan: Plan, state: RunState, tasks: Sequence[Task], extra: Sequence[tuple[str, Any]]) -> set[str]:
    groups: dict[str, list[Any]] = {}
    for name, value in extra:
        groups.setdefault(name, []).append(value)
    for task in tasks:
        for name, value in task.writes:
            try:
                groups[name].append(value)
            except KeyError:
                groups[name] = [value]
    updated: set[str] = set()
    known = plan.channels
    for name, values in groups.items():
        if name not in known:
            warnings.warn(
                f"A task wrote to unknown channel {name!r}; the value was dropped."
                + did_you_mean(name, (n for n in known if ":" not in n)),
                UnknownTargetWarning,
                stacklevel=2,
            )
            continue
        try:
            _update_channel(state, name, values, updated)
        except InvalidUpdateError as error:
            writers = [task.node.name for task in tasks for write in task.writes if write[0] == name]
            error.args = (f"{error} Written in superstep {state.step} by {', '.join(map(repr, writers))}.",)
            raise
    return updated


def _update_channel(state: RunState, name: str, values: list[Any], updated: set[str]) -> None:
    channel = state.channels[name]
    if channel.update(values):
        state.versions[name] = state.version
        if channel.is_available():
            updated.add(name)
            if channel.fades:
                state.fading[name] = channel


def _fade(state: RunState, updated: set[str]) -> None:
    if len(state.fading) == len(updated & state.fading.keys()):
        return
    for name, channel in list(state.fading.items()):
        if name not in updated:
            if channel.update(()):
                state.versions[name] = state.version
                if channel.is_available():
                    updated.add(name)
            if not channel.is_available():
                del state.fading[name]


def _finish(plan: Plan, state: RunState) -> set[str]:
    released = set()
    for name in plan.finishing:
        # A channel that nobody has touched, in this run or in the one that was saved, has nothing to release.
        if (name in state.channels or name in state.channels.saved) and state.channels[name].finish():
            state.versions[name] = state.version
            if state.channels[name].is_available():
                released.add(name)
    return released


def _warn_unknown_packet(packet: Any, plan: Plan) -> None:
    what = f"node {packet.node!r}" if isinstance(packet, Send) else f"{packet!r}, which is no Send"
    name = packet.node if isinstance(packet, Send) else ""
    warnings.warn(
        f"A Send was addressed to {what}; it was dropped." + did_you_mean(name, plan.nodes),
        UnknownTargetWarning,
        stacklevel=2,
    )


__all__ = ("apply_writes", "plan_tasks")
