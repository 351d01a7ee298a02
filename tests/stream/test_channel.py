"""``StreamChannel``: a bounded log of one projection, and what can read it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import weakref
from random import Random
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as rx_ops

from rxgraph import operators as ops
from rxgraph.errors import LaneError, StalledConsumerError
from rxgraph.flow import (
    DEFAULT_MAXLEN,
    UNBOUNDED,
    Gate,
    Lagged,
    Overflow,
    RequestScheduler,
    SlowConsumerError,
    Subscription,
)
from rxgraph.stream import StreamChannel
from rxgraph.testing import VirtualTime


class Source:
    """A run for the pulls of a channel: numbers up to *n*, *batch* a request, and none while the gate is shut."""

    def __init__(
        self, channel: StreamChannel[int], n: int = 10, batch: int = 1, error: Exception | None = None
    ) -> None:
        self.channel, self.n, self.batch, self.error = channel, n, batch, error
        self.sent = self.demand = self.highest = 0

    def request(self, n: int, /) -> None:
        self.demand += n
        for _ in range(self.batch):
            if not self.channel.gate.is_open:
                return
            if self.sent == self.n:
                if self.error is None:
                    self.channel.close()
                else:
                    self.channel.fail(self.error)
                return
            self.channel.push(self.sent)
            self.sent += 1
            self.highest = max(self.highest, len(self.channel._buf))

    def withdraw(self, n: int, /) -> None:
        self.demand -= n
        assert self.demand >= 0


class LoopSource(Source):
    """The same, in turns of the event loop: a request only leaves word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task: asyncio.Task[None] | None = None

    def request(self, n: int, /) -> None:
        self.demand += n
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.drive())

    async def drive(self) -> None:
        while self.demand and not self.channel.is_closed:
            await asyncio.sleep(0)
            await self.channel.gate
            self.demand += 1
            Source.request(self, 0)
            self.demand -= 1


class Seen:
    """A subscriber that notes what it is told, and asks for what it is told to ask for."""

    def __init__(self, n: int = 0, fail_at: int | None = None) -> None:
        self.n, self.fail_at = n, fail_at
        self.told: list[Any] = []
        self.link: Subscription | None = None

    def on_subscribe(self, subscription: Subscription, /) -> None:
        self.link = subscription
        if self.n:
            subscription.request(self.n)

    def on_next(self, value: Any, /) -> None:
        self.told.append(value)
        if len(self.told) == self.fail_at:
            raise ValueError("subscriber")

    def on_error(self, error: Exception, /) -> None:
        self.told.append(error)

    def on_complete(self) -> None:
        self.told.append("|")


def bound(n: int = 10, batch: int = 1, error: Exception | None = None, **kwargs: Any) -> StreamChannel[int]:
    channel = StreamChannel[int]("numbers", **kwargs)
    channel._bind(Source(channel, n, batch, error))
    return channel


def abound(n: int = 10, batch: int = 1, error: Exception | None = None, **kwargs: Any) -> StreamChannel[int]:
    channel = StreamChannel[int]("numbers", **kwargs)
    channel._bind(LoopSource(channel, n, batch, error), is_async=True)
    return channel


def filled(*items: Any, **kwargs: Any) -> StreamChannel[Any]:
    channel = StreamChannel[Any]("numbers", **kwargs)
    for item in items:
        channel.push(item)
    return channel


def lawful(counted: Any) -> bool:
    return bool(counted.emitted == counted.delivered + counted.dropped + counted.buffered)


# Arguments


def test_the_default_bound_is_the_librarys() -> None:
    assert StreamChannel[int]().maxlen == DEFAULT_MAXLEN


@pytest.mark.parametrize("maxlen", [0, -1])
def test_a_bound_below_one_is_refused(maxlen: int) -> None:
    with pytest.raises(ValueError, match="maxlen >= 1"):
        StreamChannel("x", maxlen=maxlen)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown overflow policy 'drop'"):
        StreamChannel("x", overflow="drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown overflow policy 'drop'"):
        StreamChannel("x").reader(overflow="drop")  # type: ignore[arg-type]


def test_lossless_readers_share_one_bound() -> None:
    with pytest.raises(ValueError, match="lossless readers share its log"):
        StreamChannel("x").reader(maxlen=3)


@pytest.mark.parametrize("n", [0, -2])
def test_a_tee_has_at_least_one_branch(n: int) -> None:
    with pytest.raises(ValueError, match="n >= 1"):
        StreamChannel("x").tee(n)
    with pytest.raises(ValueError, match="n >= 1"):
        StreamChannel("x").atee(n)


# Nobody reads


def test_without_readers_nothing_is_kept() -> None:
    channel = filled(*range(5000), maxlen=4)
    assert channel.statistics().buffered == 0
    assert channel.gate.is_open
    channel.close()
    assert list(channel) == []


