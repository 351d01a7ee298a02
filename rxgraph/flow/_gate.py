"""A gate that stands open while every lossless log has room.

It belongs to the thread that owns a run. Whoever has to wait leaves a callback: an async writer resolves a future
with it, an inbox goes on handing over.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Generator
from typing import Any


class Gate:
    """Counts full logs; open at zero."""

    __slots__ = ("_shut", "_waiting")

    def __init__(self) -> None:
        self._shut = 0
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether there is room everywhere."""
        return self._shut == 0

    def shut(self) -> None:
        """One more log is full."""
        self._shut += 1

    def reopen(self) -> None:
        """One log has room again; wakes everyone when it was the last."""
        self._shut -= 1
        if self._shut == 0:
            self.wake()

    def wake(self) -> None:
        """Call every waiting callback once, whether the gate is open or not (a run that ends frees them all)."""
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def when_open(self, callback: Callable[[], None]) -> None:
        """Call *callback* at the next opening."""
        self._waiting.append(callback)

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for room; cancelling the wait leaves nothing behind but a spent callback."""
        while self._shut:
            future = get_running_loop().create_future()
            self._waiting.append(lambda future=future: future.done() or future.set_result(None))
            yield from future


__all__ = ("Gate",)
