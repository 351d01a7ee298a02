"""The ledger of ``request(n)``."""

from __future__ import annotations

from typing import Final

UNBOUNDED: Final = 2**63 - 1
"""Demand from here on means: everything. [RS §3.17]"""


class Demand:
    """Counts what was requested and what was produced since.

    Not locked: it belongs to whoever owns the source, or is guarded by its owner's lock.

    Example:
        >>> demand = Demand()
        >>> demand.request(3)
        >>> demand.produce()
        >>> demand.outstanding
        2
    """

    __slots__ = ("outstanding",)

    def __init__(self) -> None:
        self.outstanding = 0

    @staticmethod
    def check(n: int, who: str = "subscriber") -> None:
        """Raise unless *n* is a whole number above zero.

        Raises:
            TypeError: *n* is no int (a bool is none either).
            ValueError: *n* is below 1. [RS §3.9]
        """
        if type(n) is not int:
            raise TypeError(f"request(n) needs an int, got {n!r} ({who}). [RS §3.9]")
        if n < 1:
            raise ValueError(f"request(n) needs n >= 1, got {n} ({who}); the subscription is cancelled. [RS §3.9]")

    def request(self, n: int) -> None:
        """Add *n*; sums saturate at ``UNBOUNDED``. [RS §3.8, §3.17]"""
        self.check(n)
        self.outstanding = min(UNBOUNDED, self.outstanding + n)

    def produce(self, n: int = 1) -> None:
        """Take *n* off; unbounded demand stays unbounded, and the ledger never goes below zero."""
        if self.outstanding < UNBOUNDED:
            self.outstanding = max(0, self.outstanding - n)

    def clear(self) -> None:
        """Forget what was requested."""
        self.outstanding = 0

    def __bool__(self) -> bool:
        return self.outstanding > 0

    def __repr__(self) -> str:
        return f"<Demand {'unbounded' if self.outstanding >= UNBOUNDED else self.outstanding}>"


__all__ = ("UNBOUNDED", "Demand")
