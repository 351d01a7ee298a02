"""How many supersteps are left before ``recursion_limit``."""

from __future__ import annotations

from typing import Annotated

from .base import Clock, ManagedValue


class IsLastStepManager(ManagedValue[bool]):
    """True in the last superstep that the recursion limit allows."""

    @staticmethod
    def get(clock: Clock) -> bool:
        return clock.step == clock.stop - 1


class RemainingStepsManager(ManagedValue[int]):
    """Supersteps that are left, this one included."""

    @staticmethod
    def get(clock: Clock) -> int:
        return clock.stop - clock.step


IsLastStep = Annotated[bool, IsLastStepManager]
"""State key: whether this is the last superstep."""
RemainingSteps = Annotated[int, RemainingStepsManager]
"""State key: how many supersteps are left."""

__all__ = ("IsLastStep", "IsLastStepManager", "RemainingSteps", "RemainingStepsManager")
