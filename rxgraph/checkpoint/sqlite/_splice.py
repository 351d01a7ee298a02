"""The difference of two byte strings, as pieces of the older one and what stands between them.

A value that grew differs from what it was in a count near its start and in its tail; one that was edited in a few
places. So the two are followed side by side, and behind a difference they are brought together again by looking, near
by, for bytes that they have in common. Nothing here knows the format of the bytes, and no byte is looked at alone:
slices are compared, and the places where they begin to differ are found by halving.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from rxgraph.checkpoint.serde.base import Pieces, whole

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BH")
# Where a piece of the old bytes starts, its length, and the length of the new bytes that follow on it.
_PIECE: Final = struct.Struct(">III")

# Two places are taken for the same one where this many bytes agree; any will do, the rest is compared anyway.
_PROBE: Final = 24
_REACH: Final = 4096
_SKIPS: Final = (0, 1, 2, 3, 4, 5, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
_MOST_PIECES: Final = 16

Step: TypeAlias = tuple[int, int, bytes]
"""Where a piece of the old bytes starts, its length, and the new bytes that follow on it."""


def splice(old: bytes | Pieces, new: bytes | Pieces) -> bytes | None:
    """Return what makes *new* of *old*, or ``None`` if that isn't much shorter than *new* itself."""
    shared = _shared(old, new) if isinstance(old, Pieces) and isinstance(new, Pieces) else None
    found = _compare(whole(old), whole(new)) if shared is None else shared
    literals = [literal for _, _, literal in found]
    if sum(map(len, literals)) + _HEAD.size + _PIECE.size * len(found) > len(new) // 2:
        return None
    heads = (_PIECE.pack(start, length, len(literal)) for start, length, literal in found)
    return b"".join((_HEAD.pack(_VERSION, len(found)), *heads, *literals))


def unsplice(old: bytes, delta: bytes) -> bytes:
    """Return the new bytes.

    Raises:
        ValueError: The delta is damaged, or belongs to other bytes.
    """
    return b"".join(recut((old,), delta))


def recut(pieces: Sequence[bytes | memoryview], delta: bytes) -> list[memoryview]:
    """Return the new bytes in pieces, none of them copied: there may be many deltas to long bytes.

    Args:
        pieces: The old bytes.
        delta: What makes new ones of them.

    Raises:
        ValueError: As in ``unsplice``.
    """
    old = [memoryview(piece) for piece in pieces]
    try:
        version, count = _HEAD.unpack_from(delta)
        heads = [_PIECE.unpack_from(delta, _HEAD.size + number * _PIECE.size) for number in range(count)]
    except struct.error as error:
        raise ValueError(str(error)) from None
    if version != _VERSION:
        raise ValueError(f"unknown form {version}")
    starts = list(accumulate(map(len, old), initial=0))
    ends = list(accumulate((head[2] for head in heads), initial=_HEAD.size + count * _PIECE.size))
    if ends[-1] != len(delta) or any(start + length > starts[-1] for start, length, _ in heads):
        raise ValueError("pieces and lengths don't fit")
    view = memoryview(delta)
    found: list[memoryview] = []
    for (start, length, literal), at in zip(heads, ends, strict=False):
        if length:
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, start + length) - 1
            head, tail = start - starts[first], start + length - starts[last]
            if first == last:
                found.append(old[first][head:tail])
            else:
                found += (old[first][head:], *old[first + 1 : last], old[last][:tail])
        if literal:
            found.append(view[at : at + literal])
    return found


def _shared(old: Pieces, new: Pieces) -> list[Step] | None:
    """The difference of two values that are mostly the same objects behind their headers; ``None`` of others."""
    count, length = 1, 0
    for mine, yours in zip(old.pieces[1:], new.pieces[1:], strict=False):
        if mine is not yours:
            break
        count, length = count + 1, length + len(yours)
    if length * 2 < len(new):
        return None
    start = len(old.pieces[0])
    rest = _compare(b"".join(old.pieces[count:]), b"".join(new.pieces[count:]))
    end = start + length
    return [
        (0, 0, bytes(new.pieces[0])),
        (start, length, b""),
        *((end + at, size, literal) for at, size, literal in rest),
    ]


def _compare(old: bytes, new: bytes) -> list[Step]:
    """The difference of two byte strings."""
    view = memoryview(old)
    steps: list[Step] = []
    i = j = 0
    tail = _common_tail(view, new)
    old_end, new_end = len(old) - tail, len(new) - tail
    while True:
        start, same = i, _common(view, i, old_end, new, j, new_end)
        i += same
        j += same
        found = _meet(view, i, old_end, new, j, new_end) if len(steps) + 1 < _MOST_PIECES else None
        if found is None:
            break
        i, end = found
        steps.append((start, same, new[j:end]))
        j = end
    steps.append((start, same, new[j:new_end]))
    if tail:
        steps.append((old_end, tail, b""))
    return steps


def _common(old: memoryview, i: int, old_end: int, new: bytes, j: int, new_end: int) -> int:
    """How many bytes agree from these places on."""
    most = step = min(old_end - i, new_end - j)
    same = 0
    # `startswith` and `endswith` compare in place; a comparison ends at the first difference.
    while same < most:
        step = min(step, most - same)
        if new.startswith(old[i + same : i + same + step], j + same):
            same += step
        elif step == 1:
            break
        else:
            step //= 2
    return same


def _common_tail(old: memoryview, new: bytes) -> int:
    """How many bytes at the end agree."""
    most = step = min(len(old), len(new))
    same = 0
    while same < most:
        step = min(step, most - same)
        end = len(old) - same
        if new.endswith(old[end - step : end], 0, len(new) - same):
            same += step
        elif step == 1:
            break
        else:
            step //= 2
    return same


def _meet(old: memoryview, i: int, old_end: int, new: bytes, j: int, new_end: int) -> tuple[int, int] | None:
    """Return the next two places, not far away, at which both go on alike."""
    for skip in _SKIPS:
        probe = old[i + skip : min(i + skip + _PROBE, old_end)]
        if len(probe) < _PROBE:
            break
        at = new.find(probe, j, min(j + _REACH, new_end))
        if at >= 0:
            return i + skip, at
    return None


__all__ = ("recut", "splice", "unsplice")
