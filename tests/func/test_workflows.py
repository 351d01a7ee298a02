"""Workflows as functions: calls run beside their caller, and are not run again when it is."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from rxgraph.cache.memory import InMemoryCache
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from rxgraph.errors import EmptyInputError
from rxgraph.func import entrypoint, task
from rxgraph.runtime import Runtime
from rxgraph.testing import VirtualTime
from rxgraph.types import CachePolicy, Command, RetryPolicy, interrupt
from tests._lanes import Lane

CONFIG: Any = {"configurable": {"thread_id": "1"}}


def workflow(lane: Lane, sync: Any, asynchronous: Any, **options: Any) -> Any:
    """The same workflow in the colour of a lane; both are written out, because one awaits."""
    return entrypoint(**options)(sync if lane.name == "sync" else asynchronous)


def test_calls_run_beside_each_other(lane: Lane) -> None:
    together = threading.Barrier(3) if lane.name == "sync" else asyncio.Barrier(3)

    @task
    def meet(n: int) -> int:
        together.wait(5)  # type: ignore[call-arg, unused-coroutine, unused-ignore]
        return n

    @task
    async def ameet(n: int) -> int:
        await together.wait()  # type: ignore[misc, unused-ignore]
        return n

    def sync(n: int) -> Any:
        return [future.result() for future in [meet(i) for i in range(n)]]

    async def asynchronous(n: int) -> Any:
        return await asyncio.gather(*[ameet(i) for i in range(n)])

    assert lane.invoke(workflow(lane, sync, asynchronous), 3) == [0, 1, 2]


def test_what_has_ended_is_not_run_again(lane: Lane) -> None:
    ran: list[int] = []

    @task
    def step(n: int) -> int:
        ran.append(n)
        return n * 10

    def sync(n: int) -> Any:
        return [step(1).result(), interrupt("go on?"), step(2).result()]

    async def asynchronous(n: int) -> Any:
        return [await step(1), interrupt("go on?"), await step(2)]

    graph = workflow(lane, sync, asynchronous, checkpointer=InMemorySaver())
    assert lane.invoke(graph, 0, CONFIG)["__interrupt__"][0].value == "go on?"
    assert lane.invoke(graph, Command(resume="yes"), CONFIG) == [10, "yes", 20]
    assert ran == [1, 2]


def test_an_error_is_its_callers_business(lane: Lane) -> None:
    @task
    def bad() -> None:
        raise ConnectionError("down")

    def sync(n: int) -> Any:
        bad()
        with pytest.raises(ConnectionError, match="down"):
            bad().result()
        return "fine"

    async def asynchronous(n: int) -> Any:
        bad()
        with pytest.raises(ConnectionError, match="down"):
            await bad()
        return "fine"

    assert lane.invoke(workflow(lane, sync, asynchronous), 1) == "fine"


def test_a_call_that_nobody_waits_for_ends_before_the_run(lane: Lane) -> None:
    ended = threading.Event()

    @task
    def late() -> None:
        ended.set()

    def sync(n: int) -> Any:
        late()
        return "done"

    async def asynchronous(n: int) -> Any:
        late()
        return "done"

    assert lane.invoke(workflow(lane, sync, asynchronous), 1) == "done"
    assert ended.is_set()


def test_a_chain_of_waiting_calls_needs_no_thread_for_each() -> None:
    @task
    def down(n: int) -> int:
        return 0 if n == 0 else down(n - 1).result() + 1  # type: ignore[no-any-return]

    graph = entrypoint()(lambda n: down(n).result())
    assert graph.invoke(60, {"max_concurrency": 2}) == 60


def test_a_workflow_remembers_what_it_saved(lane: Lane) -> None:
    def sync(n: int, *, previous: Any = None) -> Any:
        return entrypoint.final(value=(previous or 0) * 100, save=(previous or 0) + n)

    async def asynchronous(n: int, *, previous: Any = None) -> Any:
        return entrypoint.final(value=(previous or 0) * 100, save=(previous or 0) + n)

    graph = workflow(lane, sync, asynchronous, checkpointer=InMemorySaver())
    assert [lane.invoke(graph, n, CONFIG) for n in (1, 2, 3)] == [0, 100, 300]
    graph.update_state(CONFIG, 7)
    assert lane.invoke(graph, 1, CONFIG) == 700


def test_retries_and_the_cache_work_for_calls(lane: Lane) -> None:
    ran: list[int] = []

    @task(retry_policy=RetryPolicy(jitter=False), cache_policy=CachePolicy())
    def flaky(n: int) -> int:
        ran.append(n)
        if len(ran) == 1:
            raise ConnectionError("down")
        return n

    def sync(n: int) -> Any:
        return [flaky(n).result(), flaky(n).result()]

    async def asynchronous(n: int) -> Any:
        return [await flaky(n), await flaky(n)]

    graph = workflow(lane, sync, asynchronous, cache=InMemoryCache())
    with VirtualTime() as time:
        result = graph.invoke(4) if lane.name == "sync" else time.run(graph.ainvoke(4))
    assert (result, ran) == ([4, 4], [4, 4])


def test_injected_parameters_and_methods(lane: Lane) -> None:
    class Service:
        @task
        def run(self, n: int, *, runtime: Runtime[Any]) -> Any:
            return [n, runtime.context]

    service = Service()

    def sync(n: int) -> Any:
        return service.run(n).result()

    async def asynchronous(n: int) -> Any:
        return await service.run(n)

    assert lane.invoke(workflow(lane, sync, asynchronous), 1, None, context="ctx") == [1, "ctx"]


def test_a_call_outside_of_a_run_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Task 'alone' was called outside of a running node"):
        task(name="alone")(lambda: 1)()


def test_a_workflow_needs_an_input(lane: Lane) -> None:
    with pytest.raises(EmptyInputError):
        lane.invoke(entrypoint()(lane.node(lambda n: n)), None)
    with pytest.raises(ValueError, match="takes nothing"):
        entrypoint()(lambda: 1)


def test_generators_are_refused() -> None:
    def generator(n: int) -> Any:
        yield n

    with pytest.raises(NotImplementedError, match="Entrypoint 'generator' is a generator"):
        entrypoint()(generator)
    with pytest.raises(NotImplementedError, match="Task 'generator' is a generator"):
        task(generator)


def test_an_async_task_in_the_sync_lane_says_so() -> None:
    @task
    async def asynchronous() -> None: ...

    graph = entrypoint()(lambda n: asynchronous().result())
    with pytest.raises(RuntimeError, match="Task 'asynchronous' is async"):
        graph.invoke(1)


def test_a_result_is_saved_before_its_caller_sees_it(tmp_path: Any) -> None:
    """A process that dies in the middle of a workflow loses no call that has ended."""

    @task
    def step(n: int) -> int:
        return n

    async def saved(n: int) -> Any:
        await step(1)
        await step(2)
        with SqliteSaver.from_conn_string(str(path)) as reader:
            return [w[2] for one in reader.list(None) for w in one.pending_writes or () if w[1] == "__return__"]

    async def main() -> Any:
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            return await entrypoint(checkpointer=saver)(saved).ainvoke(0, CONFIG, durability="sync")

    path = tmp_path / "threads.db"
    assert asyncio.run(main()) == [1, 2]


def test_a_call_that_is_cancelled_before_it_has_begun_lets_its_caller_go() -> None:
    """A sync node on a thread waits for a call; the run is cancelled in the same turn of the loop."""
    waiting = threading.Event()

    @task
    async def never() -> None:
        await asyncio.sleep(3600)

    def body(n: int) -> Any:
        waiting.set()
        return never().result()

    async def main() -> None:
        run = asyncio.create_task(entrypoint()(body).ainvoke(1))
        await asyncio.to_thread(waiting.wait)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    for _ in range(50):
        waiting.clear()
        asyncio.run(main())


def test_arguments_that_make_no_cache_key_are_the_callers_error(lane: Lane) -> None:
    @task(cache_policy=CachePolicy())
    def cached(value: Any) -> None: ...

    def sync(n: int) -> Any:
        with pytest.raises(TypeError, match="cache key"):
            cached(lambda: 1).result()
        return "fine"

    async def asynchronous(n: int) -> Any:
        with pytest.raises(TypeError, match="cache key"):
            await cached(lambda: 1)
        return "fine"

    assert lane.invoke(workflow(lane, sync, asynchronous, cache=InMemoryCache()), 1) == "fine"


def test_a_cache_that_fails_is_the_callers_error(lane: Lane) -> None:
    class Broken(InMemoryCache[Any]):
        def get(self, keys: Any) -> Any:
            raise ConnectionError("no cache")

    @task(cache_policy=CachePolicy())
    def cached(value: Any) -> None: ...

    def sync(n: int) -> Any:
        with pytest.raises(ConnectionError, match="no cache"):
            cached(1).result()
        return "fine"

    async def asynchronous(n: int) -> Any:
        with pytest.raises(ConnectionError, match="no cache"):
            await cached(1)
        return "fine"

    assert lane.invoke(workflow(lane, sync, asynchronous, cache=Broken()), 1) == "fine"


def test_a_call_that_ends_after_its_workflow_has_failed_is_not_run_again() -> None:
    failed, ran = threading.Event(), []

    @task
    def slow(n: int) -> int:
        failed.wait(5)
        ran.append(n)
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def work(n: int) -> Any:
        future = slow(n)
        if not failed.is_set():
            failed.set()
            raise ConnectionError("down")
        return future.result()

    with pytest.raises(ConnectionError):
        work.invoke(7, CONFIG)
    assert work.invoke(None, CONFIG) == 7
    assert ran == [7]
