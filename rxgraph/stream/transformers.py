"""The built-in projections of a run, as operator chains over its parts."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NotRequired, TypeAlias, cast

from reactivex import Observable, abc
from typing_extensions import TypedDict

from rxgraph import operators as ops
from rxgraph.flow._lean import connect
from rxgraph.types import Namespace, Part

from ._channel import StreamChannel
from ._events import COERCED, data_of, lifecycle, parent_of
from ._feed import Chain, OwnParts, payloads
from ._mux import StreamMux
from ._parts import Parts
from ._transformer import StreamTransformer
from .run_stream import AsyncSubgraphRunStream, SubgraphRunStream

SubgraphStatus: TypeAlias = Literal["started", "completed", "failed", "interrupted", "drained", "aborted"]
"""How an inner graph stands."""


class LifecyclePayload(TypedDict):
    """What a ``lifecycle`` event says.

    Shapes: ``namespace`` is the path of the inner graph, a list; ``graph_name`` and ``trigger_call_id``, the id of the
    task that called it, come with ``"started"``; ``error``, a text, with ``"failed"``.
    """

    event: SubgraphStatus
    namespace: list[str]
    graph_name: NotRequired[str]
    trigger_call_id: NotRequired[str | None]
    cause: NotRequired[dict[str, Any]]
    error: NotRequired[str]


class _Own(Chain):
    """One mode of the graph itself, payload by payload.

    Args:
        scope: Namespace of the graph.
        maxlen: Most items that wait; ``None`` means the library's default of 1024.
    """

    _native: ClassVar[bool] = True

    def __init__(self, scope: Namespace = (), *, maxlen: int | None = None) -> None:
        super().__init__(scope)
        self._maxlen = maxlen

    def init(self) -> dict[str, Any]:
        """Return the one channel, under the name of the mode."""
        self.channel = StreamChannel(maxlen=self._maxlen)
        return {self.required_stream_modes[0]: self.channel}

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        coerce = mux.coerce
        (mode,) = self.required_stream_modes
        chosen = OwnParts(parts, self.scope).pipe(ops.mode(mode))
        if mode == "values" or (mode in COERCED and coerce is not None):
            return chosen.pipe(ops.map(lambda part: data_of(cast(Part, part), coerce, self.scope)))
        return payloads(chosen)


class ValuesTransformer(_Own):
    """``values``: the state after each superstep; a question repeats it."""

    required_stream_modes = ("values",)


class UpdatesTransformer(_Own):
    """``updates``: ``{node: update}`` of each task."""

    required_stream_modes = ("updates",)


class CustomTransformer(_Own):
    """``custom``: what nodes write."""

    required_stream_modes = ("custom",)


class CheckpointsTransformer(_Own):
    """``checkpoints``: each checkpoint as it is saved."""

    required_stream_modes = ("checkpoints",)


class TasksTransformer(_Own):
    """``tasks``: the start and the result of each task."""

    required_stream_modes = ("tasks",)


class DebugTransformer(_Own):
    """``debug``: tasks and checkpoints with step and time."""

    required_stream_modes = ("debug",)


class LifecycleTransformer(Chain):
    """``lifecycle``: how the graphs inside this one begin and end, at all depths.

    Args:
        scope: Namespace of the graph.
        maxlen: Most items that wait; ``None`` means the library's default of 1024.
    """

    _native = True
    required_stream_modes = ("lifecycle",)
    unlogged = ("tasks",)
    # The raw log shows the events themselves, in their place.
    unforwarded = True

    def __init__(self, scope: Namespace = (), *, maxlen: int | None = None) -> None:
        super().__init__(scope)
        self._maxlen = maxlen
        self._cause: dict[str, Any] | None = None
        """What made the graph begin that ``_on_started`` is told of."""

    def init(self) -> dict[str, Any]:
        """Return the one channel."""
        self.channel = StreamChannel("lifecycle", maxlen=self._maxlen)
        return {"lifecycle": self.channel}

    def shows(self, part: Part) -> bool:
        depth = len(self.scope)
        return part[1] == "lifecycle" and len(part[0]) > depth and part[0][:depth] == self.scope

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        return self._below(parts).pipe(ops.map(lifecycle))

    def _below(self, parts: Parts) -> Observable[Any]:
        return parts.pipe(ops.mode("lifecycle"), ops.filter(lambda part: self.shows(cast(Part, part))))

    def feed(self, channel: StreamChannel[Any], parts: Parts, mux: StreamMux) -> None:
        kind = type(self)
        if any(
            getattr(kind, hook) is not getattr(LifecycleTransformer, hook) for hook in ("_on_started", "_on_terminal")
        ):
            # A subclass wants to hear of each graph, also when nobody reads the channel.
            connect(self._below(parts), _Told(self))
        else:
            super().feed(channel, parts, mux)

    def _on_started(self, ns: Namespace, graph_name: str | None, trigger_call_id: str | None) -> None:
        """Show that a graph has begun; for subclasses, which may show it in another way, or not at all.

        Args:
            ns: Namespace of the graph.
            graph_name: The name of the node that called it, or of the graph.
            trigger_call_id: The id of the task that called it.
        """
        told: dict[str, Any] = {"event": "started", "graph_name": graph_name, "trigger_call_id": trigger_call_id}
        if self._cause is not None:
            told["cause"] = self._cause
        self.channel.push(lifecycle((ns, "lifecycle", told)))

    def _on_terminal(self, ns: Namespace, status: SubgraphStatus, error: str | None) -> None:
        """Show how a graph has ended; for subclasses, which may show it in another way, or not at all.

        Args:
            ns: Namespace of the graph.
            status: How it stands now.
            error: What it has failed with, as text.
        """
        self.channel.push(lifecycle((ns, "lifecycle", {"event": status, "error": error})))


class _Told(abc.ObserverBase[Part]):
    """Calls the hooks of a transformer; what one raises ends the run."""

    def __init__(self, transformer: LifecycleTransformer) -> None:
        self._transformer = transformer

    def on_next(self, value: Part) -> None:
        transformer, (ns, _, given) = self._transformer, value
        try:
            if given["event"] == "started":
                transformer._cause = given.get("cause")
                transformer._on_started(ns, given.get("graph_name"), given.get("trigger_call_id"))
            else:
                error = given.get("error")
                transformer._on_terminal(ns, given["event"], None if error is None else str(error))
        except Exception as raised:
            transformer.__dict__["_breaks_run"](raised)

    def on_error(self, error: Exception) -> None:
        """The channel hears of the run's error by itself."""

    def on_completed(self) -> None:
        """The channel ends with the run."""


