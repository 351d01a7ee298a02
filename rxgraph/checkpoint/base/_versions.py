"""Versions of channels, and the places that special writes have among the writes of a task."""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final

from rxgraph.checkpoint.serde.types import SCHEDULED
from rxgraph.constants import ERROR, INTERRUPT, RESUME

WRITES_IDX_MAP: Final[dict[str, int]] = {ERROR: -1, SCHEDULED: -2, INTERRUPT: -3, RESUME: -4}
"""Channels of which a task has one write at most, and the index it stands at; other writes stand at their position."""


def next_version(current: str | int | float | None) -> str:
    """Return a version that sorts after the current one, as the savers count.

    The random tail keeps apart what two runs write that both start from the same checkpoint.
    """
    if current is None:
        number = 0
    elif isinstance(current, str):
        number = int(current.partition(".")[0])
    else:
        number = int(current)
    # The module's generator takes a new seed in a forked process.
    return f"{str(number + 1).zfill(32)}.0.{getrandbits(53):016d}"


def in_versions_of(checkpoint: dict[str, Any], like: Any) -> dict[str, Any]:
    """Return a checkpoint whose versions are of one kind, whatever saver has counted them; else it is the same.

    Versions are compared, and numbers don't compare with text. What is equal stays equal, what is later stays later.

    Args:
        checkpoint: As it was loaded.
        like: A version of the saver that goes on with it.
    """
    kind = type(like)
    versions = checkpoint["channel_versions"]
    if {kind}.issuperset(map(type, versions.values())):
        return checkpoint

    def turned(found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: one if type(one) is kind else _turned(one, kind) for name, one in found.items()}

    seen = {node: turned(found) for node, found in checkpoint["versions_seen"].items()}
    return {**checkpoint, "channel_versions": turned(versions), "versions_seen": seen}


def _turned(version: str | int | float, kind: type) -> Any:
    number = int(version.partition(".")[0]) if isinstance(version, str) else int(version)
    return f"{number:032d}.0.{0:016d}" if kind is str else kind(number)


__all__ = ("SCHEDULED", "WRITES_IDX_MAP", "in_versions_of", "next_version")
