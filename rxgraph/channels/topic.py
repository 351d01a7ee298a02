"""A channel that queues what it gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self, Union

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing


class Topic(BaseChannel[Sequence[Value], Value | list[Value], list[Value]], Generic[Value]):
    """Hold the values written in a superstep, in order; a topic without values is empty.

    Shapes: Update ``Value | list[Value]``, Read ``list[Value]``, Checkpoint ``list[Value]``.
    Order: as written; a list counts as its items (one level), a tuple as one value.

    Args:
        typ: Type of one value.
        accumulate: Whether to keep the values for good, instead of until the next superstep.
    """

    __slots__ = ("accumulate", "fades", "values")

    accumulate: bool
    values: list[Value]

    def __init__(self, typ: type[Value], accumulate: bool = False) -> None:
        super().__init__(typ)
        self.accumulate = accumulate
        self.fades = not accumulate
        self.values = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topic) and other.accumulate == self.accumulate

    @property
    def ValueType(self) -> Any:
        return Sequence[self.typ]  # type: ignore[name-defined]

    @property
    def UpdateType(self) -> Any:
        # Union also takes the forward reference that an annotation may be.
        return Union[self.typ, list[self.typ]]  # type: ignore[name-defined]  # noqa: UP007

    def update(self, values: Sequence[Value | list[Value]]) -> bool:
        added: list[Value] = []
        for value in values:
            if isinstance(value, list):
                added.extend(value)
            else:
                added.append(value)
        if self.accumulate:
            self.values.extend(added)
            return bool(added)
        changed = bool(added or self.values)
        self.values = added
        return changed

    def get(self) -> Sequence[Value]:
        if not self.values:
            raise self._empty()
        return self.values.copy()

    def is_available(self) -> bool:
        return bool(self.values)

    def checkpoint(self) -> list[Value]:
        return self.values.copy()

    def from_checkpoint(self, checkpoint: list[Value] | tuple[Any, list[Value]] | Missing) -> Self:
        restored = self.__class__(self.typ, self.accumulate)
        restored.key = self.key
        if checkpoint is not MISSING:
            # Checkpoints of early LangGraph versions hold (values seen, values).
            restored.values = list(checkpoint[1] if isinstance(checkpoint, tuple) else checkpoint)
        return restored


__all__ = ("Topic",)
