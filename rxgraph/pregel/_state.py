"""The state of a run between two supersteps: channels, versions, and where the run stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rxgraph.channels.base import BaseChannel
from rxgraph.constants import MISSING

Channel = BaseChannel[Any, Any, Any]


class Channels(dict[str, Channel]):
    """The channels of a run; each is made from its prototype when it is first touched."""

    __slots__ = ("prototypes",)

    def __init__(self, prototypes: Mapping[str, Channel]) -> None:
        self.prototypes = prototypes

    def __missing__(self, name: str) -> Channel:
        channel = self[name] = self.prototypes[name].from_checkpoint(MISSING)
        return channel


class RunState:
    """What the engine changes at a superstep boundary, and nowhere else.

    ``versions`` says when a channel last changed, ``seen`` what each node has reacted to; both in superstep
    versions, one number for all channels that change together. ``fading`` holds the available channels that an
    empty update may clear, so that a step touches those and the ones that it writes, not all.
    """

    __slots__ = ("channels", "fading", "seen", "step", "stop", "version", "versions")

    def __init__(self, prototypes: Mapping[str, Channel], step: int, stop: int, fading: Iterable[str] = ()) -> None:
        self.channels = Channels(prototypes)
        self.versions: dict[str, int] = {}
        self.seen: dict[str, dict[str, int]] = {}
        self.version = 0
        self.fading: dict[str, Channel] = {name: self.channels[name] for name in fading}
        self.step = step
        self.stop = stop

    def read(self, keys: str | tuple[str, ...]) -> Any:
        """Read one channel, or a dict of those that have a value.

        Raises:
            EmptyChannelError: The one channel is empty.
        """
        channels = self.channels
        if isinstance(keys, str):
            return channels[keys].get()
        values = {}
        for key in keys:
            channel = channels[key]
            if channel.is_available():
                values[key] = channel.get()
        return values


__all__ = ("Channels", "RunState")
