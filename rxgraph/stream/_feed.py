"""How channels are fed: by operator chains over the parts of one graph, connected while somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, cast

from reactivex import Observable, abc

from rxgraph import operators as ops
from rxgraph.flow._lean import LeanObservable, LeanObserver, connect
from rxgraph.operators._map import MapObserver
from rxgraph.types import Namespace, Part

from ._channel import StreamChannel
from ._events import ProtocolEvent, part_of
from ._parts import Parts
from ._transformer import StreamTransformer

if TYPE_CHECKING:
    from ._mux import StreamMux


class _OwnStage(LeanObserver[Part, Part]):
    __slots__ = ("scope",)
    scope: Namespace

    def on_next(self, part: Part) -> None:
        if part[0] == self.scope and not self.stopped:
            self.down.on_next(part)


class Tap(LeanObserver[Part, Any]):
    """A whole chain in one stage: a graph's own parts go through one function into a channel.

    That is the chain of nearly every projection, and one that can take several parts at once.
    """

    __slots__ = ("channel", "fn", "scope")
    channel: StreamChannel[Any]
    fn: Callable[[Part], Any]
    scope: Namespace

    def on_next(self, part: Part) -> None:
        if part[0] == self.scope and not self.stopped:
            try:
                item = self.fn(part)
            except Exception as error:
                self.fail(error)
            else:
                self.channel.push(item)

    def on_batch(self, parts: Iterable[Part]) -> None:
        """Take parts one by one, and hand their items over at once."""
        items: list[Any] = []
        scope, fn, add = self.scope, self.fn, items.append
        error: Exception | None = None
        try:
            for part in parts:
                if part[0] == scope:
                    add(fn(part))
        except Exception as raised:
            error = raised
        if not self.stopped:
            self.channel.push_all(items)
            if error is not None:
                self.fail(error)


class OwnParts(LeanObservable[Part]):
    """The parts of one graph, those of the graphs inside it left out; routed by mode where they come from."""

    def __init__(self, source: Parts, scope: Namespace, modes: frozenset[str] | None = None) -> None:
        super().__init__()
        self._source, self._scope, self._modes = source, scope, modes

    def route(self, modes: frozenset[str], /) -> Observable[Part]:
        """Return the parts of some modes."""
        return OwnParts(self._source, self._scope, modes)

    def _subscribe_core(
        self, observer: abc.ObserverBase[Part], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        stage = _tap(observer) or _OwnStage(observer)
        stage.scope = self._scope
        source = self._source if self._modes is None else self._source.route(self._modes)
        upstream = stage.up = connect(source, stage, scheduler)
        if stage.stopped:
            upstream.dispose()
        return stage


def _tap(observer: abc.ObserverBase[Part]) -> Tap | None:
    """Return the one stage that does what *observer* and the channel under it do, if there is one."""
    if not isinstance(observer, MapObserver) or not isinstance(observer.down, _Into):
        return None
    tap = Tap(observer.down, observer.site)
    tap.fn, tap.channel = observer.mapper, observer.down.channel
    return tap


class Chain(StreamTransformer):
    """A transformer made of an operator chain: nothing of it happens while nobody reads its channel."""

    unlogged: ClassVar[tuple[str, ...]] = ()
    """Modes that it keeps out of the raw log."""
    unforwarded: ClassVar[bool] = False
    """Whether the raw log shows what the named channel does in a better way."""
    channel: StreamChannel[Any]
    """The projection; made by :meth:`init`."""
    _by_hand: Parts | None = None

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        """Return what feeds the channel."""
        raise NotImplementedError(f"{type(self).__name__} has to define chain(parts, mux).")

    def shows(self, part: Part) -> bool:
        """Whether the channel has something of a part, as far as can be told without asking the chain."""
        return part[0] == self.scope and part[1] in self.required_stream_modes

    def feed(self, channel: StreamChannel[Any], parts: Parts, mux: StreamMux) -> None:
        """Let the channel have what the chain gives, while somebody reads it."""
        channel.on_interest = Feed(lambda: self.chain(parts, mux), channel, not self._native or parts is not mux)

    def has_hooks(self) -> bool:
        """Whether a subclass wants to see events."""
        kind = type(self)
        return any(getattr(kind, hook) is not getattr(Chain, hook) for hook in ("process", "aprocess"))

    def process(self, event: ProtocolEvent) -> bool:
        """Send an event through the chain; what a subclass that overrides it calls."""
        if self._by_hand is None:
            raise RuntimeError(f"{type(self).__name__} belongs to no mux yet. Pass it to StreamMux([...]).")
        self._by_hand.on_next(part_of(event))
        return event["method"] not in self.unlogged

    def _on_register(self, mux: StreamMux) -> None:
        if self.has_hooks():
            self._by_hand = Parts()
            self.feed(self.channel, self._by_hand, mux)

    def finalize(self) -> None:
        if self._by_hand is not None:
            self._by_hand.on_completed()

    def fail(self, err: BaseException) -> None:
        if self._by_hand is not None:
            self._by_hand.on_error(err)  # type: ignore[arg-type]  # signals are told of like errors


class _Into:
    """An observer that pushes a chain's items into a channel, and ends it with the chain."""

    __slots__ = ("channel", "on_completed", "on_error", "on_next")

    def __init__(self, channel: StreamChannel[Any]) -> None:
        self.channel = channel
        self.on_next = channel.push
        self.on_error = channel.fail
        self.on_completed = channel.close


