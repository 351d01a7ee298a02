"""How state classes are read, and which class a node gets."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel

from rxgraph.graph import START, StateGraph
from rxgraph.types import Command
from tests._lanes import Lane


class State(TypedDict):
    x: int
    xs: Annotated[list[str], operator.add]


@dataclass
class Data:
    x: int = 0
    xs: Annotated[list[str], operator.add] = field(default_factory=list)


@dataclass
class SubData(Data): ...


class Model(BaseModel):
    x: int = 0
    xs: Annotated[list[str], operator.add] = []


class SubModel(Model): ...


class Plain:
    x: int
    xs: Annotated[list[str], operator.add]


class SubPlain(Plain): ...


def run(lane: Lane, schema: Any, node: Any, input: Any) -> Any:
    return lane.invoke(StateGraph(schema).add_node("node", node).add_edge(START, "node").compile(), input)


@pytest.mark.parametrize("schema", [SubData, SubModel])
def test_a_state_class_may_inherit_all_of_its_keys(lane: Lane, schema: Any) -> None:
    def node(state: Any) -> Any:
        return {"xs": [type(state).__name__]}

    assert run(lane, schema, lane.node(node), {"x": 1, "xs": ["in"]}) == {"x": 1, "xs": ["in", schema.__name__]}


@pytest.mark.parametrize("schema", [Plain, SubPlain])
def test_a_plain_annotated_class_describes_a_dict(lane: Lane, schema: Any) -> None:
    """Nothing says how such a class is made."""

    def node(state: Any) -> Any:
        return {"xs": [type(state).__name__]}

    assert run(lane, schema, lane.node(node), {"x": 1, "xs": ["in"]}) == {"x": 1, "xs": ["in", "dict"]}


def test_the_annotation_of_a_node_may_inherit_all_of_its_keys(lane: Lane) -> None:
    def node(state: SubData) -> Any:
        return {"xs": [type(state).__name__]}

    assert run(lane, State, lane.node(node), {"x": 1, "xs": []}) == {"x": 1, "xs": ["SubData"]}


@pytest.mark.parametrize("make", [SubData, SubModel])
def test_an_update_may_be_an_instance_of_a_class_that_inherits_all_of_its_keys(lane: Lane, make: Any) -> None:
    assert run(lane, State, lane.node(lambda state: make(x=3)), {"x": 1, "xs": []})["x"] == 3
    assert run(lane, State, lane.node(lambda state: Command(update=make(x=4))), {"x": 1, "xs": []})["x"] == 4
    assert run(lane, State, lane.node(lambda state: None), make(x=5))["x"] == 5


def test_an_update_may_have_annotations_that_cannot_be_resolved(lane: Lane) -> None:
    class Local: ...

    @dataclass
    class Update:
        x: int
        unseen: Local | None = None

    assert run(lane, State, lane.node(lambda state: Update(3)), {"x": 1, "xs": []}) == {"x": 3, "xs": []}


def test_a_parameter_that_a_partial_has_bound_says_nothing_about_the_state(lane: Lane) -> None:
    def node(tool: Data, state: State) -> Any:
        return {"xs": [f"{tool.x}, {state['x']}"]}

    def path(tool: Data, state: State) -> str:
        return "node" if state["x"] == 1 else "__end__"

    graph = StateGraph(State).add_node("node", partial(lane.node(node), Data(7)))
    graph.add_conditional_edges(START, partial(path, Data(7)), ["node", "__end__"])
    assert lane.invoke(graph.compile(), {"x": 1, "xs": []}) == {"x": 1, "xs": ["7, 1"]}