def test_a_closed_channel_takes_nothing_and_says_so_to_those_who_are_read() -> None:
    """As in LangGraph: silent when nobody has read, an error when somebody has."""
    quiet, read = filled(), filled()
    list_of = read.tee(1)
    quiet.close()
    read.close()
    quiet.push(1)
    with pytest.raises(RuntimeError, match="after its end"):
        read.push(1)
    assert list(list_of[0]) == []


# Plain iteration


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("maxlen", [1, 4, 100])
def test_pulls_drive_the_run(batch: int, maxlen: int) -> None:
    channel = bound(200, batch, maxlen=maxlen)
    assert list(channel) == list(range(200))
    assert channel.pump.demand == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("maxlen", [1, 4, 100])
async def test_async_pulls_drive_the_run(batch: int, maxlen: int) -> None:
    channel = abound(200, batch, maxlen=maxlen)
    assert [item async for item in channel] == list(range(200))
    assert channel.pump.demand == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("maxlen", [1, 4, 100])
@pytest.mark.parametrize("n", [1, 3])
def test_a_function_that_takes_the_run_one_step_on_is_pump_enough(batch: int, maxlen: int, n: int) -> None:
    channel = StreamChannel[int](maxlen=maxlen)
    source = Source(channel, 50, batch)
    channel._bind(lambda: source.request(0))
    seen = Seen(UNBOUNDED)
    channel.subscribe_with(seen)
    assert seen.told == [*range(50), "|"]
    channel = StreamChannel[int](maxlen=maxlen)
    other = Source(channel, 50, batch)
    channel._bind(lambda: other.request(0))
    assert list(zip(*channel.tee(n), strict=True)) == [(i,) * n for i in range(50)]


def test_a_step_that_says_the_run_is_over_ends_the_branch() -> None:
    channel = StreamChannel[int]()
    steps = iter([1, 2])

    def step() -> bool:
        item = next(steps, None)
        if item is not None:
            channel.push(item)
        return item is not None

    channel._bind(step)
    assert list(channel) == [1, 2]


def test_what_cannot_drive_a_run_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a Pump in the async lane"):
        StreamChannel("x")._bind(lambda: None, is_async=True)
    with pytest.raises(TypeError, match="needs a Pump in the sync lane"):
        StreamChannel("x")._bind(5)  # type: ignore[arg-type]


def test_nothing_is_asked_for_before_a_pull() -> None:
    channel = bound()
    it = iter(channel)
    assert channel.pump.sent == 0  # type: ignore[union-attr]
    assert next(it) == 0
    assert channel.pump.sent == 1  # type: ignore[union-attr]


def test_a_second_iteration_is_refused_and_told_of_tee() -> None:
    channel = filled()
    it = iter(channel)
    for again in (iter, aiter, lambda c: c.tee(2), lambda c: c.atee(2)):
        with pytest.raises(RuntimeError, match=r"already has a subscriber.*tee"):
            again(channel)  # type: ignore[operator]
    it.close()


def test_a_pull_without_a_run_is_told_what_is_missing() -> None:
    channel = filled()
    it = iter(channel)
    with pytest.raises(RuntimeError, match=r"'numbers' is empty and open.*Push to it or close it"):
        next(it)
    channel.push(1)
    assert next(it) == 1
    channel.close()
    assert list(it) == []


async def test_an_async_pull_without_a_run_waits() -> None:
    channel = filled()
    it = aiter(channel)
    pull = asyncio.ensure_future(anext(it))
    await asyncio.sleep(0)
    assert channel.statistics().waiting == ("numbers",)
    channel.push(7)
    assert await pull == 7
    pull = asyncio.ensure_future(anext(it))
    await asyncio.sleep(0)
    channel.close()
    with pytest.raises(StopAsyncIteration):
        await pull


def test_a_pump_may_say_that_nothing_will_come() -> None:
    class Exhausted:
        def request(self, n: int, /) -> bool:
            return False

        def withdraw(self, n: int, /) -> None: ...

    channel = StreamChannel[int]()
    channel._bind(Exhausted())
    assert list(channel) == []


async def test_readers_keep_to_their_lane() -> None:
    for enter in (iter, lambda c: c.tee(1), lambda c: c.reader()):
        with pytest.raises(LaneError, match="asynchronous"):
            enter(abound())  # type: ignore[operator]
    for aenter in (aiter, lambda c: c.atee(1), lambda c: c.areader()):
        with pytest.raises(LaneError, match="synchronous"):
            aenter(bound())  # type: ignore[operator]


async def test_a_reader_that_came_before_the_run_keeps_to_its_lane() -> None:
    channel = StreamChannel[int]()
    it, ait = channel.reader(), channel.areader()
    channel._bind(Source(channel, 1), is_async=False)
    with pytest.raises(LaneError, match="synchronous"):
        await anext(ait)
    assert next(it) == 0


