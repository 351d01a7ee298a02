"""What is kept of a run's configuration along with a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from rxgraph.checkpoint.base._conflict import EXPECTED_LATEST
from rxgraph.checkpoint.base._types import CheckpointMetadata
from rxgraph.config import RunnableConfig

EXCLUDED_METADATA_KEYS: Final = frozenset(
    "thread_id checkpoint_id checkpoint_ns checkpoint_map langgraph_step langgraph_node langgraph_triggers "
    "langgraph_path langgraph_checkpoint_ns".split()
)
"""Keys of a configuration that say where a run is, which the checkpoint's address says already."""

_SILENT: Final = EXCLUDED_METADATA_KEYS | {EXPECTED_LATEST}
_SCALARS: Final = (str, int, float)


def get_checkpoint_metadata(config: RunnableConfig, metadata: CheckpointMetadata) -> CheckpointMetadata:
    """Return the metadata to keep: what the runtime says, and the user's scalars of ``metadata`` and ``configurable``.

    The runtime's own facts win, then those of ``config["metadata"]``. NUL characters are left out of text, since
    not every database takes them.
    """
    kept = cast(dict[str, Any], metadata.copy())
    for part in ("metadata", "configurable"):
        given = config.get(part)
        # Mostly there is nothing of the user's.
        if given and not _SILENT.issuperset(cast(Mapping[str, Any], given)):
            for key, value in cast(Mapping[str, Any], given).items():
                if key in EXCLUDED_METADATA_KEYS or key[:2] == "__" or key in kept:
                    continue
                if isinstance(value, _SCALARS):
                    kept[key] = value
    for key, value in kept.items():
        if isinstance(value, str) and "\0" in value:
            kept[key] = value.replace("\0", "")
    return cast(CheckpointMetadata, kept)


def get_serializable_checkpoint_metadata(config: RunnableConfig, metadata: CheckpointMetadata) -> CheckpointMetadata:
    """Return the same without ``writes``, a key of old runtimes that could hold any object."""
    kept = cast(dict[str, Any], get_checkpoint_metadata(config, metadata))
    kept.pop("writes", None)
    return cast(CheckpointMetadata, kept)


def matches(metadata: CheckpointMetadata, filter: Mapping[str, Any] | None) -> bool:
    """Tell whether each key of the filter has an equal value; a key that is not there counts as ``None``.

    This is the one meaning of ``filter=`` for all savers of rxgraph.
    """
    return not filter or all(metadata.get(key) == value for key, value in filter.items())


__all__ = (
    "EXCLUDED_METADATA_KEYS",
    "get_checkpoint_metadata",
    "get_serializable_checkpoint_metadata",
    "matches",
)
