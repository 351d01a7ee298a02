"""Tables of our own, which take what a superstep changed: values once, and long ones as what is new in them.

``rx_checkpoints`` has one row for each checkpoint, with short values in it and *refs*, the keys of the others.
``rx_values`` has those. A row holds the bytes of a value, a *snapshot*, or how they are made of those of another row
of the thread and namespace, its *base*. Its key is a digest of all that, with the key of the base in place of its
bytes, as in a Merkle tree: a key never comes to mean anything else, what is remembered of it never goes stale, and
damage shows, while a long value needn't be digested at each step. ``rx_writes`` has the pending writes.

1. Whatever a checkpoint in the file refers to is in the file, with all bases below it. A put looks, inside of its
   transaction, at what the parent refers to and relies on no more than that; what takes checkpoints out takes, in one
   transaction, only values out that no other checkpoint needs.
2. A base is older than the rows on top of it, so a chain of them ends at a snapshot.
3. To read a value takes no more than twice its bytes, and no more than `MOST_DELTAS` rows on top of the snapshot.

The figures and the case for recovery are in ``docs/sqlite-layout.md``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias, cast

from rxgraph.checkpoint._cache import Cache
from rxgraph.checkpoint.base import (
    Address,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    SerializerProtocol,
    get_checkpoint_metadata,
)
from rxgraph.checkpoint.serde.base import Pieces, dumps_pieces, whole
from rxgraph.checkpoint.serde.errors import CorruptValueError
from rxgraph.checkpoint.sqlite._codec import dump_metadata, load_checkpoint, load_metadata
from rxgraph.checkpoint.sqlite._effects import Atomic, Operation, Procedure, Read, Row, Statement, Write
from rxgraph.checkpoint.sqlite._layout import THERE, Layout
from rxgraph.checkpoint.sqlite._splice import recut, splice
from rxgraph.config import RunnableConfig

_CHECKPOINTS: Final = """
    CREATE TABLE IF NOT EXISTS rx_checkpoints (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        checkpoint_id TEXT NOT NULL,
        parent_checkpoint_id TEXT,
        type TEXT NOT NULL,
        body BLOB NOT NULL,
        refs TEXT NOT NULL,
        metadata BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
    )
"""
_VALUES: Final = """
    CREATE TABLE IF NOT EXISTS rx_values (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        key TEXT NOT NULL,
        base TEXT,
        type TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, key)
    )
"""
_WRITES: Final = """
    CREATE TABLE IF NOT EXISTS rx_writes (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        checkpoint_id TEXT NOT NULL,
        task_id TEXT NOT NULL,
        task_path TEXT NOT NULL,
        idx INTEGER NOT NULL,
        channel TEXT NOT NULL,
        type TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
    )
"""
_BODY: Final = "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, body, refs, metadata"
_VALUE: Final = "checkpoint_ns, key, base, type, data"
_PUT: Final = f"INSERT OR REPLACE INTO rx_checkpoints ({_BODY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_VALUE: Final = f"INSERT OR IGNORE INTO rx_values (thread_id, {_VALUE}) VALUES (?, ?, ?, ?, ?, ?)"
# UNION drops what it has seen, so it comes to an end in a damaged chain that goes round.
_FETCH: Final = f"""
    WITH RECURSIVE needed (wanted) AS (
        SELECT value FROM json_each(?)
        UNION SELECT base FROM needed JOIN rx_values ON {THERE} AND key = wanted WHERE base IS NOT NULL
    )
    SELECT key, base, type, data FROM needed JOIN rx_values ON {THERE} AND key = wanted
"""
_SWEEP: Final = """
    DELETE FROM rx_values WHERE thread_id = ?1 AND checkpoint_ns = ?2 AND key NOT IN (
        WITH RECURSIVE needed (wanted) AS (
            SELECT ref.value FROM rx_checkpoints, json_each(refs) AS ref WHERE thread_id = ?1 AND checkpoint_ns = ?2
            UNION SELECT base FROM needed JOIN rx_values
            ON thread_id = ?1 AND checkpoint_ns = ?2 AND key = wanted WHERE base IS NOT NULL
        )
        SELECT wanted FROM needed
    )
