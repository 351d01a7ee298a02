"""How a node writes to its state before it returns."""

from __future__ import annotations

import warnings
from typing import Any, cast

from rxgraph._context import current_task
from rxgraph._hints import did_you_mean
from rxgraph.pregel._task import Task
from rxgraph.warnings import UnknownStateKeyWarning


def running_task(asked: str) -> Task:
    """Return the task that is running here.

    Raises:
        RuntimeError: No node is running in this context.
    """
    return cast(Task, current_task(asked))


def write_now(task: Task, asked: str, key: str, value: Any) -> None:
    """Add a write to those of a task; it is applied with them at the end of the superstep."""
    channels = task.run.plan.channels
    if key in channels:
        task.writes.append((key, value))
        return
    warnings.warn(
        f"{asked} in node {task.name!r} wrote to unknown state key {key!r}; the value was dropped."
        + did_you_mean(str(key), (name for name in channels if ":" not in name)),
        UnknownStateKeyWarning,
        stacklevel=3,
    )


__all__ = ("running_task", "write_now")
