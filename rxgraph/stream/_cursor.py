"""A lossless reader: a position in the log, and a chunk of it.

A reader that finds much waiting takes a slice of the log (at most a quarter of it) and goes through the slice's list
iterator at C speed; the slice counts as buffered until it is used up, so the log and the slices together never hold
more than ``maxlen`` items. Where it matters how far a reader really is, the iterator's length hint tells
(:meth:`Cursor.release`): before the gate is shut, before a pull is called stalled, and in statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from rxgraph.flow import Lagged

from ._reader import Reader
from ._ring import Ring

T = TypeVar("T")


class Cursor(Reader[T]):
    """A position in the ring: lossless, and what the ring waits for."""

    def __init__(self, ring: Ring[T], name: str, past: Sequence[T | Lagged]) -> None:
        super().__init__(ring, name, past)
        self.pos = self._joined = ring.emitted
        self._size = 0
        self._slice: list[Any] = []
        self._unread = 0
        ring._cursors.append(self)
        if self.pos == ring._base:
            ring._slow += 1

    def ready(self) -> Iterable[Any] | None:
        # The chunk is used up when a pull comes here.
        if self._size:
            size, self._size, self._slice = self._size, 0, []
            self._move(size)
        ring = self.ring
        if self.pos < ring._base + len(ring._buf) and not self.left:
            return self.take()
        return None

    def fetch(self) -> Iterable[Any] | None:
        # The same as in the base class, with fewer calls.
        if self._size:
            size, self._size, self._slice = self._size, 0, []
            self._move(size)
        ring = self.ring
        if self._past or self.left:
            return super().fetch()
        buf = ring._buf
        start = self.pos - ring._base
        if start == len(buf):
            # The common pull of a run that brings items one by one.
            turn = ring.turn
            if turn is None or ring.closed or ring.gate._shut:
                return super().fetch()
            turn()
            buf = ring._buf
            start = self.pos - ring._base
        ready = len(buf) - start
        if ready != 1:
            return self.take() if ready else super().fetch()
        item = buf[start]
        self.pos += 1
        if not start:
            if ring._slow > 1:
                ring._slow -= 1
            else:
                # This was the last cursor before the only item, so now all of them are at the end.
                ring._base += 1
                ring._buf = []
                ring._slow = len(ring._cursors)
                if ring._shut:
                    ring.reopen()
        return (item,)

    def has(self) -> bool:
        if self._size:
            self.release()
        ring = self.ring
        return self.pos < ring._base + len(ring._buf) or bool(self._past)

    def take(self) -> Iterable[Any]:
        if self._past:
            return (self._past.popleft(),)
        ring = self.ring
        buf, start = ring._buf, self.pos - ring._base
        ready = min(len(buf) - start, ring._chunk)
        if ready == 1:
            item = buf[start]
            self._move(1)
            return (item,)
        self._size = ready
        self._slice = buf[start : start + ready]
        self.chunk = chunk = iter(self._slice)
        return chunk

    def release(self) -> None:
        if self._size:
            left: int = self.chunk.__length_hint__()  # type: ignore[attr-defined]
            taken, self._size = self._size - left, left
            if taken:
                # The iterator goes by index, so what it has passed can be let go behind it.
                done = len(self._slice) - left
                self._slice[:done] = [None] * done
                self._move(taken)

    def _move(self, n: int) -> None:
        ring = self.ring
        at_base = self.pos == ring._base
        self.pos += n
        if at_base:
            ring._slow -= 1
            if not ring._slow:
                ring.leave_base()

    def over(self) -> bool:
        return self.ring.closed

    def failure(self) -> Exception | None:
        return self.ring.error

    def counts(self) -> tuple[int, int, int]:
        if self.left:
            return self.pos - self._joined - self._unread, self._unread, 0
        self.release()
        return self.pos - self._joined, 0, self.ring.emitted - self.pos

    def detach(self) -> None:
        self.release()
        self._size, self._slice = 0, []
        ring = self.ring
        self._unread = ring.emitted - self.pos
        ring._cursors.remove(self)
        if self.pos == ring._base:
            ring._slow -= 1
        self.pos += self._unread
        if not ring._slow:
            ring.leave_base()


__all__ = ("Cursor",)
