"""``RequestScheduler``: a queue of actions that moves only against demand."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Event, Lock
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as rxops
from reactivex.disposable import Disposable
from reactivex.scheduler import ImmediateScheduler, VirtualTimeScheduler

from rxgraph.flow import UNBOUNDED, RequestScheduler
from tests.flow._support import PATIENCE, restless, run_threads, shallow


def log(seen: list[Any], what: Any) -> Callable[..., None]:
    return lambda scheduler, state=None: seen.append(what)


@pytest.mark.parametrize(("wrong", "kind"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.0, TypeError)])
def test_a_request_is_a_whole_number_above_zero(wrong: Any, kind: type[Exception]) -> None:
    scheduler = RequestScheduler()
    with pytest.raises(kind):
        scheduler.request(wrong)
    assert scheduler.demand == 0


def test_nothing_moves_without_demand() -> None:
    scheduler, seen = RequestScheduler(), []
    for name in "abc":
        scheduler.schedule(log(seen, name))
    assert (seen, scheduler.queued) == ([], 3)
    scheduler.request(2)
    assert (seen, scheduler.queued, scheduler.demand) == (["a", "b"], 1, 0)


def test_demand_waits_for_actions() -> None:
    scheduler, seen = RequestScheduler(), []
    scheduler.request(2)
    for name in "abc":
        scheduler.schedule(log(seen, name))
    assert (seen, scheduler.queued) == (["a", "b"], 1)


def test_an_action_gets_the_scheduler_and_its_state() -> None:
    scheduler, seen = RequestScheduler(), []
    scheduler.request(1)
    scheduler.schedule(lambda *args: seen.append(args), "state")
    assert seen == [(scheduler, "state")]


def test_a_source_of_rxpy_is_paced_item_by_item() -> None:
    scheduler, seen = RequestScheduler(), []
    rx.range(0, 1000).subscribe(seen.append, scheduler=scheduler)
    assert seen == []
    for n in (1, 2, 3):
        scheduler.request(n)
    assert seen == [0, 1, 2, 3, 4, 5]
    assert scheduler.queued == 1


def test_a_source_of_rxpy_that_is_no_loop_is_one_action() -> None:
    scheduler, seen = RequestScheduler(), []
    rx.from_iterable("abc").subscribe(seen.append, scheduler=scheduler)
    assert seen == []
    scheduler.request(1)
    assert seen == ["a", "b", "c"]


def test_unbounded_demand_runs_everything() -> None:
    scheduler, seen, ends = RequestScheduler(), [], []
    rx.range(0, 100).subscribe(seen.append, on_completed=lambda: ends.append(1), scheduler=scheduler)
    scheduler.request(UNBOUNDED)
    assert (len(seen), ends, scheduler.demand) == (100, [1], UNBOUNDED)


# What uses demand up


def test_charged_by_the_item_actions_run_until_the_items_are_there() -> None:
    scheduler, seen = RequestScheduler(charge="item"), []

    def turn(own: Any, state: int) -> None:
        # Every third turn delivers an item.
        seen.append(state)
        if state % 3 == 2:
            scheduler.produced()
        own.schedule(turn, state + 1)

    scheduler.schedule(turn, 0)
    scheduler.request(1)
    assert seen == [0, 1, 2]
    scheduler.request(2)
    assert seen == [*range(9)]


def test_a_turn_may_deliver_more_than_was_asked_for() -> None:
    scheduler = RequestScheduler(charge="item")
    scheduler.schedule(lambda *_: scheduler.produced(5))
    scheduler.request(1)
    assert scheduler.demand == 0


def test_a_request_can_be_taken_back() -> None:
    scheduler, seen = RequestScheduler(charge="item"), []
    scheduler.request(1)
    scheduler.withdraw()
    scheduler.schedule(log(seen, "a"))
    assert seen == []


# Re-entrancy


@pytest.mark.parametrize("charge", ["action", "item"])
def test_requests_from_inside_an_action_dont_grow_the_stack(charge: Any) -> None:
    scheduler, left = RequestScheduler(charge=charge), 100_000

    def turn(own: Any, state: Any = None) -> None:
        nonlocal left
        left -= 1
        scheduler.produced()
        if left:
            own.schedule(turn)
            own.request(1)

    scheduler.schedule(turn)
    with shallow(30):
        scheduler.request(1)
    assert left == 0


def test_an_action_runs_to_its_end_before_the_next_one() -> None:
    scheduler, seen = RequestScheduler(), []

    def outer(own: Any, state: Any = None) -> None:
        seen.append("begin")
        own.schedule(log(seen, "inner"))
        own.request(5)
        seen.append("end")

    scheduler.request(5)
    scheduler.schedule(outer)
    assert seen == ["begin", "end", "inner"]


# Leaving


def test_a_disposed_action_doesnt_run_and_costs_no_demand() -> None:
    scheduler, seen = RequestScheduler(), []
    scheduler.schedule(log(seen, "a")).dispose()
    scheduler.schedule(log(seen, "b"))
    scheduler.request(1)
    assert seen == ["b"]


def test_disposing_of_an_action_disposes_of_what_it_returned() -> None:
    """Schedulers of RxPY do; an action returns the subscription that it made, for one."""
    left = []
    scheduler = RequestScheduler()
    handle = scheduler.schedule(lambda *_: Disposable(lambda: left.append(1)))
    scheduler.request(1)
    assert left == []
    handle.dispose()
    assert left == [1]


def test_an_action_that_disposes_of_itself() -> None:
    left, scheduler = [], RequestScheduler()

    def action(own: Any, state: Any = None) -> Any:
        handle.dispose()
        return Disposable(lambda: left.append(1))

    handle = scheduler.schedule(action)
    scheduler.request(1)
    assert left == [1]


def test_cancel_drops_actions_and_demand() -> None:
    scheduler, seen = RequestScheduler(), []
    scheduler.schedule(log(seen, "a"))
    scheduler.cancel()
    scheduler.request(1)
    assert (seen, scheduler.queued) == ([], 0)
    scheduler.cancel()
    scheduler.schedule(log(seen, "b"))
    assert seen == []


def test_cancel_from_inside_an_action() -> None:
    scheduler, seen = RequestScheduler(), []
    scheduler.schedule(lambda *_: scheduler.cancel())
    scheduler.schedule(log(seen, "b"))
    scheduler.request(2)
    assert (seen, scheduler.queued, scheduler.demand) == ([], 0, 0)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_action_that_raises_leaves_the_scheduler_usable(kind: type[BaseException]) -> None:
    scheduler, seen = RequestScheduler(), []

    def broken(*_: Any) -> None:
        raise kind("action")

    scheduler.schedule(broken)
    scheduler.schedule(log(seen, "b"))
    scheduler.schedule(log(seen, "c"))
    with pytest.raises(kind):
        scheduler.request(2)
    assert (seen, scheduler.demand, scheduler.queued) == ([], 1, 2)
    scheduler.request(1)
    assert seen == ["b", "c"]


# Time


def test_an_action_that_is_due_waits_for_demand() -> None:
    clock = VirtualTimeScheduler()
    scheduler, seen = RequestScheduler(clock=clock), []
    scheduler.schedule_relative(5.0, log(seen, "later"))
    scheduler.schedule_absolute(scheduler.now + timedelta(seconds=3), log(seen, "sooner"))
    clock.advance_to(4)
    assert (seen, scheduler.queued) == ([], 1)
    scheduler.request(2)
    assert seen == ["sooner"]
    clock.advance_to(6)
    assert seen == ["sooner", "later"]


def test_its_time_is_that_of_its_clock() -> None:
    """Operators that measure time would see the wall's otherwise."""
    clock = VirtualTimeScheduler(100)
    scheduler = RequestScheduler(clock=clock)
    assert scheduler.now == clock.now
    clock.advance_to(250)
    assert scheduler.now == clock.now
    assert RequestScheduler().now.year >= 2024


