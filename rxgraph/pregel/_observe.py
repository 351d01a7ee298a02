"""A run as a cold RxPY observable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.scheduler import CurrentThreadScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler

from rxgraph.flow._lean import connect

from .lanes import AsyncLane, SyncLane, Wiring
from .lanes._driving import Turns, start_on


class OpenRun(Protocol):
    """A run that is wired up and not yet started."""

    @property
    def wiring(self) -> Wiring: ...

    @property
    def items(self) -> Observable[Any]: ...

    def sync(self) -> SyncLane: ...

    def asynchronous(self) -> AsyncLane: ...


def observe_run(open_run: Callable[[], OpenRun]) -> Observable[Any]:
    """Return an observable that opens and drives a run for each subscription."""

    def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        run = open_run()
        connect(run.items, observer)
        if isinstance(scheduler, AsyncIOScheduler):
            cancel = start_on(scheduler._loop, run.asynchronous(), run.wiring)
            run.wiring.mux.on_subscriber_error = partial(_fail, cancel)
            return Disposable(cancel)
        turns = Turns(run.sync(), run.wiring)
        run.wiring.mux.on_subscriber_error = partial(_fail, turns.abandon)
        # On RxPY's trampoline the subscriber holds its disposable before the first item, so that take(n) can stop.
        turns.start(scheduler or CurrentThreadScheduler.singleton())
        return Disposable(turns.abandon)

    return Observable(subscribe)


def _fail(abandon: Callable[[], None], observer: abc.ObserverBase[Any], error: Exception) -> None:
    """Tell a subscriber that raised about its error; nobody else reads its run, which ends with it."""
    abandon()
    observer.on_error(error)


__all__ = ("observe_run",)
