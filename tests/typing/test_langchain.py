"""What type checkers know about messages and Runnables; checked by mypy, never executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypedDict, assert_type

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableLambda

from rxgraph.graph import START, MessagesState, StateGraph, add_messages
from rxgraph.graph.state import CompiledStateGraph
from rxgraph.graph.ui import UIMessage, push_ui_message
from rxgraph.langchain import as_runnable


class State(MessagesState):
    mood: str


class Plain(TypedDict):
    messages: Annotated[list[dict[str, Any]], add_messages(format="plain")]


def node(state: State) -> dict[str, Any]:
    assert_type(state["messages"], list[AnyMessage])
    assert_type(push_ui_message("card", {"title": state["mood"]}), UIMessage)
    return {"messages": [AIMessage("hi"), ("user", "ho"), {"role": "user", "content": "hum"}]}


def messages_are_merged_or_a_reducer_is_made() -> None:
    add_messages([HumanMessage("hi")], ("user", "ho"))
    assert_type(add_messages(format="plain"), Callable[..., Any])
    add_messages([], 3)  # type: ignore[call-overload]


def a_runnable_is_a_node(chain: Runnable[Any, Any], inner: CompiledStateGraph[State, None, State, State]) -> None:
    builder = StateGraph(State).add_node("chain", chain).add_node(RunnableLambda(node)).add_node("inner", inner)
    assert_type(builder.add_edge(START, "chain"), StateGraph[State, None, State, State])
    builder.add_conditional_edges("chain", chain, ["inner"])
    builder.add_node("number", 3)  # type: ignore[call-overload]


def a_graph_is_a_runnable(graph: CompiledStateGraph[State, None, State, State]) -> None:
    assert_type(as_runnable(graph), Runnable[Any, Any])
    chain: Runnable[Any, Any] = RunnableLambda(node) | as_runnable(graph) | (lambda state: state["messages"])
    assert_type(graph | chain, Runnable[Any, Any])
    assert_type(graph.with_retry(), Runnable[Any, Any])
