"""The cache in a Redis server, in the rows that LangGraph's uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import iscoroutinefunction
from itertools import islice
from typing import Any, Final

from rxgraph.cache.base import BaseCache, FullKey, Namespace, ValueT
from rxgraph.checkpoint.serde.base import SerializerProtocol
from rxgraph.checkpoint.serde.errors import CorruptValueError, SerdeError

AT_ONCE: Final = 500
"""Keys that are deleted with one command."""
EMPTY: Final = "\\"
"""Stands for a label without a character: no label at all is another namespace."""
SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "\\*?[]^-"})
"""What a pattern of Redis has to have escaped."""


class RedisCache(BaseCache[ValueT]):
    """Keeps entries in a Redis server, which forgets them by itself when their time is over.

    An entry stands at ``prefix`` + namespace + key, joined by ``":"``, as ``tag:bytes``. A ``":"`` or ``"\\"`` in one
    of them is escaped, and only such entries are not LangGraph's. Asynchronous methods run in worker threads.

    Errors: an entry that is not what a serializer wrote is a ``SerdeError`` that names it, and stays as it is; what the
        client raises comes through.

    Args:
        redis: A synchronous client, such as ``redis.Redis(...)``, that gives bytes.
        serde: See ``BaseCache``.
        prefix: Of all keys.

    Raises:
        TypeError: *redis* is an asynchronous client, or one that decodes what it gets.
    """

    def __init__(
        self, redis: Any, *, serde: SerializerProtocol | None = None, prefix: str = "langgraph:cache:"
    ) -> None:
        if iscoroutinefunction(getattr(redis, "execute_command", None)):
            raise TypeError(
                f"RedisCache takes a synchronous client, got a {type(redis).__module__}.{type(redis).__name__}. Pass "
                "redis.Redis(...): asynchronous methods use it in worker threads."
            )
        encoder = getattr(redis, "get_encoder", None)
        if encoder is not None and encoder().decode_responses:
            raise TypeError(
                "RedisCache keeps bytes, and this client gives text. Pass one made with decode_responses=False."
            )
        super().__init__(serde=serde)
        self.redis = redis
        self.prefix = prefix

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Return the entries of these keys; see ``BaseCache.get``."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        rows = self.redis.mget([self._key(*one) for one in wanted])
        return {one: self._load(one, row) for one, row in zip(wanted, rows, strict=True) if row is not None}

    def set(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Keep values, in one transaction; see ``BaseCache.set``."""
        if not pairs:
            return
        pipe = self.redis.pipeline()
        for full_key, (value, ttl) in pairs.items():
            tag, data = self.serde.dumps_typed(value)
            key, row = self._key(*full_key), b"%s:%s" % (tag.encode(), data)
            if ttl is None or ttl > 0:
                pipe.set(key, row, ex=ttl)
            else:
                pipe.delete(key)
        pipe.execute()

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget entries; see ``BaseCache.clear``. Others that are written meanwhile may stay."""
        if namespaces is None:
            self._delete(self.redis.scan_iter(match=self.prefix.translate(SPECIAL) + "*"))
            return
        for namespace in namespaces:
            start = self._key(namespace, "")
            found = self.redis.scan_iter(match=start.translate(SPECIAL) + "*")
            self._delete(key for key in found if b":" not in _bytes(key)[len(start.encode()) :])

    def __repr__(self) -> str:
        # Without the client, whose own text may tell a password.
        return f"<{type(self).__name__} {self.prefix!r}>"

    def _key(self, namespace: Namespace, key: str) -> str:
        labels = ":".join(_escaped(label) or EMPTY for label in namespace)
        return f"{self.prefix}{labels}:{_escaped(key)}"

    def _delete(self, keys: Iterator[Any]) -> None:
        while some := list(islice(keys, AT_ONCE)):
            self.redis.delete(*some)

    def _load(self, full_key: FullKey, row: Any) -> ValueT:
        namespace, key = full_key
        tag, colon, data = row.partition(b":") if isinstance(row, bytes) else (b"", b"", b"")
        if not colon:
            raise CorruptValueError(f"Entry {key!r} in {namespace!r} must be bytes of the form tag:data, got {row!r}.")
        try:
            value: ValueT = self.serde.loads_typed((tag.decode(errors="replace"), data))
        except SerdeError as error:
            error.add_note(f"in entry {key!r} of cache namespace {namespace!r}; clear it to have it made anew")
            raise
        return value


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace(":", "\\.") if "\\" in label or ":" in label else label


def _bytes(key: str | bytes) -> bytes:
    return key if isinstance(key, bytes) else key.encode()


__all__ = ("RedisCache",)
