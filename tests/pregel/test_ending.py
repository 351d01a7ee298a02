"""How runs end: well, with an error, closed, cancelled, dropped."""

from __future__ import annotations

import asyncio
import gc
import operator
import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import TimeoutScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from rxgraph.errors import GraphDrained, LaneError, NodeCancelledError
from rxgraph.graph import END, START, StateGraph
from rxgraph.runtime import RunControl, Runtime
from rxgraph.types import StreamWriter
from tests._lanes import Lane


class State(TypedDict):
    xs: Annotated[list[str], operator.add]


def parallel(**nodes: Any) -> Any:
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node).add_edge(START, name)
    return graph.compile()


def boom(state: State) -> None:
    raise ValueError("boom")


def test_an_error_comes_behind_the_items_before_it_and_says_where_it_was(lane: Lane) -> None:
    graph = StateGraph(State).add_sequence([("ok", lane.node(lambda state: {"xs": ["ok"]})), ("bad", lane.node(boom))])
    graph.add_edge(START, "ok")
    got = []

    async def pull() -> None:
        async for item in graph.compile().astream({"xs": []}):
            got.append(item)

    with pytest.raises(ValueError, match="boom") as caught:
        if lane.name == "async":
            asyncio.run(pull())
        else:
            for item in graph.compile().stream({"xs": []}):
                got.append(item)
    assert got == [{"ok": {"xs": ["ok"]}}]
    assert "'bad'" in caught.value.__notes__[0]


def test_after_an_error_the_stream_keeps_raising_it() -> None:
    stream = parallel(bad=boom).stream({"xs": []})
    for _ in range(2):
        with pytest.raises(ValueError, match="boom"):
            next(stream)


def test_an_async_failure_cancels_its_siblings_and_waits_for_their_finally() -> None:
    log = []

    async def sibling(state: State) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("cleaned up")

    async def bad(state: State) -> None:
        await asyncio.sleep(0)
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        asyncio.run(parallel(bad=bad, sibling=sibling).ainvoke({"xs": []}))
    assert log == ["cleaned up"]


def test_a_sync_failure_lets_running_siblings_end_and_starts_no_other() -> None:
    log = []
    running = threading.Event()

    def bad(state: State) -> None:
        assert running.wait(10)
        raise ValueError("boom")

    def sibling(state: State) -> None:
        running.set()
        log.append("ended")

    def late(state: State) -> None:
        log.append("late")

    graph = parallel(a_bad=bad, b_sibling=sibling, c_late=late, d_late=late)
    with pytest.raises(ValueError, match="boom"):
        list(graph.stream({"xs": []}, {"max_concurrency": 2}))
    assert log[0] == "ended"


def test_closing_a_stream_ends_its_run(lane: Lane) -> None:
    ran = []
    steps = [(name, lane.node(lambda state, name=name: ran.append(name))) for name in "abc"]
    graph = StateGraph(State).add_sequence(steps).add_edge(START, "a").compile()

    async def main() -> None:
        stream = graph.astream({"xs": []})
        await anext(stream)
        await stream.aclose()
        await stream.aclose()
        assert [item async for item in stream] == []

    if lane.name == "async":
        asyncio.run(main())
    else:
        stream = graph.stream({"xs": []})
        next(stream)
        stream.close()
        stream.close()
        assert list(stream) == []
    assert ran == ["a"]


def test_aclose_cancels_the_node_and_waits_for_its_finally() -> None:
    log = []

    async def node(state: State, writer: StreamWriter) -> None:
        try:
            await writer("in")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("cleaned up")

    async def main() -> None:
        async with parallel(node=node).astream({"xs": []}, stream_mode="custom") as stream:
            assert await anext(stream) == "in"

    asyncio.run(main())
    assert log == ["cleaned up"]


def test_closing_a_sync_stream_stops_a_node_where_it_writes() -> None:
    ended = threading.Event()

    def flood(state: State, writer: StreamWriter) -> None:
        try:
            while True:
                writer("more")
        finally:
            ended.set()

    with parallel(flood=flood).stream({"xs": []}, stream_mode="custom") as stream:
        next(stream)
    assert ended.is_set(), "close() waits for nodes on threads"


