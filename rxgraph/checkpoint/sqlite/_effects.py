"""What an operation asks of a database, so that it is written once for both colours.

An operation is a generator of effects: it says which rows it wants read or written, and a saver with a connection
does it, blocking or awaiting. An operation opens nothing and holds nothing between its effects; what has to be seen
and changed in one piece is an operation inside of it, whose effects are one transaction.
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


class Atomic(NamedTuple):
    """An operation that nobody writes in between: its effects are one transaction, its outcome is the outcome.

    What it raises takes everything back.
    """

    operation: Operation[Any]


Request: TypeAlias = Effect | Atomic
Procedure: TypeAlias = Generator[Request, Any, T]
"""An operation with parts that are atomic; it is none itself."""

__all__ = ("Atomic", "Effect", "Operation", "Procedure", "Read", "Request", "Row", "Statement", "T", "Write")
