"""What runs and savers agree on: checkpoints, addresses, ids, versions, and the class that savers derive from."""

from __future__ import annotations

from rxgraph.checkpoint.base._address import Address as Address
from rxgraph.checkpoint.base._address import get_checkpoint_id as get_checkpoint_id
from rxgraph.checkpoint.base._checkpoints import LATEST_VERSION as LATEST_VERSION
from rxgraph.checkpoint.base._checkpoints import copy_checkpoint as copy_checkpoint
from rxgraph.checkpoint.base._checkpoints import create_checkpoint as create_checkpoint
from rxgraph.checkpoint.base._checkpoints import empty_checkpoint as empty_checkpoint
from rxgraph.checkpoint.base._conflict import check_latest as check_latest
from rxgraph.checkpoint.base._conflict import expected_latest as expected_latest
from rxgraph.checkpoint.base._delta import DeltaWalk as DeltaWalk
from rxgraph.checkpoint.base._ids import delta_input_task_id as delta_input_task_id
from rxgraph.checkpoint.base._ids import interrupt_id as interrupt_id
from rxgraph.checkpoint.base._ids import path_string as path_string
from rxgraph.checkpoint.base._ids import task_id as task_id
from rxgraph.checkpoint.base._ids import update_task_id as update_task_id
from rxgraph.checkpoint.base._ids import writes_sort_key as writes_sort_key
from rxgraph.checkpoint.base._metadata import EXCLUDED_METADATA_KEYS as EXCLUDED_METADATA_KEYS
from rxgraph.checkpoint.base._metadata import get_checkpoint_metadata as get_checkpoint_metadata
from rxgraph.checkpoint.base._metadata import (
    get_serializable_checkpoint_metadata as get_serializable_checkpoint_metadata,
)
from rxgraph.checkpoint.base._saver import BaseCheckpointSaver as BaseCheckpointSaver
from rxgraph.checkpoint.base._types import ChannelVersions as ChannelVersions
from rxgraph.checkpoint.base._types import Checkpoint as Checkpoint
from rxgraph.checkpoint.base._types import CheckpointMetadata as CheckpointMetadata
from rxgraph.checkpoint.base._types import CheckpointTuple as CheckpointTuple
from rxgraph.checkpoint.base._types import DeltaChannelHistory as DeltaChannelHistory
from rxgraph.checkpoint.base._types import PendingWrite as PendingWrite
from rxgraph.checkpoint.base._upkeep import PruneStrategy as PruneStrategy
from rxgraph.checkpoint.base._versions import SCHEDULED as SCHEDULED
from rxgraph.checkpoint.base._versions import WRITES_IDX_MAP as WRITES_IDX_MAP
from rxgraph.checkpoint.base._versions import next_version as next_version
from rxgraph.checkpoint.base.id import uuid6 as uuid6
from rxgraph.checkpoint.serde.base import SerializerProtocol as SerializerProtocol
from rxgraph.errors import EmptyChannelError as EmptyChannelError

__all__ = (
    "EXCLUDED_METADATA_KEYS",
    "LATEST_VERSION",
    "SCHEDULED",
    "WRITES_IDX_MAP",
    "Address",
    "BaseCheckpointSaver",
    "ChannelVersions",
    "Checkpoint",
    "CheckpointMetadata",
    "CheckpointTuple",
    "DeltaChannelHistory",
    "DeltaWalk",
    "EmptyChannelError",
    "PendingWrite",
    "PruneStrategy",
    "SerializerProtocol",
    "check_latest",
    "copy_checkpoint",
    "create_checkpoint",
    "delta_input_task_id",
    "empty_checkpoint",
    "expected_latest",
    "get_checkpoint_id",
    "get_checkpoint_metadata",
    "get_serializable_checkpoint_metadata",
    "interrupt_id",
    "next_version",
    "path_string",
    "task_id",
    "update_task_id",
    "uuid6",
    "writes_sort_key",
)
