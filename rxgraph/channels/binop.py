"""A channel that merges writes with a function of two values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Self

from rxgraph.channels._overwrite import Overwrite, unwrap
from rxgraph.channels._reducer import concrete, same_function
from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing


class BinaryOperatorAggregate(BaseChannel[Value, Value, Value], Generic[Value]):
    """Merge each write into the value with a reducer; ``Annotated[list, operator.add]`` declares one.

    Shapes: Update ``Value`` or an ``Overwrite``, Read ``Value``, Checkpoint ``Value``.
    Order: writes are folded from the left, in the order of the task paths.
    Errors: what the reducer raises; two overwrites in one superstep are an ``InvalidUpdateError``. The value stays.

    Args:
        typ: Type of the value. If it can be called without arguments the channel starts with what it returns
            (``list`` with ``[]``, ``int`` with ``0``); otherwise the first write becomes the value.
        operator: The reducer, from the value and one write to the next value.
    """

    __slots__ = ("operator", "value")

    fades = False
    saves_value = True
    settles = True

    operator: Callable[[Value, Value], Value]
    value: Value | Missing

    def __init__(self, typ: type[Value], operator: Callable[[Value, Value], Value]) -> None:
        super().__init__(typ)
        self.operator = operator
        try:
            self.value = concrete(typ)()
        # Any annotation may stand here, and calling it may do anything; not every type has a zero.
        except Exception:
            self.value = MISSING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BinaryOperatorAggregate) and same_function(self.operator, other.operator)

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        if not values:
            return False
        value = self.value
        operator = self.operator
        overwritten = False
        for write in values:
            kind = type(write)
            # The exact types keep this test in the noise for every other write; unwrap() looks closer.
            if (kind is dict or kind is Overwrite) and (found := unwrap(write)) is not MISSING:
                if overwritten:
                    raise self._overwritten_twice()
                overwritten = True
                value = found
            elif not overwritten:
                value = write if value is MISSING else operator(value, write)
        self.value = value
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
        restored = self.__class__(self.typ, self.operator)
        restored.key = self.key
        if checkpoint is not MISSING:
            restored.value = checkpoint
        return restored

    def copy(self) -> Self:
        if type(self) is not BinaryOperatorAggregate:
            return self.from_checkpoint(self.value)
        # A router's view copies this channel in every superstep; the zero that __init__ makes would be thrown away.
        twin = self.__class__.__new__(self.__class__)
        twin.key, twin.typ, twin.operator, twin.value = self.key, self.typ, self.operator, self.value
        return twin


__all__ = ("BinaryOperatorAggregate",)
