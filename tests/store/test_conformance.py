"""The public suite, run against every store of ours in both colours, and against a row of broken ones."""

from __future__ import annotations

from typing import Any

from rxgraph.store.memory import InMemoryStore
from rxgraph.testing import StoreConformance


class TestInMemoryStore(StoreConformance):
    def create(self, *, clock: Any, ttl: Any = None, index: Any = None) -> Any:
        return InMemoryStore(clock=clock, ttl=ttl, index=index)


class TestInMemoryStoreAsync(TestInMemoryStore):
    colour = "async"
