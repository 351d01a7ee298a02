"""The time that one attempt of an async node may take.

A timer looks at the clock when the earliest limit could have been reached, and no sooner: a sign of life only notes
the time. When a limit is reached the attempt is cancelled, and its end is turned into a ``NodeTimeoutError``, also if
the node swallows the cancellation. A cancellation that somebody else asks for meanwhile goes its own way.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal, cast

from rxgraph.errors import NodeTimeoutError
from rxgraph.types import TimeoutPolicy


class Deadline:
    """Limits the time of a ``with`` block that awaits.

    Args:
        node: Named in the error.
        policy: With times in seconds.

    Raises:
        NodeTimeoutError: At the end of the block, which was cancelled.
    """

    __slots__ = ("_cancelling", "_expired", "_handle", "_last", "_loop", "_node", "_policy", "_started", "_task")

    def __init__(self, node: str, policy: TimeoutPolicy) -> None:
        self._node, self._policy = node, policy
        self._expired: Literal["run", "idle"] | None = None

    @property
    def hears_everything(self) -> bool:
        """Whether any output is a sign of life, rather than a heartbeat only."""
        return self._policy.refresh_on == "auto"

    def beat(self) -> None:
        """Take note of a sign of life; on any thread."""
        self._last = self._loop.time()

    def __enter__(self) -> Deadline:
        self._loop = asyncio.get_running_loop()
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._cancelling = self._task.cancelling()
        self._started = self._last = self._loop.time()
        self._handle = self._loop.call_at(self._due()[0], self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._handle.cancel()
        if self._expired is None:
            return
        if self._task.uncancel() > self._cancelling or (
            error is not None and not isinstance(error, asyncio.CancelledError)
        ):
            return
        run, idle = cast("tuple[float | None, float | None]", (self._policy.run_timeout, self._policy.idle_timeout))
        raise NodeTimeoutError(
            self._node,
            kind=self._expired,
            elapsed=self._loop.time() - self._started,
            run_timeout=run,
            idle_timeout=idle,
        ) from error

    def _due(self) -> tuple[float, Literal["run", "idle"]]:
        """Return when the next limit is reached, as far as is known now, and which."""
        run, idle = cast("tuple[float | None, float | None]", (self._policy.run_timeout, self._policy.idle_timeout))
        limits: list[tuple[float, Literal["run", "idle"]]] = []
        if run is not None:
            limits.append((self._started + run, "run"))
        if idle is not None:
            limits.append((self._last + idle, "idle"))
        return min(limits)

    def _look(self) -> None:
        due, kind = self._due()
        if self._loop.time() < due:
            self._handle = self._loop.call_at(due, self._look)
            return
        self._expired = kind
        self._task.cancel()


__all__ = ("Deadline",)
