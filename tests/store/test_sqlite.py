"""The file: sharing it with threads, processes and LangGraph, and what others did to it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.sqlite import SqliteStore as TheirStore

from rxgraph.checkpoint.serde.errors import CorruptValueError, UnserializableValueError
from rxgraph.errors import LaneError
from rxgraph.store.base import GetOp, PutOp
from rxgraph.store.sqlite import SqliteStore
from rxgraph.store.sqlite.aio import AsyncSqliteStore
from rxgraph.testing import ManualClock


def embed(texts: Any) -> list[list[float]]:
    return [[float(text.count("a")), float(text.count("b"))] for text in texts]


INDEX: Any = {"dims": 2, "embed": embed, "fields": ["t"]}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


@pytest.fixture
def store(path: str) -> Iterator[SqliteStore]:
    with SqliteStore.from_conn_string(path, index=INDEX) as opened:
        yield opened


def rows(path: str, sql: str, *parameters: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as conn:
        found = conn.execute(sql, parameters).fetchall()
        conn.commit()
        return found


def test_the_file_is_in_wal_mode_and_outlives_the_store(path: str) -> None:
    with SqliteStore.from_conn_string(path) as store:
        store.put(("a",), "k", {"v": "\ud800é"})
    with SqliteStore.from_conn_string(path) as store:
        item = store.get(("a",), "k")
        assert item is not None
        assert item.value == {"v": "\ud800é"}
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_both_runtimes_work_on_one_file(path: str, first: str) -> None:
    def ours() -> None:
        with SqliteStore.from_conn_string(path, index=INDEX) as store:
            store.put(("us", "x"), "k", {"by": "ours", "t": "a"}, ttl=5)

    def theirs() -> None:
        with TheirStore.from_conn_string(path) as store:
            store.setup()
            store.put(("them", "x"), "k", {"by": "theirs", "t": "é"}, ttl=5)

    for write in (ours, theirs) if first == "ours" else (theirs, ours):
        write()
    with SqliteStore.from_conn_string(path) as store:
        assert {item.value["by"] for item in store.search(())} == {"ours", "theirs"}
        item = store.get(("them", "x"), "k")
        assert item is not None
        assert item.created_at.tzinfo is not None
    with TheirStore.from_conn_string(path) as store:
        store.setup()
        assert {item.value["by"] for item in store.search(())} == {"ours", "theirs"}
        assert store.list_namespaces() == [("them", "x"), ("us", "x")]
        store.put(("us", "x"), "k", {"by": "theirs", "t": "a"})
    with SqliteStore.from_conn_string(path, index=INDEX) as store:
        # Their put made our embedding one of an older value.
        assert {item.score for item in store.search((), query="a")} == {None}


def test_an_older_table_gets_the_columns_that_it_lacks(path: str) -> None:
    rows(
        path,
        "CREATE TABLE store (prefix text NOT NULL, key text NOT NULL, value text NOT NULL,"
        " created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,"
        " PRIMARY KEY (prefix, key))",
    )
    rows(path, "INSERT INTO store (prefix, key, value) VALUES ('a.b', 'k', '{}')")
    with SqliteStore.from_conn_string(path) as store:
        assert store.get(("a", "b"), "k") is not None
        store.put(("a", "b"), "k", {"v": 1}, ttl=1)
    with TheirStore.from_conn_string(path) as theirs:
        theirs.setup()
        assert [item.value for item in theirs.search(())] == [{"v": 1}]


@pytest.mark.parametrize(
    ("sql", "found_by"),
    [
        ("UPDATE store SET value = 'nonsense'", "get search"),
        ("UPDATE store SET value = x'ff'", "get search"),
        ("UPDATE store SET value = 7", "get search"),
        ("UPDATE store SET value = '[1]'", "get search"),
        ("UPDATE store SET created_at = 'soon'", "get search"),
        ("UPDATE store SET updated_at = NULL", "get search"),
        ("UPDATE store SET updated_at = x'00'", "get search"),
        ("UPDATE store SET ttl_minutes = 'long'", "get search"),
        ("UPDATE store SET prefix = ''", "all list"),
        ("UPDATE store SET prefix = x'00'", "all list"),
        ("UPDATE store_embeddings SET embedding = x'000000'", "query"),
        ("UPDATE store_embeddings SET embedding = 'text'", "query"),
    ],
)
def test_a_tampered_row_is_a_typed_error_and_stays(path: str, store: SqliteStore, sql: str, found_by: str) -> None:
    store.put(("a",), "k", {"t": "a"}, ttl=5)
    rows(path, sql)
    before = rows(path, "SELECT * FROM store LEFT JOIN store_embeddings")
    read = {
        "get": lambda: store.batch([PutOp(("z",), "k", {}), GetOp(("a",), "k")]),
        "search": lambda: store.search(("a",)),
        "all": lambda: store.search(()),
        "list": store.list_namespaces,
        "query": lambda: store.search(("a",), query="a"),
    }
    for name in found_by.split():
        with pytest.raises(CorruptValueError):
            read[name]()
    assert rows(path, "SELECT * FROM store LEFT JOIN store_embeddings") == before
    store.delete(("a",), "k")
    store.put(("a",), "k", {"t": "b"})
    item = store.get(("a",), "k")
    assert item is not None
    assert item.value == {"t": "b"}


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {2}]}, r"\['a'\]\[1\]"),
        ({"a": {1: 2}}, r"\['a'\]"),
        ({"a": float("nan")}, r"\['a'\]"),
        ({"a": b"x"}, r"\['a'\]"),
    ],
)
def test_what_json_does_not_have_is_refused_where_it_stands(store: SqliteStore, value: Any, where: str) -> None:
    with pytest.raises(UnserializableValueError, match=where):
        store.batch([PutOp(("a",), "fine", {}), PutOp(("a",), "k", value)])
    assert store.search(()) == []


def test_text_of_callers_never_becomes_sql(store: SqliteStore) -> None:
    evil = "x') OR 1=1; DROP TABLE store; --"
    store.put(("a", evil), evil, {evil: evil})
    store.put(("b",), "k", {})
    assert [item.key for item in store.search(("a", evil), filter={evil: evil})] == [evil]
    assert store.search(("a", "x"), filter={evil: {"$gt": evil}}) == []
    assert store.list_namespaces(suffix=(evil,)) == [("a", evil)]
    store.delete(("a", evil), evil)
    assert [item.key for item in store.search(())] == ["k"]


def test_what_was_put_last_comes_first(path: str) -> None:
    clock = ManualClock()
    with SqliteStore.from_conn_string(path, clock=clock) as store:
        for number in range(1200):
            store.batch([PutOp(("a",), str(number), {"n": number})]) if number % 400 == 0 else None
            clock.advance(1)
        store.batch([PutOp(("b",), str(number), {"n": number}) for number in range(1200)])
        assert [item.key for item in store.search(("a",))] == ["800", "400", "0"]
        # The filter leaves the last two of the rows, which are read page by page.
        assert [item.key for item in store.search(("b",), filter={"n": {"$lt": 2}})] == ["1", "0"]
        assert len(store.search(("b",), limit=5000)) == 1200


def test_threads_share_a_store_and_processes_a_file(path: str) -> None:
    program = """
