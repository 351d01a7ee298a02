"""Both layouts of an SQLite file under every rule, which one a file gets, and two runs that meet on one."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.sqlite import SqliteSaver as Theirs

from rxgraph.checkpoint.base import empty_checkpoint
from rxgraph.checkpoint.sqlite import LayoutError, SqliteSaver
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from rxgraph.errors import CheckpointConflictError
from rxgraph.testing import SaverConformance

THREAD: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


class OnSqlite(SaverConformance):
    layout: Any = None
    file = False
    kind: Any = SqliteSaver

    @asynccontextmanager
    async def create(self) -> AsyncIterator[Any]:
        with TemporaryDirectory() as folder:
            path = f"{folder}/t.db" if self.file else ":memory:"
            opened = self.kind.from_conn_string(path, layout=self.layout)
            if self.kind is SqliteSaver:
                with opened as saver:
                    yield saver
            else:
                async with opened as saver:
                    yield saver


class TestCompactFile(OnSqlite):
    layout = "compact"
    file = True


class TestSharedFile(OnSqlite):
    layout = "langgraph"
    file = True


class TestSharedMemory(OnSqlite):
    layout = "langgraph"


class TestAsyncCompactFile(TestCompactFile):
    kind = AsyncSqliteSaver


class TestAsyncSharedFile(TestSharedFile):
    kind = AsyncSqliteSaver


class TestAsyncSharedMemory(TestSharedMemory):
    kind = AsyncSqliteSaver


del OnSqlite


@checkpointer_test(name="shared")
async def shared() -> AsyncIterator[Any]:
    with SqliteSaver.from_conn_string(":memory:", layout="langgraph") as saver:
        yield saver


@checkpointer_test(name="shared-aio")
async def shared_aio() -> AsyncIterator[Any]:
    async with AsyncSqliteSaver.from_conn_string(":memory:", layout="langgraph") as saver:
        yield saver


@pytest.mark.parametrize("registered", [shared, shared_aio], ids=lambda registered: registered.name)
async def test_langgraphs_tables_conform_fully(registered: Any) -> None:
    report = await validate(registered)
    assert report.passed_all()
    assert report.conformance_level() == "FULL"


# Which layout a file gets


def checkpoint(id: str, **values: Any) -> Any:
    return {
        **empty_checkpoint(),
        "id": id,
        "channel_values": values,
        "channel_versions": dict.fromkeys(values, f"{id:0>32}.0.5"),
    }


def tables(path: Any) -> set[str]:
    with closing(sqlite3.connect(path)) as conn:
        return {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def content(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "t.db")


SHARED = {"checkpoints", "writes"}
COMPACT = {"rx_checkpoints", "rx_values", "rx_writes"}


@pytest.mark.parametrize(("layout", "expected"), [(None, COMPACT), ("compact", COMPACT), ("langgraph", SHARED)])
async def test_a_new_file_gets_the_layout_that_was_asked_for(tmp_path: Path, layout: Any, expected: set[str]) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "1"), layout=layout) as saver:
        saver.put(THREAD, checkpoint("1"), {}, {})
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "2"), layout=layout) as other:
        await other.aput(THREAD, checkpoint("1"), {}, {})
    assert tables(tmp_path / "1") == tables(tmp_path / "2") == expected


async def test_a_file_of_langgraph_is_used_as_it_is(path: str) -> None:
    with Theirs.from_conn_string(path) as theirs:
        theirs.put(THREAD, checkpoint("1", x=[1]), {}, {})
        with SqliteSaver.from_conn_string(path) as saver:
            assert saver.get_tuple(THREAD).checkpoint["channel_values"] == {"x": [1]}
        async with AsyncSqliteSaver.from_conn_string(path) as other:
            # The first thing that it does, when it doesn't know the file yet.
            await other.aput(THREAD, checkpoint("2", x=[2]), {}, {})
        assert theirs.get_tuple(THREAD).checkpoint["channel_values"] == {"x": [2]}
    assert tables(path) == SHARED


def test_a_file_of_ours_stays_ours_when_langgraph_opens_it(path: str) -> None:
    """Their saver makes its tables in whatever file it is given."""
    with SqliteSaver.from_conn_string(path) as saver:
        saver.put(THREAD, checkpoint("1", x=[1]), {}, {})
    with Theirs.from_conn_string(path) as theirs:
        assert theirs.get_tuple(THREAD) is None
    with SqliteSaver.from_conn_string(path) as saver:
        assert saver.get_tuple(THREAD).checkpoint["channel_values"] == {"x": [1]}


@pytest.mark.parametrize(("made", "asked"), [("compact", "langgraph"), ("langgraph", "compact")])
async def test_another_layout_than_the_files_is_refused(path: str, made: Any, asked: Any) -> None:
    with SqliteSaver.from_conn_string(path, layout=made) as saver:
        saver.setup()
    before = content(path)
    with (
        SqliteSaver.from_conn_string(path, layout=asked) as saver,
        pytest.raises(LayoutError, match=f"has the layout '{made}', and layout='{asked}' was asked for") as caught,
    ):
        saver.put(THREAD, checkpoint("1"), {}, {})
    assert (caught.value.expected, caught.value.found) == (asked, made)
    async with AsyncSqliteSaver.from_conn_string(path, layout=asked) as other:
        with pytest.raises(LayoutError):
            await other.aput(THREAD, checkpoint("1"), {}, {})
    assert content(path) == before


def test_an_unknown_layout_is_refused_at_once() -> None:
    layout: Any = "small"
    with pytest.raises(ValueError, match="must be one of 'langgraph', 'compact', or None, got 'small'"):
        SqliteSaver(sqlite3.connect(":memory:"), layout=layout)


@pytest.mark.parametrize("layout", ["compact", "langgraph"])
def test_a_file_can_be_read_where_it_can_not_be_written(path: str, layout: Any) -> None:
    with SqliteSaver.from_conn_string(path, layout=layout) as saver:
        saver.put(THREAD, checkpoint("1", x=["a" * 1000]), {}, {})
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        reader = SqliteSaver(conn)
        assert reader.get_tuple(THREAD).checkpoint["channel_values"] == {"x": ["a" * 1000]}
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.put(THREAD, checkpoint("2"), {}, {})


def test_a_file_without_threads_is_not_written_by_who_may_only_read(path: str) -> None:
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("CREATE TABLE other (x)")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        with pytest.raises(sqlite3.OperationalError) as caught:
            SqliteSaver(conn).setup()
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_READONLY


def test_a_saver_with_an_allow_list_uses_the_same_file(path: str) -> None:
    with SqliteSaver.from_conn_string(path) as saver:
        early = saver.with_allowlist([])
        saver.put(THREAD, checkpoint("1", x=["a" * 1000]), {}, {})
        assert early.get_tuple(THREAD) == saver.with_allowlist([]).get_tuple(THREAD) == saver.get_tuple(THREAD)


# Two runs on one thread


def expecting(latest: str, parent: str | None = None) -> Any:
    return {"configurable": {**THREAD["configurable"], "checkpoint_id": parent, "__rxgraph_latest": latest}}


@pytest.mark.parametrize("layout", ["compact", "langgraph"])
async def test_the_run_that_comes_second_hears_of_the_first(path: str, layout: Any) -> None:
    with SqliteSaver.from_conn_string(path, layout=layout) as one, SqliteSaver.from_conn_string(path) as two:
        one.put(expecting(""), checkpoint("1", x=["a" * 1000]), {}, {})
        with pytest.raises(CheckpointConflictError) as caught:
            two.put(expecting(""), checkpoint("2"), {}, {})
        assert (caught.value.expected, caught.value.found) == ("", "1")
        two.put(expecting("1", "1"), checkpoint("3"), {}, {})
        with pytest.raises(CheckpointConflictError):
            one.put(expecting("1", "1"), checkpoint("4", x=["b" * 1000]), {}, {})
        async with AsyncSqliteSaver.from_conn_string(path) as other:
            with pytest.raises(CheckpointConflictError):
                await other.aput(expecting("1", "1"), checkpoint("5"), {}, {})
            await other.aput(expecting("3", "3"), checkpoint("6"), {}, {})
        # Another namespace has a head of its own, and who expects nothing forks.
        elsewhere: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": "a", "__rxgraph_latest": ""}}
        two.put(elsewhere, checkpoint("1"), {}, {})
        one.put({"configurable": {"thread_id": "t", "checkpoint_id": "1"}}, checkpoint("7"), {}, {})
        assert not one.conn.in_transaction
        assert [item.checkpoint["id"] for item in two.list(THREAD)] == ["7", "6", "3", "1"]
        assert "__rxgraph_latest" not in two.get_tuple(THREAD).metadata
