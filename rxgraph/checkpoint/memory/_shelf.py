"""What one graph of one thread has in memory: a namespace's checkpoints, values and writes.

A value is kept once for each version of its channel, so a checkpoint costs what its superstep changed. All that is
kept is bytes: what a program does to its state later is not seen here. To pack the versions of all channels takes less
time than to copy the dicts that hold them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from rxgraph.checkpoint.base import ChannelVersions

Typed: TypeAlias = tuple[str, bytes]
"""A value as the serializer gives it: tag and bytes."""

EMPTY: Typed = ("empty", b"")
"""Stands for the value of a channel that has a version and no value."""

Write: TypeAlias = tuple[str, str, int, str, Typed]
"""One pending write: path of its task, the task, its index there, channel, value. Writes sort as they are read."""


class Row(NamedTuple):
    """A checkpoint without the values of its channels, with its metadata, as the bytes of one list."""

    body: Typed
    parent: str | None


class Shelf:
    """The checkpoints of one namespace, with the writes on top of them and the values of the channels."""

    __slots__ = ("blobs", "order", "rows", "writes")

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.order: list[str] = []
        """The ids of the rows, sorted."""
        self.blobs: dict[tuple[str, str | int | float], Typed] = {}
        self.writes: dict[str, dict[tuple[str, int], Write]] = {}

    def add(self, id: str, row: Row) -> None:
        """Put a checkpoint in, or in the place of one with its id."""
        if id not in self.rows:
            if not self.order or id > self.order[-1]:
                self.order.append(id)
            else:
                insort(self.order, id)
        self.rows[id] = row

    def add_writes(self, id: str, writes: list[Write]) -> None:
        """Put writes on a checkpoint; an ordinary one that is there already stays, a special one is replaced."""
        kept = self.writes.get(id)
        if kept is None:
            kept = self.writes[id] = {}
        for write in writes:
            _, task, idx, _, _ = write
            if idx < 0 or (task, idx) not in kept:
                kept[task, idx] = write

    def remove(self, ids: set[str], versions: Callable[[Row], ChannelVersions]) -> None:
        """Take checkpoints out, with their writes and the values that no other checkpoint shows."""
        used = {key for id, row in self.rows.items() if id not in ids for key in versions(row).items()}
        for id in ids:
            del self.rows[id]
            self.writes.pop(id, None)
        self.order = [id for id in self.order if id not in ids]
        # Another dict, since a reader may have the old one in hand.
        self.blobs = {key: blob for key, blob in self.blobs.items() if key in used}

    # Rows, values and writes are never modified, only replaced, so two shelves may share them.
    def take(self, other: Shelf) -> None:
        """Put all of another shelf on this one, in the place of what has the same ids."""
        self.blobs |= other.blobs
        for id, row in other.rows.items():
            self.add(id, row)
        self.writes |= {id: kept.copy() for id, kept in other.writes.items()}

    def latest(self) -> str | None:
        """The greatest id."""
        return self.order[-1] if self.order else None

    def writes_on(self, id: str) -> list[Write]:
        """The writes on a checkpoint; they sort by task path, task id and index."""
        kept = self.writes.get(id)
        return list(kept.values()) if kept else []

    def ids(self, before: str | None) -> list[str]:
        """Ids of the checkpoints that sort before this one."""
        return self.order[: bisect_left(self.order, before)] if before else self.order

    def copy(self) -> Shelf:
        """Return a shelf with the same content."""
        twin = Shelf()
        twin.take(self)
        return twin


__all__ = ("EMPTY", "Row", "Shelf", "Typed", "Write")
