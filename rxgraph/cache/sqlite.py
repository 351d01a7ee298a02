"""The cache in an SQLite file, in the table that LangGraph's uses."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from rxgraph.cache.base import BaseCache, Clock, FullKey, Namespace, ValueT
from rxgraph.checkpoint.serde.base import SerializerProtocol
from rxgraph.checkpoint.serde.errors import CorruptValueError, SerdeError

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS cache (
        ns TEXT,
        key TEXT,
        expiry REAL,
        encoding TEXT NOT NULL,
        val BLOB NOT NULL,
        PRIMARY KEY (ns, key)
    )
"""


class SqliteCache(BaseCache[ValueT]):
    """Keeps entries in an SQLite file that several threads and processes may share.

    Asynchronous methods run in worker threads. ``close`` it, or use it in a ``with`` block.

    Errors: an entry that is not what a serializer wrote is a ``SerdeError`` that names it, and stays as it is.

    Args:
        path: The file, or ``":memory:"``.
        serde: See ``BaseCache``.
        clock: What time it is, in seconds since 1970.
    """

    def __init__(
        self, *, path: str | PathLike[str], serde: SerializerProtocol | None = None, clock: Clock = time.time
    ) -> None:
        super().__init__(serde=serde)
        self._clock = clock
        self._path = fspath(path)
        # Held during one query or one transaction; values are turned into bytes and back without it.
        self._lock = Lock()
        self._conn = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        try:
            self._setup()
        except BaseException:
            self._conn.close()
            raise

    def get(self, keys: Sequence[FullKey]) -> dict[FullKey, ValueT]:
        """Return the entries of these keys; see ``BaseCache.get``."""
        now = self._clock()
        rows: list[tuple[FullKey, tuple[Any, Any]]] = []
        expired: list[tuple[str, str, float]] = []
        with self._lock:
            for namespace, key in dict.fromkeys(keys):
                place = (_dump(namespace), key)
                row = self._conn.execute(
                    "SELECT encoding, val, expiry FROM cache WHERE ns = ? AND key = ?", place
                ).fetchone()
                if row is None:
                    continue
                if row[2] is not None and not isinstance(row[2], int | float):
                    raise CorruptValueError(f"Expiry of {key!r} in {namespace!r} must be a number, got {row[2]!r}.")
                if row[2] is None or row[2] > now:
                    rows.append(((namespace, key), row[:2]))
                else:
                    expired.append((*place, row[2]))
        if expired:
            with self._transaction() as conn:
                # What was set again meanwhile stays.
                conn.executemany("DELETE FROM cache WHERE ns = ? AND key = ? AND expiry = ?", expired)
        return {full_key: self._load(full_key, data) for full_key, data in rows}

    def set(self, pairs: Mapping[FullKey, tuple[ValueT, int | None]]) -> None:
        """Keep values, in one transaction; see ``BaseCache.set``."""
        now = self._clock()
        rows = [
            (_dump(namespace), key, None if ttl is None else now + ttl, *self.serde.dumps_typed(value))
            for (namespace, key), (value, ttl) in pairs.items()
        ]
        if rows:
            with self._transaction() as conn:
                conn.executemany(
                    "INSERT OR REPLACE INTO cache (ns, key, expiry, encoding, val) VALUES (?, ?, ?, ?, ?)", rows
                )

    def clear(self, namespaces: Sequence[Namespace] | None = None) -> None:
        """Forget entries, in one transaction; see ``BaseCache.clear``."""
        with self._transaction() as conn:
            if namespaces is None:
                conn.execute("DELETE FROM cache")
            else:
                conn.executemany("DELETE FROM cache WHERE ns = ?", [(_dump(namespace),) for namespace in namespaces])

    def sweep(self) -> int:
        """Delete the entries that are past their time, and return how many there were."""
        with self._transaction() as conn:
            return conn.execute("DELETE FROM cache WHERE expiry <= ?", (self._clock(),)).rowcount

    def close(self) -> None:
        """Close the connection; a second time is fine."""
        with self._lock:
            self._conn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path!r}>"

    def _setup(self) -> None:
        try:
            self._conn.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Another process opens the file right now. All works without, only slower.
            pass
        self._conn.execute(_TABLE)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield self._conn
                self._conn.execute("COMMIT")
            except BaseException:
                self._conn.execute("ROLLBACK")
                raise

    def _load(self, full_key: FullKey, data: tuple[Any, Any]) -> ValueT:
        namespace, key = full_key
        if not isinstance(data[0], str) or not isinstance(data[1], bytes):
            raise CorruptValueError(f"Entry {key!r} in {namespace!r} must be a tag and bytes, got {data!r}.")
        try:
            value: ValueT = self.serde.loads_typed(data)
        except SerdeError as error:
            error.add_note(f"in entry {key!r} of cache namespace {namespace!r}; clear it to have it made anew")
            raise
        return value


def _dump(namespace: Namespace) -> str:
    """Join labels by commas, as LangGraph does; a comma inside a label is escaped, so that no two are taken for one."""
    if namespace == ("",):
        # One empty label and no label at all are two namespaces.
        return "\\"
    return ",".join(label.replace("\\", "\\\\").replace(",", "\\,") for label in namespace)


__all__ = ("SqliteCache",)
