"""Nodes that fail: tried again, limited in time, and taken over from; hours of it in virtual time."""

from __future__ import annotations

import asyncio
import operator
import threading
from time import perf_counter
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.errors import NodeError, NodeTimeoutError
from rxgraph.graph import START, StateGraph
from rxgraph.runtime import Runtime
from rxgraph.testing import VirtualTime
from rxgraph.types import Command, RetryPolicy, Send, TimeoutPolicy, interrupt
from tests._lanes import Lane

CONFIG: Any = {"configurable": {"thread_id": "1"}}


class State(TypedDict):
    xs: Annotated[list[Any], operator.add]


def failing(times: int, error: Exception | None = None) -> Any:
    left = [times]

    def node(state: State, runtime: Runtime[None]) -> Any:
        if left[0]:
            left[0] -= 1
            raise error or ConnectionError(f"{left[0]} left")
        assert runtime.execution_info is not None
        return {"xs": [runtime.execution_info.node_attempt]}

    return node


def graph_of(action: Any, *, saver: Any = None, **options: Any) -> Any:
    graph = StateGraph(State).add_node("n", action, **options).add_node("after", lambda state: {"xs": ["after"]})
    return graph.add_edge(START, "n").add_edge("n", "after").compile(checkpointer=saver)


def test_hours_of_backoff_pass_in_no_time(lane: Lane) -> None:
    policy = RetryPolicy(initial_interval=60, backoff_factor=2, max_interval=7200, max_attempts=9, jitter=False)
    graph = graph_of(lane.node(failing(7)), retry_policy=policy)
    with VirtualTime() as time:
        if lane.name == "sync":
            assert graph.invoke({"xs": []}) == {"xs": [8, "after"]}
        else:
            assert time.run(graph.ainvoke({"xs": []})) == {"xs": [8, "after"]}
    # 1 + 2 + 4 + 8 + 16 + 32 + 64 minutes: more than two hours.
    assert time.now == 60 * 127


def test_an_attempt_that_failed_leaves_no_writes_and_is_named(lane: Lane) -> None:
    policy = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False)
    graph = graph_of(lane.node(failing(9)), retry_policy=policy, saver=InMemorySaver())
    with pytest.raises(ConnectionError, match="7 left") as caught:
        lane.invoke(graph, {"xs": []}, CONFIG)
    assert "During task with name 'n'" in caught.value.__notes__[0]
    assert "attempt 2" in caught.value.__notes__[0]
    assert graph.get_state(CONFIG).values == {"xs": []}


@pytest.mark.parametrize(
    ("error", "tried"), [(ValueError(), False), (ConnectionError(), True), (OSError(), False), (AttributeError(), True)]
)
def test_errors_that_do_not_mend_are_not_tried_again(lane: Lane, error: Exception, tried: bool) -> None:
    policy = RetryPolicy(initial_interval=0.001, jitter=False)
    graph = graph_of(lane.node(failing(1, error)), retry_policy=policy)
    if tried:
        assert lane.invoke(graph, {"xs": []}) == {"xs": [2, "after"]}
    else:
        with pytest.raises(type(error)):
            lane.invoke(graph, {"xs": []})


def test_a_wrong_retry_on_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="Node 'n' has a RetryPolicy with retry_on='ValueError'"):
        StateGraph(State).add_node("n", failing(0), retry_policy=RetryPolicy(retry_on="ValueError"))  # type: ignore[arg-type]


def test_silence_ends_an_attempt_and_heartbeats_do_not() -> None:
    async def alive(state: State, runtime: Runtime[None]) -> Any:
        for _ in range(100):
            await asyncio.sleep(50)
            runtime.heartbeat()
        return {"xs": ["alive"]}

    async def silent(state: State) -> Any:
        await asyncio.sleep(3600)

    policy = TimeoutPolicy(idle_timeout=60, refresh_on="heartbeat")
    time = VirtualTime()
    assert time.run(graph_of(alive, timeout=policy).ainvoke({"xs": []})) == {"xs": ["alive", "after"]}
    assert time.now == 5000
    with pytest.raises(NodeTimeoutError, match="idle timeout of 60 s") as caught:
        time.run(graph_of(silent, timeout=policy).ainvoke({"xs": []}))
    assert (caught.value.kind, caught.value.elapsed, caught.value.node) == ("idle", 60.0, "n")


