"""The mux of a run: parts come in, projections and the raw log go out.

Under it lies a Subject (:class:`~rxgraph.stream._parts.Parts`). The way of a part:

1. transformers of the ``before_builtins`` kind see it as an event, and may change it;
2. it is routed by its mode to the chains of projections that somebody reads, and by its namespace to the muxes of the
   graphs inside, each of which goes the same way with it;
3. the other transformers see the event;
4. it gets its place in the raw log.

What nobody reads does not happen: a chain is connected when its channel gets a reader, and an event is built when
somebody reads the raw log or a transformer of the kind with hooks is there.

The muxes of inner graphs hang on the root, by namespace. Each keeps the newest parts of its graph, so whoever is handed
a subgraph and reads its projections then gets them from the start; when its graph ends, the root lets go of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import time
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from reactivex import abc

from rxgraph.errors import GraphDrained, GraphInterrupt
from rxgraph.flow import DEFAULT_MAXLEN, Gate
from rxgraph.flow._lean import NOTHING
from rxgraph.types import Namespace, Part

from ._channel import StreamChannel
from ._events import COERCED, Coerce, Kept, ProtocolEvent, make_event, now, parent_of, part_of
from ._feed import Chain, Feed, Forward, Tap
from ._parts import Parts
from ._pumps import AsyncSteps, AsyncTurn, Pump, Turn, is_pump, wait_for_all
from ._stage import AsyncStage
from ._transformer import StreamTransformer, has_async_hooks, needs_async

Factory: TypeAlias = Callable[[Namespace], StreamTransformer]
"""Makes the transformer of one graph: called with its namespace."""

BARE = frozenset({"lifecycle", ""})
"""Modes that transformers with hooks don't see: what they are told of inner graphs they read from ``tasks``; and the
word of another thread that the run is to end."""
HOPS = 4
"""Turns of the event loop in which a reader of subgraphs wakes up, and perhaps starts a task for the one it got."""
TERMINAL = ("completed", "failed", "interrupted", "drained", "aborted")
"""Events with which an inner graph ends."""


class StreamMux(Parts):
    """Number and multicast the events of one graph, and keep its projections.

    Shapes: ``Part = (namespace, mode, payload)`` in and out; :meth:`push` takes protocol events.
    Demand: none here; full channels shut the gate, and whoever feeds the mux waits for it.
    Order: the order of ``on_next`` calls. What a transformer pushes while it sees an event comes behind that event.
    Errors: of a transformer end the run with that error; of the run go to every projection, once.

    Args:
        transformers: Made before; such a mux has no muxes for inner graphs.
        is_async: The lane that the run belongs to.
        factories: Called with *scope*, and for each inner graph with its namespace.
        scope: Namespace of the graph.
        coerce: Turns payloads of the root graph into the user's classes.
        maxlen: Most items that wait in a channel that was made without a bound of its own.

    Raises:
        RuntimeError: A transformer needs an asynchronous run.
        TypeError: ``init()`` of a transformer returns no dict.
        ValueError: Two transformers offer the same key.
    """

    def __init__(
        self,
        transformers: Iterable[StreamTransformer] | None = None,
        *,
        is_async: bool = False,
        factories: Iterable[Factory] | None = None,
        scope: Namespace = (),
        coerce: Coerce | None = None,
        maxlen: int | None = None,
    ) -> None:
        super().__init__()
        self.maxlen = StreamChannel._check_maxlen("events", maxlen)
        self.is_async = is_async
        self.scope = tuple(scope)
        self.coerce = coerce
        self.native_keys: set[str] = set()
        """Keys of the built-in projections."""
        self.on_broken: Callable[[], None] = _nothing
        """Called when a transformer has ended the run: whoever feeds the mux should stop."""
        self.lease: Callable[[], object] = _nothing
        """Returns what the handle and its readers hold; the run is stopped when the last of them lets go of it."""
        self.status = "started"
        """How the graph stands: ``"started"``, or how it ended."""
        self.cause: BaseException | None = None
        """What ended it, if something did."""
        self._given_transformers = tuple(transformers or ())
        self._factories = tuple(factories or ())
        self._projections: dict[str, Any] = {}
        self._owners: dict[str, StreamTransformer] = {}
        self._transformers: list[StreamTransformer] = []
        self._before: tuple[StreamTransformer, ...] = ()
        self._after: tuple[StreamTransformer, ...] = ()
        self._stage: AsyncStage | None = None
        self._closing: asyncio.Task[None] | None = None
        self._late: Exception | None = None
        self._unfinalized: Exception | None = None
        # Ends that are under way, those of inner graphs among them.
        self._tail: set[asyncio.Task[None]] = set()
        self._channels: list[StreamChannel[Any]] = []
        self._forwards: list[Forward] = []
        self._unlogged: frozenset[str] = frozenset()
        self._logging = False
        self._gate = Gate()
        self._pump: Pump | Turn | None = None
        # The event of the part that is under way, if one was built; and the one that somebody pushed.
        self._event: ProtocolEvent | None = None
        self._given: ProtocolEvent | None = None
        self._stamp: tuple[int, int] | None = None
        self._parent_root: StreamMux | None = None
        self._children: dict[Namespace, StreamMux] = {}
        self._paths: dict[Namespace, tuple[StreamMux, ...]] = {}
        self._open: dict[Namespace, None] = {}
        self._eager = self._hooked = False
        self._kept: deque[Kept] | None = None
        self._held: list[tuple[abc.ObserverBase[Part], frozenset[str] | None]] | None = None
        self._paused = False
        self.missed = 0
        """Parts of an inner graph that came before anybody read, and that are not kept any more."""
        self._equipped = False
        self._log = StreamChannel[ProtocolEvent]("events")
        self._log.on_interest = self._heed_log
        self._adopt(self._log)
        if self._given_transformers or self._factories:
            self._equip()

    # Registration

    def _equip(self) -> None:
        """Make and register the transformers, once; of an inner graph, when somebody asks for its projections."""
        if self._equipped:
            return
        self._equipped = True
        made = [factory(self.scope) for factory in self._factories]
        for group in (made, self._given_transformers):
            for transformer in sorted(group, key=lambda one: not one.before_builtins):
                self._register(transformer)

    def _register(self, transformer: StreamTransformer) -> None:
        name = type(transformer).__name__
        if not self.is_async and needs_async(transformer):
            raise RuntimeError(
                f"Transformer {name} needs an asynchronous run, and this one is synchronous. "
                "Use: await graph.astream_events(...), or give it supports_sync = True and synchronous hooks."
            )
        projections = transformer.init()
        if not isinstance(projections, dict):
            raise TypeError(f"Transformer {name}: init() must return a dict of projections, got {projections!r}.")
        if taken := sorted(projections.keys() & self._owners.keys()):
            owners = ", ".join(f"{key!r} (owned by {type(self._owners[key]).__name__})" for key in taken)
            raise ValueError(f"Transformer {name} offers keys that are taken: {owners}. Give each projection its own.")
        self._transformers.append(transformer)
        transformer.__dict__["_breaks_run"] = self._break
        for key, projection in projections.items():
            self._projections[key] = projection
            self._owners[key] = transformer
            if isinstance(projection, StreamChannel):
                self._take_in(key, projection, transformer)
        if transformer._native:
            self.native_keys |= projections.keys()
        if isinstance(transformer, Chain) and not transformer.has_hooks():
            self._unlogged |= set(transformer.unlogged)
            transformer.feed(transformer.channel, self, self)
        else:
            if transformer.before_builtins:
                self._before = (*self._before, transformer)
            else:
                self._after = (*self._after, transformer)
            if self.is_async and has_async_hooks(transformer) and self._stage is None:
                self._stage = AsyncStage(self._athrough, self._gate)
            self._eager = self._hooked = True
        transformer._on_register(self)

    def _take_in(self, key: str, channel: StreamChannel[Any], owner: StreamTransformer) -> None:
        if channel.is_async is not None:
            raise RuntimeError(
                f"Channel {channel.name!r} is bound to a run already; give each run channels of its own."
            )
        if channel.is_named and not (isinstance(owner, Chain) and owner.unforwarded):
            method = channel.name if owner._native else f"custom:{channel.name}"
            self._forwards.append(Forward(channel, method, self._forward))
        elif not channel.is_named:
            channel.name = key
        self._adopt(channel, fed=isinstance(owner, Chain) and not owner.has_hooks())

    def _adopt(self, channel: StreamChannel[Any], fed: bool = False, ends_itself: bool = False) -> None:
        """Let a channel belong to the run: its pulls drive it, and it ends with it."""
        channel.is_async = self.is_async
        channel.lease = self._lend
        channel._limit_to(self.maxlen)
        self._channels.append(channel)
        if self._pump is not None:
            channel._bind(self._pump, is_async=self.is_async, gate=self._gate)
        if self.is_stopped and self._closing is None and not (ends_itself or (fed and self._kept)):
            channel.end(self.exception)

    @property
    def extensions(self) -> Mapping[str, Any]:
        """The projections by key."""
        self._equip()
        return MappingProxyType(self._projections)

    @property
    def modes(self) -> frozenset[str]:
        """Stream modes that the transformers need."""
        self._equip()
        asked = {mode for one in self._transformers for mode in one.required_stream_modes}
        # Transformers with hooks know the tasks of a run: other runtimes always show them.
        return frozenset(asked | ({"tasks"} if self._before or self._after else set()))

    @property
    def log(self) -> StreamChannel[ProtocolEvent]:
        """The raw log: every event of the graph and of those inside it."""
        return self._log

    def transformer_by_key(self, key: str) -> StreamTransformer | None:
        """Return the transformer that offers a projection."""
        self._equip()
        return self._owners.get(key)

    def bind_pump(self, pump: Pump | Turn, *, gate: Gate | None = None) -> None:
        """Let pulls of projections drive a synchronous run.

        Args:
            pump: A function that takes the run one step on and returns ``False`` at its end, or a :class:`Pump`.
            gate: Shut while a log of the run is full; by default the mux has one of its own.
        """
        self._bind(pump, gate, "_bind_pump")

    def bind_apump(self, pump: Pump | AsyncTurn, *, gate: Gate | None = None) -> None:
        """Let pulls of projections drive an asynchronous run; a step may be an async function."""
        steps = pump if is_pump(pump) else AsyncSteps(cast(AsyncTurn, pump), gate or self._gate, self._break)
        self._bind(steps, gate, "_bind_apump")

    def _bind(self, pump: Pump | Turn, gate: Gate | None, hook: str) -> None:
        self._pump, self._gate = pump, gate or self._gate
        for channel in self._channels:
            channel._bind(pump, is_async=self.is_async, gate=self._gate)
        if self._stage is not None:
            self._stage.gate = self._gate
        for transformer in self._transformers:
            if (bind := getattr(transformer, hook, None)) is not None:
                bind(pump)

    def take_over(self, earlier: Parts) -> None:
        """Serve the readers that *earlier* has, in its place; before the first part."""
        mine, theirs = self._routes, earlier._routes
        if mine:
            # Transformers that hear of something from the first moment on.
            theirs = {m: (*theirs.get(m, earlier._all), *mine.get(m, self._all)) for m in {*mine, *theirs}}
        self._all, self._routes = (*earlier._all, *self._all), theirs

    def _lend(self) -> object:
        return (self._parent_root or self).lease()

    @property
    def room(self) -> int:
        """Items for which the narrowest channel has room."""
        return min(channel.maxlen for channel in self._channels)

    @property
    def gate(self) -> Gate:
        """Shut while a lossless log of the run is full."""
        return self._gate

    # Inner graphs

    def _make_child(self, scope: Namespace) -> StreamMux:
        """Return a mux for an inner graph, with transformers of its own from the same factories.

        Raises:
            RuntimeError: The mux was made from transformers, so there is nothing to make others with.
        """
        if self._given_transformers:
            raise RuntimeError(
                "A StreamMux made from transformers can't make those of an inner graph. Pass factories=[...] instead: "
                "classes, or functions that take a scope."
            )
        child = StreamMux(is_async=self.is_async, scope=scope, maxlen=self.maxlen)
        child._factories = self._factories
        child._parent_root = self._parent_root or self
        child._pump, child._gate = self._pump, self._gate
        if self._pump is not None:
            child._log._bind(self._pump, is_async=self.is_async, gate=self._gate)
        child.on_broken = child._parent_root.on_broken
        child._kept = deque(maxlen=DEFAULT_MAXLEN)
        if child._parent_root._eager:
            child._equip()
        return child

    def child(self, ns: Namespace) -> StreamMux:
        """Return the mux of the inner graph at *ns*; what is kept of its past comes with it."""
        root = self._parent_root or self
        known = root._children.get(ns)
        if known is not None:
            return known
        child = self._make_child(ns)
        end: Part | None = None
        for kept in self._kept or ():
            there, mode, data = kept.part
            if mode == "lifecycle" and there == ns:
                end = kept.part if data["event"] in TERMINAL else None
            elif ns in _scopes_of(there):
                child._take(kept)
        if end is not None:
            child._terminate(end)
        else:
            root._children[ns] = child
            root._paths.clear()
        return child

    def _take(self, kept: Kept) -> None:
        """Take in a part of an inner graph."""
        window = self._kept
        assert window is not None, "only muxes of inner graphs are handed parts"
        if self.is_stopped:
            return
        if len(window) == window.maxlen:
            self._miss(window[0].part)
        window.append(kept)
        self._stamp = kept.seq, kept.ms
        self.on_next(kept.part)

    def _miss(self, part: Part) -> None:
        """Let go of the oldest part that is kept; channels that nobody has read by now will say so."""
        self._equip()
        self.missed += 1
        for transformer in self._transformers:
            if isinstance(transformer, Chain) and not transformer.channel._read and transformer.shows(part):
                transformer.channel.gone += 1
        if part[1] not in self._unlogged and not self._log._read:
            self._log.gone += 1

    def _terminate(self, part: Part) -> None:
        given = part[2]
        self.status, self.cause = given["event"], given.get("error")
        if self.status in ("failed", "drained"):
            # Whoever tells of a failure by hand may have no exception.
            self.cause = self.cause or RuntimeError(f"The graph at {'|'.join(self.scope)} has {self.status}.")
            self.fail(self.cause)
        else:
            self.on_completed()

    def _inner(self, ns: Namespace) -> tuple[StreamMux, ...]:
        """Return the muxes that a part at *ns* goes to."""
        found = self._paths.get(ns)
        if found is None:
            children = self._children
            found = self._paths[ns] = tuple(children[scope] for scope in _scopes_of(ns) if scope in children)
        return found

    # Taking in

    def on_next(self, part: Part) -> None:
        """Take one part in; an item that comes while another is under way waits its turn."""
        mode = part[1]
        if self._delivering or self._stage is not None or self._children or mode in BARE or self.is_stopped:
            self._take_part(part)
            return
        self._delivering = True
        try:
            if self._hooked or self._given is not None or self._stamp is not None:
                self._through(part)
            else:
                # What _through does, with fewer calls: this is the way of nearly every part.
                logged = mode not in self._unlogged
                if logged:
                    self.seq += 1
                for observer in self._routes.get(mode, self._all):
                    try:
                        observer.on_next(part)
                    except Exception as error:
                        self._expel(observer, error)
                if logged and self._logging:
                    if mode in COERCED:
                        event = make_event(part, now(), self.coerce, self.scope)
                        event["seq"] = self.seq
                    else:
                        event = _plain_event(part, int(time() * 1000), self.seq)
                    self._log.push(event)
            if self._backlog:
                self._catch_up()
        finally:
            self._delivering = False

    def batch_room(self, mode: str) -> int:
        """Return how many parts of a mode may come at once: only where no reader can tell the difference.

        Each reader sees the same items in the same order; what happens between readers, or behind an event that a
        transformer has seen, would be in another order, so there must be nothing of that kind.
        """
        if self._delivering or self._stage is not None or self._children or mode in BARE or self.is_stopped:
            return 0
        if self._hooked or self._given is not None or self._stamp is not None:
            return 0
        room = DEFAULT_MAXLEN
        if self._logging:
            room = 0 if mode in COERCED else self._log.room
        for observer in self._routes.get(mode, self._all):
            if type(observer) is not Tap or observer.channel.room < room:
                room = observer.channel.room if type(observer) is Tap else 0
        return room

    def on_batch(self, mode: str, parts: list[Part]) -> None:
        """Take several parts of one mode in, where :meth:`batch_room` has found room for them."""
        self._delivering = True
        try:
            logged, first = mode not in self._unlogged, self.seq + 1
            if logged:
                self.seq += len(parts)
            for observer in self._routes.get(mode, self._all):
                try:
                    cast(Tap, observer).on_batch(parts)
                except Exception as error:
                    self._expel(observer, error)
            if logged and self._logging:
                ms = now()
                self._log.push_all([_plain_event(part, ms, seq) for seq, part in enumerate(parts, first)])
            if self._backlog:
                self._catch_up()
        finally:
            self._delivering = False

    def _take_part(self, part: Part) -> None:
        if not part[1]:
            # From a thread that wants the run to end.
            self.abort()
        elif self._stage is not None:
            self._stage.put(part, self._given)
            self._given = None
        elif self._delivering:
            self._backlog.append(part)
        elif not self.is_stopped:
            self._delivering = True
            try:
                self._through(part)
                if self._backlog:
                    self._catch_up()
            finally:
                self._delivering = False

    def push(self, event: ProtocolEvent) -> None:
        """Take one protocol event in."""
        self._given = event
        self.on_next(part_of(event))

    async def apush(self, event: ProtocolEvent) -> None:
        """Take one protocol event in, and await transformers that have to be awaited."""
        if self._stage is None or self.is_stopped:
            self.push(event)
        else:
            await self._stage.idle()
            await self._athrough(part_of(event), event)

    def _catch_up(self) -> None:
        backlog = self._backlog
        while backlog:
            following: Any = backlog.popleft()
            if isinstance(following, dict):
                self._enter(cast(ProtocolEvent, following))
            elif isinstance(following, tuple):
                self._through(following)
            else:
                backlog.clear()
                self._finish(following.error)

    def _through(self, part: Part) -> None:
        if part[1] == "lifecycle" and part[0] == self.scope:
            # Whoever reads this graph knows it by its handle.
            return
        if not self._hooked or part[1] in BARE:
            self._event, self._given = self._given, None
            self._number(part, True)
            self._show(part)
            if self._logging and part[1] not in self._unlogged:
                self._log.push(self._event_of(part))
            return
        event = self._event_for_hooks(part)
        logged = part[1] not in self._unlogged
        try:
            for transformer in self._before:
                logged = bool(transformer.process(event)) and logged
            part = part_of(event) if self._before else part
            self._show(part)
            for transformer in self._after:
                logged = bool(transformer.process(event)) and logged
        except Exception as error:
            self._break(error)
            return
        self._record(part, event, logged)

    async def _athrough(self, part: Part, given: ProtocolEvent | None = None) -> None:
        """Do what :meth:`_through` does, with transformers that have to be awaited."""
        self._given = given
        if part[1] in BARE:
            self._through(part)
            return
        event = self._event_for_hooks(part)
        logged = part[1] not in self._unlogged
        try:
            for transformer in self._before:
                logged = bool(await transformer.aprocess(event)) and logged
            part = part_of(event) if self._before else part
            self._show(part)
            for transformer in self._after:
                logged = bool(await transformer.aprocess(event)) and logged
        except Exception as error:
            self._break(error)
            return
        self._record(part, event, logged)

    def _event_for_hooks(self, part: Part) -> ProtocolEvent:
        event, self._given = self._given, None
        if event is None:
            root = self._parent_root
            event = None if root is None else root._event
            event = event or make_event(part, now(), self.coerce, self.scope)
        self._event = event
        return event

    def _record(self, part: Part, event: ProtocolEvent, logged: bool) -> None:
        self._number(part, logged)
        if logged and self._logging:
            if self._parent_root is None:
                event["seq"] = self.seq
            self._log.push(event)

    def _number(self, part: Part, logged: bool) -> None:
        if self._stamp is not None:
            self.seq = self._stamp[0]
        elif logged and part[1] not in self._unlogged:
            self.seq += 1

    def _show(self, part: Part) -> None:
        """Deliver a part to the readers of its mode, and to the muxes of inner graphs."""
        ns, mode, data = part
        if mode == "lifecycle" and self._parent_root is None and data["event"] == "started":
            self._open[ns] = None
            if self._eager:
                self.child(ns)
        for observer in self._routes.get(mode, self._all):
            try:
                observer.on_next(part)
            except Exception as error:
                self._expel(observer, error)
        if self._children and ns:
            kept = Kept(part, self.seq + (1 if self._before or self._after else 0), now())
            for child in self._inner(ns):
                if mode != "lifecycle" or child.scope != ns:
                    child._take(kept)
        if mode == "lifecycle" and self._parent_root is None and data["event"] in TERMINAL:
            self._open.pop(ns, None)
            ended = self._children.pop(ns, None)
            self._paths.clear()
            if ended is not None:
                ended._terminate(part)

    # The raw log

    def _event_of(self, part: Part) -> ProtocolEvent:
        """Return the event of the part under way; a root and the graphs inside it show the same object."""
        root = self._parent_root
        if root is not None:
            seq, ms = self._stamp or (self.seq, now())
            if root._delivering and root._event is not None and root.seq == seq:
                return root._event
            event = make_event(part, ms)
            event["seq"] = seq
            if root._delivering and root.seq == seq:
                root._event = event
            return event
        if self._event is None:
            self._event = make_event(part, now(), self.coerce, self.scope)
        self._event["seq"] = self.seq
        return self._event

    def _heed_log(self, wanted: bool) -> None:
        self._logging = wanted
        self._equip()
        for forward in self._forwards:
            forward.turn(wanted)
        if wanted:
            for kept in tuple(self._kept or ()):
                if kept.part[1] not in self._unlogged:
                    event = make_event(kept.part, kept.ms)
                    event["seq"] = kept.seq
                    self._log.push(event)
            if self._kept is not None and self.is_stopped:
                self._log.end(self.exception)

    def _forward(self, method: str, item: Any) -> None:
        """Show an item of a named channel in the raw log, behind the event that is under way."""
        event: Any = {
            "type": "event",
            "method": method,
            "params": {"namespace": [], "timestamp": now(), "data": item},
        }
        if self._delivering:
            self._backlog.append(event)
        else:
            self._enter(event)

    def _enter(self, event: ProtocolEvent) -> None:
        if self._parent_root is None:
            self.seq += 1
            event["seq"] = self.seq
        if self._logging:
            self._log.push(event)

    # The end

    def close(self) -> None:
        """End the run well: transformers finalize, then the channels end, then the raw log; idempotent.

        Raises:
            Exception: What the first transformer that failed to finalize has raised; everything has ended by then.
        """
        self.on_completed()
        if self._unfinalized is not None:
            raise self._unfinalized

    def fail(self, error: BaseException) -> None:  # type: ignore[override]  # RxPY's observer answers whether it did
        """End the run with an error; idempotent."""
        self._end(error)  # type: ignore[arg-type]  # signals of the interpreter are told of like errors

    def abort(self) -> None:
        """End the run at once: graphs inside it that are still running are shown as ``aborted``."""
        if not self.is_stopped:
            if self._parent_root is None:
                self.status = "aborted"
            if self._stage is not None:
                self._stage.drop()
            self._end(None)

    async def aclose(self) -> None:
        """Do what :meth:`close` does, and wait for work that transformers have scheduled."""
        self.on_completed()
        await self.closed()
        if self._unfinalized is not None:
            raise self._unfinalized

    async def afail(self, error: BaseException) -> None:
        """Do what :meth:`fail` does; scheduled work is cancelled and waited for."""
        self.fail(error)
        await self.closed()

    async def closed(self) -> None:
        """Wait until everything has ended that the end of the run was waiting for."""
        while self._stage is not None and self._stage.busy:
            await self._stage.idle()
        await wait_for_all(self._tail)

    def _break(self, error: BaseException) -> None:
        """End the run because of a transformer, and tell whoever feeds it."""
        if self._stage is not None:
            self._stage.drop()
        root = self._parent_root or self
        if root._closing is not None and isinstance(error, Exception):
            root._late = root._late or error
            return
        root.fail(error)
        root.on_broken()

    def _end(self, error: Exception | None) -> None:
        if self._stage is not None and self._stage.busy:
            self._stage.end(partial(super()._end, error))
            return
        super()._end(error)

    def _finish(self, error: Exception | None) -> None:
        if self.status == "started" and self._parent_root is None:
            self.status = "completed" if error is None else _status_of(error)
            self.cause = error
        if self._parent_root is None and self._open:
            self._end_inner(error)
        if self.is_async and self._has_async_end():
            self._closing = asyncio.get_running_loop().create_task(self._afinish(error), name="rxgraph end")
            tail = (self._parent_root or self)._tail
            tail.add(self._closing)
            self._closing.add_done_callback(tail.discard)
            return
        for transformer in self._transformers:
            try:
                if error is None:
                    transformer.finalize()
                else:
                    transformer.fail(error)
            except Exception as raised:
                error = self._take_up(transformer, error, raised)
        self._end_channels(error)

    async def _afinish(self, error: Exception | None) -> None:
        work = [task for one in self._transformers for task in one._scheduled()]
        if error is not None or self.status == "aborted":
            for task in work:
                task.cancel()
        if work:
            await asyncio.wait(work)
        # A task that fails while the run ends can't break it off any more.
        error = error or self._late
        for transformer in self._transformers:
            try:
                if error is None:
                    await transformer.afinalize()
                else:
                    await transformer.afail(error)
            except Exception as raised:
                error = self._take_up(transformer, error, raised)
        self._end_channels(error)

    def _take_up(self, transformer: StreamTransformer, error: Exception | None, raised: Exception) -> Exception:
        """Return what the run ends with, when a transformer has failed to end."""
        if error is None:
            self._unfinalized = raised
            return raised
        self._report(cast(Any, transformer), raised)
        return error

    def _end_channels(self, error: Exception | None) -> None:
        self.exception = error
        super()._finish(error)
        self._closing = None
        for channel in self._channels:
            if self._kept and isinstance(channel.on_interest, Feed) and not channel.emitted:
                # Whoever reads it later gets what is kept, and the end behind it.
                continue
            if channel is self._log and self._kept and not channel.emitted and not channel.is_closed:
                continue
            channel.end(error)

    def _has_async_end(self) -> bool:
        return any(has_async_hooks(one) or one._scheduled() for one in self._transformers)

    def _end_inner(self, error: Exception | None) -> None:
        """Show graphs that are still running as ended, the innermost first."""
        given: dict[str, Any] = {"event": self.status}
        if error is not None:
            given["error"] = error
        for ns in sorted(self._open, key=len, reverse=True):
            self._through((ns, "lifecycle", given))

    def _admit(self, observer: abc.ObserverBase[Part], modes: frozenset[str] | None) -> abc.DisposableBase:
        if self._held is not None:
            self._held.append((observer, modes))
            if self.is_stopped:
                return NOTHING
        else:
            for kept in tuple(self._kept or ()):
                if modes is None or kept.part[1] in modes:
                    observer.on_next(kept.part)
        return super()._admit(observer, modes)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let those who come meanwhile have what is kept in one order, and not one after the other."""
        if not self._kept:
            yield
            return
        held: list[tuple[abc.ObserverBase[Part], frozenset[str] | None]] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
            for kept in tuple(self._kept):
                for observer, modes in held:
                    if modes is None or kept.part[1] in modes:
                        observer.on_next(kept.part)
            if self.is_stopped:
                for observer, _ in held:
                    super()._admit(observer, None)

    # Pauses

    def pause(self) -> None:
        """Hold the run for a moment, so that whoever is handed a subgraph can begin to read it."""
        root = self._parent_root or self
        if root._paused or root.is_stopped:
            return
        root._paused = True
        root._gate.shut()
        if self.is_async:
            root._resume_after(HOPS)

    def resume(self) -> None:
        """End a pause; the step of a synchronous run in which it began is over."""
        if self._paused:
            self._paused = False
            self._gate.reopen()

    def _resume_after(self, hops: int) -> None:
        if hops:
            asyncio.get_running_loop().call_soon(self._resume_after, hops - 1)
        else:
            self.resume()


def _plain_event(part: Part, ms: int, seq: int) -> ProtocolEvent:
    """Return the numbered event of a part that shows no state; what ``make_event`` does, for the way of most parts."""
    ns, mode, data = part
    return {
        "type": "event",
        "method": mode,
        "params": {"namespace": [*ns], "timestamp": ms, "data": data},
        "seq": seq,
    }


def _scopes_of(ns: Namespace) -> list[Namespace]:
    """Return the namespaces of the graphs that a part at *ns* is of, from the inside."""
    found = []
    while ns:
        found.append(ns)
        ns = parent_of(ns)
    return found


def _status_of(error: BaseException) -> str:
    if isinstance(error, GraphDrained):
        return "drained"
    return "interrupted" if isinstance(error, GraphInterrupt) else "failed"


def _nothing() -> None:
    """Do what a mux that nobody feeds does when its run is broken, or when it is asked for a lease."""


__all__ = ("Factory", "StreamMux")
