"""The clock by which the synchronous lane waits, so that tests can take another one.

The asynchronous lane waits by its event loop, whose time a test can replace as a whole; a thread has no such place.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol


class Clock(Protocol):
    """Waits."""

    def wait(self, seconds: float, over: Callable[[float], bool], /) -> bool:
        """Wait for a time, or until ``over(seconds)``, which blocks, says that there is no reason to wait any longer.

        Returns:
            Whether the wait was broken off.
        """
        ...


class SystemClock:
    """Waits as long as it is told to."""

    def wait(self, seconds: float, over: Callable[[float], bool], /) -> bool:
        return over(seconds)


CLOCK: Final[ContextVar[Clock]] = ContextVar("rxgraph_clock", default=SystemClock())  # noqa: B039  # without state

__all__ = ("CLOCK", "Clock", "SystemClock")