def test_a_run_of_more_than_four_hours_takes_no_second() -> None:
    async def moody(state: State, runtime: Runtime[None]) -> Any:
        assert runtime.execution_info is not None
        attempt = runtime.execution_info.node_attempt
        if attempt == 1:
            # Silence, which the limit ends.
            await asyncio.sleep(100_000)
        if attempt < 4:
            raise ConnectionError
        for _ in range(60):
            await asyncio.sleep(50)
            runtime.heartbeat()
        return {"xs": [attempt]}

    retry = RetryPolicy(
        initial_interval=1800, max_interval=7200, max_attempts=9, jitter=False, retry_on=(OSError, NodeTimeoutError)
    )
    graph = graph_of(moody, retry_policy=retry, timeout=TimeoutPolicy(idle_timeout=60, refresh_on="heartbeat"))
    time, began = VirtualTime(), perf_counter()
    assert time.run(graph.ainvoke({"xs": []})) == {"xs": [4, "after"]}
    assert time.now == 60 + (1800 + 3600 + 7200) + 60 * 50
    assert perf_counter() - began < 1


def test_any_output_is_a_sign_of_life_also_of_a_graph_inside() -> None:
    async def step(state: State) -> Any:
        await asyncio.sleep(50)
        return {"xs": [1]}

    inner = StateGraph(State)
    for name in "abc":
        inner.add_node(name, step)
    inner.add_edge(START, "a").add_edge("a", "b").add_edge("b", "c")
    time = VirtualTime()
    graph = graph_of(inner.compile(), timeout=TimeoutPolicy(idle_timeout=60))
    assert time.run(graph.ainvoke({"xs": []})) == {"xs": [1, 1, 1, "after"]}


def test_a_node_that_swallows_its_cancellation_has_failed_all_the_same() -> None:
    async def stubborn(state: State) -> Any:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return {"xs": ["never"]}

    with pytest.raises(NodeTimeoutError):
        VirtualTime().run(graph_of(stubborn, timeout=1).ainvoke({"xs": []}))


