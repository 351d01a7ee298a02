"""What the layouts of a file have in common, and which one a file has.

A layout is two tables of checkpoints and writes that are found alike, and what each adds to them. All SQL is here and
in the layouts. Values only ever reach it as parameters, and metadata is compared outside of it, so nothing that a
caller passes is part of a statement.
"""

from __future__ import annotations

import json
import sqlite3
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias

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
    check_latest,
    expected_latest,
    get_checkpoint_id,
)
from rxgraph.checkpoint.base._metadata import matches
from rxgraph.checkpoint.base._upkeep import check_prune, delta_refusal, needs_ancestors
from rxgraph.checkpoint.sqlite._codec import load_metadata, load_value
from rxgraph.checkpoint.sqlite._effects import Atomic, Operation, Procedure, Read, Row, Statement, Write
from rxgraph.config import RunnableConfig

LayoutName: TypeAlias = Literal["langgraph", "compact"]

THERE: Final = "thread_id = ? AND checkpoint_ns = ?"
# A list of any length as one parameter, in JSON.
ANY: Final = "(SELECT value FROM json_each(?))"
_PLACE: Final = "(thread_id, checkpoint_ns, checkpoint_id)"
WRITE: Final = "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value"

# Before SQLite 3.45 JSON functions want text, from then on they take a blob for a binary form of their own.
_RUN: Final = """
    CASE WHEN json_valid(CAST({0}metadata AS TEXT)) THEN json_extract(CAST({0}metadata AS TEXT), '$.run_id') END
    IN (SELECT value FROM json_each(?))
"""

# Places are small and checkpoints may be large, and who looks for one of them shouldn't read many.
_PLACES: Final = 256
MOST_BODIES: Final = 16


class LayoutError(ValueError):
    """A saver was told to use another layout than the file has; nothing was written.

    Args:
        expected: The layout that was asked for.
        found: The layout of the file.
    """

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(
            f"SQLite file has the layout {found!r}, and layout={expected!r} was asked for; nothing was written. "
            "Leave layout out to use the file as it is, or name another file."
        )


