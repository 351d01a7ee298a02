"""What a channel keeps of its past for readers that come late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from sys import getsizeof
from typing import Any

from rxgraph.flow import Lagged


def size_of(item: Any) -> int:
    """Return the length of text and bytes, and what Python says of other objects (their parts not included)."""
    return len(item) if isinstance(item, (bytes, bytearray, str)) else getsizeof(item)


class ReplayWindow:
    """The newest items, bounded in number and, if asked for, in bytes.

    Args:
        items: Most items to keep.
        max_bytes: Most bytes to keep; an item that is larger than that is not kept at all.
        size: Measures an item.

    Raises:
        ValueError: *items* or *max_bytes* below 1.
    """

    __slots__ = ("_bytes", "_kept", "_max_bytes", "_most", "_size", "emitted")

    def __init__(self, items: int, max_bytes: int | None = None, size: Callable[[Any], int] = size_of) -> None:
        if items < 1 or (max_bytes is not None and max_bytes < 1):
            raise ValueError(f"A replay window needs at least 1 item and 1 byte, got {items} and {max_bytes}.")
        self._most, self._max_bytes, self._size = items, max_bytes, size
        self._kept: deque[tuple[Any, int]] = deque(maxlen=None if max_bytes else items)
        self._bytes = 0
        self.emitted = 0
        """Items that have come by."""

    def add(self, item: Any) -> None:
        """Keep *item*, and let go of what no longer fits."""
        self.emitted += 1
        kept, limit = self._kept, self._max_bytes
        if limit is None:
            kept.append((item, 0))
            return
        size = self._size(item)
        kept.append((item, size))
        self._bytes += size
        while self._bytes > limit or len(kept) > self._most:
            self._bytes -= kept.popleft()[1]

    def last(self, wanted: int | None) -> list[Any]:
        """Return the *wanted* newest items (``None``: all that came), behind a ``Lagged`` if some of them are gone."""
        asked = self.emitted if wanted is None else min(wanted, self.emitted)
        there = min(asked, len(self._kept))
        items: list[Any] = [item for item, _ in self._kept]
        items = items[len(items) - there :]
        return [Lagged(asked - there), *items] if asked > there else items

    def newest(self, wanted: int) -> list[Any]:
        """Return *wanted* items, behind a ``Lagged`` if some of them are gone, or came before the window was there."""
        items: list[Any] = [item for item, _ in self._kept]
        there = min(wanted, len(items))
        items = items[len(items) - there :]
        return [Lagged(wanted - there), *items] if wanted > there else items

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept; 0 without *max_bytes*."""
        return self._bytes


__all__ = ("ReplayWindow", "size_of")
