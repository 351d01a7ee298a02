"""The saver on a connection of the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from threading import Lock, get_ident
from typing import Any

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
from rxgraph.checkpoint.sqlite._effects import Atomic, Effect, Procedure, Read, Request, T
from rxgraph.checkpoint.sqlite._layout import Layout, LayoutName, choose
from rxgraph.checkpoint.sqlite._layouts import layouts
from rxgraph.config import RunnableConfig


class SqliteSaver(BaseCheckpointSaver[str]):
    """Keeps checkpoints in an SQLite database: in a new file what each superstep changed.

    A file that LangGraph's savers made is used as it is, and so is one that was made with ``layout="langgraph"``.

    It may be used from several threads if the connection may (``check_same_thread=False``); asynchronous methods run
    in worker threads. Several processes may have the file open. A call of ``put`` or ``put_writes`` is one
    transaction, on disk when it returns.

    Args:
        conn: The connection. The saver doesn't close it.
        serde: See ``BaseCheckpointSaver``.
        layout: The tables of a new file: ``"compact"``, the same as ``None``, or ``"langgraph"``, which LangGraph's
            savers read and write too. ``None`` takes a file as it is.

    Raises:
        LayoutError: On first use, or from ``setup``: the file has another layout than the one that was asked for.

    Example:
        >>> with SqliteSaver.from_conn_string(":memory:") as saver:
        ...     list(saver.list(None))
        []
    """

    def __init__(
        self,
        conn: sqlite3.Connection,
        *,
        serde: SerializerProtocol | None = None,
        layout: LayoutName | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self.conn = conn
        # Held during one query or one transaction; values are serialised without it, and lists keep nothing locked.
        self.lock = Lock()
        self._asked = layout
        self._layouts = layouts(layout)
        self._is_setup = False
        # The thread that has a transaction open.
        self._owner: int | None = None

    @classmethod
    @contextmanager
    def from_conn_string(
        cls, conn_string: str, *, serde: SerializerProtocol | None = None, layout: LayoutName | None = None
    ) -> Iterator[SqliteSaver]:
        """Open a file, or ``":memory:"``, for a ``with`` block.

        Args:
            conn_string: What ``sqlite3.connect`` takes.
            serde: As in the class.
            layout: As in the class.
        """
        # Who writes while another process does waits up to 5 s, the default of sqlite3; readers don't wait.
        with closing(sqlite3.connect(conn_string, check_same_thread=False)) as conn:
            yield cls(conn, serde=serde, layout=layout)

    def setup(self) -> None:
        """Make the tables if they aren't there; the first use of the saver does that too."""
        self._layouts = (self._drive(choose(self._layouts, self._asked)),)
        self._is_setup = True

    # Reading

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that the configuration names, the latest if it names none, or ``None``."""
        return self._run(lambda layout: layout.get_tuple(Address.of(config), self.serde))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Give checkpoints, newest first; see ``BaseCheckpointSaver.list``."""
        listing = self._ready().listing(config, filter, before, limit, self.serde)
        while (found := self._drive(listing.advance())) is not None:
            yield found

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; see ``BaseCheckpointSaver.get_delta_channel_history``."""
        return self._run(lambda layout: layout.delta_history(Address.of(config), channels, self.serde))

    # Writing

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint: in the compact layout what is new in it, in LangGraph's all of its values in one row.

        Raises:
            CheckpointConflictError: The run that puts it doesn't stand on the latest one any more.
        """
        return self._run(lambda layout: layout.put(config, checkpoint, metadata, new_versions, self.serde))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote.

        A write to a special channel (``WRITES_IDX_MAP``) takes the place of an earlier one of its task; any other
        that is there already stays.
        """
        self._run(lambda layout: layout.put_writes(config, writes, task_id, task_path, self.serde))

    # Housekeeping

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread with all its namespaces; one that isn't there is fine."""
        self._run(lambda layout: layout.delete_threads([thread_id]))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Forget the checkpoints of these runs.

        Raises:
            NotImplementedError: A checkpoint of another run has delta channels that are rebuilt from one of these.
        """
        self._run(lambda layout: layout.delete_for_runs(run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread to another one; what the other one has under the same ids is replaced."""
        self._run(lambda layout: layout.copy_thread(str(source_thread_id), str(target_thread_id)))

    def prune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Make threads smaller.

        Args:
            thread_ids: The threads.
            strategy: ``"keep_latest"`` keeps the latest checkpoint of each namespace, which then has no parent;
                ``"delete"`` keeps nothing.

        Raises:
            NotImplementedError: A checkpoint to keep has delta channels that are rebuilt from older ones.
        """
        self._run(lambda layout: layout.prune(thread_ids, strategy))

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one: a number with leading zeros and a random tail."""
        return next_version(current)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conn!r}>"

    # Performing

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of what this thread puts in a ``with`` block; an error takes all of it back.

        Other threads wait until it is over.
        """
        self._ready()
        with self.lock:
            self.conn.execute("BEGIN IMMEDIATE")
            self._owner = get_ident()
            try:
                yield
                self.conn.commit()
            except BaseException:
                self.conn.rollback()
                raise
            finally:
                self._owner = None

    def _run(self, make: Callable[[Layout], Procedure[T]]) -> T:
        return self._drive(make(self._ready()))

    def _ready(self) -> Layout:
        """The layout of the file."""
        if not self._is_setup:
            self.setup()
        return self._layouts[0]

    def _drive(self, operation: Procedure[T]) -> T:
        try:
            effect = next(operation)
            while True:
                try:
                    if self._owner == get_ident():
                        outcome = self._steps(effect) if isinstance(effect, Atomic) else self._step(effect)
                    else:
                        with self.lock:
                            outcome = self._perform(effect)
                except sqlite3.Error as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(outcome)
        except StopIteration as done:
            result: T = done.value
            return result

    def _perform(self, effect: Request) -> Any:
        conn = self.conn
        if isinstance(effect, Read):
            return self._step(effect)
        try:
            # A transaction that began with a look would have to fail if another process wrote since.
            if not conn.in_transaction:
                conn.execute("BEGIN IMMEDIATE")
            if isinstance(effect, Atomic):
                outcome = self._steps(effect)
            else:
                outcome = self._step(effect)
            conn.commit()
        except BaseException:
            conn.rollback()
            raise
        return outcome

    def _steps(self, effect: Atomic) -> Any:
        operation, outcome = effect.operation, None
        try:
            while True:
                outcome = self._step(operation.send(outcome))
        except StopIteration as done:
            return done.value

    def _step(self, effect: Effect) -> Any:
        """Do something without a thought for transactions."""
        conn = self.conn
        if isinstance(effect, Read):
            return conn.execute(effect.sql, effect.parameters).fetchall()
        for sql, rows in effect.statements:
            if len(rows) == 1:
                conn.execute(sql, rows[0])
            else:
                conn.executemany(sql, rows)
        return None


__all__ = ("SqliteSaver",)
