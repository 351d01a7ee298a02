from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivex import Observable
from reactivex import compose as _compose


def pipe(*operators: Callable[[Any], Any]) -> Callable[[Observable[Any]], Any]:
    """Join several operators into one, left to right.

        source   -1-2-3-4-|
                 pipe(filter(lambda x: x > 2), map(lambda x: x * 2))
        result   -----6-8-|

    Shapes: ``Observable[A] -> Observable[B]`` and ``Observable[B] -> Observable[C]`` give ``Observable[A] ->
    Observable[C]``; without arguments, the source itself.
    Demand: pass-through; what the operators do with it.
    Errors: passed on.
    Source: RxPY ``compose``.
    """
    return _compose(*operators)


__all__ = ("pipe",)
