"""Items to rows and back. A row that is not what a store writes is a typed error, and runs nothing."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rxgraph.checkpoint.serde.errors import CorruptValueError, UnserializableValueError
from rxgraph.store.base._embeddings import Vector


def dump_namespace(namespace: Sequence[str]) -> str:
    """Join labels; they have no dots."""
    return ".".join(namespace)


def load_namespace(prefix: Any) -> tuple[str, ...]:
    """Split what ``dump_namespace`` joined."""
    if not isinstance(prefix, str) or not prefix:
        raise CorruptValueError(f"Row of the store has no namespace: prefix is {prefix!r}.")
    return tuple(prefix.split("."))


def dump_value(value: Mapping[str, Any]) -> str:
    """Write a value as JSON.

    Raises:
        UnserializableValueError: JSON has no such value, or would give back another; says where.
    """
    _check(value, "")
    text = json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: JSON can name it and UTF-8 can't have it.
        return json.dumps(dict(value), separators=(",", ":"))
    return text


def load_value(data: Any, where: str) -> dict[str, Any]:
    """Read a value.

    Raises:
        CorruptValueError: The row has no JSON object.
    """
    try:
        value = json.loads(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise CorruptValueError(f"Value of {where} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise CorruptValueError(f"Value of {where} must be a JSON object, got {type(value).__name__}.")
    return value


def dump_date(date: datetime | None) -> str | None:
    """Write a date so that text is ordered as time is."""
    return None if date is None else date.astimezone(UTC).isoformat(" ", "microseconds")


def load_date(data: Any, where: str) -> datetime:
    """Read a date; one without a zone is in UTC, as the database's own clock."""
    try:
        date = data if isinstance(data, datetime) else datetime.fromisoformat(data)
    except (TypeError, ValueError) as error:
        raise CorruptValueError(f"Date of {where} must be ISO text, got {data!r}.") from error
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def load_ttl(data: Any, where: str) -> float | None:
    """Read minutes."""
    if data is None or (isinstance(data, int | float) and math.isfinite(data)):
        return data
    raise CorruptValueError(f"Time to live of {where} must be minutes, got {data!r}.")


def dump_vector(vector: Vector) -> bytes:
    """Write a vector in single precision."""
    return struct.pack(f"<{len(vector)}f", *vector)


def load_vector(data: Any, where: str) -> Vector:
    """Read a vector."""
    if not isinstance(data, bytes) or not data or len(data) % 4:
        raise CorruptValueError(f"Embedding of {where} must be 4-byte numbers, got {type(data).__name__}.")
    return struct.unpack(f"<{len(data) // 4}f", data)


def _check(value: Any, path: str) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnserializableValueError(path, f"JSON has no {value!r}. Use None or a text.")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UnserializableValueError(path, f"the key {key!r} would come back as text. Use a text.")
            _check(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _check(item, f"{path}[{number}]")
    else:
        raise UnserializableValueError(path, f"JSON has no {type(value).__qualname__}. Turn it into text or a dict.")


__all__ = (
    "dump_date",
    "dump_namespace",
    "dump_value",
    "dump_vector",
    "load_date",
    "load_namespace",
    "load_ttl",
    "load_value",
    "load_vector",
)
