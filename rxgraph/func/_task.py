"""Functions whose calls are tasks of the node that makes them."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, overload

from rxgraph._context import current_task
from rxgraph.pregel._body import callable_name, is_async_callable
from rxgraph.pregel._calls import call, call_node
from rxgraph.pregel._faults import Retry
from rxgraph.pregel._recall import Caching
from rxgraph.types import CachePolicy, RetryPolicy, TimeoutPolicy
from rxgraph.warnings import LangGraphDeprecationWarning

P = ParamSpec("P")
T = TypeVar("T")


class TaskFunction(Generic[P, T]):
    """A function whose calls, inside a run, are tasks of their own.

    Calling it begins the call and returns a future: one of ``concurrent.futures`` in a sync caller, one to await in an
    async caller. Parameters ``config``, ``writer``, ``store``, ``runtime`` and ``previous`` are filled in.

    Args:
        func: The function, sync or async; a generator is refused.
        name: Of its tasks; by default the function's.
        retry_policy: When to try again after an error.
        cache_policy: Take the result from the cache of the run when the arguments were seen before.
        timeout: Most seconds that an attempt may take, or a policy; for async functions.

    Raises:
        ValueError: A sync function with a timeout.
    """

    calls_as_task = True

    def __init__(
        self,
        func: Callable[P, Any],
        *,
        name: str | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> None:
        self.func = func
        self.name = name or callable_name(_innermost(func))
        self.cache_policy = cache_policy
        limit = TimeoutPolicy.coerce(timeout)
        if limit is not None and not is_async_callable(func):
            raise ValueError(
                f"Task {self.name!r} is sync and has a timeout, which is only for async functions: Python can't stop a "
                "function that runs on a thread. Make it async, or leave the timeout out."
            )
        self._caching = None if cache_policy is None else Caching.of(None, func, cache_policy)
        retry = Retry.of(self.name, retry_policy)
        self._node = call_node(self.name, func, retry=retry, caching=self._caching, timeout=limit)
        functools.update_wrapper(self, func)
        self.__name__ = self.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Begin a call and return its future.

        Raises:
            RuntimeError: No node is running in this context; or the function is async and the run is in the sync lane.
        """
        caller: Any = current_task(f"Task {self.name!r}")
        return call(caller, self._node, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method, where the function is defined in a class."""
        return self if instance is None else functools.partial(self, instance)

    def clear_cache(self, cache: Any) -> None:
        """Forget the cached results of this function."""
        if self._caching is not None:
            cache.clear([self._caching.namespace])

    async def aclear_cache(self, cache: Any) -> None:
        """Do what :meth:`clear_cache` does, on the event loop."""
        if self._caching is not None:
            await cache.aclear([self._caching.namespace])

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"


def _innermost(func: Any) -> Any:
    while isinstance(func, functools.partial):
        func = func.func
    return func


@overload
def task(__func: Callable[P, T], /) -> TaskFunction[P, T]: ...
@overload
def task(
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: float | timedelta | TimeoutPolicy | None = None,
    **retired: Any,
) -> Callable[[Callable[P, T]], TaskFunction[P, T]]: ...
def task(
    __func: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: float | timedelta | TimeoutPolicy | None = None,
    **retired: Any,
) -> Any:
    """Make the calls of a function tasks of the node that makes them.

    Each call runs beside its caller. Its result is saved when it is there: a workflow that goes on after a question or
    a failure gets it back without running the call again, by the call's number within its caller.

    Args:
        name: Of the tasks; by default the function's.
        retry_policy: When to try again after an error.
        cache_policy: Take the result from the cache when the arguments were seen before.
        timeout: Most seconds that an attempt may take, or a policy; for async functions.

    Raises:
        NotImplementedError: A generator function.
        ValueError: A sync function with a timeout.

    Example:
        >>> from rxgraph.func import entrypoint, task
        >>> @task
        ... def square(n: int) -> int:
        ...     return n * n
        >>> @entrypoint()
        ... def total(n: int) -> int:
        ...     squares = [square(i) for i in range(n)]
        ...     return sum(future.result() for future in squares)
        >>> total.invoke(4)
        14
    """
    if "retry" in retired:
        warnings.warn("task(): 'retry' is deprecated, use 'retry_policy'.", LangGraphDeprecationWarning, stacklevel=2)
        retry_policy = retry_policy or retired.pop("retry")
    if retired:
        raise TypeError(f"task() got an unexpected argument {next(iter(retired))!r}.")

    def decorate(func: Callable[..., Any]) -> TaskFunction[..., Any]:
        if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise NotImplementedError(
                f"Task {callable_name(func)!r} is a generator: Generators are not supported in the Functional API. "
                "Return a list, or write to the custom stream."
            )
        return TaskFunction(func, name=name, retry_policy=retry_policy, cache_policy=cache_policy, timeout=timeout)

    return decorate if __func is None else decorate(__func)


__all__ = ("TaskFunction", "task")