def test_a_channel_is_bound_once() -> None:
    channel = bound()
    with pytest.raises(RuntimeError, match="bound to a run already"):
        channel._bind(Source(channel))


@pytest.mark.parametrize("maxlen", [4, 64])
def test_an_error_comes_behind_the_items_and_once(maxlen: int) -> None:
    error = ValueError("node")
    it = iter(bound(3, 1, error, maxlen=maxlen))
    assert [next(it) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="node") as caught:
        next(it)
    assert caught.value is error
    assert list(it) == []


def test_an_error_of_the_run_itself_leaves_the_branch_whole() -> None:
    """A Ctrl-C inside a node, say: the next pull goes on."""
    channel = StreamChannel[int]()

    class Broken(Source):
        def request(self, n: int, /) -> None:
            if self.n:
                self.n -= 1
                raise KeyboardInterrupt
            channel.push(5)

        def withdraw(self, n: int, /) -> None: ...

    channel._bind(Broken(channel, 2))
    it = iter(channel)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            next(it)
    assert next(it) == 5


# The gate


@pytest.mark.parametrize("maxlen", [1, 4, 40, 1024])
def test_a_full_log_shuts_the_gate_until_a_quarter_is_taken(maxlen: int) -> None:
    gate = Gate()
    channel = StreamChannel[int]("x", maxlen=maxlen, gate=gate)
    it = iter(channel)
    for i in range(maxlen):
        assert gate.is_open
        channel.push(i)
    assert not gate.is_open
    for _ in range(maxlen - maxlen * 3 // 4):
        next(it)
    # A reader that goes through a slice tells at its next pull, or whenever somebody has to know.
    channel.settle()
    assert gate.is_open


def test_a_bound_gate_is_shared() -> None:
    gate = Gate()
    channel = StreamChannel[int]("x", maxlen=1)
    channel._bind(Source(channel), gate=gate)
    it = iter(channel)
    channel.push(1)
    assert not gate.is_open
    it.close()
    assert gate.is_open


def test_what_is_pushed_into_a_full_log_is_kept_and_counted() -> None:
    channel = StreamChannel[int]("x", maxlen=2)
    it = iter(channel)
    for i in range(5):
        channel.push(i)
    assert channel.statistics().overrun == 3
    channel.close()
    assert list(it) == [0, 1, 2, 3, 4]


def test_the_end_opens_the_gate() -> None:
    channel = StreamChannel[int]("x", maxlen=1)
    it = iter(channel)
    channel.push(1)
    channel.close()
    assert channel.gate.is_open
    assert list(it) == [1]


@pytest.mark.slow
async def test_memory_is_bounded_whatever_the_length() -> None:
    """200,000 items through four, with a producer that waits for the gate and two branches."""
    channel = StreamChannel[int]("x", maxlen=4)
    highest = 0

    async def produce() -> None:
        nonlocal highest
        for i in range(200_000):
            channel.push(i)
            highest = max(highest, len(channel._buf))
            await channel.gate
        channel.close()

    async def read(branch: Any) -> int:
        return sum([item async for item in branch])

    one, two = channel.atee(2)
    _, a, b = await asyncio.gather(produce(), read(one), read(two))
    assert a == b == 200_000 * 199_999 // 2
    assert highest <= 4
    assert channel.overrun == 0


def test_memory_is_bounded_in_the_sync_lane() -> None:
    channel = bound(200_000, 10, maxlen=4)
    assert sum(1 for _ in channel) == 200_000
    assert channel.pump.highest <= 4  # type: ignore[union-attr]


@pytest.mark.parametrize("maxlen", [4, 64])
def test_no_more_items_than_the_bound_are_alive(maxlen: int) -> None:
    """Slices that branches go through included."""

    class Item:
        pass

    channel = StreamChannel[Item]("x", maxlen=maxlen)
    alive: weakref.WeakSet[Item] = weakref.WeakSet()
    highest = 0
    branches = channel.tee(3)
    for turn in range(200):
        while channel.gate.is_open:
            item = Item()
            alive.add(item)
            channel.push(item)
            del item
        highest = max(highest, len(alive))
        for i, branch in enumerate(branches):
            for _ in range((turn * (i + 3)) % maxlen):
                if not branch.statistics().buffered:
                    break
                next(branch)
        highest = max(highest, len(alive))
        channel.settle()
    assert highest <= maxlen


# Tee


@pytest.mark.parametrize("maxlen", [4, 64])
def test_branches_get_the_same(maxlen: int) -> None:
    branches = bound(100, 3, maxlen=maxlen).tee(3)
    assert list(zip(*branches, strict=True)) == [(i, i, i) for i in range(100)]


@pytest.mark.parametrize("maxlen", [4, 64])
async def test_async_branches_get_the_same(maxlen: int) -> None:
    branches = abound(100, 3, maxlen=maxlen).atee(3)

    async def read(branch: Any) -> list[int]:
        return [item async for item in branch]

    assert await asyncio.gather(*map(read, branches)) == [list(range(100))] * 3


def test_branches_share_one_ring() -> None:
    channel = StreamChannel[int]("x", maxlen=8)
    branches = channel.tee(5)
    for i in range(8):
        channel.push(i)
    assert channel.statistics().buffered == 8
    for branch in branches[:4]:
        assert [next(branch) for _ in range(8)] == list(range(8))
    assert channel.statistics().buffered == 8
    assert not channel.gate.is_open
    next(branches[4]), next(branches[4])
    channel.settle()
    assert channel.gate.is_open
    assert channel.statistics().buffered == 6


def test_the_error_reaches_every_branch_once() -> None:
    error = ValueError("node")
    for branch in bound(2, 1, error).tee(3):
        assert [next(branch), next(branch)] == [0, 1]
        with pytest.raises(ValueError, match="node") as caught:
            next(branch)
        assert caught.value is error
        assert list(branch) == []


async def test_the_error_reaches_every_async_branch_once() -> None:
    error = ValueError("node")

    async def read(branch: Any) -> list[Any]:
        got: list[Any] = []
        while True:
            try:
                got.append(await anext(branch))
            except ValueError as raised:
                got.append(raised)
            except StopAsyncIteration:
                return got

    assert await asyncio.gather(*map(read, abound(2, 1, error).atee(3))) == [[0, 1, error]] * 3


def test_a_branch_that_only_waits_for_another_of_the_same_thread_is_told() -> None:
    channel = bound(100, maxlen=3)
    one, two = channel.tee(2)
    assert [next(one) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StalledConsumerError, match=r"'numbers\[0\]' can't go on: 'numbers\[1\]' is full") as caught:
        next(one)
    assert caught.value.full == ("numbers[1]",)
    assert next(two) == 0
    assert next(one) == 3
    two.close()
    assert list(one) == list(range(4, 100))


def test_a_pull_that_waits_for_another_channel_of_the_run_is_told() -> None:
    gate = Gate()
    values, custom = StreamChannel[int]("values", gate=gate), StreamChannel[int]("custom", maxlen=2, gate=gate)
    source = Source(custom, 100)
    values._bind(source)
    custom._bind(source)
    left, right = iter(values), iter(custom)
    with pytest.raises(StalledConsumerError, match="'values' can't go on: 'custom' is full"):
        next(left)
    assert next(right) == 0
    right.close()


async def test_a_task_that_is_its_own_obstacle_is_told() -> None:
    channel = abound(100, maxlen=2)
    one, two = channel.atee(2)
    assert [await anext(two), await anext(one), await anext(one)] == [0, 0, 1]
    assert await anext(one) == 2
    with pytest.raises(StalledConsumerError, match=r"numbers\[1\]"):
        await anext(one)
    assert await anext(two) == 1


async def test_a_branch_waits_for_the_branch_of_another_task(caplog: pytest.LogCaptureFixture) -> None:
    channel = abound(6, maxlen=2)
    one, two = channel.atee(2)
    pull = asyncio.ensure_future(_collect(one))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not pull.done()
    assert channel.statistics().waiting == ("numbers[0]",)
    assert await _collect(two) == list(range(6))
    assert await pull == list(range(6))


async def _collect(it: Any) -> list[Any]:
    return [item async for item in it]


async def test_a_long_wait_for_another_reader_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxgraph.stream._ring.STALL_WARNING", 0.0)
    channel = abound(6, maxlen=2)
    one, two = channel.atee(2)
    pull = asyncio.ensure_future(_collect(one))
    with caplog.at_level(logging.WARNING, "rxgraph.stream"):
        await asyncio.sleep(0.01)
    assert "'numbers[0]' has waited" in caplog.text
    assert "'numbers[1]'" in caplog.text
    await two.aclose()
    assert await pull == list(range(6))


def test_a_reader_that_is_slow_is_not_called_idle(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[int]:
        channel = abound(20, maxlen=2)
        one, two = channel.atee(2)
        pull = asyncio.ensure_future(_collect(one))
        for _ in range(10):
            await anext(two)
            await asyncio.sleep(3)
        assert caplog.text == ""
        await asyncio.sleep(12)
        assert "'numbers[0]' has waited" in caplog.text
        await two.aclose()
        return await pull

    with caplog.at_level(logging.WARNING, "rxgraph.stream"):
        assert VirtualTime().run(main()) == list(range(20))


@pytest.mark.parametrize("how", ["close", "drop", "collect"])
def test_a_branch_that_leaves_frees_its_share(how: str) -> None:
    channel = bound(50, maxlen=4)
    one, *rest = channel.tee(2)
    assert [next(one) for _ in range(4)] == [0, 1, 2, 3]
    assert not channel.gate.is_open
    if how == "close":
        rest[0].close()
        rest[0].close()
    elif how == "collect":
        cycle: list[Any] = [rest.pop()]
        cycle.append(cycle)
        del cycle
        gc.collect()
    rest.clear()
    assert channel.gate.is_open
    assert list(one) == list(range(4, 50))
    assert len(channel.statistics().readers) == 0


@pytest.mark.parametrize("maxlen", [4, 64])
def test_a_closed_branch_hands_nothing_out(maxlen: int) -> None:
    channel = StreamChannel[int]("x", maxlen=maxlen)
    one, two = channel.tee(2)
    for i in range(maxlen):
        channel.push(i)
    assert next(one) == 0
    one.close()
    assert list(one) == []
    counted = one.statistics()
    assert (counted.delivered, counted.dropped, counted.buffered) == (1, maxlen - 1, 0)
    assert next(two) == 0


async def test_an_async_branch_that_leaves_frees_its_share() -> None:
    for how in ("close", "drop"):
        channel = abound(50, maxlen=4)
        one, *rest = channel.atee(2)
        assert [await anext(one) for _ in range(4)] == [0, 1, 2, 3]
        if how == "close":
            await rest[0].aclose()
        rest.clear()
        assert await _collect(one) == list(range(4, 50))


async def test_a_branch_dropped_on_another_thread_leaves_on_its_own() -> None:
    channel = abound(50, maxlen=4)
    one, two = channel.atee(2)
    assert await anext(two) == 0
    box = [two]
    del two
    await asyncio.to_thread(box.clear)
    await asyncio.sleep(0)
    assert len(channel.statistics().readers) == 1
    assert await _collect(one) == list(range(50))


async def test_closing_a_branch_ends_the_pull_that_waits() -> None:
    channel = filled()
    it = aiter(channel)
    pull = asyncio.ensure_future(anext(it))
    await asyncio.sleep(0)
    await it.aclose()
    with pytest.raises(StopAsyncIteration):
        await pull
    channel.push(1)
    with pytest.raises(StopAsyncIteration):
        await anext(it)


def test_a_dropped_iterator_is_gone() -> None:
    channel = StreamChannel[int]("x", maxlen=2)
    it = iter(channel)
    reader = weakref.ref(it._reader)
    channel.push(1)
    channel.push(2)
    assert not channel.gate.is_open
    del it
    assert channel.gate.is_open
    gc.collect()
    assert reader() is None
    channel.push(3)
    assert channel.statistics().dropped == 2


# Cancelled pulls


async def test_a_pull_that_times_out_loses_nothing() -> None:
    channel = filled()
    it = aiter(channel)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(it), 0.001)
    assert channel.statistics().waiting == ()
    channel.push(1)
    assert await anext(it) == 1


async def test_a_cancelled_pull_takes_its_request_back() -> None:
    channel = abound(10)
    it = aiter(channel)
    pull = asyncio.ensure_future(anext(it))
    await asyncio.sleep(0)
    assert channel.pump.demand == 1  # type: ignore[union-attr]
    pull.cancel()
    await asyncio.sleep(0)
    assert channel.pump.demand == 0  # type: ignore[union-attr]
    assert await _collect(it) == list(range(10))


@pytest.mark.parametrize("turns", range(6))
async def test_a_pull_may_be_cancelled_at_any_turn(turns: int) -> None:
    """Also between the arrival of an item and the moment when its task goes on."""
    channel = abound(5)
    it = aiter(channel)
    got: list[int] = []
    while True:
        pull = asyncio.ensure_future(anext(it))
        for _ in range(turns):
            await asyncio.sleep(0)
        pull.cancel()
        try:
            got.append(await pull)
        except asyncio.CancelledError:
            try:
                got.append(await anext(it))
            except StopAsyncIteration:
                break
        except StopAsyncIteration:
            break
    assert got == list(range(5))
    assert channel.pump.demand == 0  # type: ignore[union-attr]


async def test_two_tasks_on_one_branch_are_named() -> None:
    it = aiter(filled())
    first = asyncio.ensure_future(anext(it))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"is being pulled by .*and now by .*atee"):
        await anext(it)
    first.cancel()


