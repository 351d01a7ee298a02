"""Calls of functions as tasks of their own: ``@task``, from inside a node.

A call belongs to the superstep of the node that makes it, and ends with it. Its result is saved as soon as it is
there, under an id that is made of the place of the call: when the node runs again, the call with the same number gives
the same result without running. A call's error is its caller's business; nobody else fails with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rxgraph.checkpoint.base import path_string
from rxgraph.constants import PUSH, RESUME, RETURN
from rxgraph.errors import GraphInterrupt

from ._body import Body, injected, is_async_callable
from ._plan import Node
from ._recall import Caching, FullKey, kept
from ._task import DerivedTask, Task


class CallTask(DerivedTask):
    """One call of a function.

    Args:
        node: The function, its policies and its name.
        caller: The task whose node makes the call.
        args, kwargs: Of the call.
    """

    __slots__ = ("_number",)

    returns = True

    def __init__(self, node: Node, caller: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__(node, (args, kwargs), caller)
        self._number = caller.next_call()
        lineage = self.run.lineage
        for channel, value in () if lineage is None else lineage.pending_of(self.id):
            if channel == RESUME:
                self.answers = list(value)
            elif channel == RETURN:
                self.writes, self.restored = [(RETURN, value)], True

    @property
    def path(self) -> tuple[Any, ...]:
        return (PUSH, self.above.path, self._number, True)

    @property
    def origin(self) -> tuple[str, ...]:
        return (path_string(self.above.path), str(self._number))

    @property
    def result(self) -> Any:
        """What the function has returned."""
        return self.writes[-1][1] if self.writes else None

    @property
    def cache_key(self) -> FullKey | None:
        """Where the result is kept in the cache of the run, if it is."""
        caching = self.node.caching
        if caching is None or self.run.cache is None:
            return None
        args, kwargs = self.input
        return caching.key(*args, **kwargs)

    @property
    def cache_entry(self) -> tuple[Any, int | None]:
        """What is kept there, and the seconds that it is good for."""
        assert self.node.caching is not None, "only a call with a key has an entry"
        return kept(self.writes), self.node.caching.policy.ttl


def settle(future: Any, task: CallTask) -> None:
    """Give a future what has become of its call."""
    if future.cancelled():
        return
    if task.stopped:
        future.set_exception(GraphInterrupt(task.interrupts))
    elif task.error is not None:
        future.set_exception(task.error)
    else:
        future.set_result(task.result)


def call(caller: Task, node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function as a task of its own, and return the future of its result."""
    wiring = caller.run.wiring
    if wiring is None or wiring.spawn is None:
        raise RuntimeError(f"Task {node.name!r} was called when the run of its caller was over; await it in its node.")
    return wiring.spawn(CallTask(node, caller, args, kwargs))


def call_node(
    name: str, function: Callable[..., Any], *, retry: Any = None, caching: Caching | None = None, timeout: Any = None
) -> Node:
    """Prepare a function for calls."""
    is_async = is_async_callable(function)
    body = Body(name, None, partial(_acall, function)) if is_async else Body(name, partial(_call, function))
    return Node(name, body, (), "", _record, retry=retry, caching=caching, timeout=timeout)


def _call(function: Callable[..., Any], value: Any, task: Any) -> Any:
    args, kwargs = value
    return function(*args, **{**injected(function, kwargs, task), **kwargs})


async def _acall(function: Callable[..., Any], value: Any, task: Any) -> Any:
    args, kwargs = value
    return await function(*args, **{**injected(function, kwargs, task), **kwargs})


def _record(output: Any, task: Task) -> None:
    task.writes.append((RETURN, output))


__all__ = ("CallTask", "call", "call_node", "settle")
