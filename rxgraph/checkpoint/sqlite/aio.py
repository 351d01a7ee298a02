"""The asynchronous saver, on a connection of aiosqlite (extra ``sqlite``)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
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
from rxgraph.checkpoint.sqlite._effects import Atomic, Effect, Procedure, Read, Request, Statement, T, Write
from rxgraph.checkpoint.sqlite._layout import Layout, LayoutName, choose
from rxgraph.checkpoint.sqlite._layouts import layouts
from rxgraph.config import RunnableConfig
from rxgraph.errors import LaneError


class AsyncSqliteSaver(BaseCheckpointSaver[str]):
    """Keeps checkpoints in an SQLite database without blocking the loop; see ``SqliteSaver``.

    It belongs to the event loop that it is made on. Synchronous methods work on every other thread: they have the
    loop do the work and wait for it.

    Args:
        conn: The connection. The saver doesn't close it.
        serde: See ``BaseCheckpointSaver``.
        layout: See ``SqliteSaver``.
    """

    def __init__(
        self,
        conn: aiosqlite.Connection,
        *,
        serde: SerializerProtocol | None = None,
        layout: LayoutName | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self.conn = conn
        self.lock = asyncio.Lock()
        self.loop = asyncio.get_running_loop()
        self._asked = layout
        self._layouts = layouts(layout)
        self._is_setup = False

    @classmethod
    @asynccontextmanager
    async def from_conn_string(
        cls, conn_string: str, *, serde: SerializerProtocol | None = None, layout: LayoutName | None = None
    ) -> AsyncIterator[AsyncSqliteSaver]:
        """Open a file, or ``":memory:"``, for an ``async with`` block.

        Args:
            conn_string: What ``sqlite3.connect`` takes.
            serde: As in the class.
            layout: As in the class.
        """
        async with aiosqlite.connect(conn_string) as conn:
            yield cls(conn, serde=serde, layout=layout)

    async def setup(self) -> None:
        """Make the tables if they aren't there; the first use of the saver does that too."""
        self._layouts = (await self._drive(choose(self._layouts, self._asked)),)
        self._is_setup = True

    # Reading

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that the configuration names, the latest if it names none, or ``None``."""
        return await self._run(lambda layout: layout.get_tuple(Address.of(config), self.serde))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Give checkpoints, newest first; see ``BaseCheckpointSaver.list``."""
        listing = (await self._ready()).listing(config, filter, before, limit, self.serde)
        while (found := await self._drive(listing.advance())) is not None:
            yield found

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; see ``BaseCheckpointSaver.get_delta_channel_history``."""
        return await self._run(lambda layout: layout.delta_history(Address.of(config), channels, self.serde))

    # Writing

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``SqliteSaver.put`` does; values are turned into bytes before anything is awaited."""
        return await self._run(lambda layout: layout.put(config, checkpoint, metadata, new_versions, self.serde))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote.

        A write to a special channel (``WRITES_IDX_MAP``) takes the place of an earlier one of its task; any other
        that is there already stays.
        """
        await self._run(lambda layout: layout.put_writes(config, writes, task_id, task_path, self.serde))

    # Housekeeping

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread with all its namespaces; one that isn't there is fine."""
        await self._run(lambda layout: layout.delete_threads([thread_id]))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Forget the checkpoints of these runs; see ``SqliteSaver.delete_for_runs``."""
        await self._run(lambda layout: layout.delete_for_runs(run_ids))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread to another one; what the other one has under the same ids is replaced."""
        await self._run(lambda layout: layout.copy_thread(str(source_thread_id), str(target_thread_id)))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Make threads smaller; see ``SqliteSaver.prune``."""
        await self._run(lambda layout: layout.prune(thread_ids, strategy))

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
        listing = self._bridge("list", self._ready()).listing(config, filter, before, limit, self.serde)
        while (found := self._bridge("list", self._drive(listing.advance()))) is not None:
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

    async def _run(self, make: Callable[[Layout], Procedure[T]]) -> T | Any:
        # The first step turns values into bytes, so it comes before anything is awaited, and as long as the layout of
        # the file isn't known it is taken for each.
        started = [(layout, operation := make(layout), next(operation, None)) for layout in self._layouts]
        chosen = await self._ready()
        for layout, operation, effect in started:
            if layout is chosen and effect is not None:
                return await self._drive(operation, effect)
        return None

    async def _ready(self) -> Layout:
        """The layout of the file."""
        if not self._is_setup:
            await self.setup()
        return self._layouts[0]

    async def _drive(self, operation: Procedure[T], effect: Request | None = None) -> T:
        """Do what an operation asks for, from its first effect on or from the one that it has come to."""
        try:
            if effect is None:
                effect = next(operation)
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

    async def _perform(self, effect: Request) -> Any:
        if isinstance(effect, Read):
            return await self._step(effect)
        try:
            # A single statement begins its own transaction; each call here costs a switch to the connection's thread.
            alone = isinstance(effect, Write) and len(effect.statements) == 1
            if not alone and not self.conn.in_transaction:
                await self._execute(Statement("BEGIN IMMEDIATE"))
            if isinstance(effect, Atomic):
                outcome = await self._steps(effect)
            else:
                outcome = await self._step(effect)
            await self.conn.commit()
        except BaseException:
            await _to_the_end(self.conn.rollback())
            raise
        return outcome

    async def _steps(self, effect: Atomic) -> Any:
        operation, outcome = effect.operation, None
        try:
            while True:
                outcome = await self._step(operation.send(outcome))
        except StopIteration as done:
            return done.value

    async def _step(self, effect: Effect) -> Any:
        """Do something without a thought for transactions."""
        if isinstance(effect, Read):
            return list(await self.conn.execute_fetchall(effect.sql, effect.parameters))
        for statement in effect.statements:
            await self._execute(statement)
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