# Policies


@pytest.mark.parametrize(
    ("overflow", "got"),
    [("drop_oldest", [7, 8, 9]), ("drop_latest", [0, 1, 2]), ("latest", [9]), ("unbounded", list(range(10)))],
)
async def test_each_reader_has_its_policy_and_counts_what_it_drops(overflow: Overflow, got: list[int]) -> None:
    channel = StreamChannel[int]("x", maxlen=3)
    it, ait = channel.reader(overflow=overflow), channel.areader(overflow=overflow)
    for i in range(10):
        channel.push(i)
    assert channel.gate.is_open
    channel.close()
    assert list(it) == await _collect(ait) == got
    counted = it.statistics()
    assert (counted.delivered, counted.dropped) == (len(got), 10 - len(got))


def test_gaps_are_marked_for_those_who_ask() -> None:
    channel = StreamChannel[int]("x", overflow="drop_oldest", maxlen=2)
    it = channel.reader(mark_gaps=True)
    for i in range(5):
        channel.push(i)
    channel.close()
    assert list(it) == [Lagged(3), 3, 4]


def test_a_policy_of_the_channel_is_that_of_its_readers() -> None:
    channel = StreamChannel[int]("x", overflow="latest")
    it = iter(channel)
    channel.push(1)
    channel.push(2)
    assert next(it) == 2


