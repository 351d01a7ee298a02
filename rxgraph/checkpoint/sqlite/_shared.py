"""The two tables that LangGraph's SQLite savers use, so that both runtimes work on one file.

``checkpoints`` has one row for each checkpoint, all its values in one blob; ``writes`` has one for each pending write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rxgraph.checkpoint.base import (
    Address,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    SerializerProtocol,
    expected_latest,
    get_checkpoint_metadata,
)
from rxgraph.checkpoint.sqlite._codec import dump_metadata, load_checkpoint, load_metadata
from rxgraph.checkpoint.sqlite._effects import Atomic, Operation, Procedure, Read, Row, Statement, Write
from rxgraph.checkpoint.sqlite._layout import Layout
from rxgraph.config import RunnableConfig

_CHECKPOINTS: Final = """
    CREATE TABLE IF NOT EXISTS checkpoints (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL DEFAULT '',
        checkpoint_id TEXT NOT NULL,
        parent_checkpoint_id TEXT,
        type TEXT,
        checkpoint BLOB,
        metadata BLOB,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
    )
"""
_WRITES: Final = """
    CREATE TABLE IF NOT EXISTS writes (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL DEFAULT '',
        checkpoint_id TEXT NOT NULL,
        task_id TEXT NOT NULL,
        task_path TEXT NOT NULL DEFAULT '',
        idx INTEGER NOT NULL,
        channel TEXT NOT NULL,
        type TEXT,
        value BLOB,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
    )
"""
_BODY: Final = "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
_PUT: Final = f"INSERT OR REPLACE INTO checkpoints ({_BODY}) VALUES (?, ?, ?, ?, ?, ?, ?)"


class SharedLayout(Layout):
    """Operations on LangGraph's tables."""

    name = "langgraph"
    checkpoints = "checkpoints"
    writes = "writes"
    schema = (_CHECKPOINTS, _WRITES)
    body = _BODY

    def adapt(self) -> Procedure[None]:
        """Give writes of an early version a task path."""
        if (yield from self._has_paths()):
            return
        try:
            yield Write((Statement("ALTER TABLE writes ADD COLUMN task_path TEXT NOT NULL DEFAULT ''"),))
        except sqlite3.OperationalError:
            # Another process was faster, or nobody may write to the file: then its writes have no path.
            self.path = "task_path" if (yield from self._has_paths()) else "''"

    def _has_paths(self) -> Operation[bool]:
        return ("task_path",) in (yield Read("SELECT name FROM pragma_table_info('writes')"))

    def tuples(self, rows: Sequence[Row], serde: SerializerProtocol) -> Procedure[list[CheckpointTuple]]:
        """Load checkpoints from their rows, with their writes."""
        found = []
        for row, writes in zip(rows, (yield from self.pending(rows, serde)), strict=True):
            thread, ns, id, parent, tag, data, metadata = row
            address = Address(thread, ns, id)
            found.append(
                CheckpointTuple(
                    address.config(),
                    load_checkpoint(serde, tag, data, address),
                    load_metadata(metadata, f"Checkpoint {id!r} of thread {thread!r}"),
                    address.at(parent).config() if parent else None,
                    writes,
                )
            )
        return found

    def values(self, row: Row, channels: Iterable[str], serde: SerializerProtocol) -> Procedure[dict[str, Any]]:
        """Load the values of a checkpoint from its row."""
        return load_checkpoint(serde, row[4], row[5], Address(*row[:3]))["channel_values"]
        yield

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        serde: SerializerProtocol,
    ) -> Procedure[RunnableConfig]:
        """Keep a checkpoint, all of its values."""
        thread, ns, parent = address = Address.of(config)
        id = checkpoint["id"]
        facts = dump_metadata(get_checkpoint_metadata(config, metadata))
        row = (thread, ns, id, parent, *serde.dumps_typed(checkpoint), facts)
        write = Write((Statement(_PUT, (row,)),))

        def checked() -> Operation[None]:
            yield from self.check_head(address, config)
            yield write

        yield write if expected_latest(config) is None else Atomic(checked())
        return address.at(id).config()


__all__ = ("SharedLayout",)
