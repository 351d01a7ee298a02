"""Versions of channels, and the places that special writes have among the writes of a task."""

from __future__ import annotations

from random import getrandbits
from typing import Final

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


__all__ = ("SCHEDULED", "WRITES_IDX_MAP", "next_version")