def test_only_the_slow_reader_gets_its_error() -> None:
    channel = StreamChannel[int]("x", maxlen=4)
    slow, fast = channel.reader(overflow="error", maxlen=2), channel.reader()
    for i in range(4):
        channel.push(i)
    channel.close()
    assert [next(slow), next(slow)] == [0, 1]
    with pytest.raises(SlowConsumerError):
        next(slow)
    assert list(slow) == []
    assert list(fast) == [0, 1, 2, 3]


# Replay


@pytest.mark.parametrize(
    ("replay", "got"),
    [(0, [10]), (2, [8, 9, 10]), (3, [7, 8, 9, 10]), (5, [Lagged(2), 7, 8, 9, 10]), (True, [Lagged(7), 7, 8, 9, 10])],
)
async def test_a_late_reader_gets_the_window_and_is_told_what_is_gone(replay: int, got: list[Any]) -> None:
    for overflow in ("suspend", "drop_oldest"):
        channel = filled(*range(10), replay=3)
        it, ait = (
            channel.reader(replay=replay, overflow=overflow),
            channel.areader(replay=replay, overflow=overflow),
        )
        seen = Seen(100)
        channel.subscribe_with(seen, replay=replay, overflow=overflow)
        before = it.statistics()
        assert lawful(before)
        channel.push(10)
        channel.close()
        assert list(it) == await _collect(ait) == got
        assert seen.told == [*got, "|"]
        counted = it.statistics()
        gone = sum(item.n for item in got if isinstance(item, Lagged))
        assert counted.dropped == gone
        assert counted.delivered == sum(not isinstance(item, Lagged) for item in got)


