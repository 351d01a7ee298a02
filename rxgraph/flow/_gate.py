"""A gate that stands open while every lossless log has room.

It belongs to the thread that owns a run. Whoever has to wait stands in line: an async writer with a future, an inbox
with a callback that goes on handing over.

The line moves one by one. Whoever is called finds the gate open, and passes the word on before it goes; when it fills
the room that there was, the others stay where they are. So room for one item wakes one writer of a thousand, and a
writer that never waits for anything but the gate takes no turn of another one. [A15]
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable, Generator
from typing import Any


class Gate:
    """Counts full logs; open at zero."""

    __slots__ = ("__weakref__", "_called", "_line", "_shut", "alarm", "full", "on_move", "sleepers")

    def __init__(self) -> None:
        self._shut = 0
        self.full: list[Any] = []
        """Who shut the gate and gave a name; for telling a stalled reader what holds it up."""
        self.sleepers: dict[Any, Any] = {}
        """Readers that wait for an item, by the task that pulls: one whose own task holds it up is told."""
        self.alarm: Any = None
        """A timer that looks whether anybody moves, while the gate is shut and readers wait."""
        self.on_move: Callable[[bool], None] | None = None
        """Told with True when the gate opens, with False when it shuts: how the time between is measured."""
        self._line: deque[Future[None] | Callable[[], None]] = deque()
        # One who was called and has not come yet.
        self._called: Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is room everywhere."""
        return self._shut == 0

    def shut(self, who: Any = None) -> None:
        """One more log is full."""
        self._shut += 1
        if who is not None:
            self.full.append(who)
        if self.on_move is not None and self._shut == 1:
            self.on_move(False)

    def reopen(self, who: Any = None) -> None:
        """One log has room again; calls those who wait, one by one, when it was the last.

        Raises:
            RuntimeError: No log is full.
        """
        if not self._shut:
            raise RuntimeError("Gate.reopen() was called on an open gate; call it once for each shut().")
        self._shut -= 1
        if who is not None:
            self.full.remove(who)
        if self.on_move is not None and not self._shut:
            self.on_move(True)
        if self._line and not self._shut:
            self._call()

    def when_open(self, callback: Callable[[], None]) -> None:
        """Call *callback* once, when the gate opens and its turn has come; it must not raise, and may shut the gate."""
        self._line.append(callback)

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for room; cancelling the wait leaves nothing behind."""
        if not self._shut:
            return
        future: Future[None] = get_running_loop().create_future()
        self._line.append(future)
        while True:
            try:
                yield from future
            except BaseException:
                if self._called is future:
                    # The word has come, and whoever is cancelled passes it on.
                    self._pass_on()
                elif future in self._line:
                    self._line.remove(future)
                raise
            if not self._shut:
                self._pass_on()
                return
            # Somebody else was faster.
            self._called = None
            future = get_running_loop().create_future()
            self._line.appendleft(future)

    def _pass_on(self) -> None:
        self._called = None
        if self._line and not self._shut:
            self._call()

    def _call(self) -> None:
        line = self._line
        while line and not self._shut and self._called is None:
            first = line.popleft()
            if callable(first):
                first()
            elif not (first.done() or first.get_loop().is_closed()):
                self._called = first
                first.set_result(None)


__all__ = ("Gate",)
