"""A thread whose versions are of another kind than those of the saver that goes on with it."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver as TheirSaver

from rxgraph.channels import DeltaChannel
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Command, interrupt

CONFIG: Any = {"configurable": {"thread_id": "1"}}


def joined(value: list[Any], writes: Any) -> list[Any]:
    return value + [item for write in writes for item in write]


class State(TypedDict):
    n: int
    xs: Annotated[list, operator.add]
    ds: Annotated[list, DeltaChannel(joined, list, snapshot_frequency=2)]
    still: str


def graph(saver: Any, extra: bool = False) -> Any:
    builder = StateGraph(State).add_node("a", lambda state: {"xs": ["a"], "ds": ["a"], "n": state["n"] + 1})
    builder.add_node("b", lambda state: {"xs": [interrupt("q")], "ds": ["b"]})
    builder.add_node("c", lambda state: {"xs": ["c"]}).add_node("d", lambda state: {"xs": ["d"], "ds": ["d"]})
    builder.add_edge(START, "a").add_edge("a", "b").add_edge("a", "c").add_edge(["b", "c"], "d").add_edge("d", END)
    if extra:
        builder.add_node("gone", lambda state: {"xs": ["gone"]}).add_edge("a", "gone")
    return builder.compile(checkpointer=saver)


def counting(saver: Any, kind: type) -> Any:
    """The saver, which counts in another way from now on."""
    saver.get_next_version = lambda current, channel: kind(int(float(str(current or 0).partition(".")[0])) + 1)
    return saver


@pytest.fixture(params=["memory", "compact", "langgraph", "theirs"])
def open_saver(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as conn:
        if request.param in ("compact", "langgraph"):
            yield lambda: SqliteSaver(conn, layout=request.param)
        else:
            first = InMemorySaver() if request.param == "memory" else TheirSaver()

            def again() -> Any:
                first.__dict__.pop("get_next_version", None)
                return first

            yield again


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("begins", ["numbers", "text"])
def test_a_thread_goes_on_in_the_versions_of_its_saver(open_saver: Any, begins: str, kind: type) -> None:
    def saver(numbers: bool) -> Any:
        return counting(open_saver(), kind) if numbers else open_saver()

    numbers = begins == "numbers"
    graph(saver(numbers), extra=True).invoke({"n": 0, "xs": ["i"], "ds": ["i"], "still": "s"}, CONFIG)
    for turn in range(3):
        numbers = not numbers
        app = graph(saver(numbers))
        before = app.get_state(CONFIG)
        assert before.values["still"] == "s"
        assert "b" in before.next
        state = app.invoke(Command(resume=f"A{turn}"), CONFIG)
        head = app.checkpointer.get_tuple(CONFIG).checkpoint
        assert {type(version) for version in head["channel_versions"].values()} == {kind if numbers else str}
        assert state["xs"][-1] == "d"
        assert f"A{turn}" in state["xs"]
        assert state["ds"][-3:] == ["a", "b", "d"]
        app.update_state(CONFIG, {"still": "s"}, as_node="d")
        history = [one.values.get("xs") for one in app.get_state_history(CONFIG)]
        assert state["xs"] in history
        assert len(history) == len(list(app.checkpointer.list(CONFIG)))
        app.invoke({"xs": ["i"], "ds": ["i"]}, CONFIG)
    assert app.get_state(CONFIG).values["n"] == 4
