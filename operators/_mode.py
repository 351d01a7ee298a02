from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from reactivex import Observable

from rxgraph.flow._lean import CallSite

from ._filter import _Filter


@runtime_checkable
class Routed(Protocol):
    """A source of parts that can deliver some modes without showing the others to anybody: the mux of a run."""

    def route(self, modes: frozenset[str], /) -> Observable[Any]: ...


def mode(*modes: str) -> Callable[[Observable[Any]], Observable[Any]]:
    """Keep the stream parts of some modes.

        source   -u-c-v-u-|    u=((),"updates",1) c=((),"custom",2) v=((),"values",3)
                 mode("updates")
        result   -u-----u-|

    Shapes: ``Observable[(ns, mode, payload)]`` in and out.
    Demand: pass-through.
    Order: source order, with gaps.
    Errors: passed on.
    Disposal: disposes of the source.
    Args: *modes*: stream modes. On a mux the parts are routed, so other modes cost this reader nothing.
    Source: a filter; routing by key is Reactor ``groupBy`` with known keys.
    """
    if not modes:
        raise ValueError("mode() needs at least one stream mode, e.g. mode('updates').")
    for name in modes:
        if not isinstance(name, str):
            raise TypeError(f"mode() takes stream modes one by one, as strings, got {name!r}.")
    wanted, site = frozenset(modes), CallSite("mode()")

    def operator(source: Observable[Any]) -> Observable[Any]:
        if isinstance(source, Routed):
            return source.route(wanted)
        return _Filter(source, lambda part: part[1] in wanted, site)

    return operator


__all__ = ("mode",)
