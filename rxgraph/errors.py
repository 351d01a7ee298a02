"""Every error and control signal of rxgraph.

A message follows ``<object> <rule broken>: expected <...>, got <value>. <What to do.> [CODE]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Literal
from warnings import warn

from rxgraph.warnings import LangGraphDeprecatedSinceV10


class ErrorCode(Enum):
    """Stable codes at the end of messages, for searching the documentation."""

    GRAPH_RECURSION_LIMIT = "GRAPH_RECURSION_LIMIT"
    INVALID_CONCURRENT_GRAPH_UPDATE = "INVALID_CONCURRENT_GRAPH_UPDATE"
    INVALID_GRAPH_NODE_RETURN_VALUE = "INVALID_GRAPH_NODE_RETURN_VALUE"
    MULTIPLE_SUBGRAPHS = "MULTIPLE_SUBGRAPHS"
    INVALID_CHAT_HISTORY = "INVALID_CHAT_HISTORY"


class EmptyChannelError(Exception):
    """A channel was read before anything was written to it."""


class InvalidUpdateError(Exception):
    """A channel or a state was offered something that it can't take."""


class EmptyInputError(Exception):
    """A run was given no input, and there is nothing to go on with."""


class GraphRecursionError(RecursionError):
    """A run used up its ``recursion_limit`` before it came to an end."""


class LaneError(TypeError):
    """Something asynchronous was asked of the synchronous lane, or the other way round."""


class NodeCancelledError(Exception):
    """A node raised ``asyncio.CancelledError`` although nobody cancelled it.

    Args:
        node: Name of the node.
        message: What to say in the place of the usual text.
    """

    def __init__(self, node: str, message: str | None = None) -> None:
        self.node = node
        super().__init__(
            message
            or f"Node {node!r} raised asyncio.CancelledError by itself: nobody cancelled the run. "
            "Raise an error of your own, or return, to end a node."
        )


class NodeTimeoutError(Exception):
    """An attempt of a node took longer than its ``TimeoutPolicy`` allows, and was cancelled.

    Args:
        node: Name of the node.
        kind: ``"run"``: from its start to its end; ``"idle"``: without a sign of life.
        elapsed: Seconds since the attempt began.
        run_timeout, idle_timeout: Seconds that are allowed.
    """

    def __init__(
        self,
        node: str,
        *,
        kind: Literal["run", "idle"],
        elapsed: float,
        run_timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        self.node, self.kind, self.elapsed = node, kind, elapsed
        self.run_timeout, self.idle_timeout = run_timeout, idle_timeout
        self.timeout = run_timeout if kind == "run" else idle_timeout
        silence = "" if kind == "run" else " without a sign of life"
        super().__init__(
            f"Node {node!r} was cancelled: its {kind} timeout of {self.timeout:g} s was reached{silence}, "
            f"{elapsed:.3f} s after the attempt began. Raise the limit, or have the node call runtime.heartbeat()."
        )

    def __reduce__(self) -> Any:
        return partial(
            NodeTimeoutError,
            self.node,
            kind=self.kind,
            elapsed=self.elapsed,
            run_timeout=self.run_timeout,
            idle_timeout=self.idle_timeout,
        ), ()


@dataclass(frozen=True)
class NodeError:
    """What an error handler is told: the node that has failed, and what with.

    Args:
        node: Its name.
        error: The error; its text, when a run goes on from a saver.
    """

    node: str
    error: Any


class CheckpointConflictError(RuntimeError):
    """Another run, or an update, has moved a thread on; nothing of this run's last superstep was saved over it.

    Args:
        thread_id: The thread.
        checkpoint_ns: The graph's namespace in it, ``""`` for the root.
        expected: Id of the checkpoint that this run stands on, ``""`` if the thread was empty then.
        found: Id of the latest checkpoint that there is now.
    """

    def __init__(self, thread_id: str, checkpoint_ns: str, expected: str, found: str | None) -> None:
        self.thread_id, self.checkpoint_ns, self.expected, self.found = thread_id, checkpoint_ns, expected, found
        place = f"Thread {thread_id!r}" + (f", namespace {checkpoint_ns!r}," if checkpoint_ns else "")
        stood = f"checkpoint {expected!r}" if expected else "an empty thread"
        super().__init__(
            f"{place} was moved on by somebody else: this run stands on {stood}, and the latest checkpoint is "
            f"{found!r} now. What was saved before is safe. Start again from the head, or name a checkpoint_id to "
            "fork from an old one on purpose."
        )


class StalledConsumerError(RuntimeError):
    """A pull could never return: what it waits for is held back by a full log that only the puller itself reads.

    Args:
        waiting: The reader whose pull can't go on.
        full: Names of the logs or readers that hold it up.
    """

    def __init__(self, waiting: str, full: Iterable[str]) -> None:
        self.waiting, self.full = waiting, tuple(full)
        super().__init__(
            f"Reader {waiting!r} can't go on: {', '.join(map(repr, self.full))} is full, and nobody but the caller "
            "reads it. Read the two in turns (interleave), close the one that you don't read, raise maxlen, read it "
            "in a task of its own, or choose another overflow= for it."
        )


class NotYetAvailableError(NotImplementedError):
    """An argument of the public signature whose engine part is not built yet.

    Args:
        what: The argument, as the caller wrote it.
        instead: What to do today.
    """

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} is not available in this version of rxgraph. {instead}")


