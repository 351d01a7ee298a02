"""The compact layout: whatever values go through, each checkpoint reads as it was put; what that costs; and damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgraph.checkpoint.base import Address, empty_checkpoint
from rxgraph.checkpoint.serde.base import CipherProtocol
from rxgraph.checkpoint.serde.encrypted import EncryptedSerializer
from rxgraph.checkpoint.serde.errors import CorruptValueError, SerdeError
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.checkpoint.sqlite._compact import MOST_DELTAS
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

FROZEN = empty_checkpoint()


def at(thread: str, ns: str = "", id: str | None = None) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}


def made(id: str, values: Any, versions: Any) -> Any:
    return {**FROZEN, "id": id, "channel_values": dict(values), "channel_versions": dict(versions)}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "t.db")


@pytest.fixture
def saver(path: str) -> Iterator[SqliteSaver]:
    with SqliteSaver.from_conn_string(path) as saver:
        saver.setup()
        yield saver


class Thread:
    """A thread as a run leaves it: what changes gets a new version, and only that is new in a put."""

    def __init__(self, saver: Any, name: str = "t") -> None:
        self.saver, self.name, self.count = saver, name, 0
        self.values: dict[str, Any] = {}
        self.versions: dict[str, str] = {}
        self.config: Any = at(name)
        self.shown: dict[str, dict[str, Any]] = {}

    def step(self, **changed: Any) -> None:
        """Set channels; ``...`` empties one."""
        self.count += 1
        new = dict.fromkeys(changed, f"{self.count:032}.5")
        self.versions |= new
        self.values = {channel: value for channel, value in (self.values | changed).items() if value is not ...}
        id = f"{self.count:06}"
        self.config = self.saver.put(self.config, made(id, self.values, self.versions), {"step": self.count}, new)
        self.shown[id] = self.values

    def check(self, saver: Any) -> None:
        for id, values in self.shown.items():
            assert saver.get_tuple(at(self.name, "", id)).checkpoint["channel_values"] == values


def rows(saver: SqliteSaver) -> int:
    found: int = saver.conn.execute("SELECT count(*) FROM rx_values").fetchone()[0]
    return found


def chain(saver: SqliteSaver) -> int:
    """The longest chain there is."""
    found: int = saver.conn.execute(
        """
        WITH RECURSIVE above (k, depth) AS (
            SELECT key, 0 FROM rx_values WHERE base IS NULL
            UNION ALL SELECT key, depth + 1 FROM above JOIN rx_values ON base = k
        ) SELECT max(depth) FROM above
        """
    ).fetchone()[0]
    return found


def long(number: int) -> str:
    return f"{number:06} " * 200


# Laws

ITEMS = st.integers(0, 6).map(long) | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5)
VALUES = (
    st.lists(ITEMS, max_size=20)
    | st.dictionaries(st.sampled_from("abcd"), ITEMS)
    | st.none()
    | st.binary(max_size=5)
    | st.booleans()
)
EDITS = st.sampled_from(["append", "drop", "edit", "front", "set", "empty"])
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "ns": st.sampled_from(["", "a:1"]),
            "back": st.integers(0, 3),
            "edits": st.dictionaries(st.sampled_from(["m", "n", "o"]), st.tuples(EDITS, VALUES, ITEMS), max_size=3),
            "unsaid": st.booleans(),
        }
    ),
    max_size=25,
)
ENDS = st.sampled_from(["nothing", "prune", "runs", "copy", "copy onto", "delete"])


def edited(old: Any, edit: str, value: Any, item: Any) -> Any:
    if edit == "empty":
        return ...
    if not isinstance(old, list) or edit == "set":
        return value
    if edit == "append":
        return [*old, item]
    if edit == "drop":
        return old[: len(old) // 2]
    if edit == "front":
        return [item, *old]
    return [*old[: len(old) // 2], item, *old[len(old) // 2 + 1 :]]


@given(STEPS, ENDS, st.integers(0, 2))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_checkpoint_reads_as_it_was_put(steps: list[Any], end: str, cold: int) -> None:
    """Lists grow and shrink, channels are emptied, runs fork; and a saver that remembers nothing reads the same."""
    with TemporaryDirectory() as folder, SqliteSaver.from_conn_string(f"{folder}/t.db") as saver:
        saver.setup()
        kept: dict[tuple[str, str, str], Any] = {}
        history: dict[str, list[tuple[str, Any, Any]]] = {"": [], "a:1": []}
        for number, step in enumerate(steps):
            ns, made_of = step["ns"], history[step["ns"]]
            parent, values, versions = made_of[-1 - step["back"]] if len(made_of) > step["back"] else (None, {}, {})
            changed = {name: edited(values.get(name), *edit) for name, edit in step["edits"].items()}
            new = dict.fromkeys(changed, f"{number:032}.5")
            values = {name: value for name, value in {**values, **changed}.items() if value is not ...}
            versions, id = {**versions, **new}, f"{number:04}"
            # Now and then another saver writes; and a foreign caller may not say what is new.
            writer = SqliteSaver(saver.conn) if cold and number % (cold + 1) == 0 else saver
            run: Any = {**at("t", ns, parent), "metadata": {"run_id": str(number % 3)}}
            writer.put(run, made(id, values, versions), {}, {} if step["unsaid"] else new)
            history[ns].append((id, values, versions))
            kept["t", ns, id] = values
        if end == "prune":
            saver.prune(["t"])
            kept = {("t", ns, past[-1][0]): past[-1][1] for ns, past in history.items() if past}
        elif end == "runs":
            saver.delete_for_runs(["0", "1"])
            kept = {place: values for place, values in kept.items() if int(place[2]) % 3 == 2}
        elif end.startswith("copy"):
            if end == "copy onto":
                # The same ids and versions, and other values.
                for number in range(3):
                    versions = {"m": f"{number:032}.5"}
                    saver.put(at("u"), made(f"{number:04}", {"m": [long(9)] * number}, versions), {}, versions)
                    kept.setdefault(("u", "", f"{number:04}"), {"m": [long(9)] * number})
            saver.copy_thread("t", "u")
            kept |= {("u", ns, id): values for (thread, ns, id), values in kept.items() if thread == "t"}
        elif end == "delete":
            saver.delete_thread("t")
            kept = {}
            assert rows(saver) == 0
        for reader in (saver, SqliteSaver(saver.conn)):
            found = {
                tuple(item.config["configurable"].values()): item.checkpoint["channel_values"]
                for item in reader.list(None)
            }
            assert found == kept
            for (thread, ns, id), values in kept.items():
                alone = SqliteSaver(saver.conn).get_tuple(at(thread, ns, id))
                assert alone is not None
                assert alone.checkpoint["channel_values"] == values
        assert (chain(saver) or 0) <= MOST_DELTAS


def test_a_value_that_went_and_came_back_is_stored_once(saver: SqliteSaver) -> None:
    thread = Thread(saver)
    for _ in range(5):
        thread.step(m=[long(1)])
        thread.step(m=...)
    thread.check(SqliteSaver(saver.conn))
    assert rows(saver) == 1


async def test_both_colours_write_the_same_rows(path: str, tmp_path: Path) -> None:
    def dump(file: Any) -> list[str]:
        with closing(sqlite3.connect(file)) as conn:
            return list(conn.iterdump())

    with SqliteSaver.from_conn_string(path) as saver:
        thread = Thread(saver)
        for number in range(10):
            thread.step(m=[long(one) for one in range(number)], n=number)
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "2")) as other:
        config = at("t")
        for number, (id, values) in enumerate(thread.shown.items()):
            new = dict.fromkeys("mn", f"{number + 1:032}.5")
            config = await other.aput(config, made(id, values, new), {"step": number + 1}, new)
    assert dump(path) == dump(tmp_path / "2")


# Costs


def test_what_is_written_is_what_is_new(saver: SqliteSaver) -> None:
    """A long list that grows by little, for long: chains are short and few bytes are stored."""
    messages = [long(number) for number in range(100)]
    thread = Thread(saver)
    thread.step(m=messages)
    size = len(saver.serde.dumps_typed(messages)[1])
    for number in range(200):
        thread.step(m=[*thread.values["m"], f"message {number}"])
    stored = saver.conn.execute("SELECT sum(length(data)) FROM rx_values").fetchone()[0]
    assert stored < 1.3 * size
    # A link for each binary digit of 200.
    assert chain(saver) <= 8
    thread.check(SqliteSaver(saver.conn))


def test_chains_are_bounded_whoever_goes_on_with_a_thread(saver: SqliteSaver) -> None:
    """By a process for each step, which knows nothing of the ones before; and where each step brings much."""
    thread = Thread(saver)
    thread.step(m=[long(number) for number in range(30)])
    for number in range(2 * MOST_DELTAS):
        thread.saver = SqliteSaver(saver.conn)
        thread.saver.get_tuple(thread.config)
        thread.step(m=[*thread.values["m"], f"message {number}"])
    assert chain(saver) <= 8
    for number in range(2 * MOST_DELTAS):
        thread.step(m=[*thread.values["m"], long(number)])
    assert chain(saver) <= MOST_DELTAS
    for number in range(2 * MOST_DELTAS):
        thread.saver = SqliteSaver(saver.conn)
        thread.step(m=[*thread.values["m"], long(number)])
    assert chain(saver) <= MOST_DELTAS
    thread.check(SqliteSaver(saver.conn))


def test_a_message_that_was_changed_in_place_is_stored_as_it_was_at_each_step(saver: SqliteSaver) -> None:
    thread = Thread(saver)
    messages: list[Any] = [{"n": number, "text": long(number), "deep": [[number]]} for number in range(60)]
    for number in range(20):
        thread.step(m=messages)
        thread.shown[f"{thread.count:06}"] = deepcopy(thread.values)
        messages = [*messages, {"n": number, "text": f"message {number}"}]
        if number % 3 == 2:
            messages[number]["deep"][0].append(number)
    thread.check(SqliteSaver(saver.conn))
    stored = saver.conn.execute("SELECT sum(length(data)) FROM rx_values").fetchone()[0]
    assert stored < 1.5 * len(saver.serde.dumps_typed(messages)[1])


def test_to_read_a_value_takes_no_more_than_twice_its_bytes(saver: SqliteSaver) -> None:
    thread = Thread(saver)
    for number in (*range(40), *range(40, 0, -3), *range(1, 40, 7)):
        thread.step(m=[long(one) for one in range(number)])
    layout: Any = saver._layouts[0]
    for value in layout._values._entries.values():
        assert value.cost <= 2 * len(value.blob)
    thread.check(SqliteSaver(saver.conn))


def test_an_untouched_channel_costs_no_row_and_is_not_serialised(saver: SqliteSaver) -> None:
    class Touchy:
        dumped = 0

        def dumps_typed(self, value: Any) -> tuple[str, bytes]:
            Touchy.dumped += isinstance(value, list)
            return saver.serde.dumps_typed(value)

        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            return saver.serde.loads_typed(data)

    thread = Thread(SqliteSaver(saver.conn, serde=Touchy()))
    thread.step(m=[long(1)], short=[1])
    before = Touchy.dumped
    for number in range(5):
        thread.step(n=number)
    assert Touchy.dumped == before
    assert rows(saver) == 1
    thread.check(saver)


def test_an_input_is_found_again_in_the_channel_it_went_to(saver: SqliteSaver) -> None:
    messages = [long(number) for number in range(50)]
    thread = Thread(saver)
    thread.step(__start__={"messages": messages, "n": 1})
    thread.step(__start__=..., messages=messages)
    assert saver.conn.execute("SELECT sum(length(data)) FROM rx_values").fetchone()[0] < 1.1 * 50 * len(long(0))
    thread.check(SqliteSaver(saver.conn))


class Cipher(CipherProtocol):
    """Other bytes each time, as a good one gives."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        nonce = os.urandom(16)
        return "x", nonce + bytes(byte ^ nonce[at % 16] for at, byte in enumerate(plaintext))

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        nonce = ciphertext[:16]
        return bytes(byte ^ nonce[at % 16] for at, byte in enumerate(ciphertext[16:]))


