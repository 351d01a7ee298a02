"""A bounded log: what lies between a source that pushes and a reader that pulls.

Under ``suspend`` the log never drops. It tells its :class:`Gate` when it is full, and whoever feeds it is expected
to stop there; items that arrive all the same are kept and counted as ``overrun``. The gate opens again when the
reader has taken a quarter of the log, not one item: a wake-up for each item would cost more than the item. [Reactor
``limitRate``]

The other policies drop, and count what they drop. Closing is idempotent, and items that are already in the log are
delivered before its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from reactivex import abc

from ._gate import Gate

T = TypeVar("T")

DEFAULT_MAXLEN: Final = 1024
"""Items that a log holds when nobody says otherwise."""

Overflow: TypeAlias = Literal["suspend", "drop_oldest", "drop_latest", "latest", "error", "unbounded"]
"""What a full log does with one more item."""

POLICIES: Final = ("suspend", "drop_oldest", "drop_latest", "latest", "error", "unbounded")


@dataclass(frozen=True, slots=True)
class Lagged:
    """Stands in a stream for *n* items that its reader was too slow for."""

    n: int


class SlowConsumerError(RuntimeError):
    """A log with ``overflow="error"`` was full; only its own reader gets this."""


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """Counters of a log, in items: emitted = delivered + dropped + buffered."""

    buffered: int
    capacity: int | None
    delivered: int
    dropped: int
    overrun: int


class BoundedLog(abc.ObserverBase[T], Generic[T]):
    """Hold at most *maxlen* items between a pushing source and a pulling reader.

    Demand: under ``suspend`` the source must stay away while ``gate`` is shut; other policies take any number.
    Order: source order; dropping leaves gaps.
    Errors: ``on_error`` is raised by :meth:`pop` once the items before it are taken.

    Args:
        maxlen: Most items to hold; ``None`` means the default of 1024.
        overflow: What a full log does with one more item.
        gate: Shut while this log is full (``suspend`` only).
        name: Shown in errors.
        mark_gaps: Deliver a :class:`Lagged` in the place of dropped items.

    Raises:
        ValueError: *maxlen* below 1, or an unknown policy.
    """

    __slots__ = (
        "_capacity", "_closed", "_dropped", "_error", "_gap", "_gate", "_mark", "_overrun", "_policy", "_pushed",
        "_refill", "_shut", "items", "listener", "name",
    )  # fmt: skip

    def __init__(
        self,
        maxlen: int | None = None,
        *,
        overflow: Overflow = "suspend",
        gate: Gate | None = None,
        name: str = "log",
        mark_gaps: bool = False,
    ) -> None:
        if overflow not in POLICIES:
            raise ValueError(f"Log {name!r} got an unknown overflow policy {overflow!r}; expected one of {POLICIES}.")
        if maxlen is not None and maxlen < 1:
            raise ValueError(f"Log {name!r} needs maxlen >= 1, got {maxlen}; use None for the default.")
        self.name = name
        self.listener: Callable[[], None] | None = None
        """Called once, at the next item or at the end, then forgotten: how a waiting pull is woken."""
        self.items: deque[Any] = deque()
        """The items that wait; readers look at it, and take with :meth:`pop`."""
        self._capacity = 1 if overflow == "latest" else (maxlen or DEFAULT_MAXLEN)
        self._refill = self._capacity * 3 // 4
        self._policy = overflow
        self._gate = gate or Gate()
        self._mark = mark_gaps
        self._gap = 0
        self._pushed = self._dropped = self._overrun = 0
        self._shut = self._closed = False
        self._error: Exception | None = None

    def on_next(self, value: T) -> None:
        """Take one item in."""
        if self._closed:
            return
        items = self.items
        self._pushed += 1
        if len(items) < self._capacity:
            items.append(value)
            if len(items) == self._capacity and self._policy == "suspend" and not self._shut:
                self._shut = True
                self._gate.shut()
        else:
            self._overflow(value)
        if self.listener is not None:
            self._tell()

    def on_error(self, error: Exception) -> None:
        """End the log with an error, behind the items that it holds."""
        if not self._closed:
            self._error = error
            self.on_completed()

    def on_completed(self) -> None:
        """End the log, behind the items that it holds."""
        if not self._closed:
            self._closed = True
            self._reopen()
            if self.listener is not None:
                self._tell()

    def pop(self) -> T | Lagged:
        """Take the oldest item.

        Raises:
            IndexError: The log is empty; ask ``len(log)`` and ``is_over`` first.
        """
        if self._gap and self._mark:
            gap, self._gap = self._gap, 0
            return Lagged(gap)
        item: T = self.items.popleft()
        if self._shut and len(self.items) <= self._refill:
            self._reopen()
        return item

    def clear(self) -> None:
        """Drop what is left; a reader that goes away frees its share."""
        self._dropped += len(self.items)
        self.items.clear()
        self._reopen()

    def raise_error(self) -> None:
        """Raise the error that ended the log, if any."""
        if self._error is not None:
            raise self._error

    @property
    def is_closed(self) -> bool:
        """Whether the source has ended; items may be left."""
        return self._closed

    @property
    def is_over(self) -> bool:
        """Whether the source has ended and nothing is left."""
        return self._closed and not self.items

    @property
    def is_full(self) -> bool:
        """Whether the log holds its most."""
        return len(self.items) >= self._capacity

    @property
    def overrun(self) -> int:
        """Items that came although a ``suspend`` log was full."""
        return self._overrun

    def statistics(self) -> LogStatistics:
        """Count items now in the log, delivered, dropped, and pushed past the limit."""
        return LogStatistics(
            buffered=len(self.items),
            capacity=None if self._policy == "unbounded" else self._capacity,
            delivered=self._pushed - self._dropped - len(self.items),
            dropped=self._dropped,
            overrun=self._overrun,
        )

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        state = "failed" if self._error else "closed" if self._closed else "open"
        return f"<BoundedLog {self.name!r} {state} {len(self.items)}/{self._capacity} {self._policy}>"

    def _overflow(self, value: T) -> None:
        match self._policy:
            case "unbounded":
                self.items.append(value)
            case "suspend":
                self._overrun += 1
                self.items.append(value)
            case "drop_latest":
                self._drop()
            case "error":
                self._drop()
                self.on_error(
                    SlowConsumerError(
                        f"Log {self.name!r} is full: its reader is {len(self.items)} items behind and "
                        "overflow='error'. Read faster, raise maxlen, or choose another policy."
                    )
                )
            case _:
                self.items.popleft()
                self._drop()
                self.items.append(value)

    def _drop(self) -> None:
        self._dropped += 1
        self._gap += 1

    def _tell(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener()

    def _reopen(self) -> None:
        if self._shut:
            self._shut = False
            self._gate.reopen()


__all__ = ("DEFAULT_MAXLEN", "BoundedLog", "Lagged", "LogStatistics", "Overflow", "SlowConsumerError")
