"""Channels that keep the value written last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing
from rxgraph.errors import EmptyChannelError


class LastValue(BaseChannel[Value, Value, Value], Generic[Value]):
    """Keep the last value; a state key without a reducer is one of these.

    Shapes: Update ``Value``, Read ``Value``, Checkpoint ``Value``.
    Errors: two writes in one superstep are an ``InvalidUpdateError``, since neither is the last.
    """

    __slots__ = ("value",)

    fades = False
    saves_value = True
    settles = True

    value: Value | Missing

    def __init__(self, typ: Any, key: str = "") -> None:
        super().__init__(typ, key)
        self.value = MISSING

    # The graph compares channels when two schemas name one key; the type is not part of that.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, LastValue)

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if not values:
            return False
        if len(values) != 1:
            raise self._crowded(len(values), "Annotate it with a reducer, e.g. Annotated[list, operator.add].")
        self.value = values[0]
        return True

    def get(self) -> Value:
        if self.value is MISSING:
            raise self._empty()
        return self.value

    def is_available(self) -> bool:
        return self.value is not MISSING

    def checkpoint(self) -> Value | Missing:
        return self.value

    def from_checkpoint(self, checkpoint: Value | Missing) -> Self:
        restored = self.__class__(self.typ, self.key)
        restored.value = checkpoint
        return restored

    def copy(self) -> Self:
        return self.from_checkpoint(self.value)


class LastValueAfterFinish(BaseChannel[Value, Value, tuple[Value, bool]], Generic[Value]):
    """Keep the last value, and show it only when the run would otherwise end; it releases a deferred node.

    Shapes: Update ``Value``, Read ``Value`` after ``finish``, Checkpoint ``(value, finished)``.
    Order: a later write hides the value again, up to the next ``finish``; ``consume`` drops a value that was shown.
    """

    __slots__ = ("finished", "value")

    fades = False

    value: Value | Missing
    finished: bool

    def __init__(self, typ: Any, key: str = "") -> None:
        super().__init__(typ, key)
        self.value = MISSING
        self.finished = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LastValueAfterFinish)

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if not values:
            return False
        self.value = values[-1]
        self.finished = False
        return True

    def consume(self) -> bool:
        if not self.finished:
            return False
        self.value = MISSING
        self.finished = False
        return True

    def finish(self) -> bool:
        if self.finished or self.value is MISSING:
            return False
        self.finished = True
        return True

    def get(self) -> Value:
        if self.value is MISSING:
            raise self._empty()
        if not self.finished:
            raise EmptyChannelError(
                f"{self._label()} was read while it waits for the end of the run. Ask is_available() first."
            )
        return self.value

    def is_available(self) -> bool:
        return self.finished and self.value is not MISSING

    def checkpoint(self) -> tuple[Value, bool] | Missing:
        return MISSING if self.value is MISSING else (self.value, self.finished)

    def from_checkpoint(self, checkpoint: tuple[Value, bool] | Missing) -> Self:
        restored = self.__class__(self.typ, self.key)
        if checkpoint is not MISSING:
            restored.value, restored.finished = checkpoint
        return restored


__all__ = ("LastValue", "LastValueAfterFinish")
