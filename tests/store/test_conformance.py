"""The public suite, run against every store of ours in both colours, and against a row of broken ones."""

from __future__ import annotations

from typing import Any

import pytest

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


class Sharing(InMemoryStore):
    def batch(self, ops: Any) -> Any:
        ops = list(ops)
        results = super().batch(ops)
        for op in ops:
            if getattr(op, "value", None) is not None:
                self._data[op.namespace][op.key].value = op.value
        return results


class Forgetful(InMemoryStore):
    def batch(self, ops: Any) -> Any:
        return [super(Forgetful, self).batch([op])[0] for op in ops]


class Unsorted(InMemoryStore):
    def list_namespaces(self, **options: Any) -> Any:
        return super().list_namespaces(**options)[::-1]


class Immortal(InMemoryStore):
    def put(self, *args: Any, ttl: Any = None, **options: Any) -> None:
        super().put(*args, **options)


BROKEN = {
    "a_value_is_not_the_callers": Sharing,
    "reads_of_a_batch_come_first_and_the_last_put_wins": Forgetful,
    "a_refused_batch_changes_nothing": Forgetful,
    "namespaces_are_listed": Unsorted,
    "items_are_gone_after_their_time": Immortal,
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_store_is_found(rule: str) -> None:
    class Suite(StoreConformance):
        def create(self, **options: Any) -> Any:
            return BROKEN[rule](**options)

    (name,) = (name for name in dir(Suite) if name.endswith(rule))
    with pytest.raises(AssertionError):
        getattr(Suite(), name)()
