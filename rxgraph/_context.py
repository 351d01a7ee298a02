"""The one context variable of the library: the task whose node is running here.

Everything that a node may ask for hangs on that task and is built when asked for. A lane sets the variable inside
a copy of the context, so nothing leaks out of a node.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol


class TaskContext(Protocol):
    """What the accessors of ``rxgraph.config`` and ``rxgraph.runtime`` need of a running task."""

    @property
    def config(self) -> dict[str, Any]: ...

    @property
    def runtime(self) -> Any: ...

    @property
    def writer(self) -> Any: ...

    @property
    def store(self) -> Any: ...

    def ask(self, value: Any, response_schema: Any, /) -> Any: ...


CURRENT: ContextVar[TaskContext | None] = ContextVar("rxgraph_task", default=None)


def current_task(asked: str) -> TaskContext:
    """Return the running task, or raise a ``RuntimeError`` that names what was asked for."""
    task = CURRENT.get()
    if task is None:
        raise RuntimeError(
            f"{asked} was called outside of a running node: it works inside nodes, branch paths and what they call. "
            "In a bare OS thread, run the call in a copied context: contextvars.copy_context().run(...)."
        )
    return task


__all__ = ("CURRENT", "TaskContext", "current_task")
