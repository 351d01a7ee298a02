"""The store that lives as long as the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from threading import Lock
from typing import Any, Final, Literal

from rxgraph.store._batch import Address, Batch
from rxgraph.store._index import Embedded, Index, Vectors, embedding, rank
from rxgraph.store._lifetime import Clock, Lifetime
from rxgraph.store._sweeper import SweptStore
from rxgraph.store.base import (
    NOT_PROVIDED,
    GetOp,
    IndexConfig,
    Item,
    NotProvided,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    matcher,
)
from rxgraph.store.base._namespaces import check_writable, listing, starts_with

# What nobody can change, so it needs no copy; most of the values that dicts hold.
_ATOMS: Final = frozenset((str, int, float, bool, bytes, type(None)))


@dataclass(slots=True)
class _Entry:
    namespace: tuple[str, ...]
    key: str
    value: dict[str, Any]
    flat: bool
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
        # Whether there ever was an item that doesn't live for ever.
        self._mortal = False
        # One operation on one key needs no batch, unless a derived class wants to see it.
        cls = type(self)
        self._direct = index is None and cls.batch is InMemoryStore.batch and cls.abatch is InMemoryStore.abatch

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations at once; see ``BaseStore.batch``."""
        batch = Batch.of(ops)
        if self._index is None:
            return self._perform(batch, _NO_VECTORS)
        work = embedding(batch, self._index)
        try:
            effect = next(work)
            while True:
                effect = work.send(self._index.embed(effect))
        except StopIteration as done:
            return self._perform(batch, done.value)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations at once; only embedding is awaited."""
        batch = Batch.of(ops)
        if self._index is None:
            return self._perform(batch, _NO_VECTORS)
        work = embedding(batch, self._index)
        try:
            effect = next(work)
            while True:
                effect = work.send(await self._index.aembed(effect))
        except StopIteration as done:
            return self._perform(batch, done.value)

    # The same as batches of one

    def get(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """Return the item, or ``None``; see ``BaseStore.get``."""
        if not self._direct or type(key) is not str or not self._knows(namespace):
            return super().get(namespace, key, refresh_ttl=refresh_ttl)
        if not self._mortal:
            with self._lock:
                entry = self._data.get(namespace, _NONE).get(key)
            return None if entry is None else _item(entry)
        op, now = self._get_op(namespace, key, refresh_ttl), self._lifetime.now()
        with self._lock:
            return self._get(op, now)

    def put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Keep a value; see ``BaseStore.put``."""
        if not self._direct or ttl is not NOT_PROVIDED or self.ttl_config or type(value) is not dict:
            super().put(namespace, key, value, index, ttl=ttl)
            return
        if not self._knows(namespace) or namespace[0] == "langgraph":
            check_writable(namespace)
        op = PutOp(namespace, str(key), value, index)
        copy, flat = _detached_dict(value)
        now = self._lifetime.now()
        with self._lock:
            self._put(op, copy, flat, {}, now)

    def delete(self, namespace: tuple[str, ...], key: str) -> None:
        """Forget an item; one that isn't there is fine."""
        if not self._direct or not self._knows(namespace):
            super().delete(namespace, key)
            return
        with self._lock:
            self._delete((namespace, str(key)))

    async def aget(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """Do what ``get`` does."""
        if self._direct:
            return self.get(namespace, key, refresh_ttl=refresh_ttl)
        return await super().aget(namespace, key, refresh_ttl=refresh_ttl)

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Do what ``put`` does."""
        if self._direct:
            self.put(namespace, key, value, index, ttl=ttl)
        else:
            await super().aput(namespace, key, value, index, ttl=ttl)

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """Do what ``delete`` does."""
        if self._direct:
            self.delete(namespace, key)
        else:
            await super().adelete(namespace, key)

    def _knows(self, namespace: object) -> bool:
        """Whether this is a namespace that has items, so that its labels needn't be checked again."""
        try:
            return type(namespace) is tuple and namespace in self._data
        except TypeError:
            # A label that can't be hashed is none; who checks it says so.
            return False

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

    def _perform(self, batch: Batch, vectors: Embedded) -> list[Result]:
        results: list[Result] = [None] * batch.size
        # What can fail comes before the lock and before anything is changed.
        matchers = {
            place: matcher(op.filter) for place, op in batch.reads if isinstance(op, SearchOp) and op.filter is not None
        }
        values = {address: _detached_dict(op.value) for address, op in batch.puts.items() if op.value is not None}
        now = self._lifetime.now()
        with self._lock:
            for place, op in batch.reads:
                if isinstance(op, GetOp):
                    results[place] = self._get(op, now)
                elif isinstance(op, SearchOp):
                    results[place] = self._search(op, matchers.get(place), vectors, now)
                else:
                    live = (
                        self._data.keys() if not self._mortal else [n for n in self._data if any(self._living(n, now))]
                    )
                    results[place] = listing(live, op)
            for address, put in batch.puts.items():
                if address in values:
                    self._put(put, *values[address], vectors.items.get(address, {}), now)
                else:
                    self._delete(address)
        return results

    def _living(self, namespace: tuple[str, ...], now: datetime) -> Iterable[_Entry]:
        entries = self._data.get(namespace, _NONE).values()
        return (entry for entry in entries if self._lives(entry, now)) if self._mortal else entries

    def _lives(self, entry: _Entry, now: datetime) -> bool:
        return entry.expires_at is None or entry.expires_at > now or not self._lifetime.omit_expired

    def _get(self, op: GetOp, now: datetime) -> Item | None:
        entry = self._data.get(op.namespace, _NONE).get(op.key)
        if entry is None or not self._lives(entry, now):
            return None
        if op.refresh_ttl and entry.ttl is not None:
            entry.expires_at = self._lifetime.expiry(now, entry.ttl)
        return _item(entry)

    def _search(
        self, op: SearchOp, matches: Callable[[Mapping[str, Any]], bool] | None, vectors: Embedded, now: datetime
    ) -> list[SearchItem]:
        # One after the other, and no further than the part that was asked for.
        found: Iterable[_Entry] = chain.from_iterable(
            self._living(namespace, now) for namespace in self._data if starts_with(namespace, op.namespace_prefix)
        )
        if matches is not None:
            found = (entry for entry in found if matches(entry.value))
        stop = op.offset + op.limit
        scored: Iterable[tuple[_Entry, float | None]]
        if op.query and op.query in vectors.queries:
            pairs = [(entry, list(entry.vectors.values())) for entry in found]
            scored = rank(pairs, vectors.queries[op.query])[op.offset : stop]
        else:
            scored = [(entry, None) for entry in islice(found, op.offset, stop)]
        if op.refresh_ttl and self._mortal:
            for entry, _ in scored:
                entry.expires_at = self._lifetime.expiry(now, entry.ttl)
        return [_search_item(entry, score) for entry, score in scored]

    def _put(self, op: PutOp, value: dict[str, Any], flat: bool, vectors: Vectors, now: datetime) -> None:
        entries = self._data.get(op.namespace)
        if entries is None:
            entries = self._data[op.namespace] = {}
        old = entries.get(op.key)
        # What is past its time isn't there, so this is the first put.
        created_at = old.created_at if old is not None and self._lives(old, now) else now
        expires_at = None if op.ttl is None else self._lifetime.expiry(now, op.ttl)
        if expires_at is not None:
            self._mortal = True
        entries[op.key] = _Entry(op.namespace, op.key, value, flat, created_at, now, op.ttl, expires_at, vectors)

    def _delete(self, address: Address) -> None:
        namespace, key = address
        entries = self._data.get(namespace)
        if entries is not None:
            entries.pop(key, None)
            if not entries:
                del self._data[namespace]


_NO_VECTORS: Final = Embedded({}, {})
_NONE: Final[dict[str, _Entry]] = {}


def _item(entry: _Entry) -> Item:
    # What is kept has the form already that the constructor would give it.
    item = Item.__new__(Item)
    item.value = entry.value.copy() if entry.flat else _detached(entry.value)
    item.key, item.namespace = entry.key, entry.namespace
    item.created_at, item.updated_at = entry.created_at, entry.updated_at
    return item


def _search_item(entry: _Entry, score: float | None) -> SearchItem:
    item = SearchItem.__new__(SearchItem)
    item.value = entry.value.copy() if entry.flat else _detached(entry.value)
    item.key, item.namespace = entry.key, entry.namespace
    item.created_at, item.updated_at, item.score = entry.created_at, entry.updated_at, score
    return item


def _detached_dict(value: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A copy of a value, and whether it holds nothing but what needs no copy."""
    copy = dict(value)
    if _ATOMS.issuperset(map(type, copy.values())):
        return copy, True
    return _detached(copy), False


def _detached(value: Any) -> Any:
    """Copy a value as far as containers go: what the caller changes later doesn't reach into the store."""
    kind = type(value)
    if kind is dict:
        if _ATOMS.issuperset(map(type, value.values())):
            return value.copy()
        return {key: item if type(item) in _ATOMS else _detached(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        if _ATOMS.issuperset(map(type, value)):
            return value[:]
        copy = [item if type(item) in _ATOMS else _detached(item) for item in value]
        return copy if kind is list else tuple(copy)
    if kind is set:
        return set(value)
    return value


__all__ = ("InMemoryStore",)
