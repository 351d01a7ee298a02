"""Ids of checkpoints: UUIDs of version 6, whose order as text is the order in which they were made.

The 60 bits of time come first, so "the latest checkpoint" is the greatest id. A process never gives the same time
twice and never goes back, also when its clock does. Across processes there are only clocks; ``after`` closes the gap
that matters, since a new checkpoint is always younger than the one that it was made from.
"""

from __future__ import annotations

from random import getrandbits
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

# 100 ns ticks between the start of the Gregorian calendar, 1582-10-15, and the epoch: RFC 9562, 5.1.
_GREGORIAN: Final = 0x01B21DD213814000

_lock = Lock()
_last = 0
_made = ""


def uuid6(node: int | None = None, clock_seq: int | None = None) -> UUID:
    """Return an id that sorts after all that this process has made.

    Args:
        node: 48 bits of your own; random if not given.
        clock_seq: The lowest 14 bits of this number are stored, random if not given. Checkpoints put their step there.
    """
    # Only programs that ask for the object load the module; see uuid6_text.
    from uuid import UUID

    return UUID(uuid6_text(clock_seq, node=node))


def uuid6_text(clock_seq: int | None = None, *, node: int | None = None, after: str | None = None) -> str:
    """Return the text of ``uuid6``, without making an object of it.

    Args:
        clock_seq: As in ``uuid6``.
        node: As in ``uuid6``.
        after: An id that the new one has to sort after, even if it was made by a clock that is ahead of ours.
    """
    global _last, _made
    ticks = time_ns() // 100 + _GREGORIAN
    # What this process made is before `_last` anyway.
    floor = 0 if after is None or after == _made else _ticks(after)
    with _lock:
        if ticks <= _last:
            ticks = _last + 1
        if ticks <= floor:
            ticks = floor + 1
        _last = ticks
    if clock_seq is None:
        clock_seq = getrandbits(14)
    if node is None:
        # The module's generator takes a new seed in a forked process.
        node = getrandbits(48)
    high = (ticks >> 12) << 16 | 0x6000 | ticks & 0xFFF
    low = (0x8000 | clock_seq & 0x3FFF) << 48 | node & 0xFFFFFFFFFFFF
    digits = (high << 64 | low).to_bytes(16, "big").hex()
    made = _made = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return made


def _ticks(text: str) -> int:
    """The time in an id; 0 for one that isn't a UUID of version 6, which no clock of ours can be compared with."""
    if len(text) != 36 or text[14] != "6":
        return 0
    try:
        return int(text[:8] + text[9:13] + text[15:18], 16)
    except ValueError:
        return 0


__all__ = ("uuid6", "uuid6_text")
