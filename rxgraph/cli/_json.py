"""Any value as JSON: what a graph carries need not have been made for it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID


def to_line(value: Any) -> str:
    """Write a value as one line of JSON."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(", ", ": "))


def plain(value: Any) -> Any:
    """Turn a value into dicts, lists, strings, numbers, booleans and ``None``.

    Dataclasses, pydantic models and named tuples become objects by their fields; sets become sorted lists; dates,
    paths and UUIDs become text, enum members their values; errors become ``{"type", "message"}``; NaN and the
    infinities become ``null``. Anything else, and a value inside itself, becomes its ``repr``.
    """
    return _plain(value, frozenset())


def _plain(value: Any, above: frozenset[int]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, above)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, PurePath | UUID):
        return str(value)
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": str(value)}
    if id(value) in above:
        return _repr(value)
    above |= {id(value)}
    if (parts := _fields(value)) is not None:
        return {_key(key): _plain(item, above) for key, item in parts.items()}
    if isinstance(value, Set):
        return sorted((_plain(item, above) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, above) for item in value]
    return _repr(value)


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """Return the named parts of a value, if it has such."""
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        parts: dict[str, Any] = value._asdict()
        return parts
    # Pydantic is not imported for this: whoever has a model has pydantic.
    if not isinstance(value, type) and callable(dump := getattr(value, "model_dump", None)):
        dumped = dump()
        return dumped if isinstance(dumped, Mapping) else None
    return None


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}; its repr raised {type(error).__name__}>"


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    return json.dumps(key) if key is None or isinstance(key, bool | int | float) else _repr(key)


__all__ = ("plain", "to_line")
