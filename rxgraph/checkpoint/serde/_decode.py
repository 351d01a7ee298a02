"""msgpack with extension records back to Python values.

A record is data until its class has been found on the allow-list. What it then may do is fixed by its code: call that
class with what the record holds. A method is never taken from a record; the one that is written
(``datetime.fromisoformat``) is known here by name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import ormsgpack

from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.checkpoint.serde._arrays import array_of
from rxgraph.checkpoint.serde._encode import ARRAY, DELTA, KEYWORD, METHOD, MODEL_V1, MODEL_V2, POSITIONAL, SINGLE
from rxgraph.checkpoint.serde._names import AS_TEXT
from rxgraph.checkpoint.serde.allowlist import AllowList
from rxgraph.checkpoint.serde.errors import BlockedTypeError, CorruptValueError, SerdeError

Hook = Callable[[int, bytes], Any]


class Decoder:
    """Makes the values of extension records, and says why a document can't be read.

    Args:
        allow: The classes that a record may make.
    """

    __slots__ = ("_allow",)

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow

    def value(self, code: int, data: bytes, hook: Hook | None = None) -> Any:
        """Build the value of one record."""
        part = ormsgpack.unpackb(data, ext_hook=hook or self.value, option=ormsgpack.OPT_NON_STR_KEYS)
        if code == DELTA:
            return _DeltaSnapshot(part)
        if code == ARRAY:
            return array_of(part)
        if code == SINGLE:
            module, name, argument = part
            return self._allow.maker(module, name)(argument)
        if code == POSITIONAL:
            module, name, arguments = part
            return self._allow.maker(module, name)(*arguments)
        if code == KEYWORD:
            module, name, arguments = part
            return self._allow.maker(module, name)(**arguments)
        if code == METHOD:
            module, name, argument, method = part
            if (module, name, method) == ("datetime", "datetime", "fromisoformat"):
                return datetime.fromisoformat(argument)
            if (module, name) in AS_TEXT and method == "fromisoformat":
                return str(argument)
            raise BlockedTypeError(f"{module}.{name}.{method}", " as a method to call")
        if code in (MODEL_V1, MODEL_V2):
            return _model(self._allow.maker(part[0], part[1]), part[2], code)
        raise CorruptValueError(
            f"Stored value has a record of the unknown kind {code}; known are 0 to 7. "
            "It was written by a newer version or by something else."
        )

    def explain(self, data: bytes, error: Exception) -> NoReturn:
        """Read once more to learn what went wrong: msgpack drops the error of a hook."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise CorruptValueError(f"Stored value needs bytes, got {data!r}. Give the saver's row as it was written.")
        first: list[Exception] = []

        def hook(code: int, inner: bytes) -> Any:
            try:
                return self.value(code, inner, hook)
            except Exception as reason:
                if not first:
                    first.append(reason if isinstance(reason, SerdeError) else _unbuilt(code, inner, reason))
                raise

        try:
            ormsgpack.unpackb(data, ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
        except (ValueError, RecursionError):
            pass
        if first:
            raise first[0]
        raise CorruptValueError(
            f"Stored value is no msgpack document ({error}); it has {len(data)} bytes, perhaps cut off. "
            "Restore the row, or continue the thread from an older checkpoint."
        ) from error


def _model(maker: Callable[..., Any], values: dict[str, Any], code: int) -> Any:
    """Make a pydantic model; one that has changed since it was written is made without validation."""
    try:
        return maker(**values)
    except Exception:
        construct = getattr(maker, "model_construct" if code == MODEL_V2 else "construct", None)
        if construct is None:
            raise
        return construct(**values)


def _unbuilt(code: int, data: bytes, reason: Exception) -> CorruptValueError:
    """Say which class couldn't be made of what the record has."""
    try:
        part = ormsgpack.unpackb(data, ext_hook=lambda code, data: None, option=ormsgpack.OPT_NON_STR_KEYS)
    except ValueError:
        part = None
    name = ".".join(map(str, part[:2])) if code < ARRAY and isinstance(part, list) else f"record of kind {code}"
    error = CorruptValueError(
        f"Stored {name!r} can't be made from what the row holds: {type(reason).__name__}: {reason}. "
        "Restore the row, or give the class the fields that it was saved with."
    )
    error.__cause__ = reason
    return error


__all__ = ("Decoder",)
