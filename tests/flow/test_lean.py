"""``_lean``: stages that keep the observer contract by themselves."""

from __future__ import annotations

from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from rxgraph.flow._lean import CallSite, LeanObservable, LeanObserver, LeanOperator, check_function, connect


class Pass(LeanObserver[Any, Any]):
    def on_next(self, value: Any) -> None:
        if not self.stopped:
            self.down.on_next(value)


class Through(LeanOperator[Any]):
    def stage(self, down: abc.ObserverBase[Any]) -> LeanObserver[Any, Any]:
        return Pass(down, self._site)


class Sink(abc.ObserverBase[Any]):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_next(self, value: Any) -> None:
        self.told.append(value)

    def on_error(self, error: Exception) -> None:
        self.told.append(error)

    def on_completed(self) -> None:
        self.told.append("|")


class Probe(LeanObservable[Any]):
    def __init__(self, *eager: Any) -> None:
        super().__init__()
        self.eager, self.left, self.scheduler = eager, 0, None
        self.observer: abc.ObserverBase[Any]

    def _subscribe_core(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.observer, self.scheduler = observer, scheduler
        for value in self.eager:
            observer.on_next(value)
        return Disposable(self._leave)

    def _leave(self) -> None:
        self.left += 1


def test_one_end_and_nothing_after_it() -> None:
    error = ValueError()
    for end, told in ((lambda stage: stage.on_error(error), [1, error]), (LeanObserver.on_completed, [1, "|"])):
        sink = Sink()
        stage = Pass(sink)
        stage.on_next(1)
        for _ in range(2):
            end(stage)
        stage.on_completed()
        stage.on_error(KeyError())
        stage.on_next(2)
        assert sink.told == told


def test_fail_notes_the_place_ends_the_chain_and_leaves_the_source() -> None:
    probe, sink = Probe(), Sink()
    stage = connect(Through(Through(probe), CallSite("through()", 1)), sink)
    assert isinstance(stage, Pass)
    stage.fail(ValueError("user"))
    stage.fail(ValueError("again"))
    [error] = sink.told
    assert error.__notes__[0].startswith(f"through() built at {__file__}:")
    assert probe.left >= 1
    probe.observer.on_next(1)
    assert len(sink.told) == 1


def test_the_source_is_left_even_if_the_one_below_raises() -> None:
    probe = Probe()

    class Broken(Sink):
        def on_error(self, error: Exception) -> None:
            raise OSError("below")

    stage = connect(Through(probe), Broken())
    assert isinstance(stage, Pass)
    with pytest.raises(OSError, match="below"):
        stage.fail(ValueError())
    assert probe.left == 1


def test_disposal_stops_each_stage_above() -> None:
    probe, sink = Probe(), Sink()
    chain = connect(Through(Through(Through(probe))), sink)
    top = probe.observer
    assert isinstance(top, Pass)
    chain.dispose()
    assert (top.stopped, probe.left) == (True, 1)
    top.on_next(1)
    top.on_completed()
    assert sink.told == []


def test_a_stage_that_stops_while_it_is_subscribed_leaves_the_source() -> None:
    class Once(Pass):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            self.on_completed()
            self.dispose()

    class First(LeanOperator[Any]):
        def stage(self, down: abc.ObserverBase[Any]) -> LeanObserver[Any, Any]:
            return Once(down)

    probe, sink = Probe(1, 2), Sink()
    connect(First(Through(probe)), sink)
    assert (sink.told, probe.left) == ([1, "|"], 1)


def test_the_scheduler_reaches_the_source() -> None:
    probe, scheduler = Probe(), rx.scheduler.ImmediateScheduler()
    connect(Through(Through(probe)), Sink(), scheduler)
    assert probe.scheduler is scheduler
    seen: list[Any] = []
    foreign = Observable(lambda observer, scheduler_=None: seen.append(scheduler_))
    connect(Through(foreign), Sink(), scheduler)
    assert seen == [scheduler]


def test_a_foreign_source_and_a_foreign_observer_go_through_subscribe() -> None:
    sink = Sink()
    connect(Through(rx.of(1, 2)), sink)
    assert sink.told == [1, 2, "|"]
    values: list[Any] = []
    Through(rx.of(1, 2)).subscribe(values.append)
    assert values == [1, 2]


def test_a_stage_is_its_own_subscription() -> None:
    probe = Probe()
    with connect(Through(probe), Sink()) as subscription:
        assert isinstance(subscription, LeanObserver)
        assert isinstance(subscription, abc.DisposableBase)
    assert probe.left == 1


def test_stages_are_small() -> None:
    """No dictionary each: a run makes several for every reader."""

    class Small(LeanObserver[Any, Any]):
        __slots__ = ()

        def on_next(self, value: Any) -> None: ...

    assert not hasattr(Small(Sink()), "__dict__")


def test_an_operator_has_to_say_what_its_stage_is() -> None:
    with pytest.raises(NotImplementedError, match="stage"):
        connect(LeanOperator(rx.never()), Sink())


def test_a_call_site_is_the_line_of_the_caller() -> None:
    def build() -> CallSite:
        return CallSite("thing()")

    assert str(build()) == f"thing() built at {__file__}:{build.__code__.co_firstlineno + 3}"


def test_what_can_be_called_is_a_function() -> None:
    check_function("map(mapper)", str)
    with pytest.raises(TypeError, match=r"map\(mapper\) needs a function, got 3"):
        check_function("map(mapper)", 3)
