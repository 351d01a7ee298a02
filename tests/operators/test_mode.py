"""``mode``: keep the stream parts of some modes."""

from __future__ import annotations

from typing import Any

import pytest
import reactivex as rx

from rxgraph import operators as ops
from rxgraph.stream import StreamMux
from tests.operators._contract import Operator, OperatorContract, Seen, Source, watch

U, C, V = ((), "updates", 1), ((), "custom", 2), (("sub",), "values", 3)


class TestMode(OperatorContract):
    items = (U, C, V, U)
    expected = (U, V, U)

    def operator(self) -> Operator:
        return ops.mode("updates", "values")


def test_at_least_one_mode_is_named() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ops.mode()


@pytest.mark.parametrize("wrong", [["updates", "values"], None, 1])
def test_modes_are_strings_one_by_one(wrong: Any) -> None:
    with pytest.raises(TypeError, match="one by one"):
        ops.mode(wrong)


def test_what_is_no_part_is_an_error_that_says_where_the_operator_was_built() -> None:
    seen = Seen()
    rx.of(3).pipe(ops.mode("updates")).subscribe(seen)
    [error] = seen.ends
    assert isinstance(error, TypeError)
    assert "mode() built at " in error.__notes__[0]
    assert __file__ in error.__notes__[0]


def test_a_mux_routes_parts_so_that_other_modes_cost_nothing() -> None:
    mux = StreamMux()

    class Counting(tuple):  # type: ignore[type-arg]
        looked = 0

        def __getitem__(self, index: Any) -> Any:
            Counting.looked += 1
            return tuple.__getitem__(self, index)

    seen, _ = watch(mux.pipe(ops.mode("updates")))
    parts = [Counting(part) for part in (U, C, V)]
    for part in parts:
        mux.on_next(part)
    assert seen.values == [U]
    assert Counting.looked == len(parts), "the mux looked at the mode of each part, and nobody else did"


def test_a_mux_below_an_operator_is_filtered() -> None:
    mux = StreamMux()
    seen, _ = watch(mux.pipe(ops.map(lambda part: part), ops.mode("updates")))
    for part in (U, C, V, U):
        mux.on_next(part)
    assert seen.values == [U, U]


def test_one_mode_named_twice_delivers_once() -> None:
    mux = StreamMux()
    seen, _ = watch(mux.pipe(ops.mode("updates", "updates")))
    mux.on_next(U)
    assert seen.values == [U]


def test_a_routed_subscription_can_be_left() -> None:
    mux = StreamMux()
    seen, subscription = watch(mux.pipe(ops.mode("updates", "custom")))
    mux.on_next(U)
    subscription.dispose()
    mux.on_next(C)
    mux.on_completed()
    assert (seen.values, seen.ends) == ([U], [])


def test_a_mode_within_a_mode() -> None:
    source = Source()
    seen, _ = watch(source.pipe(ops.mode("updates", "custom"), ops.mode("custom")))
    source.push(U, C, V)
    assert seen.values == [C]
