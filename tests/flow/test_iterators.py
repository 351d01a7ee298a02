"""``to_iterator`` and ``to_aiterator``: pulling from any observable."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import aclosing, closing
from itertools import count
from threading import Barrier, Thread
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import Observable, abc
from reactivex import operators as rxops
from reactivex.disposable import Disposable
from reactivex.scheduler import NewThreadScheduler
from reactivex.subject import Subject

from rxgraph import operators as ops
from rxgraph.flow import SlowConsumerError, to_aiterator, to_iterator
from tests.flow._support import PATIENCE, restless, run_threads

THREADED = NewThreadScheduler()


class Pull:
    """One interface to both iterators, so that a claim is made once."""

    def __init__(self, source: Observable[Any], **kwargs: Any) -> None: ...

    def next(self) -> Any:
        """The next item, or ``"end"``."""

    def close(self) -> None: ...


class SyncPull(Pull):
    def __init__(self, source: Observable[Any], **kwargs: Any) -> None:
        self.it = to_iterator(source, **kwargs)

    def next(self) -> Any:
        return next(self.it, "end")

    def close(self) -> None:
        self.it.close()


class AsyncPull(Pull):
    def __init__(self, source: Observable[Any], **kwargs: Any) -> None:
        self.runner = asyncio.Runner()
        self.it = to_aiterator(source, **kwargs)

    def next(self) -> Any:
        return self.runner.run(self._next())

    async def _next(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return await anext(self.it, "end")

    def close(self) -> None:
        self.runner.run(self.it.aclose())


@pytest.fixture(params=[SyncPull, AsyncPull], ids=["sync", "async"])
def pull(request: pytest.FixtureRequest) -> Iterator[Any]:
    made: list[Pull] = []

    def make(source: Observable[Any], **kwargs: Any) -> Pull:
        made.append(request.param(source, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()
        if isinstance(each, AsyncPull):
            each.runner.close()


def items(pull: Pull, most: int = 10**6) -> list[Any]:
    got: list[Any] = []
    while len(got) < most and (item := pull.next()) != "end":
        got.append(item)
    return got


def test_an_observable_cannot_be_suspended(pull: Any) -> None:
    with pytest.raises(ValueError, match="can't be suspended"):
        pull(rx.never(), overflow="suspend")


@pytest.mark.parametrize("wrong", [{"maxlen": 0}, {"overflow": "x"}])
def test_wrong_arguments_are_told_at_once(pull: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match="'iterator'"):
        pull(rx.never(), **wrong)


def test_items_and_the_end(pull: Any) -> None:
    it = pull(rx.of(1, None, 3))
    assert items(it) == [1, None, 3]
    assert it.next() == "end"


def test_empty(pull: Any) -> None:
    assert items(pull(rx.empty())) == []


def test_an_error_stands_behind_the_items_and_stays(pull: Any) -> None:
    it = pull(rx.concat(rx.of(1, 2), rx.throw(ValueError("source"))))
    assert items(it, 2) == [1, 2]
    for _ in range(2):
        with pytest.raises(ValueError, match="source"):
            it.next()


def test_nothing_is_subscribed_before_the_first_pull(pull: Any) -> None:
    subscribed = []

    def subscribe(observer: abc.ObserverBase[int], scheduler: Any = None) -> Any:
        subscribed.append(1)
        observer.on_next(1)
        observer.on_completed()

    it = pull(Observable(subscribe))
    assert subscribed == []
    assert it.next() == 1
    assert it.next() == "end"
    assert subscribed == [1]


def test_a_source_that_cannot_be_subscribed_raises(pull: Any) -> None:
    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        raise ValueError("subscribe")

    it = pull(Observable(subscribe))
    with pytest.raises(ValueError, match="subscribe"):
        it.next()


def test_a_source_is_paced_item_by_item(pull: Any) -> None:
    """No work without demand: ``rx.range`` emits one item per action of its scheduler."""
    emitted: list[int] = []
    it = pull(rx.range(0, 1000).pipe(rxops.do_action(emitted.append)))
    for i in range(5):
        assert it.next() == i
        assert emitted == [*range(i + 1)]


def test_an_item_that_is_filtered_out_is_made_up_for(pull: Any) -> None:
    emitted: list[int] = []
    it = pull(rx.range(0, 1000).pipe(rxops.do_action(emitted.append), ops.filter(lambda x: x % 10 == 9)))
    assert it.next() == 9
    assert emitted == [*range(10)]


def test_a_timer_on_another_thread(pull: Any) -> None:
    it = pull(rx.interval(0.001))
    assert items(it, 5) == [0, 1, 2, 3, 4]


def test_a_source_on_another_thread(pull: Any) -> None:
    it = pull(rx.from_iterable(range(200), scheduler=THREADED))
    assert items(it) == [*range(200)]


def test_an_error_on_another_thread(pull: Any) -> None:
    it = pull(rx.throw(ValueError("thread"), scheduler=THREADED))
    with pytest.raises(ValueError, match="thread"):
        it.next()


def test_a_source_that_pushes_too_much_fails_behind_what_fits_and_is_left(pull: Any) -> None:
    """Also one without end, which would never give the thread back."""
    it = pull(rx.from_iterable(count()), maxlen=3)
    assert items(it, 3) == [0, 1, 2]
    with pytest.raises(SlowConsumerError):
        it.next()


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [("unbounded", [*range(5)]), ("drop_oldest", [3, 4]), ("drop_latest", [0, 1]), ("latest", [4])],
)
def test_other_policies(pull: Any, overflow: str, expected: list[int]) -> None:
    it = pull(rx.from_iterable(range(5)), maxlen=2, overflow=overflow)
    assert items(it) == expected
    counts = it.it.statistics()
    assert (counts.delivered, counts.dropped) == (len(expected), 5 - len(expected))


def test_close_leaves_the_source_and_drops_what_waits(pull: Any) -> None:
    subject: Subject[int] = Subject()
    it = pull(subject.pipe(rxops.start_with(0)))
    assert it.next() == 0
    subject.on_next(1)
    it.close()
    it.close()
    assert subject.observers == []
    assert it.next() == "end"


def test_close_before_the_first_pull_subscribes_to_nothing(pull: Any) -> None:
    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        raise AssertionError("subscribed")

    it = pull(Observable(subscribe))
    it.close()
    assert it.next() == "end"


def test_close_after_an_error_that_nobody_saw(pull: Any) -> None:
    it = pull(rx.of(1).pipe(rxops.concat(rx.throw(ValueError()))))
    assert it.next() == 1
    it.close()
    assert it.next() == "end"


def test_close_lets_the_pull_of_another_thread_go() -> None:
    subject: Subject[int] = Subject()
    it = to_iterator(subject)
    got: list[Any] = []
    thread = Thread(target=lambda: got.append(next(it, "end")), daemon=True)
    thread.start()
    while not subject.observers:
        assert thread.is_alive()
    it.close()
    thread.join(PATIENCE)
    assert got == ["end"]


def test_dropping_the_iterator_leaves_the_source() -> None:
    """``for x in to_iterator(source): break`` leaves nothing running."""
    subject: Subject[int] = Subject()
    for _ in to_iterator(subject.pipe(rxops.start_with(0))):
        break
    gc.collect()
    assert subject.observers == []


async def test_dropping_the_async_iterator_leaves_the_source_and_warns() -> None:
    subject: Subject[int] = Subject()
    it = to_aiterator(subject.pipe(rxops.start_with(0)))
    assert await anext(it) == 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del it
        gc.collect()
    assert subject.observers == []
    assert [warning.category for warning in caught] == [ResourceWarning]


@pytest.mark.parametrize("make", [to_iterator, to_aiterator])
def test_dropping_an_iterator_that_never_began_is_silent(make: Any) -> None:
    make(rx.never())
    with pytest.raises(ValueError, match="suspended"):
        make(rx.never(), overflow="suspend")
    gc.collect()


async def test_the_usual_loops_and_context_managers() -> None:
    with closing(to_iterator(rx.range(0, 3))) as sync:
        assert [*sync] == [0, 1, 2]
    async with aclosing(to_aiterator(rx.range(0, 3))) as asynchronous:
        assert [item async for item in asynchronous] == [0, 1, 2]


# One reader


def test_a_second_thread_is_refused() -> None:
    subject: Subject[int] = Subject()
    it = to_iterator(subject)
    got: list[Any] = []
    thread = Thread(target=lambda: got.append(next(it)), daemon=True)
    thread.start()
    while not subject.observers:
        assert thread.is_alive()
    with pytest.raises(RuntimeError, match="another thread"):
        next(it)
    subject.on_next(7)
    thread.join(PATIENCE)
    assert got == [7]


async def test_a_second_task_is_refused_by_name() -> None:
    subject: Subject[int] = Subject()
    it = to_aiterator(subject)
    first = asyncio.create_task(_next(it), name="first")
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"pulled by .*first.* and now by .*second"):
        await asyncio.create_task(_next(it), name="second")
    subject.on_next(7)
    assert await first == 7
    await it.aclose()


async def _next(it: Any) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await anext(it)


async def test_aclose_lets_a_waiting_pull_go() -> None:
    it = to_aiterator(rx.never())
    task = asyncio.create_task(_next(it))
    await asyncio.sleep(0)
    await it.aclose()
    with pytest.raises(StopAsyncIteration):
        await task


# A pull that is cancelled


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_cancelled_pull_loses_nothing(cancelled_first: bool) -> None:
    """Whether the item comes just before the cancellation or just after it."""
    subject: Subject[int] = Subject()
    it = to_aiterator(subject)
    for i in range(5):
        task = asyncio.create_task(_next(it))
        await asyncio.sleep(0)
        if cancelled_first:
            task.cancel()
        subject.on_next(i)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _next(it) == i
    await it.aclose()


async def test_a_cancelled_pull_leaves_its_request_in_flight_and_no_other() -> None:
    emitted: list[int] = []
    bell: Subject[None] = Subject()

    def subscribe(observer: abc.ObserverBase[int], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        """Each action of the scheduler begins an item that is there when the bell is rung."""
        assert scheduler is not None

        def begin(own: abc.SchedulerBase, state: Any = None) -> None:
            emitted.append(len(emitted))
            bell.pipe(rxops.take(1)).subscribe(lambda _: finish(own, emitted[-1]))

        def finish(own: abc.SchedulerBase, value: int) -> None:
            observer.on_next(value)
            own.schedule(begin)

        return scheduler.schedule(begin)

    it = to_aiterator(Observable(subscribe))
    for _ in range(3):
        task = asyncio.create_task(_next(it))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert emitted == [0]
    bell.on_next(None)
    assert emitted == [0]
    assert await _next(it) == 0
    await it.aclose()


async def test_pulls_that_are_given_up_lose_nothing_of_another_thread() -> None:
    total, got, given_up = 2_000, [], 0
    it = to_aiterator(rx.from_iterable(range(total), scheduler=THREADED), overflow="unbounded")
    with restless():
        async with asyncio.timeout(PATIENCE):
            while len(got) < total:
                task = asyncio.ensure_future(_next(it))
                await asyncio.sleep(0)
                task.cancel()
                try:
                    got.append(await task)
                except asyncio.CancelledError:
                    given_up += 1
    assert got == [*range(total)]
    assert given_up
    await it.aclose()


def test_an_item_that_comes_when_the_loop_is_closed_waits_for_the_next_one() -> None:
    subject: Subject[int] = Subject()
    it = to_aiterator(subject)

    async def give_up() -> None:
        task = asyncio.create_task(_next(it))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    run_threads(lambda: subject.on_next(7))
    assert asyncio.run(_next(it)) == 7
    asyncio.run(it.aclose())


def test_a_ring_after_the_loop_is_closed_is_harmless() -> None:
    """The source's thread held the bell of a pull whose loop has gone since."""
    subject: Subject[int] = Subject()
    it = to_aiterator(subject)
    held: list[Any] = []

    async def wait() -> None:
        task = asyncio.create_task(_next(it))
        await asyncio.sleep(0)
        held.append(it._bell.wake)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(wait())
    run_threads(held[0])
    asyncio.run(it.aclose())


