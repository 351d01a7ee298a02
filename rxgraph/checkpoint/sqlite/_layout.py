"""The two tables that LangGraph's SQLite savers use, so that both runtimes work on one file.

``checkpoints`` has one row for each checkpoint, all its values in one blob; ``writes`` has one for each pending write.
All SQL is here. Values only ever reach it as parameters, and metadata is compared outside of it, so nothing that a
caller passes is part of a statement.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rxgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    Address,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    DeltaWalk,
    PendingWrite,
    PruneStrategy,
    SerializerProtocol,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from rxgraph.checkpoint.base._metadata import matches
from rxgraph.checkpoint.base._upkeep import check_prune, delta_refusal, needs_ancestors
from rxgraph.checkpoint.sqlite._codec import dump_metadata, load_checkpoint, load_metadata, load_value
from rxgraph.checkpoint.sqlite._effects import Operation, Read, Row, Statement, Write
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

_THERE: Final = "thread_id = ? AND checkpoint_ns = ?"
# A list of any length as one parameter, in JSON.
_ANY: Final = "(SELECT value FROM json_each(?))"
_PLACE: Final = "(thread_id, checkpoint_ns, checkpoint_id)"
_BODY: Final = "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
_PUT: Final = f"INSERT OR REPLACE INTO checkpoints ({_BODY}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_WRITE: Final = "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value"
_PUT_WRITE: Final = f"""
    INSERT INTO writes (thread_id, {_WRITE})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO
"""
_KEEP: Final = f"{_PUT_WRITE} NOTHING"
_REPLACE: Final = f"""{_PUT_WRITE} UPDATE SET task_path = excluded.task_path, channel = excluded.channel,
    type = excluded.type, value = excluded.value"""

# Before SQLite 3.45 JSON functions want text, from then on they take a blob for a binary form of their own.
_RUN: Final = """
    CASE WHEN json_valid(CAST({0}metadata AS TEXT)) THEN json_extract(CAST({0}metadata AS TEXT), '$.run_id') END
    IN (SELECT value FROM json_each(?))
"""
_DOOMED: Final = f"SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints WHERE {_RUN.format('')}"
_ORPHANED: Final = f"""
    SELECT child.thread_id, child.checkpoint_ns, child.checkpoint_id, child.metadata
    FROM checkpoints AS parent JOIN checkpoints AS child
      ON child.thread_id = parent.thread_id AND child.checkpoint_ns = parent.checkpoint_ns
     AND child.parent_checkpoint_id = parent.checkpoint_id
    WHERE {_RUN.format("parent.")} AND NOT coalesce({_RUN.format("child.")}, FALSE)
"""
# SQLite takes the metadata from the row that has the maximum: https://sqlite.org/lang_select.html#bareagg
_LATEST: Final = f"""
    SELECT thread_id, checkpoint_ns, max(checkpoint_id), metadata FROM checkpoints
    WHERE thread_id IN {_ANY} GROUP BY thread_id, checkpoint_ns
"""
_CHAIN: Final = f"""
    WITH RECURSIVE chain (id, parent, depth) AS (
        SELECT checkpoint_id, parent_checkpoint_id, 0 FROM checkpoints WHERE {_THERE} AND checkpoint_id = ?
        UNION ALL
        SELECT checkpoint_id, parent_checkpoint_id, depth + 1 FROM chain JOIN checkpoints
        ON {_THERE} AND checkpoint_id = parent WHERE depth < ?
    )
    SELECT id, parent, type, checkpoint FROM chain JOIN checkpoints ON {_THERE} AND checkpoint_id = id ORDER BY depth
