"""Filters: one meaning in every store.

A filter is compiled to a predicate on values, and no part of it becomes part of a query language. So a value is found
in an SQLite file exactly when it is found in memory, and a key or a text of a filter can't inject anything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Predicate: TypeAlias = Callable[[Any], bool]

_ORDERS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matcher(filter: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """Compile a filter: ``{"type": "note", "size": {"$gte": 3}, "author": {"name": "Ada"}}``.

    Each key must match; no filter matches everything.

    ===========================  ==========================================================================
    ``{"k": 1}``                 the value at ``"k"`` equals 1; a missing key counts as ``None``
    ``{"k": {"a": 1}}``          it is a dict whose ``"a"`` matches, whatever else it has; to any depth
    ``{"k": [1, {"a": 2}]}``     it is a list of that length, each item matching
    ``{"k": {"$eq": x}}``        it equals x as a whole
    ``{"k": {"$ne": x}}``        it doesn't; true of a missing key, unless x is ``None``
    ``$gt $gte $lt $lte``        it is a number and so is the operand, or both are text; else it doesn't match
    ===========================  ==========================================================================

    Several operators in one dict must all hold. A key with dots is a key with dots, not a path.

    Raises:
        ValueError: An operator is unknown, stands beside a plain key, or can't take its operand.
    """
    if filter is None:
        return _everything
    if not isinstance(filter, Mapping):
        raise ValueError(f"Filter must be a dict of keys to conditions, got {filter!r}.")
    return _fields(filter)


def _everything(value: object) -> bool:
    return True


def _condition(wanted: Any) -> Predicate:
    if isinstance(wanted, Mapping):
        if any(isinstance(key, str) and key.startswith("$") for key in wanted):
            return _all([_operator(name, operand) for name, operand in wanted.items()])
        fields = _fields(wanted)
        return lambda value: isinstance(value, Mapping) and fields(value)
    if isinstance(wanted, list | tuple):
        items = [_condition(item) for item in wanted]
        return lambda value: (
            isinstance(value, list | tuple)
            and len(value) == len(items)
            and all(matches(item) for matches, item in zip(items, value, strict=True))
        )
    return lambda value: bool(value == wanted)


def _fields(wanted: Mapping[str, Any]) -> Predicate:
    for key in wanted:
        if not isinstance(key, str):
            raise ValueError(f"Filter key must be a string, got {key!r}.")
    conditions = [(key, _condition(condition)) for key, condition in wanted.items()]
    return lambda value: all(matches(value.get(key)) for key, matches in conditions)


def _all(predicates: list[Predicate]) -> Predicate:
    return lambda value: all(matches(value) for matches in predicates)


def _operator(name: Any, operand: Any) -> Predicate:
    if name == "$eq":
        return lambda value: bool(value == operand)
    if name == "$ne":
        return lambda value: bool(value != operand)
    if name not in _ORDERS:
        known = ", ".join(("$eq", "$ne", *_ORDERS))
        raise ValueError(
            f"Unsupported operator: {name!r}. Known: {known}; plain keys and operators don't mix in one dict."
        )
    if not isinstance(operand, str | int | float):
        raise ValueError(f"Operator {name} needs a number or a text, got {operand!r}.")
    kind = (str,) if isinstance(operand, str) else (int, float)
    compare = _ORDERS[name]
    return lambda value: isinstance(value, kind) and bool(compare(value, operand))


__all__ = ("matcher",)
