"""The rules of Reactive Streams 1.0.4 for subscribers and for processors, which are both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar
from unittest import SkipTest

from rxgraph.flow import Publisher, Subscriber, from_iterable
from rxgraph.testing._probe import Probe, on_threads, raised
from rxgraph.testing._publishers import PublisherConformance


class Link:
    """A subscription that is played by hand, and notes what its subscriber asks of it."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.cancels = 0

    def request(self, n: int, /) -> None:
        self.requests.append(n)

    def cancel(self) -> None:
        self.cancels += 1

    @property
    def calls(self) -> int:
        """Requests and cancellations so far."""
        return len(self.requests) + self.cancels


class SubscriberConformance:
    """Tests that a subscriber keeps the rules; subclass it under a name that your runner collects.

    ``make_subscriber`` is all it needs. Rules that want more of you are skipped, and say what they want.
    """

    untestable: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "2.2": "whether a subscriber hands off what would take long is a matter of time",
            "2.7": "overlapping calls of request() and cancel() can be provoked only by luck",
            "2.12": "a duty of whoever calls on_subscribe(): PublisherConformance tests it",
        }
    )
    """Rules of section 2 that no test can see broken, each with the reason."""

    def make_subscriber(self) -> Subscriber[Any]:
        """Return a new subscriber that was not introduced yet."""
        raise NotImplementedError("Override make_subscriber() to return a new subscriber.")

    def make_failing_subscriber(self) -> Subscriber[Any]:
        """Return a subscriber whose user code raises at each element."""
        raise SkipTest("untested: make_failing_subscriber() is not overridden")

    def element(self, n: int) -> Any:
        """Return the *n*-th element to feed; override it for subscribers that are particular."""
        return n

    def received(self, subscriber: Any) -> Sequence[Any]:
        """Return the elements that reached the user of *subscriber*."""
        raise SkipTest("untested: received() is not overridden")

    def stop(self, subscriber: Any) -> None:
        """Make *subscriber* lose its interest, as its user would."""
        raise SkipTest("untested: stop() is not overridden")

    def trigger(self, subscriber: Any) -> None:
        """Make *subscriber* ask for an element; override it where only a user's pull does that."""

    def test_rule_2_01_demands_through_request(self) -> None:
        """A subscriber asks for elements by ``request(n)`` with a whole number above zero, and again for more.

        If this fails, check that ``on_subscribe`` or the first pull asks, and that it asks again when all is used up.
        """
        subscriber, link = self._introduced()
        for n in range(3):
            self.trigger(subscriber)
            asked = sum(link.requests)
            assert asked > n, f"[RS §2.1] after {n} elements {asked} are requested: {link.requests}"
            subscriber.on_next(self.element(n))
        wrong = [n for n in link.requests if type(n) is not int or n < 1]
        assert not wrong, f"[RS §2.1, §3.9] request() got {wrong}"

    def test_rule_2_03_terminal_handlers_call_nothing(self) -> None:
        """``on_complete`` and ``on_error`` call neither ``request`` nor ``cancel``.

        If this fails, check that an end disposes of nothing that leads back to the subscription.
        """
        for end in (_complete, _fail):
            subscriber, link = self._introduced()
            before = link.calls
            end(subscriber)
            assert link.calls == before, f"[RS §2.3] {end.__name__[1:]}: the subscription was called inside the end"

    def test_rule_2_04_the_end_cancels(self) -> None:
        """After an end a subscriber asks for nothing more.

        If this fails, check that the end is noted before a pull looks at it.
        """
        for end in (_complete, _fail):
            subscriber, link = self._introduced()
            end(subscriber)
            before = len(link.requests)
            self.trigger(subscriber)
            assert len(link.requests) == before, f"[RS §2.4] requests after the end: {link.requests[before:]}"

    def test_rule_2_05_second_subscription_is_cancelled(self) -> None:
        """A second ``on_subscribe`` is answered by ``cancel`` of the second; the first goes on.

        If this fails, check that ``on_subscribe`` looks whether there is a subscription.
        """
        subscriber, first = self._introduced()
        second = Link()
        subscriber.on_subscribe(second)
        self.trigger(subscriber)
        assert second.cancels, "[RS §2.5] the second subscription was not cancelled"
        assert not second.requests, f"[RS §2.5] the second subscription was asked for {second.requests}"
        assert not first.cancels, "[RS §2.5] the first subscription was cancelled"

    def test_rule_2_06_cancels_when_not_interested(self) -> None:
        """A subscriber that needs nothing more cancels.

        If this fails, check that leaving, disposing and dropping all reach ``Subscription.cancel``.
        """
        subscriber, link = self._introduced()
        self.stop(subscriber)
        assert link.cancels, "[RS §2.6] the subscription was not cancelled"
        late, link = self.make_subscriber(), Link()
        self.stop(late)
        late.on_subscribe(link)
        self.trigger(late)
        assert link.cancels, "[RS §2.6] a subscriber that was stopped before on_subscribe() did not cancel"

    def test_rule_2_08_elements_after_cancel_are_tolerated(self) -> None:
        """Elements and the end may come after ``cancel``: they were on their way.

        If this fails, check that ``on_next`` looks whether anybody is left to tell.
        """
        subscriber, _ = self._introduced()
        self.trigger(subscriber)
        self.stop(subscriber)
        try:
            subscriber.on_next(self.element(0))
            subscriber.on_complete()
        except Exception as error:
            raise AssertionError(f"[RS §2.8] a signal after cancel raised {error!r}") from error

    def test_rule_2_09_completes_with_and_without_request(self) -> None:
        """``on_complete`` may come before and after a request.

        If this fails, check that the end needs no state that only an element sets up.
        """
        self._ends("2.9", _complete)

    def test_rule_2_10_fails_with_and_without_request(self) -> None:
        """``on_error`` may come before and after a request.

        If this fails, check that the error needs no state that only an element sets up.
        """
        self._ends("2.10", _fail)

    def test_rule_2_11_signals_from_any_thread_are_seen(self) -> None:
        """Elements that come on several threads, one after the other, are all seen, in their order.

        If this fails, check for state that is kept by thread.
        """
        subscriber, _ = self._introduced()
        self.received(subscriber)
        for n in range(5):
            self.trigger(subscriber)
            on_threads(_feeding(subscriber, self.element(n)))
        got, fed = list(self.received(subscriber)), [self.element(n) for n in range(5)]
        assert got == fed, f"[RS §2.11] fed {fed}, seen {got}"

    def test_rule_2_13_handlers_return_normally(self) -> None:
        """Each handler returns ``None``.

        If this fails, check that nothing is raised in the handlers, and that they are plain functions.
        """
        for end in (_complete, _fail):
            subscriber, link = self.make_subscriber(), Link()
            try:
                answers: list[Any] = [_answer(subscriber.on_subscribe, link)]
                self.trigger(subscriber)
                answers += [_answer(subscriber.on_next, self.element(0)), end(subscriber)]
            except Exception as error:
                raise AssertionError(f"[RS §2.13] a handler raised {error!r}") from error
            assert answers == [None] * 3, f"[RS §2.13] the handlers returned {answers}"

    def test_rule_2_13_failing_user_code_cancels(self) -> None:
        """When the user's code raises, the subscription is cancelled, and nothing more is asked for.

        If this fails, check that ``on_next`` cancels before it lets an error out.
        """
        subscriber, link = self.make_failing_subscriber(), Link()
        subscriber.on_subscribe(link)
        self.trigger(subscriber)
        # Whether the error comes out here is the subscriber's own affair.
        error = raised(lambda: subscriber.on_next(self.element(0)))
        before = len(link.requests)
        self.trigger(subscriber)
        assert link.cancels, f"[RS §2.13] the user's code raised ({error!r}), and the subscription was not cancelled"
        assert len(link.requests) == before, "[RS §2.13] it asked for more after the user's code had raised"

    def _introduced(self) -> tuple[Subscriber[Any], Link]:
        subscriber, link = self.make_subscriber(), Link()
        subscriber.on_subscribe(link)
        return subscriber, link

    def _ends(self, rule: str, end: Callable[[Subscriber[Any]], Any]) -> None:
        for asked in (False, True):
            subscriber, _ = self._introduced()
            if asked:
                self.trigger(subscriber)
            try:
                end(subscriber)
            except Exception as error:
                raise AssertionError(f"[RS §{rule}] the end raised {error!r} (requested: {asked})") from error


