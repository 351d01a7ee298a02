"""One log, many cursors: how the readers of a channel share its items.

The log is a list and the number of its first item. A reader is a position in it, so *n* branches hold ``maxlen`` items
together and not each of them; what the slowest has left behind is let go. When ``maxlen`` items wait the gate is shut,
until the slowest has made a quarter of the room again. [Reactor ``limitRate``]

A list that has items taken off is replaced, never changed in place: the finalizer of a dropped reader may run inside
any allocation, also in the middle of a slice.

Threads: a channel and its readers belong to one thread, the one that owns the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import ref

from rxgraph.flow import BoundedLog, Gate

from ._pumps import Pump, Turn

if TYPE_CHECKING:
    from ._cursor import Cursor
    from ._reader import Reader

T = TypeVar("T")

STALL_WARNING: Final = 5.0
"""Seconds that a pull waits for another task's full log before it says so."""


class Ring(Generic[T]):
    """The items that readers of one channel have still to take, and the gate before them."""

    # Slots, because a push reads six of them, and an object with so many attributes has no fast dictionary.
    __slots__ = (
        "_base", "_buf", "_chunk", "_cursors", "_limit", "_logs", "_plain", "_readers", "_refill", "_shut", "_slow",
        "_waiters", "closed", "error", "gate", "is_async", "lease", "name", "overrun", "pump", "turn",
    )  # fmt: skip

    def __init__(self, name: str, limit: int, gate: Gate | None) -> None:
        self.name = name
        self.gate = gate or Gate()
        self.pump: Pump | None = None
        self.turn: Turn | None = None
        self.is_async: bool | None = None
        self.closed = False
        self.error: Exception | None = None
        self.lease: Callable[[], object] = _no_lease
        """Returns what a branch has to hold as long as it lives, so that the run knows that somebody reads."""
        self.overrun = 0
        """Items that came although the log was full."""
        self._limit = limit
        self._refill = limit * 3 // 4
        self._chunk = max(1, limit // 4)
        self._buf: list[T] = []
        # Number of the first item of the list, and how many cursors stand there.
        self._base = self._slow = 0
        self._shut = False
        self._readers: list[Reader[T]] = []
        self._cursors: list[Cursor[T]] = []
        self._logs: tuple[BoundedLog[T], ...] = ()
        self._waiters: list[Reader[T]] = []
        # Whether a push has nothing to do but to append.
        self._plain = False

    @property
    def emitted(self) -> int:
        """Items pushed so far."""
        return self._base + len(self._buf)

    def route(self) -> None:
        """Hear that readers have come or gone."""

    def forget(self, reader: Reader[T]) -> None:
        """Hear that a reader has left."""
        self._readers.remove(reader)
        self.route()

    def settle(self) -> None:
        """Let go of everything that all cursors have really taken."""
        for cursor in tuple(self._cursors):
            cursor.release()

    def is_full(self) -> bool:
        """Whether the slowest cursor is ``maxlen`` items behind."""
        if len(self._buf) >= self._limit:
            self.settle()
        return len(self._buf) >= self._limit

    def wake(self) -> None:
        """Tell those who wait that an item or the end is there; their requests are met."""
        waiters, self._waiters = self._waiters, []
        for reader in waiters:
            if not reader._listed:
                continue
            reader._listed = reader.waiting = False
            if reader._asked:
                reader._asked = False
                if self.pump is not None:
                    self.pump.withdraw(1)
            if reader.future is not None and not reader.future.done():
                reader.future.set_result(None)
            if reader.on_wake is not None:
                reader.on_wake()

    def fill(self) -> None:
        """Shut the gate, if the log is full to the last item; called when it may be."""
        if self._shut:
            # Whoever pushes now doesn't look at the gate, so how full the log really is doesn't matter to them.
            if len(self._buf) > self._limit:
                self.overrun += 1
        elif self.is_full():
            self._shut = True
            if len(self._buf) > self._limit:
                self.overrun += 1
            self.gate.shut(self)
            if self.gate.sleepers:
                self._tell_sleepers()

    def _tell_sleepers(self) -> None:
        gate = self.gate
        for cursor in tuple(self._cursors):
            if cursor.pos == self._base and (sleeper := gate.sleepers.get(cursor.task())) is not None:
                sleeper.look_up()
        if gate.alarm is None:
            set_alarm(gate, asyncio.get_running_loop())

    def reopen(self) -> None:
        if self._shut:
            self._shut = False
            self.gate.reopen(self)

    def leave_base(self) -> None:
        """Let go of what every cursor has passed; called when the last one has left the front."""
        cursors = self._cursors
        if len(cursors) == 1:
            low, self._slow = cursors[0].pos, 1
        else:
            places = [cursor.pos for cursor in cursors]
            low = min(places) if places else self.emitted
            self._slow = places.count(low)
        passed = low - self._base
        self._buf = self._buf[passed:] if passed < len(self._buf) else []
        self._base = low
        if self._shut and len(self._buf) <= self._refill:
            self.reopen()

    def blockers(self, reader: Reader[T]) -> list[Reader[Any]] | None:
        """Return the readers that hold up *reader*'s next item, or ``None`` if nothing does."""
        if self.gate.is_open:
            return None
        if self._shut and not self.is_full():
            # Room for one who wants an item now, though not a quarter of the log yet.
            self.reopen()
        if self.gate.is_open:
            return None
        found: list[Reader[Any]] = []
        for ring in self.gate.full:
            if isinstance(ring, Ring):
                ring.settle()
                found += [cursor for cursor in ring._cursors if cursor.pos == ring._base and cursor is not reader]
        return None if self.gate.is_open else found


def _no_lease() -> None:
    """Be the lease of a ring that belongs to no run."""


def set_alarm(gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
    """Look in a while whether anybody moves: one timer for all who wait at a gate."""
    # A timer that knew more than names and numbers would keep a run that nobody knows any more.
    places = {id(ring): ring._base for ring in gate.full if isinstance(ring, Ring)}
    gate.alarm = loop.call_later(STALL_WARNING, _heed_alarm, ref(gate), loop, places)


def _heed_alarm(who: ref[Gate], loop: asyncio.AbstractEventLoop, places: dict[int, int]) -> None:
    gate = who()
    if gate is None:
        return
    gate.alarm = None
    if gate.is_open or not gate.sleepers:
        return
    # Those that are full, and that nobody has taken anything of since the alarm was set.
    still = [ring for ring in gate.full if isinstance(ring, Ring) and places.get(id(ring)) == ring._base]
    idle = [cursor.name for ring in still for cursor in ring._cursors if cursor.pos == ring._base]
    if idle:
        logging.getLogger("rxgraph.stream").warning(
            "Reader %s has waited for %.0f s: %s is full, and its reader takes nothing.",
            ", ".join(repr(reader.name) for reader in gate.sleepers.values()),
            STALL_WARNING,
            ", ".join(map(repr, idle)),
        )
    set_alarm(gate, loop)


__all__ = ("STALL_WARNING", "Ring", "set_alarm")
