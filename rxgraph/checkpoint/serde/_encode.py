"""Python values to msgpack with extension records.

msgpack itself takes what JSON has, bytes, tuples (as lists) and subclasses of these. Everything else becomes an
extension record: a code that says how to build the value again, and msgpack of ``(module, name, what to build with)``.
How a value is recognised, and in which order, is part of the format: both runtimes must write the same bytes.

The first value of a class decides how the class is written, and the decision is kept. What would be written but not
come back (a class that can't be found by its name or isn't on the allow-list, a dataclass that can't be called with its
fields) is refused.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from re import Pattern
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import ormsgpack
from ormsgpack import Ext

from rxgraph.checkpoint.serde._arrays import array_record
from rxgraph.checkpoint.serde._names import AS_TEXT, PERMITTED, Name, spelling
from rxgraph.checkpoint.serde._subclasses import check_model
from rxgraph.checkpoint.serde.allowlist import AllowList
from rxgraph.checkpoint.serde.base import Packed

SINGLE, POSITIONAL, KEYWORD, METHOD, MODEL_V1, MODEL_V2, ARRAY, DELTA = range(8)
"""Codes of the extension records."""

OPTIONS: Final = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_REPLACE_SURROGATES
)

_IP: Final = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)
_DELTAS: Final = frozenset(
    {("rxgraph.channels.delta", "_DeltaSnapshot"), ("langgraph.checkpoint.serde.types", "_DeltaSnapshot")}
)

Write = Callable[[Any], Any]
"""Turns a value that msgpack doesn't know into one that it does."""


class Refusal(Exception):
    """A value can't be written; the text says why and what to do. Never leaves the serializer."""


