"""``StreamMux``: the one place through which every event of a run goes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from reactivex import abc

from rxgraph import operators as ops
from rxgraph.flow._lean import connect
from rxgraph.stream import StreamMux

U, C, V = ((), "updates", 1), ((), "custom", 2), ((), "values", 3)


class Seen(abc.ObserverBase[Any]):
    """Notes what it is told, with the number of the part, and protects itself from nothing."""

    def __init__(self, mux: StreamMux | None = None) -> None:
        self.mux = mux
        self.told: list[Any] = []
        self.seqs: list[int] = []

    def on_next(self, value: Any) -> None:
        self.told.append(value)
        if self.mux is not None:
            self.seqs.append(self.mux.seq)

    def on_error(self, error: Exception) -> None:
        self.told.append(error)

    def on_completed(self) -> None:
        self.told.append("|")


def follow(mux: StreamMux, *modes: str) -> Seen:
    seen = Seen(mux)
    connect(mux.pipe(ops.mode(*modes)) if modes else mux, seen)
    return seen


def push(mux: StreamMux, *parts: Any) -> None:
    for part in parts:
        mux.on_next(part)


# Numbers


def test_parts_are_numbered_from_one_at_the_door() -> None:
    """Also those that a reader doesn't see, so that the numbers of two readers can be compared."""
    mux = StreamMux()
    every, some = follow(mux), follow(mux, "custom")
    assert mux.seq == 0
    push(mux, U, C, V, C)
    assert (every.seqs, some.seqs) == ([1, 2, 3, 4], [2, 4])


def test_parts_that_nobody_reads_are_numbered() -> None:
    mux = StreamMux()
    push(mux, U, U)
    late = follow(mux)
    push(mux, C)
    assert (late.told, late.seqs) == ([C], [3])


# Routes


def test_each_reader_gets_the_parts_of_its_modes() -> None:
    mux = StreamMux()
    readers = [follow(mux, "updates"), follow(mux, "custom", "values"), follow(mux), follow(mux, "tasks")]
    push(mux, U, C, V)
    mux.on_completed()
    assert [reader.told for reader in readers] == [[U, "|"], [C, V, "|"], [U, C, V, "|"], ["|"]]


def test_readers_are_served_in_the_order_in_which_they_came() -> None:
    """Whether they follow some modes or everything, and whether their mode was known before."""
    mux, order = StreamMux(), []

    class Named(Seen):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def on_next(self, value: Any) -> None:
            order.append(self.name)

    for name, modes in [("a", ["updates"]), ("b", []), ("c", ["updates", "custom"]), ("d", []), ("e", ["custom"])]:
        connect(mux.pipe(ops.mode(*modes)) if modes else mux, Named(name))
    for part, expected in ((U, "abcd"), (C, "bcde"), (V, "bd")):
        order.clear()
        mux.on_next(part)
        assert "".join(order) == expected


def test_a_reader_of_everything_that_comes_late_is_on_every_route() -> None:
    mux = StreamMux()
    first, second = follow(mux, "updates"), follow(mux)
    push(mux, U, C)
    assert (first.told, second.told) == ([U], [U, C])


def test_a_reader_in_two_routes_hears_the_end_once() -> None:
    error = ValueError("run")
    for end, told in ((StreamMux.on_completed, "|"), (lambda mux: mux.on_error(error), error)):
        mux, seen = StreamMux(), Seen()
        connect(mux.route(frozenset({"updates", "custom", "values"})), seen)
        push(mux, U)
        end(mux)
        assert seen.told == [U, told]


def test_leaving() -> None:
    mux = StreamMux()
    seens = [Seen() for _ in range(3)]
    sources = [mux, mux.route(frozenset({"updates", "custom"})), mux.pipe(ops.mode("updates"))]
    subscriptions = [connect(source, seen) for source, seen in zip(sources, seens, strict=True)]
    push(mux, U)
    for subscription in subscriptions:
        subscription.dispose()
        subscription.dispose()
    push(mux, U, C)
    mux.on_completed()
    assert [seen.told for seen in seens] == [[U]] * 3


