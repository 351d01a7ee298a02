"""Observables and observers without RxPY's safety wrapping.

``Observable.subscribe`` costs 20 to 30 us: a trampoline and an auto-detaching observer around the one that was given.
Our own operators keep the observer contract themselves (nothing after the end or after disposal, errors become
``on_error``), so a chain of them is joined by :func:`connect`, at about 1 us a stage. A foreign observable, or a
foreign observer, still goes through ``subscribe``.

A chain is joined in a loop and each item takes one frame a stage, so some 800 stages fit into Python's default stack.
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


class LeanObserver(abc.ObserverBase[T], abc.DisposableBase, Generic[T, U]):
    """One stage of a chain: passes errors and completion on, exactly once. It is its own subscription.

    A subclass defines ``on_next``, and keeps silent there when ``stopped``; when a user's function raises, it calls
    :meth:`fail`.
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
        try:
            self.on_error(error)
        finally:
            self.dispose()

    def dispose(self) -> None:
        self.stopped = True
        up = self.up
        # Not by recursion: this stage may stand at the foot of a long chain that is delivering.
        while isinstance(up, LeanObserver):
            up.stopped = True
            up = up.up
        if up is not None:
            up.dispose()


class LeanOperator(LeanObservable[U]):
    """An observable that puts one stage below a source; a subclass defines :meth:`stage`."""

    def __init__(self, source: abc.ObservableBase[Any], site: CallSite | None = None) -> None:
        super().__init__()
        self._source, self._site = source, site

    def stage(self, down: abc.ObserverBase[U]) -> LeanObserver[Any, U]:
        """Return a new stage above *down*, with all that is mutable in a subscription."""
        raise NotImplementedError(f"{type(self).__name__} has to define stage().")

    def _subscribe_core(
        self, observer: abc.ObserverBase[U], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        bottom = top = self.stage(observer)
        source = self._source
        # Not by recursion: a long chain would run out of stack before its first item.
        while isinstance(source, LeanOperator):
            top.up = stage = source.stage(top)
            top, source = stage, source._source
        upstream = top.up = connect(source, top, scheduler)
        # Stopped while it was being subscribed: there was nothing to dispose of then.
        if top.stopped:
            upstream.dispose()
        return bottom


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


def check_function(what: str, function: object) -> None:
    """Raise ``TypeError`` where an operator is built with something that can't be called."""
    if not callable(function):
        raise TypeError(f"{what} needs a function, got {function!r}.")


__all__ = ("CallSite", "LeanObservable", "LeanObserver", "LeanOperator", "check_function", "connect")
