"""The cache that lives as long as the process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock

from rxgraph.cache.base import BaseCache, Clock, FullKey, Namespace, ValueT
from rxgraph.checkpoint.serde.base import SerializerProtocol


class InMemoryCache(BaseCache[ValueT]):
    """Keeps entries in a dict, as bytes, so that nobody changes what another one gets.

    It may be used from several threads and loops.

    Args:
        serde: See ``BaseCache``.
        clock: What time it is, in seconds; only differences count.

    Example:
        >>> cache = InMemoryCache()
        >>> cache.set({(("squares",), "2"): (4, 60)})
        >>> cache.get([(("squares",), "2"), (("squares",), "3")])
        {(('squares',), '2'): 4}
    """

    def __init__(self, *, serde: SerializerProtocol | None = None, clock: Clock = time.time) -> None:
        super().__init__(serde=serde)
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[Namespace, dict[str, tuple[tuple[str, bytes], float | None]]] = {}

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Return the entries of these keys; see ``BaseCache.get``."""
        now = self._clock()
        found: dict[FullKey, tuple[str, bytes]] = {}
        with self._lock:
            for namespace, key in keys:
                entries = self._entries.get(namespace)
                if entries is None or key not in entries:
                    continue
                data, expiry = entries[key]
                if expiry is None or expiry > now:
                    found[namespace, key] = data
                else:
                    del entries[key]
        return {full_key: self.serde.loads_typed(data) for full_key, data in found.items()}

    def set(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Keep values; see ``BaseCache.set``."""
        now = self._clock()
        packed = [
            (namespace, key, (self.serde.dumps_typed(value), None if ttl is None else now + ttl))
            for (namespace, key), (value, ttl) in pairs.items()
        ]
        with self._lock:
            for namespace, key, entry in packed:
                self._entries.setdefault(namespace, {})[key] = entry

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget entries; see ``BaseCache.clear``."""
        with self._lock:
            if namespaces is None:
                self._entries.clear()
            else:
                for namespace in namespaces:
                    self._entries.pop(namespace, None)

    # A worker thread would take longer than the work.

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Do what ``get`` does."""
        return self.get(keys)

    async def aset(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Do what ``set`` does."""
        self.set(pairs)

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Do what ``clear`` does."""
        self.clear(namespaces)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {sum(map(len, self._entries.values()))} entries>"


__all__ = ("InMemoryCache",)
