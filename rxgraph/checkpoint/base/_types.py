"""What a saver takes and gives."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, NotRequired, TypeAlias

from typing_extensions import TypedDict

from rxgraph.channels.delta import PendingWrite as PendingWrite
from rxgraph.config import RunnableConfig

ChannelVersions: TypeAlias = dict[str, str | int | float]
"""A version for each channel. Versions of one checkpoint are of one type; the greater one is the later one."""


class Checkpoint(TypedDict):
    """The state of a graph between two supersteps.

    Args:
        v: Version of the format, 4; savers keep it as it is.
        id: A time-ordered UUID; of two checkpoints the one whose id sorts later as text is the newer one.
        ts: Time of creation, ISO 8601 in UTC.
        channel_values: What each channel that isn't empty wants to be kept.
        channel_versions: The version of every channel that was ever written.
        versions_seen: For each node the versions of its triggers when it last ran.
        updated_channels: The channels that the superstep changed, sorted; ``None`` where that isn't known.
    """

    v: int
    id: str
    ts: str
    channel_values: dict[str, Any]
    channel_versions: ChannelVersions
    versions_seen: dict[str, ChannelVersions]
    updated_channels: list[str] | None


class CheckpointMetadata(TypedDict, total=False):
    """Facts about a checkpoint, which lists of checkpoints can be filtered by; users' own facts stand beside these.

    Args:
        source: What made it: an input, a superstep, ``update_state``, or a fork of another checkpoint.
        step: -1 for the first input, 0 for the first superstep, and so on for all that follow on the thread.
        parents: The checkpoints of the calling graphs, by their namespaces.
        run_id: The run that made it, where the caller named one.
        counters_since_delta_snapshot: For each delta channel, the updates and supersteps since its last snapshot.
    """

    source: Literal["input", "loop", "update", "fork"]
    step: int
    parents: dict[str, str]
    run_id: str
    counters_since_delta_snapshot: dict[str, tuple[int, int]]


class CheckpointTuple(NamedTuple):
    """A checkpoint, and what a saver knows about it.

    Args:
        config: Its address: thread, namespace and id.
        checkpoint: The state.
        metadata: The facts about it.
        parent_config: Address of the checkpoint that it came from.
        pending_writes: What tasks wrote on top of it, ordered by task path, task id and index.
    """

    config: RunnableConfig
    checkpoint: Checkpoint
    metadata: CheckpointMetadata
    parent_config: RunnableConfig | None = None
    pending_writes: list[PendingWrite] | None = None


class DeltaChannelHistory(TypedDict):
    """What a delta channel is rebuilt from.

    Args:
        writes: Writes to the channel, oldest first.
        seed: The stored value that they come on top of; not there when they start from nothing.
    """

    writes: list[PendingWrite]
    seed: NotRequired[Any]


__all__ = (
    "ChannelVersions",
    "Checkpoint",
    "CheckpointMetadata",
    "CheckpointTuple",
    "DeltaChannelHistory",
    "PendingWrite",
)