class UnreachableNodeError(ValueError):
    """``validate(strict=True)`` found a node that nothing leads to."""


class UnknownInterruptError(Exception):
    """A resume did not fit the questions that wait; raised only under ``configurable["__pregel_strict_resume"]``.

    Args:
        message: What to say in the place of the usual text.
        reason: ``"not_pending"``: an id of no waiting question; ``"empty_map"``: a map without ids;
            ``"ambiguous"``: one answer, and several questions.
        interrupt_ids: The ids that were given.
        pending_ids: The ids of the questions that wait.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        reason: Literal["not_pending", "empty_map", "ambiguous"] = "not_pending",
        interrupt_ids: Iterable[str] = (),
        pending_ids: Iterable[str] = (),
    ) -> None:
        self.reason = reason
        self.interrupt_ids, self.pending_ids = tuple(interrupt_ids), tuple(pending_ids)
        super().__init__(
            message
            or f"Resume does not fit ({reason}): answers were given for {list(self.interrupt_ids)}, and the questions "
            f"{list(self.pending_ids)} wait. Resume with Command(resume={{id: answer, ...}}); nothing was saved."
        )


_INVALID_RESUME = "_rxgraph_invalid_resume"


def mark_invalid_resume(error: BaseException) -> None:
    """Mark an error as one that the answer to a question has caused, and not the node."""
    setattr(error, _INVALID_RESUME, True)


def is_invalid_resume(error: BaseException) -> bool:
    """Whether a run failed since an answer is not what its question asked for; the question still waits."""
    return getattr(error, _INVALID_RESUME, False)


class GraphBubbleUp(Exception):
    """Base of the signals that travel through nodes as exceptions; retries and handlers let them pass."""


class GraphInterrupt(GraphBubbleUp):
    """A node asked for an answer from outside; it never leaves the root graph."""

    def __init__(self, interrupts: Iterable[object] = ()) -> None:
        self.interrupts = tuple(interrupts)
        super().__init__(self.interrupts)


class NodeInterrupt(GraphInterrupt):
    """Raised in a node, stops it with a question; deprecated, because nothing answers it: use ``interrupt()``.

    Args:
        value: The question.
        id: Its name.
    """

    def __init__(self, value: Any, id: str | None = None) -> None:
        from rxgraph.types import Interrupt

        warn(
            "NodeInterrupt is deprecated: use rxgraph.types.interrupt, which returns the answer.",
            LangGraphDeprecatedSinceV10,
            stacklevel=2,
        )
        super().__init__([Interrupt(value) if id is None else Interrupt(value, id)])


class GraphDrained(GraphBubbleUp):
    """A run stopped at a superstep boundary because its ``RunControl`` was asked to drain.

    Args:
        reason: What was said to ``request_drain``.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ParentCommand(GraphBubbleUp):
    """Carries a ``Command(graph=Command.PARENT)`` to the enclosing graph; escapes when there is none."""

    def __init__(self, command: object) -> None:
        self.command = command
        super().__init__(command)


class TaskNotFound(Exception):
    """An executor of tasks has none with that id; for executors outside of the library, which raises it nowhere."""


def create_error_message(*, message: str, error_code: ErrorCode) -> str:
    """Return a message that ends with a code, as those of this library do."""
    return f"{message} [{error_code.value}]"


__all__ = (
    "CheckpointConflictError",
    "EmptyChannelError",
    "EmptyInputError",
    "ErrorCode",
    "GraphBubbleUp",
    "GraphDrained",
    "GraphInterrupt",
    "GraphRecursionError",
    "InvalidUpdateError",
    "LaneError",
    "NodeCancelledError",
    "NodeError",
    "NodeInterrupt",
    "NodeTimeoutError",
    "NotYetAvailableError",
    "ParentCommand",
    "StalledConsumerError",
    "TaskNotFound",
    "UnknownInterruptError",
    "UnreachableNodeError",
    "create_error_message",
    "is_invalid_resume",
    "mark_invalid_resume",
)
