"""What a node can ask of the run that it is part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Protocol, cast

from rxgraph._context import current_task
from rxgraph._writer import no_write
from rxgraph.types import StreamWriter
from rxgraph.typing import ContextT


class RunControl:
    """A switch by which anyone, on any thread, can ask a run to stop at the next superstep boundary."""

    __slots__ = ("_reason",)

    def __init__(self) -> None:
        self._reason: str | None = None

    def request_drain(self, reason: str = "shutdown") -> None:
        """Ask for a stop; the caller of the run gets ``GraphDrained(reason)``. The first reason stays."""
        if self._reason is None:
            self._reason = reason

    @property
    def drain_requested(self) -> bool:
        """Whether a stop was asked for."""
        return self._reason is not None

    @property
    def drain_reason(self) -> str | None:
        """Why, or ``None``."""
        return self._reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionInfo:
    """Who is running: ids of the run, thread, checkpoint and task; ``None`` where there is none."""

    checkpoint_id: str | None = None
    checkpoint_ns: str = ""
    task_id: str | None = None
    thread_id: str | None = None
    run_id: str | None = None
    node_attempt: int = 1
    node_first_attempt_time: float | None = None

    def patch(self, **changes: Any) -> ExecutionInfo:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)


class BaseUser(Protocol):
    """Who has asked for a run, as a server knows it."""

    @property
    def is_authenticated(self) -> bool:
        """Whether the server knows who it is."""
        ...

    @property
    def display_name(self) -> str:
        """A name to show."""
        ...

    @property
    def identity(self) -> str:
        """What tells the user from others."""
        ...

    @property
    def permissions(self) -> Sequence[str]:
        """What the user may do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What the server that runs the graph says of the run.

    Args:
        assistant_id: Of the assistant, if there is one.
        graph_id: Of the graph, if there is one.
        user: Who has asked for the run.
    """

    assistant_id: str
    graph_id: str
    user: BaseUser | None = None

    @classmethod
    def of(cls, configurable: Mapping[str, Any]) -> ServerInfo | None:
        """Read ``configurable`` of a run; ``None`` where no server has put anything there."""
        assistant, graph = configurable.get("assistant_id"), configurable.get("graph_id")
        user = configurable.get("langgraph_auth_user")
        # A plain dict is what a server has not made into a user.
        user = user if hasattr(user, "identity") else None
        if assistant is None and graph is None and user is None:
            return None
        return cls(assistant_id=str(assistant or ""), graph_id=str(graph or ""), user=user)


def _no_heartbeat() -> None:
    """Nothing watches this node for signs of life."""


@dataclass(frozen=True, kw_only=True)
class Runtime(Generic[ContextT]):
    """The run, seen from a node: ``def node(state, runtime: Runtime[Ctx])``.

    Args:
        context: What the caller passed as ``context=``.
        store: The graph's store, or ``None``.
        stream_writer: Writes to the ``custom`` stream.
        heartbeat: Tells an idle timeout that the node is alive.
        previous: Last saved value of a functional workflow.
        execution_info: Ids of the run, thread and task.
        server_info: Set by a server that runs the graph.
        control: Lets a node ask the run to drain.
    """

    context: ContextT = cast(Any, None)
    store: Any = None
    stream_writer: StreamWriter = no_write
    heartbeat: Callable[[], None] = _no_heartbeat
    previous: Any = None
    execution_info: ExecutionInfo | None = None
    server_info: ServerInfo | None = None
    control: RunControl = field(default_factory=RunControl)

    def override(self, **changes: Any) -> Runtime[ContextT]:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)

    def merge(self, other: Runtime[Any]) -> Runtime[Any]:
        """Return a copy in which truthy fields of *other* win."""
        names = ("context", "store", "previous", "execution_info", "server_info")
        changes = {name: getattr(other, name) for name in names if getattr(other, name)}
        if other.stream_writer is not no_write:
            changes["stream_writer"] = other.stream_writer
        if other.heartbeat is not _no_heartbeat:
            changes["heartbeat"] = other.heartbeat
        return replace(self, control=other.control, **changes)

    def patch_execution_info(self, **changes: Any) -> Runtime[ContextT]:
        """Return a copy whose ``execution_info`` has some fields replaced."""
        return replace(self, execution_info=(self.execution_info or ExecutionInfo()).patch(**changes))

    @property
    def drain_requested(self) -> bool:
        """Whether the run was asked to drain."""
        return self.control.drain_requested

    @property
    def drain_reason(self) -> str | None:
        """Why, or ``None``."""
        return self.control.drain_reason


DEFAULT_RUNTIME: Final[Runtime[Any]] = Runtime()
"""What a node sees of a run that has nothing."""


def get_runtime(context_schema: type[ContextT] | None = None) -> Runtime[ContextT]:
    """Return the runtime of the task that is running here.

    Args:
        context_schema: Only tells a type checker what ``.context`` is.

    Raises:
        RuntimeError: No node is running in this context.
    """
    return cast("Runtime[ContextT]", current_task("get_runtime()").runtime)


__all__ = ("DEFAULT_RUNTIME", "BaseUser", "ExecutionInfo", "RunControl", "Runtime", "ServerInfo", "get_runtime")
