"""A serializer whose bytes only the holder of a key can read.

What it protects is the bytes of values. Ids, channel names, tags and metadata stay in the clear, and whoever can write
to the database can still delete rows or swap two of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, Self

from rxgraph.checkpoint.serde.allowlist import Allowed
from rxgraph.checkpoint.serde.base import (
    CipherProtocol,
    Packed,
    SerializerProtocol,
    UntypedSerializerProtocol,
    maybe_add_typed_methods,
    whole,
)
from rxgraph.checkpoint.serde.errors import CorruptValueError, PlaintextValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

KEY_VARIABLE: Final = "LANGGRAPH_AES_KEY"
"""Environment variable with the key, shared with LangGraph."""

_NONCE: Final = 16
_SEAL: Final = 16


class EncryptedSerializer:
    """Encrypts what another serializer writes.

    Shapes: the tag becomes ``"<tag>+<cipher>"``, such as ``"msgpack+aes"``.
    Errors: a row that nobody encrypted is a ``PlaintextValueError``, or a writer to the database could bring its own;
    one that the key doesn't open is a ``CorruptValueError``.

    Args:
        cipher: Encrypts and decrypts bytes.
        serde: Turns values into bytes.
        allow_plaintext: Read rows without encryption too, while a database is being moved to it.
    """

    def __init__(
        self,
        cipher: CipherProtocol,
        serde: SerializerProtocol | UntypedSerializerProtocol | None = None,
        *,
        allow_plaintext: bool = False,
    ) -> None:
        self.cipher = cipher
        self.serde = maybe_add_typed_methods(JsonPlusSerializer() if serde is None else serde)
        self.allow_plaintext = allow_plaintext

    @property
    def takes_packed(self) -> bool:
        """Whether the serializer inside takes values that were written early; see ``Packed``."""
        return bool(getattr(self.serde, "takes_packed", False))

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Write a value and encrypt it."""
        if type(obj) is Packed:
            return obj.tag, whole(obj.data)
        tag, data = self.serde.dumps_typed(obj)
        cipher, sealed = self.cipher.encrypt(data)
        return f"{tag}+{cipher}", sealed

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Decrypt a value and read it.

        Raises:
            PlaintextValueError: The row isn't encrypted, and such rows weren't allowed.
            SerdeError: What the cipher or the serializer inside says.
        """
        tag, sealed = data
        inner, plus, cipher = tag.partition("+")
        if plus:
            return self.serde.loads_typed((inner, self.cipher.decrypt(cipher, sealed)))
        if not self.allow_plaintext:
            raise PlaintextValueError(
                f"Stored value is not encrypted (tag {tag!r}), and this serializer has a cipher. If it is from the "
                "time before encryption, use EncryptedSerializer(..., allow_plaintext=True) until all rows are new."
            )
        return self.serde.loads_typed(data)

    def with_allowlist(self, extra: Iterable[Allowed]) -> Self:
        """Return a serializer like this one whose rows may make these classes too.

        Raises:
            TypeError: The serializer inside has no allow-list.
        """
        widen = getattr(self.serde, "with_allowlist", None)
        if widen is None:
            raise TypeError(f"{type(self.serde).__qualname__} has no allow-list. Allow the classes where it is built.")
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__)
        clone.serde = widen(extra)
        return clone

    @classmethod
    def from_pycryptodome_aes(
        cls,
        serde: SerializerProtocol | UntypedSerializerProtocol | None = None,
        *,
        allow_plaintext: bool = False,
        **options: Any,
    ) -> Self:
        """Encrypt with AES in EAX mode, which also tells whether a row was changed.

        Args:
            serde: Turns values into bytes.
            allow_plaintext: As for the class.
            options: ``key``, 16, 24 or 32 bytes, else taken from the environment variable ``LANGGRAPH_AES_KEY``;
                ``mode`` and whatever else ``Crypto.Cipher.AES.new`` takes. The mode must be an authenticated one.

        Raises:
            ImportError: The extra ``encryption`` is not installed.
            ValueError: There is no key, or it has a wrong length.
        """
        return cls(_Aes(options), serde, allow_plaintext=allow_plaintext)


class _Aes:
    """AES with a nonce and a seal of 16 bytes each before the ciphertext."""

    def __init__(self, options: dict[str, Any]) -> None:
        try:
            self._aes: Any = import_module("Crypto.Cipher.AES")
        except ImportError as error:
            raise ImportError(
                "AES needs the package pycryptodome: install rxgraph-runtime with the extra 'encryption'."
            ) from error
        key = options.pop("key", None)
        if key is None:
            text = os.environ.get(KEY_VARIABLE)
            if text is None:
                raise ValueError(f"AES needs a key: pass key=..., or set the environment variable {KEY_VARIABLE}.")
            key = text.encode()
        if len(key) not in (16, 24, 32):
            raise ValueError(f"AES key needs 16, 24 or 32 bytes, got {len(key)}.")
        self._options = {"mode": self._aes.MODE_EAX, **options, "key": key}

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        cipher = self._aes.new(**self._options)
        sealed, seal = cipher.encrypt_and_digest(plaintext)
        return "aes", cipher.nonce + seal + sealed

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        if ciphername != "aes":
            raise CorruptValueError(f"Stored value is encrypted with {ciphername!r}; this serializer has 'aes'.")
        nonce, seal, sealed = ciphertext[:_NONCE], ciphertext[_NONCE : _NONCE + _SEAL], ciphertext[_NONCE + _SEAL :]
        try:
            opened: bytes = self._aes.new(**self._options, nonce=nonce).decrypt_and_verify(sealed, seal)
        except ValueError as error:
            raise CorruptValueError(
                f"Stored value can't be decrypted ({error}): the key is another one, or the row was changed."
            ) from error
        return opened


__all__ = ("KEY_VARIABLE", "EncryptedSerializer")
