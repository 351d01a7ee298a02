"""A channel that no saver sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing


class UntrackedValue(BaseChannel[Value, Value, Value], Generic[Value]):
    """Keep the last value for the rest of the run and leave it out of every checkpoint.

    Shapes: Update ``Value``, Read ``Value``, Checkpoint none.
    Errors: with ``guard``, two writes in one superstep are an ``InvalidUpdateError``.

    Args:
        typ: Type of the value.
        guard: Whether to refuse more than one write; without it the last one wins.
    """

    __slots__ = ("guard", "value")

    fades = False
    settles = True

    guard: bool
    value: Value | Missing

    def __init__(self, typ: type[Value], guard: bool = True) -> None:
        super().__init__(typ)
        self.guard = guard
        self.value = MISSING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntrackedValue) and other.guard == self.guard

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if not values:
            return False
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

    def checkpoint(self) -> Missing:
        return MISSING

    def from_checkpoint(self, checkpoint: Value | Missing) -> Self:
        fresh = self.__class__(self.typ, self.guard)
        fresh.key = self.key
        return fresh

    # Its checkpoint is empty, so the base's way of copying would lose the value.
    def copy(self) -> Self:
        twin = self.from_checkpoint(MISSING)
        twin.value = self.value
        return twin


__all__ = ("UntrackedValue",)