def test_encrypted_values_are_snapshots(path: str) -> None:
    with SqliteSaver.from_conn_string(path, serde=EncryptedSerializer(Cipher())) as saver:
        thread = Thread(saver)
        for number in range(4):
            thread.step(m=[long(one) for one in range(number)])
        thread.check(saver)
        assert chain(saver) == 0
        assert b"000001 000001" not in b"".join(blob for (blob,) in saver.conn.execute("SELECT data FROM rx_values"))


# Others on the same file


def test_a_parent_that_was_deleted_meanwhile_is_not_relied_on(saver: SqliteSaver, path: str) -> None:
    """The saver remembers a checkpoint that another one takes out of the file."""
    thread = Thread(saver)
    thread.step(m=[long(1)], n=[long(2)])
    with SqliteSaver.from_conn_string(path) as other:
        other.delete_thread("t")
    thread.shown.clear()
    thread.step(m=[long(1), "x"])
    thread.check(SqliteSaver(saver.conn))


def test_a_parent_that_was_replaced_meanwhile_is_not_relied_on(saver: SqliteSaver, path: str) -> None:
    thread = Thread(saver)
    thread.step(m=[long(1)], n=[long(2)])
    with SqliteSaver.from_conn_string(path) as other:
        other.put(at("t"), made("000001", {}, {}), {}, {})
        other.prune(["t"])
        assert rows(other) == 0
    thread.shown.clear()
    thread.step(m=[long(1), "x"])
    thread.check(SqliteSaver(saver.conn))


