"""A bounded log: what lies between a source that pushes and a reader that pulls.

Under ``suspend`` the log never drops. It tells its :class:`Gate` when it is full, and whoever feeds it is expected
to stop there; items that arrive all the same are kept and counted as ``overrun``. The gate opens again when the
reader has taken a quarter of the log, not one item: a wake-up for each item would cost more than the item. [Reactor
``limitRate``]

The other policies drop, and count what they drop. Closing is idempotent, and items that are already in the log are
delivered before its end.

Threads: a ``suspend`` log belongs to the thread that owns its gate. With another policy one thread may push while
another one pulls: the methods of ``deque`` are atomic, and a deque with a ``maxlen`` throws out its oldest item in the
same breath as it takes a new one in. So a log that was seen to have an item still has one when it is popped. Only
logs that mark their gaps need a lock, because item and mark have to agree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from sys import maxsize
from threading import Lock
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
    Errors: stand behind the items that came before; :meth:`raise_error` raises, once ``is_over``.

    Args:
        maxlen: Most items to hold; ``None`` means the default of 1024. ``latest`` holds one, ``unbounded`` any number.
        overflow: What a full log does with one more item.
        gate: Shut while this log is full (``suspend`` only).
        name: Shown in errors.
        mark_gaps: Deliver a :class:`Lagged` in the place of dropped items (under ``error`` the error tells enough).
            Behind the newest item it takes the place of an item.

    Raises:
        ValueError: *maxlen* below 1, or an unknown policy.
    """

    __slots__ = (
        "_capacity", "_closed", "_dropped", "_error", "_evicts", "_gap", "_gate", "_lock", "_marks", "_overrun",
        "_plain", "_policy", "_pushed", "_refill", "_shut", "_taken", "items", "leave", "listener", "name",
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
        """Called at the next item or at the end, then forgotten: how a waiting pull is woken. When another thread
        pushes, a call may come late, after the pull that left the callback."""
        self.leave: Callable[[], None] | None = None
        """Called when ``overflow="error"`` ends the log: how whoever feeds it gets rid of the source."""
        self._capacity = {"latest": 1, "unbounded": maxsize}.get(overflow, maxlen or DEFAULT_MAXLEN)
        marks = mark_gaps and overflow in ("drop_oldest", "drop_latest", "latest")
        self._lock = Lock() if marks else None
        # The deque throws out the oldest item by itself; what it threw out follows from the other counts.
        self._evicts = overflow in ("drop_oldest", "latest") and not marks
        self._plain = not (marks or self._evicts)
        self.items: deque[Any] = deque(maxlen=self._capacity if self._evicts else None)
        """The items that wait; readers look at it, and take with :meth:`pop`."""
        self._refill = self._capacity * 3 // 4
        self._policy = overflow
        self._gate = gate or Gate()
        # Items thrown out at the front and not yet told of; marks among the items at the end.
        self._gap = self._marks = 0
        self._pushed = self._taken = self._dropped = self._overrun = 0
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
        if self._plain:
            item: T = self.items.popleft()
            if self._shut and len(self.items) <= self._refill:
                self._reopen()
            return item
        if self._evicts:
            item = self.items.popleft()
            self._taken += 1
            return item
        return self._pop_marked()

    def clear(self) -> None:
        """Drop what is left; a reader that goes away frees its share."""
        with self._lock or nullcontext():
            # One by one: an item that another thread pushes meanwhile stays, and is counted as buffered.
            for _ in range(len(self.items)):
                self.items.popleft()
                self._dropped += 1
            self._dropped -= self._marks
            self._gap = self._marks = 0
        self._reopen()

    def raise_error(self) -> None:
        """Raise the error that ended the log, if any."""
        if self._error is not None:
            raise self._error

    @property
    def error(self) -> Exception | None:
        """The error that ended the log; items may stand before it."""
        return self._error

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
        buffered = len(self.items) - self._marks
        dropped = self._pushed - self._taken - buffered if self._evicts else self._dropped
        return LogStatistics(
            buffered=buffered,
            capacity=None if self._policy == "unbounded" else self._capacity,
            delivered=self._pushed - dropped - buffered,
            dropped=dropped,
            overrun=self._overrun,
        )

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        state = "failed" if self._error else "closed" if self._closed else "open"
        most = "" if self._policy == "unbounded" else f"/{self._capacity}"
        return f"<BoundedLog {self.name!r} {state} {len(self.items)}{most} {self._policy}>"

    def _overflow(self, value: T) -> None:
        items = self.items
        if self._evicts:
            items.append(value)
        elif self._policy == "suspend":
            self._overrun += 1
            items.append(value)
        elif self._lock is not None:
            with self._lock:
                self._overflow_marked(value)
        elif self._policy == "drop_latest":
            self._dropped += 1
        else:
            self._dropped += 1
            self.on_error(
                SlowConsumerError(
                    f"Log {self.name!r} is full: its reader is {len(items)} items behind and overflow='error'. "
                    "Read faster, raise maxlen, or choose another policy."
                )
            )
            if self.leave is not None:
                self.leave()

    def _overflow_marked(self, value: T) -> None:
        items = self.items
        # The reader may have made room meanwhile.
        if len(items) < self._capacity:
            items.append(value)
            return
        self._dropped += 1
        if self._policy != "drop_latest":
            items.popleft()
            items.append(value)
            self._gap += 1
        elif self._marks and type(items[-1]) is Lagged:
            items[-1] = Lagged(items[-1].n + 1)
        else:
            items.append(Lagged(1))
            self._marks += 1

    def _pop_marked(self) -> T | Lagged:
        assert self._lock is not None
        with self._lock:
            if self._gap:
                gap, self._gap = self._gap, 0
                return Lagged(gap)
            item: T | Lagged = self.items.popleft()
            if self._marks and type(item) is Lagged:
                self._marks -= 1
            return item

    def _tell(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener()

    def _reopen(self) -> None:
        if self._shut:
            self._shut = False
            self._gate.reopen()


__all__ = ("DEFAULT_MAXLEN", "BoundedLog", "Lagged", "LogStatistics", "Overflow", "SlowConsumerError")
