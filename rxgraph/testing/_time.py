"""Time that passes as fast as a test wants: hours of backoff, limits and heartbeats in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Token
from types import TracebackType
from typing import Any, TypeVar, TypeVarTuple, Unpack

from rxgraph._clock import CLOCK, Clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualTime:
    """A clock that jumps to the next thing that is due whenever nothing else is left to do.

    In a ``with`` block it is the clock of the synchronous lane: a wait between two attempts is over at once. ``run``
    awaits a coroutine on an event loop of its own whose time it is, with ``asyncio.sleep``, timers and the timeouts of
    nodes. Work on threads takes as long as it takes; time stands still meanwhile.

    Example:
        >>> import asyncio
        >>> from rxgraph.testing import VirtualTime
        >>> time = VirtualTime()
        >>> time.run(asyncio.sleep(3600, "done"))
        'done'
        >>> time.now
        3600.0
    """

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds that have passed."""
        self._tokens: list[Token[Clock]] = []

    def wait(self, seconds: float, over: Callable[[float], bool], /) -> bool:
        """Let a time pass; the clock's side of ``rxgraph._clock.Clock``."""
        self.now += seconds
        return over(0.0)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine on a loop of its own, to the end, and return its result."""
        with self, asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(coroutine)

    def __enter__(self) -> VirtualTime:
        self._tokens.append(CLOCK.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        CLOCK.reset(self._tokens.pop())

    def __repr__(self) -> str:
        return f"<VirtualTime {self.now:g} s>"


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self, time: VirtualTime) -> None:
        self._virtual = time
        self._on_threads = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._on_threads += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, future: asyncio.Future[Any]) -> None:
        self._on_threads -= 1


class _Selector(selectors.DefaultSelector):
    """Lets virtual time pass where others would wait."""

    def __init__(self, loop: _Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self._loop._on_threads:
            # A thread says when it is done; until then no timer is due.
            return super().select(None if timeout is None or timeout > 0 else timeout)
        ready = super().select(0)
        if not ready:
            self._loop._virtual.now += timeout
        return ready


__all__ = ("VirtualTime",)
