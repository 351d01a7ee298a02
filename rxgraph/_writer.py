"""What a stream writer returns when nobody has to wait, and the writer of a stream that nobody reads."""

from __future__ import annotations

from typing import Any


class _Ready:
    """An awaitable that is already done."""

    __slots__ = ()

    def __await__(self) -> Any:
        return iter(())


READY = _Ready()
"""What a writer returns when there is room: awaiting it does not suspend."""


def no_write(payload: Any, /) -> _Ready:
    """Be the writer of a run whose ``custom`` stream nobody reads."""
    return READY


__all__ = ("READY", "no_write")