class SubgraphTransformer(Chain):
    """``subgraphs``: a handle for each graph that this one calls.

    Args:
        scope: Namespace of the graph.
        maxlen: Most handles that wait; ``None`` means the library's default of 1024.
    """

    _native = True
    required_stream_modes = ("lifecycle",)
    unlogged = ("tasks",)

    def __init__(self, scope: Namespace = (), *, maxlen: int | None = None) -> None:
        super().__init__(scope)
        self._maxlen = maxlen

    def init(self) -> dict[str, Any]:
        """Return the one channel."""
        self.channel = StreamChannel(maxlen=self._maxlen)
        return {"subgraphs": self.channel}

    def shows(self, part: Part) -> bool:
        return part[1] == "lifecycle" and part[2]["event"] == "started" and parent_of(part[0]) == self.scope

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        kind = AsyncSubgraphRunStream if mux.is_async else SubgraphRunStream

        def handle(part: Part) -> SubgraphRunStream | AsyncSubgraphRunStream:
            ns, _, given = part
            mux.pause()
            return kind(
                mux.child(ns),
                path=ns,
                graph_name=given.get("graph_name"),
                trigger_call_id=given.get("trigger_call_id"),
            )

        begun = parts.pipe(ops.mode("lifecycle"), ops.filter(lambda part: self.shows(cast(Part, part))))
        return begun.pipe(ops.map(handle))


BUILT_IN: tuple[type[StreamTransformer], ...] = (ValuesTransformer, LifecycleTransformer, SubgraphTransformer)
"""What every run shows."""

__all__ = (
    "BUILT_IN",
    "CheckpointsTransformer",
    "CustomTransformer",
    "DebugTransformer",
    "LifecyclePayload",
    "LifecycleTransformer",
    "SubgraphStatus",
    "SubgraphTransformer",
    "TasksTransformer",
    "UpdatesTransformer",
    "ValuesTransformer",
)
