"""Calls of one turn of the loop as one batch, for stores that a round trip costs much."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from rxgraph.store.base._ops import Op, PutOp, Result
from rxgraph.store.base._store import BaseStore


class _Call(NamedTuple):
    op: Op
    answer: asyncio.Future[Result]


class AsyncBatchedBaseStore(BaseStore):
    """A store whose calls are gathered: what is asked for in one turn of the loop is one ``abatch``.

    A subclass writes ``abatch``; there is never more than one at a time. It belongs to the event loop that it is made
    on. Synchronous methods work on every other thread: they join the queue of the loop and wait.

    Order: calls are done in the order of their turns; within one turn, whatever reads sees the store as it was before
    the puts.
    Demand: equal reads of one turn are asked once and share what is found; of several puts to one key the last is done.
    A call that was cancelled before its turn isn't done.
    Errors: one of ``abatch`` is raised to all calls of that turn. What can't be right is refused before it joins.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: list[_Call] = []
        self._worker: asyncio.Task[None] | None = None

    @abstractmethod
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; see ``BaseStore.batch``."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations, together with what else is asked for, from another thread than the loop's.

        Raises:
            InvalidStateError: It is called on the loop that it would have to wait for.
        """
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop or not self._loop.is_running():
            why = "would wait for the loop of its own thread" if here is self._loop else "needs its loop to run"
            raise asyncio.InvalidStateError(
                f"A synchronous method of {type(self).__name__} {why}. Use the one with an 'a' before its name, "
                "as in: await store.aget(...)."
            )
        return asyncio.run_coroutine_threadsafe(self._all(list(ops)), self._loop).result()

    async def _all(self, ops: list[Op]) -> list[Result]:
        return await asyncio.gather(*[self._join(op) for op in ops])

    async def _ask(self, op: Op) -> Result:
        return await self._join(op)

    def _join(self, op: Op) -> asyncio.Future[Result]:
        """Put a call into the queue, and have somebody work on it."""
        answer: asyncio.Future[Result] = self._loop.create_future()
        self._calls.append(_Call(op, answer))
        if self._worker is None:
            self._worker = self._loop.create_task(self._work(), name=f"{type(self).__name__} batches")
        return answer

    async def _work(self) -> None:
        calls: list[_Call] = []
        try:
            while self._calls:
                calls, self._calls = self._calls, []
                await self._turn([call for call in calls if not call.answer.done()])
        except asyncio.CancelledError:
            for call in (*calls, *self._calls):
                call.answer.cancel()
            self._calls = []
            raise
        finally:
            self._worker = None

    async def _turn(self, calls: list[_Call]) -> None:
        ops, places = _distinct([call.op for call in calls])
        if not ops:
            return
        try:
            results = await self.abatch(ops)
            if len(results) != len(ops):
                raise RuntimeError(
                    f"{type(self).__name__}.abatch() must give a result for each operation: expected {len(ops)}, "
                    f"got {len(results)}."
                )
        except Exception as error:
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(error)
            return
        for call, place in zip(calls, places, strict=True):
            if not call.answer.done():
                call.answer.set_result(results[place])


def _distinct(ops: list[Op]) -> tuple[list[Op], list[int]]:
    """Operations without those that another one of them does too, and where each is among them."""
    kept: list[Op] = []
    places: list[int] = []
    puts: dict[tuple[tuple[str, ...], str], int] = {}
    for op in ops:
        if isinstance(op, PutOp):
            place = puts.setdefault((op.namespace, op.key), len(kept))
            if place < len(kept):
                kept[place] = op
        else:
            # Filters are dicts, which have no hash.
            place = next((n for n, one in enumerate(kept) if type(one) is type(op) and one == op), len(kept))
        if place == len(kept):
            kept.append(op)
        places.append(place)
    return kept, places


__all__ = ("AsyncBatchedBaseStore",)
