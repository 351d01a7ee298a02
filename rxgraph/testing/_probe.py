"""A subscriber that notes everything, and helpers that the conformance suites of ``rxgraph.flow`` share."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from rxgraph.flow import Subscription

PATIENCE = 20.0
"""Seconds after which a rule that is stuck on a thread has failed; nothing waits for them to pass."""


class Probe:
    """Notes each signal with its order, counts requests, and sees signals that overlap or nest."""

    def __init__(self, first: int = 0, again: int = 0, on_item: Callable[[Probe], None] | None = None) -> None:
        self.first, self.again, self.on_item = first, again, on_item
        self.link: Subscription | None = None
        self.signals: list[str] = []
        self.values: list[Any] = []
        self.errors: list[Exception] = []
        self.requested = 0
        self.excess = self.overlaps = self.deepest = 0
        self._inside = 0
        self._lock = Lock()

    def on_subscribe(self, subscription: Subscription, /) -> None:
        self.signals.append("on_subscribe")
        if self.link is None:
            self.link = subscription
            if self.first:
                self.request(self.first)
        else:
            subscription.cancel()

    def on_next(self, value: Any, /) -> None:
        with self._lock:
            self._inside += 1
            self.deepest = max(self.deepest, self._inside)
        try:
            self.signals.append("on_next")
            self.values.append(value)
            if len(self.values) > self.requested:
                self.excess += 1
            if self.on_item is not None:
                self.on_item(self)
            if self.again:
                self.request(self.again)
        finally:
            with self._lock:
                self._inside -= 1

    def on_error(self, error: Exception, /) -> None:
        self._end("on_error")
        self.errors.append(error)

    def on_complete(self) -> None:
        self._end("on_complete")

    def _end(self, signal: str) -> None:
        if self._inside:
            self.overlaps += 1
        self.signals.append(signal)

    def request(self, n: Any) -> Any:
        """Ask for more, and book it first: an item may come before the call returns."""
        assert self.link is not None, "[RS §1.9] subscribe_with() called no on_subscribe"
        with self._lock:
            if type(n) is int and n > 0:
                self.requested += n
        # A subscription that answers something breaks no type here: what it answers is looked at.
        answer: Callable[[Any], Any] = self.link.request
        return answer(n)

    def cancel(self) -> Any:
        """Ask for nothing more."""
        assert self.link is not None, "[RS §1.9] subscribe_with() called no on_subscribe"
        leave: Callable[[], Any] = self.link.cancel
        return leave()

    @property
    def ends(self) -> list[str]:
        """The terminal signals so far."""
        return [signal for signal in self.signals if signal in ("on_error", "on_complete")]

    def __repr__(self) -> str:
        return f"<Probe requested={self.requested} items={len(self.values)} ends={self.ends}>"


def on_threads(*targets: Callable[[], Any]) -> None:
    """Run functions at once, each on a thread of its own; raise what they raise, or that they are stuck."""
    errors: list[BaseException] = []

    def guarded(target: Callable[[], Any]) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=guarded, args=(target,), daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    if errors:
        raise errors[0]
    stuck = sum(thread.is_alive() for thread in threads)
    assert not stuck, f"{stuck} of {len(threads)} threads are stuck"


def raised(call: Callable[[], Any]) -> Exception | None:
    """Return the error of a call that may raise one."""
    try:
        call()
    except Exception as error:
        return error
    return None


__all__ = ("PATIENCE", "Probe", "on_threads", "raised")