class Feed:
    """Connects a chain to its channel while somebody reads the channel.

    Args:
        chain: Makes the chain, when it is needed.
        channel: Where its items go.
        keeps_state: Whether it stays connected once it was; a chain that counts should not start anew.
    """

    __slots__ = ("_chain", "_channel", "_keeps_state", "_link")

    def __init__(self, chain: Callable[[], Observable[Any]], channel: StreamChannel[Any], keeps_state: bool) -> None:
        self._chain, self._channel, self._keeps_state = chain, channel, keeps_state
        self._link: abc.DisposableBase | None = None

    def __call__(self, wanted: bool) -> None:
        """Hear whether somebody reads."""
        if wanted and self._link is None:
            self._link = connect(self._chain(), cast(Any, _Into(self._channel)))
        elif not (wanted or self._keeps_state) and self._link is not None:
            link, self._link = self._link, None
            link.dispose()


class Forward(abc.ObserverBase[Any]):
    """Shows the items of a named channel in the raw log, while somebody reads that."""

    __slots__ = ("_channel", "_link", "_method", "_show")

    def __init__(self, channel: StreamChannel[Any], method: str, show: Callable[[str, Any], None]) -> None:
        self._channel, self._method, self._show = channel, method, show
        self._link: abc.DisposableBase | None = None

    def turn(self, wanted: bool) -> None:
        """Begin or stop."""
        if wanted and self._link is None:
            self._link = connect(self._channel, self)
        elif not wanted and self._link is not None:
            link, self._link = self._link, None
            link.dispose()

    def on_next(self, value: Any) -> None:
        """Show an item."""
        self._show(self._method, value)

    def on_error(self, error: Exception) -> None:
        """Nothing is left to show; the log hears of the run's error by itself."""

    def on_completed(self) -> None:
        """Nothing is left to show."""


class _Asked(LeanObservable[Part]):
    """Stands in for the parts of a run, to learn which modes a chain chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: set[str] = set()

    def route(self, modes: frozenset[str], /) -> Observable[Part]:
        self.modes |= modes
        return _Asked()


ANY_MODE = ("values", "updates", "custom", "checkpoints", "tasks", "debug")


class ChainTransformer(Chain):
    """A projection given as an operator chain over the parts of a graph.

    Args:
        key: Of the projection.
        chain: An operator, such as ``ops.pipe(ops.mode("updates"), ops.scan(...))``. Without ``ops.mode`` in the
            first place it sees all modes.
        scope: Namespace of the graph.

    Raises:
        TypeError: *chain* is no operator.
    """

    def __init__(self, key: str, chain: Callable[[Observable[Any]], Observable[Any]], scope: Namespace = ()) -> None:
        super().__init__(scope)
        self._key, self._chain = key, chain
        asked = _Asked()
        if not callable(chain) or not isinstance(chain(asked), Observable):
            raise TypeError(
                f"Projection {key!r} must be an operator, a function of an observable that returns one, such as "
                f"ops.pipe(ops.mode('updates'), ...), got {chain!r}."
            )
        self.required_stream_modes = tuple(sorted(asked.modes)) or ANY_MODE

    def init(self) -> dict[str, Any]:
        """Return the one channel."""
        self.channel = StreamChannel()
        return {self._key: self.channel}

    def chain(self, parts: Parts, mux: StreamMux) -> Observable[Any]:
        return self._chain(OwnParts(parts, self.scope))


payloads: Callable[[Observable[Any]], Observable[Any]] = ops.map(itemgetter(2))
"""Keeps the payloads of parts."""

__all__ = ("Chain", "ChainTransformer", "Feed", "Forward", "OwnParts", "Tap", "payloads")
