"""Pulling from any observable: ``for`` and ``async for``.

The source is subscribed at the first pull, on a :class:`RequestScheduler`, so a source that honours its scheduler is
paced item by item. A source that pushes by itself fills a bounded log, and *overflow* says what a full log does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from threading import Event
from typing import Any, Generic, TypeVar

from reactivex import abc

from ._log import BoundedLog, Overflow
from ._scheduler import RequestScheduler

T = TypeVar("T")


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
        self._upstream: abc.DisposableBase | None = None

    def _ask(self) -> None:
        """Make the source go on until one more item is in the log."""
        self._log.listener = self._scheduler.produced
        if self._upstream is None:
            self._upstream = self._source.subscribe(self._log, scheduler=self._scheduler)
        if not len(self._log) and not self._log.is_closed and not self._scheduler.demand:
            self._scheduler.request(1)

    def _stop(self) -> None:
        self._scheduler.cancel()
        self._log.on_completed()
        self._log.clear()
        if self._upstream is not None:
            self._upstream.dispose()


class _SyncPull(_Pull[T], Iterator[T]):
    def __next__(self) -> T:
        log = self._log
        while not len(log):
            if log.is_over:
                log.raise_error()
                raise StopIteration
            self._ask()
            if not len(log) and not log.is_closed:
                self._wait()
        return log.pop()  # type: ignore[return-value]  # gaps are not marked here

    def _wait(self) -> None:
        """Wait for a source that pushes from another thread."""
        bell = Event()
        self._log.listener = lambda: (self._scheduler.produced(), bell.set())[1]
        if not len(self._log) and not self._log.is_closed:
            bell.wait()

    def close(self) -> None:
        """Leave the source; idempotent."""
        self._stop()


class _AsyncPull(_Pull[T], AsyncIterator[T]):
    async def __anext__(self) -> T:
        log = self._log
        while not len(log):
            if log.is_over:
                log.raise_error()
                raise StopAsyncIteration
            self._ask()
            if not len(log) and not log.is_closed:
                await self._wait()
        return log.pop()  # type: ignore[return-value]  # gaps are not marked here

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)

        def arrived() -> None:
            self._scheduler.produced()
            loop.call_soon_threadsafe(settle)

        self._log.listener = arrived
        if len(self._log) or self._log.is_closed:
            return
        await future

    async def aclose(self) -> None:
        """Leave the source; idempotent."""
        self._stop()


def to_iterator(
    source: abc.ObservableBase[T], *, overflow: Overflow = "error", maxlen: int | None = None
) -> Iterator[T]:
    """Pull from an observable with ``for``.

    Shapes: ``Observable[T] -> Iterator[T]`` with ``close()``; at most *maxlen* items (1024) wait.
    Demand: ``request(1)`` a pull, felt by sources that emit one item per action of their scheduler.
    Errors: raised behind the items that came before.
    """
    return _SyncPull(source, maxlen, overflow)


def to_aiterator(
    source: abc.ObservableBase[T], *, overflow: Overflow = "error", maxlen: int | None = None
) -> AsyncIterator[T]:
    """Pull from an observable with ``async for``; a cancelled pull loses nothing.

    Shapes: ``Observable[T] -> AsyncIterator[T]`` with ``aclose()``; at most *maxlen* items (1024) wait.
    Demand: ``request(1)`` a pull, felt by sources that emit one item per action of their scheduler.
    Errors: raised behind the items that came before.
    """
    return _AsyncPull(source, maxlen, overflow)


__all__ = ("to_aiterator", "to_iterator")
