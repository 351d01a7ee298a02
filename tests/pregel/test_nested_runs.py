"""Many runs inside one: what they leave behind, how they take turns, and how they end with the run around them."""

from __future__ import annotations

import asyncio
import gc
import operator
import subprocess
import sys
import threading
import weakref
from typing import Annotated, Any, TypedDict

import anyio
import pytest

from rxgraph.flow import RequestScheduler
from rxgraph.func import entrypoint, task
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Send, StreamWriter
from tests._lanes import Lane


class State(TypedDict):
    n: int
    xs: Annotated[list[str], operator.add]


class Payload: ...


PROGRAM = """
import asyncio, resource, sys
from typing import TypedDict
from rxgraph.func import entrypoint, task
from rxgraph.graph import START, StateGraph

class State(TypedDict):
    n: int

def kilobytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

RUNS, FIRST = 10_000, 1_000
what, lane = sys.argv[1:]
before = []

def look(i):
    if i == FIRST:
        before.append(kilobytes())

if what == "graphs":
    def add(state):
        return {"n": state["n"] + 1}

    async def aadd(state):
        return {"n": state["n"] + 1}

    inner = StateGraph(State).add_node("add", add if lane == "sync" else aadd).add_edge(START, "add").compile()

    def node(state):
        for i in range(RUNS):
            look(i)
            state = inner.invoke(state)
        return state

    async def anode(state):
        for i in range(RUNS):
            look(i)
            state = await inner.ainvoke(state)
        return state

    graph = StateGraph(State).add_node("node", node if lane == "sync" else anode).add_edge(START, "node").compile()
    count = (graph.invoke({"n": 0}) if lane == "sync" else asyncio.run(graph.ainvoke({"n": 0})))["n"]
elif lane == "sync":
    @task
    def add(n):
        return n + 1

    @entrypoint()
    def count_up(n):
        for i in range(RUNS):
            look(i)
            n = add(n).result()
        return n

    count = count_up.invoke(0)
else:
    @task
    async def add(n):
        return n + 1

    @entrypoint()
    async def count_up(n):
        for i in range(RUNS):
            look(i)
            n = await add(n)
        return n

    count = asyncio.run(count_up.ainvoke(0))
print(count, kilobytes() - before[0])
"""


@pytest.mark.parametrize("lane_name", ["sync", "async"])
@pytest.mark.parametrize("what", ["graphs", "calls"])
def test_ten_thousand_runs_or_calls_inside_one_keep_memory_flat(what: str, lane_name: str) -> None:
    command = [sys.executable, "-c", PROGRAM, what, lane_name]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    count, grown = map(int, out.split())
    assert count == 10_000
    assert grown < 4 * 1024, f"grew by {grown} KB"


@pytest.mark.parametrize("watched", [False, True])
def test_nothing_of_an_inner_run_waits_for_the_garbage_collector(lane: Lane, watched: bool) -> None:
    alive: weakref.WeakSet[Payload] = weakref.WeakSet()
    most: list[int] = []

    class Inner(TypedDict, total=False):
        payload: Payload

    def step(state: Inner) -> Inner:
        payload = Payload()
        alive.add(payload)
        return {"payload": payload}

    def sibling(state: Inner) -> None: ...

    builder = StateGraph(Inner).add_node("step", lane.node(step)).add_node("sibling", lane.node(sibling))
    inner = builder.add_edge(START, "step").add_edge(START, "sibling").compile()

    def node(state: State) -> dict[str, Any]:
        for _ in range(9):
            inner.invoke({})
            most.append(len(alive))
        return {"n": 9}

    async def anode(state: State) -> dict[str, Any]:
        for _ in range(9):
            await inner.ainvoke({})
            most.append(len(alive))
        return {"n": 9}

    graph = StateGraph(State).add_node("node", node if lane.name == "sync" else anode).add_edge(START, "node").compile()
    gc.collect()
    gc.disable()
    try:
        if watched:
            # Events that show the state would hold it; that somebody listens is enough.
            assert lane.stream(graph, {"n": 0, "xs": []}, stream_mode="custom", subgraphs=True) == []
        else:
            lane.invoke(graph, {"n": 0, "xs": []})
        assert len(most) == 9
        assert max(most) <= 1
        assert not alive
    finally:
        gc.enable()


def test_nothing_of_a_call_waits_for_the_garbage_collector(lane: Lane) -> None:
    alive: weakref.WeakSet[Payload] = weakref.WeakSet()
    most: list[int] = []

    def make(n: int) -> Payload:
        payload = Payload()
        alive.add(payload)
        return payload

    call: Any = task(lane.node(make))

    def work(n: int) -> int:
        for _ in range(9):
            call(n).result()
            most.append(len(alive))
        return n

    async def awork(n: int) -> int:
        for _ in range(9):
            await call(n)
            most.append(len(alive))
        return n

    flow: Any = entrypoint()(work if lane.name == "sync" else awork)
    gc.collect()
    gc.disable()
    try:
        lane.invoke(flow, 1)
        assert len(most) == 9
        # A worker's thread lets go of a call a moment after its caller has the result.
        assert lane.name == "sync" or max(most) <= 2
        assert not alive
    finally:
        gc.enable()


class Gathered(TypedDict):
    xs: Annotated[list[str], operator.add]


def fan_out(node: Any, width: int) -> Any:
    builder = StateGraph(State, output_schema=Gathered).add_node("node", node).add_edge(START, "node")
    graph = StateGraph(State).add_node("inner", builder.compile())
    graph.add_conditional_edges(
        START, lambda state: [Send("inner", {"n": i, "xs": []}) for i in range(width)], ["inner"]
    )
    return graph.compile()


