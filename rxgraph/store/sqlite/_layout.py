"""The tables of a store, and all SQL on them.

``store`` is LangGraph's: one row for each item, its labels joined by dots, its value as JSON, so that both runtimes
work on one file. ``store_embeddings`` is ours: an embedding counts only while its ``updated_at`` is that of the item,
so an item that another runtime overwrites loses its embeddings by that.

Values only ever reach SQL as parameters. Filters never do: they are predicates, applied to rows outside of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from rxgraph.checkpoint.sqlite._effects import Effect, Read, Statement, Write
from rxgraph.store._batch import Address, Batch
from rxgraph.store._index import Embed, Embedded, Index, embedding, rank
from rxgraph.store._lifetime import Lifetime
from rxgraph.store.base import GetOp, Item, ListNamespacesOp, PutOp, Result, SearchItem, SearchOp, matcher
from rxgraph.store.base._embeddings import Vector
from rxgraph.store.base._namespaces import listing
from rxgraph.store.sqlite._codec import (
    dump_date,
    dump_namespace,
    dump_value,
    dump_vector,
    load_date,
    load_namespace,
    load_ttl,
    load_value,
    load_vector,
)

T = TypeVar("T")
StoreEffect: TypeAlias = Effect | Embed
Operation: TypeAlias = Generator[StoreEffect, Any, T]

_STORE: Final = """
    CREATE TABLE IF NOT EXISTS store (
        prefix TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        expires_at TIMESTAMP,
        ttl_minutes REAL,
        PRIMARY KEY (prefix, key)
    )
"""
_EMBEDDINGS: Final = """
    CREATE TABLE IF NOT EXISTS store_embeddings (
        prefix TEXT NOT NULL,
        key TEXT NOT NULL,
        field TEXT NOT NULL,
        updated_at TIMESTAMP NOT NULL,
        embedding BLOB NOT NULL,
        PRIMARY KEY (prefix, key, field)
    )
"""
_EXPIRES: Final = "CREATE INDEX IF NOT EXISTS idx_store_expires_at ON store (expires_at) WHERE expires_at IS NOT NULL"
# LangGraph's stores make no table anew when this one says that they did.
_MIGRATIONS: Final = "CREATE TABLE IF NOT EXISTS store_migrations (v INTEGER PRIMARY KEY)"
_MIGRATED: Final = Statement("INSERT OR IGNORE INTO store_migrations (v) VALUES (?)", [(v,) for v in range(5)])

_COLUMNS: Final = "prefix, key, value, created_at, updated_at, ttl_minutes, rowid"
_LIVES: Final = "(expires_at IS NULL OR expires_at > ?)"
# A dot sorts right before a slash, so these are the namespaces below one.
_BELOW: Final = "(prefix = ? OR (prefix > ? || '.' AND prefix < ? || '/'))"
_ORDER: Final = "ORDER BY updated_at DESC, rowid DESC"
_PUT: Final = """
    INSERT INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (prefix, key) DO UPDATE SET
        value = excluded.value,
        created_at = CASE WHEN expires_at <= ? THEN excluded.created_at
                          ELSE coalesce(created_at, excluded.created_at) END,
        updated_at = excluded.updated_at,
        expires_at = excluded.expires_at,
        ttl_minutes = excluded.ttl_minutes
