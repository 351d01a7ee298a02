"""The rules of Reactive Streams 1.0.4 for publishers, as tests that run against any of them.

The rules are numbered as in the specification: section 1 is the publisher, section 3 its subscriptions. Nothing here
sleeps: a publisher that works on a loop or a virtual clock is run by :meth:`PublisherConformance.settle`. The suite is
a plain class and imports no test framework.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar
from unittest import SkipTest

from rxgraph.flow import UNBOUNDED, Publisher
from rxgraph.testing._probe import Probe, on_threads, raised


class PublisherConformance:
    """Tests that a publisher keeps the rules; subclass it under a name that your runner collects.

    ``make_publisher`` is all it needs. Rules that want more of you are skipped, and say what they want.

    Example:
        >>> from rxgraph.flow import from_iterable
        >>> class TestMine(PublisherConformance):
        ...     def make_publisher(self, elements):
        ...         return from_iterable(range(elements))
    """

    untestable: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "3.1": "a publisher can't see from whose context request() and cancel() are called",
            "3.4": "'request() returns fast' is a matter of time, and nothing here measures time",
            "3.10": "a permission: signals may come from inside request()",
            "3.11": "a permission: the end may come from inside request()",
            "3.14": "a permission: the last cancel() may shut a publisher down",
        }
    )
    """Rules of the sections 1 and 3 that no test can see broken, each with the reason."""

    max_elements: int = 2_000
    """The most elements that ``make_publisher`` can give; longer tests take that many."""
    max_subscribers: int = 3
    """How many subscribers one publisher takes; 1 skips rule 1.11."""
    thread_safe: bool = True
    """Whether ``request`` and ``cancel`` may come from any thread; False skips what needs threads."""
    in_flight: int = 0
    """Elements that may still come after ``cancel``. [RS §1.8]"""
    recursion_bound: int = 1
    """How deep ``on_next`` may nest. [RS §3.3]"""
    learns_by_asking: bool = False
    """Whether nothing happens before a request, so that an end or a failure shows at the request behind the last
    element: as for what starts its work when it is asked. [RS §1.4, §1.5]"""
    rejects_same_subscriber: bool = False
    """Whether a second ``subscribe_with`` of one subscriber is refused; False skips rule 1.10."""

    def make_publisher(self, elements: int) -> Publisher[Any]:
        """Return a new publisher of *elements* elements that then completes."""
        raise NotImplementedError("Override make_publisher() to return a publisher of that many elements.")

    def make_failed_publisher(self) -> Publisher[Any]:
        """Return a publisher that fails without an element."""
        raise SkipTest("untested: make_failed_publisher() is not overridden")

    def make_tracked_publisher(self) -> tuple[Publisher[Any], Callable[[], bool]]:
        """Return a publisher of many elements, and a function that tells whether its source was stopped."""
        raise SkipTest("untested: make_tracked_publisher() is not overridden")

    def together(self, *calls: Callable[[], Any]) -> None:
        """Make calls of ``request`` and ``cancel`` at once, by default each on a thread of its own.

        Override it for publishers that belong to an event loop.
        """
        on_threads(*calls)

    def settle(self) -> None:
        """Run what the publisher has scheduled, until nothing is left; override it for loops and virtual clocks."""

    # 1. Publisher

    def test_rule_1_01_never_more_than_requested(self) -> None:
        """At no time are there more elements than requests.

        If this fails, check that demand is counted before ``on_next`` is called, and that nothing comes unasked.
        """
        for seed in range(20):
            random = Random(seed)
            probe = self._subscribe(20)
            assert not probe.values, f"[RS §1.1] {len(probe.values)} elements came before the first request"
            while not probe.ends and probe.requested < 30:
                self._request(probe, random.randint(1, 5))
                assert not probe.excess, f"[RS §1.1] {probe!r}: more elements than requests (seed {seed})"
                most = min(probe.requested, 20)
                assert len(probe.values) == most, f"[RS §1.1] {probe!r}: {most} elements were asked for (seed {seed})"

    def test_rule_1_02_may_end_with_fewer_than_requested(self) -> None:
        """When there are fewer elements than requests, they all come, and then the end.

        If this fails, check that the end doesn't wait until all the demand is used up.
        """
        probe = self._all(3, 10)
        assert probe.signals[1:] == ["on_next"] * 3 + ["on_complete"], f"[RS §1.2] signals were {probe.signals}"

    def test_rule_1_03_signals_are_serial(self) -> None:
        """However many threads request, one signal ends before the next begins.

        If this fails, check that one thread at a time delivers, and that the others only leave word for it.
        """
        self._need_threads()
        elements = self._many(800)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            probe = self._subscribe(elements)

            def ask() -> None:
                for _ in range(elements):
                    probe.request(1)

            self.together(ask, ask, ask, ask)
        finally:
            sys.setswitchinterval(before)
        self.settle()
        assert probe.deepest <= 1, f"[RS §1.3] signals overlap: {probe.deepest} at once"
        assert not probe.overlaps, "[RS §1.3] the end came inside on_next()"
        assert len(probe.values) == elements, f"[RS §1.3] {len(probe.values)} of {elements} elements came"
        assert probe.ends == ["on_complete"], f"[RS §1.3] the ends were {probe.ends}"

    def test_rule_1_04_failure_is_on_error(self) -> None:
        """A publisher that fails says so by one ``on_error``, without being asked.

        If this fails, check that the failure neither raises out of ``subscribe_with`` nor waits for a request.
        """
        probe = self._failed()
        assert probe.ends == ["on_error"], f"[RS §1.4] a failed publisher signalled {probe.signals}"
        assert isinstance(probe.errors[0], Exception), f"[RS §1.4] on_error got {probe.errors[0]!r}"

    def test_rule_1_05_finite_stream_completes(self) -> None:
        """The end comes right behind the last element, without a further request.

        If this fails, check that the publisher looks for its end after each element.
        """
        for elements in (1, 5):
            probe = self._all(elements, elements)
            assert probe.ends == ["on_complete"], f"[RS §1.5] after all {elements} elements the ends are {probe.ends}"

    def test_rule_1_05_empty_stream_completes_unasked(self) -> None:
        """An empty stream completes without any request.

        If this fails, check that the end is looked for on subscription and not at the first request.
        """
        probe = self._asked_on(self._subscribe(0))
        assert probe.signals == ["on_subscribe", "on_complete"], f"[RS §1.5] an empty stream signalled {probe.signals}"

    def test_rule_1_06_end_cancels_the_subscription(self) -> None:
        """After the end ``request`` and ``cancel`` do nothing, wrong arguments included.

        If this fails, check that the subscription forgets its subscriber before it calls ``on_complete``.
        """
        probe = self._all(2, 2)
        before = list(probe.signals)
        for n in (1, 0):
            self._request(probe, n)
        self._cancel(probe)
        assert probe.signals == before, f"[RS §1.6] after the end came {probe.signals[len(before) :]}"

    def test_rule_1_07_nothing_after_the_end(self) -> None:
        """A stream ends once, and nothing follows.

        If this fails, check that the paths to an end share one flag.
        """
        probe = self._all(3, 3)
        self._request(probe, 10)
        assert probe.ends == ["on_complete"], f"[RS §1.7] the ends were {probe.ends}"
        assert probe.signals[-1] == "on_complete", f"[RS §1.7] signals were {probe.signals}"

    def test_rule_1_07_nothing_after_an_error(self) -> None:
        """A failed stream ends once, and nothing follows.

        If this fails, check that a failure closes the stream before it is told.
        """
        probe = self._failed()
        self._request(probe, 10)
        assert probe.signals == ["on_subscribe", "on_error"], f"[RS §1.7] signals were {probe.signals}"

    def test_rule_1_08_cancel_stops_the_signals(self) -> None:
        """After ``cancel``, also from inside ``on_next``, at most ``in_flight`` elements come, and no end.

        If this fails, check that the loop that delivers looks at the cancellation before each element.
        """

        def leave(probe: Probe) -> None:
            if len(probe.values) == 3:
                probe.cancel()

        probe = self._subscribe(20, Probe(20, on_item=leave))
        most = 3 + self.in_flight
        assert 3 <= len(probe.values) <= most, f"[RS §1.8] cancelled at 3, got {len(probe.values)} elements"
        assert not probe.ends, f"[RS §1.8] after cancel came {probe.ends}"

    def test_rule_1_09_on_subscribe_is_first(self) -> None:
        """``on_subscribe`` comes before all else.

        If this fails, check that nothing is delivered until ``on_subscribe`` has returned.
        """
        probe = self._all(2, 5)
        assert probe.signals[0] == "on_subscribe", f"[RS §1.9] the first signal was {probe.signals[0]}"
        order: list[str] = []

        class Slow(Probe):
            def on_subscribe(self, subscription: Any, /) -> None:
                super().on_subscribe(subscription)
                order.extend(self.signals)

        self._subscribe(2, Slow(2))
        assert order == ["on_subscribe"], f"[RS §1.9] signals inside on_subscribe(): {order[1:]}"

    def test_rule_1_09_refusal_is_introduced(self) -> None:
        """A publisher that refuses calls ``on_subscribe`` and then ``on_error``.

        If this fails, check that a failure before the first element takes the same way as one behind it.
        """
        probe = self._failed()
        assert probe.signals[:1] == ["on_subscribe"], f"[RS §1.9] a refusal signalled {probe.signals}"

    def test_rule_1_09_none_is_refused(self) -> None:
        """``subscribe_with(None)`` raises ``TypeError`` to its caller.

        If this fails, check the subscriber before anything is done with it; ``rxgraph.flow`` does so.
        """
        nobody: Any = None
        try:
            self.make_publisher(1).subscribe_with(nobody)
        except TypeError:
            return
        raise AssertionError("[RS §1.9] subscribe_with(None) did not raise TypeError")

    def test_rule_1_10_same_subscriber_is_rejected(self) -> None:
        """A subscriber that is subscribed already is refused: it hears no element twice.

        If this fails, check that the publisher knows its subscribers.
        """
        if not self.rejects_same_subscriber:
            raise SkipTest("untested: rejects_same_subscriber is False, so who subscribes has to take care [RS §2.5]")
        publisher, probe = self.make_publisher(3), Probe()
        publisher.subscribe_with(probe)
        # A refusal may be an error here or a signal; what counts is what the subscriber hears.
        refusal = raised(lambda: publisher.subscribe_with(probe))
        self.settle()
        self._request(probe, 10)
        assert probe.signals.count("on_next") <= 3, f"[RS §1.10] one subscriber got {probe.signals} ({refusal!r})"
        assert probe.signals.count("on_subscribe") == 1, "[RS §1.10] one subscriber was introduced twice"

    def test_rule_1_11_everyone_gets_the_same_one_by_one(self) -> None:
        """Subscribers that request in turn get the same elements in the same order, and the end.

        If this fails, check that a subscription shares nothing that moves with the next one.
        """
        self._multicast(1)

    def test_rule_1_11_everyone_gets_the_same_upfront(self) -> None:
        """Subscribers that request all at once get the same elements in the same order, and the end.

        If this fails, check that the first subscriber doesn't drain the source of the others.
        """
        self._multicast(10)

    def test_rule_2_12_on_subscribe_comes_once(self) -> None:
        """One subscription is introduced once, however it goes on.

        If this fails, check that restarts and reconnections don't introduce themselves again.
        """
        probe = self._all(4, 1, 1)
        count = probe.signals.count("on_subscribe")
        assert count == 1, f"[RS §2.12] on_subscribe came {count} times"

    # 3. Subscription

    def test_rule_3_02_request_is_reentrant(self) -> None:
        """``request`` may be called inside ``on_subscribe`` and ``on_next``.

        If this fails, check that no lock is held while a subscriber is called.
        """
        probes: list[Probe] = []
        act: Callable[[], None] = lambda: probes.append(self._subscribe(5, Probe(1, again=1)))  # noqa: E731
        self.together(act) if self.thread_safe else act()
        assert len(probes[0].values) == 5, f"[RS §3.2] {len(probes[0].values)} of 5 elements came"

    def test_rule_3_03_recursion_is_bounded(self) -> None:
        """A request inside ``on_next`` makes the loop go on, not the stack grow.

        If this fails, check that ``request`` only books when a delivery is going on.
        """
        elements = self._many(2_000)
        probe = self._subscribe(elements, Probe(1, again=1))
        assert probe.deepest <= self.recursion_bound, f"[RS §3.3] on_next nested {probe.deepest} deep"
        assert len(probe.values) == elements, f"[RS §3.3] {len(probe.values)} of {elements} elements came"

    def test_rule_3_05_cancel_from_many_threads(self) -> None:
        """``cancel`` may come from any thread, at once and while elements come.

        If this fails, check that releasing the source may be done twice.
        """
        self._need_threads()
        probe = self._subscribe(self._many(1_000))
        self.together(probe.cancel, probe.cancel, lambda: probe.request(1), probe.cancel)
        self.settle()
        before = len(probe.signals)
        self._request(probe, 5)
        assert len(probe.signals) == before, f"[RS §3.5] after cancel came {probe.signals[before:]}"

    def test_rule_3_06_request_after_cancel_does_nothing(self) -> None:
        """After ``cancel`` a request is not heard, a wrong one included.

        If this fails, check that ``request`` looks at the cancellation first.
        """
        probe = self._subscribe(5)
        self._cancel(probe)
        for n in (3, 0):
            self._request(probe, n)
        assert probe.signals == ["on_subscribe"], f"[RS §3.6] after cancel came {probe.signals[1:]}"

    def test_rule_3_07_cancel_after_cancel_does_nothing(self) -> None:
        """``cancel`` is idempotent.

        If this fails, check that the second call finds the work done.
        """
        probe = self._subscribe(5, Probe(1))
        before = list(probe.signals)
        for _ in range(3):
            answer = self._cancel(probe)
            assert answer is None, f"[RS §3.7] cancel() returned {answer!r}"
        assert probe.signals == before, f"[RS §3.7] after cancel came {probe.signals[len(before) :]}"

    def test_rule_3_08_requests_add_up(self) -> None:
        """``request(1)`` and ``request(2)`` are three elements, also when none came between.

        If this fails, check that a request adds to the demand instead of setting it.
        """

        class Twice(Probe):
            def on_subscribe(self, subscription: Any, /) -> None:
                super().on_subscribe(subscription)
                self.request(2)

        probe = self._subscribe(10, Twice(1))
        assert len(probe.values) == 3, f"[RS §3.8] 1 + 2 requested, {len(probe.values)} came"
        self._request(probe, 4)
        assert len(probe.values) == 7, f"[RS §3.8] 1 + 2 + 4 requested, {len(probe.values)} came"

    def test_rule_3_09_request_below_one_fails(self) -> None:
        """``request(0)`` and ``request(-1)`` end in ``on_error`` with a ``ValueError`` that names the rule.

        If this fails, check that the subscription signals the mistake; ``request`` itself returns. [RS §3.16]
        """
        for n in (0, -1):
            self._refused(n, ValueError)

    def test_rule_3_09_request_of_no_int_fails(self) -> None:
        """``request(True)`` and ``request(1.5)`` end in ``on_error`` with a ``TypeError`` that names the rule.

        If this fails, check the type as well: a bool compares as a number.
        """
        for n in (True, 1.5):
            self._refused(n, TypeError)

    def test_rule_3_12_cancel_stops_the_source(self) -> None:
        """``cancel`` reaches the source, which stops.

        If this fails, check that the subscription closes what it iterates, and disposes of what it subscribed to.
        """
        publisher, stopped = self.make_tracked_publisher()
        probe = self._start(publisher, Probe(1))
        assert not stopped(), "[RS §3.12] the source was stopped before cancel()"
        self._cancel(probe)
        # A source that is an iterator is closed by being let go.
        gc.collect()
        assert stopped(), "[RS §3.12] cancel() did not stop the source"

    def test_rule_3_13_cancel_drops_the_subscriber(self) -> None:
        """After ``cancel`` neither publisher nor subscription keeps the subscriber alive.

        If this fails, look for the subscriber in closures, queues and lists: ``gc.get_referrers`` tells.
        """
        publisher, probe = self.make_publisher(10), Probe(1)
        self._start(publisher, probe)
        self._cancel(probe)
        link, gone = probe.link, weakref.ref(probe)
        del probe
        gc.collect()
        assert gone() is None, f"[RS §3.13] {publisher!r} or {link!r} keeps a cancelled subscriber"

    def test_rule_3_15_cancel_returns_normally(self) -> None:
        """``cancel`` returns ``None``, whatever the subscriber does.

        If this fails, check that errors of the source's clean-up are logged and not raised.
        """
        for first in (0, 1, 5):
            probe = self._subscribe(3, Probe(first))
            try:
                answer = self._cancel(probe)
            except Exception as error:
                raise AssertionError(f"[RS §3.15] cancel() raised {error!r}") from error
            assert answer is None, f"[RS §3.15] cancel() returned {answer!r}"

    def test_rule_3_16_request_returns_normally(self) -> None:
        """``request`` returns ``None``, also after the end; mistakes come by ``on_error``.

        If this fails, check that wrong arguments and errors of the source are signalled and not raised.
        """
        for schedule in ((1, 5, 1, 0, "1"), (0, 1), ("1", 1)):
            probe = self._subscribe(3)
            for n in schedule:
                try:
                    answer = self._request(probe, n)
                except Exception as error:
                    raise AssertionError(f"[RS §3.16] request({n!r}) raised {error!r}") from error
                assert answer is None, f"[RS §3.16] request({n!r}) returned {answer!r}"

    def test_rule_3_17_demand_is_unbounded_from_2_63(self) -> None:
        """Requests add up to 2⁶³-1 and beyond without an error; all elements come.

        If this fails, check that sums saturate.
        """
        for n in (UNBOUNDED, UNBOUNDED + 1):

            def more(probe: Probe) -> None:
                if len(probe.values) < 3:
                    probe.request(UNBOUNDED)

            probe = self._subscribe(5, Probe(n, on_item=more))
            assert probe.signals[1:] == ["on_next"] * 5 + ["on_complete"], f"[RS §3.17] request({n}): {probe.signals}"

    # Steps

    def _start(self, publisher: Publisher[Any], probe: Probe) -> Probe:
        publisher.subscribe_with(probe)
        self.settle()
        assert probe.signals, "[RS §1.9] subscribe_with() called no on_subscribe"
        return probe

    def _subscribe(self, elements: int, probe: Probe | None = None) -> Probe:
        return self._start(self.make_publisher(elements), probe or Probe())

    def _all(self, elements: int, first: int, again: int = 0) -> Probe:
        return self._asked_on(self._subscribe(elements, Probe(first, again)))

    def _asked_on(self, probe: Probe) -> Probe:
        if self.learns_by_asking and not probe.ends:
            self._request(probe, 1)
        return probe

    def _failed(self) -> Probe:
        publisher = self.make_failed_publisher()
        try:
            return self._asked_on(self._start(publisher, Probe()))
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"[RS §1.4] subscribe_with() raised {error!r}") from error

    def _request(self, probe: Probe, n: Any) -> Any:
        answer = probe.request(n)
        self.settle()
        return answer

    def _cancel(self, probe: Probe) -> Any:
        answer = probe.cancel()
        self.settle()
        return answer

    def _refused(self, n: Any, kind: type[Exception]) -> None:
        probe = self._subscribe(3)
        try:
            self._request(probe, n)
        except Exception as error:
            raise AssertionError(f"[RS §3.9] request({n!r}) raised {error!r} instead of signalling it") from error
        assert probe.signals == ["on_subscribe", "on_error"], f"[RS §3.9] request({n!r}) signalled {probe.signals[1:]}"
        told = probe.errors[0]
        assert isinstance(told, kind), f"[RS §3.9] request({n!r}) gave {told!r}, expected {kind.__name__}"
        assert "3.9" in str(told), f"[RS §3.9] the message doesn't name the rule: {told}"
        self._request(probe, 1)
        assert len(probe.signals) == 2, f"[RS §3.9] after the error came {probe.signals[2:]}"

    def _multicast(self, portion: int) -> None:
        if self.max_subscribers < 2:
            raise SkipTest("untested: max_subscribers is 1, so nobody shares this publisher")
        publisher = self.make_publisher(5)
        probes = [self._start(publisher, Probe()) for _ in range(self.max_subscribers)]
        while min(probe.requested for probe in probes) < 5:
            for probe in probes:
                self._request(probe, portion)
        for probe in probes:
            self._asked_on(probe)
        for probe in probes:
            assert len(probe.values) == 5, f"[RS §1.11] {probe!r}: 5 elements expected"
            assert probe.values == probes[0].values, f"[RS §1.11] {probe.values!r}, another got {probes[0].values!r}"
            assert probe.ends == ["on_complete"], f"[RS §1.11] the ends were {probe.ends}"

    def _need_threads(self) -> None:
        if not self.thread_safe:
            raise SkipTest("untested: thread_safe is False")

    def _many(self, wanted: int) -> int:
        return min(wanted, self.max_elements)


__all__ = ("PublisherConformance",)
