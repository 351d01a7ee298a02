"""A batch of operations, checked and sorted before a store does anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from rxgraph.store.base import GetOp, ListNamespacesOp, Op, PutOp, SearchOp, validate_op_namespace

Address: TypeAlias = tuple[tuple[str, ...], str]
"""Namespace and key."""

# A thousand years, in minutes: dates end in the year 9999.
_LONGEST: Final = 525_960_000

ReadOp: TypeAlias = GetOp | SearchOp | ListNamespacesOp


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations in the order they are done: what reads first, then the last put to each key.

    Args:
        size: How many operations there are.
        reads: Those that read, each with its place among the results.
        puts: Those that write.
    """

    size: int
    reads: list[tuple[int, ReadOp]]
    puts: dict[Address, PutOp]

    @classmethod
    def of(cls, ops: Iterable[Op]) -> Batch:
        """Check and sort operations.

        Raises:
            InvalidNamespaceError: A namespace is illegal.
            TypeError: A value isn't a dict.
            ValueError: Something else can't be meant.
        """
        size = 0
        reads: list[tuple[int, ReadOp]] = []
        puts: dict[Address, PutOp] = {}
        for place, op in enumerate(ops):
            size = place + 1
            if isinstance(op, GetOp):
                validate_op_namespace(op)
                reads.append((place, op))
            elif isinstance(op, PutOp):
                validate_op_namespace(op)
                _check_put(op)
                address = (op.namespace, op.key)
                # The last put is also last in the order of the database.
                puts.pop(address, None)
                puts[address] = op
            elif isinstance(op, SearchOp | ListNamespacesOp):
                validate_op_namespace(op)
                if op.limit < 0 or op.offset < 0:
                    raise ValueError(f"{type(op).__name__} needs limit >= 0 and offset >= 0, got {op!r}.")
                if isinstance(op, ListNamespacesOp) and op.max_depth is not None and op.max_depth < 0:
                    raise ValueError(f"ListNamespacesOp needs max_depth >= 0, got {op.max_depth!r}.")
                reads.append((place, op))
            else:
                raise ValueError(f"Unknown operation, got {op!r}. Known: GetOp, PutOp, SearchOp, ListNamespacesOp.")
        return cls(size, reads, puts)


def _check_put(op: PutOp) -> None:
    if op.value is not None and not isinstance(op.value, Mapping):
        raise TypeError(f"Value of {op.key!r} must be a dict, got {op.value!r}. Wrap it: {{'value': ...}}.")
    if op.ttl is not None and not (
        isinstance(op.ttl, int | float) and math.isfinite(op.ttl) and 0 <= op.ttl <= _LONGEST
    ):
        raise ValueError(
            f"ttl of {op.key!r} must be minutes, 0 <= ttl <= {_LONGEST}, or None for ever; got {op.ttl!r}."
        )


__all__ = ("Address", "Batch", "ReadOp")