# The end


@pytest.mark.parametrize("failed", [False, True])
def test_the_end_is_told_once_and_nothing_after_it(failed: bool) -> None:
    mux, error = StreamMux(), ValueError("run")
    every, some = follow(mux), follow(mux, "custom")
    push(mux, C)
    if failed:
        mux.on_error(error)
    else:
        mux.on_completed()
    push(mux, C)
    mux.on_completed()
    mux.on_error(KeyError("late"))
    assert every.told == some.told == [C, error if failed else "|"]


@pytest.mark.parametrize("failed", [False, True])
def test_who_subscribes_after_the_end_is_told_at_once(failed: bool) -> None:
    mux, error = StreamMux(), ValueError("run")
    push(mux, U)
    if failed:
        mux.on_error(error)
    else:
        mux.on_completed()
    late = [follow(mux), follow(mux, "updates")]
    assert [seen.told for seen in late] == [[error if failed else "|"]] * 2
    values: list[Any] = []
    mux.subscribe(values.append, on_error=values.append, on_completed=lambda: values.append("|")).dispose()
    assert values == [error if failed else "|"]


# Subscribers that fail


class Broken(Seen):
    def __init__(self, on: Any) -> None:
        super().__init__()
        self.on = on

    def on_next(self, value: Any) -> None:
        super().on_next(value)
        if value == self.on:
            raise OSError("subscriber")


def test_a_subscriber_that_raises_is_taken_off_and_reported_and_nobody_else_notices() -> None:
    mux, reports = StreamMux(), []
    mux.on_subscriber_error = lambda observer, error: reports.append((observer, str(error)))
    before = follow(mux)
    broken = Broken(C)
    connect(mux, broken)
    after = follow(mux, "custom", "updates")
    push(mux, U, C, U)
    mux.on_completed()
    assert before.told == after.told == [U, C, U, "|"]
    assert broken.told == [U, C]
    assert reports == [(broken, "subscriber")]


def test_a_subscriber_that_raises_is_taken_off_each_of_its_routes() -> None:
    mux, broken = StreamMux(), Broken(U)
    mux.on_subscriber_error = lambda observer, error: None
    connect(mux.route(frozenset({"updates", "custom"})), broken)
    push(mux, U, C)
    assert broken.told == [U]


