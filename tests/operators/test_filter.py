"""``filter``: keep what passes a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxgraph import operators as ops
from tests.operators._contract import FunctionContract, Operator, Source, watch


class TestFilter(FunctionContract):
    what = "filter"
    items = (1, 2, 3, 4)
    expected = (2, 4)

    def build(self, function: Callable[..., Any]) -> Operator:
        return ops.filter(function)

    def operator(self) -> Operator:
        return ops.filter(lambda x: x % 2 == 0)


@pytest.mark.parametrize("answer", [True, 1, "yes", [0]])
def test_any_true_answer_passes_an_item(answer: Any) -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.filter(lambda _: answer)))
    source.push("x")
    assert seen.values == ["x"]


@pytest.mark.parametrize("answer", [False, 0, "", None, []])
def test_any_false_answer_holds_an_item_back(answer: Any) -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.filter(lambda _: answer)))
    source.push("x")
    assert seen.values == []


def test_an_answer_without_a_truth_is_an_error_of_the_test() -> None:
    """Arrays of several elements refuse to be true or false; that must not hit the source."""

    class Array:
        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    source = Source()
    seen, _ = watch(source.pipe(ops.filter(lambda _: Array())))
    source.push(1)
    assert [str(end) for end in seen.ends] == ["ambiguous"]
    assert source.left >= 1
