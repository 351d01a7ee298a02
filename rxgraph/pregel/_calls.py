"""Calls of functions as tasks of their own: ``@task``, from inside a node.

A call belongs to the superstep of the node that makes it, and ends with it. Its result is saved as soon as it is
there, under an id that is made of the place of the call: when the node runs again, the call with the same number gives
the same result without running. A call's error is its caller's business; nobody else fails with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rxgraph.checkpoint.base import path_string, task_id
from rxgraph.constants import NS_END, PUSH, RESUME, RETURN
from rxgraph.errors import GraphInterrupt
from rxgraph.types import Namespace

from ._body import Body, injected, is_async_callable
from ._plan import Node
from ._recall import CACHED_WRITES, Caching, FullKey
from ._task import Task


class CallTask(Task):
    """One call of a function.

    Args:
        node: The function, its policies and its name.
        caller: The task whose node makes the call.
        args, kwargs: Of the call.
    """

    __slots__ = ("_caller", "_number")

    returns = True

    def __init__(self, node: Node, caller: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__(node, (args, kwargs), caller.run, caller.state)
        self._caller = caller
        self._number = caller.next_call()
        lineage = self.run.lineage
        for channel, value in () if lineage is None else lineage.pending_of(self.id):
            if channel == RESUME:
                self.answers = list(value)
            elif channel == RETURN:
                self.writes, self.restored = [(RETURN, value)], True

    @property
    def triggers(self) -> tuple[str, ...]:
        return (PUSH,)

    @property
    def path(self) -> tuple[Any, ...]:
        return (PUSH, self._caller.path, self._number, True)

    @property
    def id(self) -> str:
        lineage = self.run.lineage
        if self._id is None and lineage is not None:
            head, caller = lineage.head, self._caller
            place = (PUSH, path_string(caller.path), str(self._number))
            self._id = task_id(head["id"], caller.checkpoint_ns, self.step, self.name, *place, v=head["v"])
        return super().id

    @property
    def namespace(self) -> Namespace:
        return (*self._caller.namespace, f"{self.name}{NS_END}{self.id}")

    @property
    def checkpoint_map(self) -> dict[str, str]:
        lineage = self.run.thread
        above = super().checkpoint_map
        return above if lineage is None else {**above, self._caller.checkpoint_ns: lineage.head["id"]}

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


def call_caching(function: Callable[..., Any], policy: Any) -> Caching:
    """Return how the results of a function's calls are cached."""
    code = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return Caching((CACHED_WRITES, ".".join(code) if all(code) else "__dynamic__"), policy)  # type: ignore[arg-type]


def _call(function: Callable[..., Any], value: Any, task: Any) -> Any:
    args, kwargs = value
    return function(*args, **{**injected(function, kwargs, task), **kwargs})


async def _acall(function: Callable[..., Any], value: Any, task: Any) -> Any:
    args, kwargs = value
    return await function(*args, **{**injected(function, kwargs, task), **kwargs})


def _record(output: Any, task: Task) -> None:
    task.writes.append((RETURN, output))


__all__ = ("CallTask", "call", "call_caching", "call_node", "settle")
