"""The state of a run between two supersteps: channels, versions, and where the run stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rxgraph.channels.base import BaseChannel
from rxgraph.constants import MISSING

Channel = BaseChannel[Any, Any, Any]


class Channels(dict[str, Channel]):
    """The channels of a run; each is made from its prototype, and its saved value, when it is first touched."""

    __slots__ = ("prototypes", "saved")

    def __init__(self, prototypes: Mapping[str, Channel], saved: Mapping[str, Any]) -> None:
        self.prototypes = prototypes
        self.saved = saved

    def __missing__(self, name: str) -> Channel:
        channel = self[name] = self.prototypes[name].from_checkpoint(self.saved.get(name, MISSING))
        return channel


def count_up(version: Any) -> int:
    """Return the version after *version* in a run without a saver."""
    return (version or 0) + 1


class RunState:
    """What the engine changes at a superstep boundary, and nowhere else.

    ``versions`` says when a channel last changed, ``seen`` what each node has reacted to; both in superstep
    versions, one number for all channels that change together. ``fading`` holds the available channels that an
    empty update may clear, so that a step touches those and the ones that it writes, not all.
    """

    __slots__ = ("channels", "fading", "next_version", "resumed_at", "seen", "step", "stop", "version", "versions")

    def __init__(self, prototypes: Mapping[str, Channel], step: int, stop: int, fading: Iterable[str] = ()) -> None:
        self.channels = Channels(prototypes, {})
        self.versions: dict[str, Any] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.version: Any = None
        self.next_version: Callable[[Any], Any] = count_up
        self.fading: dict[str, Channel] = {name: self.channels[name] for name in fading}
        self.step = step
        self.stop = stop
        self.resumed_at: int | None = None
        """The superstep with which the run has gone on, rather than begun."""

    def restore(self, checkpoint: Mapping[str, Any], next_version: Callable[[Any], Any]) -> None:
        """Take the place of a checkpoint; its values are read when their channels are touched."""
        prototypes = self.channels.prototypes
        self.channels.saved = {k: v for k, v in checkpoint["channel_values"].items() if k in prototypes}
        self.versions = dict(checkpoint["channel_versions"])
        self.seen = {node: dict(seen) for node, seen in checkpoint["versions_seen"].items()}
        self.version = max(self.versions.values(), default=None)
        self.next_version = next_version
        for name in self.channels.saved:
            if prototypes[name].fades and self.channels[name].is_available():
                self.fading[name] = self.channels[name]

    def peek(self, keys: str | tuple[str, ...]) -> Any:
        """Do what :meth:`read` does; one channel that is empty is ``None``."""
        if isinstance(keys, str) and not self.channels[keys].is_available():
            return None
        return self.read(keys)

    def look(self, keys: str | tuple[str, ...]) -> Any:
        """Do what :meth:`peek` does of a state that is only looked at: most saved values need no channel for that."""
        if isinstance(keys, str):
            value = self._saved_or_read(keys)
            return None if value is MISSING else value
        return {key: value for key in keys if (value := self._saved_or_read(key)) is not MISSING}

    def has_value(self, name: str) -> bool:
        """Say whether a channel has a value, of a state that is only looked at."""
        return self._saved_or_read(name) is not MISSING

    def _saved_or_read(self, name: str) -> Any:
        channels = self.channels
        if name not in channels and name in channels.saved and channels.prototypes[name].saves_value:
            return channels.saved[name]
        channel = channels[name]
        return channel.get() if channel.is_available() else MISSING

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


__all__ = ("Channels", "RunState", "count_up")
