"""Answers to questions: what they have to look like, and whom they are for."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel, ValidationError

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.serde.errors import UnserializableValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.errors import UnknownInterruptError, is_invalid_resume
from rxgraph.graph import START, StateGraph
from rxgraph.types import Command, StateUpdate, interrupt
from rxgraph.warnings import InputIgnoredWarning
from tests._lanes import Lane


class State(TypedDict):
    xs: Annotated[list[Any], operator.add]


class Model(BaseModel):
    age: int


@dataclass
class Record:
    age: int


CONFIG: Any = {"configurable": {"thread_id": "1"}}
STRICT: Any = {"configurable": {"thread_id": "1", "__pregel_strict_resume": True}}


def asking(lane: Lane, *schemas: Any) -> Any:
    """One node a schema, side by side; each asks one question."""
    graph = StateGraph(State)
    for number, schema in enumerate(schemas):

        def ask(state: State, schema: Any = schema, number: int = number) -> dict[str, Any]:
            return {"xs": [interrupt(number, response_schema=schema)]}

        graph.add_node(f"ask{number}", lane.node(ask)).add_edge(START, f"ask{number}")
    return graph.compile(checkpointer=InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[Model, Record])))


@pytest.mark.parametrize(("schema", "given", "expected"), [
    (Model, {"age": "3"}, Model(age=3)),
    (Record, {"age": 3}, Record(3)),
    (list[int], ["3"], [3]),
])  # fmt: skip
def test_an_answer_becomes_what_the_question_asked_for(lane: Lane, schema: Any, given: Any, expected: Any) -> None:
    graph = asking(lane, schema)
    [question] = lane.invoke(graph, {"xs": []}, CONFIG)["__interrupt__"]
    assert question.response_schema["type"] in ("object", "array")
    assert lane.invoke(graph, Command(resume=given), CONFIG) == {"xs": [expected]}


def test_an_answer_off_the_allow_list_is_refused_before_anything_runs_and_the_question_waits(lane: Lane) -> None:
    class State(TypedDict):
        xs: Annotated[list[Any], operator.add]

    graph = StateGraph(State).add_node("ask", lane.node(lambda state: {"xs": [interrupt("q").age]}))
    app = graph.add_edge(START, "ask").compile(checkpointer=InMemorySaver())
    lane.invoke(app, {"xs": []}, CONFIG)
    before = [(one.config, one.values, one.interrupts) for one in app.get_state_history(CONFIG)]
    with pytest.raises(UnserializableValueError, match=r"Model is not on the allow-list.*allowed_msgpack_modules"):
        lane.invoke(app, Command(resume=Model(age=3)), CONFIG)
    assert [(one.config, one.values, one.interrupts) for one in app.get_state_history(CONFIG)] == before
    app = graph.compile(checkpointer=app.checkpointer.with_allowlist([Model]))
    assert lane.invoke(app, Command(resume=Model(age=3)), CONFIG) == {"xs": [3]}
    assert [one.values["xs"] for one in app.get_state_history(CONFIG)] == [[3], [], []]


def test_an_answer_that_does_not_fit_leaves_the_question_waiting(lane: Lane) -> None:
    graph = asking(lane, Model, None)
    first, second = sorted(lane.invoke(graph, {"xs": []}, CONFIG)["__interrupt__"], key=lambda one: one.value)
    with pytest.raises(ValidationError, match="age") as caught:
        lane.invoke(graph, Command(resume={first.id: {"age": "old"}, second.id: "fine"}), CONFIG)
    assert is_invalid_resume(caught.value)
    assert not is_invalid_resume(ValueError())
    assert first in graph.get_state(CONFIG).interrupts
    waiting = {one.id: {"age": 3} if one.id == first.id else "fine" for one in graph.get_state(CONFIG).interrupts}
    assert sorted(map(str, lane.invoke(graph, Command(resume=waiting), CONFIG)["xs"])) == ["age=3", "fine"]


def test_a_schema_as_a_dict_is_only_shown(lane: Lane) -> None:
    graph = asking(lane, {"type": "integer"})
    [question] = lane.invoke(graph, {"xs": []}, CONFIG)["__interrupt__"]
    assert question.response_schema == {"type": "integer"}
    assert lane.invoke(graph, Command(resume="no integer"), CONFIG) == {"xs": ["no integer"]}


def test_strict_answers_name_questions_that_wait(lane: Lane) -> None:
    graph = asking(lane, None, None)
    pending = {one.id for one in lane.invoke(graph, {"xs": []}, CONFIG)["__interrupt__"]}
    for resume, reason in (({"0" * 32: 1}, "not_pending"), ({}, "empty_map"), ("x", "ambiguous")):
        with pytest.raises(UnknownInterruptError, match=reason) as caught:
            lane.invoke(graph, Command(resume=resume), STRICT)
        assert caught.value.reason == reason
        assert set(caught.value.pending_ids) == pending
    assert {write[1] for write in graph.checkpointer.get_tuple(CONFIG).pending_writes} == {"__interrupt__"}
    assert lane.invoke(graph, Command(resume=dict.fromkeys(pending, "x")), STRICT) == {"xs": ["x", "x"]}


def test_a_run_that_is_entered_again_by_its_id_goes_on(lane: Lane) -> None:
    graph = asking(lane, None)
    config: Any = {**CONFIG, "metadata": {"run_id": "r1"}}
    lane.invoke(graph, {"xs": [1]}, config)
    with pytest.warns(InputIgnoredWarning, match="goes on with run 'r1'"):
        result = lane.invoke(graph, {"xs": [2]}, config)
    assert result["xs"] == [1]
    assert len(result["__interrupt__"]) == 1
    assert lane.invoke(graph, {"xs": [2]}, {**CONFIG, "metadata": {"run_id": "r2"}})["xs"] == [1, 2]


@pytest.mark.parametrize("bulk", [
    [],
    [[]],
    [[StateUpdate({"xs": [1]}, "ask0")], [StateUpdate({"xs": [1]}, "nobody")]],
    [[StateUpdate({"xs": [1]}, "ask0"), StateUpdate({"xs": [1]})]],
    [[StateUpdate(None, "__copy__"), StateUpdate({"xs": [1]}, "ask0")]],
])  # fmt: skip
def test_a_bulk_of_updates_is_checked_before_any_is_saved(lane: Lane, bulk: Any) -> None:
    graph = asking(lane, None)
    lane.invoke(graph, {"xs": []}, CONFIG)
    before = graph.get_state(CONFIG)
    with pytest.raises(Exception, match="supersteps|empty|'nobody'|as_node is required|Cannot copy"):
        graph.bulk_update_state(CONFIG, bulk)
    assert graph.get_state(CONFIG) == before


def test_a_bulk_is_one_checkpoint_a_superstep(lane: Lane) -> None:
    graph = asking(lane, None)
    graph.bulk_update_state(CONFIG, [[StateUpdate({"xs": [1]}, START)], [StateUpdate({"xs": [2]}, "ask0", "t" * 32)]])
    history = list(graph.get_state_history(CONFIG))
    assert [(one.values["xs"], one.metadata["source"]) for one in history] == [([1, 2], "update"), ([1], "update")]
    copied = graph.update_state(CONFIG, [({"xs": [3]}, "ask0")], "__copy__")
    twin = next(one for one in graph.get_state_history(CONFIG) if one.metadata["source"] == "fork")
    assert (twin.values["xs"], twin.parent_config) == ([1, 2], history[1].config)
    assert graph.get_state(copied).values["xs"] == [1, 2, 3]


def test_a_question_of_an_inner_graph_is_not_lost(lane: Lane) -> None:
    inner = (
        StateGraph(State).add_node("asks", lane.node(lambda state: {"xs": [interrupt("?")]})).add_edge(START, "asks")
    )
    outer = StateGraph(State).add_node("inner", inner.compile()).add_edge(START, "inner")
    graph = outer.compile(checkpointer=InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[Model, Record])))
    assert lane.invoke(graph, {"xs": [0]}, CONFIG)["__interrupt__"][0].value == "?"
    assert graph.get_state(CONFIG, subgraphs=True).tasks[0].state.next == ("asks",)
    assert lane.invoke(graph, Command(resume="!"), CONFIG) == {"xs": [0, 0, "!"]}