def test_disposal_before_an_action_is_due_and_after() -> None:
    clock = VirtualTimeScheduler()
    scheduler, seen = RequestScheduler(clock=clock), []
    early = scheduler.schedule_relative(2.0, log(seen, "early"))
    late = scheduler.schedule_relative(2.0, log(seen, "late"))
    early.dispose()
    clock.advance_to(3)
    late.dispose()
    scheduler.request(5)
    assert seen == []


def test_a_clock_that_is_already_there() -> None:
    """An action that is due before ``schedule_relative`` has returned is queued like any other."""
    scheduler, seen = RequestScheduler(clock=ImmediateScheduler()), []
    handle = scheduler.schedule_relative(0, log(seen, "a"))
    scheduler.request(1)
    assert seen == ["a"]
    handle.dispose()


def test_an_interval_is_paced_by_its_clock_and_by_demand() -> None:
    clock = VirtualTimeScheduler()
    scheduler, seen = RequestScheduler(clock=clock), []
    subscription = rx.interval(1.0).subscribe(seen.append, scheduler=scheduler)
    clock.advance_to(5)
    assert seen == []
    scheduler.request(2)
    clock.advance_to(50)
    assert seen == [0, 1]
    subscription.dispose()
    scheduler.request(10)
    clock.advance_to(100)
    assert seen == [0, 1]