def _answer(method: Callable[..., Any], *args: Any) -> Any:
    return method(*args)


def _complete(subscriber: Subscriber[Any]) -> Any:
    return _answer(subscriber.on_complete)


def _fail(subscriber: Subscriber[Any]) -> Any:
    return _answer(subscriber.on_error, RuntimeError("on purpose"))


def _feeding(subscriber: Subscriber[Any], value: Any) -> Callable[[], None]:
    return lambda: subscriber.on_next(value)


class Source:
    """A publisher that is played by hand."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.subscribers: list[Subscriber[Any]] = []

    def subscribe_with(self, subscriber: Subscriber[Any], /) -> None:
        if subscriber is None:
            raise TypeError("subscribe_with() needs a subscriber, got None. [RS §1.9]")
        link = Link()
        self.links.append(link)
        self.subscribers.append(subscriber)
        subscriber.on_subscribe(link)

    def emit(self, value: Any) -> None:
        for subscriber in list(self.subscribers):
            subscriber.on_next(value)

    def fail(self, error: Exception) -> None:
        for subscriber in list(self.subscribers):
            subscriber.on_error(error)


class ProcessorConformance(PublisherConformance):
    """Tests that what stands between two publishers keeps the rules of both sides; it is a publisher suite as well.

    ``make_processor`` puts it below a publisher. It has to pass on one element for each that it gets.

    Example:
        >>> from rxgraph.flow import to_observable, to_publisher
        >>> class TestMine(ProcessorConformance):
        ...     def make_processor(self, upstream):
        ...         return to_publisher(to_observable(upstream, batch=1), overflow="unbounded")
    """

    recovers: bool = False
    """Whether an error of the source is not passed on, but answered by leaving the source. [RS §4.2]"""

    def make_processor(self, upstream: Publisher[Any]) -> Publisher[Any]:
        """Return the processor below *upstream*, as a publisher."""
        raise NotImplementedError("Override make_processor() to return a publisher that stands below another one.")

    def make_publisher(self, elements: int) -> Publisher[Any]:
        return self.make_processor(from_iterable(range(elements)))

    def make_failed_publisher(self) -> Publisher[Any]:
        if self.recovers:
            raise SkipTest("untested: this processor recovers, so an error of the source is none of its own")
        return self.make_processor(from_iterable(_Broken()))

    def test_rule_4_01_demand_reaches_the_source(self) -> None:
        """A request below becomes a request above, by which elements come through in their order.

        If this fails, check that the processor asks its source, now or when it is asked.
        """
        source, probe = self._below()
        self._request(probe, 2)
        link = source.links[0]
        assert link.requests, "[RS §4.1] the source was not asked for anything"
        assert all(type(n) is int and n > 0 for n in link.requests), f"[RS §4.1] it was asked for {link.requests}"
        self._emit(source, 1)
        assert len(probe.values) == 1, f"[RS §4.1] 1 element was emitted, {len(probe.values)} came out"

    def test_rule_4_01_cancel_reaches_the_source(self) -> None:
        """``cancel`` below becomes ``cancel`` above.

        If this fails, check that the processor disposes of its own subscription when it is cancelled.
        """
        source, probe = self._below()
        self._request(probe, 1)
        self._cancel(probe)
        assert source.links[0].cancels, "[RS §4.1] the source was not cancelled"

    def test_rule_4_01_second_source_is_refused(self) -> None:
        """As a subscriber too it keeps the rules: a second subscription is cancelled. [RS §2.5]

        If this fails, check that ``on_subscribe`` looks whether there is a source.
        """
        source, probe = self._below()
        self._request(probe, 1)
        second = Link()
        source.subscribers[0].on_subscribe(second)
        self.settle()
        assert second.cancels, "[RS §4.1, §2.5] a second source was not cancelled"

    def test_rule_4_02_errors_are_passed_on_or_recovered(self) -> None:
        """An error of the source comes out at once; a processor that recovers doesn't let it out.

        If this fails, check that the error neither waits for demand nor is swallowed.
        """
        source, probe = self._below()
        self._fail(source, error := RuntimeError("on purpose"))
        if self.recovers:
            assert "on_error" not in probe.ends, "[RS §4.2] a processor that recovers passed the error on"
        else:
            assert probe.errors == [error], f"[RS §4.2] the source failed, signals were {probe.signals}"

    def test_rule_4_1_long_ago_demand_is_remembered(self) -> None:
        """Elements that were asked for long ago still come when the source has them.

        If this fails, check that demand is kept while nothing is there.
        """
        source, probe = self._below()
        self._request(probe, 2)
        for n in range(2):
            assert sum(source.links[0].requests) > n, f"[RS §4.1] the source was asked for {source.links[0].requests}"
            self._emit(source, n)
            assert len(probe.values) == n + 1, f"[RS §4.1] {n + 1} elements emitted, {len(probe.values)} came"

    def test_rule_4_2_everyone_hears_of_an_error(self) -> None:
        """An error of the source reaches all subscribers, with and without demand.

        If this fails, check that one subscriber's failure doesn't end the round.
        """
        if self.max_subscribers < 2 or self.recovers:
            raise SkipTest("untested: one subscriber, or a processor that recovers")
        source = Source()
        processor = self.make_processor(source)
        probes = [self._start(processor, Probe(first)) for first in (0, 1, 5)[: self.max_subscribers]]
        self._fail(source, RuntimeError("on purpose"))
        for probe in probes:
            assert probe.ends == ["on_error"], f"[RS §4.2] {probe!r} did not hear of the error"

    def _below(self) -> tuple[Source, Probe]:
        source = Source()
        probe = self._start(self.make_processor(source), Probe())
        if not source.links:
            # A processor that waits for its first request has no source yet.
            self._request(probe, 1)
        assert source.links, "[RS §4.1] the processor never subscribed to its source"
        return source, probe

    def _emit(self, source: Source, value: Any) -> None:
        source.emit(value)
        self.settle()

    def _fail(self, source: Source, error: Exception) -> None:
        source.fail(error)
        self.settle()


class _Broken:
    def __iter__(self) -> Any:
        raise RuntimeError("on purpose")


__all__ = ("ProcessorConformance", "SubscriberConformance")
