from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.constants import MISSING
from rxgraph.flow._lean import CallSite, LeanObserver, LeanOperator, check_function

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


class _Scan(LeanOperator[U]):
    def __init__(self, source: Observable[Any], accumulator: Callable[[Any, Any], U], seed: Any, site: CallSite):
        super().__init__(source, site)
        self._accumulator, self._seed = accumulator, seed

    def stage(self, down: abc.ObserverBase[U]) -> LeanObserver[Any, U]:
        stage = _ScanObserver(down, self._site)
        stage.accumulator, stage.total = self._accumulator, self._seed
        return stage


def scan(accumulator: Callable[[U, T], U], seed: U | Any = MISSING) -> Callable[[Observable[T]], Observable[U]]:
    """Fold the items, and show each intermediate result.

        source   -1-2-3-|
                 scan(lambda total, x: total + x)
        result   -1-3-6-|

    Shapes: ``Observable[T] -> Observable[U]``; without *seed* the first item is the first result.
    Demand: pass-through.
    Order: source order.
    Errors: what *accumulator* raises ends the result, with a note that says where the operator was built.
    Disposal: disposes of the source.
    Args: *seed*: what the first item is folded into. Each subscription starts from it, so don't change it in place.
    Source: ReactiveX ``scan``.
    """
    check_function("scan(accumulator)", accumulator)
    site = CallSite("scan()")
    return lambda source: _Scan(source, accumulator, seed, site)


__all__ = ("scan",)