"""

MOST_DELTAS: Final = 64
"""How many rows stand on top of a snapshot at most."""
CACHE_BYTES: Final = 32 * 1024 * 1024
"""What is remembered of values, so that a put needn't read what the one before it wrote."""
# A delta with what several steps brought has no more than such a part of the value.
_MUCH: Final = 64
# Values up to this length stand in the row of the checkpoint: a row and a key of their own would take more.
_SHORT: Final = 64
# Below this length a snapshot is as good.
_LONG: Final = 512
_HEADS: Final = 256

Typed: TypeAlias = tuple[str, bytes | Pieces]
Refs: TypeAlias = dict[str, str]


class Link(NamedTuple):
    """A row that a value stands on: its key, how many bytes are read for it, and how often links became this one."""

    key: str
    cost: int
    level: int


class Value(NamedTuple):
    """A value in the file: its tag and bytes, how many are read for it, and the rows it stands on, nearest first."""

    tag: str
    blob: bytes | Pieces
    cost: int
    links: tuple[Link, ...] = ()


class Head(NamedTuple):
    """What is remembered of a checkpoint: enough to tell what the next one shares with it."""

    versions: ChannelVersions
    refs: Refs
    short: frozenset[str]


class CompactLayout(Layout):
    """Operations on tables in which a checkpoint costs what its superstep changed."""

    name = "compact"
    checkpoints = "rx_checkpoints"
    writes = "rx_writes"
    others = ("rx_values",)
    schema = (_CHECKPOINTS, _VALUES, _WRITES)
    body = _BODY

    def __init__(self) -> None:
        super().__init__()
        self._heads: Cache[Address, Head] = Cache(_HEADS)
        self._values: Cache[str, Value] = Cache(CACHE_BYTES, lambda value: len(value.blob))

    # Reading

    def tuples(self, rows: Sequence[Row], serde: SerializerProtocol) -> Procedure[list[CheckpointTuple]]:
        """Load checkpoints from their rows, with their writes; those that go meanwhile are left out."""
        values = []
        for row in rows:
            stored = yield from self._referred(row, _refs(row[6], _place(row)))
            values.append(stored)
        found = []
        for row, stored, writes in zip(rows, values, (yield from self.pending(rows, serde)), strict=True):
            if stored is None:
                continue
            thread, ns, id, parent, tag, data, _, metadata = row
            address = Address(thread, ns, id)
            checkpoint = load_checkpoint(serde, tag, data, address)
            short = frozenset(checkpoint["channel_values"])
            self._heads.put(address, Head(checkpoint["channel_versions"].copy(), _refs(row[6], _place(row)), short))
            for channel, value in stored.items():
                checkpoint["channel_values"][channel] = serde.loads_typed((value.tag, whole(value.blob)))
            found.append(
                CheckpointTuple(
                    address.config(),
                    checkpoint,
                    load_metadata(metadata, _place(row)),
                    address.at(parent).config() if parent else None,
                    writes,
                )
            )
        return found

    def values(self, row: Row, channels: Iterable[str], serde: SerializerProtocol) -> Procedure[dict[str, Any]]:
        """Load the short values of a checkpoint, and of the others those of these channels."""
        values = load_checkpoint(serde, row[4], row[5], Address(*row[:3]))["channel_values"]
        refs = _refs(row[6], _place(row))
        wanted = {channel: refs[channel] for channel in channels if channel in refs}
        for channel, value in ((yield from self._referred(row, wanted)) or {}).items():
            values[channel] = serde.loads_typed((value.tag, whole(value.blob)))
        return values

    def _referred(self, row: Row, refs: Refs) -> Procedure[dict[str, Value] | None]:
        """The bytes of some values of a checkpoint; ``None`` if it has gone from the file meanwhile."""
        found = yield from self._fetch(row[0], row[1], refs.values(), _place(row))
        missing = [channel for channel, key in refs.items() if key not in found]
        if missing:
            now = yield self.one("refs", Address(*row[:3]))
            if not now or now[0][0] != row[6]:
                return None
            raise CorruptValueError(
                f"{_place(row)} is damaged: the value of {missing[0]!r}, or one that it is made of, is not in the "
                "file. Something else than a saver wrote to this database."
            )
        return {channel: found[key] for channel, key in refs.items()}

    def _fetch(self, thread: str, ns: str, keys: Iterable[str], place: str) -> Operation[dict[str, Value]]:
        """Values by their keys, without those that aren't complete in the file.

        Raises:
            CorruptValueError: A row is not the one that its key was made of.
        """
        found: dict[str, Value] = {}
        wanted = set(keys)
        for key in wanted:
            value = self._values.get(key)
            if value is not None:
                found[key] = value
        wanted -= found.keys()
        if not wanted:
            return found
        rows = yield Read(_FETCH, (json.dumps(sorted(wanted)), thread, ns, thread, ns))
        stored = {key: rest for key, *rest in rows}
        for key in wanted:
            chain: list[str] = []
            at: Any = key
            while at in stored and len(chain) < len(stored):
                chain.append(at)
                at = stored[at][0]
            # Else a row is missing, or they go round.
            if at is None:
                chain.reverse()
                # What comes next may stand on any of them.
                built = _build([(step, stored[step]) for step in chain], place)
                found[key] = built[-1]
                for step, made in zip(chain, built, strict=True):
                    self._remember(step, made)
        return found

    def _remember(self, key: str, value: Value) -> None:
        if len(value.blob) >= _LONG:
            self._values.put(key, value)

    # Writing

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
        serde: SerializerProtocol,
    ) -> Procedure[RunnableConfig]:
        """Keep a checkpoint, and of its values those that its parent doesn't have."""
        parent = (address := Address.of(config)).id
        values, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
        head = self._heads.get(address) if parent else None
        short: dict[str, Any] = {}
        kept: Refs = {}
        fresh: dict[str, Typed] = {}
        for channel, value in values.items():
            version = versions.get(channel)
            if (
                head is not None
                and version is not None
                and channel not in new_versions
                and head.versions.get(channel) == version
            ):
                if channel in head.refs:
                    kept[channel] = head.refs[channel]
                    continue
                if channel in head.short:
                    short[channel] = value
                    continue
            typed = dumps_pieces(serde, value)
            if len(typed[1]) <= _SHORT:
                short[channel] = value
            else:
                fresh[channel] = typed
        body = cast(Checkpoint, {**checkpoint, "channel_values": short})
        facts = dump_metadata(get_checkpoint_metadata(config, metadata))
        made = address.at(checkpoint["id"])
        row = (*made, parent, *serde.dumps_typed(body))

        past: set[str] = set()

        def change() -> Operation[tuple[Refs, dict[str, Value]]]:
            yield from self.check_head(address, config)
            above = (yield self.one("refs", address)) if parent else ()
            theirs = _refs(above[0][0], _place(address)) if above else {}
            refs = {}
            for channel, key in kept.items():
                if theirs.get(channel) == key:
                    refs[channel] = key
                else:
                    # Somebody deleted or replaced the parent.
                    fresh[channel] = dumps_pieces(serde, values[channel])
            news: dict[str, Value] = {}
            rows = []
            for channel, typed in fresh.items():
                old = yield from self._base(address, channel, len(typed[1]), theirs)
                if old is not None and old[1][:2] == typed:
                    refs[channel] = old[0]
                    continue
                key, value, *stored = self._stored(typed, old)
                refs[channel], news[key] = key, value
                if old is not None:
                    past.update((old[0], *(link.key for link in old[1].links)))
                rows.append((*address[:2], key, *stored))
            write = Statement(_PUT, ((*row, json.dumps(refs), facts),))
            yield Write((Statement(_PUT_VALUE, rows), write) if rows else (write,))
            past.update(set(theirs.values()) - set(refs.values()))
            return refs, news

        refs, news = yield Atomic(change())
        self._heads.put(made, Head(versions.copy(), refs, frozenset(short)))
        # What comes next stands on the new values, or on what these stand on. Who forks from others reads them again.
        for key in past.difference(refs.values(), (link.key for value in news.values() for link in value.links)):
            self._values.drop(key)
        for key, value in news.items():
            self._remember(key, value)
        return made.config()

    def _base(self, address: Address, channel: str, size: int, theirs: Refs) -> Operation[tuple[str, Value] | None]:
        """The value of the parent to put one of this size on, and its key; none where that is damaged."""
        if size < _LONG:
            return None
        key = theirs.get(channel)
        if key is not None:
            try:
                found = yield from self._fetch(address.thread, address.ns, (key,), "Value")
            except CorruptValueError:
                return None
            return (key, found[key]) if key in found else None
        # An input is found again in the channels that it went to. Only a value that is at hand is worth a try.
        others = [(key, value) for key in set(theirs.values()) if (value := self._values.get(key)) is not None]
        return min(others, key=lambda one: abs(len(one[1].blob) - size), default=None)

    def _stored(self, typed: Typed, old: tuple[str, Value] | None) -> tuple[str, Value, str | None, str, bytes]:
        """The key of a new row, what it stands for, and its last columns: base, tag and data."""
        tag, blob = typed
        for base, value, links in () if old is None else self._bases(*old, len(blob)):
            # Where this fails it would have to be a snapshot whatever is new in it.
            if len(links) <= MOST_DELTAS and value.cost <= 2 * len(blob):
                delta = splice(value.blob, blob)
                if delta is not None and (cost := value.cost + len(delta)) <= 2 * len(blob):
                    return _key(base, tag, delta), Value(tag, blob, cost, links), base, tag, delta
        return _key("", tag, blob), Value(tag, blob, len(blob)), None, tag, whole(blob)

    def _bases(self, key: str, old: Value, size: int) -> Iterable[tuple[str, Value, tuple[Link, ...]]]:
        """What to put a value of this size on, with the links that it then has; best first, the old one last.

        Two links of a level become one of the next, as digits do when one counts, so a chain is as long as the
        logarithm of its steps. Its deltas then hold what several steps brought; where that is much, it stays apart.
        """
        best, level = 0, 0
        for place, link in enumerate(old.links, 1):
            if link.level > level or old.cost - link.cost > size // _MUCH:
                break
            level = link.level + 1
            # What isn't at hand is passed over: to read it takes longer than a chain is worth.
            if self._values.get(link.key) is not None:
                best = place
        if best:
            link, *rest = old.links[best - 1 :]
            base = self._values.get(link.key)
            if base is not None:
                yield link.key, base, (link._replace(level=level), *rest)
        yield key, old, (Link(key, old.cost, 0), *old.links)

    # Housekeeping

    def copies(self) -> list[str]:
        """Return the statements that copy a thread; a value that is there already is the same one."""
        values = f"INSERT OR IGNORE INTO rx_values (thread_id, {_VALUE}) SELECT ?, {_VALUE} FROM rx_values"
        return [*super().copies(), f"{values} WHERE thread_id = ?"]

    def sweep(self, places: Sequence[Row]) -> Iterable[Statement]:
        """Return what takes out the values that no checkpoint of these namespaces needs any more."""
        return (Statement(_SWEEP, places),) if places else ()


