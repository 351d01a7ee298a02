"""Results of nodes that come from a cache."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.cache.base import BaseCache
from rxgraph.cache.memory import InMemoryCache
from rxgraph.cache.sqlite import SqliteCache
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import CachePolicy, Command, Send, interrupt
from tests._lanes import Lane


@dataclass
class Found:
    name: str


class State(TypedDict, total=False):
    n: int
    found: Found
    xs: Annotated[list[Any], operator.add]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "sqlite"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> BaseCache[Any]:
    return InMemoryCache() if request.param == "memory" else SqliteCache(path=str(tmp_path / "cache.db"))


def double(lane: Lane, ran: list[Any], cache: Any, policy: CachePolicy | None = None, saver: Any = None) -> Any:
    def double(state: State) -> dict[str, Any]:
        ran.append(state["n"])
        return {"xs": [2 * state["n"]], "found": Found("it")}

    graph = StateGraph(State).add_node("double", lane.node(double), cache_policy=policy or CachePolicy())
    return graph.add_edge(START, "double").compile(cache=cache, checkpointer=saver)


def test_a_node_whose_input_was_seen_before_does_not_run(lane: Lane, cache: Any) -> None:
    ran: list[Any] = []
    graph = double(lane, ran, cache)
    first = lane.invoke(graph, {"n": 2})
    assert lane.invoke(graph, {"n": 2}) == first == {"n": 2, "found": Found("it"), "xs": [4]}
    assert lane.invoke(graph, {"n": 3})["xs"] == [6]
    assert ran == [2, 3]
    events = lane.stream(graph, {"n": 2}, stream_mode=["updates", "tasks"])
    assert [mode for mode, _ in events] == ["tasks", "updates"], "the task starts, and has no end of its own"
    assert events[1][1] == {"double": {"xs": [4], "found": Found("it")}, "__metadata__": {"cached": True}}


def test_entries_are_good_for_their_time_and_until_they_are_cleared(lane: Lane) -> None:
    ran: list[Any] = []
    clock = Clock()
    graph = double(lane, ran, InMemoryCache(clock=clock), CachePolicy(ttl=60))
    for now in (0, 59, 61, 62):
        clock.now = now
        lane.invoke(graph, {"n": 1})
    assert ran == [1, 1]
    graph.clear_cache(["double"])
    lane.invoke(graph, {"n": 1})
    graph.clear_cache()
    lane.invoke(graph, {"n": 1})
    assert ran == [1] * 4
    with pytest.raises(ValueError, match="no node 'dobule'. Did you mean 'double'"):
        graph.clear_cache(["dobule"])


def test_the_key_is_what_the_user_makes_of_the_input(lane: Lane, cache: Any) -> None:
    ran: list[Any] = []
    graph = double(lane, ran, cache, CachePolicy(key_func=lambda state: str(state["n"] % 10)))
    lane.invoke(graph, {"n": 3})
    assert lane.invoke(graph, {"n": 13})["xs"] == [6]
    bad: Any = CachePolicy(key_func=lambda state: state["n"])
    with pytest.raises(TypeError, match="Node 'double': CachePolicy.key_func returned 3; expected str or bytes"):
        lane.invoke(double(lane, ran, cache, bad), {"n": 3})
    with pytest.raises(TypeError, match="can't be made into a cache key.*key_func"):
        lane.invoke(double(lane, ran, cache), {"n": 3, "xs": [lambda: None]})


def test_equal_tasks_of_one_superstep_all_get_what_is_there(lane: Lane, cache: Any) -> None:
    ran: list[Any] = []

    def square(value: int) -> dict[str, Any]:
        ran.append(value)
        return {"xs": [value * value]}

    graph = StateGraph(State).add_node("square", lane.node(square), cache_policy=CachePolicy())
    graph.add_conditional_edges(START, lambda state: [Send("square", 2), Send("square", 2), Send("square", 3)])
    compiled = graph.compile(cache=cache)
    assert lane.invoke(compiled, {"n": 0})["xs"] == [4, 4, 9]
    assert lane.invoke(compiled, {"n": 0})["xs"] == [4, 4, 9]
    assert sorted(ran) == [2, 2, 3], "the first time nobody knows that they are equal"


def test_where_a_node_went_is_kept_with_what_it_wrote(lane: Lane, cache: Any) -> None:
    ran: list[str] = []

    def choose(state: State) -> Any:
        ran.append("choose")
        return Command(update={"xs": ["choose"]}, goto="right")

    graph = StateGraph(State).add_node("choose", lane.node(choose), cache_policy=CachePolicy())
    graph.add_node("right", lane.node(lambda state: {"xs": ["right"]}))
    compiled = graph.add_edge(START, "choose").add_edge("right", END).compile(cache=cache)
    for _ in range(2):
        assert lane.invoke(compiled, {"n": 0})["xs"] == ["choose", "right"]
    assert ran == ["choose"]


def test_failures_and_questions_are_not_kept_and_what_finished_beside_them_is(lane: Lane, cache: Any) -> None:
    ran: list[str] = []

    def fine(state: State) -> dict[str, Any]:
        ran.append("fine")
        return {"xs": ["fine"]}

    def asks(state: State) -> dict[str, Any]:
        ran.append("asks")
        return {"xs": [interrupt("?")]}

    graph = StateGraph(State).set_node_defaults(cache_policy=CachePolicy())
    graph.add_node("asks", lane.node(asks)).add_node("fine", lane.node(fine))
    compiled = graph.add_edge(START, "asks").add_edge(START, "fine").compile(cache=cache, checkpointer=InMemorySaver())
    for thread in "12":
        config: Any = {"configurable": {"thread_id": thread}}
        assert "__interrupt__" in lane.invoke(compiled, {"n": 0}, config)
    assert lane.invoke(compiled, Command(resume="!"), config)["xs"] == ["!", "fine"]
    assert ran.count("fine") == 1
    assert ran.count("asks") == 3


def test_a_hit_is_saved_as_if_the_node_had_run(lane: Lane, cache: Any) -> None:
    ran: list[Any] = []
    saver = InMemorySaver()
    graph = double(lane, ran, cache, saver=saver)
    histories = []
    for thread in "12":
        config: Any = {"configurable": {"thread_id": thread}}
        lane.invoke(graph, {"n": 2}, config)
        histories.append([(one.values, one.tasks and one.tasks[0].result) for one in graph.get_state_history(config)])
    assert ran == [2]
    assert histories[0] == histories[1]


def test_a_policy_without_a_cache_does_nothing(lane: Lane) -> None:
    ran: list[Any] = []
    graph = double(lane, ran, None)
    lane.invoke(graph, {"n": 1})
    lane.invoke(graph, {"n": 1})
    assert ran == [1, 1]
    with pytest.raises(ValueError, match="has no cache"):
        graph.clear_cache()


def test_a_cache_of_langgraph_works_as_it_is(lane: Lane) -> None:
    from langgraph.cache.memory import InMemoryCache as Theirs

    ran: list[Any] = []
    graph = double(lane, ran, Theirs(), CachePolicy(ttl=60))
    assert lane.invoke(graph, {"n": 2})["xs"] == lane.invoke(graph, {"n": 2})["xs"] == [4]
    assert ran == [2]
