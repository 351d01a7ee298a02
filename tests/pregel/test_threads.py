"""Threads: runs that go on where an earlier one stopped."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.errors import EmptyInputError, GraphRecursionError, InvalidUpdateError
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Command, Interrupt, Send, interrupt
from tests._lanes import Lane


class State(TypedDict):
    xs: Annotated[list[Any], operator.add]


CONFIG: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.db")) as sqlite:
            yield sqlite


def chain(lane: Lane, saver: Any, **nodes: Callable[..., Any]) -> Any:
    graph = StateGraph(State).add_sequence([(name, lane.node(node)) for name, node in nodes.items()])
    return graph.add_edge(START, next(iter(nodes))).compile(checkpointer=saver)


def say(name: str) -> Callable[[State], Any]:
    return lambda state: {"xs": [name]}


def ask(state: State) -> dict[str, Any]:
    return {"xs": [interrupt("first"), interrupt("second")]}


def test_a_thread_remembers(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"))
    assert lane.invoke(graph, {"xs": [1]}, CONFIG) == {"xs": [1, "a"]}
    assert lane.invoke(graph, {"xs": [2]}, CONFIG) == {"xs": [1, "a", 2, "a"]}
    assert lane.invoke(graph, {"xs": [3]}, {"configurable": {"thread_id": "other"}}) == {"xs": [3, "a"]}
    assert lane.invoke(graph, None, CONFIG) == {"xs": [1, "a", 2, "a"]}, "nothing is left to do"


def test_a_question_stops_the_run_and_its_answer_goes_on(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"), ask=ask, b=say("b"))
    first = lane.invoke(graph, {"xs": []}, CONFIG)
    assert first["xs"] == ["a"]
    [question] = first["__interrupt__"]
    assert question == Interrupt("first", question.id)
    [second] = lane.invoke(graph, Command(resume=1), CONFIG)["__interrupt__"]
    assert (second.value, second.id != question.id) == ("second", True)
    assert lane.invoke(graph, Command(resume={second.id: 2}), CONFIG) == {"xs": ["a", 1, 2, "b"]}
    assert graph.get_state(CONFIG).next == ()


def test_another_process_can_answer(lane: Lane, tmp_path: Path) -> None:
    """The file is all that the two have in common."""
    path = str(tmp_path / "threads.db")
    with SqliteSaver.from_conn_string(path) as saver:
        lane.invoke(chain(lane, saver, ask=ask), {"xs": []}, CONFIG)
    with SqliteSaver.from_conn_string(path) as saver:
        graph = chain(lane, saver, ask=ask)
        assert [one.value for one in graph.get_state(CONFIG).interrupts] == ["first"]
        lane.invoke(graph, Command(resume=1), CONFIG)
        assert lane.invoke(graph, Command(resume=2), CONFIG) == {"xs": [1, 2]}


def test_finished_siblings_are_kept_and_do_not_run_again(lane: Lane, saver: Any) -> None:
    ran = []

    def done(state: State) -> dict[str, Any]:
        ran.append("done")
        return {"xs": ["done"]}

    graph = StateGraph(State)
    for name, node in {
        "done": done,
        "p": lambda s: {"xs": [interrupt("p")]},
        "q": lambda s: {"xs": [interrupt("q")]},
    }.items():
        graph.add_node(name, lane.node(node)).add_edge(START, name)
    compiled = graph.compile(checkpointer=saver)
    result = lane.invoke(compiled, {"xs": []}, CONFIG)
    assert result["xs"] == ["done"]
    by_value = {one.value: one.id for one in result["__interrupt__"]}
    assert set(by_value) == {"p", "q"}
    with pytest.raises(RuntimeError, match="multiple pending interrupts"):
        lane.invoke(compiled, Command(resume="?"), CONFIG)
    left = lane.invoke(compiled, Command(resume={by_value["p"]: "P"}), CONFIG)
    assert [one.value for one in left["__interrupt__"]] == ["q"]
    assert compiled.get_state(CONFIG).next == ("q",)
    assert lane.invoke(compiled, Command(resume="Q"), CONFIG) == {"xs": ["done", "P", "Q"]}
    assert ran == ["done"]


def test_after_a_failure_only_what_is_unfinished_runs_again(saver: Any) -> None:
    ran, broken = [], [True]

    def ok(state: State) -> dict[str, Any]:
        ran.append("ok")
        return {"xs": ["ok"]}

    def bad(state: State) -> dict[str, Any]:
        ran.append("bad")
        if broken:
            raise ValueError("boom")
        return {"xs": ["bad"]}

    graph = StateGraph(State).add_node("ok", ok).add_node("zbad", bad).add_edge(START, "ok").add_edge(START, "zbad")
    compiled = graph.compile(checkpointer=saver)
    with pytest.raises(ValueError, match="boom"):
        compiled.invoke({"xs": []}, {**CONFIG, "max_concurrency": 1})
    state = compiled.get_state(CONFIG)
    assert (state.next, state.values) == (("zbad",), {"xs": ["ok"]})
    assert "boom" in str({task.name: task.error for task in state.tasks}["zbad"])
    broken.clear()
    assert compiled.invoke(None, CONFIG) == {"xs": ["ok", "bad"]}
    assert ran.count("ok") == 1


def test_breakpoints_stop_once_each(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"), b=say("b"), c=say("c"))
    graph.interrupt_before_nodes = ["b"]
    assert lane.invoke(graph, {"xs": []}, CONFIG) == {"xs": ["a"]}
    assert graph.get_state(CONFIG).next == ("b",)
    assert lane.invoke(graph, None, CONFIG, interrupt_after=["b"]) == {"xs": ["a", "b"]}
    assert graph.get_state(CONFIG).next == ("c",)
    assert lane.invoke(graph, None, CONFIG) == {"xs": ["a", "b", "c"]}


def test_a_run_that_ran_out_of_steps_can_go_on(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"), b=say("b"), c=say("c"))
    with pytest.raises(GraphRecursionError):
        lane.invoke(graph, {"xs": []}, {**CONFIG, "recursion_limit": 2})
    assert lane.invoke(graph, None, CONFIG) == {"xs": ["a", "b", "c"]}


def test_history_goes_back_and_a_run_can_start_from_it(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"), b=say("b"))
    lane.invoke(graph, {"xs": [0]}, CONFIG)
    history = list(graph.get_state_history(CONFIG))
    assert [(one.metadata["step"], one.metadata["source"], one.next) for one in history] == [
        (2, "loop", ()),
        (1, "loop", ("b",)),
        (0, "loop", ("a",)),
        (-1, "input", (START,)),
    ]
    assert [one.parent_config and one.parent_config["configurable"]["checkpoint_id"] for one in history] == [
        *(one.config["configurable"]["checkpoint_id"] for one in history[1:]),
        None,
    ]
    assert lane.invoke(graph, None, history[1].config) == {"xs": [0, "a", "b"]}
    assert [one.metadata["source"] for one in graph.get_state_history(CONFIG, limit=2)] == ["loop", "fork"]


def test_state_can_be_changed_from_outside(lane: Lane, saver: Any) -> None:
    graph = chain(lane, saver, a=say("a"), b=say("b"))
    graph.interrupt_before_nodes = ["b"]
    lane.invoke(graph, {"xs": []}, CONFIG)

    def update(*args: Any) -> Any:
        if lane.name == "sync":
            return graph.update_state(CONFIG, *args)
        return asyncio.run(graph.aupdate_state(CONFIG, *args))

    address = update({"xs": ["outside"]})
    assert graph.get_state(address).values == {"xs": ["a", "outside"]}
    assert graph.get_state(CONFIG).next == ("b",)
    assert lane.invoke(graph, None, CONFIG) == {"xs": ["a", "outside", "b"]}
    update(None, END)
    assert graph.get_state(CONFIG).next == ()
    with pytest.raises(InvalidUpdateError, match="'nope'.*Known"):
        update({"xs": []}, "nope")


def test_a_saver_that_fails_stops_the_run_and_the_last_good_checkpoint_is_the_head(lane: Lane) -> None:
    class Breaks(InMemorySaver):
        left = 2

        def put(self, *args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError("disk full")
            return super().put(*args, **kwargs)

        async def aput(self, *args: Any, **kwargs: Any) -> Any:
            return self.put(*args, **kwargs)

    ran = []
    saver = Breaks()
    graph = chain(lane, saver, a=lambda state: ran.append("a"), b=lambda state: ran.append("b"))
    with pytest.raises(OSError, match="disk full"):
        lane.invoke(graph, {"xs": []}, CONFIG, durability="sync")
    assert ran == ["a"]
    assert graph.get_state(CONFIG).metadata["step"] == 0
    graph.checkpointer.left = 100
    lane.invoke(graph, None, CONFIG)
    assert ran == ["a", "b"], "what a wrote was saved before the checkpoint that failed"


def test_writes_are_saved_before_the_checkpoint_that_comes_of_them(lane: Lane) -> None:
    class Watched(InMemorySaver):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[str] = []

        def put(self, config: Any, checkpoint: Any, *rest: Any) -> Any:
            self.calls.append(f"put {rest[0]['step']}")
            return super().put(config, checkpoint, *rest)

        def put_writes(self, config: Any, writes: Any, *rest: Any) -> None:
            self.calls.append("writes")
            super().put_writes(config, writes, *rest)

        async def aput(self, *args: Any) -> Any:
            return self.put(*args)

        async def aput_writes(self, *args: Any) -> None:
            self.put_writes(*args)

    saver = Watched()
    lane.invoke(chain(lane, saver, a=say("a")), {"xs": []}, CONFIG)
    assert saver.calls == ["put -1", "writes", "put 0", "writes", "put 1"]


def test_classes_of_the_state_come_back_as_they_were(lane: Lane, saver: Any) -> None:
    """Also those that are defined inside a function: the graph names them in its schemas."""

    @dataclass
    class Point:
        x: int

    Geometry: Any = TypedDict("Geometry", {"points": Annotated[list[Point], operator.add]})
    graph = StateGraph(Geometry).add_node("ask", lane.node(lambda state: {"points": [Point(interrupt("x?"))]}))
    compiled = graph.add_edge(START, "ask").compile(checkpointer=saver)
    lane.invoke(compiled, {"points": [Point(1)]}, CONFIG)
    assert compiled.get_state(CONFIG).values == {"points": [Point(1)]}
    assert lane.invoke(compiled, Command(resume=2), CONFIG) == {"points": [Point(1), Point(2)]}


class TestRefused:
    """Bad requests, each before anything runs."""

    def test_a_run_names_its_thread(self, lane: Lane) -> None:
        graph = chain(lane, InMemorySaver(), a=lambda state: pytest.fail("ran"))
        with pytest.raises(ValueError, match="thread_id"):
            lane.invoke(graph, {"xs": []})

    def test_nothing_to_go_on_with(self, lane: Lane, saver: Any) -> None:
        graph = chain(lane, saver, a=lambda state: pytest.fail("ran"))
        with pytest.raises(EmptyInputError):
            lane.invoke(graph, None, CONFIG)
        assert graph.get_state(CONFIG).values == {}

    def test_what_is_no_saver(self) -> None:
        with pytest.raises(TypeError, match=r"no get_tuple\(\)"):
            StateGraph(State).add_node("a", say("a")).add_edge(START, "a").compile(checkpointer=object())

    def test_states_without_a_saver(self) -> None:
        graph = StateGraph(State).add_node("a", say("a")).add_edge(START, "a").compile()
        with pytest.raises(ValueError, match="No checkpointer set"):
            graph.get_state(CONFIG)

    def test_a_question_outside_of_a_run(self) -> None:
        with pytest.raises(RuntimeError, match=r"interrupt\(\) was called outside of a running node"):
            interrupt("?")


def test_a_question_without_a_saver_stops_the_run(lane: Lane) -> None:
    result = lane.invoke(chain(lane, None, ask=ask), {"xs": ["in"]})
    assert result["xs"] == ["in"]
    assert [one.value for one in result["__interrupt__"]] == ["first"]


def test_packets_of_an_early_checkpoint_are_sent(lane: Lane) -> None:
    saver = InMemorySaver()
    graph = StateGraph(State).add_node("plan", lane.node(say("plan"))).add_edge(START, "plan")
    graph.add_node("work", lane.node(lambda number: {"xs": [number]}))
    graph.add_conditional_edges("plan", lambda state: END, ["work", END])
    compiled = graph.compile(checkpointer=saver)
    lane.invoke(compiled, {"xs": []}, CONFIG)
    found: Any = saver.get_tuple(CONFIG)
    early = {**found.checkpoint, "v": 3, "pending_sends": [Send("work", 1), Send("work", 2)]}
    saver.put(
        {"configurable": {"thread_id": "old", "checkpoint_ns": ""}}, early, found.metadata, early["channel_versions"]
    )
    old: Any = {"configurable": {"thread_id": "old"}}
    assert compiled.get_state(old).next == ("work", "work")
    assert lane.invoke(compiled, None, old) == {"xs": ["plan", 1, 2]}


@dataclass
class Note:
    text: str


def test_a_saver_that_is_set_later_knows_the_classes_of_the_state(lane: Lane) -> None:
    class Noted(TypedDict):
        note: Note

    graph = StateGraph(Noted).add_node("write", lane.node(lambda state: {"note": Note("kept")}))
    compiled = graph.add_edge(START, "write").compile()
    compiled.checkpointer = InMemorySaver()
    lane.invoke(compiled, {"note": Note("given")}, CONFIG)
    assert compiled.get_state(CONFIG).values == {"note": Note("kept")}
    with pytest.raises(TypeError, match="which has no get_tuple"):
        compiled.checkpointer = object()
