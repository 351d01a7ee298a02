"""A reader of a channel: what it may take, how it waits, how it pulls, and what it counts.

A pull that finds nothing asks the run to go on, and waits. Before it does either it looks whether it would wait for
itself: if all that holds the run up are full logs that readers of the same task should empty, it says so.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxgraph.errors import LaneError, StalledConsumerError
from rxgraph.flow import BoundedLog, Gate, Lagged, Overflow

from ._ring import Ring, set_alarm

T = TypeVar("T")


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
        self.task: Callable[[], Any] = nobody
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
            set_alarm(gate, loop)
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


def nobody() -> None:
    """Stand for a task, where none has pulled."""


def _names(blockers: list[Reader[Any]], gate: Gate) -> list[str]:
    return [blocker.name for blocker in blockers] or [getattr(who, "name", str(who)) for who in gate.full] or ["a log"]


def _is_alone(blockers: list[Reader[Any]] | None, task: Any) -> bool:
    """Whether all that holds a pull up are other readers of its own task."""
    return bool(blockers) and all(blocker.task() is task for blocker in blockers or ())


__all__ = ("LossyReader", "Reader", "ReaderStatistics", "nobody")
