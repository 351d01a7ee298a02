"""What type checkers know about a graph; checked by mypy, never executed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, TypedDict, assert_type

from reactivex import Observable

from rxgraph import operators as ops
from rxgraph.flow import BoundedLog, Lagged, Publisher, from_iterable
from rxgraph.graph import START, StateGraph
from rxgraph.graph.state import CompiledStateGraph
from rxgraph.runtime import Runtime
from rxgraph.types import StreamWriter


class State(TypedDict):
    n: int


class Context(TypedDict):
    user: str


def node(state: State, writer: StreamWriter, runtime: Runtime[Context]) -> dict[str, Any]:
    assert_type(runtime.context, Context)
    return {"n": state["n"] + 1}


def names_flow_through_a_builder() -> None:
    builder = StateGraph(State, Context).add_node("node", node).add_edge(START, "node")
    assert_type(builder, StateGraph[State, Context, State, State])
    assert_type(builder.compile(), CompiledStateGraph[State, Context, State, State])


def streams_are_iterators(graph: CompiledStateGraph[State, None, State, State]) -> None:
    sync: Iterator[Any] = graph.stream({"n": 1}, stream_mode=["values", "custom"])
    asynchronous: AsyncIterator[Any] = graph.astream({"n": 1})
    graph.stream({"n": 1}, stream_mode="bogus")  # type: ignore[arg-type]
    graph.stream({"n": 1}, stream_modes="values")  # type: ignore[call-arg]
    del sync, asynchronous


def operators_keep_item_types(numbers: Observable[int]) -> None:
    assert_type(ops.map(str)(numbers), Observable[str])
    assert_type(ops.take(1)(numbers), Observable[int])
    assert_type(from_iterable([1]), Publisher[int])
    assert_type(BoundedLog[int]().pop(), int | Lagged)
