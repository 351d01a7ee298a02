"""The contract of a channel: a cell of the state, and the rule by which it takes writes.

A superstep collects the writes of its tasks and hands each channel all of its own at once, in the order of the
task paths. What the channel makes of them is its whole meaning: keep the last, merge, queue, or wait for others.

Besides the methods a channel states *facts*, ``fades``, ``settles`` and ``saves_value``, so that a superstep costs what
it changed and not what the state holds, and a look at a saved state costs no channel. Their defaults promise nothing
and are safe for every channel; a channel that promises more must keep to it, and
``rxgraph.testing.ChannelConformance`` checks that.
"""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar

from rxgraph.constants import MISSING, Missing
from rxgraph.errors import EmptyChannelError, ErrorCode, InvalidUpdateError

Value = TypeVar("Value")
Update = TypeVar("Update")
Checkpoint = TypeVar("Checkpoint")


class BaseChannel(ABC, Generic[Value, Update, Checkpoint]):
    """A cell of the state, with a rule for the writes that reach it in one superstep.

    Subclasses define ``ValueType``, ``UpdateType``, ``update``, ``get`` and ``from_checkpoint``; the rest has
    defaults that are right for a channel whose checkpoint is its value, and worth overriding for speed.

    Args:
        typ: Type of the value, as the state's schema spells it.
        key: Name of the channel; the graph that owns it sets it.
    """

    __slots__ = ("key", "typ")

    key: str
    typ: Any

    fades: bool = True
    """Whether ``update([])`` may change the channel. ``False`` lets the engine leave it out of steps without writes."""
    settles: bool = False
    """``True`` promises that every later read of the run, up to the next write, gives the value after the last one."""
    saves_value: bool = False
    """``True`` promises that a channel which is made from a saved value gives that value."""

    def __init__(self, typ: Any, key: str = "") -> None:
        self.typ = typ
        self.key = key

    @property
    @abstractmethod
    def ValueType(self) -> Any:
        """Type of what ``get`` returns."""

    @property
    @abstractmethod
    def UpdateType(self) -> Any:
        """Type of one write."""

    @abstractmethod
    def update(self, values: Sequence[Update]) -> bool:
        """Take the writes of one superstep, and tell whether the channel changed.

        An empty sequence says that a superstep went by without writes to this channel.

        Raises:
            InvalidUpdateError: The channel can't take these writes; it stays as it was.
        """

    @abstractmethod
    def get(self) -> Value:
        """Return the value.

        Raises:
            EmptyChannelError: There is none.
        """

    def is_available(self) -> bool:
        """Tell whether ``get`` would return a value."""
        try:
            self.get()
        except EmptyChannelError:
            return False
        return True

    def consume(self) -> bool:
        """Note that a task triggered by this channel has run, and tell whether that changed the channel."""
        return False

    def finish(self) -> bool:
        """Note that the run would come to its end now, and tell whether that changed the channel."""
        return False

    def checkpoint(self) -> Checkpoint | Missing:
        """Return what a saver has to keep, or ``MISSING`` for nothing; it shares no mutable part with the channel."""
        try:
            # Right for channels whose checkpoint is their value; the type variables can't say so.
            return self.get()  # type: ignore[return-value]
        except EmptyChannelError:
            return MISSING

    @abstractmethod
    def from_checkpoint(self, checkpoint: Checkpoint | Missing) -> Self:
        """Return a new channel of the same kind and name that holds what was saved; ``MISSING`` gives a new start."""

    def copy(self) -> Self:
        """Return a channel in the same state; what happens to one of the two is not seen in the other."""
        return self.from_checkpoint(self.checkpoint())

    def __repr__(self) -> str:
        held = reprlib.repr(self.get()) if self.is_available() else "empty"
        return f"<{type(self).__name__}{f' {self.key!r}' if self.key else ''} {held}>"

    def _label(self) -> str:
        return f"Channel {self.key!r} ({type(self).__name__})" if self.key else f"Channel ({type(self).__name__})"

    def _empty(self) -> EmptyChannelError:
        return EmptyChannelError(
            f"{self._label()} was read while it is empty. Ask is_available() first, or write to it in an earlier step."
        )

    def _crowded(self, count: int, advice: str) -> InvalidUpdateError:
        return InvalidUpdateError(
            f"{self._label()} got {count} writes in one superstep; it keeps one. {advice} "
            f"[{ErrorCode.INVALID_CONCURRENT_GRAPH_UPDATE.value}]"
        )

    def _overwritten_twice(self) -> InvalidUpdateError:
        return InvalidUpdateError(
            f"{self._label()} got more than one Overwrite in one superstep; it can obey one. "
            "Let one node overwrite the key, or let the nodes run in different supersteps. "
            f"[{ErrorCode.INVALID_CONCURRENT_GRAPH_UPDATE.value}]"
        )


__all__ = ("BaseChannel", "Checkpoint", "Update", "Value")
