"""The rules of async iterators and of Reactive Streams, for everything that a run handle lets you read."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypedDict

import pytest

from rxgraph import operators as ops
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer
from rxgraph.testing import AsyncIteratorConformance, Controlled
from rxgraph.types import StreamWriter


class State(TypedDict):
    n: int


def graph_of(node: Any) -> Any:
    return StateGraph(State).add_node("node", node).add_edge(START, "node").add_edge("node", END).compile()


class Opened:
    """A handle that is opened at the first pull, since opening one is a coroutine."""

    def __init__(self, graph: Any, read: Callable[[Any], AsyncIterator[Any]], branches: int = 1) -> None:
        self.open = graph.astream_events({"n": 0}, version="v3", transformers=[CustomTransformer])
        # No await happens inside, so the coroutine is run to its end by hand.
        try:
            self.open.send(None)
        except StopIteration as stop:
            self.run = stop.value
        HANDLES.append(self.run)
        self.iterators = [read(self.run)] if branches == 1 else list(self.run.custom.atee(branches))


HANDLES: list[Any] = []
"""The suite knows iterators only, and a run without a handle is stopped when its last reader has gone."""


@pytest.fixture(autouse=True)
def _handles_live_as_long_as_the_test() -> Iterator[None]:
    yield
    HANDLES.clear()


class RunConformance(AsyncIteratorConformance):
    """Common to the ways to read."""

    def read(self, run: Any) -> AsyncIterator[Any]:
        raise NotImplementedError

    def memory(self, iterator: Any) -> tuple[int, int]:
        while isinstance(iterator, _Mapped):
            iterator = iterator.items
        iterator = getattr(iterator, "_branch", iterator)
        return iterator.statistics().buffered, iterator._reader.ring.maxlen

    def make_iterator(self, elements: int) -> AsyncIterator[Any]:
        async def node(state: State, writer: StreamWriter) -> State:
            for n in range(elements):
                await writer(n)
            return {"n": elements}

        return Opened(graph_of(node), self.read).iterators[0]

    def make_controlled(self, branches: int) -> Controlled:
        queue, stopped = asyncio.Queue[Any](), list[bool]()

        async def node(state: State, writer: StreamWriter) -> State:
            try:
                while True:
                    item = await queue.get()
                    if isinstance(item, Exception):
                        raise item
                    await writer(item)
            finally:
                stopped.append(True)

        opened = Opened(graph_of(node), self.read, branches)
        # Closing one reader frees its share, and the run goes on for the others: abort() is what stops it.
        return Controlled(opened.iterators, queue.put_nowait, queue.put_nowait)

    def make_context_iterator(self, read: Callable[[], Any]) -> AsyncIterator[Any]:
        async def node(state: State, writer: StreamWriter) -> State:
            await writer(read())
            return state

        return Opened(graph_of(node), self.read).iterators[0]

    def make_sync_iterator(self, elements: int) -> Iterator[Any]:
        def node(state: State, writer: StreamWriter) -> State:
            for n in range(elements):
                writer(n)
            return state

        return iter(graph_of(node).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer]).custom)


class TestProjection(RunConformance):
    def read(self, run: Any) -> AsyncIterator[Any]:
        return aiter(run.custom)


class TestTeeBranch(RunConformance):
    def read(self, run: Any) -> AsyncIterator[Any]:
        branch: AsyncIterator[Any] = run.custom.atee(1)[0]
        return branch


class _Mapped:
    """The custom events of a reader that shows others, too, as what the node wrote."""

    def __init__(self, items: Any, pick: Callable[[Any], Any]) -> None:
        self.items, self.pick = items, pick

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        while True:
            picked = self.pick(await anext(self.items))
            if picked is not None:
                return picked[0]

    async def aclose(self) -> None:
        await self.items.aclose()


class TestRawLog(RunConformance):
    def make_controlled(self, branches: int) -> Controlled:
        if branches > 1:
            pytest.skip("untested: the raw log is read once; events() is for more readers")
        return super().make_controlled(branches)

    def read(self, run: Any) -> Any:
        return _Mapped(aiter(run), lambda one: [one["params"]["data"]] if one["method"] == "custom" else None)


class TestEvents(TestRawLog):
    def read(self, run: Any) -> Any:
        return _Mapped(run.events(), lambda one: [one["params"]["data"]] if one["method"] == "custom" else None)


class TestInterleave(RunConformance):
    def make_controlled(self, branches: int) -> Controlled:
        if branches > 1:
            pytest.skip("untested: interleave() has one reader")
        return super().make_controlled(branches)

    def memory(self, iterator: Any) -> tuple[int, int]:
        merge = iterator.items._merge
        return (0, 1) if merge is None else (merge.log.statistics().buffered, merge.log.maxlen)

    def read(self, run: Any) -> Any:
        return _Mapped(run.interleave("custom", "values"), lambda one: [one[1]] if one[0] == "custom" else None)


class TestProjectionOnUvloop(TestProjection):
    def make_loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
        return loop


def test_seq_grows_by_one_in_the_raw_log_across_subgraphs() -> None:
    inner = graph_of(lambda state: {"n": 1})
    run = graph_of(inner).stream_events({"n": 0}, version="v3")
    seqs = [one["seq"] for one in run]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) > 4


def test_a_projection_is_an_observable() -> None:
    run = graph_of(lambda state: {"n": state["n"] + 1}).stream_events({"n": 0}, version="v3")
    seen: list[Any] = []
    doubled = run.values.pipe(ops.map(operator.itemgetter("n")), ops.map(lambda n: 2 * n))
    doubled.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    assert run.output == {"n": 1}
    assert seen == [0, 2, "end"]
