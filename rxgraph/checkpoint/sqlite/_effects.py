"""What an operation asks of a database, so that it is written once for both colours.

An operation is a generator of effects: it says which rows it wants read or written, and a saver with a connection
does it, blocking or awaiting. An operation opens nothing and holds nothing between its effects.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

Row: TypeAlias = Sequence[Any]

T = TypeVar("T")


class Read(NamedTuple):
    """A query; the outcome is the list of its rows."""

    sql: str
    parameters: Row = ()


class Statement(NamedTuple):
    """A change, once for each of the rows of parameters."""

    sql: str
    rows: Sequence[Row] = ((),)


class Write(NamedTuple):
    """Changes that are made in one transaction: all of them, or none."""

    statements: Sequence[Statement]


Effect: TypeAlias = Read | Write
Operation: TypeAlias = Generator[Effect, Any, T]

__all__ = ("Effect", "Operation", "Read", "Row", "Statement", "T", "Write")