def test_a_window_of_bytes_is_exact() -> None:
    channel = filled(b"aaaa", b"bb", b"cc", b"d", replay=10, replay_bytes=5)
    assert channel.statistics().kept == 3
    channel.close()
    assert list(channel.reader(replay=True)) == [Lagged(1), b"bb", b"cc", b"d"]


def test_an_item_larger_than_the_window_is_not_kept() -> None:
    channel = filled(b"a", b"bbbbbb", replay_bytes=5)
    channel.close()
    assert list(channel.reader(replay=True)) == [Lagged(2)]


def test_what_left_before_the_past_was_read_is_counted() -> None:
    it = filled(1, 2, 3, replay=2).reader(replay=True)
    assert next(it) == Lagged(1)
    assert next(it) == 2
    it.close()
    counted = it.statistics()
    assert (counted.emitted, counted.delivered, counted.dropped, counted.buffered) == (3, 1, 2, 0)


def test_a_channel_without_a_past_says_so() -> None:
    with pytest.raises(ValueError, match="keeps no past"):
        filled(1).reader(replay=1)
    with pytest.raises(ValueError, match="can't replay -1"):
        filled(1, replay=1).reader(replay=-1)


def test_the_error_comes_behind_the_past() -> None:
    channel = filled(1, 2, replay=5)
    channel.fail(ValueError("node"))
    it = channel.reader(replay=True)
    assert [next(it), next(it)] == [1, 2]
    with pytest.raises(ValueError, match="node"):
        next(it)


# Observers and subscribers


def test_observers_are_multicast() -> None:
    channel = StreamChannel[int]("x")
    doubled: list[Any] = []
    plain: list[Any] = []
    channel.pipe(ops.map(lambda x: x * 2)).subscribe(doubled.append, on_completed=lambda: doubled.append("|"))
    handle = channel.subscribe(plain.append)
    it = iter(channel)
    channel.push(1)
    handle.dispose()
    channel.push(2)
    channel.close()
    assert (doubled, plain, list(it)) == ([2, 4, "|"], [1], [1, 2])
    late: list[Any] = []
    channel.subscribe(late.append, on_completed=lambda: late.append("|"))
    assert late == ["|"]


def test_an_observer_that_raises_hurts_only_itself() -> None:
    channel = StreamChannel[int]("x")
    errors: list[Exception] = []
    channel.on_subscriber_error = lambda observer, error: errors.append(error)
    good: list[int] = []

    def bad(_: int) -> None:
        raise ValueError("observer")

    channel.subscribe(bad)
    channel.subscribe(good.append)
    it = iter(channel)
    channel.push(1)
    channel.push(2)
    assert (good, [next(it), next(it)]) == ([1, 2], [1, 2])
    assert [str(error) for error in errors] == ["observer"]


