"""The marker that replaces what a reducer holds, and the one function that recognises it.

It travels in three forms, because graphs are also driven by JSON: the class below, ``{"__overwrite__": value}``
and ``{"value": value, "type": "__overwrite__"}``. Only channels with a reducer look for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rxgraph.constants import MISSING, OVERWRITE


@dataclass
class Overwrite:
    """Replaces the value of a channel that has a reducer, instead of being merged into it.

    Shapes: ``{"docs": Overwrite(["only this"])}``; as JSON ``{"docs": {"__overwrite__": ["only this"]}}``.
    Order: the other writes of the same superstep are dropped, whatever their order.
    Errors: two of them for one channel in one superstep are an ``InvalidUpdateError``.

    Args:
        value: What the channel holds afterwards.
        type: The marker of the JSON form; leave it alone.
    """

    value: Any
    type: Literal["__overwrite__"] = OVERWRITE


def unwrap(write: Any) -> Any:
    """Return the value inside an overwrite in any of its forms, or ``MISSING`` for an ordinary write.

    Exact types only: hot loops call this for ``dict`` and ``Overwrite`` and skip it for everything else.
    """
    kind = type(write)
    if kind is Overwrite:
        return write.value
    if kind is dict:
        if len(write) == 1:
            return write.get(OVERWRITE, MISSING)
        # The state may hold arrays under "type", whose == does not give a bool.
        marker = write.get("type")
        if type(marker) is str and marker == OVERWRITE:
            return write.get("value", MISSING)
    return MISSING


__all__ = ("Overwrite", "unwrap")