# Threads


@pytest.mark.parametrize("overflow", ["unbounded", "drop_oldest", "drop_latest", "latest"])
def test_no_item_of_another_thread_is_slept_through(pull: Any, overflow: str) -> None:
    total = 5_000

    def subscribe(observer: abc.ObserverBase[int], scheduler: Any = None) -> abc.DisposableBase:
        barrier = Barrier(2)

        def push() -> None:
            barrier.wait(PATIENCE)
            for i in range(total):
                observer.on_next(i)
            observer.on_completed()

        Thread(target=push, daemon=True).start()
        barrier.wait(PATIENCE)
        return Disposable()

    it = pull(Observable(subscribe), overflow=overflow, maxlen=3)
    got: list[int] = []
    with restless():
        run_threads(lambda: got.extend(items(it)))
    assert got == sorted(set(got))
    if overflow == "unbounded":
        assert got == [*range(total)]
    elif overflow != "drop_latest":
        assert got[-1] == total - 1


def test_a_bell_that_rings_late_is_not_taken_for_the_next_item() -> None:
    """The source's thread appended an item, which was taken, and rings only when the next pull is about to sleep."""
    subject: Subject[int] = Subject()
    it = to_iterator(subject, overflow="unbounded")
    thread_rings: list[Any] = []
    scheduled = it._scheduler

    def late() -> None:
        thread_rings.append(1)
        # The other thread forgets the callback of the pull that waits now, as it forgot its own.
        it._log.listener = None
        it._bell.ring()

    got: list[int] = []
    reader = Thread(target=lambda: got.append(next(it)), daemon=True)
    reader.start()
    while it._bell.wake is None:
        assert reader.is_alive()
    late()
    while not scheduled.demand or it._log.listener is None:
        assert reader.is_alive()
    subject.on_next(7)
    reader.join(PATIENCE)
    assert (got, thread_rings) == ([7], [1])


