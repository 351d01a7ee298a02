"""Two runs on one thread: the one that comes second must hear of the first one.

A run says with each checkpoint which one it stands on. A saver that finds another one at the head by then refuses, and
nothing is lost without a word. Whoever names an old checkpoint on purpose, to fork, expects nothing.
"""

from __future__ import annotations

from typing import Final

from rxgraph.checkpoint.base._address import Address
from rxgraph.config import RunnableConfig
from rxgraph.errors import CheckpointConflictError

EXPECTED_LATEST: Final = "__rxgraph_latest"
"""Key of ``configurable``: id of the checkpoint that must be the latest, ``""`` for none; left out by who expects
nothing. Savers never store keys that begin like this, and those that don't know it pass over it."""


def expected_latest(config: RunnableConfig) -> str | None:
    """Return the id that must be the latest of its thread and namespace, ``""`` for none, ``None`` for any."""
    found: str | None = (config.get("configurable") or {}).get(EXPECTED_LATEST)
    return found


def check_latest(address: Address, expected: str | None, found: str | None) -> None:
    """Raise unless the latest checkpoint is the one that a run stands on.

    Raises:
        CheckpointConflictError: It is another one.
    """
    if expected is not None and (found or "") != expected:
        raise CheckpointConflictError(address.thread, address.ns, expected, found)


__all__ = ("EXPECTED_LATEST", "check_latest", "expected_latest")
