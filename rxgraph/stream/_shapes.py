"""Stream modes as operator chains: which parts a reader gets, and in which shape.

=========  ==============  =========================  =========================
version    subgraphs       one mode                   a list of modes
=========  ==============  =========================  =========================
``"v1"``   False           ``payload``                ``(mode, payload)``
``"v1"``   True            ``(ns, payload)``          ``(ns, mode, payload)``
``"v2"``   either          ``{"type", "ns", "data"}``, and ``"interrupts"`` for ``values``
=========  ==============  =========================  =========================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Literal

from reactivex import Observable

from rxgraph import operators as ops
from rxgraph.constants import INTERRUPT
from rxgraph.types import Namespace, Part

Coerce = Callable[[str, Any], Any]
"""Turns the payload of a mode into the user's classes."""


def projection(
    modes: str | Sequence[str],
    *,
    version: Literal["v1", "v2"] = "v1",
    subgraphs: bool = False,
    coerce: Coerce | None = None,
    namespace: Namespace | None = None,
) -> Callable[[Observable[Part]], Observable[Any]]:
    """Return the chain that turns the parts of a run into what the reader of *modes* gets.

    Shapes: ``Observable[Part] -> Observable[item]``, see the table above.
    Demand: pass-through.

    Args:
        namespace: Leave out what comes from other graphs than this one; ``None`` takes all.
    """
    single = isinstance(modes, str)
    wanted = ops.mode(modes) if isinstance(modes, str) else ops.mode(*modes)
    if namespace is not None:
        wanted = ops.pipe(wanted, ops.filter(lambda part: part[0] == namespace))
    if version == "v2":
        return ops.pipe(wanted, ops.map(_v2_shape(coerce)))
    fields = ((0,) if subgraphs else ()) + (() if single else (1,)) + (2,)
    return ops.pipe(wanted, ops.map(itemgetter(*fields)))


def _v2_shape(coerce: Coerce | None) -> Callable[[Part], dict[str, Any]]:
    def shape(part: Part) -> dict[str, Any]:
        ns, mode, data = part
        item: dict[str, Any] = {"type": mode, "ns": ns, "data": data}
        if mode == "values":
            interrupts: tuple[Any, ...] = ()
            if isinstance(data, dict) and INTERRUPT in data:
                data = dict(data)
                interrupts = tuple(data.pop(INTERRUPT))
            item["data"] = data
            item["interrupts"] = interrupts
        if coerce is not None:
            item["data"] = coerce(mode, item["data"])
        return item

    return shape


__all__ = ("projection",)
