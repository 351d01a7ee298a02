"""Values that the runtime keeps and a state may declare: ``Annotated[bool, IsLastStepManager]``."""

from .base import ManagedValue as ManagedValue
from .base import is_managed_value as is_managed_value
from .is_last_step import IsLastStep as IsLastStep
from .is_last_step import RemainingSteps as RemainingSteps

__all__ = ("IsLastStep", "ManagedValue", "RemainingSteps", "is_managed_value")
