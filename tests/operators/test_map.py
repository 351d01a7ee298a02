"""``map``: a function applied to each item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxgraph import operators as ops
from tests.operators._contract import FunctionContract, Operator, Source, watch


class TestMap(FunctionContract):
    what = "map"
    items = (1, 2, 3)
    expected = (10, 20, 30)

    def build(self, function: Callable[..., Any]) -> Operator:
        return ops.map(function)

    def operator(self) -> Operator:
        return ops.map(lambda x: x * 10)


def test_none_is_an_item_as_any_other() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.map(lambda x: None if x else x)))
    source.push(0, 1, None)
    assert seen.values == [0, None, None]


def test_the_function_is_not_called_once_the_result_has_ended() -> None:
    """Who took enough is not made to wait for work on the rest."""
    source, called = Source(), []
    seen, _ = watch(source.pipe(ops.map(lambda x: called.append(x) or x), ops.take(1)))
    source.push(1, 2, 3)
    assert (seen.values, called) == ([1], [1])
