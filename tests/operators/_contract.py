"""What every operator keeps, written once; the test file of an operator subclasses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import reactivex as rx
from reactivex import Observable, abc
from reactivex import operators as rxops
from reactivex.disposable import Disposable

from rxgraph import operators as ops
from rxgraph.flow._lean import LeanObservable, connect
from rxgraph.stream import StreamMux

Operator = Callable[[Observable[Any]], Observable[Any]]


class Seen(abc.ObserverBase[Any]):
    """An observer that notes what it is told, and protects itself from nothing."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.ends: list[Any] = []

    def on_next(self, value: Any) -> None:
        self.values.append(value)

    def on_error(self, error: Exception) -> None:
        self.ends.append(error)

    def on_completed(self) -> None:
        self.ends.append("completed")


class Source(LeanObservable[Any]):
    """A source that is driven by hand and, unlike a decent one, doesn't stop for an end or a disposal."""

    def __init__(self) -> None:
        super().__init__()
        self.observers: list[abc.ObserverBase[Any]] = []
        self.left = 0

    def _subscribe_core(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.observers.append(observer)
        return Disposable(self._leave)

    def _leave(self) -> None:
        self.left += 1

    def push(self, *values: Any) -> None:
        for value in values:
            for observer in self.observers:
                observer.on_next(value)

    def fail(self, error: Exception) -> None:
        for observer in self.observers:
            observer.on_error(error)

    def complete(self) -> None:
        for observer in self.observers:
            observer.on_completed()


def watch(observable: Observable[Any]) -> tuple[Seen, abc.DisposableBase]:
    """Subscribe without any of RxPY's safety wrapping."""
    seen = Seen()
    return seen, connect(observable, seen)


class OperatorContract:
    """Subclass under a name that begins with ``Test``.

    ``items`` go in and ``expected`` come out; the first item alone doesn't end the result.
    """

    items: ClassVar[tuple[Any, ...]]
    expected: ClassVar[tuple[Any, ...]]

    def operator(self) -> Operator:
        raise NotImplementedError("Return the operator, built anew.")

    def test_a_plain_observable(self) -> None:
        seen = Seen()
        rx.from_iterable(self.items).pipe(self.operator()).subscribe(seen)
        assert (seen.values, seen.ends) == ([*self.expected], ["completed"])

    def test_the_callbacks_of_rxpy(self) -> None:
        values: list[Any] = []
        rx.from_iterable(self.items).pipe(self.operator()).subscribe(values.append)
        assert values == [*self.expected]

    def test_an_error_is_passed_on(self) -> None:
        source, error = Source(), ValueError("source")
        seen, _ = watch(source.pipe(self.operator()))
        source.push(self.items[0])
        source.fail(error)
        assert seen.ends == [error]

    def test_empty(self) -> None:
        seen = Seen()
        rx.empty().pipe(self.operator()).subscribe(seen)
        assert (seen.values, seen.ends) == ([], ["completed"])

    def test_never(self) -> None:
        seen = Seen()
        rx.never().pipe(self.operator()).subscribe(seen).dispose()
        assert (seen.values, seen.ends) == ([], [])

    def test_nothing_comes_after_the_end(self) -> None:
        source = Source()
        seen, _ = watch(source.pipe(self.operator()))
        source.complete()
        source.push(*self.items)
        source.fail(ValueError("late"))
        source.complete()
        assert (seen.values, seen.ends) == ([], ["completed"])

    def test_disposal_leaves_the_source_and_nothing_comes_after_it(self) -> None:
        source = Source()
        seen, subscription = watch(source.pipe(self.operator()))
        subscription.dispose()
        subscription.dispose()
        assert source.left >= 1
        source.push(*self.items)
        source.complete()
        assert (seen.values, seen.ends) == ([], [])

    def test_disposal_of_rxpys_subscription(self) -> None:
        source = Source()
        seen = Seen()
        source.pipe(self.operator()).subscribe(seen).dispose()
        assert source.left == 1

    def test_an_observer_that_raises_raises_into_the_source(self) -> None:
        """Only the user's function is answered by ``on_error``; the operator doesn't judge who listens below."""
        source = Source()

        class Broken(Seen):
            def on_next(self, value: Any) -> None:
                raise OSError("below")

        broken = Broken()
        connect(source.pipe(self.operator()), broken)
        raised = []
        for item in self.items:
            try:
                source.push(item)
            except OSError as error:
                raised.append(error)
        assert raised
        assert not any(isinstance(end, Exception) for end in broken.ends)

    def test_subscriptions_share_nothing(self) -> None:
        source = Source()
        result = source.pipe(self.operator())
        first, _ = watch(result)
        source.push(self.items[0])
        early = list(first.values)
        second, _ = watch(result)
        # The second one sees a source that begins again.
        for item in self.items:
            source.observers[1].on_next(item)
        assert second.values == [*self.expected]
        assert first.values == early
        for item in self.items[1:]:
            source.observers[0].on_next(item)
        assert first.values == [*self.expected]

    def test_one_operator_on_two_sources(self) -> None:
        operator = self.operator()
        for _ in range(2):
            seen = Seen()
            rx.from_iterable(self.items).pipe(operator).subscribe(seen)
            assert seen.values == [*self.expected]

    def test_between_operators_of_rxpy(self) -> None:
        values: list[Any] = []
        rx.from_iterable(self.items).pipe(
            rxops.map(lambda x: x), self.operator(), rxops.to_list(), rxops.flat_map(rx.from_iterable)
        ).subscribe(values.append)
        assert values == [*self.expected]

    def test_around_an_operator_of_rxpy(self) -> None:
        values: list[Any] = []
        rx.from_iterable(self.items).pipe(
            ops.map(lambda x: x), rxops.do_action(lambda _: None), self.operator(), ops.filter(lambda _: True)
        ).subscribe(values.append)
        assert values == [*self.expected]

    def test_on_a_mux(self) -> None:
        mux = StreamMux()
        seen, _ = watch(mux.pipe(ops.mode("custom"), ops.map(lambda part: part[2]), self.operator()))
        for item in self.items:
            mux.on_next(((), "updates", "another mode"))
            mux.on_next(((), "custom", item))
        mux.on_completed()
        assert (seen.values, seen.ends) == ([*self.expected], ["completed"])


class FunctionContract(OperatorContract):
    """For operators that call a user's function on each item."""

    what: ClassVar[str]

    def build(self, function: Callable[..., Any]) -> Operator:
        raise NotImplementedError("Return the operator of a function.")

    def test_what_is_no_function_is_refused_where_the_operator_is_built(self) -> None:
        for wrong in (None, 3, "x"):
            with pytest.raises(TypeError, match=rf"{self.what}.* got {wrong!r}"):
                self.build(wrong)  # type: ignore[arg-type]

    def test_what_the_function_raises_ends_the_result_once_and_leaves_the_source(self) -> None:
        source = Source()

        def broken(*_: Any) -> Any:
            raise KeyError("user")

        seen, _ = watch(source.pipe(self.build(broken)))
        source.push(*self.items)
        source.push(*self.items)
        source.complete()
        [error] = seen.ends
        assert isinstance(error, KeyError)
        assert source.left >= 1

    def test_an_error_says_where_the_operator_was_built(self) -> None:
        def broken(*_: Any) -> Any:
            raise KeyError("user")

        seen = Seen()
        rx.from_iterable(self.items).pipe(self.build(broken)).subscribe(seen)
        assert seen.ends[0].__notes__ == [f"{self.what}() built at {self.build.__code__.co_filename}:{self.line()}"]

    def line(self) -> int:
        """The line on which :meth:`build` calls the operator."""
        return self.build.__code__.co_firstlineno + 1

    def test_a_function_that_raises_while_subscribing_leaves_the_source_as_well(self) -> None:
        """A source that emits before its subscription is known is disposed of as soon as it is known."""

        class Eager(Source):
            def _subscribe_core(
                self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
            ) -> abc.DisposableBase:
                for item in items:
                    observer.on_next(item)
                return super()._subscribe_core(observer, scheduler)

        items = self.items

        def broken(*_: Any) -> Any:
            raise KeyError("user")

        source = Eager()
        seen, _ = watch(source.pipe(self.build(broken)))
        assert len(seen.ends) == 1
        assert source.left == 1

    def test_a_keyboard_interrupt_is_no_error_of_an_item(self) -> None:
        source = Source()

        def stop(*_: Any) -> Any:
            raise KeyboardInterrupt

        seen, _ = watch(source.pipe(self.build(stop)))
        with pytest.raises(KeyboardInterrupt):
            source.push(*self.items)
        assert seen.ends == []

    def test_a_long_chain_runs(self) -> None:
        """Hundreds of stages are joined, run, ended and left within the usual stack."""
        chain = [self.build(lambda *values: values[-1]) for _ in range(700)]
        source = Source()
        seen, subscription = watch(source.pipe(*chain))
        source.push(1, 2)
        assert seen.values == [1, 2]
        subscription.dispose()
        assert source.left == 1
        seen = Seen()
        rx.of(1, 2, 3).pipe(*chain, ops.take(2)).subscribe(seen)
        assert (seen.values, seen.ends) == ([1, 2], ["completed"])
