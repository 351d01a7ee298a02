"""What was used last, up to a weight: it saves work, and nothing depends on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """The entries that were used last, up to a weight; any thread may use it.

    Args:
        most: The weight of all entries at most.
        weigh: The weight of a value.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most, self._weigh = most, weigh
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return what is remembered under this key."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: K, value: V) -> None:
        """Remember a value; those that weren't used for longest go."""
        weight = self._weigh(value)
        if weight > self._most:
            return
        with self._lock:
            old = self._entries.pop(key, None)
            self._entries[key] = value
            self._weight += weight - (0 if old is None else self._weigh(old))
            while self._weight > self._most:
                self._weight -= self._weigh(self._entries.popitem(last=False)[1])

    def drop(self, key: K) -> None:
        """Forget a value, if it is remembered."""
        with self._lock:
            old = self._entries.pop(key, None)
            if old is not None:
                self._weight -= self._weigh(old)

    @property
    def weight(self) -> int:
        """The weight of all entries."""
        return self._weight


__all__ = ("Cache",)
