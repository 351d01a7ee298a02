"""A function as a graph of one node, whose last result is there in the next run."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from rxgraph._annotations import make_instance
from rxgraph.channels.base import BaseChannel
from rxgraph.channels.ephemeral_value import EphemeralValue
from rxgraph.channels.last_value import LastValue
from rxgraph.channels.topic import Topic
from rxgraph.constants import END, PREVIOUS, START, TASKS
from rxgraph.graph._inner import inner_graph
from rxgraph.pregel import Pregel
from rxgraph.pregel._body import callable_name, make_body
from rxgraph.pregel._faults import Retry
from rxgraph.pregel._plan import Node, Plan
from rxgraph.pregel._recall import Caching
from rxgraph.pregel._saver import check_cache
from rxgraph.pregel._task import Task
from rxgraph.pregel.main import Schemas
from rxgraph.types import CachePolicy, RetryPolicy, Send, TimeoutPolicy
from rxgraph.warnings import LangGraphDeprecationWarning

R = TypeVar("R")
S = TypeVar("S")

NAME: Final = "LangGraph"
"""Name of every workflow; programs and stored data know it."""


class entrypoint:  # a decorator, and the namespace of ``final``
    """Make a function a workflow: a graph that runs it, with threads, streams and questions like any other.

    The function takes the input, of any type, as its first parameter; ``previous`` is what the last run of the thread
    has returned. ``config``, ``writer``, ``store`` and ``runtime`` are filled in, too.

    Args:
        checkpointer: Keeps the threads of runs.
        store: Handed to the function and its tasks.
        cache: Keeps results of tasks, and of the function, that have a cache policy.
        context_schema: Class of ``context=``.
        cache_policy: Take the whole result from the cache when the input was seen before.
        retry_policy: When to run the function again after an error.
        timeout: Most seconds that an attempt may take, or a policy; for async functions.

    Example:
        >>> from rxgraph.checkpoint.memory import InMemorySaver
        >>> from rxgraph.func import entrypoint
        >>> @entrypoint(checkpointer=InMemorySaver())
        ... def count(n: int, *, previous: int | None = None) -> int:
        ...     return n + (previous or 0)
        >>> thread = {"configurable": {"thread_id": "1"}}
        >>> count.invoke(1, thread), count.invoke(2, thread)
        (1, 3)
    """

    @dataclass
    class final(Generic[R, S]):  # read as entrypoint.final(...)
        """What a workflow returns when the caller is to get something else than the next run.

        Args:
            value: For the caller.
            save: For the next run, as ``previous``.
        """

        value: R
        save: S

    def __init__(
        self,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        context_schema: type[Any] | None = None,
        cache_policy: CachePolicy | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
        **retired: Any,
    ) -> None:
        for old, new in (("config_schema", "context_schema"), ("retry", "retry_policy")):
            if old in retired:
                warnings.warn(
                    f"entrypoint(): {old!r} is deprecated, use {new!r}.", LangGraphDeprecationWarning, stacklevel=2
                )
        self._context_schema = context_schema or retired.pop("config_schema", None)
        self._retry_policy = retry_policy or retired.pop("retry", None)
        if retired:
            raise TypeError(f"entrypoint() got an unexpected argument {next(iter(retired))!r}.")
        self._checkpointer, self._store, self._cache = checkpointer, store, check_cache(cache)
        self._cache_policy, self._timeout = cache_policy, TimeoutPolicy.coerce(timeout)

    def __call__(self, func: Callable[..., Any]) -> Pregel[Any, Any, Any, Any]:
        """Return the workflow.

        Raises:
            ValueError: *func* has no parameter for the input; or it is sync and has a timeout.
            NotImplementedError: It is a generator.
        """
        name = callable_name(func)
        if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise NotImplementedError(
                f"Entrypoint {name!r} is a generator: Generators are not supported in the Functional API. Return the "
                "result, and write to the custom stream on the way."
            )
        if not inspect.signature(func).parameters:
            raise ValueError(
                f"Entrypoint {name!r} takes nothing: Entrypoint function must have at least one parameter, "
                "for the input."
            )
        body = make_body(func, name)
        if self._timeout is not None and not body.is_async:
            raise ValueError(
                f"Entrypoint {name!r} is sync and has a timeout, which is only for async functions: Python can't stop "
                "a function that runs on a thread. Make it async, or leave the timeout out."
            )
        node = Node(
            name=name,
            body=body,
            triggers=(START,),
            reads=START,
            record=_record,
            caching=None if self._cache_policy is None else Caching.of(name, func, self._cache_policy),
            retry=Retry.of(name, self._retry_policy),
            timeout=self._timeout,
            inner=inner_graph(func),
            calls=True,
        )
        takes, gives = _types(func)
        channels: dict[str, BaseChannel[Any, Any, Any]] = {
            START: EphemeralValue(takes),
            END: LastValue(gives, END),
            PREVIOUS: LastValue(Any, PREVIOUS),
            TASKS: Topic(Send, False),
        }
        for key, channel in channels.items():
            channel.key = key
        plan = Plan(
            name=NAME,
            nodes={name: node},
            channels=channels,
            input_channels=START,
            output_channels=END,
            stream_channels=END,
            certain=(name,),
        )
        schemas = Schemas(context=make_instance(self._context_schema))
        graph: Pregel[Any, Any, Any, Any] = Pregel._of_plan(
            plan, schemas=schemas, store=self._store, stream_mode="updates"
        )
        graph.context_schema, graph.stream_eager = self._context_schema, True
        graph.checkpointer, graph.cache = self._checkpointer, self._cache
        return graph


def _types(func: Callable[..., Any]) -> tuple[Any, Any]:
    """Return what a workflow takes and gives, as its annotations say; ``Any`` where they don't."""
    parameters = inspect.signature(func).parameters
    try:
        hints = get_type_hints(func, include_extras=True)
        takes, gives = hints.get(next(iter(parameters)), Any), hints.get("return", Any)
    except (NameError, TypeError, AttributeError):
        # A name that can't be resolved here, or a callable object that carries no hints.
        return Any, Any
    if get_origin(gives) is entrypoint.final:
        gives = get_args(gives)[0]
    return takes, None if gives is type(None) else gives


def _record(output: Any, task: Task) -> None:
    is_final = isinstance(output, entrypoint.final)
    task.writes.append((END, output.value if is_final else output))
    task.writes.append((PREVIOUS, output.save if is_final else output))


__all__ = ("entrypoint",)
