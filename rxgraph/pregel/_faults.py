"""What happens when a node fails: whether it is tried again, and who takes over when it is not.

Pure decisions; the lanes wait and run. Bubble-ups (questions, drains, commands for the parent) are no failures.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

from rxgraph._defaults import default_retry_on
from rxgraph.constants import ERROR, ERROR_SOURCE_NODE
from rxgraph.errors import NodeError
from rxgraph.runtime import Runtime
from rxgraph.types import RetryPolicy

from ._lineage import Lineage
from ._plan import Node
from ._task import DerivedTask, Task

HANDLES: Final = "node_error_handler"
"""Stands in the path of a task that runs an error handler."""

Predicate = Callable[[Exception], bool]


class Retry(NamedTuple):
    """The retry policies of a node.

    Args:
        policies: Each with what it is for; the first that is for an error counts.
    """

    policies: tuple[tuple[Predicate, RetryPolicy], ...]

    @classmethod
    def of(cls, name: str, given: RetryPolicy | Sequence[RetryPolicy] | None) -> Retry | None:
        """Read what ``retry_policy=`` was given; ``None`` for a node that is never tried again.

        Raises:
            TypeError: A ``retry_on`` that is no class of errors, sequence of such, or predicate.
        """
        # A policy is a named tuple, and so a sequence, too.
        policies = (given,) if isinstance(given, RetryPolicy) else tuple(given or ())
        return cls(tuple((_predicate(name, one.retry_on), one) for one in policies)) if policies else None

    def delay(self, error: Exception, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; ``None`` if there is to be none.

        Args:
            error: Of the last attempt.
            attempt: Its number, from 1.
        """
        for matches, policy in self.policies:
            if not matches(error):
                continue
            if attempt >= policy.max_attempts:
                return None
            wait = min(policy.max_interval, policy.initial_interval * policy.backoff_factor ** (attempt - 1))
            # So that those who have failed together don't come back together.
            return wait + random.random() if policy.jitter else wait
        return None


def _predicate(name: str, retry_on: Any) -> Predicate:
    if retry_on is None:
        return default_retry_on
    classes = (retry_on,) if isinstance(retry_on, type) else retry_on
    if isinstance(classes, Sequence) and all(isinstance(one, type) and issubclass(one, Exception) for one in classes):
        known = tuple(classes)
        return lambda error: isinstance(error, known)
    if callable(retry_on) and not isinstance(retry_on, type):
        return cast(Predicate, retry_on)
    raise TypeError(
        f"Node {name!r} has a RetryPolicy with retry_on={retry_on!r}: expected a class of errors, a sequence of such, "
        "or a function that takes an error and says whether to try again."
    )


class HandlerTask(DerivedTask):
    """Runs the error handler of a node, in the superstep in which the node has failed, on the input that it had.

    Args:
        node: The handler.
        failed: The task that it takes over from.
        error: What that task has failed with; the text of it, if it comes from a saver.
    """

    __slots__ = ("_error",)

    def __init__(self, node: Node, failed: Task, error: Any) -> None:
        super().__init__(node, failed.input, failed, failed.index)
        self._error = error

    @property
    def path(self) -> tuple[Any, ...]:
        return (*self.above.path[:2], HANDLES, False)

    @property
    def origin(self) -> tuple[str, ...]:
        return (HANDLES, self.above.id)

    @property
    def place(self) -> str:
        return self.above.place

    @property
    def failure(self) -> NodeError:
        return NodeError(self.above.name, self._error)

    @property
    def runtime(self) -> Runtime[Any]:
        # Whoever handles a failure wants to know about the node that has failed.
        return self.above.runtime.patch_execution_info(node_attempt=1)


def handler_of(task: Task, error: Any) -> HandlerTask | None:
    """Return the task that takes over from one that has failed, if its node has a handler."""
    name = task.node.handler
    return None if name is None else HandlerTask(task.run.plan.nodes[name], task, error)


def handlers_left(lineage: Lineage, tasks: Sequence[Task]) -> list[Task]:
    """Return the handlers of tasks that failed before the run was broken off; those tasks don't run again."""
    found: list[Task] = []
    for task in tasks:
        if task.node.handler is None or task.restored:
            continue
        stored = dict(lineage.pending_of(task.id))
        if ERROR_SOURCE_NODE in stored:
            task.restored, task.error = True, stored.get(ERROR)
            handler = handler_of(task, task.error)
            assert handler is not None
            found.append(handler)
    return found


__all__ = ("HandlerTask", "Retry", "handler_of", "handlers_left")
