"""The file: sharing it, what is in it, and what others did to it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.cache.sqlite import SqliteCache as TheirCache

from rxgraph.cache.memory import InMemoryCache
from rxgraph.cache.sqlite import SqliteCache
from rxgraph.checkpoint.serde.errors import BlockedTypeError, CorruptValueError, UnserializableValueError
from rxgraph.testing import ManualClock

KEY = (("n", "m"), "k")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache.db")


def change(path: str, sql: str, *parameters: Any) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(sql, parameters)
        conn.commit()


def test_the_file_is_in_wal_mode_and_outlives_the_cache(path: str) -> None:
    with SqliteCache[int](path=path) as cache:
        cache.set({KEY: (1, None)})
        cache.close()
    with SqliteCache[int](path=Path(path)) as cache:
        assert cache.get([KEY, KEY]) == {KEY: 1}
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_both_runtimes_read_one_file(path: str) -> None:
    theirs = TheirCache(path=path)
    theirs.set({KEY: ([1, {"a": 2}], None)})
    with SqliteCache[Any](path=path) as ours:
        assert ours.get([KEY]) == {KEY: [1, {"a": 2}]}
        ours.set({KEY: ("ours", 60)})
        assert theirs.get([KEY]) == {KEY: "ours"}
    theirs._conn.close()


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("val", b"\xc1", CorruptValueError),
        ("val", b"", CorruptValueError),
        ("val", "text", CorruptValueError),
        ("encoding", "nonsense", CorruptValueError),
        ("encoding", "pickle", CorruptValueError),
        ("encoding", b"msgpack", CorruptValueError),
        ("expiry", "soon", CorruptValueError),
    ],
)
def test_a_tampered_entry_is_a_typed_error_and_stays(path: str, column: str, value: Any, error: type) -> None:
    with SqliteCache[Any](path=path) as cache:
        cache.set({KEY: ({"a": 1}, None)})
        change(path, f"UPDATE cache SET {column} = ?", value)
        with pytest.raises(error):
            cache.get([KEY])
        with closing(sqlite3.connect(path)) as conn:
            assert conn.execute(f"SELECT {column} FROM cache").fetchone() == (value,)
        cache.set({KEY: (2, None)})
        assert cache.get([KEY]) == {KEY: 2}


class Mine:
    def __init__(self, name: str) -> None:
        self.name = name


def test_nothing_is_pickled_and_no_strange_class_is_made(path: str) -> None:
    import ormsgpack

    with SqliteCache[Any](path=path) as cache:
        for one in (cache, InMemoryCache[Any]()):
            with pytest.raises(UnserializableValueError):
                one.set({KEY: (Mine("x"), None)})
        cache.set({KEY: (1, None)})
        evil = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(["os", "system", "true"])))
        change(path, "UPDATE cache SET val = ?", evil)
        with pytest.raises(BlockedTypeError) as caught:
            cache.get([KEY])
        assert "'k'" in caught.value.__notes__[0]


def test_sweep_deletes_what_is_past_its_time(path: str) -> None:
    clock = ManualClock()
    with SqliteCache[int](path=path, clock=clock) as cache:
        cache.set({(("n",), str(number)): (number, number) for number in range(5)})
        clock.advance(2)
        assert cache.get([(("n",), "1")]) == {}
        assert cache.sweep() == 2
        assert cache.sweep() == 0
        assert len(cache.get([(("n",), str(number)) for number in range(5)])) == 2


def test_threads_share_a_cache_and_processes_a_file(path: str) -> None:
    program = """
import sys
from rxgraph.cache.sqlite import SqliteCache
with SqliteCache(path=sys.argv[1]) as cache:
    for number in range(40):
        cache.set({((sys.argv[2],), str(number)): (number, None)})
"""
    with SqliteCache[int](path=path) as cache:
        children = [subprocess.Popen([sys.executable, "-c", program, path, name]) for name in ("p", "q")]

        def work(name: str) -> None:
            for number in range(40):
                cache.set({((name,), str(number)): (number, None)})

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, "abcd"))
        assert [child.wait(60) for child in children] == [0, 0]
        for name in "abcdpq":
            keys = [((name,), str(number)) for number in range(40)]
            assert list(cache.get(keys).values()) == list(range(40))


def test_repr() -> None:
    with SqliteCache[int](path=":memory:") as cache:
        assert repr(cache) == "<SqliteCache ':memory:'>"
    memory = InMemoryCache[int]()
    memory.set({KEY: (1, None)})
    assert repr(memory) == "<InMemoryCache 1 entries>"
