from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxgraph.flow._lean import CallSite, LeanObserver, LeanOperator, check_function

T = TypeVar("T")
U = TypeVar("U")


class MapObserver(LeanObserver[Any, Any]):
    """The stage of :func:`map`."""

    __slots__ = ("mapper",)
    mapper: Callable[[Any], Any]

    def on_next(self, value: Any) -> None:
        if self.stopped:
            return
        try:
            result = self.mapper(value)
        except Exception as error:
            self.fail(error)
        else:
            self.down.on_next(result)


class _Map(LeanOperator[U]):
    def __init__(self, source: Observable[Any], mapper: Callable[[Any], U], site: CallSite) -> None:
        super().__init__(source, site)
        self._mapper = mapper

    def stage(self, down: abc.ObserverBase[U]) -> LeanObserver[Any, U]:
        stage = MapObserver(down, self._site)
        stage.mapper = self._mapper
        return stage


def map(mapper: Callable[[T], U]) -> Callable[[Observable[T]], Observable[U]]:
    """Apply a function to each item.

        source   -1-2-3--|
                 map(lambda x: x * 10)
        result   -a-b-c--|    a=10 b=20 c=30

    Shapes: ``Observable[T] -> Observable[U]``.
    Demand: pass-through.
    Order: source order.
    Errors: what *mapper* raises ends the result, with a note that says where the operator was built.
    Disposal: disposes of the source.
    Source: ReactiveX ``map``.
    """
    check_function("map(mapper)", mapper)
    site = CallSite("map()")
    return lambda source: _Map(source, mapper, site)


__all__ = ("MapObserver", "map")
