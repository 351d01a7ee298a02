"""What drives a lane for a run handle: a step, or a task, for pulls that find nothing waiting."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import Any

from rxgraph._context import CURRENT
from rxgraph.flow import RequestScheduler
from rxgraph.stream import StreamMux
from rxgraph.stream._sources import AsyncSource, SyncSource, cancel_dropped, dropped, one_thread_only

from ._aio import AsyncLane
from ._driving import Driver
from ._sync import SyncLane
from ._wiring import Wiring

WAKE = ((), "", None)
"""A part without a mode: wakes the owner of a run, and ends its mux there."""


class LaneSource(SyncSource):
    """Drives the synchronous lane, one turn a step."""

    def __init__(self, lane: SyncLane, wiring: Wiring, mux: StreamMux) -> None:
        self.gate = wiring.gate
        self._lane, self._turns = lane, lane.turns()
        self._inbox, self._mux = wiring.inbox, mux
        self._turning = Lock()
        """Held during a turn. Whoever abandons the run first says so and then tries the lock; a turn first lets go and
        then looks whether somebody said so. One of the two ends the run."""
        self._has_begun = self._abandoned = False

    def turn(self) -> bool:
        """Take the run one turn on; False if it has ended."""
        if not self._turning.acquire(blocking=False):
            raise one_thread_only()
        mux, going_on = self._mux, False
        try:
            if not self._abandoned:
                self._has_begun = True
                next(self._turns)
                going_on = True
        except StopIteration:
            mux.on_completed()
        except Exception as error:
            mux.on_error(error)
        except BaseException as signal:
            mux.on_error(RuntimeError(f"The run was broken off by {type(signal).__name__}."))
            raise
        finally:
            mux.resume()
            self._turning.release()
            if self._abandoned:
                self.stop()
        return going_on

    def let_go(self) -> bool:
        """End the run, if it has begun; whoever drops it does not wait for nodes on worker threads."""
        if not self._has_begun or self._mux.is_stopped:
            return False
        self._abandoned = True
        self._lane.let_go()
        self._mux.fail(dropped())
        return True

    def stop(self) -> None:
        """End the run and wait for nodes on worker threads; if a turn is under way, as soon as it is over."""
        self._abandoned = True
        if not self._turning.acquire(blocking=False):
            self._inbox.put_nowait(WAKE)
            return
        try:
            self._mux.abort()
            self._turns.close()
        finally:
            self._turning.release()


class DriverSource(AsyncSource):
    """Drives the asynchronous lane, as a task of its own, while pulls wait for items."""

    def __init__(self, lane: AsyncLane, wiring: Wiring, mux: StreamMux) -> None:
        self.gate = wiring.gate
        self.loop: asyncio.AbstractEventLoop | None = None
        self._wiring, self._mux = wiring, mux
        self._scheduler = RequestScheduler(charge="item")
        self._driver = Driver(lane, wiring, self._scheduler)
        self._stopped = False

    def request(self, n: int, /) -> bool | None:
        """Leave word that *n* more items are wanted."""
        if self._stopped:
            return False
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
        self._scheduler.request(n)
        self._driver.start()
        return None

    def withdraw(self, n: int, /) -> None:
        """Take requests back."""
        self._scheduler.withdraw(n)

    async def stop(self) -> None:
        """Cancel the run and wait for its nodes, unless it is one of them that asks; idempotent."""
        self._stopped = True
        self._scheduler.cancel()
        if self._is_inside():
            self.stop_soon()
        else:
            await self._driver.stop()

    def let_go(self) -> bool:
        """Cancel the run, if it has begun."""
        return cancel_dropped(self, self._mux, self._driver.task)

    def stop_soon(self) -> None:
        """Cancel the run without waiting."""
        self._stopped = True
        if self._driver.task is not None:
            self._driver.task.cancel()

    @property
    def unstopped(self) -> tuple[str, ...]:
        """Nodes on threads, which go on although the run has ended."""
        return tuple(self._wiring.threads)

    def _is_inside(self) -> bool:
        """Whether this is called by a node of the run, which can't wait for its own end."""
        if asyncio.current_task() is self._driver.task:
            return True
        task: Any = CURRENT.get()
        wiring = None if task is None else task.run.wiring
        while wiring is not None and wiring is not self._wiring:
            wiring = wiring.outer
        return wiring is not None


__all__ = ("DriverSource", "LaneSource")
