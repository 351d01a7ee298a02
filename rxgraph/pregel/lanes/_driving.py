"""What takes a lane on: a scheduler, one turn an action, or a task of an event loop.

The run's end goes to its mux, and so to all who read it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Lock
from typing import Any

from reactivex import abc

from rxgraph.flow import RequestScheduler
from rxgraph.stream import Parts

from ._aio import AsyncLane, cancel_all
from ._sync import SyncLane
from ._wiring import Wiring


class Turns:
    """Runs the turns of a lane as actions of a scheduler, one turn an action, and ends the mux with the run."""

    def __init__(self, lane: SyncLane, wiring: Wiring) -> None:
        self._turns = lane.turns()
        self._mux = wiring.mux
        self._turning = Lock()
        """Held during a turn. Whoever abandons the run first says so and then tries the lock; a turn first lets go and
        then looks whether somebody said so. One of the two ends the run."""
        self._abandoned = False

    def start(self, scheduler: abc.SchedulerBase) -> None:
        """Queue the first turn."""
        scheduler.schedule(self._advance)

    def _advance(self, scheduler: abc.SchedulerBase, state: Any = None) -> None:
        going_on = not self._abandoned and self._turn()
        if self._abandoned:
            self._try_to_stop()
        elif going_on:
            # Not before the turn is over: on some schedulers the next one begins at once, on another thread.
            scheduler.schedule(self._advance)

    def _turn(self) -> bool:
        """Take one turn; False if it was the last."""
        with self._turning:
            try:
                next(self._turns)
            except StopIteration:
                self._mux.on_completed()
            except Exception as error:
                self._mux.on_error(error)
            except BaseException as signal:
                self._mux.on_error(RuntimeError(f"The run was broken off by {type(signal).__name__}."))
                raise
            else:
                return True
        return False

    def abandon(self) -> None:
        """End the run, or as soon as its current turn is over; waits for nodes on worker threads. Idempotent."""
        self._abandoned = True
        self._try_to_stop()

    def _try_to_stop(self) -> None:
        if self._turning.acquire(blocking=False):
            try:
                self._turns.close()
            finally:
                self._turning.release()
            self._mux.on_completed()


async def finish(lane: AsyncLane, mux: Parts, turn: Callable[[], Awaitable[None]] | None = None) -> None:
    """Drive a run and pass its end on to the readers."""
    try:
        await lane.drive(turn)
    except Exception as error:
        mux.on_error(error)
    except BaseException as signal:
        # Readers that have ended the run themselves are gone; to the others this is no end like any other.
        mux.on_error(RuntimeError(f"The run was broken off by {type(signal).__name__}."))
        raise
    else:
        mux.on_completed()


def start_on(loop: asyncio.AbstractEventLoop, lane: AsyncLane, wiring: Wiring) -> Callable[[], None]:
    """Run without waiting for demand, as a task of *loop*; returns a function that cancels the run.

    Both may be called on any thread.
    """
    cancelled = False

    async def turn() -> None:
        # Nodes that never suspend leave the loop no moment to cancel them in.
        if cancelled:
            raise asyncio.CancelledError

    run = asyncio.run_coroutine_threadsafe(finish(lane, wiring.mux, turn), loop)

    def cancel() -> None:
        nonlocal cancelled
        cancelled = True
        run.cancel()

    return cancel


class Driver:
    """Runs a lane as an asyncio task of its own, one superstep for each request."""

    def __init__(self, lane: AsyncLane, wiring: Wiring, scheduler: RequestScheduler) -> None:
        self.lane, self.wiring, self.scheduler = lane, wiring, scheduler
        self.task: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        """The run and those inside it that wait for their turn."""

    def start(self) -> None:
        if self.task is None:
            driving = finish(self.lane, self.wiring.mux, self._turn)
            self.task = asyncio.get_running_loop().create_task(driving, name="rxgraph run")

    async def stop(self) -> None:
        """Cancel the run, unless it has ended, and wait for its nodes."""
        if self.task is not None and not self.task.done():
            await cancel_all([self.task])

    async def _turn(self) -> None:
        """Wait for demand; of several runs, each wakes the next, as long as there is some left."""
        loop, wait = asyncio.get_running_loop(), self._waiting.append
        while not self.scheduler.demand:
            granted: asyncio.Future[None] = loop.create_future()
            wait(granted)
            self._listen()
            try:
                await granted
            finally:
                # Not before this run has had the time to use the demand up: waking all for each item is quadratic.
                if self._waiting:
                    loop.call_soon(self._listen)
            # One that finds nothing left keeps its place.
            wait = self._waiting.appendleft

    def _listen(self) -> None:
        if self._waiting and not self.scheduler.queued:
            self.scheduler.schedule(partial(_grant, self._waiting))


def _grant(waiting: deque[asyncio.Future[None]], scheduler: abc.SchedulerBase, state: Any = None) -> None:
    while waiting:
        turn = waiting.popleft()
        if not turn.done():
            return turn.set_result(None)


__all__ = ("Driver", "Turns", "finish", "start_on")
