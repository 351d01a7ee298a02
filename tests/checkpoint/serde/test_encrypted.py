"""Bytes that only the holder of the key reads, and no way around them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from rxgraph.checkpoint.serde.base import SerializerProtocol
from rxgraph.checkpoint.serde.encrypted import KEY_VARIABLE, EncryptedSerializer
from rxgraph.checkpoint.serde.errors import (
    BlockedTypeError,
    CorruptValueError,
    PlaintextValueError,
    UnserializableValueError,
)
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.types import Send
from tests.checkpoint.serde._values import Colour

KEY = b"0123456789abcdef"


class Flip:
    """A cipher to look through."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "flip", bytes(byte ^ 255 for byte in plaintext)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        assert ciphername == "flip"
        return bytes(byte ^ 255 for byte in ciphertext)


SERDE = EncryptedSerializer(Flip())


@pytest.mark.parametrize("value", [None, b"x", bytearray(b"y"), {"a": [Send("n", {1})]}], ids=str)
def test_a_value_comes_back_from_under_the_cipher(value: Any) -> None:
    tag, data = SERDE.dumps_typed(value)
    plain = JsonPlusSerializer().dumps_typed(value)
    assert (tag, data) == (f"{plain[0]}+flip", Flip().encrypt(plain[1])[1])
    assert SERDE.loads_typed((tag, data)) == value


def test_it_is_a_serializer() -> None:
    assert isinstance(SERDE, SerializerProtocol)


def test_a_plaintext_row_is_refused() -> None:
    """Or whoever can write to the database could answer in plain words."""
    row = JsonPlusSerializer().dumps_typed({"a": 1})
    with pytest.raises(PlaintextValueError, match=r"not encrypted \(tag 'msgpack'\).*allow_plaintext=True"):
        SERDE.loads_typed(row)
    assert EncryptedSerializer(Flip(), allow_plaintext=True).loads_typed(row) == {"a": 1}


def test_an_encrypted_row_is_refused_by_the_plain_serializer() -> None:
    with pytest.raises(CorruptValueError, match="EncryptedSerializer"):
        JsonPlusSerializer().loads_typed(SERDE.dumps_typed(1))


def test_the_allow_list_goes_through_to_the_serializer_inside() -> None:
    wider = EncryptedSerializer(Flip(), allow_plaintext=True).with_allowlist([Colour])
    row = wider.dumps_typed([Colour.RED])
    with pytest.raises(BlockedTypeError):
        SERDE.loads_typed(row)
    with pytest.raises(UnserializableValueError):
        SERDE.dumps_typed([Colour.RED])
    assert wider.loads_typed(row) == [Colour.RED]
    assert wider.allow_plaintext

    class Own:
        def dumps(self, obj: Any) -> bytes:
            return repr(obj).encode()

        def loads(self, data: bytes) -> Any:
            return data.decode()

    own = EncryptedSerializer(Flip(), Own())
    assert own.dumps_typed(1)[0] == "Own+flip"
    assert own.loads_typed(own.dumps_typed(1)) == "1"
    with pytest.raises(TypeError, match="has no allow-list"):
        own.with_allowlist([Colour])


def test_without_the_extra_the_error_names_it() -> None:
    probe = (
        "import sys; sys.modules['Crypto'] = None\n"
        "from rxgraph.checkpoint.serde.encrypted import EncryptedSerializer as E\n"
        "try: E.from_pycryptodome_aes(key=b'0' * 16)\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    assert "extra 'encryption'" in said


class TestAes:
    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("Crypto.Cipher.AES")

    def test_a_value_comes_back(self) -> None:
        serde = EncryptedSerializer.from_pycryptodome_aes(key=KEY)
        tag, data = serde.dumps_typed({"a": {1}})
        assert tag == "msgpack+aes"
        assert serde.loads_typed((tag, data)) == {"a": {1}}
        assert serde.dumps_typed({"a": {1}})[1] != data

    @pytest.mark.parametrize("place", [0, 16, 32, -1])
    def test_a_changed_row_is_refused(self, place: int) -> None:
        serde = EncryptedSerializer.from_pycryptodome_aes(key=KEY)
        tag, data = serde.dumps_typed({"a": 1})
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(CorruptValueError, match="the key is another one, or the row was changed"):
            serde.loads_typed((tag, bytes(changed)))

    def test_a_row_cut_off_anywhere_is_refused(self) -> None:
        serde = EncryptedSerializer.from_pycryptodome_aes(key=KEY)
        tag, data = serde.dumps_typed({"a": 1})
        for end in range(len(data)):
            with pytest.raises(CorruptValueError):
                serde.loads_typed((tag, data[:end]))

    def test_another_key_or_cipher_is_refused(self) -> None:
        tag, data = EncryptedSerializer.from_pycryptodome_aes(key=KEY).dumps_typed(1)
        other = EncryptedSerializer.from_pycryptodome_aes(key=KEY[::-1])
        with pytest.raises(CorruptValueError):
            other.loads_typed((tag, data))
        with pytest.raises(CorruptValueError, match="encrypted with 'rot13'; this serializer has 'aes'"):
            other.loads_typed(("msgpack+rot13", data))

    def test_the_key_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(KEY_VARIABLE, KEY.decode())
        row = EncryptedSerializer.from_pycryptodome_aes().dumps_typed(1)
        assert EncryptedSerializer.from_pycryptodome_aes(key=KEY).loads_typed(row) == 1
        monkeypatch.delenv(KEY_VARIABLE)
        with pytest.raises(ValueError, match=KEY_VARIABLE):
            EncryptedSerializer.from_pycryptodome_aes()
        with pytest.raises(ValueError, match="16, 24 or 32 bytes, got 3"):
            EncryptedSerializer.from_pycryptodome_aes(key=b"abc")
