"""Gathering what delta channels are rebuilt from, one ancestor after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rxgraph.checkpoint.base._types import DeltaChannelHistory, PendingWrite


class DeltaWalk:
    """Collects, from a checkpoint's parent towards the root, the writes to some channels up to a stored value of each.

    A channel is *open* until an ancestor with a stored value is met; that one's own writes still belong to it.

    Args:
        channels: The channels to collect for.
    """

    __slots__ = ("_found", "_seen", "open")

    def __init__(self, channels: Sequence[str]) -> None:
        self._found: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
        self._seen: set[str] = set()
        self.open = set(channels)
        """Channels without a stored value so far."""

    def enters(self, checkpoint_id: str | None) -> bool:
        """Tell whether the walk goes on to this ancestor; it doesn't go round in a damaged chain."""
        if checkpoint_id is None or not self.open or checkpoint_id in self._seen:
            return False
        self._seen.add(checkpoint_id)
        return True

    def visit(self, values: Mapping[str, Any], writes: Iterable[PendingWrite]) -> None:
        """Take in an ancestor.

        Args:
            values: The stored values of the open channels, at least.
            writes: Its pending writes in their order.
        """
        # From newest to oldest here and turned round at the end, so that a long chain costs what it holds.
        for write in reversed(list(writes)):
            if write[1] in self.open:
                self._found[write[1]]["writes"].append(write)
        for channel in [channel for channel in self.open if channel in values]:
            self._found[channel]["seed"] = values[channel]
            self.open.remove(channel)

    def history(self) -> dict[str, DeltaChannelHistory]:
        """Return what was found, oldest write first."""
        for found in self._found.values():
            found["writes"].reverse()
        return self._found


__all__ = ("DeltaWalk",)
