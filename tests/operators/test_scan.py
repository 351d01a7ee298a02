"""``scan``: fold, and show each intermediate result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxgraph import operators as ops
from tests.operators._contract import FunctionContract, Operator, OperatorContract, Source, watch


class TestScan(FunctionContract):
    what = "scan"
    items = (1, 2, 3)
    expected = (1, 3, 6)

    def build(self, function: Callable[..., Any]) -> Operator:
        return ops.scan(function)

    def operator(self) -> Operator:
        return ops.scan(lambda total, x: total + x)


class TestScanFromASeed(OperatorContract):
    items = (1, 2, 3)
    expected = ("1", "12", "123")

    def operator(self) -> Operator:
        return ops.scan(lambda total, x: f"{total}{x}", "")


def test_none_is_a_seed() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.scan(lambda total, x: (total, x), None)))
    source.push(1)
    assert seen.values == [(None, 1)]


def test_none_is_a_total() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.scan(lambda total, x: None if x else total)))
    source.push(1, 2, 0)
    assert seen.values == [1, None, None]


def test_the_first_item_is_shown_without_asking_the_function() -> None:
    source, called = Source(), []
    seen, _ = watch(source.pipe(ops.scan(lambda total, x: called.append((total, x)) or x)))
    source.push(1, 2)
    assert (seen.values, called) == ([1, 2], [(1, 2)])
