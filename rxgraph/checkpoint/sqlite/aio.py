"""The asynchronous saver, on a connection of aiosqlite (extra ``sqlite``)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

try:
    import aiosqlite
except ImportError as error:
    raise ImportError(
        "AsyncSqliteSaver needs the package 'aiosqlite', which is not installed. Install rxgraph-runtime[sqlite], "
        "or use rxgraph.checkpoint.sqlite.SqliteSaver, whose asynchronous methods run in worker threads."
    ) from error

from rxgraph.checkpoint.base import (
    Address,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    PruneStrategy,
    SerializerProtocol,
    next_version,
)
from rxgraph.checkpoint.sqlite._effects import Effect, Operation, Read, Statement, T
from rxgraph.checkpoint.sqlite._layout import SharedLayout
from rxgraph.config import RunnableConfig
from rxgraph.errors import LaneError


class AsyncSqliteSaver(BaseCheckpointSaver[str]):
    """Keeps checkpoints in an SQLite database, in the tables that LangGraph's savers use, without blocking the loop.

    It belongs to the event loop that it is made on. Synchronous methods work on every other thread: they have the
    loop do the work and wait for it.

    Args:
        conn: The connection. The saver doesn't close it.
        serde: See ``BaseCheckpointSaver``.
    """

    def __init__(self, conn: aiosqlite.Connection, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(serde=serde)
        self.conn = conn
        self.lock = asyncio.Lock()
        self.loop = asyncio.get_running_loop()
        self._layout = SharedLayout()
        self._is_setup = False

    @classmethod
    @asynccontextmanager
    async def from_conn_string(cls, conn_string: str) -> AsyncIterator[AsyncSqliteSaver]:
        """Open a file, or ``":memory:"``, for an ``async with`` block.

        Args:
            conn_string: What ``sqlite3.connect`` takes.
        """
        async with aiosqlite.connect(conn_string) as conn:
            yield cls(conn)

    async def setup(self) -> None:
        """Make the tables if they aren't there; the first use of the saver does that too."""
        await self._run(self._layout.setup(), set_up=False)
        self._is_setup = True

    # Reading

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that the configuration names, the latest if it names none, or ``None``."""
        return await self._run(self._layout.get_tuple(Address.of(config), self.serde))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Give checkpoints, newest first; see ``BaseCheckpointSaver.list``."""
        listing = self._layout.listing(config, filter, before, limit, self.serde)
        while (found := await self._run(listing.advance())) is not None:
            yield found

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; see ``BaseCheckpointSaver.get_delta_channel_history``."""
        return await self._run(self._layout.delta_history(Address.of(config), channels, self.serde))

    # Writing

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint, with all of its values in one row; it is turned into bytes before anything is awaited."""
        return await self._run(self._layout.put(config, checkpoint, metadata, new_versions, self.serde))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote.

        A write to a special channel (``WRITES_IDX_MAP``) takes the place of an earlier one of its task; any other
        that is there already stays.
        """
        await self._run(self._layout.put_writes(config, writes, task_id, task_path, self.serde))

    # Housekeeping

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread with all its namespaces; one that isn't there is fine."""
        await self._run(self._layout.delete_threads([thread_id]))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Forget the checkpoints of these runs; see ``SqliteSaver.delete_for_runs``."""
        await self._run(self._layout.delete_for_runs(run_ids))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread to another one; what the other one has under the same ids is replaced."""
        await self._run(self._layout.copy_thread(str(source_thread_id), str(target_thread_id)))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Make threads smaller; see ``SqliteSaver.prune``."""
        await self._run(self._layout.prune(thread_ids, strategy))

    # The same, synchronous, for other threads than the loop's

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what ``aget_tuple`` does, from another thread."""
        return self._bridge("get_tuple", self.aget_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Do what ``alist`` does, from another thread."""
        listing = self._layout.listing(config, filter, before, limit, self.serde)
        while (found := self._bridge("list", self._run(listing.advance()))) is not None:
            yield found

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do what ``aget_delta_channel_history`` does, from another thread."""
        found = self.aget_delta_channel_history(config=config, channels=channels)
        return self._bridge("get_delta_channel_history", found)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``aput`` does, from another thread."""
        return self._bridge("put", self.aput(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Do what ``aput_writes`` does, from another thread."""
        self._bridge("put_writes", self.aput_writes(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Do what ``adelete_thread`` does, from another thread."""
        self._bridge("delete_thread", self.adelete_thread(thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what ``adelete_for_runs`` does, from another thread."""
        self._bridge("delete_for_runs", self.adelete_for_runs(run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what ``acopy_thread`` does, from another thread."""
        self._bridge("copy_thread", self.acopy_thread(source_thread_id, target_thread_id))

    def prune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Do what ``aprune`` does, from another thread."""
        self._bridge("prune", self.aprune(thread_ids, strategy=strategy))

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one: a number with leading zeros and a random tail."""
        return next_version(current)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conn!r}>"

    # Performing

    def _bridge(self, method: str, work: Coroutine[Any, Any, T]) -> T:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self.loop or not self.loop.is_running():
            work.close()
            why = "would wait for the loop of its own thread" if here is self.loop else "needs its loop to run"
            raise LaneError(
                f"AsyncSqliteSaver.{method}() {why}. Use: await saver.a{method}(...), "
                "or rxgraph.checkpoint.sqlite.SqliteSaver in synchronous code."
            )
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _run(self, operation: Operation[T], *, set_up: bool = True) -> T:
        try:
            # The first step turns values into bytes, so it comes before anything is awaited.
            effect = next(operation)
            if set_up and not self._is_setup:
                await self.setup()
            while True:
                try:
                    async with self.lock:
                        outcome = await self._perform(effect)
                except sqlite3.Error as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(outcome)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Read):
            return list(await self.conn.execute_fetchall(effect.sql, effect.parameters))
        try:
            # A single statement begins its own transaction; each call here costs a switch to the connection's thread.
            if len(effect.statements) > 1 and not self.conn.in_transaction:
                await self._execute(Statement("BEGIN IMMEDIATE"))
            for statement in effect.statements:
                await self._execute(statement)
            await self.conn.commit()
        except BaseException:
            await _to_the_end(self.conn.rollback())
            raise
        return None

    async def _execute(self, statement: Statement) -> None:
        sql, rows = statement
        # The cursor is left to the collector; to close it is one more switch of threads.
        if len(rows) == 1:
            await self.conn.execute(sql, rows[0])
        else:
            await self.conn.executemany(sql, rows)


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await something whatever cancels us meanwhile; who calls this is on the way out already."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    task.result()


__all__ = ("AsyncSqliteSaver",)
