"""``take``: the first *count* items."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import reactivex as rx

from rxgraph import operators as ops
from rxgraph.flow import from_iterable, to_observable
from rxgraph.flow._lean import connect
from tests.operators._contract import Operator, OperatorContract, Seen, Source, watch


class TestTake(OperatorContract):
    items = (1, 2, 3, 4)
    expected = (1, 2)

    def operator(self) -> Operator:
        return ops.take(2)


class TestTakeMoreThanThereIs(OperatorContract):
    items = (1, 2)
    expected = (1, 2)

    def operator(self) -> Operator:
        return ops.take(5)


@pytest.mark.parametrize("wrong", [-1, -100])
def test_a_negative_count_is_refused_where_the_operator_is_built(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"got {wrong}"):
        ops.take(wrong)


@pytest.mark.parametrize("wrong", [1.5, "1", None, True])
def test_a_count_is_an_int(wrong: Any) -> None:
    with pytest.raises(TypeError, match="take"):
        ops.take(wrong)


def test_the_last_item_completes_and_leaves_the_source() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.take(2)))
    source.push(1)
    assert (seen.ends, source.left) == ([], 0)
    source.push(2, 3)
    source.fail(ValueError("late"))
    assert (seen.values, seen.ends) == ([1, 2], ["completed"])
    assert source.left >= 1


def test_none_at_all_subscribes_to_nothing() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.map(str), ops.take(0), ops.map(str)))
    assert (seen.values, seen.ends, source.observers) == ([], ["completed"], [])


def test_an_item_that_answers_the_last_one_is_too_late() -> None:
    """The observer of the last item makes the source emit another one before the first ``on_next`` has returned."""
    source = Source()

    class Echo(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            if value < 5:
                source.push(value + 1)

    for wanted in (1, 2):
        source.observers.clear()
        echo = Echo()
        connect(source.pipe(ops.take(wanted)), echo)
        source.push(1)
        assert (echo.values, echo.ends) == (list(range(1, wanted + 1)), ["completed"])


def test_a_source_without_end_is_left() -> None:
    for endless in (rx.from_iterable(count()), to_observable(from_iterable(count()))):
        values: list[int] = []
        endless.pipe(ops.map(lambda x: x), ops.take(3)).subscribe(values.append)
        assert values == [0, 1, 2]
