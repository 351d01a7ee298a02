"""Pulling from any observable: ``for`` and ``async for``.

The source is subscribed at the first pull, on a :class:`RequestScheduler`, so a source that honours its scheduler is
paced item by item. A source that pushes by itself fills a bounded log, and *overflow* says what a full log does.

How a pull sleeps: it lays the bell down, leaves :meth:`_Bell.ring` with the log, asks the source to go on, says how it
is to be woken, and only then looks whether the bell has rung, an item is there or the end. A source on another
thread appends first and rings afterwards, so one of the two sees the other. Its ring may come late, when the next
pull is about to sleep: then that pull looks, finds nothing, and starts again.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from threading import Event, Lock, get_ident
from typing import Any, Generic, TypeVar

from reactivex import abc
from reactivex.disposable import SingleAssignmentDisposable

from ._log import BoundedLog, LogStatistics, Overflow
from ._scheduler import RequestScheduler

T = TypeVar("T")


class _Bell:
    """Stops a source that is paced, and wakes the pull that waits; it doesn't keep the iterator alive."""

    __slots__ = ("_scheduler", "rung", "wake")

    def __init__(self, scheduler: RequestScheduler) -> None:
        self._scheduler = scheduler
        self.rung = False
        self.wake: Callable[[], None] | None = None

    def ring(self) -> None:
        self._scheduler.produced()
        self.rung = True
        wake = self.wake
        if wake is not None:
            wake()


class _Pull(Generic[T]):
    def __init__(self, source: abc.ObservableBase[T], maxlen: int | None, overflow: Overflow) -> None:
        if overflow == "suspend":
            raise ValueError(
                "An observable can't be suspended: give its scheduler the say (it is subscribed on a RequestScheduler) "
                "and choose what a full log does: 'error', 'drop_oldest', 'drop_latest', 'latest' or 'unbounded'."
            )
        self._source = source
        self._log = BoundedLog[T](maxlen, overflow=overflow, name="iterator")
        self._scheduler = RequestScheduler(charge="item")
        self._bell = _Bell(self._scheduler)
        self._upstream = SingleAssignmentDisposable()
        self._log.leave = self._upstream.dispose
        self._subscribed = False
        self._left = False

    def statistics(self) -> LogStatistics:
        """Count the items that came: buffered, delivered, dropped."""
        return self._log.statistics()

    def _ask(self) -> None:
        """Make the source go on until one more item is in the log; at most one item is asked for at a time."""
        log, scheduler = self._log, self._scheduler
        self._bell.rung = False
        log.listener = self._bell.ring
        if not self._subscribed:
            self._subscribed = True
            try:
                self._upstream.disposable = self._source.subscribe(log, scheduler=scheduler)
            except Exception as error:
                log.on_error(error)
        if not (log.items or log.is_closed or scheduler.demand):
            scheduler.request(1)

    def _must_wait(self) -> bool:
        return not (self._bell.rung or self._log.items or self._log.is_closed)

    def _raise_end(self) -> None:
        """Raise the error that ended the source, at every pull: a failed source should not look like a finished one."""
        self._upstream.dispose()
        if not self._left:
            self._log.raise_error()

    def _stop(self) -> None:
        self._left = True
        self._scheduler.cancel()
        self._upstream.dispose()
        self._log.on_completed()
        self._log.clear()

    def _drop(self) -> bool:
        """Leave the source without taking a lock, as a finalizer may run anywhere; False if there was none to leave."""
        if not getattr(self, "_subscribed", False) or self._log.is_closed:
            return False
        self._log.listener = None
        self._log.on_completed()
        self._upstream.dispose()
        return True


