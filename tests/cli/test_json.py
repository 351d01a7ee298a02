"""Any value becomes JSON: what a state may hold need not have been made for it."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, UserDict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID

import pydantic
import pytest

from rxgraph.cli._json import plain, to_line
from rxgraph.types import Interrupt


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: Any


class Model(pydantic.BaseModel):
    when: date
    tags: set[str]


@dataclass(slots=True)
class Box:
    inside: Any


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, 2.5, None, True)}, {"a": [1, 2.5, None, True]}),
        (
            {2: "int", None: "none", True: "bool", (1, 2): "t"},
            {"2": "int", "null": "none", "true": "bool", "(1, 2)": "t"},
        ),
        ([math.nan, math.inf], [None, None]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (deque([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (Box(Box({1})), {"inside": {"inside": [1]}}),
        (Point(1, Colour.RED), {"x": 1, "y": "red"}),
        (Level.HIGH, 3),
        (Model(when=date(2024, 2, 29), tags={"x"}), {"when": "2024-02-29", "tags": ["x"]}),
        (datetime(2024, 1, 2, 3, tzinfo=UTC), "2024-01-02T03:00:00+00:00"),
        (PurePosixPath("a/b"), "a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ValueError("boom"), {"type": "ValueError", "message": "boom"}),
        (Interrupt("why?", "1"), {"value": "why?", "id": "1", "response_schema": None}),
        (b"bytes", "b'bytes'"),
        (Opaque(), "<opaque>"),
        (Unspeakable(), "<Unspeakable; its repr raised RuntimeError>"),
        (Box, repr(Box)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert json.loads(to_line(value)) == expected


def test_a_value_inside_itself_is_shown_once() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert plain(loop) == [1, "[1, [...]]"]


def test_a_value_may_come_twice() -> None:
    shared = [1]
    assert plain([shared, shared]) == [[1], [1]]


def test_a_line_is_one_line() -> None:
    assert "\n" not in to_line({"text": "a\nb\u2028c"})