"""
_PAGE: Final = 1000
# Text that sorts before every date, for stores that give items until they are swept away.
_NEVER: Final = ""

Row: TypeAlias = Sequence[Any]
Matcher: TypeAlias = Callable[[Mapping[str, Any]], bool]


class StoreLayout:
    """Operations on the tables; each is a generator of effects for a store to perform.

    Args:
        index: What embeds texts, if anything.
        lifetime: The clock and the rules of expiry.
    """

    def __init__(self, index: Index | None, lifetime: Lifetime) -> None:
        self._index = index
        self._lifetime = lifetime

    def setup(self) -> Operation[None]:
        """Make the tables if they aren't there, and let readers and the writer of the file work side by side."""
        try:
            mode = yield Read("PRAGMA journal_mode")
            if mode[0][0] != "wal":
                yield Read("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Another process opens the file right now, or nobody may write to it. All works without, only slower.
            pass
        columns = {row[1] for row in (yield Read("PRAGMA table_info(store)"))}
        for column, kind in (("expires_at", "TIMESTAMP"), ("ttl_minutes", "REAL")):
            if columns and column not in columns:
                try:
                    yield Write((Statement(f"ALTER TABLE store ADD COLUMN {column} {kind}"),))
                except sqlite3.OperationalError:
                    # Another process has just added it, or the next statement says what is wrong.
                    pass
        yield Write((Statement(_STORE), Statement(_EMBEDDINGS), Statement(_EXPIRES), Statement(_MIGRATIONS), _MIGRATED))

    def batch(self, batch: Batch) -> Operation[list[Result]]:
        """Read, then write in one transaction."""
        results: list[Result] = [None] * batch.size
        matchers = {place: matcher(op.filter) for place, op in batch.reads if isinstance(op, SearchOp)}
        values = {address: dump_value(op.value) for address, op in batch.puts.items() if op.value is not None}
        vectors = yield from embedding(batch, self._index)
        now = self._lifetime.now()
        refreshed: list[Row] = []
        for place, op in batch.reads:
            if isinstance(op, GetOp):
                results[place] = yield from self._get(op, now, refreshed)
            elif isinstance(op, SearchOp):
                results[place] = yield from self._search(op, matchers[place], vectors, now, refreshed)
            else:
                results[place] = yield from self._list(op, now)
        statements = self._changes(batch.puts, values, vectors, now)
        if refreshed:
            sql = "UPDATE store SET expires_at = ? WHERE prefix = ? AND key = ? AND updated_at IS ?"
            statements.insert(0, Statement(sql, refreshed))
        if statements:
            yield Write(statements)
        return results

    def sweep(self) -> Operation[int]:
        """Delete what is past its time, and say how many items that were."""
        now = dump_date(self._lifetime.now())
        rows = yield Read("SELECT prefix, key, expires_at FROM store WHERE expires_at <= ?", (now,))
        if rows:
            # An item that was refreshed or put again meanwhile stays.
            gone = "DELETE FROM store WHERE prefix = ? AND key = ? AND expires_at = ?"
            orphans = "DELETE FROM store_embeddings WHERE prefix = ? AND key = ? AND NOT EXISTS (SELECT 1 FROM store s"
            orphans += " WHERE s.prefix = store_embeddings.prefix AND s.key = store_embeddings.key)"
            yield Write((Statement(gone, rows), Statement(orphans, [row[:2] for row in rows])))
        return len(rows)

    # Reading

    def _moment(self, now: datetime) -> str | None:
        return dump_date(now) if self._lifetime.omit_expired else _NEVER

    def _get(self, op: GetOp, now: datetime, refreshed: list[Row]) -> Operation[Item | None]:
        sql = f"SELECT {_COLUMNS} FROM store WHERE prefix = ? AND key = ? AND {_LIVES}"
        rows = yield Read(sql, (dump_namespace(op.namespace), op.key, self._moment(now)))
        if not rows:
            return None
        if op.refresh_ttl:
            self._refresh(rows[0], now, refreshed)
        found = _search_item(rows[0], load_value(rows[0][2], _where(rows[0])), None)
        return Item(
            value=found.value,
            key=found.key,
            namespace=found.namespace,
            created_at=found.created_at,
            updated_at=found.updated_at,
        )

    def _search(
        self, op: SearchOp, matches: Matcher, vectors: Embedded, now: datetime, refreshed: list[Row]
    ) -> Operation[list[SearchItem]]:
        query = vectors.queries.get(op.query) if op.query else None
        wanted = None if query is not None else op.offset + op.limit
        found = yield from self._scan(op, matches, now, wanted)
        scored: list[tuple[tuple[Row, dict[str, Any]], float | None]]
        if query is None:
            scored = [(one, None) for one in found]
        else:
            by_address = yield from self._vectors(op)
            scored = rank([(one, by_address.get((one[0][0], one[0][1]), [])) for one in found], query)
        part = scored[op.offset : op.offset + op.limit]
        if op.refresh_ttl:
            for (row, _), _score in part:
                self._refresh(row, now, refreshed)
        return [_search_item(row, value, score) for (row, value), score in part]

    def _scan(
        self, op: SearchOp, matches: Matcher, now: datetime, wanted: int | None
    ) -> Operation[list[tuple[Row, dict[str, Any]]]]:
        """Give the rows under the prefix that match, as many as are wanted, page by page."""
        where, parameters = _below(op.namespace_prefix)
        sql = f"SELECT {_COLUMNS} FROM store WHERE {where} AND {_LIVES}"
        parameters = (*parameters, self._moment(now))
        found: list[tuple[Row, dict[str, Any]]] = []
        if wanted == 0:
            return found
        # As many as are wanted do if all match; the more don't, the more are asked for.
        size = _PAGE if wanted is None else min(wanted, _PAGE)
        after: Row | None = None
        while True:
            if after is None:
                rows = yield Read(f"{sql} {_ORDER} LIMIT ?", (*parameters, size))
            else:
                following = f"{sql} AND (updated_at, rowid) < (?, ?) {_ORDER} LIMIT ?"
                rows = yield Read(following, (*parameters, after[4], after[6], size))
            for row in rows:
                value = load_value(row[2], _where(row))
                if matches(value):
                    found.append((row, value))
                    if len(found) == wanted:
                        return found
            if len(rows) < size:
                return found
            after, size = rows[-1], min(4 * size, _PAGE)

    def _vectors(self, op: SearchOp) -> Operation[dict[tuple[Any, Any], list[Vector]]]:
        where, parameters = _below(op.namespace_prefix)
        sql = f"""
            SELECT prefix, key, embedding FROM store_embeddings JOIN store USING (prefix, key)
            WHERE {where} AND store.updated_at = store_embeddings.updated_at ORDER BY prefix, key, field
        """
        found: dict[tuple[Any, Any], list[Vector]] = {}
        for prefix, key, data in (yield Read(sql, parameters)):
            found.setdefault((prefix, key), []).append(load_vector(data, f"{key!r} in {prefix!r}"))
        return found

    def _list(self, op: ListNamespacesOp, now: datetime) -> Operation[list[tuple[str, ...]]]:
        rows = yield Read(f"SELECT DISTINCT prefix FROM store WHERE {_LIVES}", (self._moment(now),))
        return listing([load_namespace(prefix) for (prefix,) in rows], op)

    def _refresh(self, row: Row, now: datetime, refreshed: list[Row]) -> None:
        ttl = load_ttl(row[5], _where(row))
        if ttl is not None:
            refreshed.append((dump_date(self._lifetime.expiry(now, ttl)), row[0], row[1], row[4]))

    # Writing

    def _changes(
        self, puts: Mapping[Address, PutOp], values: Mapping[Address, str], vectors: Embedded, now: datetime
    ) -> list[Statement]:
        if not puts:
            return []
        stamp, moment = dump_date(now), self._moment(now)
        addresses: list[Row] = []
        deleted: list[Row] = []
        items: list[Row] = []
        embeddings: list[Row] = []
        for address, op in puts.items():
            place = (dump_namespace(op.namespace), op.key)
            addresses.append(place)
            if address not in values:
                deleted.append(place)
                continue
            expires_at = dump_date(self._lifetime.expiry(now, op.ttl))
            items.append((*place, values[address], stamp, stamp, expires_at, op.ttl, moment))
            for field, vector in vectors.items.get(address, {}).items():
                embeddings.append((*place, field, stamp, dump_vector(vector)))
        statements = [
            Statement("DELETE FROM store_embeddings WHERE prefix = ? AND key = ?", addresses),
            Statement("DELETE FROM store WHERE prefix = ? AND key = ?", deleted),
            Statement(_PUT, items),
            Statement(
                "INSERT INTO store_embeddings (prefix, key, field, updated_at, embedding) VALUES (?, ?, ?, ?, ?)",
                embeddings,
            ),
        ]
        return [statement for statement in statements if statement.rows]


def _below(prefix: Sequence[str]) -> tuple[str, tuple[str | None, ...]]:
    """Return a condition, one of two constants, and its parameters."""
    joined = dump_namespace(prefix)
    return (_BELOW, (joined,) * 3) if prefix else ("TRUE", ())


def _where(row: Row) -> str:
    return f"{row[1]!r} in {row[0]!r}"


def _search_item(row: Row, value: dict[str, Any], score: float | None) -> SearchItem:
    prefix, key, _, created_at, updated_at, *_ = row
    where = _where(row)
    created, updated = load_date(created_at, where), load_date(updated_at, where)
    return SearchItem(load_namespace(prefix), key, value, created, updated, score)


__all__ = ("Operation", "StoreEffect", "StoreLayout", "T")