import sys
from rxgraph.store.sqlite import SqliteStore
with SqliteStore.from_conn_string(sys.argv[1]) as store:
    for number in range(30):
        store.put((sys.argv[2],), str(number), {"n": number})
"""
    children = [subprocess.Popen([sys.executable, "-c", program, path, name]) for name in ("p", "q")]
    with SqliteStore.from_conn_string(path) as store:

        def work(name: str) -> None:
            for number in range(30):
                store.put((name,), str(number), {"n": number})
                assert len(store.search((name,), limit=100)) == number + 1

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, "abcd"))
        assert [child.wait(60) for child in children] == [0, 0]
        for name in "abcdpq":
            assert len(store.search((name,), limit=100)) == 30


def test_a_failed_write_leaves_nothing_behind(path: str, store: SqliteStore) -> None:
    store.put(("a",), "k", {"v": 1})
    rows(path, "CREATE TRIGGER no BEFORE INSERT ON store WHEN NEW.key = 'bad' BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        store.batch([PutOp(("a",), "k", {"v": 2}), PutOp(("a",), "bad", {})])
    item = store.get(("a",), "k")
    assert item is not None
    assert item.value == {"v": 1}


async def test_the_async_store_serves_other_threads_and_refuses_its_own(path: str) -> None:
    async with AsyncSqliteStore.from_conn_string(path) as store:
        await asyncio.to_thread(store.put, ("a",), "k", {"v": 1})
        with pytest.raises(LaneError, match=r"await store\.aget"):
            store.get(("a",), "k")
        assert (await store.aget(("a",), "k")) == await asyncio.to_thread(store.get, ("a",), "k")
        task = await store.start_ttl_sweeper(60)
        assert await store.start_ttl_sweeper() is task
    assert task.cancelled()
    assert await store.stop_ttl_sweeper()


async def test_a_cancelled_put_is_whole_or_not_there(path: str) -> None:
    async with AsyncSqliteStore.from_conn_string(path) as store:
        await store.setup()
        for turns in range(12):
            ops = [PutOp((f"n{turns}",), str(number), {}) for number in range(3)]
            task = asyncio.create_task(store.abatch(ops))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert len(await store.asearch((f"n{turns}",))) in (0, 3)
            assert not store.conn.in_transaction


def test_a_sweep_takes_the_embeddings_too(path: str) -> None:
    clock = ManualClock()
    with SqliteStore.from_conn_string(path, clock=clock, index=INDEX) as store:
        store.put(("a",), "k", {"t": "a"}, ttl=1)
        store.put(("a",), "ever", {"t": "a"})
        clock.advance(60)
        assert store.sweep_ttl() == 1
        assert rows(path, "SELECT key FROM store_embeddings") == [("ever",)]
        store.delete(("a",), "ever")
        assert rows(path, "SELECT key FROM store_embeddings") == []


def test_repr_names_the_connection(store: SqliteStore) -> None:
    assert repr(store).startswith("<SqliteStore <sqlite3.Connection")