"""

# Places are small and checkpoints may be large, and who looks for one of them shouldn't read many.
_PLACES: Final = 256
_MOST_BODIES: Final = 16


class SharedLayout:
    """Operations on LangGraph's tables; each is a generator of effects for a saver to perform."""

    def __init__(self) -> None:
        self._path = "task_path"

    # Setup

    def setup(self) -> Operation[None]:
        """Make the tables if they aren't there, and let readers and the writer of the file work side by side."""
        try:
            mode = yield Read("PRAGMA journal_mode")
            if mode[0][0] != "wal":
                yield Read("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Another process opens the file right now, or nobody may write to it. All works without, only slower.
            pass
        columns = yield from self._columns()
        if not columns["checkpoints"] or not columns["writes"]:
            yield Write((Statement(_CHECKPOINTS), Statement(_WRITES)))
        elif "task_path" not in columns["writes"]:
            try:
                yield Write((Statement("ALTER TABLE writes ADD COLUMN task_path TEXT NOT NULL DEFAULT ''"),))
            except sqlite3.OperationalError:
                # Another process was faster, or nobody may write to the file: then its writes have no path.
                columns = yield from self._columns()
                self._path = "task_path" if "task_path" in columns["writes"] else "''"

    def _columns(self) -> Operation[dict[str, set[str]]]:
        found = {}
        for table in ("checkpoints", "writes"):
            found[table] = {name for (name,) in (yield Read("SELECT name FROM pragma_table_info(?)", (table,)))}
        return found

    # Reading

    def get_tuple(self, address: Address, serde: SerializerProtocol) -> Operation[CheckpointTuple | None]:
        """Return a checkpoint, the latest if the address has no id."""
        rows = yield _one(_BODY, address)
        if not rows:
            return None
        return (yield from self._tuples(rows, serde))[0]

    def _tuples(self, rows: Sequence[Row], serde: SerializerProtocol) -> Operation[list[CheckpointTuple]]:
        """Load checkpoints from their rows, with their writes."""
        writes: dict[Row, list[PendingWrite]] = {tuple(row[:3]): [] for row in rows}
        found = yield Read(
            f"{_wanted(len(rows))} SELECT thread, ns, id, task_id, channel, type, value FROM {_among('writes')} "
            f"ORDER BY {self._path}, task_id, idx",
            _flat(writes),
        )
        for *place, task, channel, tag, data in found:
            value = load_value(serde, tag, data, f"Write to {channel!r} on checkpoint {place[2]!r}")
            writes[tuple(place)].append((task, channel, value))
        return [self._tuple(row, writes[tuple(row[:3])], serde) for row in rows]

    def _tuple(self, row: Row, writes: list[PendingWrite], serde: SerializerProtocol) -> CheckpointTuple:
        thread, ns, id, parent, tag, data, metadata = row
        address = Address(thread, ns, id)
        return CheckpointTuple(
            address.config(),
            load_checkpoint(serde, tag, data, address),
            load_metadata(metadata, f"Checkpoint {id!r} of thread {thread!r}"),
            address.at(parent).config() if parent else None,
            writes,
        )

    def delta_history(
        self, address: Address, channels: Sequence[str], serde: SerializerProtocol
    ) -> Operation[dict[str, DeltaChannelHistory]]:
        """Return what delta channels are rebuilt from."""
        walk = DeltaWalk(channels)
        if not channels:
            return walk.history()
        start = yield _one("parent_checkpoint_id", address)
        parent = start[0][0] if start else None
        depth = 1
        while parent and walk.open:
            place = address[:2]
            rows = yield Read(_CHAIN, (*place, parent, *place, depth - 1, *place))
            if not rows:
                break
            found = yield Read(
                f"SELECT checkpoint_id, task_id, channel, type, value FROM writes WHERE {_THERE} "
                f"AND checkpoint_id IN {_ANY} AND channel IN {_ANY} ORDER BY {self._path}, task_id, idx",
                (*place, json.dumps([row[0] for row in rows]), json.dumps(list(walk.open))),
            )
            writes: dict[str, list[Row]] = {}
            for id, *write in found:
                writes.setdefault(id, []).append(write)
            for id, above, tag, data in rows:
                parent = above
                if not walk.enters(id):
                    parent = None
                    break
                loaded = [
                    (task, channel, load_value(serde, kind, value, f"Write to {channel!r} on checkpoint {id!r}"))
                    for task, channel, kind, value in writes.get(id, ())
                    if channel in walk.open
                ]
                walk.visit(load_checkpoint(serde, tag, data, address.at(id))["channel_values"], loaded)
            depth = min(depth * 2, _MOST_BODIES)
        return walk.history()

    # Writing

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        serde: SerializerProtocol,
    ) -> Operation[RunnableConfig]:
        """Keep a checkpoint, all of its values."""
        thread, ns, parent = address = Address.of(config)
        id = checkpoint["id"]
        facts = dump_metadata(get_checkpoint_metadata(config, metadata))
        row = (thread, ns, id, parent, *serde.dumps_typed(checkpoint), facts)
        yield Write((Statement(_PUT, (row,)),))
        return address.at(id).config()

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
        serde: SerializerProtocol,
    ) -> Operation[None]:
        """Keep what a task wrote: special writes replace what is there, others don't."""
        address = Address.of(config).existing(task_id)
        special: list[Row] = []
        ordinary: list[Row] = []
        for position, (channel, value) in enumerate(writes):
            idx = WRITES_IDX_MAP.get(channel, position)
            row = (*address, task_id, task_path, idx, channel, *serde.dumps_typed(value))
            (special if idx < 0 else ordinary).append(row)
        statements = [Statement(sql, rows) for sql, rows in ((_KEEP, ordinary), (_REPLACE, special)) if rows]
        if statements:
            yield Write(statements)

    # Housekeeping

    def delete_threads(self, threads: Sequence[str]) -> Operation[None]:
        """Forget threads."""
        rows = [(str(thread),) for thread in threads]
        yield Write(
            [Statement(f"DELETE FROM {table} WHERE thread_id = ?", rows) for table in ("writes", "checkpoints")]
        )

    def delete_for_runs(self, run_ids: Sequence[str]) -> Operation[None]:
        """Forget the checkpoints of runs."""
        runs = json.dumps(list(run_ids))
        for thread, ns, id, metadata in (yield Read(_ORPHANED, (runs, runs))):
            if needs_ancestors(load_metadata(metadata, f"Checkpoint {id!r} of thread {thread!r}")):
                raise delta_refusal("delete_for_runs()", thread, ns, id)
        yield Write((
            Statement(f"DELETE FROM writes WHERE {_PLACE} IN ({_DOOMED})", ((runs,),)),
            Statement(f"DELETE FROM checkpoints WHERE {_RUN.format('')}", ((runs,),)),
        ))  # fmt: skip

    def copy_thread(self, source: str, target: str) -> Operation[None]:
        """Copy all of a thread to another one."""
        if source == target:
            return
        copies = [
            f"INSERT OR REPLACE INTO {table} (thread_id, {columns}) "
            f"SELECT ?, {columns} FROM {table} WHERE thread_id = ?"
            for table, columns in (("checkpoints", _BODY.removeprefix("thread_id, ")), ("writes", _WRITE))
        ]
        yield Write([Statement(sql, ((target, source),)) for sql in copies])

    def prune(self, thread_ids: Sequence[str], strategy: PruneStrategy) -> Operation[None]:
        """Make threads smaller."""
        threads = check_prune(thread_ids, strategy)
        if strategy == "delete":
            yield from self.delete_threads(threads)
            return
        latest = yield Read(_LATEST, (json.dumps(threads),))
        for thread, ns, id, metadata in latest:
            if needs_ancestors(load_metadata(metadata, f"Checkpoint {id!r} of thread {thread!r}")):
                raise delta_refusal("prune()", thread, ns, id)
        # What another process adds meanwhile has greater ids.
        kept = [row[:3] for row in latest]
        if kept:
            older = f"WHERE {_THERE} AND checkpoint_id < ?"
            cut = f"UPDATE checkpoints SET parent_checkpoint_id = NULL WHERE {_THERE} AND checkpoint_id = ?"
            yield Write((
                Statement(f"DELETE FROM writes {older}", kept),
                Statement(f"DELETE FROM checkpoints {older}", kept),
                Statement(cut, kept),
            ))  # fmt: skip

    def listing(
        self,
        config: RunnableConfig | None,
        filter: Mapping[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
        serde: SerializerProtocol,
    ) -> Listing:
        """Return a list of checkpoints that is read as one goes through it."""
        return Listing(self, config, filter, before, limit, serde)


class Listing:
    """Checkpoints that fit some conditions, newest first; see ``BaseCheckpointSaver.list``.

    It holds no cursor. The places of checkpoints are read ahead, since they come from an index alone, or with their
    metadata where that is compared; then the checkpoints themselves, one at first and more the further one goes.
    """

    def __init__(
        self,
        layout: SharedLayout,
        config: RunnableConfig | None,
        filter: Mapping[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
        serde: SerializerProtocol,
    ) -> None:
        self._layout = layout
        self._filter = dict(filter or {})
        self._serde = serde
        self._left = limit
        self._conditions: list[str] = []
        self._parameters: list[Any] = []
        wanted: Mapping[str, Any] = (config or {}).get("configurable") or {}
        for column in ("thread_id", "checkpoint_ns", "checkpoint_id"):
            value = wanted.get(column)
            # An empty namespace is the root's; an empty id is none.
            if value is not None and (value != "" or column == "checkpoint_ns"):
                self._where(f"{column} = ?", str(value))
        if before and (id := get_checkpoint_id(before)):
            self._where("checkpoint_id < ?", id)
        self._places: deque[Row] = deque()
        self._last: Row | None = None
        self._over = False
        self._ready: deque[CheckpointTuple] = deque()
        self._bodies = 1

    def _where(self, condition: str, *parameters: Any) -> None:
        self._conditions.append(condition)
        self._parameters += parameters

    def advance(self) -> Operation[CheckpointTuple | None]:
        """Return the next checkpoint, or ``None`` after the last one."""
        while not self._ready:
            count = self._bodies if self._left is None else min(self._bodies, self._left)
            while len(self._places) < count and not self._over:
                yield from self._read_places()
            chosen = [self._places.popleft() for _ in range(min(count, len(self._places)))]
            if not chosen:
                return None
            self._bodies = min(self._bodies * 2, _MOST_BODIES)
            rows = yield Read(f"{_wanted(len(chosen))} SELECT {_BODY} FROM {_among('checkpoints')}", _flat(chosen))
            # Fewer than were chosen if some were deleted since; then it goes on with the next ones.
            rows.sort(key=_order, reverse=True)
            if rows:
                self._ready.extend((yield from self._layout._tuples(rows, self._serde)))
        if self._left is not None:
            self._left -= 1
        return self._ready.popleft()

    def _read_places(self) -> Operation[None]:
        conditions, parameters = [*self._conditions], [*self._parameters]
        if self._last is not None:
            conditions.append("(checkpoint_id, thread_id, checkpoint_ns) < (?, ?, ?)")
            parameters += _order(self._last)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        metadata = ", metadata" if self._filter else ""
        rows = yield Read(
            f"SELECT thread_id, checkpoint_ns, checkpoint_id{metadata} FROM checkpoints {where} "
            f"ORDER BY checkpoint_id DESC, thread_id DESC, checkpoint_ns DESC LIMIT {_PLACES}",
            parameters,
        )
        self._over = len(rows) < _PLACES
        for row in rows:
            self._last = row[:3]
            if not self._filter or matches(load_metadata(row[3], f"Checkpoint {row[2]!r}"), self._filter):
                self._places.append(row[:3])


def _one(columns: str, address: Address) -> Read:
    """The row of a checkpoint, or of the latest one."""
    select = f"SELECT {columns} FROM checkpoints WHERE {_THERE}"
    if address.id is None:
        return Read(f"{select} ORDER BY checkpoint_id DESC LIMIT 1", address[:2])
    return Read(f"{select} AND checkpoint_id = ?", address)


def _order(row: Row) -> Row:
    return row[2], row[0], row[1]


# Places as a table, and first in a join that isn't reordered: a list of triples after IN would have SQLite look at
# each row there is, see https://sqlite.org/rowvalue.html and https://sqlite.org/optoverview.html#crossjoin
def _wanted(count: int) -> str:
    return f"WITH wanted (thread, ns, id) AS (VALUES {', '.join(['(?, ?, ?)'] * count)})"


def _among(table: str) -> str:
    return f"wanted CROSS JOIN {table} ON thread_id = thread AND checkpoint_ns = ns AND checkpoint_id = id"


def _flat(rows: Iterable[Row]) -> list[Any]:
    return [value for row in rows for value in row]


__all__ = ("Listing", "SharedLayout")
