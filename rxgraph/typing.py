"""Type variables of the public classes."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeVar

StateT = TypeVar("StateT", default=dict[str, Any])
"""The state of a graph, as its nodes see it."""
StateT_co = TypeVar("StateT_co", default=dict[str, Any], covariant=True)
StateT_contra = TypeVar("StateT_contra", default=dict[str, Any], contravariant=True)
InputT = TypeVar("InputT", default=StateT)
"""What a graph takes."""
OutputT = TypeVar("OutputT", default=StateT)
"""What a graph returns."""
ContextT = TypeVar("ContextT", default=None)
"""Run-scoped, read-only data (``context=``)."""

__all__ = ("ContextT", "InputT", "OutputT", "StateT", "StateT_co", "StateT_contra")