def test_what_goes_while_it_is_read_is_not_there(saver: SqliteSaver) -> None:
    """Between the row of a checkpoint and its values another connection may delete the thread."""
    thread = Thread(saver)
    thread.step(m=[long(1)])
    operation = SqliteSaver(saver.conn)._layouts[0].get_tuple(Address.of(at("t")), saver.serde)
    request = next(operation)
    asked = 0
    with pytest.raises(StopIteration) as done:
        while True:
            outcome = saver._perform(request)
            if not asked:
                saver.delete_thread("t")
            asked += 1
            request = operation.send(outcome)
    assert done.value.value is None


# Damage

DAMAGE = {
    "a delta cut short": "UPDATE rx_values SET data = substr(data, 1, length(data) - 3) WHERE base IS NOT NULL",
    "a delta that is empty": "UPDATE rx_values SET data = x'' WHERE base IS NOT NULL",
    "a snapshot cut short": "UPDATE rx_values SET data = substr(data, 1, 100) WHERE base IS NULL",
    "a byte overwritten": "UPDATE rx_values SET data = CAST(substr(data, 1, 50) || x'00' || substr(data, 52) AS BLOB)",
    "a missing base": "DELETE FROM rx_values WHERE base IS NULL",
    "no values": "DELETE FROM rx_values",
    "a base of its own": "UPDATE rx_values SET base = key",
    "text for bytes": "UPDATE rx_values SET data = 'text'",
    "another tag": "UPDATE rx_values SET type = 'bytes'",
    "refs that are no JSON": "UPDATE rx_checkpoints SET refs = '{'",
    "refs that are a list": "UPDATE rx_checkpoints SET refs = '[]'",
    "refs that are numbers": "UPDATE rx_checkpoints SET refs = '{\"m\": 1}'",
    "refs that are none of its": 'UPDATE rx_checkpoints SET refs = \'{"m": "x"}\'',
    "a body cut short": "UPDATE rx_checkpoints SET body = substr(body, 1, 20)",
    "a body that is text": "UPDATE rx_checkpoints SET body = 'text'",
    "a body that is no checkpoint": "UPDATE rx_checkpoints SET body = x'01'",
    "metadata that is a list": "UPDATE rx_checkpoints SET metadata = '[]'",
    "a write of an unknown tag": "UPDATE rx_writes SET type = 'yaml'",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_an_error_and_changes_nothing(saver: SqliteSaver, damage: str) -> None:
    thread = Thread(saver)
    for number in range(8, 12):
        thread.step(m=[long(one) for one in range(number)])
    saver.put_writes(thread.config, [("m", [1])], "task")
    assert chain(saver) == 3
    with saver.conn:
        assert saver.conn.execute(damage).rowcount
    before = list(saver.conn.iterdump())
    cold = SqliteSaver(saver.conn)
    error = SerdeError if "write" in damage else CorruptValueError
    with pytest.raises(error):
        cold.get_tuple(at("t"))
    with pytest.raises(error):
        list(cold.list(at("t")))
    assert list(saver.conn.iterdump()) == before


def test_a_damaged_base_is_not_built_upon(saver: SqliteSaver) -> None:
    """The next value that is put is whole again."""
    thread = Thread(saver)
    thread.step(m=[long(1)] * 4)
    with saver.conn:
        saver.conn.execute("UPDATE rx_values SET data = substr(data, 1, 100)")
    thread.saver = SqliteSaver(saver.conn)
    thread.shown.clear()
    thread.step(m=[long(1)] * 5)
    thread.check(SqliteSaver(saver.conn))


def test_a_failed_put_leaves_nothing_half_done(saver: SqliteSaver) -> None:
    thread = Thread(saver)
    thread.step(m=[long(1)])
    saver.conn.execute("CREATE TRIGGER no BEFORE INSERT ON rx_checkpoints BEGIN SELECT RAISE(FAIL, 'full'); END")
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        thread.step(m=[long(1), long(2)])
    assert rows(saver) == 1
    saver.conn.execute("DROP TRIGGER no")
    thread.step(m=[long(1), long(2), long(3)])
    thread.check(SqliteSaver(saver.conn))


CHILD = """
import sys
from rxgraph.checkpoint.base import empty_checkpoint
from rxgraph.checkpoint.sqlite import SqliteSaver
with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
    found = saver.get_tuple({"configurable": {"thread_id": "t"}})
    messages = found.checkpoint["channel_values"]["m"] if found else []
    config = found.config if found else {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    while True:
        messages = [*messages, f"{len(messages):06} " * 200]
        version = {"m": f"{len(messages):032}.5"}
        values = {"channel_values": {"m": messages}, "channel_versions": version}
        config = saver.put(config, {**empty_checkpoint(), "id": f"{len(messages):06}", **values}, {}, version)
        if len(messages) % 20 == 0:
            saver.prune(["t"])
        print(len(messages), flush=True)
"""


def test_a_process_that_is_killed_leaves_what_it_had_put(path: str) -> None:
    """Each process is killed wherever it is after some puts; all that is in the file reads whole, nothing is lost."""
    for puts in (1, 2, 19, 23):
        with subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            said = [child.stdout.readline() for _ in range(puts)]
            child.kill()
            said += child.stdout.readlines()
        least = int(next(line for line in reversed(said) if line.endswith("\n")))
        with SqliteSaver.from_conn_string(path) as saver:
            found = {int(item.checkpoint["id"]): item.checkpoint["channel_values"] for item in saver.list(None)}
        assert max(found) >= least
        assert found == {count: {"m": [long(one) for one in range(count)]} for count in found}