class Layout(ABC):
    """Operations on the tables of one layout; each is a generator of effects for a saver to perform.

    An operation that ends without an effect returns ``None``.
    """

    name: ClassVar[LayoutName]
    checkpoints: ClassVar[str]
    """The table with a row for each checkpoint."""
    writes: ClassVar[str]
    """The table with a row for each pending write."""
    others: ClassVar[tuple[str, ...]] = ()
    """Tables that there are besides."""
    schema: ClassVar[tuple[str, ...]]
    """The statements that make the tables."""
    body: ClassVar[str]
    """The columns of a checkpoint, as `_tuples` takes them; the first three are the place."""

    def __init__(self) -> None:
        self.path = "task_path"

    # Setup

    def adapt(self) -> Procedure[None]:
        """Bring tables of an early version up to date; the last step of setup."""
        return
        yield

    # Reading

    def get_tuple(self, address: Address, serde: SerializerProtocol) -> Procedure[CheckpointTuple | None]:
        """Return a checkpoint, the latest if the address has no id."""
        while rows := (yield self.one(self.body, address)):
            found = yield from self.tuples(rows, serde)
            if found:
                return found[0]
            # It was deleted or replaced between two looks at the file: look again.
        return None

    @abstractmethod
    def tuples(self, rows: Sequence[Row], serde: SerializerProtocol) -> Procedure[list[CheckpointTuple]]:
        """Load checkpoints from their rows, with their writes; those that go meanwhile are left out."""

    def pending(self, rows: Sequence[Row], serde: SerializerProtocol) -> Procedure[list[list[PendingWrite]]]:
        """Load the writes on each of some checkpoints."""
        writes: dict[Row, list[PendingWrite]] = {tuple(row[:3]): [] for row in rows}
        found = yield Read(
            f"{_wanted(len(writes))} SELECT thread, ns, id, task_id, channel, type, value FROM {_among(self.writes)} "
            f"ORDER BY {self.path}, task_id, idx",
            _flat(writes),
        )
        for *place, task, channel, tag, data in found:
            value = load_value(serde, tag, data, f"Write to {channel!r} on checkpoint {place[2]!r}")
            writes[tuple(place)].append((task, channel, value))
        return [writes[tuple(row[:3])] for row in rows]

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

    def delta_history(
        self, address: Address, channels: Sequence[str], serde: SerializerProtocol
    ) -> Procedure[dict[str, DeltaChannelHistory]]:
        """Return what delta channels are rebuilt from."""
        walk = DeltaWalk(channels)
        start = yield self.one("parent_checkpoint_id", address)
        parent = start[0][0] if start else None
        depth = 1
        while parent and walk.open:
            rows = yield self._chain(address.at(parent), depth)
            if not rows:
                break
            found = yield Read(
                f"SELECT checkpoint_id, task_id, channel, type, value FROM {self.writes} WHERE {THERE} "
                f"AND checkpoint_id IN {ANY} AND channel IN {ANY} ORDER BY {self.path}, task_id, idx",
                (*address[:2], json.dumps([row[2] for row in rows]), json.dumps(list(walk.open))),
            )
            writes: dict[str, list[Row]] = {}
            for id, *write in found:
                writes.setdefault(id, []).append(write)
            for row in rows:
                id, parent = row[2], row[3]
                if not walk.enters(id):
                    parent = None
                    break
                loaded = [
                    (task, channel, load_value(serde, kind, value, f"Write to {channel!r} on checkpoint {id!r}"))
                    for task, channel, kind, value in writes.get(id, ())
                    if channel in walk.open
                ]
                walk.visit((yield from self.values(row, walk.open, serde)), loaded)
            depth = min(depth * 2, MOST_BODIES)
        return walk.history()

    @abstractmethod
    def values(self, row: Row, channels: Iterable[str], serde: SerializerProtocol) -> Procedure[dict[str, Any]]:
        """Load values of a checkpoint from its row, those of these channels at least."""

    def _chain(self, address: Address, count: int) -> Read:
        """A checkpoint and its ancestors, as many as that, nearest first."""
        table, place = self.checkpoints, address[:2]
        return Read(
            f"""
            WITH RECURSIVE chain (id, parent, depth) AS (
                SELECT checkpoint_id, parent_checkpoint_id, 1 FROM {table} WHERE {THERE} AND checkpoint_id = ?
                UNION ALL
                SELECT checkpoint_id, parent_checkpoint_id, depth + 1 FROM chain JOIN {table}
                ON {THERE} AND checkpoint_id = parent WHERE depth < ?
            )
            SELECT {self.body} FROM chain JOIN {table} ON {THERE} AND checkpoint_id = id ORDER BY depth
            """,
            (*address, *place, count, *place),
        )

    def one(self, columns: str, address: Address) -> Read:
        """The row of a checkpoint, or of the latest one."""
        select = f"SELECT {columns} FROM {self.checkpoints} WHERE {THERE}"
        if address.id is None:
            return Read(f"{select} ORDER BY checkpoint_id DESC LIMIT 1", address[:2])
        return Read(f"{select} AND checkpoint_id = ?", address)

    # Writing

    @abstractmethod
    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        serde: SerializerProtocol,
    ) -> Procedure[RunnableConfig]:
        """Keep a checkpoint; its values are bytes before the first effect."""

    def check_head(self, address: Address, config: RunnableConfig) -> Operation[None]:
        """Raise if the run that puts a checkpoint doesn't stand on the latest one any more."""
        expected = expected_latest(config)
        if expected is not None:
            rows = yield self.one("checkpoint_id", Address(address.thread, address.ns, None))
            check_latest(address, expected, rows[0][0] if rows else None)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
        serde: SerializerProtocol,
    ) -> Procedure[None]:
        """Keep what a task wrote: special writes replace what is there, others don't."""
        address = Address.of(config).existing(task_id)
        special: list[Row] = []
        ordinary: list[Row] = []
        for position, (channel, value) in enumerate(writes):
            idx = WRITES_IDX_MAP.get(channel, position)
            row = (*address, task_id, task_path, idx, channel, *serde.dumps_typed(value))
            (special if idx < 0 else ordinary).append(row)
        insert = f"INSERT INTO {self.writes} (thread_id, {WRITE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO"
        replace = f"""{insert} UPDATE SET task_path = excluded.task_path, channel = excluded.channel,
            type = excluded.type, value = excluded.value"""
        statements = [
            Statement(sql, rows) for sql, rows in ((f"{insert} NOTHING", ordinary), (replace, special)) if rows
        ]
        if statements:
            yield Write(statements)

    # Housekeeping

    def delete_threads(self, threads: Sequence[str]) -> Procedure[None]:
        """Forget threads."""
        rows = [(str(thread),) for thread in threads]
        tables = (self.writes, self.checkpoints, *self.others)
        yield Write([Statement(f"DELETE FROM {table} WHERE thread_id = ?", rows) for table in tables])

    def delete_for_runs(self, run_ids: Sequence[str]) -> Procedure[None]:
        """Forget the checkpoints of runs."""
        yield Atomic(self._delete_runs(json.dumps(list(run_ids))))

    def _delete_runs(self, runs: str) -> Operation[None]:
        table, doomed = self.checkpoints, _RUN.format("")
        orphaned = yield Read(
            f"""
            SELECT child.thread_id, child.checkpoint_ns, child.checkpoint_id, child.metadata
            FROM {table} AS parent JOIN {table} AS child
              ON child.thread_id = parent.thread_id AND child.checkpoint_ns = parent.checkpoint_ns
             AND child.parent_checkpoint_id = parent.checkpoint_id
            WHERE {_RUN.format("parent.")} AND NOT coalesce({_RUN.format("child.")}, FALSE)
            """,
            (runs, runs),
        )
        self._refuse("delete_for_runs()", orphaned)
        places = yield Read(f"SELECT DISTINCT thread_id, checkpoint_ns FROM {table} WHERE {doomed}", (runs,))
        ids = f"SELECT thread_id, checkpoint_ns, checkpoint_id FROM {table} WHERE {doomed}"
        yield Write((
            Statement(f"DELETE FROM {self.writes} WHERE {_PLACE} IN ({ids})", ((runs,),)),
            Statement(f"DELETE FROM {table} WHERE {doomed}", ((runs,),)),
            *self.sweep(places),
        ))  # fmt: skip

    def copy_thread(self, source: str, target: str) -> Procedure[None]:
        """Copy all of a thread to another one."""
        if source != target:
            yield Write([Statement(sql, ((target, source),)) for sql in self.copies()])

    def copies(self) -> list[str]:
        """Return the statements that copy a thread; each takes the new name and the old one."""
        return [
            _copy("REPLACE", self.checkpoints, self.body.removeprefix("thread_id, ")),
            _copy("REPLACE", self.writes, WRITE),
        ]

    def prune(self, thread_ids: Sequence[str], strategy: PruneStrategy) -> Procedure[None]:
        """Make threads smaller."""
        threads = check_prune(thread_ids, strategy)
        if strategy == "delete":
            yield from self.delete_threads(threads)
        else:
            yield Atomic(self._keep_latest(threads))

    def _keep_latest(self, threads: Sequence[str]) -> Operation[None]:
        table = self.checkpoints
        # SQLite takes the metadata from the row that has the maximum: https://sqlite.org/lang_select.html#bareagg
        latest = yield Read(
            f"SELECT thread_id, checkpoint_ns, max(checkpoint_id), metadata FROM {table} "
            f"WHERE thread_id IN {ANY} GROUP BY thread_id, checkpoint_ns",
            (json.dumps(threads),),
        )
        self._refuse("prune()", latest)
        kept = [row[:3] for row in latest]
        if kept:
            older = f"WHERE {THERE} AND checkpoint_id < ?"
            cut = f"UPDATE {table} SET parent_checkpoint_id = NULL WHERE {THERE} AND checkpoint_id = ?"
            yield Write((
                Statement(f"DELETE FROM {self.writes} {older}", kept),
                Statement(f"DELETE FROM {table} {older}", kept),
                Statement(cut, kept),
                *self.sweep([row[:2] for row in kept]),
            ))  # fmt: skip

    def _refuse(self, what: str, rows: Iterable[Row]) -> None:
        """Raise if one of these checkpoints can't do without those that are about to go."""
        for thread, ns, id, metadata in rows:
            if needs_ancestors(load_metadata(metadata, f"Checkpoint {id!r} of thread {thread!r}")):
                raise delta_refusal(what, thread, ns, id)

    def sweep(self, places: Sequence[Row]) -> Iterable[Statement]:
        """Return what takes out all that no checkpoint of these namespaces needs any more."""
        return ()


