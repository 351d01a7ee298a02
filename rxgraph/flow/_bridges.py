"""Doors between publishers, observables and iterables; each says what happens to demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from rxgraph.constants import MISSING, Missing

from ._demand import UNBOUNDED, Demand
from ._lean import LeanObservable
from ._log import BoundedLog, Lagged, Overflow
from ._publisher import Publisher, Subscriber
from ._scheduler import RequestScheduler

T = TypeVar("T")


def check_subscriber(subscriber: Any) -> None:
    """Raise ``TypeError`` unless *subscriber* has the four methods of one. [RS §1.9]"""
    if not isinstance(subscriber, Subscriber):
        raise TypeError(
            f"subscribe_with() needs a Subscriber with on_subscribe, on_next, on_error and on_complete, "
            f"got {subscriber!r}. [RS §1.9]"
        )


class _Link(Generic[T]):
    """A subscription that hands out items of *pull* one by one, each as one action of a :class:`RequestScheduler`.

    ``pull`` returns ``MISSING`` when nothing is ready, and raises ``StopIteration`` at the end.
    """

    def __init__(self, subscriber: Subscriber[T]) -> None:
        self.subscriber: Subscriber[T] | None = subscriber
        self.scheduler = RequestScheduler()

    def request(self, n: int, /) -> None:
        subscriber = self.subscriber
        if subscriber is None:
            return
        try:
            Demand.check(n, repr(subscriber))
        except (TypeError, ValueError) as error:
            self.cancel()
            subscriber.on_error(error)
            return
        self.scheduler.request(n)

    def cancel(self) -> None:
        self.subscriber = None
        self.scheduler.cancel()


class _IterableLink(_Link[T]):
    def __init__(self, subscriber: Subscriber[T], iterator: Iterator[T]) -> None:
        super().__init__(subscriber)
        self.iterator = iterator
        self.ahead: T | Missing = MISSING

    def start(self) -> None:
        self._look_ahead()
        if self.subscriber is not None:
            self.scheduler.schedule(self._emit)

    def _emit(self, scheduler: abc.SchedulerBase, state: Any = None) -> None:
        subscriber = self.subscriber
        if subscriber is None or self.ahead is MISSING:
            return
        value, self.ahead = self.ahead, MISSING
        subscriber.on_next(value)
        self._look_ahead()
        if self.subscriber is not None:
            scheduler.schedule(self._emit)

    def _look_ahead(self) -> None:
        subscriber = self.subscriber
        if subscriber is None:
            return
        try:
            self.ahead = next(self.iterator)
        except StopIteration:
            self.cancel()
            subscriber.on_complete()
        except Exception as error:
            self.cancel()
            subscriber.on_error(error)


class _FromIterable(Generic[T]):
    def __init__(self, iterable: Iterable[T]) -> None:
        self._iterable = iterable

    def subscribe_with(self, subscriber: Subscriber[T], /) -> None:
        check_subscriber(subscriber)
        link = _IterableLink(subscriber, iter(self._iterable))
        subscriber.on_subscribe(link)
        link.start()


def from_iterable(iterable: Iterable[T]) -> Publisher[T]:
    """Publish an iterable, one item per request.

    Shapes: ``Iterable[T] -> Publisher[T]``; each subscription iterates anew.
    Demand: full; one item is looked at ahead, so that the end comes without a further request. [RS §1.5]
    Errors: what the iterator raises becomes ``on_error``.
    Source: Reactor ``Flux.fromIterable``.
    """
    return _FromIterable(iterable)


class _LogLink(_Link[Any]):
    """Hands out the items of a log; each arrival queues one action, so nothing is polled."""

    def __init__(self, subscriber: Subscriber[Any], log: BoundedLog[Any]) -> None:
        super().__init__(subscriber)
        self.log = log
        self.source = SingleAssignmentDisposable()

    def arm(self) -> None:
        if len(self.log):
            self.scheduler.schedule(self._emit)
        elif self.log.is_closed:
            self._end()
        else:
            self.log.listener = self.arm

    def cancel(self) -> None:
        super().cancel()
        self.source.dispose()
        self.log.clear()

    def _emit(self, scheduler: abc.SchedulerBase, state: Any = None) -> None:
        if self.subscriber is not None and len(self.log):
            self.subscriber.on_next(self.log.pop())
        self.arm()

    def _end(self) -> None:
        subscriber, self.subscriber = self.subscriber, None
        if subscriber is None:
            return
        try:
            self.log.raise_error()
        except Exception as error:
            subscriber.on_error(error)
        else:
            subscriber.on_complete()


class _FromObservable(Generic[T]):
    def __init__(self, source: abc.ObservableBase[T], maxlen: int | None, overflow: Overflow) -> None:
        if overflow == "suspend":
            raise ValueError(
                "to_publisher(overflow='suspend') can't hold back an observable. Choose what a full log does: "
                "'error', 'drop_oldest', 'drop_latest', 'latest' or 'unbounded'."
            )
        self._source, self._maxlen, self._overflow = source, maxlen, overflow

    def subscribe_with(self, subscriber: Subscriber[T | Lagged], /) -> None:
        check_subscriber(subscriber)
        log = BoundedLog[T](self._maxlen, overflow=self._overflow, name="to_publisher")
        link = _LogLink(subscriber, log)
        subscriber.on_subscribe(link)
        link.arm()
        link.source.disposable = self._source.subscribe(log)


def to_publisher(
    source: abc.ObservableBase[T], *, overflow: Overflow = "error", maxlen: int | None = None
) -> Publisher[T | Lagged]:
    """Publish an observable, which knows no demand, through a bounded log.

    Shapes: ``Observable[T] -> Publisher[T]``.
    Demand: unbounded-in, full below; *overflow* says what happens to items that nobody asked for in time.
    Errors: an error of the source comes behind the items before it; ``SlowConsumerError`` under ``error``.
    Disposal: cancelling disposes of the subscription to the source.
    Source: Reactor ``Flux.onBackpressureBuffer``.

    Raises:
        ValueError: ``overflow="suspend"``: an observable can't be suspended.
    """
    return _FromObservable(source, maxlen, overflow)


class _ObserverSubscriber(Generic[T]):
    def __init__(self, observer: abc.ObserverBase[T], prefetch: int) -> None:
        self.observer, self.batch = observer, prefetch
        self.left = 0
        self.link: Any = None
        self.disposed = False

    def on_subscribe(self, subscription: Any, /) -> None:
        if self.link is not None:
            subscription.cancel()
            return
        self.link = subscription
        self._refill()

    def on_next(self, value: T, /) -> None:
        if self.disposed:
            return
        self.left -= 1
        self.observer.on_next(value)
        if self.left == 0 and not self.disposed:
            self._refill()

    def on_error(self, error: Exception, /) -> None:
        self.observer.on_error(error)

    def on_complete(self) -> None:
        self.observer.on_completed()

    def dispose(self) -> None:
        self.disposed = True
        if self.link is not None:
            self.link.cancel()

    def _refill(self) -> None:
        self.left = self.batch
        self.link.request(self.batch)


class _FromPublisher(LeanObservable[T]):
    def __init__(self, publisher: Publisher[T], batch: int) -> None:
        super().__init__()
        self._publisher, self._batch = publisher, batch

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        subscriber = _ObserverSubscriber(observer, self._batch)
        self._publisher.subscribe_with(subscriber)
        return Disposable(subscriber.dispose)


def to_observable(publisher: Publisher[T], *, batch: int = UNBOUNDED) -> Observable[T]:
    """Turn a publisher into an RxPY observable.

    Shapes: ``Publisher[T] -> Observable[T]``, cold: each subscription subscribes to the publisher.
    Demand: *batch* items are requested at a time, the next batch when the observer has returned from the last one.
    Disposal: cancels the subscription.
    Source: RxJava ``Flowable.toObservable``.
    """
    Demand.check(batch, "to_observable")
    return _FromPublisher(publisher, batch)


__all__ = ("check_subscriber", "from_iterable", "to_observable", "to_publisher")
