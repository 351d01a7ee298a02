"""Cached nodes, side by side with LangGraph: what runs, what streams show, and what threads keep."""

from __future__ import annotations

import operator
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, TypedDict

import pytest

from tests._lanes import Lane


class State(TypedDict, total=False):
    n: int
    log: Annotated[list, operator.add]


Program = Callable[[Any, Any, Lane, list], Any]


class Library:
    """What programs use of one of the two."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.graph, self.types = import_module(f"{name}.graph"), import_module(f"{name}.types")
        self.cache = import_module(f"{name}.cache.memory").InMemoryCache()
        self.saver = import_module(f"{name}.checkpoint.memory").InMemorySaver()

    def policy(self, **options: Any) -> Any:
        return self.types.CachePolicy(**options)

    def compile(self, graph: Any, saved: bool = False) -> Any:
        return graph.compile(cache=self.cache, checkpointer=self.saver if saved else None)


def streams(lane: Lane, graph: Any, *inputs: Any) -> list[Any]:
    return [
        [(mode, part) for mode, part in lane.stream(graph, one, stream_mode=["updates", "values", "custom"])]
        for one in inputs
    ]


def hits(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def node(state: State) -> Any:
        ran.append(state["n"])
        return {"log": [state["n"]]}

    graph = lib.graph.StateGraph(State).add_node("node", lane.node(node), cache_policy=lib.policy(key_func=str))
    return streams(lane, lib.compile(graph.add_edge("__start__", "node")), {"n": 1}, {"n": 1}, {"n": 2}, {"n": 2})


def the_default_key_looks_at_the_whole_input(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def node(state: State) -> Any:
        ran.append(state["n"])
        return {"log": ["x"]}

    graph = lib.graph.StateGraph(State).add_node("node", lane.node(node), cache_policy=lib.policy())
    compiled = lib.compile(graph.add_edge("__start__", "node"))
    return streams(lane, compiled, {"n": 1}, {"n": 1, "log": []}, {"log": [], "n": 1}, {"n": 1, "log": ["other"]})


def sends(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def work(value: Any) -> Any:
        ran.append(value)
        return {"log": [value]}

    graph = lib.graph.StateGraph(State).add_node("work", lane.node(work), cache_policy=lib.policy(key_func=str))
    graph.add_conditional_edges(
        "__start__", lambda state: [lib.types.Send("work", n) for n in range(state["n"])], ["work"]
    )
    compiled = lib.compile(graph)
    # Tasks that end in one step give their updates in any order.
    return [lane.invoke(compiled, {"n": n}) for n in (2, 3, 3)]


def routers_are_part_of_a_result(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def choose(state: State) -> Any:
        ran.append("choose")
        return lib.types.Command(update={"log": ["choose"]}, goto="right")

    def path(state: State) -> str:
        ran.append("path")
        return "left"

    graph = lib.graph.StateGraph(State).add_node("choose", lane.node(choose), cache_policy=lib.policy(key_func=str))
    graph.add_node("left", lane.node(lambda state: {"log": ["left"]}))
    graph.add_node("right", lane.node(lambda state: {"log": ["right"]}))
    graph.add_edge("__start__", "choose").add_conditional_edges("choose", path, ["left"])
    compiled = lib.compile(graph)
    return [lane.invoke(compiled, {"n": 0}) for _ in range(2)]


def failures_are_not_kept(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def fails(state: State) -> Any:
        ran.append("fails")
        if len(ran) < 3:
            raise ValueError("not yet")
        return {"log": ["fine"]}

    graph = lib.graph.StateGraph(State).add_node("fails", lane.node(fails), cache_policy=lib.policy(key_func=str))
    compiled = lib.compile(graph.add_edge("__start__", "fails"))
    for _ in range(2):
        with pytest.raises(ValueError, match="not yet"):
            lane.invoke(compiled, {"n": 0})
    return [lane.invoke(compiled, {"n": 0}) for _ in range(2)]


def hits_are_saved(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def node(state: State) -> Any:
        ran.append(state["n"])
        return {"log": [state["n"]]}

    graph = lib.graph.StateGraph(State).add_node("node", lane.node(node), cache_policy=lib.policy(key_func=str))
    compiled = lib.compile(graph.add_edge("__start__", "node"), saved=True)
    shown = []
    for thread in "12":
        config: Any = {"configurable": {"thread_id": thread}}
        lane.invoke(compiled, {"n": 1}, config)
        shown.append([
            (one.values, one.next, one.metadata["step"], [(task.name, task.result) for task in one.tasks])
            for one in compiled.get_state_history(config)
        ])  # fmt: skip
    return shown


def an_answered_result_is_kept(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def asks(state: State) -> Any:
        ran.append("asks")
        return {"log": [lib.types.interrupt("?")]}

    graph = lib.graph.StateGraph(State).add_node("asks", lane.node(asks), cache_policy=lib.policy(key_func=str))
    compiled = lib.compile(graph.add_edge("__start__", "asks"), saved=True)
    first: Any = {"configurable": {"thread_id": "1"}}
    waits = "__interrupt__" in lane.invoke(compiled, {"n": 0}, first)
    answered = lane.invoke(compiled, lib.types.Command(resume="!"), first)
    return waits, answered, lane.invoke(compiled, {"n": 0}, {"configurable": {"thread_id": "2"}})


def cleared(lib: Library, lane: Lane, ran: list[Any]) -> Any:
    def node(state: State) -> Any:
        ran.append(state["n"])

    graph = lib.graph.StateGraph(State)
    for name in "ab":
        graph.add_node(name, lane.node(node), cache_policy=lib.policy(key_func=str)).add_edge("__start__", name)
    compiled = lib.compile(graph)
    for names in ("a",), ("a", "b"), None:
        lane.invoke(compiled, {"n": 1})
        compiled.clear_cache(names)
    lane.invoke(compiled, {"n": 1})
    return None


PROGRAMS: list[Program] = [
    hits,
    the_default_key_looks_at_the_whole_input,
    sends,
    routers_are_part_of_a_result,
    failures_are_not_kept,
    hits_are_saved,
    an_answered_result_is_kept,
    cleared,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_cached_program_does_the_same(program: Program, lane: Lane) -> None:
    found = []
    for name in ("rxgraph", "langgraph"):
        ran: list[Any] = []
        found.append((program(Library(name), lane, ran), sorted(map(str, ran))))
    assert found[0] == found[1]