def test_a_paced_source_on_other_threads_is_asked_again_each_time(pull: Any) -> None:
    """Each item is made on a timer's thread, which rings while the reader may already be at its next pull."""
    it = pull(rx.timer(0.0, 0.0001))
    with restless():
        got: list[int] = []
        run_threads(lambda: got.extend(items(it, 200)))
    assert got == [*range(200)]


# Any order of calls


@settings(deadline=None)
@given(st.lists(st.sampled_from(["pull", "give up", "push", "complete", "fail", "close"]), max_size=30))
def test_any_order_of_calls_loses_nothing(steps: list[str]) -> None:
    """A pull that is given up, items before and after it, the end: the reader sees them all in order."""

    async def play() -> None:
        subject: Subject[int] = Subject()
        it = to_aiterator(subject, overflow="unbounded")
        pulls: list[asyncio.Task[Any]] = []
        pushed, expected, got = 0, [], []
        open_, begun = True, False

        async def reap() -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            while pulls and pulls[0].done():
                task = pulls.pop(0)
                if not task.cancelled() and task.exception() is None:
                    got.append(task.result())

        for step in steps:
            if step == "pull" and not pulls:
                pulls.append(asyncio.create_task(_next(it)))
                begun = True
            elif step == "give up" and pulls:
                pulls[0].cancel()
            elif step == "push":
                if begun and open_:
                    expected.append(pushed)
                subject.on_next(pushed)
                pushed += 1
            elif step in ("complete", "fail"):
                subject.on_completed() if step == "complete" else subject.on_error(KeyError("source"))
                open_ = False
            elif step == "close":
                await it.aclose()
                await reap()
                # What was waiting is dropped by whoever closes.
                expected[:] = got
                open_ = False
            await reap()
        subject.on_completed()
        await reap()
        for _ in range(len(expected) + 2):
            try:
                got.append(await _next(it))
            except (StopAsyncIteration, KeyError):
                pass
        assert got == expected
        await it.aclose()

    asyncio.run(play())
