"""Observables and observers without RxPY's safety wrapping.

``Observable.subscribe`` costs 20 to 30 us: a trampoline and an auto-detaching observer around the one that was given.
Our own operators keep the observer contract themselves (nothing after the end, errors become ``on_error``), so a
chain of them is joined by :func:`connect`, at about 1 us a stage. A foreign observable, or a foreign observer, still
goes through ``subscribe``.
"""

from __future__ import annotations

from sys import _getframe
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

T = TypeVar("T")
U = TypeVar("U")


class LeanObservable(Observable[T]):
    """Marks an observable whose ``_subscribe_core`` keeps the observer contract by itself."""


class LeanObserver(abc.ObserverBase[T], Generic[T, U]):
    """One stage of a chain: passes errors and completion on, exactly once.

    A subclass defines ``on_next``; when a user's function raises there, it calls :meth:`fail`.
    """

    __slots__ = ("down", "site", "stopped", "up")

    def __init__(self, down: abc.ObserverBase[U], site: CallSite | None = None) -> None:
        self.down = down
        self.site = site
        self.up: abc.DisposableBase | None = None
        self.stopped = False

    def on_error(self, error: Exception) -> None:
        if not self.stopped:
            self.stopped = True
            self.down.on_error(error)

    def on_completed(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.down.on_completed()

    def fail(self, error: Exception) -> None:
        """End the chain below with the error of a user's function, and leave the source."""
        if self.site is not None:
            error.add_note(str(self.site))
        self.on_error(error)
        if self.up is not None:
            self.up.dispose()


class CallSite:
    """Where a user built an operator; formatted only when an error needs it."""

    __slots__ = ("file", "line", "what")

    def __init__(self, what: str, depth: int = 2) -> None:
        frame = _getframe(depth)
        self.what, self.file, self.line = what, frame.f_code.co_filename, frame.f_lineno

    def __str__(self) -> str:
        return f"{self.what} built at {self.file}:{self.line}"


NOTHING = Disposable()
"""A disposable with nothing to dispose of."""


def connect(
    source: abc.ObservableBase[T], observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
) -> abc.DisposableBase:
    """Subscribe *observer*, without RxPY's wrapping where the source is one of ours."""
    if isinstance(source, LeanObservable):
        return source._subscribe_core(observer, scheduler)
    return source.subscribe(observer, scheduler=scheduler)


def join(source: abc.ObservableBase[T], stage: LeanObserver[T, Any], scheduler: Any = None) -> abc.DisposableBase:
    """Put *stage* below *source* and let it leave the source when it fails."""
    upstream = connect(source, stage, scheduler)
    stage.up = upstream
    if stage.stopped:
        upstream.dispose()
    return upstream


__all__ = ("CallSite", "LeanObservable", "LeanObserver", "connect", "join")
