"""Payloads of the stream modes; each is built only when somebody reads its mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from rxgraph.constants import ERROR, INTERRUPT
from rxgraph.types import Interrupt

from ._lineage import Lineage, finished_writes
from ._task import Task


def started(task: Task) -> dict[str, Any]:
    """``tasks``: a task is about to run."""
    payload = {"id": task.id, "name": task.name, "input": task.input, "triggers": task.triggers}
    if metadata := task.metadata:
        payload["metadata"] = metadata
    return payload


def ended(task: Task, keys: str | Collection[str]) -> dict[str, Any]:
    """``tasks``: a task has ended."""
    interrupts = [{"value": one.value, "id": one.id, "response_schema": one.response_schema} for one in task.interrupts]
    result = result_of(task.writes, keys)
    return {"id": task.id, "name": task.name, "error": task.error, "result": result, "interrupts": interrupts}


def result_of(writes: Sequence[tuple[str, Any]], keys: str | Collection[str]) -> dict[str, Any]:
    """What a task wrote; several writes to one channel are folded as ``{"$writes": [...]}``."""
    shown = (keys,) if isinstance(keys, str) else keys
    found = [write for write in writes if write[0] in shown]
    result: dict[str, Any] = dict(found)
    if len(result) == len(found):
        return result
    result.clear()
    for name, value in found:
        if name not in result:
            result[name] = value
        elif isinstance(result[name], _Folded):
            result[name]["$writes"].append(value)
        else:
            result[name] = _Folded({"$writes": [result[name], value]})
    return {name: dict(value) if isinstance(value, _Folded) else value for name, value in result.items()}


def update(task: Task, keys: str | Collection[str]) -> dict[str, Any]:
    """``updates``: what a task wrote, by its node's name; a list of single writes if it wrote a key twice."""
    if isinstance(keys, str):
        values = [value for name, value in task.writes if name == keys]
        return {task.name: None if not values else values[0] if len(values) == 1 else values}
    writes = [write for write in task.writes if write[0] in keys]
    if len(writes) > 1 and max(Counter(name for name, _ in writes).values()) > 1:
        return {task.name: [{name: value} for name, value in writes]}
    return {task.name: dict(writes) if writes else None}


def checkpoint(lineage: Lineage, values: Any, tasks: Sequence[Task]) -> dict[str, Any]:
    """``checkpoints``: a checkpoint, and the tasks that come next."""
    return {
        "config": lineage.head_config,
        "parent_config": lineage.parent_config,
        "values": values,
        "metadata": lineage.metadata,
        "next": [task.name for task in tasks],
        "tasks": [_checkpoint_task(task) for task in tasks],
    }


def _checkpoint_task(task: Task) -> dict[str, Any]:
    lineage = task.run.lineage
    rows = lineage.pending_of(task.id) if lineage is not None else []
    stored = dict(rows)
    shown: dict[str, Any] = {"id": task.id, "name": task.name}
    if ERROR in stored:
        return {**shown, "error": stored[ERROR], "state": task.inner_address}
    if lineage is not None and lineage.aside:
        rows = [(channel, value) for owner, channel, value in lineage.aside if owner == task.id]
    if writes := finished_writes(rows):
        shown["result"] = result_of(writes, task.run.plan.stream_channels)
    return {
        **shown,
        "interrupts": tuple(_question(one) for one in stored.get(INTERRUPT, ())),
        "state": task.inner_address,
    }


def _question(one: Interrupt) -> dict[str, Any]:
    return {"value": one.value, "id": one.id, "response_schema": one.response_schema}


def debug(step: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """``debug``: a ``tasks`` event with its step and time."""
    return {"step": step, "timestamp": datetime.now(UTC).isoformat(), "type": kind, "payload": payload}


class _Folded(dict[str, list[Any]]):
    """Marks a fold of ours, so that a user's own ``{"$writes": ...}`` is not taken for one."""


__all__ = ("checkpoint", "debug", "ended", "result_of", "started", "update")
