"""Making checkpoints, and copies of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from time import time_ns
from typing import Any, Final

from rxgraph.channels.base import BaseChannel
from rxgraph.checkpoint.base._types import Checkpoint
from rxgraph.checkpoint.base.id import uuid6_text
from rxgraph.constants import MISSING

LATEST_VERSION: Final = 4
"""The format that this runtime writes; it reads the older ones too."""


def empty_checkpoint() -> Checkpoint:
    """Return the state of a graph that was never run."""
    return {
        "v": LATEST_VERSION,
        "id": uuid6_text(-2),
        "ts": timestamp(),
        "channel_values": {},
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
    }


def copy_checkpoint(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint that can be changed without changing this one; the values of the channels are shared."""
    twin = checkpoint.copy()
    twin["channel_values"] = checkpoint["channel_values"].copy()
    twin["channel_versions"] = checkpoint["channel_versions"].copy()
    twin["versions_seen"] = {node: seen.copy() for node, seen in checkpoint["versions_seen"].items()}
    return twin


def create_checkpoint(
    checkpoint: Checkpoint,
    channels: Mapping[str, BaseChannel[Any, Any, Any]] | None,
    step: int,
    *,
    id: str | None = None,
    updated_channels: list[str] | None = None,
) -> Checkpoint:
    """Return the checkpoint that follows on this one.

    Args:
        checkpoint: Where the versions are, and the values if there are no channels.
        channels: Channels to take the values from.
        step: Number of the superstep.
        id: Id of the new checkpoint; made for the step if not given, and later than the last one's.
        updated_channels: What the superstep changed.
    """
    if channels is None:
        values = checkpoint["channel_values"]
    else:
        values = {}
        for name in checkpoint["channel_versions"]:
            if name in channels and (value := channels[name].checkpoint()) is not MISSING:
                values[name] = value
    return {
        "v": LATEST_VERSION,
        "id": uuid6_text(step, after=checkpoint["id"]) if id is None else id,
        "ts": timestamp(),
        "channel_values": values,
        "channel_versions": checkpoint["channel_versions"],
        "versions_seen": checkpoint["versions_seen"],
        "updated_channels": updated_channels,
    }


# The last second that was written, since most of the text stays the same for long.
_second = 0, "1970-01-01T00:00:00"


def timestamp() -> str:
    """Return the time now, as checkpoints carry it."""
    global _second
    seconds, rest = divmod(time_ns() // 1000, 1_000_000)
    at, text = _second
    if at != seconds:
        text = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
        _second = seconds, text
    return f"{text}.{rest:06d}+00:00"


__all__ = ("LATEST_VERSION", "copy_checkpoint", "create_checkpoint", "empty_checkpoint", "timestamp")
