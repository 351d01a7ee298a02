"""The waiting room before transformers that have to be awaited."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from rxgraph.flow import Gate
from rxgraph.types import Part

ROOM: Final = 16
"""Parts that may wait; a small number, because they stand before the logs of the run and not in place of them."""


class AsyncStage:
    """Hands parts one by one to an async function, in a task of its own, and shuts the run's gate meanwhile.

    Args:
        through: Takes one part, and the event that it came as, if it did.
        gate: Of the run.
    """

    def __init__(self, through: Callable[[Part, Any], Awaitable[None]], gate: Gate) -> None:
        self.gate = gate
        self.name = "an asynchronous transformer"
        self._through = through
        self._waiting: deque[tuple[Part, Any]] = deque()
        self._end: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._shut = False

    @property
    def busy(self) -> bool:
        """Whether parts are waiting, or one is under way."""
        return self._task is not None or bool(self._waiting)

    def put(self, part: Part, event: Any) -> None:
        """Take a part in."""
        self._waiting.append((part, event))
        if len(self._waiting) >= ROOM and not self._shut:
            self._shut = True
            self.gate.shut(self)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="rxgraph transformers")

    def end(self, then: Callable[[], None]) -> None:
        """Call *then* behind the parts that wait."""
        if self._end is None:
            self._end = then

    def drop(self) -> None:
        """Forget the parts that wait."""
        self._waiting.clear()
        self._make_room()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        try:
            while self._waiting:
                part, event = self._waiting.popleft()
                if len(self._waiting) < ROOM // 2:
                    self._make_room()
                await self._through(part, event)
        finally:
            self._task = None
            self._make_room()
            end, self._end = self._end, None
            if end is not None:
                end()

    def _make_room(self) -> None:
        if self._shut:
            self._shut = False
            self.gate.reopen(self)


__all__ = ("AsyncStage",)
