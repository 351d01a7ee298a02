"""The public suite, run against every cache of ours in both colours."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest

from rxgraph.cache.base import BaseCache, FullKey, Namespace
from rxgraph.cache.memory import InMemoryCache
from rxgraph.cache.redis import RedisCache
from rxgraph.cache.sqlite import SqliteCache
from rxgraph.testing import CacheConformance, ManualClock


class TestInMemoryCache(CacheConformance):
    def create(self, *, clock: ManualClock) -> Any:
        return InMemoryCache(clock=clock)


class TestInMemoryCacheAsync(TestInMemoryCache):
    colour = "async"


class TestSqliteCache(CacheConformance):
    def create(self, *, clock: ManualClock) -> Any:
        return SqliteCache(path=":memory:", clock=clock)


class TestSqliteCacheAsync(TestSqliteCache):
    colour = "async"


class TestRedisCache(CacheConformance):
    @pytest.fixture(autouse=True)
    def _patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def create(self, *, clock: ManualClock) -> Any:
        client, advance = fakeredis.FakeRedis(), clock.advance

        def pass_by(seconds: float) -> None:
            # The server has a clock of its own; instead of it, what is left to its entries moves.
            advance(seconds)
            for key in client.scan_iter():
                if (left := client.pttl(key)) >= 0:
                    client.pexpire(key, left - int(seconds * 1000))

        self.monkeypatch.setattr(clock, "advance", pass_by)
        return RedisCache(client)


class TestRedisCacheAsync(TestRedisCache):
    colour = "async"


class Plain(BaseCache[Any]):
    """A user's cache, written with no more than the contract asks for."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.entries: dict[FullKey, Any] = {}

    def get(self, keys: Any) -> dict[FullKey, Any]:
        found = {key: self.entries[key] for key in keys if key in self.entries}
        return {
            key: self.serde.loads_typed(data) for key, (data, end) in found.items() if end is None or end > self.clock()
        }

    def set(self, pairs: Any) -> None:
        for key, (value, ttl) in pairs.items():
            self.entries[key] = self.serde.dumps_typed(value), None if ttl is None else self.clock() + ttl

    def clear(self, namespaces: list[Namespace] | None = None) -> None:
        self.entries = {
            key: entry for key, entry in self.entries.items() if namespaces is not None and key[0] not in namespaces
        }


class TestPlain(CacheConformance):
    def create(self, *, clock: ManualClock) -> Any:
        return Plain(clock)


class TestPlainAsync(TestPlain):
    colour = "async"
