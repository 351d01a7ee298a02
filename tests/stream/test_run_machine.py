"""Any order of what readers, subscribers and nodes may do keeps the laws of a run handle.

The laws: for every reader at every moment, delivered + dropped + buffered = emitted; every open reader gets exactly one
end; no task, thread or generator is left behind. What may happen is a rule below, and each is counted: a rule that
never came to its turn would prove nothing.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import rxgraph
from rxgraph.errors import StalledConsumerError
from rxgraph.flow import Lagged, Overflow
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer
from rxgraph.types import Emit, StreamWriter

MAXLEN = 3
EXAMPLES = int(os.environ.get("RXGRAPH_RUNS", "200"))
POLICIES: tuple[Overflow, ...] = ("suspend", "suspend", "suspend", "drop_oldest", "drop_latest", "latest", "unbounded")
NODES = ("awaiting", "generator")
"""None on a thread: what it has written when a rule looks is a matter of luck."""


class State(TypedDict):
    n: int


class Reading:
    """One reader, a pull of it that is under way, and what it has seen."""

    def __init__(self, branch: Any, overflow: Overflow) -> None:
        self.branch, self.overflow = branch, overflow
        self.pull: asyncio.Task[Any] | None = None
        self.got: list[Any] = []
        self.ends = 0
        self.left = False


class Subscribed:
    """A subscriber that asks when it is told to, and may raise at an item."""

    def __init__(self, fail_at: int | None) -> None:
        self.fail_at = fail_at
        self.got: list[Any] = []
        self.requested = self.ends = 0
        self.link: Any = None
        self.left = False

    def on_subscribe(self, subscription: Any, /) -> None:
        self.link = subscription

    def on_next(self, value: Any, /) -> None:
        assert not self.left
        self.got.append(value)
        assert len(self.got) <= self.requested
        if len(self.got) == self.fail_at:
            self.left = True
            raise ZeroDivisionError("subscriber")

    def on_error(self, error: Exception, /) -> None:
        self.ends += 1

    def on_complete(self) -> None:
        self.ends += 1


class RunMachine(RuleBasedStateMachine):
    """Drives one asynchronous run; its node writes as often as it may, and raises where it is told to."""

    happened: ClassVar[Counter[str]] = Counter()

    @initialize(events=st.integers(0, 30), fails_at=st.none() | st.integers(0, 30), kind=st.sampled_from(NODES))
    def open(self, events: int, fails_at: int | None, kind: str) -> None:
        self.threads = set(threading.enumerate())
        self.runner = asyncio.Runner()
        self.events, self.aborted = events, False
        self.fails_at = None if fails_at is None else min(fails_at, events)
        self.running = 0
        self.readings: list[Reading] = []
        self.subscribers: list[Subscribed] = []
        self.broken: list[Any] = []
        graph = StateGraph(State).add_node("node", getattr(self, kind)).add_edge(START, "node").add_edge("node", END)

        async def begin() -> Any:
            return await graph.compile().astream_events(
                {"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN
            )

        self.run = self.runner.run(begin())
        self.run.custom.on_subscriber_error = lambda observer, error: self.broken.append(error)

    # The node

    def raise_at(self, n: int) -> None:
        if n == self.fails_at:
            self.happened["a node raises"] += 1
            raise KeyError("node")

    async def awaiting(self, state: State, writer: StreamWriter) -> State:
        self.running += 1
        try:
            for n in range(self.events):
                self.raise_at(n)
                await writer(n)
                if n % 3 == 0:
                    await asyncio.sleep(0)
            self.raise_at(self.events)
        finally:
            self.running -= 1
        return {"n": 1}

    async def generator(self, state: State) -> AsyncIterator[Any]:
        self.running += 1
        try:
            for n in range(self.events):
                self.raise_at(n)
                yield Emit(n)
            self.raise_at(self.events)
        finally:
            self.running -= 1

    # Steps

    def spin(self, turns: int = 4) -> None:
        async def turn() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.runner.run(turn())
        for reading in self.readings:
            self.collect(reading)

    def call(self, what: Any, *args: Any) -> None:
        """Call plain code on the loop."""

        async def call() -> None:
            what(*args)

        self.runner.run(call())
        self.spin(0)

    def collect(self, reading: Reading) -> None:
        pull = reading.pull
        if pull is None or not pull.done():
            return
        reading.pull = None
        if pull.cancelled():
            return
        self.take(reading, pull.exception() or pull.result())

    def take(self, reading: Reading, told: Any) -> None:
        if isinstance(told, (StopAsyncIteration, KeyError)):
            assert isinstance(told, StopAsyncIteration) or self.fails_at is not None
            reading.ends += 1
        elif isinstance(told, BaseException):
            raise told
        else:
            reading.got.append(told)

    def free(self) -> list[Reading]:
        """Readers that may be pulled."""
        return [r for r in self.readings if r.pull is None and not r.left and not r.ends]

    # What may happen

    @rule(overflow=st.sampled_from(POLICIES))
    def subscribe_a_reader(self, overflow: Overflow) -> None:
        if len(self.readings) < 4:
            self.happened["subscribe"] += 1
            self.readings.append(Reading(self.run.custom.areader(overflow=overflow, mark_gaps=True), overflow))

    @rule(fail_at=st.none() | st.integers(1, 3))
    def subscribe_with_demand(self, fail_at: int | None) -> None:
        if len(self.subscribers) < 2:
            self.happened["subscribe"] += 1
            self.subscribers.append(subscriber := Subscribed(fail_at))
            self.call(self.run.custom.subscribe_with, subscriber)

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), n=st.integers(1, 8))
    def request(self, data: Any, n: int) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers))
        self.happened["request"] += 1
        subscriber.requested += n
        before = subscriber.left
        self.call(subscriber.link.request, n)
        self.spin()
        self.happened["a subscriber raises"] += subscriber.left and not before

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers))
        self.happened["cancel"] += 1
        subscriber.left = True
        self.call(subscriber.link.cancel)
        self.spin()

    @rule()
    def subscribe_badly(self) -> None:
        """An observer that raises is taken off, and hurts nobody else."""
        if not self.run.custom.is_closed:
            self.run.custom.subscribe(lambda item: 1 / 0)

    @precondition(lambda self: self.free())
    @rule(data=st.data())
    def pull(self, data: Any) -> None:
        reading = data.draw(st.sampled_from(self.free()))

        async def start() -> None:
            reading.pull = asyncio.ensure_future(anext(reading.branch))

        self.runner.run(start())
        self.spin()

    @precondition(lambda self: any(r.pull is not None for r in self.readings))
    @rule(data=st.data())
    def cancel_a_pull(self, data: Any) -> None:
        reading = data.draw(st.sampled_from([r for r in self.readings if r.pull is not None]))
        assert reading.pull is not None
        reading.pull.cancel()
        self.spin()

    @precondition(lambda self: self.free())
    @rule(data=st.data(), waiting=st.booleans())
    def time_out(self, data: Any, waiting: bool) -> None:
        reading = data.draw(st.sampled_from(self.free()))

        async def impatient() -> Any:
            if waiting:
                return await asyncio.wait_for(anext(reading.branch), 0)
            async with asyncio.timeout(0):
                return await anext(reading.branch)

        try:
            told = self.runner.run(impatient())
        except TimeoutError:
            self.happened["time out"] += 1
        except (StopAsyncIteration, KeyError, RuntimeError) as error:
            # A coroutine can't raise StopAsyncIteration; Python makes something else of it.
            cause = error.__cause__ if isinstance(error, RuntimeError) else error
            self.take(reading, cause or error)
        else:
            self.take(reading, told)
        self.spin()

    @precondition(lambda self: any(not r.left for r in self.readings))
    @rule(data=st.data())
    def unsubscribe(self, data: Any) -> None:
        reading = data.draw(st.sampled_from([r for r in self.readings if not r.left]))
        self.happened["unsubscribe"] += 1
        self.runner.run(reading.branch.aclose())
        reading.left = True
        self.spin()

    @rule(chance=st.integers(0, 9))
    def abort(self, chance: int) -> None:
        if chance == 0:
            self.happened["abort"] += 1
            self.aborted = True
            self.runner.run(self.run.abort())
            assert self.running == 0
            self.spin()

    @rule()
    def let_go(self) -> None:
        self.spin()

    # The laws

    @invariant()
    def everything_is_accounted_for(self) -> None:
        for reading in self.readings:
            counted = reading.branch.statistics()
            assert counted.emitted == counted.delivered + counted.dropped + counted.buffered
            items = [item for item in reading.got if not isinstance(item, Lagged)]
            gone = sum(item.n for item in reading.got if isinstance(item, Lagged))
            assert counted.delivered == len(items)
            assert gone <= counted.dropped
            # In order; and without gaps, if nobody said that some may be dropped.
            assert items == sorted(set(items))
            if reading.overflow in ("suspend", "unbounded") and items:
                assert items == list(range(items[0], items[0] + len(items)))
            assert reading.ends <= 1
        for subscriber in self.subscribers:
            got = subscriber.got
            assert not got or got == list(range(got[0], got[0] + len(got)))
            assert subscriber.ends <= 1

    @invariant()
    def nobody_is_ahead_of_the_slowest(self) -> None:
        lossless = [r for r in self.readings if not r.left and r.overflow == "suspend"]
        assert all(reading.branch.statistics().lag <= MAXLEN for reading in lossless)
        if self.readings:
            assert self.run.statistics().channels["custom"].buffered <= MAXLEN

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.everything_is_accounted_for()
            self.runner.run(self.drain())
            self.everything_is_accounted_for()
            assert all(isinstance(error, (ZeroDivisionError, KeyError)) for error in self.broken)
            for reading in self.readings:
                assert reading.left or reading.ends == 1
                items = [item for item in reading.got if not isinstance(item, Lagged)]
                whole = reading.overflow == "suspend" and not (reading.left or self.aborted)
                if whole and items and self.fails_at is None:
                    assert items[-1] == self.events - 1
            for subscriber in self.subscribers:
                assert subscriber.left or subscriber.ends == 1
        finally:
            self.runner.close()
        assert self.running == 0
        assert set(threading.enumerate()) <= self.threads

    async def drain(self) -> None:
        """Everybody who is still there reads on to the end."""

        async def rest(reading: Reading) -> None:
            if reading.pull is not None:
                await asyncio.wait([reading.pull])
                self.collect(reading)
            while not (reading.left or reading.ends):
                reading.pull = asyncio.ensure_future(anext(reading.branch))
                await asyncio.wait([reading.pull])
                self.collect(reading)

        async with asyncio.timeout(20):
            for subscriber in self.subscribers:
                subscriber.requested += 1_000
                subscriber.link.request(1_000)
            await asyncio.gather(*(rest(reading) for reading in self.readings))
            try:
                await self.run.output()
            except (KeyError, StalledConsumerError):
                assert self.fails_at is not None
        await self.run.abort()
        assert asyncio.all_tasks() == {asyncio.current_task()}


MAY_HAPPEN = {
    "subscribe",
    "request",
    "cancel",
    "unsubscribe",
    "time out",
    "abort",
    "a subscriber raises",
    "a node raises",
}


def suspended() -> Counter[str]:
    """Generators of the product that have begun and not ended."""
    product, found = str(Path(rxgraph.__file__).parent), Counter[str]()
    for thing in gc.get_objects():
        code, frame = (
            (thing.gi_code, thing.gi_frame)
            if inspect.isgenerator(thing)
            else (thing.cr_code, thing.cr_frame)
            if inspect.iscoroutine(thing)
            else (None, None)
        )
        if code is not None and frame is not None and code.co_filename.startswith(product):
            found[code.co_qualname] += 1
    return found


def test_any_order_keeps_the_laws(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    gc.collect()
    before = suspended()
    RunMachine.happened.clear()
    run_state_machine_as_test(
        RunMachine, settings=settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)
    )
    assert {what for what, times in RunMachine.happened.items() if times > 3} == MAY_HAPPEN
    gc.collect()
    assert suspended() - before == Counter()
