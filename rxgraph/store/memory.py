"""The store that lives as long as the process."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from rxgraph.store._batch import Address, Batch
from rxgraph.store._index import Embed, Embedded, Index, Vectors, embedding, rank
from rxgraph.store._lifetime import Clock, Lifetime
from rxgraph.store._sweeper import SweptStore
from rxgraph.store.base import GetOp, IndexConfig, Item, Op, PutOp, Result, SearchItem, SearchOp, TTLConfig, matcher
from rxgraph.store.base._embeddings import Vector
from rxgraph.store.base._namespaces import listing, starts_with


@dataclass(slots=True)
class _Entry:
    namespace: tuple[str, ...]
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    ttl: float | None
    expires_at: datetime | None
    vectors: Vectors


class InMemoryStore(SweptStore):
    """Keeps items in dicts; for tests, notebooks and programs that need no more.

    What is put and what is given are copies as far as dicts, lists, tuples and sets go; other objects are shared. It
    may be used from several threads and loops, and no batch sees half of another.

    Order: a search without a query gives namespaces, and keys in each, in the order of their first put.

    Args:
        index: How items are found by meaning; a search with a ``query`` ignores it without this.
        ttl: How long items live.
        clock: What time it is, in seconds since 1970.

    Example:
        >>> store = InMemoryStore()
        >>> store.put(("users", "ada"), "food", {"likes": "plums", "stars": 5})
        >>> [item.key for item in store.search(("users",), filter={"stars": {"$gte": 4}})]
        ['food']
    """

    def __init__(
        self, *, index: IndexConfig | None = None, ttl: TTLConfig | None = None, clock: Clock = time.time
    ) -> None:
        self.index_config = index
        self.ttl_config = ttl
        self._index = Index.of(index)
        self._lifetime = Lifetime(ttl, clock)
        self._lock = Lock()
        self._data: dict[tuple[str, ...], dict[str, _Entry]] = {}

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations at once; see ``BaseStore.batch``."""
        work = self._batch(Batch.of(ops))
        try:
            effect = next(work)
            while self._index is not None:
                effect = work.send(self._index.embed(effect))
        except StopIteration as done:
            results: list[Result] = done.value
            return results
        raise AssertionError("only an index is asked to embed")

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations at once; only embedding is awaited."""
        work = self._batch(Batch.of(ops))
        try:
            effect = next(work)
            while self._index is not None:
                effect = work.send(await self._index.aembed(effect))
        except StopIteration as done:
            results: list[Result] = done.value
            return results
        raise AssertionError("only an index is asked to embed")

    def sweep_ttl(self) -> int:
        """Delete the items that are past their time, and return how many there were."""
        now = self._lifetime.now()
        with self._lock:
            gone = [
                (entry.namespace, entry.key)
                for entries in self._data.values()
                for entry in entries.values()
                if entry.expires_at is not None and entry.expires_at <= now
            ]
            for address in gone:
                self._delete(address)
        return len(gone)

    def __repr__(self) -> str:
        items = sum(map(len, self._data.values()))
        return f"<{type(self).__name__} {items} items in {len(self._data)} namespaces>"

    def _batch(self, batch: Batch) -> Generator[Embed, list[Vector], list[Result]]:
        results: list[Result] = [None] * batch.size
        # What can fail comes before the lock and before anything is changed.
        matchers = {place: matcher(op.filter) for place, op in batch.reads if isinstance(op, SearchOp)}
        values = {address: _detached(dict(op.value)) for address, op in batch.puts.items() if op.value is not None}
        vectors = yield from embedding(batch, self._index)
        now = self._lifetime.now()
        with self._lock:
            for place, op in batch.reads:
                if isinstance(op, GetOp):
                    results[place] = self._get(op, now)
                elif isinstance(op, SearchOp):
                    results[place] = self._search(op, matchers[place], vectors, now)
                else:
                    live = [name for name in self._data if any(True for _ in self._living(name, now))]
                    results[place] = listing(live, op)
            for address, put in batch.puts.items():
                if address in values:
                    self._put(put, values[address], vectors.items.get(address, {}), now)
                else:
                    self._delete(address)
        return results

    def _living(self, namespace: tuple[str, ...], now: datetime) -> Iterator[_Entry]:
        for entry in self._data.get(namespace, {}).values():
            if self._lives(entry, now):
                yield entry

    def _lives(self, entry: _Entry, now: datetime) -> bool:
        return entry.expires_at is None or entry.expires_at > now or not self._lifetime.omit_expired

    def _get(self, op: GetOp, now: datetime) -> Item | None:
        entry = self._data.get(op.namespace, {}).get(op.key)
        if entry is None or not self._lives(entry, now):
            return None
        if op.refresh_ttl:
            entry.expires_at = self._lifetime.expiry(now, entry.ttl)
        return Item(
            value=_detached(entry.value),
            key=entry.key,
            namespace=entry.namespace,
            created_at=entry.created_at,
            updated_at=entry.updated_at,
        )

    def _search(self, op: SearchOp, matches: Any, vectors: Embedded, now: datetime) -> list[SearchItem]:
        found = [
            entry
            for namespace in self._data
            if starts_with(namespace, op.namespace_prefix)
            for entry in self._living(namespace, now)
            if matches(entry.value)
        ]
        part = slice(op.offset, op.offset + op.limit)
        scored: list[tuple[_Entry, float | None]]
        if op.query and op.query in vectors.queries:
            pairs = [(entry, list(entry.vectors.values())) for entry in found]
            scored = rank(pairs, vectors.queries[op.query])[part]
        else:
            scored = [(entry, None) for entry in found[part]]
        if op.refresh_ttl:
            for entry, _ in scored:
                entry.expires_at = self._lifetime.expiry(now, entry.ttl)
        return [
            SearchItem(e.namespace, e.key, _detached(e.value), e.created_at, e.updated_at, score) for e, score in scored
        ]

    def _put(self, op: PutOp, value: dict[str, Any], vectors: Vectors, now: datetime) -> None:
        entries = self._data.setdefault(op.namespace, {})
        old = entries.get(op.key)
        # What is past its time isn't there, so this is the first put.
        created_at = old.created_at if old is not None and self._lives(old, now) else now
        expires_at = self._lifetime.expiry(now, op.ttl)
        entries[op.key] = _Entry(op.namespace, op.key, value, created_at, now, op.ttl, expires_at, vectors)

    def _delete(self, address: Address) -> None:
        namespace, key = address
        entries = self._data.get(namespace)
        if entries is not None:
            entries.pop(key, None)
            if not entries:
                del self._data[namespace]


def _detached(value: Any) -> Any:
    """Copy a value as far as containers go: what the caller changes later doesn't reach into the store."""
    kind = type(value)
    if kind is dict:
        return {key: _detached(item) for key, item in value.items()}
    if kind is list:
        return [_detached(item) for item in value]
    if kind is tuple:
        return tuple([_detached(item) for item in value])
    if kind is set:
        return set(value)
    return value


__all__ = ("InMemoryStore",)