def test_a_run_that_is_cancelled_is_not_taken_for_one_that_is_late() -> None:
    async def slow(state: State) -> Any:
        await asyncio.sleep(100)

    async def main() -> None:
        run = asyncio.create_task(graph_of(slow, timeout=50).ainvoke({"xs": []}))
        await asyncio.sleep(1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    VirtualTime().run(main())


def test_a_time_limit_counts_for_each_attempt() -> None:
    waits = [100, 100, 1]

    async def node(state: State) -> Any:
        await asyncio.sleep(waits.pop(0))
        return {"xs": ["in time"]}

    policy = RetryPolicy(initial_interval=10, backoff_factor=1, jitter=False)
    time = VirtualTime()
    assert time.run(graph_of(node, timeout=5, retry_policy=policy).ainvoke({"xs": []})) == {"xs": ["in time", "after"]}
    assert time.now == 5 + 10 + 5 + 10 + 1


def test_late_output_of_an_attempt_is_dropped() -> None:
    async def node(state: State, runtime: Runtime[None]) -> Any:
        async def late() -> None:
            await asyncio.sleep(2)
            runtime.stream_writer("late")

        assert runtime.execution_info is not None
        if runtime.execution_info.node_attempt == 1:
            background.append(asyncio.create_task(late()))
            await asyncio.sleep(100)
        await asyncio.sleep(5)
        return {"xs": ["ok"]}

    async def main() -> list[Any]:
        policy = RetryPolicy(initial_interval=0, jitter=False)
        graph = graph_of(node, timeout=TimeoutPolicy(run_timeout=50, idle_timeout=1.5), retry_policy=policy)
        return [item async for item in graph.astream({"xs": []}, stream_mode="custom")]

    background: list[Any] = []
    with pytest.raises(NodeTimeoutError):
        VirtualTime().run(main())
    assert background


def test_a_sync_node_takes_no_time_limit() -> None:
    with pytest.raises(ValueError, match="Node 'n' is sync and has a timeout"):
        graph_of(failing(0), timeout=1)


def test_a_superstep_can_be_limited(lane: Lane) -> None:
    async def slow(state: State) -> Any:
        await asyncio.sleep(30)

    graph = graph_of(slow if lane.name == "async" else lambda state: pause.wait(0.2) and None)
    graph.step_timeout = 0.01
    pause = threading.Event()
    with pytest.raises(TimeoutError):
        lane.invoke(graph, {"xs": []})


def test_a_handler_takes_the_place_of_update_and_edges(lane: Lane) -> None:
    def handle(state: State, error: NodeError) -> Any:
        return {"xs": [error.node, str(error.error)]}

    graph = graph_of(lane.node(failing(1)), error_handler=handle)
    assert lane.invoke(graph, {"xs": []}) == {"xs": ["n", "0 left"]}
    jump = graph_of(lane.node(failing(1)), error_handler=lambda state: Command(goto="after", update={"xs": ["h"]}))
    assert lane.invoke(jump, {"xs": []}) == {"xs": ["h", "after"]}


def test_siblings_go_on_beside_a_handler_and_are_applied_in_order(lane: Lane) -> None:
    graph = StateGraph(State).set_node_defaults(error_handler=lambda state: {"xs": ["handled"]})
    for name in "abc":
        graph.add_node(name, lane.node(failing(1) if name == "b" else lambda state, name=name: {"xs": [name]}))
        graph.add_edge(START, name)
    assert lane.invoke(graph.compile(), {"xs": []}) == {"xs": ["a", "handled", "c"]}


def test_a_run_goes_on_at_the_handler(lane: Lane) -> None:
    ran: list[str] = []

    def node(state: State) -> Any:
        ran.append("node")
        raise ConnectionError("down")

    graph = graph_of(
        lane.node(node), error_handler=lambda state: {"xs": [interrupt("what now?")]}, saver=InMemorySaver()
    )
    assert lane.invoke(graph, {"xs": []}, CONFIG)["__interrupt__"][0].value == "what now?"
    assert lane.invoke(graph, Command(resume="go on"), CONFIG) == {"xs": ["go on"]}
    assert ran == ["node"]


def test_a_handler_that_fails_fails_the_run(lane: Lane) -> None:
    def handle(state: State) -> Any:
        raise KeyError("handler")

    with pytest.raises(KeyError, match="handler"):
        lane.invoke(graph_of(lane.node(failing(1)), error_handler=handle), {"xs": []})


def test_a_sibling_that_ends_after_a_failure_is_not_run_again() -> None:
    failed, ran = threading.Event(), []

    def fails(state: State) -> Any:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("down")
        return {"xs": ["fails"]}

    def works(state: State) -> Any:
        failed.wait(5)
        ran.append("works")
        return {"xs": ["works"]}

    graph = StateGraph(State).add_node("fails", fails).add_node("works", works)
    compiled = graph.add_edge(START, "fails").add_edge(START, "works").compile(checkpointer=InMemorySaver())
    with pytest.raises(ConnectionError):
        list(compiled.stream({"xs": []}, CONFIG))
    assert compiled.invoke(None, CONFIG) == {"xs": ["fails", "works"]}
    assert ran == ["works"]


def test_a_packet_has_a_time_limit_of_its_own() -> None:
    async def slow(state: Any) -> Any:
        await asyncio.sleep(10)

    graph = StateGraph(State).add_node("slow", slow).add_conditional_edges(START, lambda s: Send("slow", 1, timeout=2))
    with pytest.raises(NodeTimeoutError, match="run timeout of 2 s"):
        VirtualTime().run(graph.compile().ainvoke({"xs": []}))
