"""One log, many cursors: how the readers of a channel share its items.

The log is a list and the number of its first item. A reader is a position in it, so *n* branches hold ``maxlen`` items
together and not each of them; what the slowest has left behind is let go. When ``maxlen`` items wait the gate is shut,
until the slowest has made a quarter of the room again. [Reactor ``limitRate``]

Chunks. A reader that finds much waiting takes a slice of the log (at most a quarter of it) and goes through the
slice's list iterator at C speed; the slice counts as buffered until it is used up, so the log and the slices together
never hold more than ``maxlen`` items. Where it matters how far a reader really is, the iterator's length hint tells
(:meth:`Ring.settle`): before the gate is shut, before a pull is called stalled, and in statistics.

A list that has items taken off is replaced, never changed in place: the finalizer of a dropped reader may run inside
any allocation, also in the middle of a slice.

Threads: a channel and its readers belong to one thread, the one that owns the run.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import get_ident
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeGuard, TypeVar, runtime_checkable
from weakref import ref

from rxgraph.errors import LaneError, StalledConsumerError
from rxgraph.flow import BoundedLog, Gate, Lagged, Overflow

T = TypeVar("T")

STALL_WARNING: Final = 5.0
"""Seconds that a pull waits for another task's full log before it says so."""


@runtime_checkable
class Pump(Protocol):
    """What a pull that finds nothing turns to: the owner of a run. A ``RequestScheduler`` is one."""

    def request(self, n: int, /) -> Any:
        """Go on until *n* more items are there. In the sync lane the items come before it returns; in the async lane
        it only leaves word. ``False`` means that nothing will come any more."""

    def withdraw(self, n: int, /) -> Any:
        """Take *n* requests back: the item is there, or nobody waits for it any longer."""


def is_pump(pump: object) -> TypeGuard[Pump]:
    """Whether *pump* is one; asking the protocol itself would take as long as opening a channel."""
    return hasattr(pump, "request") and hasattr(pump, "withdraw")


Turn: TypeAlias = Callable[[], bool | None]
"""All that a pump of the sync lane needs: takes the run one step on, and returns ``False`` if it has ended."""


class Turns:
    """Makes a pump of a function that takes a run one step on."""

    __slots__ = ("_turn",)

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def request(self, n: int, /) -> bool | None:
        """Take one step; whoever needs more asks again."""
        return self._turn()

    def withdraw(self, n: int, /) -> None:
        """Do nothing: a step is over when it returns."""


@dataclass(frozen=True, slots=True)
class ReaderStatistics:
    """Counters of one reader, in items: delivered + dropped + buffered = emitted since it joined."""

    name: str
    emitted: int
    delivered: int
    dropped: int
    buffered: int
    lag: int
    waiting: bool


