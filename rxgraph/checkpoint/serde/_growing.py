"""Lists that grow are packed where they grew.

A conversation of a megabyte is saved after each message, and to pack all of it takes longer than all else that a save
does. What is kept of a list is its bytes and, of each part, *marks*: every dict and list in it, with the very objects
that it held. A part whose marks still hold has the bytes that it had:

1. A mark is about identity. Values that nobody can change (``ATOMS``, by their exact type) are the same bytes as long
   as they are the same object; of a dict also the keys and their order are looked at.
2. A part with anything else in it has no marks and is packed each time: what an object writes of itself is its own
   affair.
3. Marks are taken before the bytes. Who changes a message meanwhile, from another thread, has marks that don't hold.

So a message that was changed in place is found, at whatever depth, and everything from its part on is packed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any, Final, TypeAlias

from rxgraph.checkpoint._cache import Cache
from rxgraph.checkpoint.serde.base import ATOMS, Pieces

FEWEST: Final = 8
"""Items of the shortest list that is remembered."""
_SHORTEST: Final = 1 << 16
# To look at a container again takes as long as to pack so many bytes.
_BYTES_PER_CONTAINER: Final = 512
_PART: Final = 16
_CONTAINERS: Final = frozenset((dict, list, tuple))
_MOST_CONTAINERS: Final = 1000
_MOST_LEAVES: Final = 100_000
_MOST_BYTES: Final = 16 << 20

# A container, the keys of a dict, and what it holds.
Mark: TypeAlias = tuple[Any, tuple[Any, ...] | None, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbours in a list, their bytes, and what says that they are as they were."""

    items: tuple[Any, ...]
    data: bytes
    marks: tuple[Mark, ...]

    def is_full(self) -> bool:
        """Whether what comes next is a part of its own."""
        return len(self.items) >= _PART or len(self.data) >= _PART * 2 * _BYTES_PER_CONTAINER

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether these are the items, and unchanged."""
        if len(values) != len(self.items) or not all(map(is_, values, self.items)):
            return False
        try:
            for container, keys, held in self.marks:
                if len(container) != len(held):
                    return False
                if keys is None:
                    if not all(map(is_, container, held)):
                        return False
                elif not (all(map(is_, container, keys)) and all(map(is_, container.values(), held))):
                    return False
        except RuntimeError:
            # A dict that changes while it is looked at.
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Known:
    """A list that was packed: its first item, how many bytes it takes, and the parts that it begins with.

    One without parts was seen once; the next list with its first item is worth marks.
    """

    first: Any
    size: int
    parts: tuple[_Part, ...] = ()


class GrowingLists:
    """Packs lists, those that grew where they grew; any thread may use it.

    Args:
        pack: Turns a value into a msgpack document.
    """

    def __init__(self, pack: Callable[[Any], bytes]) -> None:
        self._pack = pack
        # By the identity of the first item, which is kept, so that no other object comes to have it.
        self._known: Cache[int, _Known] = Cache(_MOST_BYTES, lambda known: known.size)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy starts with nothing.
        return type(self), (self._pack,)

    def pack(self, values: list[Any]) -> bytes | Pieces:
        """Return the msgpack document of a list."""
        if len(values) < FEWEST or (type(values[0]) not in ATOMS and type(values[0]) not in _CONTAINERS):
            # Nothing of it could be kept.
            return self._pack(values)
        # What follows is about one list, even if somebody makes it longer meanwhile.
        values = values.copy()
        first = values[0]
        known = self._known.get(id(first))
        if known is not None and known.first is first:
            return self._repack(values, known)
        document = self._pack(values)
        if _worth(len(document), len(values)):
            self._known.put(id(first), _Known(first, len(document)))
        return document

    def _repack(self, values: list[Any], known: _Known) -> bytes | Pieces:
        parts: list[_Part] = []
        at = 0
        for part in known.parts:
            stop = at + len(part.items)
            if not part.holds(values[at:stop]):
                break
            parts.append(part)
            at = stop
        if parts and at < len(values) and not parts[-1].is_full():
            # Few items make no part of their own: the last one is packed again with them.
            at -= len(parts.pop().items)
        rest: tuple[bytes, ...] = ()
        while at < len(values):
            items = tuple(values[at : at + _PART])
            marks = _marks(items)
            data = self._body(items)
            at += len(items)
            if marks is None or len(marks) * _BYTES_PER_CONTAINER > len(data):
                # Nothing behind it can be kept either: parts are what a list begins with.
                rest = (data, self._body(values[at:])) if at < len(values) else (data,)
                break
            parts.append(_Part(items, data, marks))
        document = Pieces((_heading(len(values)), *(part.data for part in parts), *rest))
        if parts and _worth(len(document), len(values)):
            self._known.put(id(values[0]), _Known(values[0], len(document), tuple(parts)))
        else:
            self._known.drop(id(values[0]))
        return document

    def _body(self, items: Sequence[Any]) -> bytes:
        """The documents of some items, one after the other."""
        packed = self._pack(items)
        return packed[{0xDC: 3, 0xDD: 5}.get(packed[0], 1) :]


def _worth(size: int, items: int) -> bool:
    return size >= max(_SHORTEST, items * 2 * _BYTES_PER_CONTAINER)


def _marks(items: Iterable[Any]) -> tuple[Mark, ...] | None:
    """Marks for all containers in some values; ``None`` if there is something else, or too much."""
    marks: list[Mark] = []
    left = list(items)
    try:
        while left:
            value = left.pop()
            kind = type(value)
            if kind in ATOMS:
                continue
            if kind is dict:
                keys, held = tuple(value), tuple(value.values())
                left += keys
                marks.append((value, keys, held))
            elif kind is list:
                held = tuple(value)
                marks.append((value, None, held))
            elif kind is tuple:
                held = value
            else:
                return None
            left += held
            if len(marks) > _MOST_CONTAINERS or len(left) > _MOST_LEAVES:
                # A list that holds itself ends up here, too.
                return None
    except RuntimeError:
        return None
    return tuple(marks)


def _heading(length: int) -> bytes:
    """How msgpack begins an array."""
    if length < 16:
        return bytes((0x90 | length,))
    return b"\xdc" + length.to_bytes(2, "big") if length < 1 << 16 else b"\xdd" + length.to_bytes(4, "big")


__all__ = ("FEWEST", "GrowingLists")
