"""What the channels with a reducer share: where their first value comes from, and when two reducers are one."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, MutableSequence, MutableSet, Sequence, Set
from typing import Annotated, Any, Final, NotRequired, Required, get_origin

_WRAPPERS: Final = (Annotated, Required, NotRequired)

_CONCRETE: Final[dict[Any, type[Any]]] = {
    Sequence: list,
    MutableSequence: list,
    Set: set,
    MutableSet: set,
    Mapping: dict,
    MutableMapping: dict,
}


def concrete(typ: Any) -> Any:
    """Strip parameters and wrappers of an annotation, and replace an abstract collection by the usual concrete one."""
    while (origin := get_origin(typ)) in _WRAPPERS:
        # Annotated keeps what it wraps in __origin__, the other two in __args__.
        typ = typ.__origin__ if origin is Annotated else typ.__args__[0]
    bare = origin or typ
    try:
        return _CONCRETE.get(bare, bare)
    except TypeError:
        return bare


def same_function(left: Any, right: Any) -> bool:
    """Tell whether two reducers count as one.

    A lambda equals everything: a schema that is built twice writes it anew each time, and nothing tells the two apart.
    """
    return bool(left == right) or "<lambda>" in (getattr(left, "__name__", ""), getattr(right, "__name__", ""))


__all__ = ("concrete", "same_function")
