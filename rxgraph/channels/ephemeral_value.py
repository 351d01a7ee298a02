"""A channel that holds a value for one superstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing


class EphemeralValue(BaseChannel[Value, Value, Value], Generic[Value]):
    """Keep a value for the superstep after the write, and then be empty; edges are made of these.

    Shapes: Update ``Value``, Read ``Value``, Checkpoint ``Value``.
    Errors: with ``guard``, two writes in one superstep are an ``InvalidUpdateError``.

    Args:
        typ: Type of the value.
        guard: Whether to refuse more than one write; without it the last one wins.
    """

    __slots__ = ("guard", "value")

    saves_value = True

    guard: bool
    value: Value | Missing

    def __init__(self, typ: Any, guard: bool = True) -> None:
        super().__init__(typ)
        self.guard = guard
        self.value = MISSING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EphemeralValue) and other.guard == self.guard

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if not values:
            if self.value is MISSING:
                return False
            self.value = MISSING
            return True
        if self.guard and len(values) != 1:
            raise self._crowded(len(values), "Build it with guard=False to keep the last one.")
        self.value = values[-1]
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
        restored = self.__class__(self.typ, self.guard)
        restored.key = self.key
        restored.value = checkpoint
        return restored

    def copy(self) -> Self:
        return self.from_checkpoint(self.value)


__all__ = ("EphemeralValue",)
