from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.constants import MISSING
from rxgraph.flow._lean import CallSite, LeanObservable, LeanObserver, join

T = TypeVar("T")
U = TypeVar("U")


class _ScanObserver(LeanObserver[Any, Any]):
    __slots__ = ("accumulator", "total")
    accumulator: Callable[[Any, Any], Any]
    total: Any

    def on_next(self, value: Any) -> None:
        if self.stopped:
            return
        try:
            total = value if self.total is MISSING else self.accumulator(self.total, value)
        except Exception as error:
            self.fail(error)
        else:
            self.total = total
            self.down.on_next(total)


class _Scan(LeanObservable[U]):
    def __init__(self, source: Observable[Any], accumulator: Callable[[Any, Any], U], seed: Any, site: CallSite):
        super().__init__()
        self._source, self._accumulator, self._seed, self._site = source, accumulator, seed, site

    def _subscribe_core(
        self, observer: abc.ObserverBase[U], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        stage = _ScanObserver(observer, self._site)
        stage.accumulator, stage.total = self._accumulator, self._seed
        return join(self._source, stage, scheduler)


def scan(accumulator: Callable[[U, T], U], seed: U | Any = MISSING) -> Callable[[Observable[T]], Observable[U]]:
    """Fold the items, and show each intermediate result.

        source   -1-2-3-|
                 scan(lambda total, x: total + x)
        result   -1-3-6-|

    Shapes: ``Observable[T] -> Observable[U]``; without *seed* the first item is the first result.
    Demand: pass-through.
    Order: source order.
    Errors: what *accumulator* raises ends the result, with a note that says where the operator was built.
    Disposal: disposes of the source. The total belongs to one subscription.
    Source: ReactiveX ``scan``.
    """
    site = CallSite("scan()")
    return lambda source: _Scan(source, accumulator, seed, site)


__all__ = ("scan",)
