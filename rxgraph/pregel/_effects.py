"""What the engine asks of a lane. A lane performs an effect and sends the outcome back, or throws it in.

Persistence adds ``Load`` and ``Save`` here; their places in the engine are before the input and behind each apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from rxgraph.types import Part

from ._superstep import Superstep


class Execute(NamedTuple):
    """Run the tasks of a superstep; the outcome is ``None`` when all have ended, or the first error."""

    superstep: Superstep


class Emit(NamedTuple):
    """Put parts into the mux; the outcome is ``None``."""

    parts: Iterable[Part]


Effect: TypeAlias = Execute | Emit

__all__ = ("Effect", "Emit", "Execute")
