"""A channel for writers that all say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing


class AnyValue(BaseChannel[Value, Value, Value], Generic[Value]):
    """Keep the last value of a superstep, taking several writes to be equal; a superstep without writes empties it.

    Shapes: Update ``Value``, Read ``Value``, Checkpoint ``Value``.
    Order: the write of the last task path wins.
    """

    __slots__ = ("value",)

    saves_value = True

    value: Value | Missing

    def __init__(self, typ: Any, key: str = "") -> None:
        super().__init__(typ, key)
        self.value = MISSING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyValue)

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if values:
            self.value = values[-1]
            return True
        if self.value is MISSING:
            return False
        self.value = MISSING
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


__all__ = ("AnyValue",)
