"""What ``stream`` and ``astream`` return: iterators that pull a run forward."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from functools import partial
from threading import Lock
from typing import Any

from reactivex import Observable

from rxgraph.flow import BoundedLog, RequestScheduler
from rxgraph.flow._lean import connect

from .._tracing import log_reading
from ._aio import AsyncLane
from ._driving import Driver, Turns
from ._sync import SyncLane
from ._wiring import Wiring


class StreamIterator(Iterator[Any]):
    """What ``stream`` returns: pulls the run forward, one ``request(1)`` a pull that finds nothing waiting.

    Demand: no superstep starts before somebody pulls for it. Custom events of a running node wait in a log of at
    most 1,024 items, then the node's thread blocks in its writer.
    Errors: a node's error is raised behind the items that came before it.
    Disposal: ``close()``, leaving a ``with`` block, or dropping the iterator ends the run and waits for nodes that
    are running on threads.
    """

    def __init__(self, lane: SyncLane, wiring: Wiring, items: Observable[Any]) -> None:
        self._log = BoundedLog[Any](gate=wiring.gate, name="stream")
        self._items = self._log.items
        connect(items, self._log)
        self._scheduler = RequestScheduler(charge="item")
        if (tracer := lane.tracer) is not None:
            tracer.read(self, log_reading(wiring.gate, self._log, self._scheduler))
        self._turns = Turns(lane, wiring)
        self._turns.start(self._scheduler)
        self._pulling = Lock()

    def __next__(self) -> Any:
        if self._items:
            return self._log.pop()
        return self._pull()

    def _pull(self) -> Any:
        log, scheduler = self._log, self._scheduler
        if not self._pulling.acquire(blocking=False):
            raise RuntimeError("This stream is being pulled by another thread. Give each thread a run of its own.")
        try:
            while not log.items:
                if log.is_closed:
                    # The items may have ended before the run has: their chain failed, or took enough.
                    self._turns.abandon()
                    log.raise_error()
                    raise StopIteration
                log.listener = scheduler.produced
                scheduler.request(1)
            return log.pop()
        finally:
            self._pulling.release()

    def close(self) -> None:
        """End the run; idempotent. A superstep that another thread is pulling for comes to its end first."""
        self._scheduler.cancel()
        self._turns.abandon()
        self._log.clear()

    def statistics(self) -> Any:
        """Count the items of the stream: buffered, delivered, dropped."""
        return self._log.statistics()

    def __enter__(self) -> StreamIterator:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncStreamIterator(AsyncIterator[Any]):
    """What ``astream`` returns: pulls the run forward, one ``request(1)`` a pull that finds nothing waiting.

    Demand: no superstep starts before somebody pulls for it. Events of a running node wait in a log of at most 1,024
    items; then ``await writer(...)`` suspends the node.
    Errors: a node's error is raised behind the items that came before it.
    Disposal: a cancelled pull loses nothing, and the superstep that it asked for stays in flight. ``aclose()``,
    leaving an ``async with`` block, or dropping the iterator cancels the run.
    """

    def __init__(self, lane: AsyncLane, wiring: Wiring, items: Observable[Any]) -> None:
        self._log = BoundedLog[Any](gate=wiring.gate, name="astream")
        self._items = self._log.items
        connect(items, self._log)
        self._scheduler = RequestScheduler(charge="item")
        if (tracer := lane.tracer) is not None:
            tracer.read(self, log_reading(wiring.gate, self._log, self._scheduler))
        self._driver = Driver(lane, wiring, self._scheduler)
        self._pulling: asyncio.Task[Any] | None = None

    async def __anext__(self) -> Any:
        if self._items:
            return self._log.pop()
        return await self._pull()

    async def _pull(self) -> Any:
        log, scheduler = self._log, self._scheduler
        if self._pulling is not None:
            raise RuntimeError(
                f"This stream is being pulled by {self._pulling!r}, and now by {asyncio.current_task()!r}. "
                "Give each task a run of its own."
            )
        self._pulling = asyncio.current_task()
        try:
            while not log.items:
                if log.is_closed:
                    # The items may have ended before the run has: their chain failed, or took enough.
                    await self._driver.stop()
                    log.raise_error()
                    raise StopAsyncIteration
                arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                log.listener = partial(self._arrived, arrived)
                scheduler.request(1)
                self._driver.start()
                try:
                    await arrived
                except BaseException:
                    log.listener = None
                    scheduler.withdraw()
                    raise
            return log.pop()
        finally:
            self._pulling = None

    def _arrived(self, pull: asyncio.Future[None]) -> None:
        self._scheduler.produced()
        _settle(pull)

    async def aclose(self) -> None:
        """Cancel the run and wait until its nodes have ended; idempotent."""
        self._scheduler.cancel()
        # First the log: a node that writes on its way out must not wait for a reader that has gone.
        self._log.on_completed()
        self._log.clear()
        await self._driver.stop()

    def statistics(self) -> Any:
        """Count the items of the stream: buffered, delivered, dropped."""
        return self._log.statistics()

    async def __aenter__(self) -> AsyncStreamIterator:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = self._driver.task if hasattr(self, "_driver") else None
        if task is None or task.done():
            return
        loop = task.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(_abandon, self._log, task)
        warnings.warn(
            "A stream was dropped in the middle of its run, which is cancelled now. "
            "Use 'async with graph.astream(...) as stream', or call aclose().",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _abandon(log: BoundedLog[Any], task: asyncio.Task[None]) -> None:
    """Cancel a run whose reader has gone; a node that writes on its way out finds room."""
    log.on_completed()
    log.clear()
    task.cancel()


__all__ = ("AsyncStreamIterator", "StreamIterator")
