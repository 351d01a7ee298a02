"""Values that programs pass to a graph and get back from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, Literal, NamedTuple, NotRequired, Protocol, Self, TypeAlias, cast

from typing_extensions import TypedDict, TypeVar

from rxgraph._context import current_task
from rxgraph._defaults import default_cache_key as default_cache_key
from rxgraph._defaults import default_retry_on as default_retry_on
from rxgraph.channels._overwrite import Overwrite as Overwrite
from rxgraph.constants import PARENT

All: TypeAlias = Literal["*"]
"""Stands for every node where a list of names is asked for."""

StreamMode: TypeAlias = Literal["values", "updates", "checkpoints", "tasks", "debug", "messages", "custom"]
"""What a stream shows; see the ``stream`` method of a compiled graph."""

Durability: TypeAlias = Literal["sync", "async", "exit"]
"""When a checkpoint is written: before the next superstep, beside it, or once at the end."""

Namespace: TypeAlias = tuple[str, ...]
"""Path of a graph below the root, one ``"node:task id"`` per level; the root's is ``()``."""

Part: TypeAlias = tuple[Namespace, str, Any]
"""One event of a run inside the library: ``(namespace, stream mode, payload)``."""

Checkpointer: TypeAlias = Any | bool | None
"""A saver, any object with the methods of one; ``True`` and ``False`` say whether a graph inside another is saved."""

ValueT = TypeVar("ValueT", default=Any)
GotoT = TypeVar("GotoT", bound=Hashable, default=str)


class StreamWriter(Protocol):
    """Sends its argument to the ``custom`` stream of the run.

    In an async node ``await writer(x)`` waits while readers are behind; a bare ``writer(x)`` never waits there.
    In a sync node the call itself waits.
    """

    def __call__(self, payload: Any, /) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Emit:
    """A custom event, yielded by a generator or async-generator node.

    Shapes: ``yield Emit(value)``; the event's payload is ``value``.
    Demand: the generator is not resumed before readers have room for the event.
    """

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutPolicy:
    """How long one attempt of an async node may take.

    Args:
        run_timeout: Seconds (or timedelta) from start to end.
        idle_timeout: Seconds (or timedelta) without a sign of life.
        refresh_on: What counts as one: ``"auto"`` (any output) or ``"heartbeat"`` only.

    Raises:
        ValueError: A time that is not positive.
    """

    run_timeout: float | timedelta | None = None
    idle_timeout: float | timedelta | None = None
    refresh_on: Literal["auto", "heartbeat"] = "auto"

    def __post_init__(self) -> None:
        for name in ("run_timeout", "idle_timeout"):
            value = getattr(self, name)
            if value is not None and _seconds(value) <= 0:
                raise ValueError(f"TimeoutPolicy({name}=...) needs a time above 0 seconds, got {value!r}.")

    @classmethod
    def coerce(cls, value: float | timedelta | TimeoutPolicy | None) -> TimeoutPolicy | None:
        """Read a bare time as ``run_timeout``, and times as seconds; a policy that limits nothing is ``None``."""
        if value is None:
            return None
        policy = value if isinstance(value, TimeoutPolicy) else cls(run_timeout=value)
        if policy.run_timeout is None and policy.idle_timeout is None:
            return None
        run, idle = policy.run_timeout, policy.idle_timeout
        return cls(
            run_timeout=None if run is None else _seconds(run),
            idle_timeout=None if idle is None else _seconds(idle),
            refresh_on=policy.refresh_on,
        )


def _seconds(time: float | timedelta) -> float:
    return time.total_seconds() if isinstance(time, timedelta) else float(time)


