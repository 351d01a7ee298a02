"""When a run saves: before the next superstep, meanwhile, or at its end."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.errors import CheckpointConflictError
from rxgraph.graph import END, START, StateGraph
from rxgraph.pregel.lanes._saving import MOST_AHEAD
from rxgraph.types import Command, interrupt
from rxgraph.warnings import NoSaverWarning
from tests._lanes import Lane


class State(TypedDict):
    n: int
    xs: Annotated[list[Any], operator.add]


CONFIG: Any = {"configurable": {"thread_id": "1"}}
DURABILITIES = ["sync", "async", "exit"]


class Slow(InMemorySaver):
    """Takes 50 ms a checkpoint, and counts those that a run has asked for and that are not there yet."""

    def __init__(self, seconds: float = 0.05) -> None:
        super().__init__()
        self.seconds = seconds
        self.steps: list[int] = []

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        time.sleep(self.seconds)
        address = super().put(config, checkpoint, metadata, new_versions)
        self.steps.append(metadata["step"])
        return address

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        await asyncio.sleep(self.seconds)
        address = InMemorySaver.put(self, config, checkpoint, metadata, new_versions)
        self.steps.append(metadata["step"])
        return address


def loop(lane: Lane, saver: Any, steps: int, node: Any) -> Any:
    def step(state: State) -> Any:
        return node(state) or {"n": state["n"] + 1}

    graph = StateGraph(State).add_node("step", lane.node(step)).add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["n"] < steps else END)
    return graph.compile(checkpointer=saver)


def test_async_saves_stay_within_their_bound(lane: Lane) -> None:
    saver = Slow()
    ahead = []

    def look(state: State) -> None:
        # The node of step n+1 runs: checkpoints -1 to n have been asked for.
        ahead.append(state["n"] + 2 - len(saver.steps))

    result = lane.invoke(loop(lane, saver, 12, look), {"n": 0}, CONFIG, durability="async")
    assert result["n"] == 12
    assert saver.steps == list(range(-1, 13)), "all are saved when the run returns, in their order"
    assert max(ahead) == MOST_AHEAD, "the run does not wait before that many, and never goes farther"


def test_sync_saves_come_before_the_next_superstep(lane: Lane) -> None:
    saver = Slow(0.001)
    lane.invoke(
        loop(lane, saver, 5, lambda state: check(saver.steps == list(range(-1, state["n"] + 1)))),
        {"n": 0}, CONFIG, durability="sync",
    )  # fmt: skip


def check(holds: bool) -> None:
    assert holds


@pytest.mark.parametrize("durability", DURABILITIES)
def test_every_durability_ends_in_the_same_state(lane: Lane, durability: str) -> None:
    saver = Slow(0.001)
    graph = loop(lane, saver, 6, lambda state: {"n": state["n"] + 1, "xs": [state["n"]]})
    assert lane.invoke(graph, {"n": 0}, CONFIG, durability=durability) == {"n": 6, "xs": [0, 1, 2, 3, 4, 5]}
    head = graph.get_state(CONFIG)
    assert (head.values, head.next) == ({"n": 6, "xs": [0, 1, 2, 3, 4, 5]}, ())
    assert len(list(graph.get_state_history(CONFIG))) == (1 if durability == "exit" else 8)


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_a_save_that_fails_stops_the_run_at_a_boundary(lane: Lane, durability: str) -> None:
    class Breaks(Slow):
        def check(self, metadata: Any) -> None:
            if metadata["step"] >= 2:
                raise OSError(f"disk full at {metadata['step']}")

        def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
            self.check(metadata)
            return super().put(config, checkpoint, metadata, new_versions)

        async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
            self.check(metadata)
            return await super().aput(config, checkpoint, metadata, new_versions)

    saver = Breaks(0.001)
    ran: list[int] = []
    graph = loop(lane, saver, 100, lambda state: ran.append(state["n"]))
    with pytest.raises(OSError, match="disk full at 2"):
        lane.invoke(graph, {"n": 0}, CONFIG, durability=durability)
    assert len(ran) <= 2 + MOST_AHEAD + 1
    assert graph.get_state(CONFIG).metadata["step"] == 1, "the last good one is the head"
    assert saver.steps == [-1, 0, 1], "nothing was saved past the failure"


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_values_are_saved_as_they_were_at_the_boundary(lane: Lane, durability: str) -> None:
    def change(state: State) -> dict[str, Any]:
        # What a node must not do, and some do.
        state["xs"].append(f"changed by {state['n']}")
        return {"n": state["n"] + 1}

    saver = Slow(0.01)
    graph = loop(lane, saver, 4, change)
    lane.invoke(graph, {"n": 0, "xs": ["first"]}, CONFIG, durability=durability)
    start = next(one for one in graph.get_state_history(CONFIG) if one.metadata["step"] == 0)
    assert start.values["xs"] == ["first"]


def test_exit_saves_where_the_run_stopped(lane: Lane) -> None:
    saver = InMemorySaver()

    def ask(state: State) -> Any:
        return {"n": 3, "xs": [interrupt("first"), interrupt("second")]} if state["n"] == 2 else None

    graph = loop(lane, saver, 4, ask)
    lane.invoke(graph, {"n": 0}, CONFIG, durability="exit")
    assert [one.metadata["step"] for one in graph.get_state_history(CONFIG)] == [2]
    assert [one.value for one in graph.get_state(CONFIG).interrupts] == ["first"]
    lane.invoke(graph, Command(resume="a"), CONFIG, durability="exit")
    assert [one.value for one in graph.get_state(CONFIG).interrupts] == ["second"]
    assert len(list(graph.get_state_history(CONFIG))) == 1, "the superstep is the same one"
    assert lane.invoke(graph, Command(resume="b"), CONFIG, durability="exit") == {"n": 4, "xs": ["a", "b"]}
    history = list(graph.get_state_history(CONFIG))
    assert [one.metadata["step"] for one in history] == [4, 2]
    assert history[0].parent_config == history[1].config


def test_exit_saves_what_finished_beside_a_failure(lane: Lane) -> None:
    calls: list[str] = []

    def fine(state: State) -> dict[str, Any]:
        calls.append("fine")
        return {"xs": ["fine"]}

    def fails(state: State) -> dict[str, Any]:
        if "fails" not in calls:
            calls.append("fails")
            raise ValueError("once")
        return {"xs": ["fails"]}

    graph = StateGraph(State).add_node("fine", lane.node(fine)).add_node("fails", lane.node(fails))
    graph = graph.add_edge(START, "fine").add_edge("fine", "fails").compile(checkpointer=InMemorySaver())
    with pytest.raises(ValueError, match="once"):
        lane.invoke(graph, {"n": 0}, CONFIG, durability="exit")
    head = graph.get_state(CONFIG)
    assert (head.next, head.values["xs"]) == (("fails",), ["fine"])
    assert head.tasks[0].error == "ValueError('once')"
    lane.invoke(graph, None, CONFIG, durability="exit")
    assert calls.count("fine") == 1


def test_no_thread_is_left_and_closing_a_stream_waits_for_its_saves() -> None:
    saver = Slow(0.02)
    graph = StateGraph(State).add_node("step", lambda state: {"n": state["n"] + 1}).add_edge(START, "step")
    graph.add_edge("step", "step")
    compiled = graph.compile(checkpointer=saver)
    with compiled.stream({"n": 0}, CONFIG, stream_mode="values") as stream:
        assert [part["n"] for part, _ in zip(stream, range(4), strict=False)] == [0, 1, 2, 3]
    assert saver.steps[-1] == compiled.get_state(CONFIG).metadata["step"]
    assert not [one for one in threading.enumerate() if one.name.startswith("rxgraph-save")]


def test_a_cancelled_run_saves_what_it_has_asked_for() -> None:
    async def main() -> None:
        saver = Slow(0.02)
        graph = StateGraph(State)
        waits = asyncio.Event()

        async def step(state: State) -> dict[str, Any]:
            if state["n"] == 2:
                waits.set()
                await asyncio.Event().wait()
            return {"n": state["n"] + 1}

        compiled = graph.add_node(step).add_edge(START, "step").add_edge("step", "step").compile(checkpointer=saver)
        run = asyncio.create_task(compiled.ainvoke({"n": 0}, CONFIG))
        await waits.wait()
        assert len(saver.steps) < 4, "the saver is behind"
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert saver.steps == [-1, 0, 1, 2]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_durability_without_a_saver_warns(lane: Lane) -> None:
    graph = loop(lane, None, 1, lambda state: None)
    with pytest.warns(NoSaverWarning, match="durability='sync' has no effect"):
        assert lane.invoke(graph, {"n": 0}, durability="sync")["n"] == 1


# Not "async": which of the two is the slower one is open then.
@pytest.mark.parametrize("durability", ["sync", "exit"])
def test_a_run_that_was_overtaken_says_so(durability: str) -> None:
    saver = Slow(0.001)

    def overtake(state: State) -> None:
        if state["n"] == 1 and not saver.steps.count(99):
            saver.steps.append(99)
            graph.invoke({"n": 10}, CONFIG)

    graph = loop(Sync, saver, 3, overtake)
    with pytest.raises(CheckpointConflictError, match="Thread '1' was moved on by somebody else") as caught:
        graph.invoke({"n": 0}, CONFIG, durability=durability)
    assert caught.value.thread_id == "1"
    assert caught.value.found in {one.checkpoint["id"] for one in saver.list(CONFIG)}
    assert graph.get_state(CONFIG).values["n"] == 11, "what the faster run has saved is there"


def test_a_fork_from_an_old_checkpoint_is_no_conflict(lane: Lane) -> None:
    graph = loop(lane, InMemorySaver(), 3, lambda state: None)
    lane.invoke(graph, {"n": 0}, CONFIG)
    old = list(graph.get_state_history(CONFIG))[2]
    assert lane.invoke(graph, None, old.config)["n"] == 3
    assert graph.get_state(graph.update_state(old.config, {"n": 7}, "step")).values["n"] == 7


class Sync:
    """Nodes as they are."""

    @staticmethod
    def node(fn: Any) -> Any:
        return fn