def test_a_report_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    channel = StreamChannel[int]("x")

    def bad(*_: Any) -> None:
        raise ValueError("bad")

    channel.on_subscriber_error = bad
    channel.subscribe(bad)
    channel.push(1)
    assert "taken off" in caplog.text


def test_an_observer_that_pushes_does_not_turn_the_order_round() -> None:
    channel = StreamChannel[int]("x")
    seen: list[Any] = []

    def feed(item: int) -> None:
        if item < 3:
            channel.push(item + 1)
        else:
            channel.close()

    channel.subscribe(feed)
    channel.subscribe(seen.append, on_completed=lambda: seen.append("|"))
    it = iter(channel)
    channel.push(1)
    assert seen == [1, 2, 3, "|"]
    assert list(it) == [1, 2, 3]


def test_a_subscriber_gets_what_it_requests() -> None:
    channel = StreamChannel[int]("x", maxlen=4)
    seen = Seen()
    channel.subscribe_with(seen)
    for i in range(4):
        channel.push(i)
    assert seen.told == []
    assert not channel.gate.is_open
    assert seen.link is not None
    seen.link.request(2)
    assert seen.told == [0, 1]
    assert channel.gate.is_open
    channel.close()
    assert seen.told == [0, 1]
    seen.link.request(UNBOUNDED)
    assert seen.told == [0, 1, 2, 3, "|"]


def test_requests_drive_the_run() -> None:
    channel = bound(100, 3, maxlen=8)
    seen = Seen(10)
    channel.subscribe_with(seen)
    assert seen.told == list(range(10))
    assert seen.link is not None
    seen.link.request(1000)
    assert seen.told == [*range(100), "|"]
    assert channel.pump.demand == 0  # type: ignore[union-attr]


async def test_requests_drive_an_async_run() -> None:
    channel = abound(20, maxlen=8)
    seen = Seen(1000)
    channel.subscribe_with(seen)
    for _ in range(200):
        await asyncio.sleep(0)
    assert seen.told == [*range(20), "|"]


def test_the_end_comes_without_a_request() -> None:
    channel = StreamChannel[int]("x")
    done, failed = Seen(), Seen()
    channel.subscribe_with(done)
    channel.close()
    assert done.told == ["|"]
    error = ValueError("node")
    other = StreamChannel[int]("x")
    other.subscribe_with(failed)
    other.fail(error)
    assert failed.told == [error]


def test_a_subscriber_that_raises_or_cancels_frees_its_share(caplog: pytest.LogCaptureFixture) -> None:
    channel = StreamChannel[int]("x", maxlen=2)
    bad, leaver, good = Seen(10, fail_at=1), Seen(1), Seen(10)
    for subscriber in (bad, leaver, good):
        channel.subscribe_with(subscriber)
    channel.push(0)
    assert leaver.link is not None
    leaver.link.cancel()
    for i in range(1, 6):
        channel.push(i)
    assert (bad.told, leaver.told, good.told) == ([0], [0], list(range(6)))
    assert "raised and was cancelled" in caplog.text
    assert channel.gate.is_open


def test_no_subscriber_is_refused() -> None:
    with pytest.raises(TypeError, match="Subscriber"):
        StreamChannel[int]().subscribe_with(None)  # type: ignore[arg-type]


# Statistics


def test_statistics_say_who_is_behind_and_who_waits() -> None:
    channel = StreamChannel[int]("x", maxlen=8)
    one, two = channel.tee(2)
    for i in range(5):
        channel.push(i)
    next(one)
    counted = channel.statistics()
    assert (counted.emitted, counted.buffered, counted.capacity, counted.lag) == (5, 5, 8, 5)
    assert (counted.delivered, counted.dropped, counted.waiting) == (1, 0, ())
    assert [(r.name, r.delivered, r.lag) for r in counted.readers] == [("x[0]", 1, 4), ("x[1]", 0, 5)]
    two.close()
    counted = channel.statistics()
    assert (counted.delivered, counted.dropped, counted.buffered) == (1, 5, 4)


def test_a_repr_shows_the_machine() -> None:
    channel = StreamChannel[int]("x", maxlen=8)
    (one,) = channel.tee(1)
    channel.push(1)
    assert repr(channel) == "<StreamChannel 'x' open 1/8 | readers 1, observers 0>"
    assert repr(one) == "<Branch 'x[0]' open | delivered 0, lag 1>"
    channel.fail(ValueError())
    assert "failed" in repr(channel)


