"""Pumps: what pulls turn to when they find nothing, and what makes one of a function."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

from rxgraph.flow import Gate


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


AsyncTurn: TypeAlias = Callable[[], Awaitable[bool | None]]
"""Takes the run one step on, and returns ``False`` if it has ended."""


class AsyncSteps:
    """Takes steps, in a task of its own, while pulls wait for items.

    A pull that is cancelled takes its request back and leaves the step in flight: nothing of it is lost.

    Args:
        step: Takes one step.
        gate: No step is begun while it is shut.
        on_error: Told what a step has raised.
    """

    def __init__(self, step: AsyncTurn, gate: Gate, on_error: Callable[[BaseException], None]) -> None:
        self._step, self._gate, self._on_error = step, gate, on_error
        self._demand = 0
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that the steps are taken on."""

    def request(self, n: int, /) -> bool | None:
        """Leave word that *n* more items are wanted."""
        if self._over:
            return False
        self._demand += n
        if self._task is None:
            self.loop = asyncio.get_running_loop()
            self._task = self.loop.create_task(self._go(), name="rxgraph run")
        return None

    def withdraw(self, n: int, /) -> None:
        """Take requests back."""
        self._demand = max(0, self._demand - n)

    async def stop(self) -> None:
        """Cancel the step in flight and wait for its end, even if this task is cancelled meanwhile; idempotent."""
        self._over = True
        await cancel_and_wait(self._task)

    def stop_soon(self) -> None:
        """Cancel the step in flight, unless it is the one that asks."""
        self._over = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _go(self) -> None:
        try:
            while self._demand and not self._over:
                if not self._gate.is_open:
                    await self._gate
                elif await self._step() is False:
                    self._over = True
        except Exception as error:
            self._over = True
            self._on_error(error)
        finally:
            self._task = None


async def cancel_and_wait(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended."""
    if task is not None and not task.done() and task is not asyncio.current_task():
        task.cancel()
        await wait_for_all({task})


async def wait_for_all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait until *tasks*, which may grow, have ended, also where this task is being cancelled again and again."""
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


__all__ = ("AsyncSteps", "AsyncTurn", "Pump", "Turn", "Turns", "cancel_and_wait", "is_pump", "wait_for_all")
