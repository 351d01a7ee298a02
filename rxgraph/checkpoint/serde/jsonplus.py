"""The serializer of every saver unless it is given another: msgpack, readable by LangGraph and the other way round."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, Literal, NoReturn, Self

from ormsgpack import OPT_NON_STR_KEYS, MsgpackEncodeError, packb, unpackb

from rxgraph.checkpoint.serde._decode import Decoder
from rxgraph.checkpoint.serde._encode import OPTIONS, Encoder, Refusal
from rxgraph.checkpoint.serde._growing import FEWEST, GrowingLists
from rxgraph.checkpoint.serde._legacy import revive
from rxgraph.checkpoint.serde._locate import locate
from rxgraph.checkpoint.serde.allowlist import Allowed, AllowList
from rxgraph.checkpoint.serde.base import Packed, Pieces, whole
from rxgraph.checkpoint.serde.errors import CorruptValueError, SerdeError, UnserializableValueError

_NULL: Final = ("null", b"")
_PLAIN: Final = frozenset((int, str, float, bool, dict))


class JsonPlusSerializer:
    """Writes values as msgpack and makes only permitted classes of what it reads.

    =============  ================================================================
    tag            bytes
    =============  ================================================================
    ``null``       none: the value is ``None``
    ``bytes``      the value; ``bytearray`` likewise
    ``msgpack``    everything else
    ``json``       read only: what early versions of LangGraph wrote
    ``pickle``     only if it was asked for
    =============  ================================================================

    Shapes: ``dumps_typed(value) -> (tag, bytes)``; ``loads_typed((tag, bytes)) -> value``. Tuples come back as lists,
    subclasses of plain types as the plain type, exceptions as their ``repr``.
    Errors: a value that would not come back is an ``UnserializableValueError`` when it is written. A class off the
    allow-list is a ``BlockedTypeError``, anything else in a row that can't be read a ``CorruptValueError``.

    Args:
        pickle_fallback: Pickle what has no other form, and unpickle such rows. Whoever can write to the database can
            then run code here.
        allowed_json_modules: Classes that ``json`` rows may make beyond the built-in ones, as for the next argument.
        allowed_msgpack_modules: Classes that rows may make beyond the built-in ones: classes, or tuples
            ``("package.module", "Name")``. ``True`` allows every dataclass, pydantic model, enum and named tuple of
            the modules that the program has imported; ``None`` none.

    Example:
        >>> serde = JsonPlusSerializer()
        >>> serde.dumps_typed({"x": {1}})[0]
        'msgpack'
        >>> serde.loads_typed(serde.dumps_typed({"x": {1}}))
        {'x': {1}}
    """

    takes_packed: Final = True

    def __init__(
        self,
        *,
        pickle_fallback: bool = False,
        allowed_json_modules: Iterable[Allowed] | Literal[True] | None = None,
        allowed_msgpack_modules: Iterable[Allowed] | Literal[True] | None = None,
    ) -> None:
        self.pickle_fallback = pickle_fallback
        self._json = AllowList(allowed_json_modules)
        self._use(AllowList(allowed_msgpack_modules))

    def _use(self, allow: AllowList) -> None:
        self._allow = allow
        self._encoder = Encoder(allow)
        self._record = self._encoder.record
        self._pack = self._encoder.pack
        self._pack_list = GrowingLists(self._pack).pack
        self._decoder = Decoder(allow)
        self._revive = self._decoder.value

    def with_allowlist(self, extra: Iterable[Allowed]) -> Self:
        """Return a serializer like this one whose rows may make these classes too; this one stays as it is."""
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__)
        clone._use(self._allow.extended(extra))
        return clone

    with_msgpack_allowlist = with_allowlist

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Write a value.

        Raises:
            UnserializableValueError: It has no stored form, or one that would not come back; says where and why.
        """
        kind = type(obj)
        if kind not in _PLAIN:
            if obj is None:
                return _NULL
            if kind is Packed or (kind is list and len(obj) >= FEWEST):
                tag, data = self.dumps_pieces(obj)
                return tag, whole(data)
            if isinstance(obj, bytes):
                return "bytes", bytes(obj)
            if isinstance(obj, bytearray):
                return "bytearray", bytes(obj)
        try:
            # Here and not in the encoder: small values are many, and a call takes as long as to pack one.
            return "msgpack", packb(obj, self._record, OPTIONS)
        except (MsgpackEncodeError, Refusal, RecursionError) as error:
            return self._refuse(obj, error)

    def dumps_pieces(self, obj: Any) -> tuple[str, bytes | Pieces]:
        """Do what :meth:`dumps_typed` does; what a long list has in common with the one before it are the same pieces.

        Raises:
            UnserializableValueError: As in ``dumps_typed``.
        """
        if type(obj) is Packed:
            return obj.tag, obj.data
        if type(obj) is not list or len(obj) < FEWEST:
            return self.dumps_typed(obj)
        try:
            return "msgpack", self._pack_list(obj)
        except (MsgpackEncodeError, Refusal, RecursionError) as error:
            return self._refuse(obj, error)

    def _refuse(self, obj: Any, error: Exception) -> tuple[str, bytes]:
        """Pickle what has no other form, or say why it has none."""
        reason = self._explain(obj, error)
        if self.pickle_fallback:
            try:
                return "pickle", pickle.dumps(obj)
            except Exception as failed:
                reason.add_note(f"pickle refused it too: {failed}")
        raise reason

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Read a value.

        Raises:
            BlockedTypeError: The row wants a class that isn't on the allow-list.
            CorruptValueError: The tag is unknown, or the bytes are not what it says.
            UnavailableTypeError: A permitted class can't be imported.
        """
        tag, payload = data
        if tag == "msgpack":
            # Here and not in the decoder, as in dumps_typed.
            try:
                return unpackb(payload, ext_hook=self._revive, option=OPT_NON_STR_KEYS)
            except (ValueError, RecursionError) as error:
                self._decoder.explain(payload, error)
        if tag == "null":
            if payload:
                raise CorruptValueError(f"Stored value has the tag 'null' and {len(payload)} bytes; null has none.")
            return None
        if tag == "bytes":
            return bytes(payload)
        if tag == "bytearray":
            return bytearray(payload)
        if tag == "json":
            return self._unjson(payload)
        if tag == "pickle" and self.pickle_fallback:
            return self._unpickle(payload)
        self._unknown(tag)

    def _unjson(self, payload: bytes) -> Any:
        try:
            return json.loads(payload, object_hook=lambda found: revive(found, self._json))
        except SerdeError:
            raise
        except (ValueError, RecursionError) as error:
            raise CorruptValueError(f"Stored value has the tag 'json' and is no JSON: {error}.") from error

    def _unpickle(self, payload: bytes) -> Any:
        try:
            return pickle.loads(payload)
        except Exception as error:
            raise CorruptValueError(f"Stored value has the tag 'pickle' and can't be unpickled: {error!r}.") from error

    def _explain(self, value: Any, error: Exception) -> UnserializableValueError:
        path, part = locate(value, self._fails)
        if isinstance(part, int | dict | list) and not isinstance(part, Enum):
            # msgpack's own kinds; what it said of them is what there is to say.
            return UnserializableValueError(path, f"{error}, at a {type(part).__qualname__}.")
        try:
            self._encoder.record(part)
        except Refusal as refusal:
            return UnserializableValueError(path, str(refusal))
        except Exception as inner:
            # An error of the value's own methods, or of msgpack about something inside that has no path.
            error = inner
        reason = UnserializableValueError(path, f"{error}, at a {type(part).__qualname__}.")
        reason.__cause__ = error
        return reason

    def _fails(self, value: Any) -> bool:
        try:
            self._pack(value)
        except (MsgpackEncodeError, Refusal, RecursionError):
            return True
        return False

    def _unknown(self, tag: object) -> NoReturn:
        if tag == "pickle":
            raise CorruptValueError(
                "Stored value is a pickle, and reading a pickle runs what it says. If the database is yours alone, use "
                "JsonPlusSerializer(pickle_fallback=True)."
            )
        if isinstance(tag, str) and "+" in tag:
            raise CorruptValueError(
                f"Stored value is encrypted ({tag!r}). Read it with EncryptedSerializer and the cipher that wrote it."
            )
        raise CorruptValueError(
            f"Stored value has the unknown tag {tag!r}; known are null, bytes, bytearray, msgpack, json. "
            "Give the saver the serializer that wrote it."
        )


__all__ = ("JsonPlusSerializer",)
