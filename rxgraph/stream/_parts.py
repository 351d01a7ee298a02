"""The subject under the mux: the one place through which every event of a run goes.

It is a Subject with one writer: the thread that owns the run. Worker threads hand over through an inbox, so
``seq`` needs no lock and the order of events is one order for all readers.

Parts are routed by mode before any filter sees them: a reader of ``updates`` costs nothing to a ``custom`` event.

A subscriber that raises is taken off, reported to :attr:`Parts.on_subscriber_error`, and nobody else notices. A
part that a subscriber pushes while another is being delivered waits its turn, and so does the end, so that all
readers see one order.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from rxgraph.flow._lean import NOTHING, LeanObservable
from rxgraph.types import Part

Observers = tuple[abc.ObserverBase[Part], ...]


def _log_subscriber_error(observer: abc.ObserverBase[Part], error: Exception) -> None:
    logger = logging.getLogger("rxgraph.stream")
    logger.error("A subscriber of a run raised and was taken off: %r", error, exc_info=error)


class _End:
    """Stands in the backlog for the end of the stream."""

    __slots__ = ("error",)

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class Parts(Subject[Part], LeanObservable[Part]):
    """Number and multicast the parts of one run.

    Shapes: ``Part = (namespace, mode, payload)`` in and out.
    Demand: none here; lossless logs below shut a :class:`~rxgraph.flow.Gate`, and the lane waits for it.
    Order: the order of ``on_next`` calls; ``seq`` is the number of the part that is being delivered, from 1.
    Errors: of a subscriber go to ``on_subscriber_error``; of the run go to every subscriber, once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seq = 0
        self.on_subscriber_error: Callable[[abc.ObserverBase[Part], Exception], None] = _log_subscriber_error
        self._all: Observers = ()
        self._routes: dict[str, Observers] = {}
        self._backlog: deque[Part | _End] = deque()
        self._delivering = False

    def on_next(self, part: Part) -> None:
        """Deliver one part to the readers of its mode."""
        if self._delivering:
            self._backlog.append(part)
            return
        self._delivering = True
        try:
            while True:
                self.seq += 1
                for observer in self._routes.get(part[1], self._all):
                    try:
                        observer.on_next(part)
                    except Exception as error:
                        self._expel(observer, error)
                if not self._backlog:
                    return
                following = self._backlog.popleft()
                if isinstance(following, _End):
                    self._backlog.clear()
                    self._finish(following.error)
                    return
                part = following
        finally:
            self._delivering = False

    def batch_room(self, mode: str) -> int:
        """Return how many parts of a mode :meth:`on_batch` takes now; 0 where they have to come one by one."""
        return 0

    def on_batch(self, mode: str, parts: list[Part]) -> None:
        """Deliver several parts of one mode, no more than there is room for; here one by one."""
        for part in parts:
            self.on_next(part)

    def on_error(self, error: Exception) -> None:
        """End the stream with an error."""
        self._end(error)

    def on_completed(self) -> None:
        """End the stream."""
        self._end(None)

    def route(self, modes: frozenset[str], /) -> Observable[Part]:
        """Return the parts of some modes; parts of other modes cost its subscribers nothing."""
        return _Route(self, modes)

    def _subscribe_core(
        self, observer: abc.ObserverBase[Part], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self._admit(observer, None)

    def _admit(self, observer: abc.ObserverBase[Part], modes: frozenset[str] | None) -> abc.DisposableBase:
        if self.is_stopped:
            if self.exception is not None:
                observer.on_error(self.exception)
            else:
                observer.on_completed()
            return NOTHING
        if modes is None:
            self._all = (*self._all, observer)
            self._routes = {mode: (*known, observer) for mode, known in self._routes.items()}
        else:
            for mode in modes:
                self._routes[mode] = (*self._routes.get(mode, self._all), observer)
        return Disposable(lambda: self._leave(observer, modes))

    def _leave(self, observer: abc.ObserverBase[Part], modes: frozenset[str] | None) -> None:
        if modes is None:
            self._all = _without(self._all, observer)
        self._routes = {
            mode: _without(known, observer) if modes is None or mode in modes else known
            for mode, known in self._routes.items()
        }

    def _end(self, error: Exception | None) -> None:
        if self.is_stopped:
            return
        self.is_stopped = True
        self.exception = error
        if self._delivering:
            self._backlog.append(_End(error))
        else:
            self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        for observer in self._drop_all():
            try:
                if error is None:
                    observer.on_completed()
                else:
                    observer.on_error(error)
            except Exception as raised:
                self._report(observer, raised)

    def _expel(self, observer: abc.ObserverBase[Part], error: Exception) -> None:
        self._all = tuple(o for o in self._all if o is not observer)
        self._routes = {m: tuple(o for o in known if o is not observer) for m, known in self._routes.items()}
        self._report(observer, error)

    def _report(self, observer: abc.ObserverBase[Part], error: Exception) -> None:
        try:
            self.on_subscriber_error(observer, error)
        except Exception as raised:
            _log_subscriber_error(observer, raised)

    def _drop_all(self) -> list[abc.ObserverBase[Part]]:
        # A dict, because one observer may stand in several routes and must hear the end once.
        observers = dict.fromkeys((*self._all, *(o for known in self._routes.values() for o in known)))
        self._all, self._routes = (), {}
        return list(observers)


def _without(observers: Observers, observer: abc.ObserverBase[Part]) -> Observers:
    """Leave one occurrence out."""
    for i, known in enumerate(observers):
        if known is observer:
            return (*observers[:i], *observers[i + 1 :])
    return observers


class _Route(LeanObservable[Part]):
    def __init__(self, mux: Parts, modes: frozenset[str]) -> None:
        super().__init__()
        self._mux, self._modes = mux, modes

    def _subscribe_core(
        self, observer: abc.ObserverBase[Part], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self._mux._admit(observer, self._modes)


__all__ = ("Parts",)
