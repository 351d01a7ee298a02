"""Channels that are saved as their writes: whatever happens to a thread, they come back as if they were saved whole."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgraph.channels import DeltaChannel
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Command, Overwrite, Send, StateUpdate, interrupt
from tests._lanes import Lane


def extend(value: list[Any], writes: Any) -> list[Any]:
    return value + [item for write in writes for item in write]


class Delta(TypedDict):
    n: int
    xs: Annotated[list[Any], DeltaChannel(extend, list, snapshot_frequency=4)]


class Whole(TypedDict):
    n: int
    xs: Annotated[list[Any], operator.add]


CONFIG: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.db")) as sqlite:
            yield sqlite


def loop(lane: Lane, state: type, saver: Any, stop_at: int, step: Callable[[Any], Any] | None = None) -> Any:
    def work(given: Any) -> Any:
        return step(given) if step else {"n": given["n"] + 1, "xs": [given["n"]]}

    graph = StateGraph(state).add_node("work", lane.node(work)).add_edge(START, "work")
    graph.add_conditional_edges("work", lambda given: "work" if given["n"] < stop_at else END)
    return graph.compile(checkpointer=saver)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_thread_goes_on_with_the_whole_value(lane: Lane, saver: Any, durability: Any) -> None:
    graph = loop(lane, Delta, saver, 11)
    lane.invoke(graph, {"n": 0}, CONFIG, durability=durability)
    assert graph.get_state(CONFIG).values["xs"] == list(range(11))
    assert lane.invoke(graph, {"n": 0, "xs": ["new"]}, CONFIG, durability=durability)["xs"] == [
        *range(11), "new", *range(11)
    ]  # fmt: skip
    for one in graph.get_state_history(CONFIG):
        n = one.values.get("n")
        if one.metadata["source"] == "loop" and one.metadata["step"] < 11 and n is not None:
            assert one.values["xs"] == list(range(n))


def test_checkpoints_hold_the_value_only_now_and_then(lane: Lane) -> None:
    saver = InMemorySaver()
    lane.invoke(loop(lane, Delta, saver, 12), {"n": 0}, CONFIG)
    holds = [one.metadata["step"] for one in saver.list(CONFIG) if "xs" in one.checkpoint["channel_values"]]
    assert holds == [12, 8, 4]
    counters = [one.metadata.get("counters_since_delta_snapshot") for one in saver.list(CONFIG, limit=3)]
    assert counters == [None, {"xs": [3, 3]}, {"xs": [2, 2]}]


def test_an_overwrite_is_saved_whole(lane: Lane, saver: Any) -> None:
    def step(given: Any) -> Any:
        return {"n": given["n"] + 1, "xs": Overwrite(["over"]) if given["n"] == 2 else [given["n"]]}

    graph = loop(lane, Delta, saver, 4, step)
    lane.invoke(graph, {"n": 0}, CONFIG)
    assert graph.get_state(CONFIG).values["xs"] == ["over", 3]


def test_a_fork_takes_nothing_from_the_branch_that_it_leaves(lane: Lane, saver: Any) -> None:
    graph = loop(lane, Delta, saver, 6)
    lane.invoke(graph, {"n": 0}, CONFIG)
    old = next(one for one in graph.get_state_history(CONFIG) if one.values.get("n") == 3)
    assert lane.invoke(graph, None, old.config)["xs"] == list(range(6))
    assert graph.get_state(CONFIG).values["xs"] == list(range(6))
    changed = graph.update_state(old.config, {"xs": ["changed"]}, "work")
    assert graph.get_state(changed).values["xs"] == [0, 1, 2, "changed"], "and not what its task wrote afterwards"
    assert lane.invoke(graph, None, changed)["xs"] == [0, 1, 2, "changed", 3, 4, 5]
    bulk = graph.bulk_update_state(CONFIG, [[StateUpdate({"xs": [n]}, "work")] for n in "abc"])
    assert graph.get_state(bulk).values["xs"][-4:] == [5, "a", "b", "c"]
    assert graph.get_state(graph.update_state(bulk, None, "__copy__")).values["xs"][-3:] == ["a", "b", "c"]


def test_what_a_given_up_superstep_wrote_is_not_in_the_value(lane: Lane, saver: Any) -> None:
    def asks(given: Any) -> Any:
        return {"xs": [interrupt("?")]}

    graph = StateGraph(Delta).add_node("fine", lane.node(lambda given: {"xs": ["fine"]}))
    graph.add_node("asks", lane.node(asks)).add_edge(START, "fine").add_edge(START, "asks")
    compiled = graph.compile(checkpointer=saver)
    lane.invoke(compiled, {"n": 0}, CONFIG)
    lane.invoke(compiled, {"n": 1, "xs": ["again"]}, CONFIG)
    assert sorted(lane.invoke(compiled, Command(resume="yes"), CONFIG)["xs"]) == ["again", "fine", "yes"]
    assert sorted(compiled.get_state(CONFIG).values["xs"]) == ["again", "fine", "yes"]


def test_a_fresh_thread_can_begin_with_an_update(lane: Lane, saver: Any) -> None:
    graph = loop(lane, Delta, saver, 3)
    graph.update_state(CONFIG, {"n": 1, "xs": ["first"]}, "work")
    assert graph.get_state(CONFIG).values["xs"] == ["first"]
    assert lane.invoke(graph, None, CONFIG)["xs"] == ["first", 1, 2]


actions = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(0, 3)),
        st.tuples(st.just("update"), st.integers(0, 9)),
        st.tuples(st.just("back"), st.integers(0, 6)),
        st.tuples(st.just("change"), st.integers(0, 6)),
        st.tuples(st.just("bulk"), st.integers(0, 2)),
    ),
    max_size=8,
)


@given(actions, st.integers(1, 5), st.sampled_from(["sync", "exit"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_delta_channel_is_never_told_from_one_that_is_saved_whole(
    lane: Lane, done: list[tuple[str, int]], frequency: int, durability: str
) -> None:
    xs = Annotated[list[Any], DeltaChannel(extend, list, snapshot_frequency=frequency)]
    Sparse: Any = TypedDict("Sparse", {"n": int, "xs": xs})  # type: ignore[misc]

    def step(given: Any) -> Any:
        return {"n": given.get("n", 0) + 1, "xs": [given.get("n", 0)]}

    def route(given: Any) -> Any:
        n = given.get("n", 0)
        if n >= 3:
            return END
        return [Send("work", {"n": n})] if n % 2 else "work"

    seen = []
    for state in (Sparse, Whole):
        graph: Any = StateGraph(state).add_node("work", lane.node(step)).add_edge(START, "work")
        graph.add_conditional_edges("work", route)
        graph = graph.compile(checkpointer=InMemorySaver())
        shown: list[Any] = []
        for action, number in done:
            history = list(graph.get_state_history(CONFIG))
            if action == "run":
                shown.append(lane.invoke(graph, {"n": number, "xs": [f"in{number}"]}, CONFIG, durability=durability))
            elif action == "update":
                graph.update_state(CONFIG, {"n": 1, "xs": [f"up{number}"]}, "work")
            elif action == "bulk":
                graph.bulk_update_state(
                    CONFIG, [[StateUpdate({"xs": [f"bulk{i}"]}, "work")] for i in range(number + 1)]
                )
            elif history:
                old = history[number % len(history)]
                if action == "back" and old.next:
                    shown.append(lane.invoke(graph, None, old.config, durability=durability))
                elif action == "change" and old.values.get("n") is not None:
                    graph.update_state(old.config, {"xs": [f"change{number}"]}, "work")
            shown.append([(one.values, one.next, one.metadata["source"]) for one in graph.get_state_history(CONFIG)])
        seen.append(shown)
    assert seen[0] == seen[1]