def test_delayed_items_of_rxpy() -> None:
    clock = VirtualTimeScheduler()
    scheduler, seen = RequestScheduler(clock=clock), []
    scheduler.request(UNBOUNDED)
    rx.of(1, 2).pipe(rxops.delay(10.0)).subscribe(seen.append, scheduler=scheduler)
    clock.advance_to(9)
    assert seen == []
    clock.advance_to(12)
    assert seen == [1, 2]


def test_without_a_clock_it_waits_on_a_timer() -> None:
    done = Event()
    scheduler = RequestScheduler()
    scheduler.request(1)
    scheduler.schedule_relative(0.001, lambda *_: done.set())
    assert done.wait(PATIENCE)


# Threads


def test_an_action_queued_while_another_thread_stops_is_not_forgotten() -> None:
    """The other thread has seen the queue empty, and has not yet said that it stops."""
    scheduler, seen = RequestScheduler(), []

    class Queue(deque):  # type: ignore[type-arg]
        armed = True

        def __len__(self) -> int:
            length = super().__len__()
            if length == 0 and self.armed:
                self.armed = False
                run_threads(lambda: scheduler.schedule(log(seen, "late")))
            return length

    scheduler._queue = Queue()
    scheduler.request(1)
    assert seen == ["late"]


def test_an_action_queued_while_another_one_runs() -> None:
    scheduler, seen = RequestScheduler(), []

    def slow(*_: Any) -> None:
        run_threads(lambda: scheduler.schedule(log(seen, "b")), lambda: scheduler.request(1))
        seen.append("a")

    scheduler.schedule(slow)
    scheduler.request(1)
    assert seen == ["a", "b"]


def test_many_threads_request_and_schedule() -> None:
    """Actions are serial, none is lost, none runs without a request, and each request is used."""
    scheduler = RequestScheduler()
    threads, each, extra = 6, 500, 37
    barrier = Barrier(2 * threads)
    busy, ran = Lock(), Counter()

    def action(own: Any, state: Any) -> None:
        assert busy.acquire(blocking=False), "two actions at once"
        ran[state] += 1
        busy.release()

    def schedule(name: int) -> None:
        barrier.wait(PATIENCE)
        for i in range(each):
            scheduler.schedule(action, (name, i))

    def request() -> None:
        barrier.wait(PATIENCE)
        for _ in range(each):
            scheduler.request(1)

    for i in range(extra):
        scheduler.schedule(action, ("extra", i))
    with restless():
        run_threads(*[lambda name=name: schedule(name) for name in range(threads)], *[request] * threads)
    assert sum(ran.values()) == threads * each
    assert set(ran.values()) == {1}
    assert (scheduler.queued, scheduler.demand) == (extra, 0)
    scheduler.request(100)
    assert (len(ran), scheduler.demand) == (threads * each + extra, 100 - extra)


STEPS = st.one_of(
    st.tuples(st.just("request"), st.integers(1, 4)),
    st.tuples(st.just("schedule"), st.integers(0, 3)),
    st.tuples(st.just("dispose"), st.integers(0, 20)),
    st.tuples(st.just("cancel"), st.just(0)),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_any_order_of_calls_agrees_with_a_model(steps: list[tuple[str, int]]) -> None:
    """The model is a list and a number. An action of depth n schedules one of depth n - 1."""
    scheduler, ran = RequestScheduler(), []
    handles: dict[int, Any] = {}
    queue: list[int] = []
    depths: list[int] = []
    dead: set[int] = set()
    demand, expected = 0, []

    def action(own: Any, number: int) -> None:
        ran.append(number)
        if depths[number]:
            put(depths[number] - 1)

    def put(depth: int) -> None:
        number = len(depths)
        depths.append(depth)
        handles[number] = scheduler.schedule(action, number)

    def model_put(model: list[int], depth: int) -> None:
        model.append(depth)
        queue.append(len(model) - 1)

    model_depths: list[int] = []
    for what, n in steps:
        if what == "request":
            demand += n
            scheduler.request(n)
        elif what == "schedule":
            model_put(model_depths, n)
            put(n)
        elif what == "dispose" and n in handles:
            dead.add(n)
            handles[n].dispose()
        elif what == "cancel":
            demand = 0
            queue.clear()
            scheduler.cancel()
        while demand and queue:
            number = queue.pop(0)
            if number in dead:
                continue
            demand -= 1
            expected.append(number)
            if model_depths[number]:
                model_put(model_depths, model_depths[number] - 1)
        assert ran == expected
        assert scheduler.demand == demand
