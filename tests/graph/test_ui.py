"""Components of a user interface in a state; compared with LangGraph in ``tests/parity/test_messages.py``."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.graph import START, StateGraph
from rxgraph.graph.ui import AnyUIMessage, delete_ui_message, push_ui_message, ui_message_reducer
from tests._lanes import Lane


class State(TypedDict):
    ui: Annotated[list[AnyUIMessage], ui_message_reducer]


def card(id: str, merge: bool = False, **props: Any) -> Any:
    return {"type": "ui", "id": id, "name": "card", "props": props, "metadata": {"merge": merge}}


def test_props_are_replaced_or_merged() -> None:
    state = [card("1", a=1), card("2")]
    assert ui_message_reducer(state, card("1", b=2)) == [card("1", b=2), card("2")]
    assert ui_message_reducer(state, card("1", True, b=2)) == [card("1", True, a=1, b=2), card("2")]
    assert state == [card("1", a=1), card("2")]


def test_a_removal_takes_a_component_away() -> None:
    gone: Any = {"type": "remove-ui", "id": "1"}
    assert ui_message_reducer([card("1"), card("2")], gone) == [card("2")]
    assert ui_message_reducer(card("1"), [gone, card("1", a=1)]) == [card("1", a=1)]
    with pytest.raises(ValueError, match=r"ID that doesn't exist \('1'\)"):
        ui_message_reducer([card("2")], gone)


def test_a_component_is_streamed_at_once_and_kept(lane: Lane) -> None:
    def show(state: State) -> None:
        push_ui_message("card", {"title": "Oslo"}, id="1", message={"id": "m"}, metadata={"place": "side"})
        push_ui_message("card", {"degrees": 4}, id="1", merge=True)
        push_ui_message("toast", {}, id="2", state_key=None)

    graph = StateGraph(State).add_node("show", lane.node(show)).add_edge(START, "show").compile()
    events = lane.stream(graph, {"ui": []}, stream_mode=["custom", "values"])
    streamed = [event for mode, event in events if mode == "custom"]
    assert [(event["name"], event["props"]) for event in streamed] == [
        ("card", {"title": "Oslo"}),
        ("card", {"degrees": 4}),
        ("toast", {}),
    ]
    assert streamed[0]["metadata"]["message_id"] == "m"
    assert streamed[0]["metadata"]["place"] == "side"
    (kept,) = events[-1][1]["ui"]
    assert kept["props"] == {"title": "Oslo", "degrees": 4}


def test_a_component_is_taken_away_from_inside_a_node(lane: Lane) -> None:
    def hide(state: State) -> None:
        delete_ui_message("1")

    graph = StateGraph(State).add_node("hide", lane.node(hide)).add_edge(START, "hide").compile()
    assert lane.stream(graph, {"ui": [card("1")]}, stream_mode="custom") == [{"type": "remove-ui", "id": "1"}]
    assert lane.invoke(graph, {"ui": [card("1")]}) == {"ui": []}


def test_a_push_outside_of_a_node_says_where_it_works() -> None:
    with pytest.raises(RuntimeError, match=r"push_ui_message\(\) was called outside of a running node"):
        push_ui_message("card", {})