def test_cancelling_ainvoke_cancels_its_nodes() -> None:
    log = []

    async def node(state: State) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cancelled")

    async def main(graph: Any) -> None:
        call = asyncio.ensure_future(graph.ainvoke({"xs": []}))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main(parallel(a=node)))
    asyncio.run(main(parallel(a=node, b=node)))
    assert log == ["cancelled"] * 3


def test_a_dropped_stream_is_cancelled_and_says_so() -> None:
    log = []

    async def node(state: State, writer: StreamWriter) -> None:
        try:
            await writer("in")
            await asyncio.Event().wait()
        finally:
            log.append("cancelled")

    async def main() -> None:
        stream = parallel(node=node).astream({"xs": []}, stream_mode="custom")
        await anext(stream)
        with pytest.warns(ResourceWarning, match="dropped in the middle"):
            del stream
            gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert log == ["cancelled"]


def test_no_task_and_no_thread_is_left_behind(lane: Lane) -> None:
    before = set(threading.enumerate())
    graph = parallel(**{name: lane.node(lambda state: {"xs": ["x"]}) for name in "abcd"})
    lane.invoke(graph, {"xs": []})
    assert len(lane.stream(graph, {"xs": []})) == 4
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("siblings", [0, 1])
def test_a_node_that_raises_cancelled_error_by_itself_fails_like_any_other(lane: Lane, siblings: int) -> None:
    def node(state: State) -> None:
        raise asyncio.CancelledError

    others = {f"other{i}": lane.node(lambda state: None) for i in range(siblings)}
    with pytest.raises(NodeCancelledError, match="'node'"):
        lane.invoke(parallel(node=lane.node(node), **others), {"xs": []})


def test_keyboard_interrupt_passes_through_unchanged() -> None:
    def node(state: State) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parallel(node=node).invoke({"xs": []})
    stream = parallel(node=node).stream({"xs": []})
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    with pytest.raises(RuntimeError, match="broken off by KeyboardInterrupt"):
        next(stream)


def test_an_async_node_under_invoke_is_refused_before_any_node_runs_where_that_can_be_known() -> None:
    async def late(state: State) -> None: ...

    graph = StateGraph(State).add_sequence([("early", lambda state: pytest.fail("ran")), ("late", late)])
    with pytest.raises(LaneError, match="'late' is async.*ainvoke"):
        graph.add_edge(START, "early").compile().invoke({"xs": []})


def test_an_async_node_behind_a_branch_is_refused_before_its_superstep_runs() -> None:
    async def maybe(state: State) -> None: ...

    ran = []
    graph = StateGraph(State).add_node("plain", lambda state: ran.append("plain")).add_node("maybe", maybe)
    graph.add_conditional_edges(START, lambda state: state["xs"], ["plain", "maybe"])
    compiled = graph.compile()
    compiled.invoke({"xs": ["plain"]})
    with pytest.raises(LaneError, match="'maybe'"):
        compiled.invoke({"xs": ["maybe", "plain"]})
    assert ran == ["plain"]


def test_a_node_can_drain_its_run(lane: Lane) -> None:
    def stop(state: State, runtime: Runtime[Any]) -> dict[str, list[str]]:
        runtime.control.request_drain("enough")
        return {"xs": ["stop"]}

    def never(state: State) -> None:
        pytest.fail("ran")

    graph = StateGraph(State).add_sequence([("stop", lane.node(stop)), ("never", lane.node(never))])
    with pytest.raises(GraphDrained) as caught:
        lane.invoke(graph.add_edge(START, "stop").compile(), {"xs": []}, control=RunControl())
    assert caught.value.reason == "enough"


def test_two_threads_on_one_stream_are_refused() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def node(state: State) -> None:
        inside.set()
        assert go_on.wait(10)

    stream = parallel(node=node).stream({"xs": []})
    items: list[Any] = []
    puller = threading.Thread(target=lambda: items.extend(stream))
    puller.start()
    assert inside.wait(10)
    with pytest.raises(RuntimeError, match="another thread"):
        next(stream)
    go_on.set()
    puller.join()
    assert items == [{"node": None}]


