"""What an SQLite file adds to the rules: rows that two runtimes share, two connections, damage, and both colours."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.sqlite import SqliteSaver as Theirs

from rxgraph.checkpoint.base import empty_checkpoint
from rxgraph.checkpoint.serde.errors import SerdeError
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from rxgraph.errors import LaneError
from rxgraph.types import Interrupt

THREAD: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


def checkpoint(id: str, **values: Any) -> Any:
    return {
        **empty_checkpoint(),
        "id": id,
        "channel_values": values,
        "channel_versions": dict.fromkeys(values, f"{id:0>32}.0.5"),
        "versions_seen": {"__input__": {}},
    }


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "checkpoints.db")


@pytest.fixture(params=["compact", "langgraph"])
def layout(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def saver(path: str, layout: Any) -> Iterator[SqliteSaver]:
    with SqliteSaver.from_conn_string(path, layout=layout) as saver:
        saver.setup()
        yield saver


def table(saver: SqliteSaver, name: str) -> str:
    """The name of a table in the layout of the saver."""
    return {"checkpoints": saver._layouts[0].checkpoints, "writes": saver._layouts[0].writes}[name]


def shared(path: str) -> Any:
    """Our saver, on tables for both runtimes."""
    return SqliteSaver.from_conn_string(path, layout="langgraph")


def fill(saver: Any) -> None:
    """A history as a run leaves it: two checkpoints, an interrupt, and an answer."""
    config: Any = {**THREAD, "metadata": {"user": "u"}}
    first = saver.put(config, checkpoint("1", x=[1], n=None), {"source": "input", "step": -1, "parents": {}}, {})
    saver.put_writes(first, [("x", [2]), ("branch:to:a", None)], "task1", "~__pregel_pull, a")
    second = saver.put(
        {**THREAD, "configurable": first["configurable"]}, checkpoint("2", x=[1, 2]), {"source": "loop", "step": 0}, {}
    )
    saver.put_writes(second, [("__interrupt__", [Interrupt("q", id="i")])], "task2")
    saver.put_writes(second, [("__resume__", "yes")], "00000000-0000-0000-0000-000000000000")


def shown(saver: Any, **options: Any) -> list[Any]:
    """Checkpoints as both runtimes have them; an interrupt is of the runtime's own class."""
    return [
        (item.config, item.checkpoint, item.metadata, item.parent_config, repr(item.pending_writes))
        for item in saver.list(THREAD, **options)
    ]


@pytest.mark.parametrize(("writer", "reader"), [(shared, Theirs.from_conn_string), (Theirs.from_conn_string, shared)])
def test_either_runtime_reads_what_the_other_wrote(path: str, writer: Any, reader: Any) -> None:
    with writer(path) as one, reader(path) as two:
        fill(one)
        assert shown(one) == shown(two)
        assert shown(one, filter={"source": "loop"}) == shown(two, filter={"source": "loop"})
        assert len(shown(two)) == 2
        assert two.get_tuple(THREAD).parent_config == one.get_tuple(THREAD).parent_config
        # And goes on from there.
        head = two.get_tuple(THREAD).config
        two.put(head, checkpoint("3", x=[3]), {"source": "loop", "step": 1}, {})
        assert one.get_tuple(THREAD).checkpoint["channel_values"] == {"x": [3]}
        assert shown(one) == shown(two)