def choose(candidates: Sequence[Layout], asked: LayoutName | None) -> Procedure[Layout]:
    """Return the layout of the file, with its tables made if there were none.

    Args:
        candidates: All layouts that there are, the one for new files first.
        asked: The one that it has to be.

    Raises:
        LayoutError: The file has another one.
    """
    layout, complete = yield from _recognise(candidates, asked)
    try:
        mode = yield Read("PRAGMA journal_mode")
        if mode[0][0] != "wal":
            # Readers and the writer of the file work side by side then.
            yield Read("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        # Another process opens the file right now, or nobody may write to it. All works without, only slower.
        pass
    if not complete:
        layout = yield Atomic(_make(candidates, asked))
    yield from layout.adapt()
    return layout


def _recognise(candidates: Sequence[Layout], asked: LayoutName | None) -> Operation[tuple[Layout, bool]]:
    """The layout, and whether all its tables are there."""
    rows = yield Read("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}
    # LangGraph's savers make their tables in every file that they open, so a file of ours may have them too.
    there = [layout for layout in candidates if layout.checkpoints in tables]
    fitting = [layout for layout in there or candidates if asked in (None, layout.name)]
    if not fitting:
        assert asked is not None
        raise LayoutError(asked, there[0].name)
    layout = fitting[0]
    return layout, tables.issuperset((layout.checkpoints, layout.writes, *layout.others))


def _make(candidates: Sequence[Layout], asked: LayoutName | None) -> Operation[Layout]:
    # Another process may have been faster.
    layout, _ = yield from _recognise(candidates, asked)
    yield Write([Statement(sql) for sql in layout.schema])
    return layout


class Listing:
    """Checkpoints that fit some conditions, newest first; see ``BaseCheckpointSaver.list``.

    It holds no cursor. The places of checkpoints are read ahead, since they come from an index alone, or with their
    metadata where that is compared; then the checkpoints themselves, one at first and more the further one goes.
    """

    def __init__(
        self,
        layout: Layout,
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

    def advance(self) -> Procedure[CheckpointTuple | None]:
        """Return the next checkpoint, or ``None`` after the last one."""
        layout = self._layout
        while not self._ready:
            count = self._bodies if self._left is None else min(self._bodies, self._left)
            while len(self._places) < count and not self._over:
                yield from self._read_places()
            chosen = [self._places.popleft() for _ in range(min(count, len(self._places)))]
            if not chosen:
                return None
            self._bodies = min(self._bodies * 2, MOST_BODIES)
            rows = yield Read(
                f"{_wanted(len(chosen))} SELECT {layout.body} FROM {_among(layout.checkpoints)}", _flat(chosen)
            )
            # Fewer than were chosen if some were deleted since; then it goes on with the next ones.
            rows.sort(key=_order, reverse=True)
            if rows:
                self._ready.extend((yield from layout.tuples(rows, self._serde)))
        if self._left is not None:
            self._left -= 1
        return self._ready.popleft()

    def _read_places(self) -> Procedure[None]:
        conditions, parameters = [*self._conditions], [*self._parameters]
        if self._last is not None:
            conditions.append("(checkpoint_id, thread_id, checkpoint_ns) < (?, ?, ?)")
            parameters += _order(self._last)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        metadata = ", metadata" if self._filter else ""
        rows = yield Read(
            f"SELECT thread_id, checkpoint_ns, checkpoint_id{metadata} FROM {self._layout.checkpoints} {where} "
            f"ORDER BY checkpoint_id DESC, thread_id DESC, checkpoint_ns DESC LIMIT {_PLACES}",
            parameters,
        )
        self._over = len(rows) < _PLACES
        for row in rows:
            self._last = row[:3]
            if not self._filter or matches(load_metadata(row[3], f"Checkpoint {row[2]!r}"), self._filter):
                self._places.append(row[:3])


def _order(row: Row) -> Row:
    return row[2], row[0], row[1]


def _copy(policy: str, table: str, columns: str) -> str:
    return (
        f"INSERT OR {policy} INTO {table} (thread_id, {columns}) SELECT ?, {columns} FROM {table} WHERE thread_id = ?"
    )


# Places as a table, and first in a join that isn't reordered: a list of triples after IN would have SQLite look at
# each row there is, see https://sqlite.org/rowvalue.html and https://sqlite.org/optoverview.html#crossjoin
def _wanted(count: int) -> str:
    return f"WITH wanted (thread, ns, id) AS (VALUES {', '.join(['(?, ?, ?)'] * count)})"


def _among(table: str) -> str:
    return f"wanted CROSS JOIN {table} ON thread_id = thread AND checkpoint_ns = ns AND checkpoint_id = id"


def _flat(rows: Iterable[Row]) -> list[Any]:
    return [value for row in rows for value in row]


__all__ = ("ANY", "MOST_BODIES", "THERE", "WRITE", "Layout", "LayoutError", "LayoutName", "Listing", "choose")
