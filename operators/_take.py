from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.flow._lean import NOTHING, LeanObservable, LeanObserver, LeanOperator

T = TypeVar("T")


class _TakeObserver(LeanObserver[Any, Any]):
    __slots__ = ("left",)
    left: int

    def on_next(self, value: Any) -> None:
        # Nothing is left while the last item is being delivered, and a source may answer it with another one.
        if self.stopped or not self.left:
            return
        self.left -= 1
        self.down.on_next(value)
        if not self.left:
            self.on_completed()
            self.dispose()


class _Take(LeanOperator[T]):
    def __init__(self, source: Observable[T], count: int) -> None:
        super().__init__(source)
        self._count = count

    def stage(self, down: abc.ObserverBase[T]) -> LeanObserver[T, T]:
        stage = _TakeObserver(down)
        stage.left = self._count
        return stage


class _Nothing(LeanObservable[T]):
    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        observer.on_completed()
        return NOTHING


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
    if type(count) is not int:
        raise TypeError(f"take(count) needs an int, got {count!r}.")
    if count < 0:
        raise ValueError(f"take(count) needs count >= 0, got {count}.")
    return lambda source: _Take(source, count) if count else _Nothing()


__all__ = ("take",)
