"""The hand-over from worker threads to the one thread that owns a run.

Putting takes no lock while there is room and the owner is awake: ``deque.append`` is atomic, and the two flags are
read after the write that they guard, so a wake-up can be doubled but never lost:

1. The owner sets ``_asleep`` and then looks at the items once more; a worker appends and then looks at ``_asleep``.
2. A worker counts itself as blocked and then looks at the room once more; the owner takes and then looks at the count.

A worker that waits for room waits for its owner. When the interpreter is about to exit it waits for all workers, and
an owner that has ended by then makes no room any more: so a worker that finds that is cancelled.
"""

from __future__ import annotations

import atexit
import threading
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable
from threading import Condition, Event, Lock, get_ident, main_thread
from typing import Any, Final

from ._log import DEFAULT_MAXLEN

LOOKS_UP: Final = 0.5
"""Seconds after which a worker that waits looks whether anybody is left to make room."""
MAKING: Final = Lock()
"""Held while the waiting room of an inbox is made."""
EXITING: Final = Event()
"""Set when the main thread has come to its end."""

# A hook of ``atexit`` comes too late: it is called when all threads have ended.
getattr(threading, "_register_atexit", atexit.register)(EXITING.set)


class Inbox:
    """A bounded queue with many writers and one owner.

    Args:
        maxlen: Items after which :meth:`put` blocks. Writers that look at the same time may each get one more in.

    Raises:
        ValueError: *maxlen* below 1.
    """

    __slots__ = ("_asleep", "_bell", "_blocked", "_closed", "_maxlen", "_refill", "_room", "_wake", "items", "owner")

    def __init__(self, maxlen: int = DEFAULT_MAXLEN) -> None:
        if maxlen < 1:
            raise ValueError(f"An inbox needs maxlen >= 1, got {maxlen}.")
        self.items: deque[Any] = deque()
        self.owner = get_ident()
        """The OS thread that takes items now; whoever hands the inbox on says so here."""
        # Made when somebody waits: most runs need neither, and to make them takes longer than to wire the rest.
        self._bell: Event | None = None
        self._room: Condition | None = None
        self._wake: Callable[[], Any] | None = None
        self._asleep = False
        self._blocked = 0
        self._closed = False
        self._maxlen = maxlen
        self._refill = maxlen // 4

    @property
    def is_closed(self) -> bool:
        """Whether the owner takes nothing more."""
        return self._closed

    def on_wake(self, wake: Callable[[], Any]) -> None:
        """Call *wake*, on a writer's thread, when the owner sleeps; otherwise :meth:`wait` is how it sleeps."""
        self._wake = wake

    def put(self, item: Any) -> None:
        """Hand over an item; blocks while the inbox is full. After :meth:`close` it does nothing.

        Raises:
            CancelledError: The program is at its end, and with it the thread that would have made room.
        """
        if len(self.items) >= self._maxlen:
            self._wait_for_room()
        self.put_nowait(item)

    def put_nowait(self, item: Any) -> None:
        """Hand over an item that must not wait: the end of a task."""
        if self._closed:
            return
        self.items.append(item)
        if self._asleep:
            self._asleep = False
            if self._wake is not None:
                self._wake()
            elif self._bell is not None:
                self._bell.set()

    def take(self) -> Any:
        """Take the oldest item, on the owner's thread.

        Raises:
            IndexError: Nothing is there.
        """
        item = self.items.popleft()
        if self._blocked:
            self.taken()
        return item

    def taken(self) -> None:
        """Let blocked writers know that the owner has taken from :attr:`items` by itself."""
        if self._blocked and len(self.items) <= self._refill:
            self._call_writers()

    def sleep(self) -> bool:
        """Ask for a wake-up at the next item; False if one is there already."""
        self._asleep = True
        if self.items:
            self._asleep = False
            return False
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Block the owner until an item is there, or for a time; returns whether one is."""
        if self.items:
            return True
        bell = self._bell = self._bell or Event()
        while not self.items:
            bell.clear()
            if self.sleep() and not bell.wait(seconds):
                self._asleep = False
                return bool(self.items)
        return True

    def close(self) -> None:
        """Take nothing more, and let blocked writers go; called by the owner."""
        self._closed = True
        self.items.clear()
        self._call_writers()

    def wait_closed(self, seconds: float) -> bool:
        """Block a worker for a time, or until the inbox is closed; returns whether it is."""
        room = self._waiting_room()
        with room:
            return room.wait_for(lambda: self._closed, seconds)

    def _waiting_room(self) -> Condition:
        with MAKING:
            self._room = self._room or Condition()
            return self._room

    def _call_writers(self) -> None:
        # Without a room nobody waits yet; whoever makes it looks at the items and the flags before it waits.
        room = self._room
        if room is not None:
            with room:
                room.notify_all()

    def _wait_for_room(self) -> None:
        room = self._waiting_room()
        with room:
            self._blocked += 1
            try:
                while len(self.items) >= self._maxlen and not self._closed:
                    if not room.wait(LOOKS_UP) and self._is_deserted():
                        raise CancelledError
            finally:
                self._blocked -= 1

    def _is_deserted(self) -> bool:
        if not EXITING.is_set():
            return False
        return all(thread.ident != self.owner for thread in threading.enumerate() if thread is not main_thread())


__all__ = ("Inbox",)
