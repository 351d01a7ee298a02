"""Demand: nothing runs that nobody asked for, nothing is kept that nobody has room for."""

from __future__ import annotations

import asyncio
import operator
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.flow import DEFAULT_MAXLEN
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Emit, StreamWriter
from rxgraph.warnings import UnpacedWriterWarning
from tests._lanes import Lane

MANY = 20_000


class State(TypedDict):
    n: int
    xs: Annotated[list[int], operator.add]


def loop_of(step: Callable[..., Any], times: int) -> Any:
    graph = StateGraph(State).add_node("step", step).add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["n"] < times else END, ["step", END])
    return graph.compile()


def one_node(node: Callable[..., Any]) -> Any:
    return StateGraph(State).add_node("emit", node).add_edge(START, "emit").compile()


CONFIG: Any = {"recursion_limit": 10_000}


def test_a_reader_that_takes_3_of_1000_steps_has_run_3_steps(lane: Lane) -> None:
    ran = []

    def step(state: State) -> dict[str, int]:
        ran.append(state["n"])
        return {"n": state["n"] + 1}

    graph = loop_of(lane.node(step), 1000)

    async def pull() -> list[Any]:
        async with graph.astream({"n": 0}, CONFIG) as stream:
            return [await anext(stream) for _ in range(3)]

    if lane.name == "async":
        assert len(asyncio.run(pull())) == 3
    else:
        with graph.stream({"n": 0}, CONFIG) as stream:
            assert [next(stream) for _ in range(3)][-1] == {"step": {"n": 3}}
    assert ran == [0, 1, 2]


def test_nothing_runs_before_the_first_pull() -> None:
    graph = loop_of(lambda state: pytest.fail("ran"), 3)
    graph.stream({"n": 0}).close()

    async def open_and_close() -> None:
        await graph.astream({"n": 0}).aclose()

    asyncio.run(open_and_close())


def test_the_start_of_a_task_is_shown_before_its_node_runs(lane: Lane) -> None:
    ran = []
    graph = one_node(lane.node(lambda state: ran.append("node")))

    async def pull() -> Any:
        async with graph.astream({"n": 0}, stream_mode="tasks") as stream:
            first = await anext(stream)
            assert ran == []
            return first

    if lane.name == "async":
        start = asyncio.run(pull())
    else:
        with graph.stream({"n": 0}, stream_mode="tasks") as stream:
            start = next(stream)
            assert ran == []
    assert start["name"] == "emit"


def test_a_timed_out_pull_loses_nothing_and_the_node_runs_once() -> None:
    ran = []
    release = asyncio.Event()

    async def slow(state: State) -> dict[str, int]:
        ran.append("in")
        await release.wait()
        ran.append("out")
        return {"n": 1}

    async def main() -> list[Any]:
        stream = one_node(slow).astream({"n": 0})
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(stream), 0.01)
        release.set()
        return [item async for item in stream]

    assert asyncio.run(main()) == [{"emit": {"n": 1}}]
    assert ran == ["in", "out"]


def test_a_cancelled_pull_takes_its_request_back() -> None:
    """The superstep that it asked for stays in flight, and no other starts."""
    ran = []
    release = asyncio.Event()

    async def step(state: State) -> dict[str, int]:
        ran.append(state["n"])
        await release.wait()
        return {"n": state["n"] + 1}

    async def main() -> None:
        # The writes of this node are invisible to the reader, so one request would not be met by one superstep.
        stream = loop_of(step, 5).astream({"n": 0}, CONFIG, stream_mode="custom")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        release.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert ran == [0]
        await stream.aclose()

    asyncio.run(main())


def sync_node(state: State, writer: StreamWriter) -> None:
    for i in range(MANY):
        writer(i)


async def async_node(state: State, writer: StreamWriter) -> None:
    for i in range(MANY):
        await writer(i)


def generator_node(state: State) -> Iterator[Emit]:
    for i in range(MANY):
        yield Emit(i)


async def async_generator_node(state: State) -> AsyncIterator[Emit]:
    for i in range(MANY):
        yield Emit(i)