def test_the_rows_are_equal_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = []
    frozen = empty_checkpoint()
    monkeypatch.setattr(f"{__name__}.empty_checkpoint", lambda: frozen)
    for number, opened in enumerate((shared, Theirs.from_conn_string)):
        file = str(tmp_path / str(number))
        with opened(file) as saver:
            config = saver.put(
                THREAD, checkpoint("1", x=[1, {"a": "ü"}]), {"source": "input", "user": "ü", "step": -1}, {}
            )
            saver.put_writes(config, [("x", b"1"), ("__error__", "e"), ("y", None)], "task", "~a")
        with closing(sqlite3.connect(file)) as conn:
            schema = [
                list(conn.execute(f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')"))
                for table in ("checkpoints", "writes")
            ]
            rows = [sorted(conn.execute(f"SELECT * FROM {table}")) for table in ("checkpoints", "writes")]
            dumps.append((schema, rows, conn.execute("PRAGMA journal_mode").fetchall()))
    assert dumps[0] == dumps[1]


def test_delta_histories_agree_between_the_runtimes(path: str) -> None:
    with shared(path) as ours, Theirs.from_conn_string(path) as theirs:
        config = THREAD
        for number in range(40):
            values = {"m": number} if number in (0, 7) else {}
            config = ours.put(config, checkpoint(f"{number:02}", **values), {}, {})
            ours.put_writes(config, [("m", number), ("o", number)], "t1", "~b")
            ours.put_writes(config, [("m", -number)], "t2", "~a")
        for id in ("00", "01", "07", "08", "39"):
            at = {"configurable": {**THREAD["configurable"], "checkpoint_id": id}}
            mine = ours.get_delta_channel_history(config=at, channels=["m", "o", "p"])
            assert mine == theirs.get_delta_channel_history(config=at, channels=["m", "o", "p"])


# Two connections and more


def test_a_second_connection_sees_each_commit(path: str, saver: SqliteSaver) -> None:
    with SqliteSaver.from_conn_string(path) as other:
        for number in range(20):
            saver.put(THREAD, checkpoint(f"{number:02}"), {}, {})
            assert other.get_tuple(THREAD).checkpoint["id"] == f"{number:02}"
        listing = other.list(THREAD)
        next(listing)
        saver.put(THREAD, checkpoint("99"), {}, {})
        assert len(list(listing)) == 19


def test_readers_and_a_writer_work_side_by_side(path: str, saver: SqliteSaver) -> None:
    """One connection is in the middle of a transaction, and another one reads what was there before."""
    writer = saver
    with SqliteSaver.from_conn_string(path) as reader:
        writer.put(THREAD, checkpoint("1"), {}, {})
        writer.conn.execute("BEGIN IMMEDIATE")
        writer.conn.execute(f"DELETE FROM {table(writer, 'checkpoints')}")
        assert reader.get_tuple(THREAD).checkpoint["id"] == "1"
        writer.conn.rollback()


def test_many_connections_open_a_new_file_at_once(path: str, layout: Any) -> None:
    """Eight threads, a connection each, make the tables and write; everything is there in the end."""
    start = threading.Barrier(8)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with SqliteSaver.from_conn_string(path, layout=layout) as saver:
                start.wait(10)
                for number in range(10):
                    config = saver.put(THREAD, checkpoint(f"{number}{name}"), {}, {})
                    saver.put_writes(config, [("x", number)], name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with SqliteSaver.from_conn_string(path) as saver:
        found = list(saver.list(THREAD))
    assert len(found) == 80
    assert all(len(item.pending_writes) == 1 for item in found)


CHILD = """
import sys
from rxgraph.checkpoint.base import empty_checkpoint
from rxgraph.checkpoint.sqlite import SqliteSaver
with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
    for number in range(25):
        made = {**empty_checkpoint(), "id": f"{number:02}{sys.argv[2]}"}
        config = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        saver.put_writes(saver.put(config, made, {}, {}), [("x", 1), ("__error__", "e")], "task")
"""


def test_processes_share_a_file(path: str) -> None:
    children = [subprocess.Popen([sys.executable, "-c", CHILD, path, name]) for name in "abc"]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with SqliteSaver.from_conn_string(path) as saver:
        assert [len(item.pending_writes) for item in saver.list(THREAD)] == [2] * 75


def test_a_failed_write_leaves_nothing_half_done(saver: SqliteSaver) -> None:
    config = saver.put(THREAD, checkpoint("1"), {}, {})
    writes = table(saver, "writes")
    saver.conn.execute(
        f"CREATE TRIGGER no BEFORE INSERT ON {writes} WHEN NEW.idx < 0 BEGIN SELECT RAISE(FAIL, 'full'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        saver.put_writes(config, [("x", 1), ("__error__", "e")], "task")
    assert saver.get_tuple(THREAD).pending_writes == []
    assert not saver.conn.in_transaction


@pytest.mark.parametrize("isolation", ["", None, "IMMEDIATE"])
def test_any_mode_of_connection_will_do(path: str, layout: Any, isolation: Any) -> None:
    with closing(sqlite3.connect(path, isolation_level=isolation)) as conn:
        fill(SqliteSaver(conn, layout=layout))
        assert not conn.in_transaction
    with SqliteSaver.from_conn_string(path) as other:
        assert len(shown(other)) == 2


# Old and read-only files


@pytest.fixture
def old(path: str) -> str:
    """A file of an early version: no task paths, no metadata."""
    with shared(path) as saver:
        fill(saver)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("ALTER TABLE writes DROP COLUMN task_path")
        conn.execute("UPDATE checkpoints SET metadata = NULL")
    return path


def test_an_old_file_is_brought_up_to_date(old: str) -> None:
    with SqliteSaver.from_conn_string(old) as saver:
        assert [item.metadata for item in saver.list(THREAD)] == [{}, {}]
        config = saver.get_tuple(THREAD).config
        saver.put_writes(config, [("x", 1)], "0", "~z")
        assert saver.get_tuple(config).pending_writes[-1] == ("0", "x", 1)


def test_an_old_file_can_be_read_where_it_can_not_be_written(old: str) -> None:
    with closing(sqlite3.connect(f"file:{old}?mode=ro", uri=True)) as conn:
        saver = SqliteSaver(conn)
        assert len(saver.get_tuple(THREAD).pending_writes) == 2
        assert saver.get_delta_channel_history(config=THREAD, channels=["x"])["x"]["seed"] == [1]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            saver.put(THREAD, checkpoint("3"), {}, {})


# Damage


OFF_THE_LIST = ormsgpack.packb(ormsgpack.Ext(1, ormsgpack.packb(["os", "system", ["true"]]))).hex()
DAMAGE = {
    "an unknown tag": "UPDATE checkpoints SET type = 'yaml'",
    "no tag": "UPDATE checkpoints SET type = NULL",
    "a blob cut short": "UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 20)",
    "text": "UPDATE checkpoints SET checkpoint = 'text'",
    "no checkpoint": "UPDATE checkpoints SET checkpoint = x'01'",
    "metadata cut short": "UPDATE checkpoints SET metadata = substr(metadata, 1, 9)",
    "metadata that is a list": "UPDATE checkpoints SET metadata = '[]'",
    "a write of an unknown tag": "UPDATE writes SET type = 'yaml'",
    "a write cut short": "UPDATE writes SET value = x'92' WHERE type = 'msgpack'",
    "a class off the list": f"UPDATE writes SET type = 'msgpack', value = x'{OFF_THE_LIST}'",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_row_is_an_error_and_changes_nothing(path: str, damage: str) -> None:
    with shared(path) as saver:
        fill(saver)
        with saver.conn:
            assert saver.conn.execute(damage).rowcount
        before = list(saver.conn.iterdump())
        with pytest.raises(SerdeError):
            saver.get_tuple(THREAD)
        with pytest.raises(SerdeError):
            list(saver.list(THREAD, filter={"step": -1}))
        assert list(saver.conn.iterdump()) == before


def test_damaged_metadata_is_no_run(saver: SqliteSaver) -> None:
    fill(saver)
    with saver.conn:
        saver.conn.execute(f"UPDATE {table(saver, 'checkpoints')} SET metadata = '{{' WHERE checkpoint_id = '1'")
    saver.delete_for_runs(["r"])
    assert saver.conn.execute(f"SELECT count(*) FROM {table(saver, 'checkpoints')}").fetchone() == (2,)


def test_a_chain_that_goes_round_comes_to_an_end(saver: SqliteSaver) -> None:
    fill(saver)
    with saver.conn:
        saver.conn.execute(
            f"UPDATE {table(saver, 'checkpoints')} SET parent_checkpoint_id = '2' WHERE checkpoint_id = '1'"
        )
    found = saver.get_delta_channel_history(config=THREAD, channels=["branch:to:a"])
    assert found == {"branch:to:a": {"writes": [("task1", "branch:to:a", None)]}}


def test_metadata_that_is_no_json_is_refused(saver: SqliteSaver) -> None:
    metadata: Any = {"step": object()}
    with pytest.raises(SerdeError, match="metadata"):
        saver.put(THREAD, checkpoint("1"), metadata, {})
    assert list(saver.list(None)) == []


def test_writes_need_a_checkpoint(saver: SqliteSaver) -> None:
    with pytest.raises(ValueError, match="'checkpoint_id'"):
        saver.put_writes(THREAD, [("x", 1)], "task")


# The asynchronous saver


async def test_two_colours_share_a_file(path: str, saver: SqliteSaver) -> None:
    fill(saver)
    async with AsyncSqliteSaver.from_conn_string(path) as other:
        assert [item async for item in other.alist(THREAD)] == list(saver.list(THREAD))


async def test_a_synchronous_call_on_the_loop_says_what_to_do(path: str) -> None:
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        with pytest.raises(LaneError, match=r"await saver\.aget_tuple"):
            saver.get_tuple(THREAD)
        with pytest.raises(LaneError, match=r"await saver\.alist"):
            list(saver.list(THREAD))
        with pytest.raises(LaneError, match=r"await saver\.aput\("):
            saver.put(THREAD, checkpoint("1"), {}, {})


def test_a_synchronous_call_without_a_running_loop_says_what_to_do(path: str) -> None:
    async def make() -> AsyncSqliteSaver:
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            return saver

    with pytest.raises(LaneError, match="needs its loop to run"):
        asyncio.run(make()).get_tuple(THREAD)


async def test_values_are_frozen_before_anything_is_awaited(path: str, layout: Any) -> None:
    with SqliteSaver.from_conn_string(path, layout=layout) as other:
        other.setup()
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        state = [1]
        saving = asyncio.ensure_future(saver.aput(THREAD, checkpoint("1", x=state), {}, {}))
        await asyncio.sleep(0)
        state.append(2)
        await saving
        assert (await saver.aget_tuple(THREAD)).checkpoint["channel_values"] == {"x": [1]}


async def test_a_cancelled_write_leaves_no_transaction_open(path: str) -> None:
    """Cancelled at each of its first steps, a write is there or it isn't, and the next one works."""
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        config = await saver.aput(THREAD, checkpoint("1"), {}, {})
        for steps in range(12):
            writes = [("x", 1), ("__error__", "e")]
            saving = asyncio.ensure_future(saver.aput_writes(config, writes, f"{steps:02}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            assert not saver.conn.in_transaction
        await saver.aput_writes(config, [("x", 1)], "last")
        tasks = [write[0] for write in (await saver.aget_tuple(config)).pending_writes]
        assert tasks.count("last") == 1
        assert all(tasks.count(task) == 2 for task in set(tasks) - {"last"})


async def test_a_failed_asynchronous_write_leaves_nothing_half_done(path: str) -> None:
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        config = await saver.aput(THREAD, checkpoint("1"), {}, {})
        await saver.conn.execute(
            "CREATE TRIGGER no BEFORE INSERT ON rx_writes WHEN NEW.idx < 0 BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
        with pytest.raises(sqlite3.IntegrityError, match="full"):
            await saver.aput_writes(config, [("x", 1), ("__error__", "e")], "task")
        assert (await saver.aget_tuple(THREAD)).pending_writes == []


def test_a_missing_extra_is_named() -> None:
    source = """
import sys
sys.modules["aiosqlite"] = None
import rxgraph.checkpoint.sqlite
import rxgraph.checkpoint.sqlite.aio
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, encoding="utf-8")
    assert "ImportError: AsyncSqliteSaver needs" in done.stderr
    assert "rxgraph-runtime[sqlite]" in done.stderr


@pytest.mark.parametrize("name", ["rxgraph.checkpoint.base", "rxgraph.checkpoint.memory", "rxgraph.checkpoint.sqlite"])
def test_an_import_alone_loads_no_codec(name: str) -> None:
    """A graph may import these for their types; who saves something loads the rest."""
    source = f"import json, sys, {name}; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, encoding="utf-8")
    assert {"aiosqlite", "ormsgpack", "xxhash"}.isdisjoint(json.loads(done.stdout))


def test_savers_say_what_they_are(saver: SqliteSaver) -> None:
    assert repr(saver).startswith("<SqliteSaver <sqlite3.Connection")


THREAD: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


def test_what_is_put_together_is_one_transaction_and_others_wait(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    with SqliteSaver.from_conn_string(path) as saver, SqliteSaver.from_conn_string(path) as other:
        first = saver.put(THREAD, checkpoint("1"), {"step": 1}, {})
        with pytest.raises(RuntimeError, match="taken back"), saver.together():
            saver.put_writes(first, [("a", 1)], "task")
            saver.put(first, checkpoint("2"), {"step": 2}, {})
            # Who is in it sees it, another connection doesn't.
            assert saver.get_tuple(THREAD).checkpoint["id"] == "2"
            assert other.get_tuple(THREAD).checkpoint["id"] == "1"
            raise RuntimeError("taken back")
        assert saver.get_tuple(THREAD).checkpoint["id"] == "1"
        assert saver.get_tuple(THREAD).pending_writes == []
        with ThreadPoolExecutor(1) as pool, saver.together():
            saver.put_writes(first, [("a", 1)], "task")
            waiting = pool.submit(saver.get_tuple, THREAD)
            saver.put(first, checkpoint("2"), {"step": 2}, {})
            assert not waiting.done()
        assert waiting.result().checkpoint["id"] == "2"
        assert other.get_tuple(first).pending_writes == [("task", "a", 1)]
