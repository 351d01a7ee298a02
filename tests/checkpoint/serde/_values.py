"""Values of every kind that a row may hold, and classes for them."""

from __future__ import annotations

import enum
import re
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pydantic


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    YES = "yes"


class Pair(NamedTuple):
    left: int
    right: Any = "r"


@dataclass
class Doc:
    name: str
    tags: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int


class Model(pydantic.BaseModel):
    a: int
    colour: Colour = Colour.RED


class Wider(Model):
    b: int = 2


class Holder(pydantic.BaseModel):
    inner: Model
    more: list[Model] = []
    table: dict[str, Model] = {}


class Old:
    """What pydantic 1 models look like to the serializer."""

    def __init__(self, a: int) -> None:
        self.a = a

    def dict(self) -> dict[str, Any]:
        return {"a": self.a}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Old) and other.a == self.a

    def __hash__(self) -> int:
        return hash(self.a)


class Outer:
    class Inner(enum.Enum):
        X = 1

    @dataclass
    class Data:
        a: int


@dataclass
class Derived:
    a: int
    b: int = field(init=False, default=0)


class Plain:
    """No stored form."""


CLASSES = (Colour, Level, Word, Pair, Doc, Frozen, Model, Wider, Holder, Old)

EXACT: list[Any] = [
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("inf"), "", "ü", b"", b"x", bytearray(b"y"),
    [], [1, [2]], {}, {"a": {"b": [None]}}, {1: "i", None: "n", (1, 2): "t", b"k": "b", 1.5: "f"},
    {1, 2}, frozenset({1, "a"}), set(), deque([1, 2]), {"deep": [{"set": {frozenset({1})}}]},
    datetime(2024, 1, 2, 3, 4, 5, 6), datetime(2024, 1, 2, tzinfo=UTC), date(2024, 1, 2),
    time(1, 2, 3, 4, tzinfo=UTC, fold=1), time(1), timedelta(days=-1, seconds=2, microseconds=3),
    UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=1), "XX"), ZoneInfo("UTC"),
    Decimal("1.10"), Decimal("-0"), uuid.UUID(int=5), Path("/a/b"), Path("a"),
    Path(), re.compile("a+", re.IGNORECASE | re.MULTILINE), re.compile(b"a"),
    ip_address("1.2.3.4"), ip_address("::1"), ip_network("10.0.0.0/8"), ip_interface("::1/64"),
    Colour.RED, Level.LOW, Word.YES, Pair(1, Pair(2)), Frozen(1),
    Doc("d", [Doc("e"), Frozen(1), Colour.RED, {Level.LOW}]),
    Model(a=1), Old(1), Wider(a=1, b=3), Holder(inner=Model(a=1), more=[Model(a=2)], table={"k": Model(a=3)}),
    pydantic.SecretStr("s"), pydantic.SecretBytes(b"s"),
]  # fmt: skip
"""Come back equal and of the same class."""

CHANGED: list[tuple[Any, Any]] = [
    ((1, (2,)), [1, [2]]),
    ({"a": (1,)}, {"a": [1]}),
    (memoryview(b"abc"), b"abc"),
    ([bytearray(b"a")], [b"a"]),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (type("Str", (str,), {})("s"), "s"),
    ({Colour.RED: 1}, {1: 1}),
    ({date(2024, 1, 2): 1}, {"2024-01-02": 1}),
    (ValueError("x"), "ValueError('x')"),
    ("a\ud800b", "a?b"),
    (deque([1], maxlen=3), deque([1])),
]
"""What comes back instead; LangGraph does the same."""

__all__ = ("CHANGED", "CLASSES", "EXACT")
