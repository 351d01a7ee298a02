"""What savers ask of a serializer, and serializers of a cipher."""

from __future__ import annotations

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
    "CipherProtocol",
    "SerializerCompat",
    "SerializerProtocol",
    "UntypedSerializerProtocol",
    "maybe_add_typed_methods",
)
