"""A gate that stands open while every lossless log has room.

It belongs to the thread that owns a run. Whoever has to wait leaves a callback: an async writer resolves a future
with it, an inbox goes on handing over.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Generator
from functools import partial
from typing import Any


class Gate:
    """Counts full logs; open at zero."""

    __slots__ = ("_again", "_shut", "_waiting", "full", "watchers")

    def __init__(self) -> None:
        self._shut = 0
        self.full: list[Any] = []
        """Who shut the gate and gave a name; for telling a stalled reader what holds it up."""
        self.watchers: tuple[Callable[[], None], ...] = ()
        """Told of each log that gets full: how a pull learns that its own task holds it up."""
        self._waiting: list[Callable[[], None]] = []
        # How many of them, from the first, have been called before and found the gate shut again.
        self._again = 0

    @property
    def is_open(self) -> bool:
        """Whether there is room everywhere."""
        return self._shut == 0

    def shut(self, who: Any = None) -> None:
        """One more log is full."""
        self._shut += 1
        if who is not None:
            self.full.append(who)
        for watcher in self.watchers:
            watcher()

    def reopen(self, who: Any = None) -> None:
        """One log has room again; calls everyone who waits when it was the last.

        Raises:
            RuntimeError: No log is full.
        """
        if not self._shut:
            raise RuntimeError("Gate.reopen() was called on an open gate; call it once for each shut().")
        self._shut -= 1
        if who is not None:
            self.full.remove(who)
        if not self._shut:
            waiting, self._waiting, self._again = self._waiting, [], 0
            for callback in waiting:
                callback()

    def when_open(self, callback: Callable[[], None]) -> None:
        """Call *callback* once, at the next opening; it must not raise, and may shut the gate again."""
        self._waiting.append(callback)

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for room; cancelling the wait leaves nothing behind.

        Whoever is called and finds that somebody else has filled the room keeps its place in the line, or a writer that
        never has to wait for anything else would always be the first. [A15]
        """
        called = False
        while self._shut:
            future = get_running_loop().create_future()
            callback = partial(_settle, future)
            place = self._again if called else len(self._waiting)
            self._waiting.insert(place, callback)
            self._again += called
            called = True
            try:
                yield from future
            except BaseException:
                # Nobody who gives up again and again may make a heap of callbacks at a gate that stays shut.
                if callback in self._waiting:
                    self._again -= self._waiting.index(callback) < self._again
                    self._waiting.remove(callback)
                raise


def _settle(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


__all__ = ("Gate",)
