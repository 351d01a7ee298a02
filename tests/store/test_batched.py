"""Calls of one turn of the loop are one batch; what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from rxgraph.store.base import GetOp, InvalidNamespaceError, Op, PutOp
from rxgraph.store.base.batch import AsyncBatchedBaseStore
from rxgraph.store.memory import InMemoryStore
from rxgraph.testing import StoreConformance

A = ("a",)


class Batched(AsyncBatchedBaseStore):
    """Asks a store in memory, and keeps what it was asked."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.inner = InMemoryStore(**options)
        self.ttl_config = self.inner.ttl_config
        self.supports_ttl = True  # type: ignore[misc]
        self.seen: list[list[Op]] = []

    async def abatch(self, ops: Iterable[Op]) -> Any:
        self.seen.append(list(ops))
        return await self.inner.abatch(self.seen[-1])

    def sweep_ttl(self) -> int:
        return self.inner.sweep_ttl()


class TestBatched(StoreConformance):
    colour = "async"

    def create(self, **options: Any) -> Any:
        return Batched(**options)


class TestBatchedSync(TestBatched):
    colour = "sync"


class Slow(Batched):
    """Takes a turn of its own, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.running = 0

    async def abatch(self, ops: Iterable[Op]) -> Any:
        self.running += 1
        assert self.running == 1
        try:
            await self.go.wait()
            return await super().abatch(ops)
        finally:
            self.running -= 1


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_there_is_one_batch_at_a_time_and_calls_keep_the_order_of_their_turns() -> None:
    store = Slow()
    put = asyncio.ensure_future(store.aput(A, "k", {"n": 1}))
    await turns()
    rest = [asyncio.ensure_future(store.aget(A, key)) for key in ("k", "k", "j")]
    again = asyncio.ensure_future(store.aput(A, "k", {"n": 2}))
    await turns()
    assert not put.done()
    store.go.set()
    first, second, missing = await asyncio.gather(*rest)
    assert first is not None
    assert first.value == {"n": 1}
    assert second is first
    assert missing is None
    await again
    assert store.seen == [
        [PutOp(A, "k", {"n": 1})],
        [GetOp(A, "k"), GetOp(A, "j"), PutOp(A, "k", {"n": 2})],
    ]
    assert (await store.aget(A, "k")).value == {"n": 2}  # type: ignore[union-attr]


async def test_a_call_that_was_cancelled_before_its_turn_is_not_done() -> None:
    store = Slow()
    first = asyncio.ensure_future(store.aget(A, "k"))
    await turns()
    lost, kept = (asyncio.ensure_future(store.aput(A, key, {})) for key in ("lost", "kept"))
    await turns()
    lost.cancel()
    # One whose turn has come is done, whether somebody waits for it or not.
    first.cancel()
    await turns()
    store.go.set()
    await kept
    assert [[op.key for op in ops] for ops in store.seen] == [["k"], ["kept"]]  # type: ignore[union-attr]
    assert lost.cancelled()
    assert first.cancelled()


async def test_an_error_is_raised_to_its_turn_and_to_no_other() -> None:
    class Failing(Batched):
        async def abatch(self, ops: Iterable[Op]) -> Any:
            found = list(ops)
            if any(isinstance(op, GetOp) and op.key == "bad" for op in found):
                raise RuntimeError("out of order")
            return (await super().abatch(found))[: 1 if len(found) > 2 else None]

    store = Failing()
    good, bad, put = await asyncio.gather(
        store.aget(A, "good"), store.aget(A, "bad"), store.aput((), "k", {}), return_exceptions=True
    )
    assert isinstance(good, RuntimeError)
    assert good is bad
    assert isinstance(put, InvalidNamespaceError)
    assert await store.aget(A, "good") is None
    short = await asyncio.gather(*(store.aget(A, key) for key in "xyz"), return_exceptions=True)
    assert [str(error) for error in short] == [
        "Failing.abatch() must give a result for each operation: expected 3, got 1."
    ] * 3


async def test_who_waits_hears_when_the_work_is_cancelled_and_the_store_goes_on() -> None:
    store = Slow()
    calls = [asyncio.ensure_future(store.aget(A, "k"))]
    await turns()
    calls.append(asyncio.ensure_future(store.aget(A, "j")))
    await turns()
    (worker,) = (task for task in asyncio.all_tasks() if task.get_name() == "Slow batches")
    worker.cancel()
    assert [type(found) for found in await asyncio.gather(*calls, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    store.go.set()
    assert await store.aget(A, "k") is None
    await turns()
    # Nothing runs that nobody waits for.
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "Slow batches"]


async def test_synchronous_methods_are_for_other_threads() -> None:
    store = Batched()
    with pytest.raises(asyncio.InvalidStateError, match=r"await store\.aget"):
        store.get(A, "k")
    assert store.seen == []
    await asyncio.to_thread(store.put, A, "k", {"n": 1})
    found = await asyncio.gather(*(asyncio.to_thread(store.get, A, "k") for _ in range(10)))
    assert {item.value["n"] for item in found if item is not None} == {1}
    results = await asyncio.to_thread(store.batch, [GetOp(A, "k"), PutOp(A, "j", {}), GetOp(A, "k")])
    assert results[0] is results[2]
    assert store.seen[-1] == [GetOp(A, "k"), PutOp(A, "j", {})]


def test_it_belongs_to_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        Batched()

    async def make() -> Batched:
        return Batched()

    store = asyncio.run(make())
    with pytest.raises(asyncio.InvalidStateError, match="needs its loop to run"):
        store.get(A, "k")