class Ring(Generic[T]):
    """The items that readers of one channel have still to take, and the gate before them."""

    # Slots, because a push reads six of them, and an object with so many attributes has no fast dictionary.
    __slots__ = (
        "_base", "_buf", "_chunk", "_cursors", "_limit", "_logs", "_plain", "_readers", "_refill", "_shut", "_slow",
        "_waiters", "closed", "error", "gate", "is_async", "lease", "name", "overrun", "pump", "turn",
    )  # fmt: skip

    def __init__(self, name: str, limit: int, gate: Gate | None) -> None:
        self.name = name
        self.gate = gate or Gate()
        self.pump: Pump | None = None
        self.turn: Turn | None = None
        self.is_async: bool | None = None
        self.closed = False
        self.error: Exception | None = None
        self.lease: Callable[[], object] = _no_lease
        """Returns what a branch has to hold as long as it lives, so that the run knows that somebody reads."""
        self.overrun = 0
        """Items that came although the log was full."""
        self._limit = limit
        self._refill = limit * 3 // 4
        self._chunk = max(1, limit // 4)
        self._buf: list[T] = []
        # Number of the first item of the list, and how many cursors stand there.
        self._base = self._slow = 0
        self._shut = False
        self._readers: list[Reader[T]] = []
        self._cursors: list[Cursor[T]] = []
        self._logs: tuple[BoundedLog[T], ...] = ()
        self._waiters: list[Reader[T]] = []
        # Whether a push has nothing to do but to append.
        self._plain = False

    @property
    def emitted(self) -> int:
        """Items pushed so far."""
        return self._base + len(self._buf)

    def route(self) -> None:
        """Hear that readers have come or gone."""

    def forget(self, reader: Reader[T]) -> None:
        """Hear that a reader has left."""
        self._readers.remove(reader)
        self.route()

    def settle(self) -> None:
        """Let go of everything that all cursors have really taken."""
        for cursor in tuple(self._cursors):
            cursor.release()

    def is_full(self) -> bool:
        """Whether the slowest cursor is ``maxlen`` items behind."""
        if len(self._buf) >= self._limit:
            self.settle()
        return len(self._buf) >= self._limit

    def wake(self) -> None:
        """Tell those who wait that an item or the end is there; their requests are met."""
        waiters, self._waiters = self._waiters, []
        for reader in waiters:
            if not reader._listed:
                continue
            reader._listed = reader.waiting = False
            if reader._asked:
                reader._asked = False
                if self.pump is not None:
                    self.pump.withdraw(1)
            if reader.future is not None and not reader.future.done():
                reader.future.set_result(None)
            if reader.on_wake is not None:
                reader.on_wake()

    def fill(self) -> None:
        """Shut the gate, if the log is full to the last item; called when it may be."""
        if self._shut:
            # Whoever pushes now doesn't look at the gate, so how full the log really is doesn't matter to them.
            if len(self._buf) > self._limit:
                self.overrun += 1
        elif self.is_full():
            self._shut = True
            if len(self._buf) > self._limit:
                self.overrun += 1
            self.gate.shut(self)
            if self.gate.sleepers:
                self._tell_sleepers()

    def _tell_sleepers(self) -> None:
        gate = self.gate
        for cursor in tuple(self._cursors):
            if cursor.pos == self._base and (sleeper := gate.sleepers.get(cursor.task())) is not None:
                sleeper.look_up()
        if gate.alarm is None:
            _set_alarm(gate, asyncio.get_running_loop())

    def reopen(self) -> None:
        if self._shut:
            self._shut = False
            self.gate.reopen(self)

    def leave_base(self) -> None:
        """Let go of what every cursor has passed; called when the last one has left the front."""
        cursors = self._cursors
        if len(cursors) == 1:
            low, self._slow = cursors[0].pos, 1
        else:
            places = [cursor.pos for cursor in cursors]
            low = min(places) if places else self.emitted
            self._slow = places.count(low)
        passed = low - self._base
        self._buf = self._buf[passed:] if passed < len(self._buf) else []
        self._base = low
        if self._shut and len(self._buf) <= self._refill:
            self.reopen()

    def blockers(self, reader: Reader[T]) -> list[Reader[Any]] | None:
        """Return the readers that hold up *reader*'s next item, or ``None`` if nothing does."""
        if self.gate.is_open:
            return None
        if self._shut and not self.is_full():
            # Room for one who wants an item now, though not a quarter of the log yet.
            self.reopen()
        if self.gate.is_open:
            return None
        found: list[Reader[Any]] = []
        for ring in self.gate.full:
            if isinstance(ring, Ring):
                ring.settle()
                found += [cursor for cursor in ring._cursors if cursor.pos == ring._base and cursor is not reader]
        return None if self.gate.is_open else found


class Reader(ABC, Generic[T]):
    """One reader of a ring: what it may take, how it waits, and its counters."""

    def __init__(self, ring: Ring[T], name: str, past: Sequence[T | Lagged]) -> None:
        self.ring = ring
        self.name = name
        self.chunk: Iterator[Any] = iter(())
        self.left = False
        self.waiting = False
        """Whether a pull, or a subscriber's request, waits for an item."""
        self._listed = self._asked = False
        self.future: asyncio.Future[None] | None = None
        self.on_wake: Callable[[], None] | None = None
        self.task: Callable[[], Any] = _nobody
        """A weak reference to the task that pulled last: how a stalled pull knows whether it is its own obstacle. The
        task itself would keep the traceback of a cancelled pull, and that the branch, which could not be dropped."""
        self._pulling: Any = None
        # The part of the stream that was over when the reader came.
        first = past[0] if past else None
        self._gone = first.n if type(first) is Lagged else 0
        self._past: deque[T | Lagged] = deque(past)
        self._past_len = len(past)
        ring._readers.append(self)

    @abstractmethod
    def has(self) -> bool:
        """Whether an item is there, once the chunk is used up."""

    @abstractmethod
    def take(self) -> Iterable[T]:
        """Return one or more items, after :meth:`has` said yes; more than one stand in ``chunk`` as well."""

    @abstractmethod
    def over(self) -> bool:
        """Whether nothing will come after what is there."""

    @abstractmethod
    def failure(self) -> Exception | None:
        """Return the error that ended the stream."""

    @abstractmethod
    def counts(self) -> tuple[int, int, int]:
        """Return delivered, dropped and buffered, the past not included."""

    @abstractmethod
    def detach(self) -> None:
        """Free the reader's share."""

    def release(self) -> None:
        """Let go of the part of the chunk that was taken."""

    def statistics(self) -> ReaderStatistics:
        """Count the reader's items."""
        delivered, dropped, buffered = self.counts()
        # The mark of what is gone stands first, and is no item.
        told = bool(self._gone) and len(self._past) < self._past_len
        items = self._past_len - bool(self._gone)
        left = len(self._past) - (bool(self._gone) and not told)
        delivered, dropped = delivered + items - left, dropped + self._gone
        if self.left:
            dropped += left
        else:
            buffered += left
        emitted = delivered + dropped + buffered
        return ReaderStatistics(self.name, emitted, delivered, dropped, buffered, buffered, self.waiting)

    def pop(self) -> T:
        """Take one item, after :meth:`has` said yes."""
        for item in self.chunk:
            return item  # type: ignore[no-any-return]
        for item in self.take():
            return item
        raise IndexError(f"Reader {self.name!r} has nothing to take.")

    def leave(self) -> None:
        """Free the reader's share, so that the others go on; idempotent."""
        if self.left:
            return
        self.left = True
        self.detach()
        # What is left of a chunk is not handed out any more.
        deque(self.chunk, maxlen=0)
        self.stop_waiting()
        self.ring.forget(self)
        if self.future is not None and not self.future.done():
            self.future.set_result(None)

    # How it waits

    def listen(self) -> None:
        """Be told of the next item or the end, by :meth:`Ring.wake`, without wanting one yet."""
        if not self._listed:
            self._listed = True
            self.ring._waiters.append(self)

    def wait(self) -> None:
        """Want an item; the request to the pump, if there is one, is up to the caller."""
        self.waiting = True
        self._asked = self.ring.pump is not None
        self.listen()

    def stop_waiting(self) -> None:
        """Want nothing any more; a request that was not met is taken back."""
        self.waiting = False
        if self._listed:
            self._listed = False
            # Not there while the ring goes through those that it wakes.
            if self in self.ring._waiters:
                self.ring._waiters.remove(self)
        self._withdraw()

    def _withdraw(self) -> None:
        if self._asked:
            self._asked = False
            if self.ring.pump is not None:
                self.ring.pump.withdraw(1)

    # How it pulls

    def ready(self) -> Iterable[T] | None:
        """Return items if some are there, without asking for any."""
        return self.take() if not self.left and self.has() else None

    def fetch(self) -> Iterable[T] | None:
        """Return items for a pull of the sync lane, or ``None`` at the end."""
        ring = self.ring
        if self.left:
            return None
        while not self.has():
            if self.left or self.over():
                return None
            pump = ring.pump
            if ring.is_async:
                raise LaneError(f"Channel {ring.name!r} belongs to an asynchronous run. Use: async for … in …")
            if (blockers := ring.blockers(self)) is not None:
                raise StalledConsumerError(self.name, _names(blockers, ring.gate))
            if pump is None:
                raise RuntimeError(
                    f"Channel {ring.name!r} is empty and open, and no run is bound to it that a pull could drive. "
                    "Push to it or close it before reading on, or read with 'async for', which waits."
                )
            if self.waiting:
                raise RuntimeError(
                    f"Reader {self.name!r} is pulled while it is being pulled for. Give each consumer one of its own."
                )
            self.wait()
            more: Any = None
            try:
                more = pump.request(1)
            finally:
                self.stop_waiting()
            if more is False and not self.has():
                return None
        return self.take()

    def ask(self) -> Iterable[T] | None:
        """Ask the run of the async lane for an item; returns it if it came at once, or stays waiting for it."""
        ring = self.ring
        pump = ring.pump
        if pump is None or not ring.is_async or self.left or ring.gate._shut or self.over():
            return None
        self.wait()
        try:
            more = pump.request(1)
        except BaseException:
            self.stop_waiting()
            raise
        if self.waiting:
            if more is False:
                self.stop_waiting()
            return None
        return self.ready()

    async def afetch(self, task: Any) -> Iterable[T] | None:
        """Return items for a pull of the async lane, or ``None`` at the end; :meth:`ask` may have asked already."""
        self._pulling = task
        ring = self.ring
        try:
            while self.left or not self.has():
                if self.left or self.over():
                    return None
                if ring.is_async is False:
                    raise LaneError(f"Channel {ring.name!r} belongs to a synchronous run. Use: for … in …")
                blockers = ring.blockers(self)
                if blockers and _is_alone(blockers, task):
                    raise StalledConsumerError(self.name, _names(blockers, ring.gate))
                if not self.waiting:
                    self.wait()
                    if ring.pump is not None and ring.pump.request(1) is False and self.waiting:
                        return None
                # The item may have come inside the request: then no future is needed, and no turn of the loop.
                if self.waiting:
                    await self._arrival(blockers, task)
            return self.take()
        finally:
            self.stop_waiting()
            self._pulling = None

    async def _arrival(self, blockers: list[Reader[Any]] | None, task: Any) -> None:
        loop, gate = asyncio.get_running_loop(), self.ring.gate
        self.future = future = loop.create_future()
        gate.sleepers[task] = self
        if blockers and gate.alarm is None:
            _set_alarm(gate, loop)
        try:
            await future
        finally:
            self.future = None
            gate.sleepers.pop(task, None)

    def look_up(self) -> None:
        """Hear, while a pull waits, that a log is full because of its own task."""
        future = self.future
        if future is not None and not future.done() and _is_alone(self.ring.blockers(self), self._pulling):
            future.set_result(None)


class Cursor(Reader[T]):
    """A position in the ring: lossless, and what the ring waits for."""

    def __init__(self, ring: Ring[T], name: str, past: Sequence[T | Lagged]) -> None:
        super().__init__(ring, name, past)
        self.pos = self._joined = ring.emitted
        self._size = 0
        self._slice: list[Any] = []
        self._unread = 0
        ring._cursors.append(self)
        if self.pos == ring._base:
            ring._slow += 1

    def ready(self) -> Iterable[Any] | None:
        # The chunk is used up when a pull comes here.
        if self._size:
            size, self._size, self._slice = self._size, 0, []
            self._move(size)
        ring = self.ring
        if self.pos < ring._base + len(ring._buf) and not self.left:
            return self.take()
        return None

    def fetch(self) -> Iterable[Any] | None:
        # The same as in the base class, with fewer calls.
        if self._size:
            size, self._size, self._slice = self._size, 0, []
            self._move(size)
        ring = self.ring
        if self._past or self.left:
            return super().fetch()
        buf = ring._buf
        start = self.pos - ring._base
        if start == len(buf):
            # The common pull of a run that brings items one by one.
            turn = ring.turn
            if turn is None or ring.closed or ring.gate._shut:
                return super().fetch()
            turn()
            buf = ring._buf
            start = self.pos - ring._base
        ready = len(buf) - start
        if ready != 1:
            return self.take() if ready else super().fetch()
        item = buf[start]
        self.pos += 1
        if not start:
            if ring._slow > 1:
                ring._slow -= 1
            else:
                # This was the last cursor before the only item, so now all of them are at the end.
                ring._base += 1
                ring._buf = []
                ring._slow = len(ring._cursors)
                if ring._shut:
                    ring.reopen()
        return (item,)

    def has(self) -> bool:
        if self._size:
            self.release()
        ring = self.ring
        return self.pos < ring._base + len(ring._buf) or bool(self._past)

    def take(self) -> Iterable[Any]:
        if self._past:
            return (self._past.popleft(),)
        ring = self.ring
        buf, start = ring._buf, self.pos - ring._base
        ready = min(len(buf) - start, ring._chunk)
        if ready == 1:
            item = buf[start]
            self._move(1)
            return (item,)
        self._size = ready
        self._slice = buf[start : start + ready]
        self.chunk = chunk = iter(self._slice)
        return chunk

    def release(self) -> None:
        if self._size:
            left: int = self.chunk.__length_hint__()  # type: ignore[attr-defined]
            taken, self._size = self._size - left, left
            if taken:
                # The iterator goes by index, so what it has passed can be let go behind it.
                done = len(self._slice) - left
                self._slice[:done] = [None] * done
                self._move(taken)

    def _move(self, n: int) -> None:
        ring = self.ring
        at_base = self.pos == ring._base
        self.pos += n
        if at_base:
            ring._slow -= 1
            if not ring._slow:
                ring.leave_base()

    def over(self) -> bool:
        return self.ring.closed

    def failure(self) -> Exception | None:
        return self.ring.error

    def counts(self) -> tuple[int, int, int]:
        if self.left:
            return self.pos - self._joined - self._unread, self._unread, 0
        self.release()
        return self.pos - self._joined, 0, self.ring.emitted - self.pos

    def detach(self) -> None:
        self.release()
        self._size, self._slice = 0, []
        ring = self.ring
        self._unread = ring.emitted - self.pos
        ring._cursors.remove(self)
        if self.pos == ring._base:
            ring._slow -= 1
        self.pos += self._unread
        if not ring._slow:
            ring.leave_base()


class LossyReader(Reader[T]):
    """A log of its own with a policy: nobody waits for it."""

    def __init__(
        self, ring: Ring[T], name: str, past: Sequence[T | Lagged], overflow: Overflow, maxlen: int, mark_gaps: bool
    ) -> None:
        self._log = BoundedLog[T](maxlen, overflow=overflow, name=name, mark_gaps=mark_gaps)
        super().__init__(ring, name, past)
        self._log.leave = self._detach_log
        if ring.error is not None:
            self._log.on_error(ring.error)
        elif ring.closed:
            self._log.on_completed()
        else:
            ring._logs = (*ring._logs, self._log)

    def has(self) -> bool:
        return bool(self._past) or len(self._log) > 0

    def take(self) -> Iterable[Any]:
        if self._past:
            return (self._past.popleft(),)
        return (self._log.pop(),)

    def over(self) -> bool:
        return self._log.is_over

    def failure(self) -> Exception | None:
        return self._log.error

    def counts(self) -> tuple[int, int, int]:
        counted = self._log.statistics()
        return counted.delivered, counted.dropped, counted.buffered

    def detach(self) -> None:
        self._detach_log()
        self._log.clear()

    def _detach_log(self) -> None:
        self.ring._logs = tuple(log for log in self.ring._logs if log is not self._log)
        self.ring.route()


# Doors


class _Raise:
    """Raises one error out of a pull and leaves the branch whole: the next pull tries again."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error: BaseException | None = error

    def __iter__(self) -> _Raise:
        return self

    def __next__(self) -> Any:
        error, self._error = self._error, None
        if error is None:
            raise StopIteration
        raise error


def _portions(reader: Reader[T]) -> Generator[Iterable[T], None, None]:
    """Yield what the pulls of a branch hand out, portion by portion; ends as the branch ends."""
    portion: Iterable[T] | None
    while True:
        try:
            portion = reader.fetch()
        except StopIteration as error:
            portion = _Raise(RuntimeError(f"The pump of channel {reader.ring.name!r} raised {error!r}."))
        except BaseException as error:
            portion = _Raise(error)
        if portion is None:
            break
        # After the except block: a frame that waits inside it would keep the error, and the error the frame.
        yield portion
    failure = None if reader.left else reader.failure()
    reader.leave()
    if failure is not None:
        raise failure


class Branch(chain[T]):
    """An iterator over a channel.

    It is an ``itertools.chain`` of portions, so a portion of many items is gone through without any Python code.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Errors: the channel's error is raised behind the items before it, once; then the branch is at its end.
    Disposal: ``close()``, leaving a ``with`` block, or dropping the branch frees its share of the log.
    """

    _reader: Reader[T]
    _lease: object

    @classmethod
    def of(cls, reader: Reader[T]) -> Branch[T]:
        """Make the branch of a reader."""
        branch = cls.from_iterable(_portions(reader))
        assert isinstance(branch, Branch)
        branch._reader, branch._lease = reader, reader.ring.lease()
        return branch

    def close(self) -> None:
        """Free the branch's share; idempotent."""
        self._reader.leave()

    def statistics(self) -> ReaderStatistics:
        """Count the branch's items: emitted since it joined, delivered, dropped, buffered."""
        return self._reader.statistics()

    def __enter__(self) -> Branch[T]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        reader = getattr(self, "_reader", None)
        if reader is not None:
            reader.leave()

    def __repr__(self) -> str:
        return _show(self._reader)


class AsyncBranch(AsyncIterator[T]):
    """An async iterator over a channel; a cancelled pull loses nothing.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Errors: the channel's error is raised behind the items before it, once; then the branch is at its end.
    Disposal: ``aclose()``, leaving an ``async with`` block, or dropping the branch frees its share of the log.
    """

    __slots__ = ("__weakref__", "_ended", "_lease", "_loop", "_reader")

    def __init__(self, reader: Reader[T]) -> None:
        self._reader = reader
        self._lease = reader.ring.lease()
        self._loop: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._ended = False

    async def __anext__(self) -> T:
        for item in self._reader.chunk:
            return item  # type: ignore[no-any-return]
        return await self._pull()

    async def _pull(self) -> T:
        reader = self._reader
        task = asyncio.current_task()
        if reader._pulling is not None:
            raise RuntimeError(
                f"Reader {reader.name!r} is being pulled by {reader._pulling!r}, and now by {task!r}. "
                "Give each task a branch of its own: atee(n)."
            )
        reader.task = _nobody if task is None else ref(task)
        if self._loop is None:
            self._loop = asyncio.get_running_loop(), get_ident()
        portion = reader.ready() or reader.ask()
        if portion is None:
            portion = await reader.afetch(task)
        if portion is None:
            failure = None if reader.left else reader.failure()
            reader.leave()
            if failure is not None:
                raise failure
            raise StopAsyncIteration
        for item in portion:
            return item
        raise AssertionError("a portion is never empty")

    async def aclose(self) -> None:
        """Free the branch's share; idempotent. A pull that waits comes to an end."""
        self._reader.leave()

    def statistics(self) -> ReaderStatistics:
        """Count the branch's items: emitted since it joined, delivered, dropped, buffered."""
        return self._reader.statistics()

    async def __aenter__(self) -> AsyncBranch[T]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        reader = getattr(self, "_reader", None)
        if reader is None or reader.left:
            return
        if self._loop is not None and self._loop[1] != get_ident() and not self._loop[0].is_closed():
            # Collected on a foreign thread: the channel belongs to the loop's.
            self._loop[0].call_soon_threadsafe(reader.leave)
        else:
            reader.leave()

    def __repr__(self) -> str:
        return _show(self._reader)


def _no_lease() -> None:
    """Be the lease of a ring that belongs to no run."""


def _nobody() -> None:
    """Stand for a task, where none has pulled."""


def _show(reader: Reader[Any]) -> str:
    counted = reader.statistics()
    state = "left" if reader.left else "waiting" if reader.waiting else "open"
    return f"<Branch {reader.name!r} {state} | delivered {counted.delivered}, lag {counted.lag}>"


def _names(blockers: list[Reader[Any]], gate: Gate) -> list[str]:
    return [blocker.name for blocker in blockers] or [getattr(who, "name", str(who)) for who in gate.full] or ["a log"]


def _is_alone(blockers: list[Reader[Any]] | None, task: Any) -> bool:
    """Whether all that holds a pull up are other readers of its own task."""
    return bool(blockers) and all(blocker.task() is task for blocker in blockers or ())


def _set_alarm(gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
    """Look in a while whether anybody moves: one timer for all who wait at a gate."""
    # A timer that knew more than names and numbers would keep a run that nobody knows any more.
    places = {id(ring): ring._base for ring in gate.full if isinstance(ring, Ring)}
    gate.alarm = loop.call_later(STALL_WARNING, _heed_alarm, ref(gate), loop, places)


def _heed_alarm(who: ref[Gate], loop: asyncio.AbstractEventLoop, places: dict[int, int]) -> None:
    gate = who()
    if gate is None:
        return
    gate.alarm = None
    if gate.is_open or not gate.sleepers:
        return
    # Those that are full, and that nobody has taken anything of since the alarm was set.
    still = [ring for ring in gate.full if isinstance(ring, Ring) and places.get(id(ring)) == ring._base]
    idle = [cursor.name for ring in still for cursor in ring._cursors if cursor.pos == ring._base]
    if idle:
        logging.getLogger("rxgraph.stream").warning(
            "Reader %s has waited for %.0f s: %s is full, and its reader takes nothing.",
            ", ".join(repr(reader.name) for reader in gate.sleepers.values()),
            STALL_WARNING,
            ", ".join(map(repr, idle)),
        )
    _set_alarm(gate, loop)


__all__ = (
    "AsyncBranch",
    "Branch",
    "Cursor",
    "LossyReader",
    "Pump",
    "Reader",
    "ReaderStatistics",
    "Ring",
    "Turn",
    "Turns",
    "is_pump",
)
