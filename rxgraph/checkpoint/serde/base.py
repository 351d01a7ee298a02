"""What savers ask of a serializer, and serializers of a cipher."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Protocol, runtime_checkable


class UntypedSerializerProtocol(Protocol):
    """A serializer without tags: ``pickle``, ``json`` with bytes, and the like."""

    def dumps(self, obj: Any) -> bytes: ...

    def loads(self, data: bytes) -> Any: ...


@runtime_checkable
class SerializerProtocol(Protocol):
    """Turns a value into a tag and bytes, and back.

    Shapes: ``dumps_typed(value) -> (tag, bytes)``; ``loads_typed((tag, bytes)) -> value``. Savers keep both as they
    are; the tag ``"empty"`` is theirs and means that a channel has no value.
    """

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]: ...

    def loads_typed(self, data: tuple[str, bytes]) -> Any: ...


class Pieces:
    """Bytes in pieces, which other ones may have too, so that who keeps both can tell what they share.

    Args:
        pieces: The pieces.
    """

    __slots__ = ("pieces", "size")

    def __init__(self, pieces: tuple[bytes | memoryview, ...]) -> None:
        self.pieces = pieces
        self.size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self.size

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Pieces) and self.pieces == other.pieces:
            return True
        return isinstance(other, Pieces | bytes) and len(self) == len(other) and whole(self) == whole(other)

    __hash__ = None  # type: ignore[assignment]


def whole(data: bytes | Pieces) -> bytes:
    """Return bytes in one piece."""
    return b"".join(data.pieces) if isinstance(data, Pieces) else data


def dumps_pieces(serde: SerializerProtocol, value: Any) -> tuple[str, bytes | Pieces]:
    """Return what ``serde.dumps_typed`` does, in pieces if the serializer has it so."""
    # Not inherited: a derived class may write other bytes.
    dumps = None if "dumps_typed" in vars(serde) else vars(type(serde)).get("dumps_pieces")
    return serde.dumps_typed(value) if dumps is None else dumps(serde, value)


class Packed:
    """A value that was written early, so that nothing changes it before it is saved.

    Only for serializers with ``takes_packed = True``: ``dumps_typed`` returns its tag and bytes as they are, and inside
    of another value it is what it was made from.

    Args:
        value: Turned into bytes here and now.
        serde: Does it.
    """

    __slots__ = ("data", "serde", "tag")

    def __init__(self, value: Any, serde: SerializerProtocol) -> None:
        self.tag, self.data = dumps_pieces(serde, value)
        self.serde = serde

    def value(self) -> Any:
        """Read the value again; a new one each time."""
        return self.serde.loads_typed((self.tag, whole(self.data)))


ATOMS: frozenset[type] = frozenset((type(None), bool, int, float, str, bytes))
"""Types whose values nobody can change."""


def freeze(value: Any, serde: SerializerProtocol) -> Any:
    """Return what stands for a value from now on, whatever happens to it: packed, or else a copy.

    Raises:
        UnserializableValueError: The value has no stored form.
    """
    if type(value) in ATOMS or isinstance(value, BaseException):
        return value
    return Packed(value, serde) if getattr(serde, "takes_packed", False) else deepcopy(value)


class SerializerCompat:
    """Gives an untyped serializer tags: its own class name on every row.

    Args:
        serde: The serializer with ``dumps`` and ``loads``.
    """

    def __init__(self, serde: UntypedSerializerProtocol) -> None:
        self.serde = serde

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return type(self.serde).__name__, self.serde.dumps(obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return self.serde.loads(data[1])


def maybe_add_typed_methods(serde: SerializerProtocol | UntypedSerializerProtocol) -> SerializerProtocol:
    """Return the serializer as it is if it has tags, else wrapped so that it has.

    Raises:
        TypeError: It has neither the typed nor the untyped methods.
    """
    if isinstance(serde, SerializerProtocol):
        return serde
    if not (hasattr(serde, "dumps") and hasattr(serde, "loads")):
        raise TypeError(
            f"Serializer needs dumps_typed and loads_typed, or dumps and loads; got {serde!r}. "
            "See rxgraph.checkpoint.serde.base.SerializerProtocol."
        )
    return SerializerCompat(serde)


@runtime_checkable
class CipherProtocol(Protocol):
    """Encrypts bytes.

    Shapes: ``encrypt(bytes) -> (name of the cipher, bytes)``; ``decrypt(name, bytes) -> bytes``. The name is stored
    with the row, so a cipher can tell its old keys or modes apart; it should refuse names that aren't its own.
    """

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]: ...

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes: ...


__all__ = (
    "ATOMS",
    "CipherProtocol",
    "Packed",
    "Pieces",
    "SerializerCompat",
    "SerializerProtocol",
    "UntypedSerializerProtocol",
    "dumps_pieces",
    "freeze",
    "maybe_add_typed_methods",
    "whole",
)
