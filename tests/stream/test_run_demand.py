"""Full projections hold the run: the growth cases of the reference, bounded, on 200,000 events.

In each case the producer may be ahead of its slowest reader by what a log holds, what an inbox before it holds, and
what is in flight.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from typing import Any, TypedDict

import pytest

from rxgraph.errors import StalledConsumerError
from rxgraph.flow import DEFAULT_MAXLEN
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer, UpdatesTransformer
from rxgraph.types import Send, StreamWriter
from tests.stream._handles import play

EVENTS = 200_000
MAXLEN = 4
IN_FLIGHT = 3


class State(TypedDict):
    n: int


def graph_of(*nodes: Any) -> Any:
    graph = StateGraph(State)
    before = START
    for i, node in enumerate(nodes):
        graph.add_node(f"node{i}", node)
        graph.add_edge(before, f"node{i}")
        before = f"node{i}"
    return graph.add_edge(before, END).compile()


class Producer:
    """A node that counts what it has written, and how far it was ever ahead of what was taken."""

    def __init__(self, events: int = EVENTS) -> None:
        self.events = events
        self.written = self.taken = self.most_ahead = 0

    def wrote(self) -> None:
        self.written += 1
        self.most_ahead = max(self.most_ahead, self.written - self.taken)

    def node(self, state: State, writer: StreamWriter) -> State:
        for n in range(self.events):
            writer(n)
            self.wrote()
        return {"n": 1}

    async def anode(self, state: State, writer: StreamWriter) -> State:
        for n in range(self.events):
            await writer(n)
            self.wrote()
        return {"n": 1}


SYNC_BOUND = 2 * MAXLEN + IN_FLIGHT
"""A log, the inbox before it, and what is in flight."""


def most(run: Any) -> int:
    """The most items that any projection holds now, and nothing beyond its capacity."""
    counted = run.statistics().channels.values()
    assert all(one.overrun == 0 for one in counted)
    return max(one.buffered for one in counted)


def test_case_1_a_stream_of_version_1_holds_a_node_on_a_thread() -> None:
    """Its log is one of the library's size."""
    producer = Producer()
    bound = 2 * DEFAULT_MAXLEN + IN_FLIGHT
    with graph_of(producer.node).stream({"n": 0}, stream_mode="custom") as stream:
        assert [next(stream) for _ in range(3)] == [0, 1, 2]
        producer.taken = 3
        for item in stream:
            producer.taken += 1
            if item % 1_000 == 0:
                assert stream.statistics().buffered <= DEFAULT_MAXLEN
    assert producer.taken == EVENTS
    assert producer.most_ahead <= bound


def test_case_2_a_projection_that_is_read_slowly_holds_a_node_on_a_thread() -> None:
    producer = Producer()
    with graph_of(producer.node).stream_events(
        {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
    ) as run:
        for item in run.custom:
            assert item == producer.taken
            producer.taken += 1
            if item % 1_000 == 0:
                assert most(run) <= MAXLEN
    assert producer.taken == EVENTS
    assert producer.most_ahead <= SYNC_BOUND


def test_case_2_a_reader_that_has_stopped_stops_the_node() -> None:
    producer = Producer()
    run = graph_of(producer.node).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)
    assert next(iter(run.custom)) == 0
    assert producer.written <= SYNC_BOUND
    run.abort()


def test_case_3_an_unread_log_and_an_unread_projection_are_named() -> None:
    producer = Producer()
    run = graph_of(producer.node).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)
    custom, log = iter(run.custom), iter(run)
    values = iter(run.values)
    assert next(values) == {"n": 0}
    with pytest.raises(StalledConsumerError, match="'custom'|'events'") as raised:
        next(values)
    assert "interleave" in str(raised.value)
    assert producer.written <= SYNC_BOUND
    assert most(run) == MAXLEN
    custom.close()
    log.close()
    assert next(values) == {"n": 1}
    assert (producer.written, run.output) == (EVENTS, {"n": 1})


def test_case_4_the_slower_branch_of_a_tee_holds_the_node() -> None:
    producer = Producer()
    run = graph_of(producer.node).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)
    fast, slow = run.custom.tee(2)
    got = []
    with pytest.raises(StalledConsumerError):
        for item in fast:
            got.append(item)
    assert len(got) == MAXLEN
    assert producer.written <= SYNC_BOUND
    # The slower one first, so that there is room for the other. At the end the faster one has nothing left.
    for two, one in zip(slow, fast, strict=False):
        assert one - two == MAXLEN
        producer.taken = two + 1
    assert producer.most_ahead <= SYNC_BOUND + MAXLEN


def test_case_5_an_async_node_waits_for_its_slowest_reader() -> None:
    producer = Producer()

    async def script() -> None:
        run = await graph_of(producer.anode).astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )
        async with run:
            async for item in run.custom:
                producer.taken += 1
                if item % 1_000 == 0:
                    assert most(run) <= MAXLEN
                    await asyncio.sleep(0)

    play(script)
    assert (producer.taken, producer.most_ahead <= MAXLEN + 1) == (EVENTS, True)


