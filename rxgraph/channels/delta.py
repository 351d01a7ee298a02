"""A channel that a saver keeps as its writes, with a snapshot now and then.

An ordinary checkpoint of a growing list is written whole each superstep: n steps cost n² bytes. A delta channel
puts nothing into the checkpoint. Its value is what the reducer makes of the writes that savers keep anyway, from
the nearest ancestor with a snapshot on; so the reducer has to be a pure function of the state and the *sequence*
of writes, and how that sequence is cut into batches must not matter.

One thing the sequence does not say: which writes came in the same superstep. Live, an overwrite drops the others
of its superstep; replayed, those that sort after it are merged into it. The engine therefore takes a snapshot
whenever an overwrite was written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Final, Generic, NamedTuple, Self

from rxgraph.channels._overwrite import Overwrite, unwrap
from rxgraph.channels._reducer import concrete, same_function
from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing

PendingWrite = tuple[str, str, Any]
"""A write as savers keep it: task id, channel, value."""

_DEFAULT_FREQUENCY: Final = 100


class _DeltaSnapshot(NamedTuple):
    """The whole value of a delta channel, as a checkpoint holds it now and then."""

    value: Any


def _their_snapshot() -> Any:
    """LangGraph's class of snapshots, if the program has loaded it: its serializers write no other, and read it."""
    return getattr(sys.modules.get("langgraph.checkpoint.serde.types"), "_DeltaSnapshot", None)


def _is_snapshot(value: object) -> bool:
    theirs = _their_snapshot()
    return isinstance(value, _DeltaSnapshot) or (theirs is not None and isinstance(value, theirs))


class DeltaChannel(BaseChannel[Value, Any, Value | _DeltaSnapshot], Generic[Value]):
    """Merge all writes of a superstep at once, and leave the value out of ordinary checkpoints.

    Shapes: Update whatever the reducer takes or an ``Overwrite``, Read ``Value``, Checkpoint none
    (``_DeltaSnapshot(Value)`` where the engine decides on one).
    Order: the reducer gets the writes in the order of the task paths, in one list.
    Errors: what the reducer raises; two overwrites in one superstep are an ``InvalidUpdateError``. The value stays.

    Args:
        reducer: From the value and the list of writes to the next value. It must not matter how a sequence of
            writes is cut into lists.
        typ: Type of the value, ``list`` if not given; calling it makes the first value, and the one after
            ``Overwrite(None)``.
        snapshot_frequency: Number of updates after which a checkpoint takes the whole value.

    Raises:
        ValueError: ``snapshot_frequency`` below 1.
    """

    __slots__ = ("reducer", "restarted", "snapshot_frequency", "value")

    fades = False
    settles = True

    reducer: Callable[[Any, Sequence[Any]], Any]
    snapshot_frequency: int
    value: Value | Missing

    def __init__(
        self,
        reducer: Callable[[Any, Sequence[Any]], Any],
        typ: type[Value] | None = None,
        *,
        snapshot_frequency: int = _DEFAULT_FREQUENCY,
    ) -> None:
        if snapshot_frequency < 1:
            raise ValueError(f"DeltaChannel(snapshot_frequency=...) needs an int >= 1, got {snapshot_frequency!r}.")
        super().__init__(list if typ is None else concrete(typ))
        self.reducer = reducer
        self.snapshot_frequency = snapshot_frequency
        self.value = MISSING
        self.restarted = False
        """Whether the value was overwritten since its last snapshot, which replayed writes could not tell."""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DeltaChannel)
            and other.snapshot_frequency == self.snapshot_frequency
            and same_function(self.reducer, other.reducer)
        )

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Any]) -> bool:
        if not values:
            return False
        base: Any = MISSING
        for write in values:
            kind = type(write)
            if (kind is dict or kind is Overwrite) and (found := unwrap(write)) is not MISSING:
                if base is not MISSING:
                    raise self._overwritten_twice()
                base = found
        if base is MISSING:
            state = self._zero() if self.value is MISSING else self.value
            self.value = self.reducer(state, values if type(values) is list else list(values))
        else:
            self.value, self.restarted = self._restart(base), True
        return True

    def replay_writes(self, writes: Sequence[PendingWrite]) -> None:
        """Apply writes that a saver kept, oldest first, in one call of the reducer.

        They may span many supersteps; the last overwrite among them is where the value starts anew.

        Args:
            writes: Writes to this channel only, as ``(task id, channel, value)``.
        """
        values = [write[2] for write in writes]
        for at in range(len(values) - 1, -1, -1):
            if (found := unwrap(values[at])) is not MISSING:
                self.value = self._restart(found)
                del values[: at + 1]
                break
        if values:
            self.value = self.reducer(self._zero() if self.value is MISSING else self.value, values)

    def get(self) -> Value:
        if self.value is MISSING:
            raise self._empty()
        return self.value

    def is_available(self) -> bool:
        return self.value is not MISSING

    def checkpoint(self) -> Missing:
        return MISSING

    def snapshot(self) -> _DeltaSnapshot:
        """Return the whole value, for the checkpoints that hold it."""
        self.restarted = False
        # A saver of LangGraph's may be the one that gets it; ours take both.
        made: _DeltaSnapshot = (_their_snapshot() or _DeltaSnapshot)(self.get())
        return made

    def from_checkpoint(self, checkpoint: Value | _DeltaSnapshot | Missing) -> Self:
        """Return a channel that holds a snapshot, a plain value left by another kind of channel, or a first value."""
        restored = self._blank()
        if checkpoint is MISSING:
            restored.value = restored._zero()
        else:
            found: Any = checkpoint
            restored.value = copy(found.value if _is_snapshot(found) else found)
        return restored

    # The value is not in the checkpoint, and the reducer may work in place.
    def copy(self) -> Self:
        twin = self._blank()
        twin.value = copy(self.value)
        return twin

    def _blank(self) -> Self:
        blank = self.__class__(self.reducer, self.typ, snapshot_frequency=self.snapshot_frequency)
        blank.key = self.key
        return blank

    def _zero(self) -> Any:
        try:
            return self.typ()
        except TypeError as error:
            error.add_note(
                f"{self._label()} has no first value: {self.typ!r} can't be called without arguments. "
                "Annotate the key with a type that can, e.g. list."
            )
            raise

    def _restart(self, value: Any) -> Any:
        # A copy, since the reducer may work in place and the writer may still hold the value.
        return self._zero() if value is None else copy(value)


__all__ = ("DeltaChannel",)
