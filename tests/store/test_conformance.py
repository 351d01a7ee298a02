"""The public suite, run against every store of ours in both colours."""

from __future__ import annotations

from typing import Any

from rxgraph.store.memory import InMemoryStore
from rxgraph.store.sqlite import SqliteStore
from rxgraph.store.sqlite.aio import AsyncSqliteStore
from rxgraph.testing import StoreConformance


class TestInMemoryStore(StoreConformance):
    def create(self, **options: Any) -> Any:
        return InMemoryStore(**options)


class TestInMemoryStoreAsync(TestInMemoryStore):
    colour = "async"


class TestSqliteStore(StoreConformance):
    def create(self, **options: Any) -> Any:
        return SqliteStore.from_conn_string(":memory:", **options)


class TestSqliteStoreAsync(TestSqliteStore):
    colour = "async"


class TestAsyncSqliteStore(StoreConformance):
    colour = "async"

    def create(self, **options: Any) -> Any:
        return AsyncSqliteStore.from_conn_string(":memory:", **options)


class TestAsyncSqliteStoreSync(TestAsyncSqliteStore):
    colour = "sync"
