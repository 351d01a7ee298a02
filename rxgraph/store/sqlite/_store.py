"""The store on a connection of the standard library."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any

from rxgraph.checkpoint.sqlite._effects import Effect, Read
from rxgraph.store._batch import Batch
from rxgraph.store._index import Embed, Index
from rxgraph.store._lifetime import Clock, Lifetime
from rxgraph.store._sweeper import SweptStore
from rxgraph.store.base import IndexConfig, Op, Result, TTLConfig
from rxgraph.store.sqlite._layout import Operation, StoreLayout, T


class SqliteStore(SweptStore):
    """Keeps items in an SQLite database, in the table that LangGraph's stores use.

    It may be used from several threads if the connection may (``check_same_thread=False``); asynchronous methods run
    in worker threads. Several processes may have the file open. What a batch writes is one transaction, on disk when
    it returns.

    Values are JSON: tuples come back as lists, and what JSON doesn't have is refused.

    Order: a search without a query gives what was put last first.

    Args:
        conn: The connection. The store doesn't close it.
        index: How items are found by meaning; a search with a ``query`` ignores it without this.
        ttl: How long items live.
        clock: What time it is, in seconds since 1970.

    Example:
        >>> with SqliteStore.from_conn_string(":memory:") as store:
        ...     store.put(("users", "ada"), "food", {"likes": "plums"})
        ...     store.get(("users", "ada"), "food").value
        {'likes': 'plums'}
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.conn = conn
        # Held during one query or one transaction; nothing is embedded or decoded under it.
        self.lock = Lock()
        self.index_config = index
        self.ttl_config = ttl
        self._index = Index.of(index)
        self._lifetime = Lifetime(ttl, clock)
        self._layout = StoreLayout(self._index, self._lifetime)
        self._is_setup = False

    @classmethod
    @contextmanager
    def from_conn_string(
        cls,
        conn_string: str,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock = time.time,
    ) -> Iterator[SqliteStore]:
        """Open a file, or ``":memory:"``, for a ``with`` block; a sweeper that was started stops at its end.

        Args:
            conn_string: What ``sqlite3.connect`` takes.
            index, ttl, clock: See the class.
        """
        with closing(sqlite3.connect(conn_string, check_same_thread=False)) as conn:
            store = cls(conn, index=index, ttl=ttl, clock=clock)
            try:
                yield store
            finally:
                store.stop_ttl_sweeper()

    def setup(self) -> None:
        """Make the tables if they aren't there; the first use of the store does that too."""
        self._run(self._layout.setup())
        self._is_setup = True

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; see ``BaseStore.batch``.

        Raises:
            UnserializableValueError: A value can't be JSON; nothing was written.
            CorruptValueError: A row is not what a store writes; nothing was written.
        """
        checked = Batch.of(ops)
        self._ready()
        return self._run(self._layout.batch(checked))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what ``batch`` does: the database in worker threads, embeddings awaited."""
        checked = Batch.of(ops)
        await asyncio.to_thread(self._ready)
        operation = self._layout.batch(checked)
        try:
            effect = next(operation)
            while True:
                if isinstance(effect, Embed):
                    assert self._index is not None
                    effect = operation.send(await self._index.aembed(effect))
                else:
                    effect = operation.send(await asyncio.to_thread(self._perform, effect))
        except StopIteration as done:
            results: list[Result] = done.value
            return results

    def sweep_ttl(self) -> int:
        """Delete the items that are past their time, and return how many there were."""
        self._ready()
        return self._run(self._layout.sweep())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conn!r}>"

    # Performing

    def _ready(self) -> None:
        if not self._is_setup:
            self.setup()

    def _run(self, operation: Operation[T]) -> T:
        try:
            effect = next(operation)
            while True:
                if isinstance(effect, Embed):
                    assert self._index is not None
                    effect = operation.send(self._index.embed(effect))
                    continue
                try:
                    outcome = self._perform(effect)
                except sqlite3.Error as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(outcome)
        except StopIteration as done:
            result: T = done.value
            return result

    def _perform(self, effect: Effect) -> Any:
        conn = self.conn
        with self.lock:
            if isinstance(effect, Read):
                return conn.execute(effect.sql, effect.parameters).fetchall()
            try:
                # A transaction that began with a look would have to fail if another process wrote since.
                if not conn.in_transaction:
                    conn.execute("BEGIN IMMEDIATE")
                for sql, rows in effect.statements:
                    conn.executemany(sql, rows)
                conn.commit()
            except BaseException:
                conn.rollback()
                raise
        return None


__all__ = ("SqliteStore",)
