"""Doors between publishers, observables and iterables; each says what happens to demand."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler import CurrentThreadScheduler

from rxgraph.constants import MISSING, Missing

from ._demand import UNBOUNDED, Demand
from ._lean import LeanObservable
from ._log import BoundedLog, Lagged, Overflow
from ._publisher import Publisher, Subscriber, Subscription

T = TypeVar("T")


def check_subscriber(subscriber: Any) -> None:
    """Raise ``TypeError`` unless *subscriber* has the four methods of one. [RS §1.9]"""
    if not isinstance(subscriber, Subscriber):
        raise TypeError(
            f"subscribe_with() needs a Subscriber with on_subscribe, on_next, on_error and on_complete, "
            f"got {subscriber!r}. [RS §1.9]"
        )


class _Link(ABC, Generic[T]):
    """The subscription of one subscriber.

    Whoever requests, cancels or feeds it only leaves word. One thread at a time delivers, and looks for word before it
    stops: signals are serial, and a request from inside ``on_next`` makes the loop go on, not the stack grow.
    [RS §1.3, §3.3]

    A subscriber that raises is cancelled and logged; neither the source nor the caller of ``request`` hears of it.
    [RS §2.13, §3.16]
    """

    def __init__(self, subscriber: Subscriber[T]) -> None:
        self._subscriber: Subscriber[T] | None = subscriber
        self._demand = Demand()
        self._refusal: Exception | None = None
        self._lock = Lock()
        # Nothing is delivered until on_subscribe() has returned. [RS §1.9]
        self._delivering = True
        self._word = False

    def request(self, n: int, /) -> None:
        try:
            with self._lock:
                self._demand.request(n)
        except (TypeError, ValueError) as error:
            self._refusal = error
        self.deliver()

    def cancel(self) -> None:
        self._subscriber = None
        self.deliver()

    @property
    def is_live(self) -> bool:
        """Whether somebody is still subscribed."""
        return self._subscriber is not None

    def start(self) -> None:
        """Introduce the link to its subscriber."""
        if self._subscriber is not None:
            self._call(self._subscriber.on_subscribe, self)
        self._run()

    def deliver(self) -> None:
        """Deliver what is ready and asked for, or leave word for the thread that is delivering."""
        with self._lock:
            self._word = True
            if self._delivering:
                return
            self._delivering = True
        self._run()

    def end(self, error: Exception | None = None) -> None:
        """Tell the subscriber that there is nothing more."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is None:
            return
        if error is None:
            self._call(subscriber.on_complete)
        else:
            self._call(subscriber.on_error, error)

    @abstractmethod
    def look(self) -> bool:
        """Return whether an item is there; call :meth:`end` when none will come."""

    @abstractmethod
    def take(self) -> T:
        """Return the item that :meth:`look` saw."""

    @abstractmethod
    def release(self) -> None:
        """Let go of the source; may be called again. [RS §3.12, §3.13]"""

    def _run(self) -> None:
        try:
            while True:
                self._word = False
                self._deliver_ready()
                if self._subscriber is None:
                    self.release()
                with self._lock:
                    if not self._word:
                        self._delivering = False
                        return
        except BaseException:
            # Not an error of an element: a KeyboardInterrupt, say. It ends the subscription. [RS §2.13]
            self._subscriber = None
            self._delivering = False
            self.release()
            raise

    def _deliver_ready(self) -> None:
        while (subscriber := self._subscriber) is not None:
            if self._refusal is not None:
                self.end(self._refusal)
            elif self.look():
                # Looking runs the source's code, which may cancel.
                if self._subscriber is None or not self._demand:
                    return
                with self._lock:
                    self._demand.produce()
                self._call(subscriber.on_next, self.take())
            elif self._subscriber is not None:
                return

    def _call(self, method: Callable[..., None], *args: Any) -> None:
        try:
            method(*args)
        except Exception as error:
            self._subscriber = None
            logger = logging.getLogger("rxgraph.flow")
            logger.error("A subscriber raised and was cancelled: %r [RS §2.13]", error, exc_info=error)


