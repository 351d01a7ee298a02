"""A run of LangGraph that was interrupted: we find its ids, and it goes on from rows that our savers wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver as Theirs
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from rxgraph.checkpoint.base import interrupt_id, task_id
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.constants import PULL


class State(TypedDict):
    x: str


def ask(state: State) -> dict[str, str]:
    return {"x": state["x"] + interrupt("how?")}


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


@pytest.fixture
def app(tmp_path: Any) -> Iterator[Any]:
    """Their graph and our saver on one file, with thread ``1`` waiting for an answer."""
    graph = StateGraph(State)
    graph.add_node("a", lambda state: {"x": "a"})
    graph.add_node("ask", ask)
    graph.add_edge(START, "a")
    graph.add_edge("a", "ask")
    path = str(tmp_path / "runs.db")
    with Theirs.from_conn_string(path) as theirs, SqliteSaver.from_conn_string(path) as ours:
        app = graph.compile(checkpointer=theirs)
        app.invoke({"x": "i"}, thread("1"))
        yield app, ours


def test_we_compute_the_ids_of_its_task_and_its_question(app: Any) -> None:
    found = app[1].get_tuple(thread("1"))
    ((task, channel, (question,)),) = found.pending_writes
    expected = task_id(found.checkpoint["id"], "", found.metadata["step"] + 1, "ask", PULL, "branch:to:ask")
    assert (task, channel) == (expected, "__interrupt__")
    assert question.id == interrupt_id(f"ask:{expected}", 0)


def test_it_goes_on_from_a_thread_that_we_copied(app: Any) -> None:
    graph, ours = app
    ours.copy_thread("1", "2")
    assert graph.invoke(Command(resume="!"), thread("2")) == {"x": "a!"}
    assert graph.get_state(thread("1")).next == ("ask",)


def test_it_goes_on_from_checkpoints_that_we_put(app: Any) -> None:
    graph, ours = app
    for item in reversed(list(ours.list(thread("1")))):
        config = {"configurable": {**(item.parent_config or item.config)["configurable"], "thread_id": "2"}}
        if item.parent_config is None:
            del config["configurable"]["checkpoint_id"]
        config = ours.put(config, item.checkpoint, item.metadata, item.checkpoint["channel_versions"])
        for number, (task, *write) in enumerate(item.pending_writes):
            # One call for a write, so that each has the index 0; a task of its own keeps them apart.
            ours.put_writes(config, [tuple(write)], task if len(item.pending_writes) == 1 else f"{task}{number}")
    assert graph.invoke(Command(resume="?"), thread("2")) == {"x": "a?"}
    assert len(list(graph.get_state_history(thread("2")))) == 4
