"""Any order of reading, cancelling, leaving, aborting and failing keeps the laws of a run handle."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rxgraph.errors import StalledConsumerError
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer
from rxgraph.types import StreamWriter

MAXLEN = 3


class State(TypedDict):
    n: int


class Reading:
    """One reader, a pull of it that is under way, and what it has seen."""

    def __init__(self, branch: Any) -> None:
        self.branch = branch
        self.pull: asyncio.Task[Any] | None = None
        self.got: list[Any] = []
        self.ends = 0
        self.left = False
        self.first: int | None = None


class RunMachine(RuleBasedStateMachine):
    """Drives one asynchronous run; its node writes as often as it may."""

    @initialize(events=st.integers(0, 30), fails=st.booleans())
    def open(self, events: int, fails: bool) -> None:
        self.runner = asyncio.Runner()
        self.loop = self.runner.get_loop()
        self.events, self.fails, self.aborted = events, fails, False
        self.running = 0
        self.written = 0
        self.readings: list[Reading] = []
        self.broken: list[Any] = []

        async def node(state: State, writer: StreamWriter) -> State:
            self.running += 1
            try:
                for n in range(events):
                    await writer(n)
                    self.written = n + 1
                    if n % 3 == 0:
                        await asyncio.sleep(0)
                if fails:
                    raise KeyError("node")
            finally:
                self.running -= 1
            return {"n": 1}

        graph = StateGraph(State).add_node("node", node).add_edge(START, "node").add_edge("node", END).compile()

        async def begin() -> Any:
            return await graph.astream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)

        self.run = self.runner.run(begin())
        self.run.custom.on_subscriber_error = lambda observer, error: self.broken.append(error)

    def spin(self, turns: int = 4) -> None:
        async def turn() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.runner.run(turn())
        for reading in self.readings:
            self.collect(reading)

    def collect(self, reading: Reading) -> None:
        pull = reading.pull
        if pull is None or not pull.done():
            return
        reading.pull = None
        if pull.cancelled():
            return
        error = pull.exception()
        if error is None:
            reading.got.append(pull.result())
        elif isinstance(error, StopAsyncIteration):
            reading.ends += 1
        elif isinstance(error, KeyError):
            assert self.fails
            reading.ends += 1
        else:
            raise error

    @rule()
    def subscribe(self) -> None:
        if len(self.readings) < 4:
            self.readings.append(Reading(self.run.custom.areader()))

    @rule()
    def observe_badly(self) -> None:
        """A subscriber that raises is taken off, and hurts nobody else."""
        if not self.run.custom.is_closed:
            self.run.custom.subscribe(lambda item: 1 / 0)

    @precondition(lambda self: any(r.pull is None and not r.left and not r.ends for r in self.readings))
    @rule(data=st.data())
    def pull(self, data: Any) -> None:
        reading = data.draw(st.sampled_from([r for r in self.readings if r.pull is None and not r.left and not r.ends]))

        async def start() -> None:
            reading.pull = asyncio.ensure_future(anext(reading.branch))

        self.runner.run(start())
        self.spin()

    @precondition(lambda self: any(r.pull is not None for r in self.readings))
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        reading = data.draw(st.sampled_from([r for r in self.readings if r.pull is not None]))
        assert reading.pull is not None
        reading.pull.cancel()
        self.spin()

    @precondition(lambda self: any(not r.left for r in self.readings))
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        reading = data.draw(st.sampled_from([r for r in self.readings if not r.left]))
        self.runner.run(reading.branch.aclose())
        reading.left = True
        self.spin()

    @rule(chance=st.integers(0, 9))
    def abort(self, chance: int) -> None:
        if chance == 0:
            self.aborted = True
            self.runner.run(self.run.abort())
            assert self.running == 0

    @rule()
    def let_go(self) -> None:
        self.spin()

    @invariant()
    def check(self) -> None:
        for reading in self.readings:
            counted = reading.branch.statistics()
            assert counted.emitted == counted.delivered + counted.dropped + counted.buffered
            assert reading.ends <= 1
            # What a reader gets is without gaps, wherever it began.
            assert (
                reading.got == list(range(reading.got[0], reading.got[0] + len(reading.got))) if reading.got else True
            )
        if any(not r.left for r in self.readings):
            slowest = max(r.branch.statistics().lag for r in self.readings if not r.left)
            assert slowest <= MAXLEN

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.check()

            async def drain() -> None:
                async def rest(reading: Reading) -> None:
                    if reading.pull is not None:
                        await asyncio.wait([reading.pull])
                        self.collect(reading)
                    while not (reading.left or reading.ends):
                        reading.pull = asyncio.ensure_future(anext(reading.branch))
                        await asyncio.wait([reading.pull])
                        self.collect(reading)

                async with asyncio.timeout(10):
                    await asyncio.gather(*(rest(reading) for reading in self.readings))
                    try:
                        await self.run.output()
                    except (KeyError, StalledConsumerError):
                        assert self.fails
                await self.run.abort()
                assert asyncio.all_tasks() == {asyncio.current_task()}

            self.runner.run(drain())
            self.check()
            assert self.running == 0
            assert all(isinstance(error, (ZeroDivisionError, KeyError)) for error in self.broken)
            for reading in self.readings:
                assert reading.left or reading.ends == 1
                if not (reading.left or self.aborted) and reading.got:
                    assert reading.got[-1] == self.events - 1
        finally:
            self.runner.close()


TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
