"""Rows of a database to values, and refusing those that are none."""

from __future__ import annotations

import json
from typing import Any, cast

from rxgraph.checkpoint.base import Address, Checkpoint, CheckpointMetadata, SerializerProtocol
from rxgraph.checkpoint.serde.errors import CorruptValueError, UnserializableValueError


def load_value(serde: SerializerProtocol, tag: Any, data: Any, place: str) -> Any:
    """Return the value of two columns.

    Raises:
        CorruptValueError: The columns hold something else than a tag and bytes.
    """
    if not isinstance(tag, str) or not isinstance(data, bytes):
        raise CorruptValueError(
            f"{place} is damaged: expected a tag and bytes, got {tag!r} and a {type(data).__name__}. "
            "Something else than a saver wrote to this database."
        )
    return serde.loads_typed((tag, data))


def load_checkpoint(serde: SerializerProtocol, tag: Any, data: Any, address: Address) -> Checkpoint:
    """Return a stored checkpoint.

    Raises:
        CorruptValueError: It is none.
    """
    place = f"Checkpoint {address.id!r} of thread {address.thread!r}"
    found = load_value(serde, tag, data, place)
    if not isinstance(found, dict) or not isinstance(found.get("channel_values"), dict):
        raise CorruptValueError(
            f"{place} is damaged: expected a dict with 'channel_values', got a {type(found).__name__}. "
            "Something else than a saver wrote to this database."
        )
    return cast(Checkpoint, found)


def dump_metadata(metadata: CheckpointMetadata) -> bytes:
    """Return metadata as JSON.

    Raises:
        UnserializableValueError: It holds something that JSON has no form for.
    """
    try:
        return json.dumps(metadata, ensure_ascii=False).encode("utf-8", "replace")
    except (TypeError, ValueError) as error:
        raise UnserializableValueError("metadata", f"{error}; keep metadata to what JSON has.") from error


def load_metadata(data: Any, place: str) -> CheckpointMetadata:
    """Return stored metadata; a row of an early version may have none.

    Raises:
        CorruptValueError: It is no JSON, or no object.
    """
    if data is None:
        return {}
    try:
        found = json.loads(data)
    except (TypeError, ValueError) as error:
        raise CorruptValueError(f"{place} is damaged: its metadata is no JSON ({error}).") from error
    if not isinstance(found, dict):
        raise CorruptValueError(f"{place} is damaged: its metadata is a JSON {type(found).__name__}, not an object.")
    return cast(CheckpointMetadata, found)


__all__ = ("dump_metadata", "load_checkpoint", "load_metadata", "load_value")
