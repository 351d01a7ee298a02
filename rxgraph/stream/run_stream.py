"""Run handles: what ``stream_events(version="v3")`` and ``astream_events(version="v3")`` return.

Nothing runs before the first pull; every pull that finds nothing waiting takes the run one step on. Any consumer may
pull, and what comes goes to the projection that it belongs to, where its reader finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, Protocol
from uuid import uuid4
from weakref import ref

from reactivex import abc

from rxgraph.errors import LaneError
from rxgraph.flow import Lagged
from rxgraph.flow._lean import connect
from rxgraph.types import Namespace, Part

from ._channel import ChannelStatistics, StreamChannel
from ._events import Coerce, ProtocolEvent, data_of, questions_of
from ._feed import OwnParts
from ._interleave import AsyncInterleave, Merge
from ._mux import StreamMux
from ._reader import Reader
from ._replay import AsyncScoped, Scoped, since
from ._sources import AsyncIterSource, AsyncSource, IterSource, Lease, SyncSource

VALUES = frozenset({"values"})


class EventCursor(NamedTuple):
    """A place in the events of a run, the same for the run and the graphs inside it."""

    run_id: str
    seq: int


class RunStatistics(NamedTuple):
    """What a run has shown, how it stands, and the counters of its channels by name."""

    seq: int
    status: str
    channels: Mapping[str, ChannelStatistics]


class _Outcome(abc.ObserverBase[Part]):
    """Remembers the last ``values`` of the graph, and the questions on which it stopped."""

    __slots__ = ("_coerce", "_scope", "interrupts", "output")

    def __init__(self, coerce: Coerce | None, scope: Namespace) -> None:
        self._coerce, self._scope = coerce, scope
        self.output: Any = None
        self.interrupts: list[Any] = []

    def on_next(self, part: Part) -> None:
        output = data_of(part, self._coerce, self._scope)
        # What readers of the projections do to the dict that they are shown is no part of the run.
        self.output = output.copy() if type(output) is dict else output
        self.interrupts.extend(questions_of(part))

    def on_error(self, error: Exception) -> None:
        """Whoever asks for the output hears of the error by itself."""

    def on_completed(self) -> None:
        """Nothing changes any more."""


class _Pausing(Protocol):
    """What a handle asks about breakpoints."""

    paused: bool


class _Handle:
    """What the handles of both lanes share."""

    _run_id: str | None = None
    _engine: _Pausing | None = None

    def __init__(self, mux: StreamMux) -> None:
        self._mux = mux
        self._outcome = _Outcome(mux.coerce, mux.scope)
        connect(OwnParts(mux, mux.scope, VALUES), self._outcome)
        self._goal: StreamChannel[Any] | None = None
        self._lease = mux._lend()

    def _open_lease(self, source: SyncSource | AsyncSource) -> None:
        self._lease = lease = Lease(source)
        self._mux.lease = ref(lease)

    @property
    def extensions(self) -> Mapping[str, Any]:
        """All projections by key, read-only."""
        return self._mux.extensions

    def __getattr__(self, name: str) -> Any:
        mux = self.__dict__.get("_mux")
        if mux is None or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name in mux.extensions:
            return mux.extensions[name]
        registered = ", ".join(sorted(mux.extensions)) or "none"
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r} (registered projections: {registered}). "
            "Projections are registered by transformers=[...], at compile() or at the call."
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._mux.extensions]

    @property
    def run_id(self) -> str:
        """Names the run; by default made when it is asked for."""
        if self._run_id is None:
            self._run_id = str(uuid4())
        return self._run_id

    @property
    def cursor(self) -> EventCursor:
        """The place behind the last event that the run has shown; for :meth:`events`."""
        return EventCursor(self.run_id, (self._mux._parent_root or self._mux).seq)

    def statistics(self) -> RunStatistics:
        """Count what the run has shown, and what waits for whom."""
        channels = {channel.name: channel.statistics() for channel in self._mux._channels}
        return RunStatistics((self._mux._parent_root or self._mux).seq, self._mux.status, channels)

    def keep_events(self, items: int | None = None, nbytes: int | None = None) -> None:
        """Keep the newest events from now on, for readers of ``events(after=...)``.

        Args:
            items: Most events to keep; by default 1,024.
            nbytes: Most bytes of them.
        """
        (self._mux._parent_root or self._mux).log.keep(items, nbytes)

    def _events(self, after: EventCursor | int | None) -> Reader[ProtocolEvent | Lagged]:
        mux = self._mux._parent_root or self._mux
        if isinstance(after, tuple):
            if after[0] != self.run_id:
                raise ValueError(f"Cursor {after!r} is of another run; this one is {self.run_id!r}.")
            after = after[1]
        mux.log.keep()
        return since(mux.log, mux.seq, after)

    def _is_at_breakpoint(self) -> bool:
        return self._engine is not None and self._engine.paused

    def _end(self) -> StreamChannel[Any]:
        """A channel that only ends: reading it drives the run to its end."""
        if self._goal is None:
            self._goal = StreamChannel("the output")
            self._mux._adopt(self._goal)
        return self._goal

    def _has_readers(self) -> bool:
        return any(channel._readers for channel in self._mux._channels)

    def __repr__(self) -> str:
        mux = self._mux
        readers = sum(len(channel._readers) for channel in mux._channels)
        lag = max((one.lag for channel in mux._channels for one in channel.statistics().readers), default=0)
        where = "" if not mux.scope else f" {'|'.join(mux.scope)}"
        return f"<{type(self).__name__}{where} {mux.status} | seq {mux.seq}, readers {readers}, lag {lag}>"


class GraphRunStream(_Handle):
    """A synchronous run: projections as attributes, raw events by iteration.

    Demand: nothing runs before the first pull. A projection that is read and full holds the run; when the one thread
        then pulls another one, which would never go on, ``StalledConsumerError`` names the full one.
    Errors: of the run come out of every projection, behind its items, and out of :attr:`output`.
    Disposal: :meth:`abort`, or leaving a ``with`` block, ends the run and waits for nodes that run on threads.

    Args:
        graph_iter: Items of ``stream(version="v2", subgraphs=True)``.
        mux: Where they go.
        wire_pump: Let pulls of projections take *graph_iter* on.
    """

    def __init__(
        self, graph_iter: Iterator[Any] | SyncSource | None, mux: StreamMux, *, wire_pump: bool = True
    ) -> None:
        super().__init__(mux)
        if mux.is_async:
            raise LaneError("GraphRunStream got a mux of the asynchronous lane. Use: AsyncGraphRunStream(...).")
        self._source: SyncSource = graph_iter if isinstance(graph_iter, SyncSource) else IterSource(graph_iter, mux)
        if wire_pump:
            mux.bind_pump(self._source.turn, gate=self._source.gate)
        mux.on_broken = self._source.stop
        self._open_lease(self._source)

    def __iter__(self) -> Iterator[ProtocolEvent]:
        return iter(self._mux.log)

    @property
    def output(self) -> Any:
        """Run to the end and return the last ``values`` of the graph.

        Raises:
            Exception: What the run has failed with.
        """
        for _ in self._end().reader(name="output"):
            raise AssertionError("a channel that only ends has no items")
        return self._outcome.output

    @property
    def interrupts(self) -> list[Any]:
        """Run to the end and return the questions on which the graph has stopped."""
        if self._mux.status != "interrupted":
            _ = self.output
        return list(self._outcome.interrupts)

    @property
    def interrupted(self) -> bool:
        """Run to the end and say whether the graph has stopped on a question."""
        return bool(self.interrupts)

    @property
    def paused(self) -> bool:
        """Run to the end and say whether the graph has stopped at a breakpoint, where nobody is asked anything."""
        if self._mux.status != "interrupted":
            _ = self.output
        return self._is_at_breakpoint()

    def interleave(self, *names: str) -> Generator[tuple[str, Any], None, None]:
        """Read several projections as one stream of ``(name, item)``, in the order in which the items came.

        The projections are claimed at the first ``next``, and let go at the end, with ``close()``, or with an error;
        whoever reads one then begins with what was left.

        Raises:
            KeyError: There is no such projection.
            RuntimeError: One is being read already, or named twice.
            TypeError: One is no channel.
        """
        merge = Merge(self._mux, names)
        # Behind a chain, which has no close(): what the branch has not handed out belongs to the next readers.
        branch = merge.branch()
        try:
            yield from chain(branch)
        finally:
            merge.release()

    def events(self, after: EventCursor | int | None = None) -> Scoped:
        """Read protocol events behind a place that was reached before; any number of readers.

        The newest 1,024 events are kept from the first call on, or as :meth:`keep_events` says.

        Args:
            after: A cursor, or the ``seq`` of the last event that is known; 0 is the beginning, ``None`` is now.

        Shapes: protocol events with ``seq`` above *after*, each once. What is no longer kept is told of by a
            :class:`~rxgraph.flow.Lagged` in the first place.

        Raises:
            ValueError: *after* has not happened yet, or is of another run.
        """
        return Scoped(self._events(after), self._mux.scope)

    def abort(self) -> None:
        """End the run; idempotent. A step that another thread is pulling for comes to its end first."""
        self._source.stop()

    def __enter__(self) -> GraphRunStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.abort()


class AsyncGraphRunStream(_Handle):
    """An asynchronous run: projections as attributes, raw events by asynchronous iteration.

    Demand: nothing runs before the first pull. A projection that is read and full holds the run, until its reader
        goes on; a pull that would wait for its own task raises ``StalledConsumerError``.
    Errors: of the run come out of every projection, behind its items, and out of :meth:`output`.
    Disposal: a cancelled pull loses nothing. :meth:`abort`, or leaving an ``async with`` block, cancels the run.

    Args:
        graph_aiter: Items of ``astream(version="v2", subgraphs=True)``.
        mux: Where they go.
        wire_pump: Let pulls of projections take *graph_aiter* on.
    """

    def __init__(
        self, graph_aiter: AsyncIterator[Any] | AsyncSource | None, mux: StreamMux, *, wire_pump: bool = True
    ) -> None:
        super().__init__(mux)
        if not mux.is_async:
            raise LaneError("AsyncGraphRunStream got a mux of the synchronous lane. Use: StreamMux(is_async=True).")
        self._source: AsyncSource = (
            graph_aiter if isinstance(graph_aiter, AsyncSource) else AsyncIterSource(graph_aiter, mux)
        )
        if wire_pump:
            mux.bind_apump(self._source, gate=self._source.gate)
        mux.on_broken = self._source.stop_soon
        self._open_lease(self._source)

    def __aiter__(self) -> AsyncIterator[ProtocolEvent]:
        return aiter(self._mux.log)

    async def output(self) -> Any:
        """Run to the end and return the last ``values`` of the graph.

        Raises:
            Exception: What the run has failed with.
        """
        async for _ in self._end().areader(name="output"):
            raise AssertionError("a channel that only ends has no items")
        return self._outcome.output

    async def interrupts(self) -> list[Any]:
        """Run to the end and return the questions on which the graph has stopped."""
        if self._mux.status != "interrupted":
            await self.output()
        return list(self._outcome.interrupts)

    async def interrupted(self) -> bool:
        """Run to the end and say whether the graph has stopped on a question."""
        return bool(await self.interrupts())

    async def paused(self) -> bool:
        """Run to the end and say whether the graph has stopped at a breakpoint, where nobody is asked anything."""
        if self._mux.status != "interrupted":
            await self.output()
        return self._is_at_breakpoint()

    def interleave(self, *names: str) -> AsyncInterleave:
        """Read several projections as one stream of ``(name, item)``, in the order in which the items came.

        The projections are claimed at the first pull, and let go at the end or with ``aclose()``; whoever reads one
        then begins with what was left. The first pull raises what ``GraphRunStream.interleave`` does.
        """
        return AsyncInterleave(lambda: Merge(self._mux, names))

    def events(self, after: EventCursor | int | None = None) -> AsyncScoped:
        """Read protocol events behind a place that was reached before; see ``GraphRunStream.events``."""
        return AsyncScoped(self._events(after), self._mux.scope)

    async def abort(self) -> None:
        """Cancel the run and wait until its nodes have ended; idempotent, and may be called on any event loop."""
        loop = self._source.loop
        if loop is not None and loop is not asyncio.get_running_loop() and loop.is_running():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.abort(), loop))
            return
        # First the channels: a node that writes on its way out must not wait for a reader that has gone.
        self._mux.abort()
        try:
            await self._source.stop()
        finally:
            await self._mux.closed()
            if self.unstopped:
                logger = logging.getLogger("rxgraph.stream")
                logger.warning(
                    "A run was aborted, and these of its nodes go on, since nothing can stop a thread: %s. "
                    "Make them async, or let them look at a flag.",
                    ", ".join(map(repr, self.unstopped)),
                )

    @property
    def unstopped(self) -> tuple[str, ...]:
        """Nodes that run on threads now; after :meth:`abort`, those that could not be stopped."""
        return self._source.unstopped

    async def __aenter__(self) -> AsyncGraphRunStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.abort()


class _Inner(_Handle):
    """What tells a graph inside a run from the run."""

    path: Namespace
    """The namespace of the graph."""
    graph_name: str | None
    """The name of the node that called it, or of the graph."""
    trigger_call_id: str | None
    """The id of the task that called it."""

    @property
    def status(self) -> str:
        """``"started"``, ``"completed"``, ``"failed"``, ``"interrupted"``, ``"drained"`` or ``"aborted"``."""
        return self._mux.status

    def _is_at_breakpoint(self) -> bool:
        return self.status == "interrupted" and not self._outcome.interrupts

    @property
    def error(self) -> str | None:
        """What the graph has failed with, as text."""
        return None if self.status != "failed" else str(self._mux.cause)

    @property
    def error_cause(self) -> BaseException | None:
        """The exception that the graph has failed with."""
        return self._mux.cause


class SubgraphRunStream(_Inner, GraphRunStream):
    """A graph inside a synchronous run; pulls take the whole run on, and stop where this graph ends.

    What the graph shows before somebody reads it is kept, the newest 1,024 parts, and comes first; behind a ``Lagged``
    that counts what is gone, if there was more.

    Args:
        mux: Of the graph.
        path: Its namespace.
        graph_name: The node that called it.
        trigger_call_id: The task that called it.
    """

    def __init__(
        self, mux: StreamMux, *, path: Namespace, graph_name: str | None = None, trigger_call_id: str | None = None
    ) -> None:
        _Handle.__init__(self, mux)
        self.path, self.graph_name, self.trigger_call_id = path, graph_name, trigger_call_id

    def abort(self) -> None:
        """Read no more of this graph; the run goes on."""
        self._mux.abort()


class AsyncSubgraphRunStream(_Inner, AsyncGraphRunStream):
    """A graph inside an asynchronous run; pulls take the whole run on, and stop where this graph ends.

    What the graph shows before somebody reads it is kept, the newest 1,024 parts, and comes first; behind a ``Lagged``
    that counts what is gone, if there was more.

    Args:
        mux: Of the graph.
        path: Its namespace.
        graph_name: The node that called it.
        trigger_call_id: The task that called it.
    """

    def __init__(
        self, mux: StreamMux, *, path: Namespace, graph_name: str | None = None, trigger_call_id: str | None = None
    ) -> None:
        _Handle.__init__(self, mux)
        self.path, self.graph_name, self.trigger_call_id = path, graph_name, trigger_call_id

    async def abort(self) -> None:
        """Read no more of this graph; the run goes on."""
        self._mux.abort()
        await self._mux.closed()


__all__ = (
    "AsyncGraphRunStream",
    "AsyncSubgraphRunStream",
    "EventCursor",
    "GraphRunStream",
    "RunStatistics",
    "SubgraphRunStream",
)
