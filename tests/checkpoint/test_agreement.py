"""Memory and SQLite agree, and so does LangGraph's saver in memory, on whatever a thread has been through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver as Theirs

from rxgraph.checkpoint.base import empty_checkpoint
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver

CHANNELS = ["m", "n", "__resume__", "__error__"]
IDS = [f"{number:02}" for number in range(8)]
FROZEN = empty_checkpoint()


def at(thread: str, ns: str, id: str | None) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}


class Play:
    """One history, played on a saver; a value has a version of its own, as in a run."""

    def __init__(self, saver: Any) -> None:
        self.saver = saver
        self.count = 0

    def put(self, ns: str, id: str, parent: str | None, stored: set[str], facts: dict[str, Any]) -> None:
        self.count += 1
        versions = dict.fromkeys("mn", f"{self.count:032}.0.5")
        kept: Any = {
            **FROZEN,
            "id": id,
            "channel_values": dict.fromkeys(stored, self.count),
            "channel_versions": versions,
        }
        self.saver.put(at("t", ns, parent), kept, facts, versions)

    def put_writes(self, ns: str, id: str, task: str, path: str, channels: list[str]) -> None:
        self.count += 1
        self.saver.put_writes(at("t", ns, id), [(channel, self.count) for channel in channels], task, path)

    def shown(self, ids: list[str], filter: dict[str, Any], limit: int | None) -> list[Any]:
        saver = self.saver
        found: list[Any] = [*saver.list({"configurable": {"thread_id": "t"}}, filter=filter)]
        for ns in ("", "a"):
            for before in ids:
                found += saver.list(at("t", ns, None), before=at("t", ns, before), limit=limit, filter=filter)
            for id in (*ids, None):
                found.append(saver.get_tuple(at("t", ns, id)))
                found.append(saver.get_delta_channel_history(config=at("t", ns, id), channels=["m", "n"]))
        return found


PLACES = {"ns": st.sampled_from(["", "a"]), "id": st.sampled_from(IDS)}
PUTS = st.tuples(
    st.just("put"),
    st.fixed_dictionaries(
        {
            **PLACES,
            "parent": st.none() | st.sampled_from(IDS),
            "stored": st.sets(st.sampled_from("mn")),
            "facts": st.fixed_dictionaries(
                {}, optional={"step": st.integers(0, 1), "k": st.sampled_from([None, "", "x"])}
            ),
        }
    ),
)
WRITES = st.tuples(
    st.just("put_writes"),
    st.fixed_dictionaries(
        {
            **PLACES,
            "task": st.sampled_from("01"),
            "path": st.sampled_from(["", "~a"]),
            "channels": st.lists(st.sampled_from(CHANNELS), max_size=3, unique=True),
        }
    ),
)
FILTERS = st.fixed_dictionaries({}, optional={"step": st.integers(0, 1), "k": st.sampled_from([None, "x"])})


@given(st.lists(PUTS | WRITES, max_size=20), FILTERS, st.none() | st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_savers_agree(steps: list[Any], filter: dict[str, Any], limit: int | None) -> None:
    with SqliteSaver.from_conn_string(":memory:") as sqlite:
        ours, theirs, rows = Play(InMemorySaver()), Play(Theirs()), Play(sqlite)
        for method, arguments in steps:
            for play in (ours, theirs, rows):
                getattr(play, method)(**arguments)
        assert ours.shown(IDS, filter, limit) == rows.shown(IDS, filter, limit)
        # Theirs lists one namespace after the other, and gives no delta history a walk that goes round an end.
        for ns in ("", "a"):
            mine, other = (list(play.saver.list(at("t", ns, None), filter=filter)) for play in (ours, theirs))
            assert mine == other
            assert ours.saver.get_tuple(at("t", ns, None)) == theirs.saver.get_tuple(at("t", ns, None))


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(":memory:") as saver:
            yield saver


@pytest.mark.parametrize("filter", [None, {"even": True}])
def test_a_long_list_has_every_checkpoint_once(saver: Any, filter: Any) -> None:
    """Three threads have checkpoints of the same ids, so that a page may end between equal ones."""
    for number in range(300):
        saver.put(at("a", "", None), {**FROZEN, "id": f"{number:04}"}, {"even": number % 2 == 0}, {})
    for thread in "bc":
        saver.copy_thread("a", thread)
    places = [
        (item.config["configurable"]["checkpoint_id"], item.config["configurable"]["thread_id"])
        for item in saver.list(None, filter=filter)
    ]
    expected = [
        (f"{number:04}", thread) for number in range(299, -1, -1) for thread in "cba" if not filter or number % 2 == 0
    ]
    assert places == expected


def test_what_is_deleted_meanwhile_is_passed_over(saver: Any) -> None:
    for number in range(30):
        saver.put(at("a" if number % 2 else "b", "", None), {**FROZEN, "id": f"{number:04}"}, {}, {})
    listing = saver.list(None)
    seen = [next(listing).checkpoint["id"] for _ in range(4)]
    saver.delete_thread("b")
    rest = [item.config["configurable"]["thread_id"] for item in listing]
    assert seen == ["0029", "0028", "0027", "0026"]
    assert rest.count("a") == 13
    # One that was read ahead may still come.
    assert rest.count("b") <= 2


def test_what_is_shown_says_how_much_there_is() -> None:
    saver = InMemorySaver()
    saver.put(at("a", "", None), {**FROZEN, "id": "1"}, {}, {})
    assert repr(saver) == "<InMemorySaver threads=1 checkpoints=1>"
    with saver as same:
        assert same is saver
