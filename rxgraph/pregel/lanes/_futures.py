"""The future of a call on a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any


class CallFuture(Future[Any]):
    """The future of a call on a thread.

    Whoever waits for a call that nobody has begun runs it, so that no pool of threads is too small.

    Args:
        run: Runs the call and settles the future.
    """

    def __init__(self, run: Callable[[CallFuture], None]) -> None:
        super().__init__()
        self._run = run
        self._begun = Lock()

    def begin(self) -> None:
        """Run the call, unless somebody has begun it."""
        if self._begun.acquire(blocking=False):
            self._run(self)

    def result(self, timeout: float | None = None) -> Any:
        if timeout is None:
            self.begin()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if timeout is None:
            self.begin()
        return super().exception(timeout)


__all__ = ("CallFuture",)