def test_a_users_function_that_raises_ends_its_own_chain_only() -> None:
    mux, reports = StreamMux(), []
    mux.on_subscriber_error = lambda observer, error: reports.append(error)
    seen, other = Seen(), follow(mux)
    connect(mux.pipe(ops.mode("updates"), ops.map(lambda part: 1 // 0)), seen)
    push(mux, U, U)
    assert [type(told) for told in seen.told] == [ZeroDivisionError]
    assert (other.told, reports) == ([U, U], [])


def test_without_a_hook_the_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    mux = StreamMux()
    connect(mux, Broken(U))
    with caplog.at_level(logging.ERROR, "rxgraph.stream"):
        push(mux, U)
    [record] = caplog.records
    assert "taken off" in record.getMessage()
    assert record.exc_info is not None


def test_a_keyboard_interrupt_is_no_subscribers_error() -> None:
    mux, reports = StreamMux(), []
    mux.on_subscriber_error = lambda observer, error: reports.append(error)

    class Stopped(Seen):
        def on_next(self, value: Any) -> None:
            raise KeyboardInterrupt

    connect(mux, Stopped())
    with pytest.raises(KeyboardInterrupt):
        push(mux, U)
    assert reports == []


# Calls from inside a delivery


def test_a_part_pushed_from_inside_a_delivery_waits_its_turn() -> None:
    """All readers see one order, and the right number with each part."""
    mux = StreamMux()
    before = follow(mux)

    class Echo(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            if value[2] < 3:
                mux.on_next(((), "custom", value[2] + 1))
                mux.on_next(((), "custom", 9))

    echo = Echo(mux)
    connect(mux, echo)
    after = follow(mux, "custom")
    push(mux, ((), "custom", 1), ((), "custom", 5))
    assert [part[2] for part in before.told] == [1, 2, 9, 3, 9, 5]
    assert before.told == echo.told == after.told
    assert before.seqs == echo.seqs == after.seqs == [1, 2, 3, 4, 5, 6]


def test_a_deep_chain_of_answers_doesnt_grow_the_stack() -> None:
    mux = StreamMux()

    class Echo(Seen):
        def on_next(self, value: Any) -> None:
            if value[2]:
                mux.on_next(((), "custom", value[2] - 1))

    connect(mux, Echo())
    last = follow(mux)
    push(mux, ((), "custom", 20_000))
    assert mux.seq == 20_001
    assert last.told[-1][2] == 0


def test_leaving_from_inside_a_delivery() -> None:
    """A chain that was left hears nothing more, not even of the part that is being delivered."""
    mux = StreamMux()

    class Leaver(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            for subscription in subscriptions:
                subscription.dispose()

    leaver, chained, wrapped = Leaver(), Seen(), Seen()
    subscriptions = [connect(mux, leaver)]
    subscriptions.append(connect(mux.pipe(ops.mode("updates"), ops.map(lambda part: part)), chained))
    subscriptions.append(mux.subscribe(wrapped))
    stays = follow(mux)
    push(mux, U, U)
    assert (leaver.told, chained.told, wrapped.told) == ([U], [], [])
    assert stays.told == [U, U]


def test_coming_from_inside_a_delivery() -> None:
    """A reader that comes while a part is being delivered begins with the next one."""
    mux = StreamMux()
    late = Seen()

    class Host(Seen):
        def on_next(self, value: Any) -> None:
            if value == U:
                connect(mux, late)

    connect(mux, Host())
    push(mux, U, C)
    assert late.told == [C]


def test_take_leaves_in_the_middle_of_a_delivery() -> None:
    mux = StreamMux()
    first, other = Seen(), follow(mux)
    connect(mux.pipe(ops.mode("updates"), ops.take(1)), first)
    push(mux, U, U)
    assert (first.told, other.told) == ([U, "|"], [U, U])
    assert mux._routes.get("updates", mux._all) == mux._all


# Rules that the mux breaks today


def test_an_end_from_inside_a_delivery_waits_its_turn() -> None:
    """A reader behind the one that ends the run still gets the part, and then the end."""
    mux = StreamMux()

    class Ender(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            mux.on_next(C)
            mux.on_completed()

    ender = Ender()
    connect(mux, ender)
    after = follow(mux)
    push(mux, U)
    assert after.told == [U, C, "|"]
    assert ender.told[-1] == "|"


@pytest.mark.parametrize("end", ["on_completed", "on_error"])
def test_a_subscriber_that_raises_at_the_end_keeps_it_from_nobody(end: str) -> None:
    mux, reports = StreamMux(), []
    mux.on_subscriber_error = lambda observer, error: reports.append(str(error))

    class Late(Seen):
        def on_completed(self) -> None:
            raise OSError("end")

        def on_error(self, error: Exception) -> None:
            raise OSError("end")

    connect(mux, Late())
    after = follow(mux)
    if end == "on_completed":
        mux.on_completed()
    else:
        mux.on_error(ValueError("run"))
    assert (len(after.told), reports) == (1, ["end"])


def test_a_hook_that_raises_is_heard_of_by_nobody_else() -> None:
    mux = StreamMux()

    def hook(observer: Any, error: Exception) -> None:
        raise RuntimeError("hook")

    mux.on_subscriber_error = hook

    class Echo(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            if value == U:
                mux.on_next(C)

    echo = Echo()
    connect(mux, echo)
    connect(mux, Broken(U))
    after = follow(mux)
    push(mux, U, V)
    assert echo.told == after.told == [U, C, V]


def test_one_subscription_of_an_observer_is_left_and_not_the_other() -> None:
    mux, seen = StreamMux(), Seen()
    first = connect(mux.route(frozenset({"updates"})), seen)
    connect(mux.route(frozenset({"custom"})), seen)
    first.dispose()
    push(mux, U, C)
    assert seen.told == [C]