def test_a_run_ends_with_the_chain_that_reads_it(lane: Lane) -> None:
    """A value that the output class refuses fails the stream; the run behind it does not stay behind."""

    @dataclass
    class Out:
        missing: str
        xs: Annotated[list[str], operator.add]

    ran = []
    builder = StateGraph(State, output_schema=Out)
    builder.add_sequence([(name, lane.node(lambda state, name=name: ran.append(name))) for name in "abc"])
    graph = builder.add_edge(START, "a").compile()
    with pytest.raises(TypeError, match="missing"):
        lane.stream(graph, {"xs": ["in"]}, stream_mode="values", version="v2")
    gc.collect()
    assert ran == []


async def ended(closing: Any) -> bool:
    """Whether something ends that would otherwise wait forever."""
    done, _ = await asyncio.wait({asyncio.ensure_future(closing)}, timeout=5)
    return bool(done)


def test_a_node_may_write_on_its_way_out_when_its_reader_has_gone() -> None:
    log = []

    async def node(state: State, writer: StreamWriter) -> None:
        try:
            while True:
                await writer("in")
        finally:
            await writer("out")
            log.append("cleaned up")

    async def main() -> None:
        stream = parallel(node=node).astream({"xs": []}, stream_mode="custom")
        await anext(stream)
        assert await ended(stream.aclose())

    asyncio.run(main())
    assert log == ["cleaned up"]


@pytest.mark.parametrize("siblings", [0, 1])
def test_a_node_that_swallows_the_cancellation_of_its_run_does_not_keep_it_going(siblings: int) -> None:
    inside = asyncio.Event()

    async def stubborn(state: State) -> dict[str, list[str]]:
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"xs": ["I go on"]}
        return {}

    async def never(state: State) -> None:
        pytest.fail("ran")

    graph = StateGraph(State).add_sequence([("stubborn", stubborn), ("never", never)]).add_edge(START, "stubborn")
    for i in range(siblings):
        graph.add_node(f"other{i}", stubborn).add_edge(START, f"other{i}")
    compiled = graph.compile()

    async def main() -> None:
        call = asyncio.ensure_future(compiled.ainvoke({"xs": []}))
        await inside.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        inside.clear()
        stream = compiled.astream({"xs": []})
        pull = asyncio.ensure_future(anext(stream))
        await inside.wait()
        assert await ended(stream.aclose())
        with pytest.raises(StopAsyncIteration):
            await pull

    asyncio.run(main())


def test_a_run_may_begin_in_the_cleanup_of_a_task_that_was_cancelled() -> None:
    async def node(state: State) -> dict[str, list[str]]:
        await asyncio.sleep(0)
        return {"xs": ["last words"]}

    async def main() -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await parallel(node=node).ainvoke({"xs": []})

    async def cancel_it() -> Any:
        task = asyncio.ensure_future(main())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(cancel_it()) == {"xs": ["last words"]}


def test_a_stream_whose_run_was_broken_off_does_not_end_as_if_all_were_well() -> None:
    async def node(state: State) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="broken off by CancelledError"):
            await anext(parallel(node=node).astream({"xs": []}))

    asyncio.run(main())


def test_a_stream_may_be_closed_before_its_run_has_taken_its_first_step() -> None:
    async def main() -> None:
        stream = parallel(node=boom).astream({"xs": []})
        pull = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await pull
        loop = asyncio.get_running_loop()
        parallel(node=boom).observe({"xs": []}).subscribe(scheduler=AsyncIOScheduler(loop)).dispose()
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())


def test_an_observed_run_may_be_started_and_disposed_of_on_any_thread() -> None:
    inside, cleaned_up = threading.Event(), threading.Event()

    async def node(state: State) -> None:
        inside.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    async def serve() -> None:
        running.set()
        await closing.wait()

    loop, closing, running = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(loop.run_until_complete, serve())
        assert running.wait(5)
        observed = parallel(node=node).observe({"xs": []})
        subscription = observed.subscribe(scheduler=AsyncIOThreadSafeScheduler(loop))
        began = inside.wait(5)
        subscription.dispose()
        ended_well = cleaned_up.wait(5)
        loop.call_soon_threadsafe(closing.set)
        served.result(5)
    loop.close()
    assert began
    assert ended_well