class _IterableLink(_Link[T]):
    def __init__(self, subscriber: Subscriber[T], iterable: Iterable[T]) -> None:
        super().__init__(subscriber)
        self._iterable: Iterable[T] = iterable
        self._iterator: Iterator[T] | None = None
        self._ahead: T | Missing = MISSING

    def look(self) -> bool:
        if self._ahead is not MISSING:
            return True
        try:
            if self._iterator is None:
                self._iterator = iter(self._iterable)
            self._ahead = next(self._iterator)
        except StopIteration:
            self.end()
        except Exception as error:
            self.end(error)
        return self._ahead is not MISSING

    def take(self) -> T:
        value, self._ahead = self._ahead, MISSING
        return value  # type: ignore[return-value]  # look() has seen it

    def release(self) -> None:
        iterator, self._iterator, self._iterable, self._ahead = self._iterator, None, (), MISSING
        close = getattr(iterator, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:
                logger = logging.getLogger("rxgraph.flow")
                logger.error("An iterator that was left failed to close: %r", error, exc_info=error)


class _FromIterable(Generic[T]):
    def __init__(self, iterable: Iterable[T]) -> None:
        self._iterable = iterable

    def subscribe_with(self, subscriber: Subscriber[T], /) -> None:
        check_subscriber(subscriber)
        _IterableLink(subscriber, self._iterable).start()


def from_iterable(iterable: Iterable[T]) -> Publisher[T]:
    """Publish an iterable, one item per request.

    Shapes: ``Iterable[T] -> Publisher[T]``; each subscription iterates anew.
    Demand: full; one item is looked at ahead, so that the end comes without a further request. [RS §1.5]
    Errors: what the iterable or its iterator raises becomes ``on_error``.
    Disposal: cancelling closes the iterator, if it can be closed.
    Source: Reactor ``Flux.fromIterable``.
    """
    return _FromIterable(iterable)


class _LogLink(_Link[Any]):
    """Hands out the items of a log, which any one thread may feed."""

    def __init__(self, subscriber: Subscriber[Any], log: BoundedLog[Any]) -> None:
        super().__init__(subscriber)
        self.source = SingleAssignmentDisposable()
        self._log = log
        log.leave = self.source.dispose

    def look(self) -> bool:
        log = self._log
        if not len(log):
            # The callback is left before the second look, so whatever comes after that look is told; and an end is
            # one only if no item was there after it.
            log.listener = self.deliver
            closed = log.is_closed
            if not len(log):
                if closed:
                    self.end(log.error)
                return False
        return True

    def take(self) -> Any:
        return self._log.pop()

    def release(self) -> None:
        self._log.listener = None
        self._log.on_completed()
        self._log.clear()
        self.source.dispose()


class _FromObservable(Generic[T]):
    def __init__(self, source: abc.ObservableBase[T], maxlen: int | None, overflow: Overflow, mark_gaps: bool) -> None:
        if overflow == "suspend":
            raise ValueError(
                "to_publisher(overflow='suspend') can't hold back an observable. Choose what a full log does: "
                "'error', 'drop_oldest', 'drop_latest', 'latest' or 'unbounded'."
            )
        self._source = source
        self._open: Callable[[], BoundedLog[T]] = lambda: BoundedLog(
            maxlen, overflow=overflow, name="to_publisher", mark_gaps=mark_gaps
        )
        # Wrong arguments are told here, not at the first subscription.
        self._open()

    def subscribe_with(self, subscriber: Subscriber[T | Lagged], /) -> None:
        check_subscriber(subscriber)
        log = self._open()
        link = _LogLink(subscriber, log)
        link.start()

        def feed(_scheduler: abc.SchedulerBase, _state: Any = None) -> None:
            if link.is_live:
                try:
                    link.source.disposable = self._source.subscribe(log)
                except Exception as error:
                    log.on_error(error)

        # On RxPY's trampoline the link holds its source before the first item, so that cancel() can stop it.
        CurrentThreadScheduler.singleton().schedule(feed)


def to_publisher(
    source: abc.ObservableBase[T],
    *,
    overflow: Overflow = "error",
    maxlen: int | None = None,
    mark_gaps: bool = False,
) -> Publisher[T | Lagged]:
    """Publish an observable, which knows no demand, through a bounded log.

    Shapes: ``Observable[T] -> Publisher[T]``; with *mark_gaps* a ``Lagged(n)`` stands for *n* dropped items, and
    uses up a request as an item does.
    Demand: unbounded-in, full below; *overflow* says what happens to items that nobody asked for in time.
    Errors: an error of the source comes behind the items before it; ``SlowConsumerError`` under ``error``.
    Disposal: cancelling disposes of the subscription to the source; so does an overflow under ``error``.
    Source: Reactor ``Flux.onBackpressureBuffer``.

    Raises:
        ValueError: ``overflow="suspend"``: an observable can't be suspended. An unknown policy; *maxlen* below 1.
    """
    return _FromObservable(source, maxlen, overflow, mark_gaps)


class _ObserverSubscriber(abc.DisposableBase, Generic[T]):
    def __init__(self, observer: abc.ObserverBase[T], batch: int, scheduler: abc.SchedulerBase) -> None:
        self._observer, self._batch, self._scheduler = observer, batch, scheduler
        self._left = 0
        self._link: Subscription | None = None
        self._done = False

    def on_subscribe(self, subscription: Subscription, /) -> None:
        # A second subscription is refused. [RS §2.5]
        if self._link is not None:
            subscription.cancel()
            return
        self._link = subscription
        if self._done:
            subscription.cancel()
        else:
            self._refill()

    def on_next(self, value: T, /) -> None:
        if self._done:
            return
        self._left -= 1
        try:
            self._observer.on_next(value)
        except Exception:
            self.dispose()
            raise
        if self._left == 0 and not self._done:
            self._refill()

    def on_error(self, error: Exception, /) -> None:
        if not self._done:
            self._done = True
            self._observer.on_error(error)

    def on_complete(self) -> None:
        if not self._done:
            self._done = True
            self._observer.on_completed()

    def dispose(self) -> None:
        # RxPY disposes of a subscription from inside its end, where nothing of the link may be called. [RS §2.3]
        if self._done:
            return
        self._done = True
        if self._link is not None:
            self._link.cancel()

    def _refill(self) -> None:
        self._left = self._batch
        self._scheduler.schedule(self._request)

    def _request(self, _scheduler: abc.SchedulerBase, _state: Any = None) -> None:
        if self._link is not None and not self._done:
            self._link.request(self._batch)


class _FromPublisher(LeanObservable[T]):
    def __init__(self, publisher: Publisher[T], batch: int) -> None:
        super().__init__()
        self._publisher, self._batch = publisher, batch

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        # On RxPY's trampoline the observer holds its disposable before the first item, so that take(n) can stop.
        subscriber = _ObserverSubscriber(observer, self._batch, scheduler or CurrentThreadScheduler.singleton())
        self._publisher.subscribe_with(subscriber)
        return subscriber


def to_observable(publisher: Publisher[T], *, batch: int = UNBOUNDED) -> Observable[T]:
    """Turn a publisher into an RxPY observable.

    Shapes: ``Publisher[T] -> Observable[T]``, cold: each subscription subscribes to the publisher.
    Demand: *batch* items are requested at a time, the next batch when the observer has returned from the last one.
        Each request is one action of the scheduler that is given to ``subscribe``: with ``batch=1``, a
        ``RequestScheduler`` paces the publisher item by item.
    Errors: passed on. An observer that raises is cancelled, and the publisher is told.
    Disposal: cancels the subscription.
    Source: RxJava ``Flowable.toObservable``.

    Raises:
        TypeError, ValueError: *batch* is not a whole number above zero.
    """
    Demand.check(batch, "to_observable(batch=...)")
    return _FromPublisher(publisher, batch)


__all__ = ("check_subscriber", "from_iterable", "to_observable", "to_publisher")
