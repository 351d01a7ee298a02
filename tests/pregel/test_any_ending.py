"""Programs of chance, nested and with calls of tasks, ended in any way at any event: nothing is left behind.

``RXGRAPH_ENDINGS`` says how many; each is told by its seed.
"""

from __future__ import annotations

import asyncio
import operator
import os
import random
import threading
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.func import task
from rxgraph.graph import START, StateGraph
from rxgraph.types import StreamWriter

SEEDS = range(int(os.environ.get("RXGRAPH_ENDINGS", "80")))
CONFIG: Any = {"configurable": {"thread_id": "1"}}


class State(TypedDict):
    xs: Annotated[list[int], operator.add]


@task
def call(n: int) -> int:
    return n


@task
async def acall(n: int) -> int:
    await asyncio.sleep(0.001)
    return n


class Program:
    """A graph of chance, and what of it is running."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.is_async = self.rng.random() < 0.6
        self.running: set[object] = set()
        self.graph = self._graph(2)

    def _graph(self, depth: int) -> Any:
        rng, graph = self.rng, StateGraph(State)
        for number in range(rng.randint(1, 3)):
            kind = rng.choice(["plain", "calls", "custom", *(["child"] if depth else [])])
            graph.add_node(f"n{number}", self._graph(depth - 1) if kind == "child" else self._node(kind))
            graph.add_edge(f"n{number - 1}" if number and rng.random() < 0.5 else START, f"n{number}")
        saver = rng.choice([None, True, False]) if depth < 2 else rng.choice([None, InMemorySaver()])
        return graph.compile(checkpointer=saver)

    def _node(self, kind: str) -> Any:
        times, running = self.rng.randint(1, 4), self.running

        def sync(state: State, writer: StreamWriter) -> Any:
            running.add(here := object())
            try:
                for number in range(times):
                    if kind == "calls":
                        for future in [call(number), call(number)]:
                            future.result()
                    elif kind == "custom":
                        writer(number)
                return {"xs": [1]}
            finally:
                running.discard(here)

        async def asynchronous(state: State, writer: StreamWriter) -> Any:
            running.add(here := object())
            try:
                for number in range(times):
                    if kind == "calls":
                        await asyncio.gather(acall(number), call(number))
                    elif kind == "custom":
                        await writer(number)
                    else:
                        await asyncio.sleep(0.001 * number)
                return {"xs": [1]}
            finally:
                running.discard(here)

        return asynchronous if self.is_async and self.rng.random() < 0.7 else sync

    def end_somehow(self) -> None:
        """Run it, and end the run in one of the ways that there are."""
        rng, graph = self.rng, self.graph
        stop, subgraphs = rng.randint(0, 30), rng.random() < 0.7
        modes = rng.choice([["values"], ["updates", "custom", "tasks"], ["custom"]])
        how = rng.choice(["invoke", "close", "to the end", "abort"])
        if how == "invoke":
            graph.invoke({"xs": []}, CONFIG)
        elif how == "abort":
            with graph.stream_events({"xs": []}, CONFIG, version="v3") as handle:
                for number, _ in enumerate(handle):
                    if number > stop:
                        break
        else:
            with graph.stream({"xs": []}, CONFIG, stream_mode=modes, subgraphs=subgraphs) as items:
                for number, _ in enumerate(items):
                    if how == "close" and number > stop:
                        break

    async def aend_somehow(self) -> None:
        """Do what :meth:`end_somehow` does, in the asynchronous lane."""
        rng, graph = self.rng, self.graph
        stop, subgraphs = rng.randint(0, 30), rng.random() < 0.7
        modes = rng.choice([["values"], ["updates", "custom", "tasks"], ["custom"]])
        how = rng.choice(["cancel", "close", "to the end", "abort"])
        number = 0
        if how == "cancel":
            run = asyncio.create_task(graph.ainvoke({"xs": []}, CONFIG))
            await asyncio.sleep(rng.random() * 0.01)
            run.cancel()
            await asyncio.wait([run])
        elif how == "abort":
            async with await graph.astream_events({"xs": []}, CONFIG, version="v3") as handle:
                async for _ in handle:
                    number += 1
                    if number > stop:
                        break
        else:
            async with graph.astream({"xs": []}, CONFIG, stream_mode=modes, subgraphs=subgraphs) as items:
                async for _ in items:
                    number += 1
                    if how == "close" and number > stop:
                        break
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_behind(seed: int) -> None:
    program, before = Program(seed), set(threading.enumerate())
    if program.is_async:
        # The loop's end waits for sync nodes that nobody could stop.
        asyncio.run(program.aend_somehow())
    else:
        program.end_somehow()
    assert not program.running
    assert not set(threading.enumerate()) - before
