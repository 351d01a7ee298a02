from __future__ import annotations

from typing import Any

import pytest

from rxgraph.channels._overwrite import Overwrite, unwrap
from rxgraph.constants import MISSING


def test_it_is_a_mutable_record_with_the_marker_of_its_json_form() -> None:
    mark = Overwrite([1])
    mark.value = [2]
    assert (mark.value, mark.type) == ([2], "__overwrite__")
    assert mark == Overwrite([2])
    assert repr(mark) == "Overwrite(value=[2], type='__overwrite__')"


@pytest.mark.parametrize(
    "write",
    [
        Overwrite(1),
        {"__overwrite__": 1},
        {"value": 1, "type": "__overwrite__"},
        {"value": 1, "type": "__overwrite__", "trace": "x"},
    ],
)
def test_all_forms_are_recognised(write: Any) -> None:
    assert unwrap(write) == 1


@pytest.mark.parametrize(
    "form", [Overwrite, lambda v: {"__overwrite__": v}, lambda v: {"value": v, "type": "__overwrite__"}]
)
def test_none_inside_is_a_value(form: Any) -> None:
    assert unwrap(form(None)) is None


class OddType:
    def __eq__(self, other: object) -> bool:
        raise AssertionError("an array has no truth value")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "write",
    [
        None,
        [Overwrite(1)],
        {},
        {"value": 1},
        {"__overwrite__": 1, "more": 2},
        {"type": "__overwrite__"},
        {"type": "__overwrite__", "val": 1},
        {"type": "other", "value": 1},
        {"type": OddType(), "value": 1},
        type("Sub", (dict,), {})({"__overwrite__": 1}),
    ],
)
def test_all_else_is_an_ordinary_write(write: Any) -> None:
    assert unwrap(write) is MISSING