@pytest.mark.parametrize("node", [sync_node, generator_node])
def test_a_slow_reader_holds_a_sync_node_back(node: Any) -> None:
    produced: list[int] = []

    def watched(state: State, writer: StreamWriter) -> None:
        for item in node(state, writer) if node is sync_node else node(state):
            produced.append(0)
            writer(item.value)

    def counting(state: State, writer: StreamWriter) -> None:
        for i in range(MANY):
            writer(i)
            produced.append(i)

    graph = one_node(counting if node is sync_node else watched)
    got = []
    with graph.stream({"n": 0}, stream_mode="custom") as stream:
        for item in stream:
            got.append(item)
            assert len(produced) <= len(got) + 2 * DEFAULT_MAXLEN + 2
    assert got == list(range(MANY))


@pytest.mark.parametrize("node", [async_node, async_generator_node, sync_node])
def test_a_slow_reader_holds_a_node_back_in_the_async_lane(node: Any) -> None:
    async def main() -> list[int]:
        stream = one_node(node).astream({"n": 0}, stream_mode="custom")
        got = []
        async for item in stream:
            got.append(item)
            assert stream.statistics().buffered <= DEFAULT_MAXLEN
            if len(got) % 1000 == 0:
                await asyncio.sleep(0)
        assert stream.statistics().overrun == 0
        return got

    assert asyncio.run(main()) == list(range(MANY))


def test_a_bare_writer_in_an_async_node_loses_nothing_and_is_warned_about_once() -> None:
    async def bare(state: State, writer: StreamWriter) -> None:
        for i in range(DEFAULT_MAXLEN * 2):
            writer(i)

    async def main() -> tuple[list[int], int]:
        stream = one_node(bare).astream({"n": 0}, stream_mode="custom")
        return [item async for item in stream], stream.statistics().overrun

    with pytest.warns(UnpacedWriterWarning, match="await writer") as caught:
        got, overrun = asyncio.run(main())
    assert got == list(range(DEFAULT_MAXLEN * 2))
    assert overrun == DEFAULT_MAXLEN
    assert len([w for w in caught if w.category is UnpacedWriterWarning]) == 1


def test_nodes_that_await_their_writers_side_by_side_take_turns_and_are_not_warned() -> None:
    """Warnings are errors here."""

    def writing(name: str) -> Any:
        async def node(state: State, writer: StreamWriter) -> None:
            for _ in range(DEFAULT_MAXLEN):
                await writer(name)

        return node

    async def main() -> list[str]:
        graph = StateGraph(State)
        for name in "abc":
            graph.add_node(name, writing(name)).add_edge(START, name)
        return [item async for item in graph.compile().astream({"n": 0}, stream_mode="custom")]

    got = asyncio.run(main())
    assert [got.count(name) for name in "abc"] == [DEFAULT_MAXLEN] * 3
    # Nobody has written half of its items before another one has begun, but for the first, who finds the log empty.
    assert abs(got.index("b") - got.index("c")) < DEFAULT_MAXLEN // 2


def test_custom_events_arrive_while_the_node_runs(lane: Lane) -> None:
    """The node waits for its reader's answer, so an event that came late would deadlock."""
    answered, heard = threading.Event(), asyncio.Event()

    def ask(state: State, writer: StreamWriter) -> None:
        writer("question")
        assert answered.wait(10)

    async def ask_async(state: State, writer: StreamWriter) -> None:
        await writer("question")
        await heard.wait()

    async def main() -> None:
        async for item in one_node(ask_async).astream({"n": 0}, stream_mode="custom"):
            assert item == "question"
            answered.set()
            heard.set()

    if lane.name == "async":
        asyncio.run(main())
    else:
        for item in one_node(ask).stream({"n": 0}, stream_mode="custom"):
            assert item == "question"
            answered.set()
    assert answered.is_set()


def test_events_of_a_thread_come_before_the_end_of_its_node_even_when_the_reader_is_behind() -> None:
    async def main() -> list[Any]:
        stream = one_node(sync_node).astream({"n": 0}, stream_mode=["custom", "updates"])
        return [item async for item in stream]

    got = asyncio.run(main())
    assert got[-1] == ("updates", {"emit": None})
    assert [payload for mode, payload in got[:-1]] == list(range(MANY))


def test_two_tasks_on_one_stream_are_refused() -> None:
    async def main() -> None:
        async def forever(state: State) -> None:
            await asyncio.Event().wait()

        async with one_node(forever).astream({"n": 0}) as stream:
            first = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="being pulled by"):
                await anext(stream)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())