def test_an_observed_run_may_be_disposed_of_while_another_thread_takes_its_turn() -> None:
    """Each action runs on a thread of its own here, and the next one is under way before ``schedule`` returns."""
    under_way, go_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    class Eager(TimeoutScheduler):
        def schedule(self, action: Any, state: Any = None) -> Any:
            under_way.clear()
            threads.append(threading.Thread(target=lambda: (action(self, state), under_way.set())))
            threads[-1].start()
            assert under_way.wait(5)
            return Disposable()

    def node(state: State) -> None:
        under_way.set()
        assert go_on.wait(5)

    graph = StateGraph(State).add_sequence([("node", node), ("never", lambda state: pytest.fail("ran"))])
    ends: list[str] = []
    subscription = (
        graph.add_edge(START, "node")
        .compile()
        .observe({"xs": []})
        .subscribe(on_completed=lambda: ends.append("completed"), scheduler=Eager())
    )
    for thread in threads[:-1]:
        thread.join(5)
    try:
        subscription.dispose()
    finally:
        go_on.set()
        threads[-1].join(5)
    assert len(threads) == 3
    assert ends == []


class Payload: ...


class Latest(TypedDict, total=False):
    payload: Payload


@pytest.mark.parametrize("siblings", [0, 1])
@pytest.mark.parametrize("mode", [None, "custom", "values"])
def test_nothing_of_a_superstep_waits_for_the_garbage_collector(lane: Lane, siblings: int, mode: str | None) -> None:
    alive: weakref.WeakSet[Payload] = weakref.WeakSet()
    most: list[int] = []

    def step(state: Latest) -> Latest:
        most.append(len(alive))
        payload = Payload()
        alive.add(payload)
        return {"payload": payload}

    graph = StateGraph(Latest).add_node("step", lane.node(step)).add_edge(START, "step")
    for i in range(siblings):
        graph.add_node(f"other{i}", lane.node(lambda state: None)).add_edge(START, f"other{i}")
        graph.add_edge("step", f"other{i}")
    graph.add_conditional_edges("step", lambda state: "step" if len(most) < 9 else END, ["step", END])
    compiled = graph.compile()

    async def pull() -> None:
        async for _ in compiled.astream({}, stream_mode=mode):
            pass

    gc.collect()
    gc.disable()
    try:
        if mode is None:
            lane.invoke(compiled, {})
        elif lane.name == "async":
            asyncio.run(pull())
        else:
            deque(compiled.stream({}, stream_mode=mode), maxlen=0)
        assert max(most) <= 2
        assert not alive
    finally:
        gc.enable()


def test_a_node_of_a_dropped_stream_may_write_on_its_way_out() -> None:
    log = []

    async def node(state: State, writer: StreamWriter) -> None:
        try:
            while True:
                await writer("in")
        finally:
            await writer("out")
            log.append("cleaned up")

    async def main() -> None:
        stream = parallel(node=node).astream({"xs": []}, stream_mode="custom")
        await anext(stream)
        with pytest.warns(ResourceWarning, match="dropped in the middle"):
            del stream
            gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert log == ["cleaned up"]


@pytest.mark.parametrize("subscriber", ["raises", "leaves"])
def test_an_observed_async_run_ends_with_its_subscriber(subscriber: str) -> None:
    """Also when its nodes never suspend."""
    ran, ends = [], []
    boom = ValueError("boom")

    def node(name: str) -> Any:
        async def run(state: State) -> None:
            ran.append(name)

        return name, run

    def refuse(item: Any) -> None:
        raise boom

    async def main() -> None:
        graph = StateGraph(State).add_sequence([node(name) for name in "abc"]).add_edge(START, "a").compile()
        run = graph.observe({"xs": []})
        over = asyncio.Event()
        scheduler = AsyncIOScheduler(asyncio.get_running_loop())
        if subscriber == "leaves":
            run.pipe(ops.take(1)).subscribe(ends.append, on_completed=over.set, scheduler=scheduler)
        else:
            run.subscribe(refuse, lambda error: (ends.append(error), over.set()), scheduler=scheduler)
        await asyncio.wait_for(over.wait(), 5)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert ran == ["a"]
    assert ends == ([{"a": None}] if subscriber == "leaves" else [boom])
