"""The conformance suites fail where they should: each test meets a double that breaks its rule, and says the number."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest import SkipTest

import pytest

from rxgraph.flow import UNBOUNDED
from rxgraph.testing import (
    AsyncIteratorConformance,
    Controlled,
    ProcessorConformance,
    PublisherConformance,
    SubscriberConformance,
)

KEPT: list[Any] = []


class Link:
    """A small subscription that keeps the rules but for one *fault*."""

    def __init__(self, owner: Double, subscriber: Any, source: Iterator[Any], fails: bool) -> None:
        self.owner, self.fault, self.fails = owner, owner.fault, fails
        self.subscriber: Any = subscriber
        self.items = deque(source)
        self.demand = 0
        self.busy = True
        self.lock = threading.RLock()
        self.refused: Exception | None = None

    def start(self) -> None:
        if self.fault == "no introduction before items":
            self.subscriber.on_next(0)
        if self.fault == "not introduced before its failure" and self.fails:
            self.subscriber.on_error(RuntimeError("on purpose"))
        self.subscriber.on_subscribe(self)
        if self.fault == "introduced twice":
            self.subscriber.on_subscribe(self)
        if self.fault == "unasked":
            self.subscriber.on_next(0)
        self.busy = False
        self.run()

    def request(self, n: Any) -> Any:
        fault = self.fault
        if self.subscriber is None:
            if fault == "request after the end" and self.owner.ended:
                self.owner.last.on_complete()
            if fault == "request after an error" and self.owner.ended:
                self.owner.last.on_error(RuntimeError())
            if fault == "request after cancel" and not self.owner.ended:
                self.owner.last.on_next(0)
            return None
        if fault == "no reentrance" and self.busy:
            return None
        if type(n) is not int:
            if fault == "takes a bool":
                self.demand += int(n)
            else:
                self.refused = TypeError(f"{n} [RS §3.9]")
        elif n < 1:
            if fault == "raises":
                raise ValueError(n)
            if fault == "ignores zero":
                return None
            self.refused = ValueError(f"{n} [RS §3.9]")
        elif fault == "overflows" and self.demand + n >= UNBOUNDED:
            raise OverflowError(n)
        else:
            self.demand = n if fault == "sets" else self.demand + n
        if fault == "recursive":
            self.busy = False
        if fault == "overlapping":
            # What two threads do by luck, this one does by design: an item is delivered on another one.
            self.other()
        self.run()
        return self.demand if fault == "answers requests" else None

    def other(self) -> None:
        if self.busy or not self.items:
            return
        value = self.items.popleft()
        subscriber = self.subscriber
        subscriber._inside += 1
        subscriber.on_next(value)
        subscriber._inside -= 1

    def cancel(self) -> Any:
        if self.fault == "cancel twice" and self.subscriber is None and not self.owner.ended:
            self.owner.last.on_complete()
        if self.fault != "deaf":
            if self.subscriber is not None:
                self.owner.last = self.subscriber
            self.subscriber = None
        if self.fault not in ("keeps its source", "deaf"):
            self.items.clear()
            self.owner.stopped = True
        if self.fault == "keeps its subscriber":
            KEPT.append(self.owner.last)
        elif self.fault != "request after cancel" and self.fault != "cancel twice":
            self.owner.last = None
        if self.fault == "cancel raises":
            raise RuntimeError("on purpose")
        return None

    def run(self) -> None:
        if self.busy:
            return
        self.busy = True
        while self.subscriber is not None:
            subscriber = self.subscriber
            if self.refused is not None:
                self.end(self.refused)
            elif self.fails:
                self.end(None if self.fault == "failure completes" else RuntimeError("on purpose"))
            elif self.items:
                if not self.demand:
                    break
                self.demand -= 1
                subscriber.on_next(self.owner.take(self))
            elif self.fault == "never completes" or (self.fault == "waits to complete" and not self.demand):
                break
            else:
                self.end(None)
        self.busy = False

    def end(self, error: Exception | None) -> None:
        subscriber, self.subscriber = self.subscriber, None
        self.owner.ended, self.owner.last = True, subscriber
        for _ in range(2 if self.fault == "ends twice" else 1):
            if error is None:
                subscriber.on_complete()
            else:
                subscriber.on_error(error)


class Double:
    """A publisher that breaks one rule."""

    def __init__(self, fault: str = "", elements: int = 0, fails: bool = False) -> None:
        self.fault, self.elements, self.fails = fault, elements, fails
        self.ended = self.stopped = False
        self.last: Any = None
        self.count = 0

    def take(self, link: Link) -> Any:
        self.count += 1
        value = link.items.popleft()
        return self.count if self.fault == "not the same to all" else value

    def subscribe_with(self, subscriber: Any, /) -> None:
        if subscriber is None and self.fault != "takes None":
            raise TypeError("None")
        if subscriber is not None:
            Link(self, subscriber, iter(range(self.elements)), self.fails).start()


def publishers(broken: str) -> PublisherConformance:
    class Suite(PublisherConformance):
        thread_safe = False
        rejects_same_subscriber = True

        def make_publisher(self, elements: int) -> Any:
            return Double(broken, elements)

        def make_failed_publisher(self) -> Any:
            return Double(broken, fails=True)

        def make_tracked_publisher(self) -> tuple[Any, Callable[[], bool]]:
            publisher = Double(broken, 100)
            return publisher, lambda: publisher.stopped

    return Suite()


def on_threads_too(suite: Any) -> Any:
    suite.thread_safe = True
    return suite


PUBLISHER_FAULTS = {
    "1_01_never_more_than_requested": "unasked",
    "1_02_may_end_with_fewer_than_requested": "never completes",
    "1_03_signals_are_serial": "overlapping",
    "1_04_failure_is_on_error": "failure completes",
    "1_05_finite_stream_completes": "waits to complete",
    "1_05_empty_stream_completes_unasked": "waits to complete",
    "1_06_end_cancels_the_subscription": "request after the end",
    "1_07_nothing_after_the_end": "ends twice",
    "1_07_nothing_after_an_error": "request after an error",
    "1_08_cancel_stops_the_signals": "deaf",
    "1_09_on_subscribe_is_first": "no introduction before items",
    "1_09_refusal_is_introduced": "not introduced before its failure",
    "1_09_none_is_refused": "takes None",
    "1_10_same_subscriber_is_rejected": "",
    "1_11_everyone_gets_the_same_one_by_one": "not the same to all",
    "1_11_everyone_gets_the_same_upfront": "not the same to all",
    "2_12_on_subscribe_comes_once": "introduced twice",
    "3_02_request_is_reentrant": "no reentrance",
    "3_03_recursion_is_bounded": "recursive",
    "3_05_cancel_from_many_threads": "deaf",
    "3_06_request_after_cancel_does_nothing": "request after cancel",
    "3_07_cancel_after_cancel_does_nothing": "cancel twice",
    "3_08_requests_add_up": "sets",
    "3_09_request_below_one_fails": "ignores zero",
    "3_09_request_of_no_int_fails": "takes a bool",
    "3_12_cancel_stops_the_source": "keeps its source",
    "3_13_cancel_drops_the_subscriber": "keeps its subscriber",
    "3_15_cancel_returns_normally": "cancel raises",
    "3_16_request_returns_normally": "raises",
    "3_17_demand_is_unbounded_from_2_63": "overflows",
}
PUBLISHER_NEEDS_THREADS = ("1_03", "3_05")


def laws_of(suite: type, *without: type) -> set[str]:
    skipped = {name for other in without for name in dir(other)}
    return {name for name in dir(suite) if name.startswith("test_") and name not in skipped}


def number(name: str) -> str:
    parts = name.split("_")
    return parts[0].upper() if parts[0].startswith("a") else f"{int(parts[0])}.{int(parts[1])}"


@pytest.mark.parametrize(("name", "fault"), PUBLISHER_FAULTS.items())
def test_publisher_that_breaks_a_rule_fails(name: str, fault: str) -> None:
    KEPT.clear()
    suite = publishers(fault)
    if name.startswith(PUBLISHER_NEEDS_THREADS):
        on_threads_too(suite)
    with pytest.raises((AssertionError, RecursionError, OverflowError)) as told:
        getattr(suite, f"test_rule_{name}")()
    if told.type is AssertionError:
        assert f"§{number(name)}" in str(told.value)


def test_every_publisher_test_has_a_double() -> None:
    assert {f"test_rule_{name}" for name in PUBLISHER_FAULTS} == laws_of(PublisherConformance)


@pytest.mark.parametrize("name", [n for n in PUBLISHER_FAULTS if not n.startswith(("1_03", "1_10", "3_05"))])
def test_the_double_without_a_fault_passes(name: str) -> None:
    """Otherwise a double might fail for another reason than its fault."""
    getattr(publishers(""), f"test_rule_{name}")()


class Sink:
    """A subscriber that breaks one rule."""

    def __init__(self, fault: str, raises: bool = False) -> None:
        self.fault, self.raises = fault, raises
        self.link: Any = None
        self.done = False
        self.values: list[Any] = []
        self.home = threading.get_ident()

    def on_subscribe(self, link: Any) -> Any:
        if self.link is not None and self.fault != "takes a second":
            link.cancel()
            return None
        if self.done and self.fault != "stays":
            link.cancel()
            return None
        self.link = link
        if self.fault != "asks for nothing":
            link.request(1)
        return None

    def on_next(self, value: Any) -> Any:
        if self.fault == "by thread" and threading.get_ident() != self.home:
            return None
        if self.done:
            if self.fault == "fails late":
                raise RuntimeError("late")
            return None
        self.values.append(value)
        if self.raises:
            if self.fault != "goes on":
                self.stop()
            raise RuntimeError("on purpose")
        self.link.request(1)
        return value if self.fault == "answers" else None

    def on_error(self, error: Exception) -> None:
        self.end()

    def on_complete(self) -> None:
        self.end()

    def end(self) -> None:
        if self.fault == "ends badly":
            raise RuntimeError("on purpose")
        if self.fault == "cancels at the end":
            self.link.cancel()
        self.done = self.fault != "asks after the end"

    def stop(self) -> None:
        self.done = True
        if self.link is not None and self.fault != "stays":
            self.link.cancel()

    def pull(self) -> None:
        if self.fault == "asks after the end" and self.link is not None:
            self.link.request(1)


def subscribers(broken: str) -> SubscriberConformance:
    class Suite(SubscriberConformance):
        def make_subscriber(self) -> Any:
            return Sink(broken)

        def make_failing_subscriber(self) -> Any:
            return Sink(broken, raises=True)

        def received(self, subscriber: Any) -> Any:
            return subscriber.values

        def stop(self, subscriber: Any) -> None:
            subscriber.stop()

        def trigger(self, subscriber: Any) -> None:
            subscriber.pull()

    return Suite()


SUBSCRIBER_FAULTS = {
    "2_01_demands_through_request": "asks for nothing",
    "2_03_terminal_handlers_call_nothing": "cancels at the end",
    "2_04_the_end_cancels": "asks after the end",
    "2_05_second_subscription_is_cancelled": "takes a second",
    "2_06_cancels_when_not_interested": "stays",
    "2_08_elements_after_cancel_are_tolerated": "fails late",
    "2_09_completes_with_and_without_request": "ends badly",
    "2_10_fails_with_and_without_request": "ends badly",
    "2_11_signals_from_any_thread_are_seen": "by thread",
    "2_13_handlers_return_normally": "answers",
    "2_13_failing_user_code_cancels": "goes on",
}


@pytest.mark.parametrize(("name", "fault"), SUBSCRIBER_FAULTS.items())
def test_subscriber_that_breaks_a_rule_fails(name: str, fault: str) -> None:
    getattr(subscribers(""), f"test_rule_{name}")()
    with pytest.raises(AssertionError, match=f"§{number(name)}"):
        getattr(subscribers(fault), f"test_rule_{name}")()


def test_every_subscriber_test_has_a_double() -> None:
    assert {f"test_rule_{name}" for name in SUBSCRIBER_FAULTS} == laws_of(SubscriberConformance)


class Through:
    """A processor that breaks one rule, for one subscriber at a time."""

    def __init__(self, upstream: Any, fault: str) -> None:
        self.upstream, self.fault = upstream, fault

    def subscribe_with(self, below: Any, /) -> None:
        if self.fault == "first only" and getattr(self, "taken", False):
            self.upstream = Double(elements=1)
        self.taken = True
        self.upstream.subscribe_with(Stage(below, self.fault))


class Stage:
    def __init__(self, below: Any, fault: str) -> None:
        self.below, self.fault, self.up, self.owed = below, fault, None, 0

    def on_subscribe(self, up: Any) -> None:
        if self.up is not None:
            if self.fault != "takes a second":
                up.cancel()
            return
        self.up = up
        self.below.on_subscribe(self)

    def request(self, n: int) -> None:
        self.owed = n
        if self.fault != "never asks":
            self.up.request(1 if self.fault == "forgets" else n)

    def cancel(self) -> None:
        if self.fault != "keeps its source":
            self.up.cancel()

    def on_next(self, value: Any) -> None:
        self.below.on_next(value)

    def on_error(self, error: Exception) -> None:
        if self.fault != "swallows":
            self.below.on_error(error)

    def on_complete(self) -> None:
        self.below.on_complete()


def processors(broken: str) -> ProcessorConformance:
    class Suite(ProcessorConformance):
        def make_processor(self, upstream: Any) -> Any:
            return Through(upstream, broken)

    return Suite()


PROCESSOR_FAULTS = {
    "4_01_demand_reaches_the_source": "never asks",
    "4_01_cancel_reaches_the_source": "keeps its source",
    "4_01_second_source_is_refused": "takes a second",
    "4_02_errors_are_passed_on_or_recovered": "swallows",
    "4_1_long_ago_demand_is_remembered": "forgets",
    "4_2_everyone_hears_of_an_error": "first only",
}


@pytest.mark.parametrize(("name", "fault"), PROCESSOR_FAULTS.items())
def test_processor_that_breaks_a_rule_fails(name: str, fault: str) -> None:
    getattr(processors(""), f"test_rule_{name}")()
    with pytest.raises(AssertionError, match=f"§{number(name)}"):
        getattr(processors(fault), f"test_rule_{name}")()


def test_every_processor_test_has_a_double() -> None:
    assert {f"test_rule_{name}" for name in PROCESSOR_FAULTS} == laws_of(ProcessorConformance, PublisherConformance)


class Branch(AsyncIterator[Any]):
    """An iterator over a queue that breaks one rule."""

    def __init__(self, hub: Hub, fault: str) -> None:
        self.hub, self.fault = hub, fault
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.puller: Any = None
        self.closed = False
        hub.branches.append(self.queue)

    async def __anext__(self) -> Any:
        task = asyncio.current_task()
        if self.puller is not None and self.fault != "shared":
            raise RuntimeError(f"pulled by {self.puller!r} and {task!r}")
        if self.closed and self.fault != "goes on":
            raise StopAsyncIteration
        self.puller = task
        try:
            return await self._take()
        except asyncio.CancelledError:
            if self.fault == "dies":
                self.closed = True
            if self.fault == "kills":
                self.hub.branches.clear()
            raise
        finally:
            self.puller = None

    async def _take(self) -> Any:
        item = await self.queue.get()
        if isinstance(item, Exception):
            if self.fault == "swallows":
                raise StopAsyncIteration
            raise item
        if item is Ellipsis:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        if self.fault == "slow to close":
            await asyncio.Event().wait()
        self.closed = True
        if self.fault == "goes on":
            self.queue.put_nowait(1)
        self.hub.stopped = self.fault != "runs on"

    def __del__(self) -> None:
        if not self.closed and self.fault != "forgotten":
            self.hub.stopped = True


class Hub:
    def __init__(self) -> None:
        self.branches: list[asyncio.Queue[Any]] = []
        self.stopped = False

    def push(self, item: Any) -> None:
        for queue in self.branches:
            queue.put_nowait(item)

    def fail_first(self, error: Exception) -> None:
        self.branches[0].put_nowait(error)
        for queue in self.branches[1:]:
            queue.put_nowait(...)


def aiterators(broken: str) -> AsyncIteratorConformance:
    class Suite(AsyncIteratorConformance):
        warns_when_dropped = False

        def make_iterator(self, elements: int) -> Any:
            hub = Hub()
            iterator = Branch(hub, broken)
            for n in range(elements - (broken == "loses one" and elements > 0)):
                hub.push(n)
            hub.push(...)
            return iterator

        def make_controlled(self, branches: int) -> Controlled:
            hub = Hub()
            iterators: list[AsyncIterator[Any]] = [Branch(hub, broken) for _ in range(branches)]
            fail = hub.fail_first if broken == "tells the first" else hub.push
            return Controlled(iterators, hub.push, fail, lambda: hub.stopped)

        def make_context_iterator(self, read: Callable[[], Any]) -> Any:
            async def items() -> Any:
                value = read() if broken == "leaks" else asyncio.create_task(_later(read))
                yield value if broken == "leaks" else await value

            return items()

        def make_sync_iterator(self, elements: int) -> Any:
            if broken == "needs the loop":
                work = _later(int)
                try:
                    asyncio.get_running_loop().run_until_complete(work)
                finally:
                    work.close()
            return iter(range(elements))

        def make_late_iterator(self) -> Any:
            iterator = self.make_iterator(3)
            return iterator, [0, 1] if broken == "replays too much" else [0, 1, 2]

        def make_merged_iterator(self, producers: int, elements: int) -> Any:
            hub = Hub()
            iterator = Branch(hub, "")
            for n in range(producers * elements):
                hub.push(n // elements if broken == "unfair" else n % producers)
            hub.push(...)
            return iterator

        def sequence(self, item: Any) -> int:
            return int(item) * (2 if broken == "jumps" else 1)

        def memory(self, iterator: Any) -> tuple[int, int]:
            return iterator.queue.qsize(), 10 if broken == "hoards" else 1_000

    return Suite()


async def _later(read: Callable[[], Any]) -> Any:
    return read()


ITERATOR_FAULTS = {
    "a01_cancelled_pull_loses_nothing": "dies",
    "a02_aclose_stops_the_source": "runs on",
    "a03_cancelled_branch_leaves_the_others_whole": "kills",
    "a04_error_is_raised": "swallows",
    "a04_errors_reach_every_branch": "tells the first",
    "a05_two_pulls_at_once_are_refused": "shared",
    "a06_dropped_iterator_stops_the_source": "forgotten",
    "a07_works_under_uvloop": "runs on",
    "a07_works_in_an_anyio_cancel_scope": "slow to close",
    "a08_contexts_are_kept_apart": "leaks",
    "a09_sync_iterator_works_beside_a_running_loop": "needs the loop",
    "a10_late_subscriber_gets_the_window": "replays too much",
    "a11_memory_is_bounded": "hoards",
    "a12_pulling_makes_progress": "loses one",
    "a13_seq_grows_by_one": "jumps",
    "a15_no_producer_starves": "unfair",
}


@pytest.mark.parametrize(("name", "fault"), ITERATOR_FAULTS.items())
def test_iterator_that_breaks_a_rule_fails(name: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxgraph.testing._aiterators.PATIENCE", 0.2)
    try:
        getattr(aiterators(""), f"test_rule_{name}")()
    except SkipTest as skip:
        pytest.skip(str(skip))
    # Under uvloop and AnyIO it is the rule that was played there that is told.
    rule = "A0[27]" if name.startswith("a07") else number(name)
    with pytest.raises((AssertionError, TimeoutError), match=rf"\[{rule}\]"):
        getattr(aiterators(fault), f"test_rule_{name}")()


def test_every_iterator_test_has_a_double() -> None:
    assert {f"test_rule_{name}" for name in ITERATOR_FAULTS} == laws_of(AsyncIteratorConformance)
