"""The class that caches derive from."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from typing import Generic, Self, TypeAlias, TypeVar

from rxgraph.checkpoint.serde.base import SerializerProtocol
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

ValueT = TypeVar("ValueT")

Namespace: TypeAlias = tuple[str, ...]
"""Where entries are that are cleared together."""

FullKey: TypeAlias = tuple[Namespace, str]
"""Namespace and key of an entry."""

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, as ``time.time``."""


class BaseCache(ABC, Generic[ValueT]):
    """Values by namespace and key, for so many seconds or until they are cleared.

    A subclass writes the three synchronous methods; the asynchronous ones run them in a worker thread unless it has
    better.

    Args:
        serde: Turns values into bytes; by default the strict serializer of the savers, which makes no class that it
            wasn't told of, and never pickles.
    """

    def __init__(self, *, serde: SerializerProtocol | None = None) -> None:
        self.serde: SerializerProtocol = serde if serde is not None else JsonPlusSerializer()

    @abstractmethod
    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Return the entries of these keys; what isn't there, or is past its time, is left out."""

    @abstractmethod
    def set(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Keep values, each with the seconds that it is good for, ``None`` for ever; what is there is replaced."""

    @abstractmethod
    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget the entries of these namespaces, not of those below them; of all if none are given."""

    def with_allowlist(self, extra_allowlist: Collection[type | tuple[str, ...]]) -> Self:
        """Return a cache with the same entries whose serializer also makes these classes.

        A serializer that has no ``with_msgpack_allowlist`` stays as it is.
        """
        twin = copy(self)
        extended = getattr(self.serde, "with_msgpack_allowlist", None)
        if extended is not None:
            twin.serde = extended(extra_allowlist)
        return twin

    async def aget(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Do what ``get`` does."""
        return await asyncio.to_thread(self.get, keys)

    async def aset(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Do what ``set`` does."""
        await asyncio.to_thread(self.set, pairs)

    async def aclear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Do what ``clear`` does."""
        await asyncio.to_thread(self.clear, namespaces)


__all__ = ("BaseCache", "Clock", "FullKey", "Namespace", "ValueT")
