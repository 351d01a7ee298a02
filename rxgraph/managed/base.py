"""The contract of a managed value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import isclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from typing_extensions import TypeIs

V = TypeVar("V")


class Clock(Protocol):
    """Where a run stands: its current superstep, and the one before which it must be over."""

    @property
    def step(self) -> int: ...

    @property
    def stop(self) -> int: ...


class ManagedValue(ABC, Generic[V]):
    """A read-only state key whose value the runtime computes for each task.

    Shapes: declared as ``key: Annotated[V, Subclass]``; nodes read ``V``, nobody writes it, outputs leave it out.
    """

    @staticmethod
    @abstractmethod
    def get(clock: Clock) -> Any:
        """Compute the value for a task of superstep ``clock.step``."""


def is_managed_value(value: Any) -> TypeIs[type[ManagedValue[Any]]]:
    """Whether *value* is a class of managed values."""
    return isclass(value) and issubclass(value, ManagedValue)


ManagedValueSpec: TypeAlias = type[ManagedValue[Any]]
ManagedValueMapping: TypeAlias = dict[str, ManagedValueSpec]

__all__ = ("Clock", "ManagedValue", "ManagedValueMapping", "ManagedValueSpec", "is_managed_value")
