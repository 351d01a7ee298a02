from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.flow._lean import NOTHING, LeanObservable, LeanObserver, join

T = TypeVar("T")


class _TakeObserver(LeanObserver[Any, Any]):
    __slots__ = ("left",)
    left: int

    def on_next(self, value: Any) -> None:
        if self.stopped:
            return
        self.left -= 1
        self.down.on_next(value)
        if self.left == 0:
            self.on_completed()
            if self.up is not None:
                self.up.dispose()


class _Take(LeanObservable[T]):
    def __init__(self, source: Observable[T], count: int) -> None:
        super().__init__()
        self._source, self._count = source, count

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        if self._count == 0:
            observer.on_completed()
            return NOTHING
        stage = _TakeObserver(observer)
        stage.left = self._count
        return join(self._source, stage, scheduler)


def take(count: int) -> Callable[[Observable[T]], Observable[T]]:
    """Pass the first *count* items on, then complete and leave the source.

        source   -1-2-3-4-|
                 take(2)
        result   -1-(2|)

    Shapes: ``Observable[T] -> Observable[T]``; at most *count* items.
    Demand: pass-through.
    Order: source order.
    Errors: passed on, unless the last item came first; ``ValueError`` for a negative *count*.
    Disposal: disposes of the source, also after the last item.
    Source: ReactiveX ``take``.
    """
    if count < 0:
        raise ValueError(f"take(count) needs count >= 0, got {count}.")
    return lambda source: _Take(source, count)


__all__ = ("take",)