class RetryPolicy(NamedTuple):
    """When and how often a failed node is tried again; times are seconds."""

    initial_interval: float = 0.5
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    max_attempts: int = 3
    jitter: bool = True
    retry_on: type[Exception] | Sequence[type[Exception]] | Callable[[Exception], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class CachePolicy:
    """How the result of a node is cached; ``ttl`` is seconds, ``None`` means for ever."""

    key_func: Callable[..., str | bytes] | None = None
    ttl: int | None = None


@dataclass(frozen=True, kw_only=True)
class TracePolicy:
    """What tracers may record of a node's inputs and outputs; execution is untouched."""

    process_inputs: Callable[[Any], Any] | None = None
    process_outputs: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question that a node asks of the outside.

    Args:
        value: The question, shown to whoever answers.
        id: Names this question; an answer may be addressed to it.
        response_schema: JSON schema of the answer, where the node gave one.
    """

    value: Any
    id: str = "placeholder-id"
    response_schema: dict[str, Any] | None = field(default=None, kw_only=True)

    @classmethod
    def from_ns(cls, value: Any, ns: str, *, response_schema: Any = None) -> Self:
        """Make the first question of the task in a namespace, with the id that it has there.

        Args:
            value: The question.
            ns: Namespace, with the task id.
            response_schema: Kept as it is.
        """
        from xxhash import xxh3_128_hexdigest

        return cls(value, xxh3_128_hexdigest(ns.encode()), response_schema=response_schema)


def interrupt(value: Any, *, response_schema: dict[str, Any] | type | None = None) -> Any:
    """Ask the outside a question, and return its answer.

    The first time the run stops here, with the question in its result. It goes on with
    ``invoke(Command(resume=answer), config)``: the node runs again from its first line, and this call returns the
    answer. Several calls in one node are matched to answers by their order.

    Args:
        value: The question.
        response_schema: What the answer has to be. A dict is a JSON schema, shown with the question. A type (pydantic
            model, dataclass, TypedDict, ``list[int]``) is shown as its JSON schema, and the answer is made into one;
            needs pydantic.

    Raises:
        pydantic.ValidationError: The answer does not fit the type; the question goes on waiting.
        GraphInterrupt: No answer is there yet; let it pass.
        RuntimeError: No node is running in this context.
    """
    return current_task("interrupt()").ask(value, response_schema)


class Send:
    """Run a node in the next superstep with an input of its own.

    Shapes: ``Send("node", input)``; the input reaches the node as it is, outside the state.
    Args:
        node: Name of the node.
        arg: Its input.
        timeout: Overrides the node's time limit for this task.
    """

    __slots__ = ("arg", "node", "timeout")

    def __init__(self, /, node: str, arg: Any, *, timeout: float | timedelta | TimeoutPolicy | None = None) -> None:
        self.node = node
        self.arg = arg
        self.timeout = TimeoutPolicy.coerce(timeout)

    def __repr__(self) -> str:
        tail = "" if self.timeout is None else f", timeout={self.timeout!r}"
        return f"Send(node={self.node!r}, arg={self.arg!r}{tail})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Send):
            return NotImplemented
        return self.node == other.node and self.arg == other.arg and self.timeout == other.timeout

    def __hash__(self) -> int:
        return hash((self.node, self.arg, self.timeout))


@dataclass(frozen=True, kw_only=True, slots=True)
class Command(Generic[GotoT]):
    """An update of the state and the way to go on, in one value.

    Args:
        graph: ``None`` for this graph, ``Command.PARENT`` for the closest enclosing one.
        update: A dict, pairs of ``(key, value)``, or an instance of an annotated class.
        resume: Answer to an interrupt.
        goto: A node's name, a ``Send``, or a sequence of them.
    """

    graph: str | None = None
    update: Any = None
    resume: Any = None
    goto: Send | Sequence[Send | GotoT] | GotoT = ()

    PARENT: ClassVar[Literal["__parent__"]] = PARENT

    def __repr__(self) -> str:
        names = ("graph", "update", "resume", "goto")
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n in names if getattr(self, n))
        return f"Command({shown})"


class StateUpdate(NamedTuple):
    """One update of ``bulk_update_state``.

    Args:
        values: What the node would have returned.
        as_node: The node that it stands for.
        task_id: Under which it is kept.
    """

    values: Any
    as_node: str | None = None
    task_id: str | None = None


class PregelTask(NamedTuple):
    """A task as a ``StateSnapshot`` shows it."""

    id: str
    name: str
    path: tuple[Any, ...]
    error: Exception | None = None
    interrupts: tuple[Interrupt, ...] = ()
    state: Any = None
    result: Any = None


class CacheKey(NamedTuple):
    """Where the result of a task is cached, and for how many seconds."""

    ns: tuple[str, ...]
    key: str
    ttl: int | None


@dataclass(frozen=True, slots=True)
class PregelExecutableTask:
    """A task with all that is needed to run it; programs name it in annotations, the runtime has a task of its own."""

    name: str
    input: Any
    proc: Any
    writes: deque[tuple[str, Any]]
    config: Any
    triggers: Sequence[str]
    retry_policy: Sequence[RetryPolicy]
    cache_key: CacheKey | None
    id: str
    path: tuple[Any, ...]
    writers: Sequence[Any] = ()
    subgraphs: Sequence[Any] = ()
    timeout: TimeoutPolicy | None = None


def ensure_valid_checkpointer(checkpointer: Checkpointer) -> Checkpointer:
    """Return *checkpointer* if a graph can be compiled with it.

    Raises:
        TypeError: It is no saver.
    """
    is_saver = hasattr(checkpointer, "get_tuple") and hasattr(checkpointer, "put")
    if checkpointer is None or isinstance(checkpointer, bool) or is_saver:
        return checkpointer
    raise TypeError(
        f"checkpointer must be a saver, True, False or None, got {checkpointer!r}. Make one, e.g. InMemorySaver()."
    )


def omit_payload(payload: Any) -> dict[str, Any]:
    """Show nothing of a payload; for ``TracePolicy(process_inputs=omit_payload)``."""
    return {}


class StateSnapshot(NamedTuple):
    """The state of a thread at one checkpoint."""

    values: dict[str, Any] | Any
    next: tuple[str, ...]
    config: dict[str, Any]
    metadata: dict[str, Any] | None
    created_at: str | None
    parent_config: dict[str, Any] | None
    tasks: tuple[PregelTask, ...]
    interrupts: tuple[Interrupt, ...]


@dataclass(frozen=True, slots=True)
class GraphOutput(Generic[ValueT]):
    """What ``invoke(version="v2")`` returns: the output, and the questions that stopped the run."""

    value: ValueT
    interrupts: tuple[Interrupt, ...] = ()

    def __getitem__(self, key: str) -> Any:
        return cast(Mapping[str, Any], self.value)[key]

    def __contains__(self, key: object) -> bool:
        return key in cast(Mapping[str, Any], self.value)


class TaskPayload(TypedDict):
    """``tasks`` event: a task is about to run."""

    id: str
    name: str
    input: Any
    triggers: tuple[str, ...]
    metadata: NotRequired[dict[str, Any]]


class TaskResultPayload(TypedDict):
    """``tasks`` event: a task has ended."""

    id: str
    name: str
    error: BaseException | None
    result: dict[str, Any]
    interrupts: list[dict[str, Any]]


class DebugPayload(TypedDict):
    """``debug`` event: a ``tasks`` or ``checkpoints`` event with its step and time (ISO 8601, UTC)."""

    step: int
    timestamp: str
    type: Literal["checkpoint", "task", "task_result"]
    payload: Any


class CheckpointTask(TypedDict):
    """A task of a ``checkpoints`` event."""

    id: str
    name: str
    error: NotRequired[Any]
    result: NotRequired[Any]
    interrupts: NotRequired[list[dict[str, Any]]]
    state: Any


class CheckpointPayload(TypedDict):
    """``checkpoints`` event: where a thread stands."""

    config: dict[str, Any] | None
    metadata: dict[str, Any]
    values: Any
    next: list[str]
    parent_config: dict[str, Any] | None
    tasks: list[CheckpointTask]


class ValuesStreamPart(TypedDict):
    """A ``values`` event of ``version="v2"``."""

    type: Literal["values"]
    ns: Namespace
    data: Any
    interrupts: tuple[Interrupt, ...]


class UpdatesStreamPart(TypedDict):
    """An ``updates`` event of ``version="v2"``."""

    type: Literal["updates"]
    ns: Namespace
    data: dict[str, Any]


class CustomStreamPart(TypedDict):
    """A ``custom`` event of ``version="v2"``."""

    type: Literal["custom"]
    ns: Namespace
    data: Any


class MessagesStreamPart(TypedDict):
    """A ``messages`` event of ``version="v2"``: a message or a piece of one, and where it comes from."""

    type: Literal["messages"]
    ns: Namespace
    data: tuple[Any, dict[str, Any]]


class CheckpointStreamPart(TypedDict):
    """A ``checkpoints`` event of ``version="v2"``."""

    type: Literal["checkpoints"]
    ns: Namespace
    data: CheckpointPayload


class TasksStreamPart(TypedDict):
    """A ``tasks`` event of ``version="v2"``."""

    type: Literal["tasks"]
    ns: Namespace
    data: TaskPayload | TaskResultPayload


class DebugStreamPart(TypedDict):
    """A ``debug`` event of ``version="v2"``."""

    type: Literal["debug"]
    ns: Namespace
    data: DebugPayload


StreamPart: TypeAlias = (
    ValuesStreamPart
    | UpdatesStreamPart
    | MessagesStreamPart
    | CustomStreamPart
    | CheckpointStreamPart
    | TasksStreamPart
    | DebugStreamPart
)
"""An event of ``stream(version="v2")``."""

__all__ = (
    "All",
    "CacheKey",
    "CachePolicy",
    "CheckpointPayload",
    "CheckpointStreamPart",
    "CheckpointTask",
    "Checkpointer",
    "Command",
    "CustomStreamPart",
    "DebugPayload",
    "DebugStreamPart",
    "Durability",
    "Emit",
    "GraphOutput",
    "Interrupt",
    "MessagesStreamPart",
    "Namespace",
    "Overwrite",
    "Part",
    "PregelExecutableTask",
    "PregelTask",
    "RetryPolicy",
    "Send",
    "StateSnapshot",
    "StateUpdate",
    "StreamMode",
    "StreamPart",
    "StreamWriter",
    "TaskPayload",
    "TaskResultPayload",
    "TasksStreamPart",
    "TimeoutPolicy",
    "TracePolicy",
    "UpdatesStreamPart",
    "ValuesStreamPart",
    "default_cache_key",
    "default_retry_on",
    "ensure_valid_checkpointer",
    "interrupt",
    "omit_payload",
)