def test_a_reader_that_comes_after_the_end_is_at_its_end() -> None:
    for overflow in ("suspend", "drop_oldest", "unbounded"):
        done, failed = filled(1), filled(1)
        done.close()
        failed.fail(ValueError("node"))
        assert list(done.reader(overflow=overflow)) == []
        with pytest.raises(ValueError, match="node"):
            next(failed.reader(overflow=overflow))


def test_a_subscriber_that_asks_one_by_one_does_not_make_the_stack_grow() -> None:
    """Also when each request drives the run. [RS §3.3]"""
    channel = bound(20_000, 1, maxlen=4)
    depths: set[int] = set()

    class OneByOne(Seen):
        def on_next(self, value: Any, /) -> None:
            super().on_next(value)
            if value % 1000 == 0:
                depths.add(len(inspect.stack(0)))
            assert self.link is not None
            self.link.request(1)

    seen = OneByOne(1)
    channel.subscribe_with(seen)
    assert seen.told == [*range(20_000), "|"]
    assert len(depths) <= 2


def test_a_bad_request_ends_the_subscription() -> None:
    """And frees its share. [RS §3.9]"""
    channel = StreamChannel[int]("x", maxlen=1)
    seen = Seen()
    channel.subscribe_with(seen)
    channel.push(1)
    assert seen.link is not None
    seen.link.request(0)
    assert isinstance(seen.told[0], ValueError)
    assert channel.gate.is_open


@pytest.mark.parametrize("seed", range(30))
async def test_cancelled_closed_and_dropped_branches_do_not_disturb_the_others(seed: int) -> None:
    random = Random(seed)
    channel = abound(300, random.choice([1, 3, 40]), maxlen=random.choice([1, 4, 64]))
    branches = list(channel.atee(4))
    steady = branches.pop()

    async def restless(branch: Any) -> None:
        got: list[int] = []
        while len(got) < 100:
            pull = asyncio.ensure_future(anext(branch))
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            if random.random() < 0.5:
                pull.cancel()
            try:
                got.append(await pull)
            except asyncio.CancelledError:
                continue
        assert got == list(range(100))
        if random.random() < 0.5:
            await branch.aclose()

    tasks = [asyncio.ensure_future(restless(branches.pop())) for _ in range(3)]
    got = await _collect(steady)
    assert got == list(range(300))
    await asyncio.gather(*tasks)
    tasks.clear()
    assert channel.pump.demand == 0  # type: ignore[union-attr]
    assert channel.pump.highest <= channel.maxlen  # type: ignore[union-attr]
    gc.collect()
    assert channel.statistics().readers == ()


@pytest.mark.parametrize("n", [1, 3])
def test_a_request_scheduler_is_a_pump(n: int) -> None:
    """An RxPY source that emits one item per action is paced by the pulls."""
    channel = StreamChannel[int]("x", maxlen=4)
    scheduler = RequestScheduler(charge="item")
    pushed: list[int] = []
    source = rx.range(0, 50).pipe(rx_ops.do_action(pushed.append))
    source.subscribe(channel.push, channel.fail, channel.close, scheduler=scheduler)
    channel._bind(scheduler)
    branches = channel.tee(n)
    assert pushed == []
    for i in range(50):
        assert [next(branch) for branch in branches] == [i] * n
        assert len(pushed) == i + 1
    assert [list(branch) for branch in branches] == [[]] * n
    assert scheduler.demand == 0


def test_a_subscriber_takes_a_synchronous_run_on_until_its_item_is_there() -> None:
    """A step of a run need not bring an item: the channel may be one of many."""
    channel = StreamChannel[int]("x")
    steps: list[int] = []

    def turn() -> bool:
        steps.append(0)
        if len(steps) % 5 == 0:
            channel.push(len(steps))
        return len(steps) < 20

    channel._bind(turn)
    subscriber = Seen()
    channel.subscribe_with(subscriber)
    assert steps == []
    subscriber.link.request(2)
    assert (subscriber.told, len(steps)) == ([5, 10], 10)
    subscriber.link.request(5)
    assert subscriber.told == [5, 10, 15, 20, "|"]


def test_a_subscriber_is_told_what_its_request_has_raised() -> None:
    channel = StreamChannel[int]("x")

    def turn() -> bool:
        raise RuntimeError("pulled by another thread")

    channel._bind(turn)
    subscriber = Seen()
    channel.subscribe_with(subscriber)
    subscriber.link.request(1)
    (error,) = subscriber.told
    assert isinstance(error, RuntimeError)
    assert channel.statistics().readers == ()


async def test_a_branch_whose_pull_was_cancelled_can_be_dropped() -> None:
    channel = StreamChannel[int]("x")
    pull = asyncio.ensure_future(anext(channel.areader()))
    await asyncio.sleep(0)
    pull.cancel()
    await asyncio.wait([pull])
    del pull
    gc.collect()
    assert channel.statistics().readers == ()
