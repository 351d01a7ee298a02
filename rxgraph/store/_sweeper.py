"""Deleting what is past its time, again and again, beside a program."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from concurrent.futures import Future
from threading import Event, Thread, current_thread
from typing import ClassVar

from rxgraph.store._lifetime import Lifetime
from rxgraph.store.base import BaseStore

logger = logging.getLogger(__name__)


class SweptStore(BaseStore):
    """A store with time to live, and a thread that sweeps it once started."""

    supports_ttl: ClassVar[bool] = True
    _lifetime: Lifetime
    _sweeping: tuple[Thread, Event, Future[None]] | None = None

    @abstractmethod
    def sweep_ttl(self) -> int:
        """Delete the items that are past their time, and return how many there were."""

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> Future[None]:
        """Have a thread sweep every few minutes until ``stop_ttl_sweeper``; a sweep that fails is logged.

        Args:
            sweep_interval_minutes: How often; as configured by default.

        Returns:
            A future that is done when the thread has stopped.
        """
        if self._sweeping is not None and self._sweeping[0].is_alive():
            return self._sweeping[2]
        seconds = 60 * (self._lifetime.sweep_interval if sweep_interval_minutes is None else sweep_interval_minutes)
        stop, done = Event(), Future[None]()
        thread = Thread(target=self._sweep_until, args=(stop, seconds, done), name="rxgraph-store-sweeper", daemon=True)
        self._sweeping = (thread, stop, done)
        thread.start()
        return done

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """Stop the thread and wait for it, so many seconds at most; say whether it has stopped."""
        if self._sweeping is None:
            return True
        thread, stop, _ = self._sweeping
        stop.set()
        if thread is not current_thread():
            thread.join(timeout)
        if thread.is_alive():
            return False
        self._sweeping = None
        return True

    def _sweep_until(self, stop: Event, seconds: float, done: Future[None]) -> None:
        while not stop.wait(seconds):
            try:
                self.sweep_ttl()
            except Exception:
                logger.exception("A sweep of %r failed; the next one comes in %s s", self, seconds)
        done.set_result(None)


class AsyncSweptStore(BaseStore):
    """A store with time to live, and a task that sweeps it once started."""

    supports_ttl: ClassVar[bool] = True
    _lifetime: Lifetime
    _sweeping: asyncio.Task[None] | None = None

    @abstractmethod
    async def sweep_ttl(self) -> int:
        """Delete the items that are past their time, and return how many there were."""

    async def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> asyncio.Task[None]:
        """Have a task sweep every few minutes until ``stop_ttl_sweeper``; a sweep that fails is logged.

        Args:
            sweep_interval_minutes: How often; as configured by default.
        """
        if self._sweeping is None or self._sweeping.done():
            minutes = self._lifetime.sweep_interval if sweep_interval_minutes is None else sweep_interval_minutes
            self._sweeping = asyncio.create_task(self._sweep_every(60 * minutes), name="rxgraph-store-sweeper")
        return self._sweeping

    async def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """Stop the task and wait for it, so many seconds at most; say whether it has stopped."""
        task = self._sweeping
        if task is None:
            return True
        task.cancel()
        await asyncio.wait([task], timeout=timeout)
        if not task.done():
            return False
        self._sweeping = None
        return True

    async def _sweep_every(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.sweep_ttl()
            except Exception:
                logger.exception("A sweep of %r failed; the next one comes in %s s", self, seconds)


__all__ = ("AsyncSweptStore", "SweptStore")