def _key(base: str, tag: str, data: bytes | Pieces) -> str:
    """The name of a row: 120 bits of a digest, which nobody finds a second row for."""
    digest = sha256(f"{base} {tag}\0".encode())
    for piece in data.pieces if isinstance(data, Pieces) else (data,):
        digest.update(piece)
    return b64encode(digest.digest()[:15], b"-_").decode()


def _build(chain: Sequence[tuple[str, Sequence[Any]]], place: str) -> list[Value]:
    """Make values of their rows, the snapshot first; all but the last one are left in pieces."""
    for key, (base, tag, data) in chain:
        # Which also says that the columns are text and bytes.
        if not isinstance(tag, str) or not isinstance(data, bytes) or key != _key(base or "", tag, data):
            raise CorruptValueError(
                f"{place} is damaged: a value is not the one that was saved. Something else than a saver wrote to "
                "this database."
            )
    values: list[Value] = []
    links: tuple[Link, ...] = ()
    pieces: Sequence[bytes | memoryview] = ()
    cost = 0
    for key, (_, tag, data) in chain:
        try:
            pieces = recut(pieces, data) if values else (data,)
        except ValueError as error:
            raise CorruptValueError(f"{place} is damaged: a value can't be put together ({error}).") from error
        cost += len(data)
        values.append(Value(tag, Pieces(tuple(pieces)), cost, links))
        links = (Link(key, cost, 0), *links)
    values[-1] = values[-1]._replace(blob=whole(values[-1].blob))
    return values


def _refs(text: Any, place: str) -> Refs:
    """The refs of a checkpoint.

    Raises:
        CorruptValueError: They are none.
    """
    try:
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise CorruptValueError(f"{place} is damaged: its refs are no JSON ({error}).") from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found.values()):
        raise CorruptValueError(f"{place} is damaged: its refs are not those of values.")
    return found


def _place(row: Row) -> str:
    return f"Checkpoint {row[2]!r} of thread {row[0]!r}"


__all__ = ("CACHE_BYTES", "MOST_DELTAS", "CompactLayout")