def test_a_pull_wakes_one_of_the_inner_runs_that_wait_and_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled = 0
    schedule = RequestScheduler.schedule

    def counting(self: RequestScheduler, action: Any, state: Any = None) -> Any:
        nonlocal scheduled
        scheduled += 1
        return schedule(self, action, state)

    async def node(state: State) -> dict[str, Any]:
        return {"xs": [str(state["n"])]}

    async def read(width: int) -> list[str]:
        stream = fan_out(node, width).astream({"n": 0, "xs": []}, stream_mode="updates", subgraphs=True)
        return [update["node"]["xs"][0] async for _, update in stream if "node" in update]

    monkeypatch.setattr(RequestScheduler, "schedule", counting)
    assert asyncio.run(read(50)) == [str(i) for i in range(50)]
    assert scheduled < 50 * 4


def test_inner_runs_whose_nodes_wait_run_side_by_side_for_one_pull() -> None:
    async def main() -> None:
        together = asyncio.Barrier(10)

        async def node(state: State) -> dict[str, Any]:
            await together.wait()
            return {"xs": ["met"]}

        stream = fan_out(node, 10).astream({"n": 0, "xs": []}, stream_mode="updates", subgraphs=True)
        first = await asyncio.wait_for(anext(stream), 10)
        assert [first[1], *[update async for _, update in stream]].count({"node": {"xs": ["met"]}}) == 10

    asyncio.run(main())


def test_a_sync_graph_in_a_thread_of_a_cancelled_run_stops_at_its_next_superstep() -> None:
    inside, go_on, over = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def first(state: State) -> None:
        inside.set()
        assert go_on.wait(10)
        ran.append("first")

    inner = StateGraph(State).add_sequence([("first", first), ("never", lambda state: ran.append("never"))])
    compiled = inner.add_edge(START, "first").compile()

    def node(state: State) -> Any:
        try:
            return compiled.invoke(state)
        finally:
            over.set()

    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()

    async def main() -> None:
        run = asyncio.ensure_future(graph.ainvoke({"n": 0, "xs": []}))
        assert await asyncio.to_thread(inside.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        go_on.set()
        assert await asyncio.to_thread(over.wait, 10)

    asyncio.run(main())
    assert ran == ["first"]


# --- closed at any event

EVENTS = 80


class Census:
    """Counts the nodes that run."""

    def __init__(self) -> None:
        self.began = self.ended = self.cleaned_up = 0

    def node(self, name: str, is_async: bool) -> Any:
        """Return a node that writes in several parts, with work in between."""

        def sync(state: State, writer: StreamWriter) -> dict[str, Any]:
            self.began += 1
            try:
                for part in "abcde":
                    writer(name + part)
                return {"xs": [name]}
            finally:
                self.ended += 1

        async def asynchronous(state: State, writer: StreamWriter) -> dict[str, Any]:
            self.began += 1
            try:
                for part in "abcde":
                    await writer(name + part)
                    await asyncio.sleep(0)
                return {"xs": [name]}
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                self.cleaned_up += 1
                raise
            finally:
                self.ended += 1

        return asynchronous if is_async else sync

    def graph(self, is_async: bool) -> Any:
        """Return a graph with two levels inside, and nodes side by side on each."""
        inner: Any = self.node("deep", is_async)
        for level in "cba":
            builder = StateGraph(State).add_node(f"{level}1", inner).add_node(f"{level}2", self.node(level, is_async))
            builder.add_node("last", self.node(f"{level}last", is_async))
            builder.add_edge(START, f"{level}1").add_edge(START, f"{level}2")
            inner = builder.add_edge([f"{level}1", f"{level}2"], "last").add_edge("last", END).compile()
        return inner


MODES = ["custom", "updates", "values"]


@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_an_async_run_that_is_closed_at_any_event_leaves_no_node_running(runner: str) -> None:
    cleaned_up: list[int] = []

    async def main() -> int:
        for number in range(1, EVENTS):
            census = Census()
            stream = census.graph(True).astream({"n": 0, "xs": []}, stream_mode=MODES, subgraphs=True)
            seen = 0
            async for _ in stream:
                seen += 1
                if seen == number:
                    break
            await stream.aclose()
            cleaned_up.append(census.cleaned_up)
            assert census.began == census.ended
            assert len(asyncio.all_tasks()) == 1
            if seen < number:
                assert census.began == 7
                return seen
        return EVENTS

    async def scoped() -> int:
        for number in range(1, EVENTS):
            census = Census()
            seen = 0
            with anyio.CancelScope() as scope:
                async with census.graph(True).astream({"n": 0, "xs": []}, stream_mode=MODES, subgraphs=True) as stream:
                    async for _ in stream:
                        seen += 1
                        if seen == number:
                            scope.cancel()
            cleaned_up.append(census.cleaned_up)
            assert census.began == census.ended
            if seen < number:
                assert census.began == 7
                return seen
        return EVENTS

    assert 20 < (asyncio.run(main()) if runner == "asyncio" else anyio.run(scoped)) < EVENTS
    assert max(cleaned_up) >= 2


def test_a_sync_run_that_is_closed_at_any_event_leaves_no_node_running() -> None:
    before = set(threading.enumerate())
    for number in range(1, EVENTS):
        census = Census()
        seen = 0
        with census.graph(False).stream({"n": 0, "xs": []}, stream_mode=MODES, subgraphs=True) as stream:
            for _ in stream:
                seen += 1
                if seen == number:
                    break
        assert census.began == census.ended
        assert set(threading.enumerate()) <= before
        if seen < number:
            assert census.began == 7
            break
    assert 20 < seen < number < EVENTS
