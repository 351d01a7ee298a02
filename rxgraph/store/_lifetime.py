"""How long items live, by a clock that the store is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from rxgraph.store.base import TTLConfig

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, as ``time.time``."""


class Lifetime:
    """The clock and the rules of expiry of one store.

    Args:
        config: See ``TTLConfig``.
        clock: What time it is.
    """

    def __init__(self, config: TTLConfig | None, clock: Clock) -> None:
        settings: TTLConfig = config or {}
        self._clock = clock
        self.omit_expired = settings.get("omit_expired", True)
        self.sweep_interval = settings.get("sweep_interval_minutes") or 5.0

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    @staticmethod
    def expiry(now: datetime, ttl: float | None) -> datetime | None:
        """Return when something that begins to live now is gone; ``None`` for never."""
        return None if ttl is None else now + timedelta(minutes=ttl)


__all__ = ("Clock", "Lifetime")
