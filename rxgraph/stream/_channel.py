"""A projection of a run, and everything that can read it.

Four ways to read, which may be mixed: plain iteration (once), branches (:meth:`StreamChannel.tee`), RxPY's
``subscribe`` and ``pipe`` (multicast, at the source's pace) and Reactive Streams' ``subscribe_with``. What they share
is the :class:`~rxgraph.stream._ring.Ring`; readers that may lose items have a log of their own.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from reactivex import abc
from reactivex.disposable import Disposable

from rxgraph.errors import LaneError
from rxgraph.flow import DEFAULT_MAXLEN, Gate, Lagged, Overflow, Subscriber
from rxgraph.flow._bridges import _Link, check_subscriber
from rxgraph.flow._lean import NOTHING, LeanObservable
from rxgraph.flow._log import POLICIES

from ._branch import AsyncBranch, Branch
from ._cursor import Cursor
from ._pumps import Pump, Turn, Turns, is_pump
from ._reader import LossyReader, Reader, ReaderStatistics
from ._ring import Ring
from ._window import ReplayWindow

T = TypeVar("T")


def _log_subscriber_error(observer: Any, error: Exception) -> None:
    logger = logging.getLogger("rxgraph.stream")
    logger.error("A subscriber of a channel raised and was taken off: %r", error, exc_info=error)


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """Counters of a channel, in items, and of each of its readers.

    ``buffered`` is what the slowest lossless reader has still to take, and ``lag`` what the slowest of all has.
    ``delivered`` and ``dropped`` are sums over the readers, also over those that have left.
    """

    emitted: int
    buffered: int
    capacity: int
    delivered: int
    dropped: int
    overrun: int
    lag: int
    kept: int
    waiting: tuple[str, ...]
    readers: tuple[ReaderStatistics, ...]


class StreamChannel(Ring[T], LeanObservable[T]):
    """A bounded log of one projection.

    Shapes: ``push(item)``, then ``close()`` or ``fail(error)``; items come out in order.
    Demand: a pull that finds nothing asks the bound run to go on. When ``maxlen`` items wait for the slowest lossless
        reader the ``gate`` is shut, and whoever pushes is expected to wait for it; what is pushed all the same is
        kept and counted as ``overrun``. Observers of ``subscribe`` take any number.
    Order: the order of ``push`` calls, the same for all readers.
    Errors: the error of :meth:`fail` reaches every reader once, behind the items before it. A subscriber that raises
        is taken off and reported to ``on_subscriber_error``; nobody else notices.
    Disposal: a reader that is closed, or dropped, frees its share. Without readers a channel keeps nothing but its
        replay window.

    Args:
        name: Shown in errors, and under which a mux forwards the items.
        maxlen: Most items that wait; ``None`` means the library's default of 1024.
        overflow: What readers do with one more item when that many wait, unless they choose otherwise.
        replay: Items of the past to keep for readers that come late.
        replay_bytes: Most bytes of them: the length of text and bytes, ``sys.getsizeof`` of other objects.
        gate: Shared with the other logs of a run; a channel of its own has its own.

    Raises:
        ValueError: *maxlen*, *replay* or *replay_bytes* below 1 (a *replay* of 0 keeps nothing); an unknown policy.

    Example:
        >>> channel = StreamChannel("words")
        >>> one, two = channel.tee(2)
        >>> channel.push("hello")
        >>> channel.close()
        >>> list(one), list(two)
        (['hello'], ['hello'])
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        maxlen: int | None = None,
        overflow: Overflow = "suspend",
        replay: int = 0,
        replay_bytes: int | None = None,
        gate: Gate | None = None,
    ) -> None:
        LeanObservable.__init__(self)
        shown = "channel" if name is None else name
        self.maxlen = self._check_maxlen(shown, maxlen)
        Ring.__init__(self, shown, self.maxlen, gate)
        self.overflow = self._check_overflow(overflow)
        self.on_subscriber_error: Callable[[Any, Exception], None] = _log_subscriber_error
        self._says_maxlen = maxlen is not None
        self.is_named = name is not None
        """Whether it was given a name, under which a mux shows its items in the raw log."""
        self.on_interest: Callable[[bool], None] | None = None
        """Called when the channel gets its first reader, and when the last one has left."""
        self._interesting = False
        self.gone = 0
        """Items that were over before anybody read; the first reader is told by a ``Lagged``."""
        # What a reader that let the channel go has not taken; the next one begins with it.
        self._left_over: list[T] = []
        self._window: ReplayWindow | None = None
        if replay or replay_bytes is not None:
            self._window = ReplayWindow(replay or DEFAULT_MAXLEN, replay_bytes)
        self._observers: tuple[abc.ObserverBase[T], ...] = ()
        self._backlog: deque[T] = deque()
        self._showing = False
        # Whether there ever was a reader.
        self._read = False
        self._taken_by: str | None = None
        self._number = 0
        # Of readers that have left.
        self._delivered = self._dropped = 0

    # Pushing

    def push(self, item: T) -> None:
        """Take one item in.

        Raises:
            RuntimeError: The channel is closed, and somebody reads or has read it.
        """
        if self._plain:
            self._buf.append(item)
        elif not self._push(item):
            return
        if self._waiters:
            self.wake()
        if len(self._buf) >= self._limit:
            self.fill()

    def push_all(self, items: Sequence[T]) -> None:
        """Take several items in; the same as to push one after the other.

        Raises:
            RuntimeError: The channel is closed, and somebody reads or has read it.
        """
        if not self._plain:
            for item in items:
                self.push(item)
        elif items:
            self._buf.extend(items)
            if self._waiters:
                self.wake()
            if len(self._buf) >= self._limit:
                self.fill()

    @property
    def room(self) -> int:
        """Items that :meth:`push_all` takes before somebody has to wait; 0 also when they are pushed one by one."""
        return max(0, self._limit - len(self._buf)) if self._plain else 0

    def close(self) -> None:
        """End the channel, behind the items that wait; idempotent."""
        self._end(None)

    def fail(self, err: Exception) -> None:
        """End the channel with an error, behind the items that wait."""
        self._end(err)

    def keep(self, items: int | None = None, nbytes: int | None = None) -> ReplayWindow:
        """Keep the newest items from now on for readers that come late; returns where they are.

        Args:
            items: Most items to keep; ``None`` leaves a window as it is, or means the library's default of 1024.
            nbytes: Most bytes of them.

        Raises:
            ValueError: *items* or *nbytes* below 1.
        """
        if self._window is None or items is not None or nbytes is not None:
            past = () if self._window is None else self._window.newest(len(self._window))
            self._window = ReplayWindow(items or DEFAULT_MAXLEN, nbytes)
            for item in past:
                self._window.add(item)
            self.route()
        return self._window

    def end(self, error: Exception | None) -> None:
        """Do what :meth:`fail` does, or :meth:`close` without an error; idempotent."""
        self._end(error)

    @property
    def is_closed(self) -> bool:
        """Whether the channel has ended; items may be left."""
        return self.closed

    def _push(self, item: T) -> bool:
        """Serve everybody; False if the channel is closed."""
        if self.closed:
            if self._read:
                raise RuntimeError(f"Channel {self.name!r} got an item after its end. Push before close() or fail().")
            return False
        if self._window is not None:
            self._window.add(item)
        if self._cursors:
            self._buf.append(item)
        else:
            self._base += 1
        for log in self._logs:
            log.on_next(item)
        if self._observers:
            self._show(item)
        return True

    def _show(self, item: T) -> None:
        if self._showing:
            # An item that an observer pushes waits its turn, so that all observers see one order.
            self._backlog.append(item)
            return
        self._showing = True
        try:
            while True:
                for observer in self._observers:
                    try:
                        observer.on_next(item)
                    except Exception as error:
                        self._forget(observer)
                        self._report(observer, error)
                if not self._backlog:
                    break
                item = self._backlog.popleft()
        finally:
            self._showing = False
        if self.closed:
            self._end_observers()

    def _end(self, error: Exception | None) -> None:
        if self.closed:
            return
        self.closed, self.error = True, error
        self._plain = False
        for log in self._logs:
            if error is None:
                log.on_completed()
            else:
                log.on_error(error)
        if not self._showing:
            self._end_observers()
        self.wake()
        self.reopen()

    def _end_observers(self) -> None:
        observers, self._observers = self._observers, ()
        for observer in observers:
            try:
                if self.error is None:
                    observer.on_completed()
                else:
                    observer.on_error(self.error)
            except Exception as raised:
                self._report(observer, raised)

    def _report(self, observer: Any, error: Exception) -> None:
        try:
            self.on_subscriber_error(observer, error)
        except Exception as raised:
            _log_subscriber_error(observer, raised)

    # Reading

    def __iter__(self) -> Branch[T]:
        self._check_lane(False)
        return Branch.of(self._new(self._claim("for"), self._leftovers()))

    def __aiter__(self) -> AsyncBranch[T]:
        self._check_lane(True)
        return AsyncBranch(self._new(self._claim("async for"), self._leftovers()))

    def tee(self, n: int) -> tuple[Branch[T], ...]:
        """Return *n* iterators that each get every item from now on, paced by the slowest.

        Raises:
            LaneError: The channel belongs to an asynchronous run; use :meth:`atee`.
            RuntimeError: The channel is read by plain iteration already.
            ValueError: *n* below 1.
        """
        self._check_lane(False)
        return tuple(map(Branch.of, self._new_ones(self._tee_names(n, "tee"))))

    def atee(self, n: int) -> tuple[AsyncBranch[T], ...]:
        """Return *n* async iterators that each get every item from now on, paced by the slowest.

        Raises:
            LaneError: The channel belongs to a synchronous run; use :meth:`tee`.
            RuntimeError: The channel is read by plain iteration already.
            ValueError: *n* below 1.
        """
        self._check_lane(True)
        return tuple(map(AsyncBranch, self._new_ones(self._tee_names(n, "atee"))))

    def reader(
        self,
        *,
        overflow: Overflow | None = None,
        maxlen: int | None = None,
        replay: int | bool = 0,
        mark_gaps: bool = False,
        name: str | None = None,
    ) -> Branch[T]:
        """Return one more iterator, with a policy of its own.

        Args:
            overflow: What happens when *maxlen* items wait for it; by default the channel's policy.
            maxlen: By default the channel's. Lossless readers share one log, so ``suspend`` takes no other.
            replay: Begin with so many items of the past, ``True`` for all of it. What the window no longer has is
                told by a :class:`~rxgraph.flow.Lagged` in the first place, and counted as dropped.
            mark_gaps: Put a ``Lagged`` in the place of items that are dropped later, too.
            name: Shown in errors and statistics.

        Raises:
            LaneError: The channel belongs to an asynchronous run; use :meth:`areader`.
            ValueError: An unknown policy; *maxlen* below 1, or given together with ``suspend``; a negative *replay*;
                or *replay* of a channel that keeps no past.
        """
        self._check_lane(False)
        return Branch.of(self._join(name, overflow, maxlen, self._past(replay), mark_gaps))

    def areader(
        self,
        *,
        overflow: Overflow | None = None,
        maxlen: int | None = None,
        replay: int | bool = 0,
        mark_gaps: bool = False,
        name: str | None = None,
    ) -> AsyncBranch[T]:
        """Return one more async iterator, with a policy of its own; the arguments are those of :meth:`reader`."""
        self._check_lane(True)
        return AsyncBranch(self._join(name, overflow, maxlen, self._past(replay), mark_gaps))

    def subscribe_with(
        self,
        subscriber: Subscriber[T],
        /,
        *,
        overflow: Overflow | None = None,
        maxlen: int | None = None,
        replay: int | bool = 0,
        mark_gaps: bool = False,
    ) -> None:
        """Publish to a Reactive Streams subscriber; the arguments are those of :meth:`reader`.

        Raises:
            TypeError: *subscriber* is None or has not the methods of one. [RS §1.9]
        """
        check_subscriber(subscriber)
        _ReaderLink(subscriber, self._join(None, overflow, maxlen, self._past(replay), mark_gaps)).start()

    def statistics(self) -> ChannelStatistics:
        """Count the channel's items, and say who waits."""
        readers = tuple(reader.statistics() for reader in self._readers)
        self.settle()
        return ChannelStatistics(
            emitted=self.emitted,
            buffered=len(self._buf),
            capacity=self.maxlen,
            delivered=self._delivered + sum(reader.delivered for reader in readers),
            dropped=self._dropped + sum(reader.dropped for reader in readers),
            overrun=self.overrun,
            lag=max((reader.lag for reader in readers), default=0),
            kept=0 if self._window is None else len(self._window),
            waiting=tuple(reader.name for reader in readers if reader.waiting),
            readers=readers,
        )

    def __repr__(self) -> str:
        state = "failed" if self.error else "closed" if self.closed else "open"
        return (
            f"<StreamChannel {self.name!r} {state} {len(self._buf)}/{self.maxlen} | readers {len(self._readers)}, "
            f"observers {len(self._observers)}>"
        )

    # Binding

    def _bind(self, pump: Pump | Turn, *, is_async: bool = False, gate: Gate | None = None) -> None:
        """Let pulls drive a run, and share the gate of its logs.

        Args:
            pump: Asked for an item by each pull that finds none. In the sync lane a function will do that takes the
                run one step on and returns ``False`` at its end.
            is_async: The lane that the run belongs to.
            gate: Of the run; shut while any of its lossless logs is full.

        Raises:
            RuntimeError: A run is bound already, or *gate* comes while readers are there.
        """
        if self.pump is not None:
            raise RuntimeError(f"Channel {self.name!r} is bound to a run already; give each run channels of its own.")
        if gate is not None and gate is not self.gate:
            if self._shut:
                raise RuntimeError(f"Channel {self.name!r} is full; bind its gate before anybody pushes.")
            self.gate = gate
        if is_pump(pump):
            self.pump = pump
        elif is_async or not callable(pump):
            lane = "async" if is_async else "sync"
            raise TypeError(f"Channel {self.name!r} needs a Pump in the {lane} lane, got {pump!r}.")
        else:
            self.pump, self.turn = Turns(pump), pump
        self.is_async = is_async

    def _limit_to(self, maxlen: int) -> None:
        """Take the bound of the run, where the channel was made without one of its own."""
        if not self._says_maxlen:
            self.maxlen = self._limit = maxlen
            self._refill = maxlen * 3 // 4
            self._chunk = max(1, maxlen // 4)

    def _check_lane(self, asynchronous: bool) -> None:
        if self.is_async is not None and self.is_async is not asynchronous:
            here, there, way = (
                ("synchronous", "an asynchronous reader", "for … in …, tee(n) or reader()")
                if asynchronous
                else ("asynchronous", "a synchronous reader", "async for … in …, atee(n) or areader()")
            )
            raise LaneError(f"Channel {self.name!r} belongs to a run of the {here} lane, got {there}. Use: {way}.")

    def route(self) -> None:
        """Choose the way of a push anew: readers have come or gone."""
        self._plain = bool(self._cursors) and not (
            self.closed or self._logs or self._observers or self._window is not None
        )
        if self.on_interest is not None and not self.closed:
            wanted = bool(self._cursors or self._logs or self._observers or self._window is not None)
            if wanted is not self._interesting:
                self._interesting = wanted
                self.on_interest(wanted)

    def forget(self, reader: Reader[T]) -> None:
        """Keep the counts of a reader that leaves, and nothing else of it."""
        counted = reader.statistics()
        self._delivered += counted.delivered
        self._dropped += counted.dropped
        super().forget(reader)

    def _claim(self, way: str) -> str:
        if self._taken_by is not None:
            raise RuntimeError(
                f"Channel {self.name!r} already has a subscriber ({self._taken_by!r}): it is iterated once. "
                "For more readers use tee(n) or atee(n) in the first place, or reader(), areader(), subscribe()."
            )
        self._taken_by = way
        return self.name

    def _tee_names(self, n: int, way: str) -> list[str]:
        if n < 1:
            raise ValueError(f"Channel {self.name!r}: {way}(n) needs n >= 1, got {n}.")
        self._claim(f"{way}({n})")
        return [f"{self.name}[{i}]" for i in range(n)]

    def _release(self, left_over: list[T]) -> None:
        """Let the next one iterate the channel; it begins with what the last one left."""
        self._taken_by = None
        self._left_over = left_over

    def _leftovers(self) -> list[T]:
        left_over, self._left_over = self._left_over, []
        return left_over

    def _new(self, name: str, past: Sequence[T]) -> Reader[T]:
        return self._join(name, None, None, past, False)

    def _new_ones(self, names: Sequence[str]) -> list[Reader[T]]:
        """Return readers that begin together: what is kept for the first reader is for each of them."""
        past = self._told_of(self._leftovers())
        readers = [self._make_reader(name, None, None, past, False) for name in names]
        self.route()
        return readers

    def _join(
        self,
        name: str | None,
        overflow: Overflow | None,
        maxlen: int | None,
        past: Sequence[T | Lagged],
        mark_gaps: bool,
    ) -> Reader[T]:
        reader = self._make_reader(name, overflow, maxlen, self._told_of(past), mark_gaps)
        self.route()
        return reader

    def _told_of(self, past: Sequence[T | Lagged]) -> Sequence[T | Lagged]:
        """Return the past of the first reader, with what is gone of it."""
        gone, self.gone = self.gone, 0
        return [Lagged(gone), *past] if gone else past

    def _make_reader(
        self,
        name: str | None,
        overflow: Overflow | None,
        maxlen: int | None,
        past: Sequence[T | Lagged],
        mark_gaps: bool,
    ) -> Reader[T]:
        if overflow is None:
            overflow = self.overflow
        self._check_overflow(overflow)
        if maxlen is not None and overflow == "suspend":
            raise ValueError(
                f"Channel {self.name!r}: lossless readers share its log of {self.maxlen} items, so a reader with "
                "overflow='suspend' can't have a maxlen of its own. Give it to StreamChannel(maxlen=...)."
            )
        limit = self.maxlen if maxlen is None else self._check_maxlen(self.name, maxlen)
        self._number += 1
        shown = name or f"{self.name}#{self._number}"
        self._read = True
        if overflow == "suspend":
            return Cursor(self, shown, past)
        return LossyReader(self, shown, past, overflow, limit, mark_gaps)

    def _past(self, replay: int | bool) -> list[T | Lagged]:
        if replay is False or replay == 0:
            return []
        if self._window is None:
            raise ValueError(f"Channel {self.name!r} keeps no past to replay. Make it with StreamChannel(replay=n).")
        if replay < 0:
            raise ValueError(f"Channel {self.name!r} can't replay {replay} items; expected a number from 0, or True.")
        return self._window.last(None if replay is True else replay)

    # The observable

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        if self.closed:
            if self.error is not None:
                observer.on_error(self.error)
            else:
                observer.on_completed()
            return NOTHING
        self._read = True
        # Observers are shown items only; what they have missed is counted.
        self._dropped, self.gone = self._dropped + self.gone, 0
        self._observers = (*self._observers, observer)
        self.route()
        return Disposable(lambda: self._forget(observer))

    def _forget(self, observer: abc.ObserverBase[T]) -> None:
        self._observers = tuple(known for known in self._observers if known is not observer)
        self.route()

    @staticmethod
    def _check_maxlen(name: str, maxlen: int | None) -> int:
        if maxlen is None:
            return DEFAULT_MAXLEN
        if maxlen < 1:
            raise ValueError(f"Channel {name!r} needs maxlen >= 1, got {maxlen}; use None for {DEFAULT_MAXLEN}.")
        return maxlen

    def _check_overflow(self, overflow: Overflow) -> Overflow:
        if overflow not in POLICIES:
            raise ValueError(f"Channel {self.name!r} got an unknown overflow policy {overflow!r}; expected {POLICIES}.")
        return overflow


class _ReaderLink(_Link[T]):
    """Hands out a reader's items against a subscriber's requests."""

    def __init__(self, subscriber: Subscriber[T], reader: Reader[T]) -> None:
        super().__init__(subscriber)
        self._reader = reader
        self._lease: object = reader.ring.lease()
        reader.on_wake = self.deliver

    def look(self) -> bool:
        reader = self._reader
        if reader.has():
            return True
        if reader.over():
            self.end(reader.failure())
            return False
        pump = reader.ring.pump
        # Asked already, and an async run is on its way.
        if reader.waiting:
            return False
        # Without a request there is nothing to ask the run for, but the end comes all the same. [RS §1.5]
        if not self._demand or pump is None:
            reader.listen()
            return False
        if reader.ring.is_async:
            return self._ask(pump)
        try:
            return self._drive(pump)
        except Exception as error:
            # Another thread is pulling the run, say: a request returns all the same. [RS §3.16]
            self.end(error)
            return False

    def _ask(self, pump: Pump) -> bool:
        """Leave word that an item is wanted; returns whether it came at once."""
        self._reader.wait()
        more = pump.request(1)
        if self._reader.has():
            return True
        if more is False:
            self.end()
        return False

    def _drive(self, pump: Pump) -> bool:
        """Take the run on until an item is there, which may take many steps; returns whether one is."""
        reader = self._reader
        while self.is_live and not reader.has():
            if reader.over():
                self.end(reader.failure())
            elif reader.ring.blockers(reader) is not None:
                # Whoever makes room takes the run on; the item is heard of then.
                reader.listen()
                return False
            else:
                reader.wait()
                try:
                    more: Any = pump.request(1)
                finally:
                    reader.stop_waiting()
                if more is False and not (reader.has() or reader.over()):
                    self.end()
        return self.is_live

    def take(self) -> T:
        return self._reader.pop()

    def release(self) -> None:
        self._reader.leave()
        self._lease = None


__all__ = ("ChannelStatistics", "StreamChannel")
