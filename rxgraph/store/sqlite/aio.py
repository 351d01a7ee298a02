"""The asynchronous store, on a connection of aiosqlite (extra ``sqlite``)."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

try:
    import aiosqlite
except ImportError as error:
    raise ImportError(
        "AsyncSqliteStore needs the package 'aiosqlite', which is not installed. Install rxgraph-runtime[sqlite], "
        "or use rxgraph.store.sqlite.SqliteStore, whose asynchronous methods run in worker threads."
    ) from error

from rxgraph.checkpoint.sqlite._effects import Effect, Read
from rxgraph.errors import LaneError
from rxgraph.store._batch import Batch
from rxgraph.store._index import Embed, Index
from rxgraph.store._lifetime import Clock, Lifetime
from rxgraph.store._sweeper import AsyncSweptStore
from rxgraph.store.base import IndexConfig, Op, Result, TTLConfig
from rxgraph.store.sqlite._layout import Operation, StoreLayout, T


class AsyncSqliteStore(AsyncSweptStore):
    """Keeps items in an SQLite database, in the table that LangGraph's stores use, without blocking the loop.

    It belongs to the event loop that it is made on. Synchronous methods work on every other thread: they have the
    loop do the work and wait for it. For values and order, see ``SqliteStore``.

    Args:
        conn: The connection. The store doesn't close it.
        index: How items are found by meaning; a search with a ``query`` ignores it without this.
        ttl: How long items live.
        clock: What time it is, in seconds since 1970.
    """

    def __init__(
        self,
        conn: aiosqlite.Connection,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.conn = conn
        self.lock = asyncio.Lock()
        self.loop = asyncio.get_running_loop()
        self.index_config = index
        self.ttl_config = ttl
        self._index = Index.of(index)
        self._lifetime = Lifetime(ttl, clock)
        self._layout = StoreLayout(self._index, self._lifetime)
        self._is_setup = False

    @classmethod
    @asynccontextmanager
    async def from_conn_string(
        cls,
        conn_string: str,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock = time.time,
    ) -> AsyncIterator[AsyncSqliteStore]:
        """Open a file, or ``":memory:"``, for an ``async with`` block; a sweeper that was started stops at its end.

        Args:
            conn_string: What ``sqlite3.connect`` takes.
            index, ttl, clock: See the class.
        """
        async with aiosqlite.connect(conn_string) as conn:
            store = cls(conn, index=index, ttl=ttl, clock=clock)
            try:
                yield store
            finally:
                await store.stop_ttl_sweeper()

    async def setup(self) -> None:
        """Make the tables if they aren't there; the first use of the store does that too."""
        await self._run(self._layout.setup())
        self._is_setup = True

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; see ``BaseStore.batch`` and ``SqliteStore.batch``."""
        checked = Batch.of(ops)
        await self._ready()
        return await self._run(self._layout.batch(checked))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what ``abatch`` does, from another thread than the loop's.

        Raises:
            LaneError: It is called on the loop that it would have to wait for.
        """
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self.loop or not self.loop.is_running():
            why = "would wait for the loop of its own thread" if here is self.loop else "needs its loop to run"
            raise LaneError(
                f"A synchronous method of AsyncSqliteStore {why}. Use the one with an 'a' before its name, "
                "as in: await store.aget(...), or rxgraph.store.sqlite.SqliteStore in synchronous code."
            )
        return asyncio.run_coroutine_threadsafe(self.abatch(ops), self.loop).result()

    async def sweep_ttl(self) -> int:
        """Delete the items that are past their time, and return how many there were."""
        await self._ready()
        return await self._run(self._layout.sweep())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conn!r}>"

    # Performing

    async def _ready(self) -> None:
        if not self._is_setup:
            await self.setup()

    async def _run(self, operation: Operation[T]) -> T:
        try:
            effect = next(operation)
            while True:
                if isinstance(effect, Embed):
                    assert self._index is not None
                    effect = operation.send(await self._index.aembed(effect))
                    continue
                try:
                    outcome = await self._to_the_end(effect)
                except sqlite3.Error as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(outcome)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _to_the_end(self, effect: Effect) -> Any:
        """Perform an effect; who is cancelled meanwhile waits for the end of its transaction."""
        task = asyncio.ensure_future(self._perform(effect))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError:
                    continue
            if not task.cancelled():
                # Its error has nowhere to go: the caller is leaving. Reading it keeps the loop from complaining.
                task.exception()
            raise

    async def _perform(self, effect: Effect) -> Any:
        conn = self.conn
        async with self.lock:
            if isinstance(effect, Read):
                return list(await conn.execute_fetchall(effect.sql, effect.parameters))
            try:
                if not conn.in_transaction:
                    await conn.execute("BEGIN IMMEDIATE")
                for sql, rows in effect.statements:
                    await conn.executemany(sql, rows)
                await conn.commit()
            except BaseException:
                await conn.rollback()
                raise
        return None


__all__ = ("AsyncSqliteStore",)
