"""What ``rxgraph.flow`` ships, against the conformance suites of ``rxgraph.testing``; runs are in ``tests/stream``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import reactivex as rx
from reactivex import abc
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from rxgraph import operators as ops
from rxgraph.flow import Publisher, from_iterable, to_aiterator, to_iterator, to_observable, to_publisher
from rxgraph.testing import (
    AsyncIteratorConformance,
    Controlled,
    ProcessorConformance,
    PublisherConformance,
    SubscriberConformance,
)
from tests.flow._suites import Processor, ToObservable, refuse


class TestFromIterable(PublisherConformance):
    def make_publisher(self, elements: int) -> Publisher[Any]:
        return from_iterable(range(elements))

    def make_failed_publisher(self) -> Publisher[Any]:
        return from_iterable(x for x in [1] if refuse())

    def make_tracked_publisher(self) -> tuple[Publisher[Any], Callable[[], bool]]:
        stopped: list[bool] = []

        class Source:
            def __iter__(self) -> Iterator[int]:
                try:
                    yield from range(100)
                finally:
                    stopped.append(True)

        return from_iterable(Source()), lambda: bool(stopped)


class TestToPublisher(PublisherConformance):
    def make_publisher(self, elements: int) -> Publisher[Any]:
        return to_publisher(rx.range(elements), overflow="unbounded")

    def make_failed_publisher(self) -> Publisher[Any]:
        return to_publisher(rx.throw(RuntimeError("on purpose")))

    def make_tracked_publisher(self) -> tuple[Publisher[Any], Callable[[], bool]]:
        stopped: list[bool] = []

        def subscribe(observer: abc.ObserverBase[int], scheduler: Any = None) -> abc.DisposableBase:
            observer.on_next(1)
            return Disposable(lambda: stopped.append(True))

        return to_publisher(rx.create(subscribe)), lambda: bool(stopped)


@pytest.mark.parametrize("overflow", ["error", "drop_latest", "drop_oldest"])
@pytest.mark.usefixtures("policy")
class TestToPublisherWithPolicies(PublisherConformance):
    """The readers of bounded logs under each policy that may drop; the log is large enough, so that none does."""

    overflow: Any

    @pytest.fixture
    def policy(self, overflow: Any) -> None:
        self.overflow = overflow

    def make_publisher(self, elements: int) -> Publisher[Any]:
        return to_publisher(rx.range(elements), overflow=self.overflow, maxlen=4_000, mark_gaps=True)


class TestToObservableOneByOne(ToObservable):
    pass


class TestToObservableInBatches(ToObservable):
    batch = 4


class TestMapAsProcessor(Processor):
    pass


class TestFilterAsProcessor(Processor):
    operator = staticmethod(ops.filter(lambda x: True))


class TestScanAsProcessor(Processor):
    operator = staticmethod(ops.scan(lambda _, x: x, None))
    batch = 4


class TestTakeAsProcessor(Processor):
    operator = staticmethod(ops.take(1_000_000))


class TestPipeAsProcessor(Processor):
    operator = staticmethod(ops.pipe(ops.map(lambda x: x), ops.filter(lambda x: True), ops.map(lambda x: x)))


class TestToAIterator(AsyncIteratorConformance):
    def make_iterator(self, elements: int) -> AsyncIterator[Any]:
        return to_aiterator(to_observable(from_iterable(range(elements)), batch=1))

    def make_controlled(self, branches: int) -> Controlled:
        if branches > 1:
            pytest.skip("untested: to_aiterator has one reader")
        subject, stopped = Subject[Any](), list[bool]()

        def subscribe(observer: abc.ObserverBase[Any], scheduler: Any = None) -> abc.DisposableBase:
            link = subject.subscribe(observer)

            def stop() -> None:
                stopped.append(True)
                link.dispose()

            return Disposable(stop)

        iterator = to_aiterator(rx.create(subscribe))
        return Controlled([iterator], subject.on_next, subject.on_error, lambda: bool(stopped))

    def make_context_iterator(self, read: Callable[[], Any]) -> AsyncIterator[Any]:
        pytest.skip("untested: an observable's source runs in the consumer's own context")

    def make_sync_iterator(self, elements: int) -> Iterator[Any]:
        return to_iterator(rx.range(elements))


class TestToAIteratorOnUvloop(TestToAIterator):
    def make_loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
        return loop


# The rules themselves

SUITES: Any = [PublisherConformance, SubscriberConformance, ProcessorConformance, AsyncIteratorConformance]


def rules(suite: Any) -> set[str]:
    """The numbers in the names of the tests, and those that are listed as untestable."""
    found = set(suite.untestable)
    for name in dir(suite):
        if match := re.match(r"test_rule_(?:a(\d\d)|(\d)_(\d\d))_", name):
            letter, section, number = match.groups()
            found.add(f"A{letter}" if letter else f"{section}.{int(number)}")
    return found


def test_each_of_the_43_rules_is_tested_or_listed_with_a_reason() -> None:
    known = set().union(*(rules(suite) for suite in SUITES))
    wanted = {f"{s}.{n}" for s, most in ((1, 11), (2, 13), (3, 17), (4, 2)) for n in range(1, most + 1)}
    assert len(wanted) == 43
    assert wanted - known == set()


def test_each_of_the_15_iterator_rules_is_tested_or_listed_with_a_reason() -> None:
    assert rules(AsyncIteratorConformance) == {f"A{n:02}" for n in range(1, 16)}


@pytest.mark.parametrize("suite", SUITES)
def test_each_test_says_what_to_check(suite: Any) -> None:
    tests = [getattr(suite, name) for name in dir(suite) if name.startswith("test_")]
    assert [test.__name__ for test in tests if "If this fails" not in test.__doc__] == []