class Encoder:
    """Writes values as msgpack.

    Args:
        allow: The classes that come back; those that were handed over as such do although their name leads nowhere.
    """

    __slots__ = ("_allow", "_writers")

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._writers: dict[type, Write] = {}

    def pack(self, value: Any) -> bytes:
        """Return the msgpack document.

        Raises:
            TypeError: msgpack swallowed a refusal, or refused by itself; ``explain`` knows which.
        """
        return ormsgpack.packb(value, self.record, OPTIONS)

    def record(self, value: Any) -> Any:
        """Return what stands for one value that msgpack doesn't know.

        Raises:
            Refusal: Nothing does.
        """
        cls = type(value)
        write = self._writers.get(cls)
        if write is None:
            write = self._decide(cls, value)
            # Attributes of an instance say nothing about the next one.
            if write is not self._send or hasattr(cls, "node"):
                if len(self._writers) >= 4096:
                    self._writers.clear()
                self._writers[cls] = write
        return write(value)

    def _ext(self, code: int, *payload: Any) -> Ext:
        return Ext(code, ormsgpack.packb(payload, default=self.record, option=OPTIONS))

    def _send(self, value: Any) -> Ext:
        module, name = spelling(type(value))
        timeout = getattr(value, "timeout", None)
        args = (value.node, value.arg) if timeout is None else (value.node, value.arg, timeout)
        return self._ext(POSITIONAL, module, name, args)

    def _decide(self, cls: type, value: Any) -> Write:
        """Choose by duck typing, in the order of the format: the first match counts."""
        if cls is Packed:
            return Packed.value
        ext = self._ext
        name = spelling(cls)
        if name in _DELTAS:
            return lambda v: Ext(DELTA, self.pack(v.value))
        if issubclass(cls, type):
            raise Refusal("classes themselves are not stored. Save its name, or an instance.")
        if _method(cls, "model_dump"):
            check = check_model(cls)
            module, named = self._findable(cls)

            def model(v: Any) -> Ext:
                dumped = v.model_dump()
                if check is not None and (lost := check(v, dumped)):
                    raise Refusal(lost)
                return ext(MODEL_V2, module, named, dumped, "model_validate_json")

            return model
        if _method(cls, "get_secret_value"):
            return self._as(SINGLE, cls, lambda v: v.get_secret_value())
        if _method(cls, "dict"):
            return self._as(MODEL_V1, cls, lambda v: v.dict())
        if _method(cls, "_asdict"):
            return self._as(KEYWORD, cls, lambda v: v._asdict())
        if issubclass(cls, Pattern):
            return lambda v: ext(POSITIONAL, "re", "compile", (v.pattern, v.flags))
        for kind, code, arguments in _VALUES:
            if issubclass(cls, kind):
                if kind is timedelta and cls is not timedelta:
                    raise Refusal(f"a {cls.__qualname__} would lose what timedelta lacks. Convert it to a timedelta.")
                return self._as(code, cls, arguments)
        if issubclass(cls, datetime):
            module, named = name
            if cls is not datetime and name not in AS_TEXT:
                raise Refusal(f"a {cls.__qualname__} would come back as text. Convert it to datetime.datetime.")
            return lambda v: ext(METHOD, module, named, v.isoformat(), "fromisoformat")
        if issubclass(cls, date):
            return self._as(POSITIONAL, cls, lambda v: (v.year, v.month, v.day))
        if issubclass(cls, Enum):
            return self._as(SINGLE, cls, lambda v: v.value)
        if hasattr(value, "node") and hasattr(value, "arg"):
            self._findable(cls)
            return self._send
        if hasattr(cls, "__dataclass_fields__"):
            return self._dataclass(cls)
        numpy = sys.modules.get("numpy")
        if numpy is not None and issubclass(cls, numpy.ndarray):
            return lambda v: Ext(ARRAY, ormsgpack.packb(array_record(v, Refusal), option=OPTIONS))
        if issubclass(cls, BaseException):
            return repr
        if cls.__module__ == "numpy" and _method(cls, "item"):
            raise Refusal(f"numpy.{cls.__name__} is a numpy scalar, and only arrays have a stored form. Save x.item().")
        raise Refusal(
            f"{cls.__module__}.{cls.__qualname__} has no stored form. Make it a dataclass or a pydantic model, convert "
            "it in the node, keep it in an UntrackedValue channel, or use JsonPlusSerializer(pickle_fallback=True)."
        )

    def _as(self, code: int, cls: type, arguments: Callable[[Any], Any]) -> Write:
        module, name = self._findable(cls)
        ext = self._ext
        return lambda v: ext(code, module, name, arguments(v))

    def _dataclass(self, cls: type) -> Write:
        declared: dict[str, Any] = cls.__dataclass_fields__  # type: ignore[attr-defined]
        names = tuple(field.name for field in fields(cls))
        if cls.__module__.partition(".")[0] not in {"rxgraph", "langgraph"}:
            for field in declared.values():
                if field.name in names and not field.init:
                    raise Refusal(
                        f"{cls.__qualname__} can't be made from its fields: {field.name!r} has init=False. "
                        "Make it a property, or a field of __init__."
                    )
                if field._field_type.name == "_FIELD_INITVAR" and field.default is NO_DEFAULT:
                    raise Refusal(
                        f"{cls.__qualname__} can't be made from its fields: {field.name!r} is an InitVar "
                        "without a default. Give it one."
                    )
        return self._as(KEYWORD, cls, lambda v: {name: getattr(v, name) for name in names})

    def _findable(self, cls: type) -> Name:
        """Return the spelling of a class, if a reader that follows it gets to the class."""
        name = spelling(cls)
        if name in PERMITTED or self._allow.covers(cls):
            return name
        found = getattr(sys.modules.get(cls.__module__), cls.__name__, None)
        # The cell of a notebook that ran twice leaves two classes of one name; they are one to the reader.
        if isinstance(found, type) and found.__qualname__ == cls.__qualname__:
            if self._allow.permits(cls):
                return name
            raise Refusal(
                f"{cls.__module__}.{cls.__qualname__} is not on the allow-list, so who reads it would be refused. Name "
                "the class in the graph's schemas, allow it with "
                "JsonPlusSerializer(allowed_msgpack_modules=[TheClass]), or save what it holds, as a dict."
            )
        raise Refusal(
            f"{cls.__module__}.{cls.__qualname__} can't be found as {cls.__module__}.{cls.__name__}, which is all that "
            "a row says of it, so it would be lost. Define it at the top of its module, name it in the graph's "
            "schemas, or allow it with JsonPlusSerializer(allowed_msgpack_modules=[TheClass])."
        )


def _method(cls: type, name: str) -> bool:
    return callable(getattr(cls, name, None))


def _zone(value: timezone) -> tuple[Any, ...]:
    # A timezone gives away its parts only this way; an unnamed one has no second part.
    return value.__getinitargs__()  # type: ignore[attr-defined, no-any-return]


_VALUES: Final[tuple[tuple[Any, int, Callable[[Any], Any]], ...]] = (
    (Path, POSITIONAL, lambda v: v.parts),
    (UUID, SINGLE, lambda v: v.hex),
    (Decimal, SINGLE, str),
    (set | frozenset | deque, SINGLE, tuple),
    (_IP, SINGLE, str),
    (timedelta, POSITIONAL, lambda v: (v.days, v.seconds, v.microseconds)),
    (
        time,
        KEYWORD,
        lambda v: {
            "hour": v.hour,
            "minute": v.minute,
            "second": v.second,
            "microsecond": v.microsecond,
            "tzinfo": v.tzinfo,
            "fold": v.fold,
        },
    ),
    (timezone, POSITIONAL, _zone),
    (ZoneInfo, SINGLE, lambda v: v.key),
)
"""Value types of the standard library, the code of each and what it is built with."""

__all__ = (
    "ARRAY",
    "DELTA",
    "KEYWORD",
    "METHOD",
    "MODEL_V1",
    "MODEL_V2",
    "OPTIONS",
    "POSITIONAL",
    "SINGLE",
    "Encoder",
    "Refusal",
)
