from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.flow._lean import CallSite, LeanObservable, LeanObserver, join

T = TypeVar("T")


class _FilterObserver(LeanObserver[Any, Any]):
    __slots__ = ("predicate",)
    predicate: Callable[[Any], Any]

    def on_next(self, value: Any) -> None:
        if self.stopped:
            return
        try:
            passes = self.predicate(value)
        except Exception as error:
            self.fail(error)
        else:
            if passes:
                self.down.on_next(value)


class _Filter(LeanObservable[T]):
    def __init__(self, source: Observable[T], predicate: Callable[[T], Any], site: CallSite) -> None:
        super().__init__()
        self._source, self._predicate, self._site = source, predicate, site

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        stage = _FilterObserver(observer, self._site)
        stage.predicate = self._predicate
        return join(self._source, stage, scheduler)


def filter(predicate: Callable[[T], Any]) -> Callable[[Observable[T]], Observable[T]]:
    """Keep the items that pass a test.

        source   -1-2-3-4-|
                 filter(lambda x: x % 2 == 0)
        result   ---2---4-|

    Shapes: ``Observable[T] -> Observable[T]``.
    Demand: pass-through; an item that fails the test is not made up for.
    Order: source order, with gaps.
    Errors: what *predicate* raises ends the result, with a note that says where the operator was built.
    Disposal: disposes of the source.
    Source: ReactiveX ``filter``.
    """
    site = CallSite("filter()")
    return lambda source: _Filter(source, predicate, site)


__all__ = ("filter",)