def test_case_6_a_blocked_loop_holds_a_node_on_a_thread() -> None:
    producer = Producer()

    async def script() -> None:
        run = await graph_of(producer.node).astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )
        async with run:
            custom = aiter(run.custom)
            assert await anext(custom) == 0
            # The loop stands still until the thread can't go on.
            before = -1
            while before != producer.written:
                before = producer.written
                threading.Event().wait(0.02)
            assert producer.written <= SYNC_BOUND
            producer.taken = 1
            async for _ in custom:
                producer.taken += 1

    play(script)
    assert producer.taken == EVENTS
    assert producer.most_ahead <= SYNC_BOUND


def test_case_7_the_slower_branch_of_an_atee_holds_the_node() -> None:
    producer = Producer()

    async def script() -> None:
        run = await graph_of(producer.anode).astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )
        async with run:
            fast, slow = run.custom.atee(2)

            async def count(branch: Any, counts: bool) -> int:
                n = 0
                async for _ in branch:
                    n += 1
                    if counts:
                        producer.taken = n
                        await asyncio.sleep(0)
                return n

            assert await asyncio.gather(count(fast, False), count(slow, True)) == [EVENTS, EVENTS]

    play(script)
    assert producer.most_ahead <= MAXLEN + 1


def test_case_9_subgraph_tasks_that_write_all_events_leave_nothing_behind() -> None:
    """1,600 graphs inside one write 125 events each, and each handle is let go when its graph has ended."""
    tasks = 1_600
    open_at_once = 0

    async def leaf(state: State, writer: StreamWriter) -> State:
        for n in range(EVENTS // tasks):
            await writer(n)
        return state

    inner = graph_of(leaf)

    async def call(state: State) -> None:
        await inner.ainvoke(state)

    graph = StateGraph(State)
    graph.add_node("fan", lambda state: {})
    graph.add_node("sub", call)
    graph.add_edge(START, "fan")
    graph.add_conditional_edges("fan", lambda state: [Send("sub", {"n": i}) for i in range(tasks)], ["sub"])
    handles: list[weakref.ref[Any]] = []

    async def script() -> None:
        nonlocal open_at_once
        run = await graph.compile().astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )

        async def read(handle: Any) -> int:
            return len([item async for item in handle.custom])

        async with run:
            readers, read_in_all = set(), 0
            async for handle in run.subgraphs:
                handles.append(weakref.ref(handle))
                readers.add(asyncio.create_task(read(handle)))
                open_at_once = max(open_at_once, len(run._mux._children))
            del handle
            for reader in readers:
                read_in_all += await reader
            assert read_in_all == EVENTS
            readers.clear()
            assert (run._mux._children, run._mux._open, run._mux._paths) == ({}, {}, {})

    play(script, seconds=120)
    gc.collect()
    assert len(handles) == tasks
    assert [handle for handle in handles if handle() is not None] == []


def test_a_task_that_waits_for_its_own_full_log_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The log fills up while the pull is already waiting."""

    async def script() -> None:
        run = await graph_of(Producer(100).anode).astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )
        async with run:
            custom = aiter(run.custom)
            assert await anext(custom) == 0
            with pytest.raises(StalledConsumerError, match="'custom'"):
                await run.output()
            assert [item async for item in custom] == list(range(1, 100))
            assert await run.output() == {"n": 1}

    with caplog.at_level(logging.WARNING):
        play(script)
    assert caplog.records == []


def test_another_tasks_full_log_is_waited_for() -> None:
    async def script() -> None:
        run = await graph_of(Producer(100).anode).astream_events(
            {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
        )
        async with run:
            gate = asyncio.Event()

            async def slowly() -> list[Any]:
                custom = aiter(run.custom)
                first = await anext(custom)
                await gate.wait()
                return [first, *[item async for item in custom]]

            reader = asyncio.create_task(slowly())
            output = asyncio.create_task(run.output())
            for _ in range(50):
                await asyncio.sleep(0)
            assert not output.done()
            gate.set()
            assert (await reader, await output) == (list(range(100)), {"n": 1})

    play(script)


def test_nothing_runs_before_the_first_pull_and_one_superstep_a_pull() -> None:
    ran: list[int] = []

    def node(i: int) -> Any:
        return lambda state: ran.append(i) or {"n": i}

    run = graph_of(*(node(i) for i in range(4))).stream_events(
        {"n": 9}, version="v3", transformers=[UpdatesTransformer]
    )
    updates = iter(run.updates)
    assert ran == []
    for i in range(4):
        assert next(updates) == {f"node{i}": {"n": i}}
        assert ran == list(range(i + 1))


def test_in_an_async_run_no_superstep_begins_without_a_pull() -> None:
    ran: list[int] = []

    def node(i: int) -> Any:
        async def run(state: State) -> State:
            ran.append(i)
            return {"n": i}

        return run

    async def script() -> None:
        graph = graph_of(*(node(i) for i in range(4)))
        run = await graph.astream_events({"n": 9}, version="v3", transformers=[UpdatesTransformer])
        async with run:
            updates = aiter(run.updates)
            for i in range(3):
                await anext(updates)
                for _ in range(20):
                    await asyncio.sleep(0)
                assert ran == list(range(i + 1))

    play(script)


def test_a_projection_that_nobody_reads_costs_nothing_and_holds_nobody() -> None:
    producer = Producer(5_000)
    run = graph_of(producer.node).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)
    assert run.output == {"n": 1}
    assert run.statistics().channels["custom"].emitted == 0
