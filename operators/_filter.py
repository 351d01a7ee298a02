from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.flow._lean import CallSite, LeanObserver, LeanOperator, check_function

T = TypeVar("T")


class _FilterObserver(LeanObserver[Any, Any]):
    __slots__ = ("predicate",)
    predicate: Callable[[Any], Any]

    def on_next(self, value: Any) -> None:
        if self.stopped:
            return
        try:
            # The truth of the answer is asked for in here, because that may raise as well.
            if not self.predicate(value):
                return
        except Exception as error:
            self.fail(error)
            return
        self.down.on_next(value)


class _Filter(LeanOperator[T]):
    def __init__(self, source: Observable[T], predicate: Callable[[T], Any], site: CallSite) -> None:
        super().__init__(source, site)
        self._predicate = predicate

    def stage(self, down: abc.ObserverBase[T]) -> LeanObserver[T, T]:
        stage = _FilterObserver(down, self._site)
        stage.predicate = self._predicate
        return stage


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
    check_function("filter(predicate)", predicate)
    site = CallSite("filter()")
    return lambda source: _Filter(source, predicate, site)


__all__ = ("filter",)
