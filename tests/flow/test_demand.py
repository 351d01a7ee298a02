"""``Demand``: the ledger of ``request(n)``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgraph.flow import UNBOUNDED, Demand


@pytest.mark.parametrize("wrong", [0, -1, -(2**70)])
def test_less_than_one_is_refused(wrong: int) -> None:
    demand = Demand()
    with pytest.raises(ValueError, match=rf"got {wrong} .*RS §3\.9"):
        demand.request(wrong)
    assert demand.outstanding == 0


@pytest.mark.parametrize("wrong", [True, False, 1.0, "1", None])
def test_what_is_no_int_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"needs an int, got"):
        Demand().request(wrong)


def test_an_error_says_whose_request_it_was() -> None:
    with pytest.raises(ValueError, match="sse-3"):
        Demand.check(-1, "sse-3")


def test_requests_add_up() -> None:
    demand = Demand()
    assert not demand
    demand.request(2)
    demand.request(3)
    demand.produce()
    assert demand
    assert demand.outstanding == 4
    demand.clear()
    assert not demand


def test_unbounded_demand_stays_unbounded() -> None:
    demand = Demand()
    demand.request(UNBOUNDED - 1)
    demand.request(UNBOUNDED)
    demand.produce(10)
    assert demand.outstanding == UNBOUNDED
    assert repr(demand) == "<Demand unbounded>"


def test_repr_shows_what_is_outstanding() -> None:
    demand = Demand()
    demand.request(7)
    assert repr(demand) == "<Demand 7>"


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 2**64))))
def test_the_ledger_stays_between_nothing_and_everything(steps: list[tuple[bool, int]]) -> None:
    demand, model = Demand(), 0
    for asks, n in steps:
        if asks:
            demand.request(n)
            model = min(UNBOUNDED, model + n)
        else:
            demand.produce(n)
            model = model if model == UNBOUNDED else max(0, model - n)
        assert demand.outstanding == model
