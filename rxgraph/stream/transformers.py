"""The built-in projections of a run, as operator chains over its parts."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NotRequired, TypeAlias, cast

from reactivex import Observable
from typing_extensions import TypedDict

from rxgraph import operators as ops
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

    def init(self) -> dict[str, Any]:
        """Return the one channel."""
        self.channel = StreamChannel("lifecycle", maxlen=self._maxlen)
        return {"lifecycle": self.channel}

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        depth = len(self.scope)

        def is_below(part: Part) -> bool:
            return len(part[0]) > depth and part[0][:depth] == self.scope

        return parts.pipe(ops.mode("lifecycle"), ops.filter(is_below), ops.map(lifecycle))


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

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        kind = AsyncSubgraphRunStream if mux.is_async else SubgraphRunStream

        def begins_here(part: Part) -> bool:
            return part[2]["event"] == "started" and parent_of(part[0]) == self.scope

        def handle(part: Part) -> SubgraphRunStream | AsyncSubgraphRunStream:
            ns, _, given = part
            mux.pause()
            return kind(
                mux.child(ns),
                path=ns,
                graph_name=given.get("graph_name"),
                trigger_call_id=given.get("trigger_call_id"),
            )

        return parts.pipe(ops.mode("lifecycle"), ops.filter(begins_here), ops.map(handle))


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