class _SyncPull(_Pull[T], Iterator[T]):
    def __init__(self, source: abc.ObservableBase[T], maxlen: int | None, overflow: Overflow) -> None:
        super().__init__(source, maxlen, overflow)
        self._pulling = Lock()

    def __next__(self) -> T:
        if not self._log.items:
            self._fetch()
        return self._log.pop()  # type: ignore[return-value]  # gaps are not marked here

    def _fetch(self) -> None:
        if not self._pulling.acquire(blocking=False):
            raise RuntimeError("This iterator is being pulled by another thread. Give each thread one of its own.")
        log, bell = self._log, self._bell
        try:
            while not log.items:
                if log.is_over:
                    self._raise_end()
                    raise StopIteration
                self._ask()
                if self._must_wait():
                    woken = Event()
                    bell.wake = woken.set
                    if self._must_wait():
                        woken.wait()
        finally:
            bell.wake = None
            self._pulling.release()

    def close(self) -> None:
        """Leave the source; idempotent."""
        self._stop()

    def __del__(self) -> None:
        self._drop()


class _AsyncPull(_Pull[T], AsyncIterator[T]):
    _puller: asyncio.Task[Any] | None = None

    async def __anext__(self) -> T:
        if not self._log.items:
            await self._fetch()
        return self._log.pop()  # type: ignore[return-value]  # gaps are not marked here

    async def _fetch(self) -> None:
        task = asyncio.current_task()
        if self._puller is not None:
            raise RuntimeError(
                f"This iterator is being pulled by {self._puller!r}, and now by {task!r}. Give each one its own."
            )
        self._puller = task
        log, bell = self._log, self._bell
        try:
            while not log.items:
                if log.is_over:
                    self._raise_end()
                    raise StopAsyncIteration
                self._ask()
                if self._must_wait():
                    arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    bell.wake = partial(_wake, arrived, get_ident())
                    if self._must_wait():
                        await arrived
        finally:
            # A pull that is cancelled leaves its request: the item is there for the next pull.
            bell.wake = None
            self._puller = None

    async def aclose(self) -> None:
        """Leave the source; idempotent."""
        self._stop()

    def __del__(self) -> None:
        if self._drop():
            warnings.warn(
                "An async iterator was dropped before its end. Use 'async with contextlib.aclosing(...)', or call "
                "aclose().",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


def _wake(pull: asyncio.Future[None], owner: int) -> None:
    if get_ident() == owner:
        _settle(pull)
        return
    try:
        pull.get_loop().call_soon_threadsafe(_settle, pull)
    except RuntimeError:
        # The loop is closed, so nobody waits; the item is in the log.
        return


def _settle(pull: asyncio.Future[None]) -> None:
    if not pull.done():
        pull.set_result(None)


def to_iterator(
    source: abc.ObservableBase[T], *, overflow: Overflow = "error", maxlen: int | None = None
) -> _SyncPull[T]:
    """Pull from an observable with ``for``.

    Shapes: ``Observable[T] -> Iterator[T]`` with ``close()`` and ``statistics()``; at most *maxlen* items (1024) wait.
    Demand: ``request(1)`` a pull, felt by sources that emit one item per action of their scheduler.
    Errors: raised behind the items that came before, at every further pull; ``SlowConsumerError`` under ``error``.
    Disposal: ``close()``, or dropping the iterator, disposes of the source.
    """
    return _SyncPull(source, maxlen, overflow)


def to_aiterator(
    source: abc.ObservableBase[T], *, overflow: Overflow = "error", maxlen: int | None = None
) -> _AsyncPull[T]:
    """Pull from an observable with ``async for``; a cancelled pull loses nothing.

    Shapes: ``Observable[T] -> AsyncIterator[T]`` with ``aclose()`` and ``statistics()``; at most *maxlen* items (1024)
    wait.
    Demand: ``request(1)`` a pull, felt by sources that emit one item per action of their scheduler.
    Errors: raised behind the items that came before, at every further pull; ``SlowConsumerError`` under ``error``.
    Disposal: ``aclose()`` disposes of the source; so does dropping the iterator, with a ``ResourceWarning``.
    """
    return _AsyncPull(source, maxlen, overflow)


__all__ = ("to_aiterator", "to_iterator")
