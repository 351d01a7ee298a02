"""The diagrams in the docstrings come true, and the machine that says so can be trusted."""

from __future__ import annotations

from typing import Any

import pytest
from reactivex import Observable, abc
from reactivex import operators as rxops

from rxgraph import operators as ops
from rxgraph.flow import to_publisher
from rxgraph.testing import marbles


@pytest.mark.parametrize("name", ops.__all__)
def test_the_diagram_of_the_operator_comes_true(name: str) -> None:
    marbles.check(getattr(ops, name))


# Reading


@pytest.mark.parametrize(
    ("row", "legend", "signals"),
    [
        ("", {}, []),
        ("---", {}, []),
        ("1-|", {}, [(0, "next", 1), (2, "complete", None)]),
        ("-a#", {}, [(1, "next", "a"), (2, "error", None)]),
        ("a0", {"a": None, "0": "zero"}, [(0, "next", None), (1, "next", "zero")]),
        ("-(12)-3", {}, [(1, "next", 1), (1, "next", 2), (6, "next", 3)]),
        ("(1|)", {}, [(0, "next", 1), (0, "complete", None)]),
    ],
)
def test_a_row(row: str, legend: dict[str, Any], signals: list[Any]) -> None:
    assert list(marbles.parse(row, legend)) == signals


@pytest.mark.parametrize("row", ["(a", "a)", "((a))", "(a-b)", "|-", "|a", "#|", "(|a)", "a b", "-^-", "!"])
def test_a_row_that_means_nothing(row: str) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        marbles.parse(row)


BLOCK = """One sentence.

    request  1---u-
    source   -a-b-|    a=((), "x y", {"k": 1}) b="b=2"
             several(
                 lambda x: x,
             )
    result   -a--b|    u=7

Order: source order,
    result without gaps.
"""


def test_a_block() -> None:
    [diagram] = marbles.diagrams(BLOCK)
    assert diagram == marbles.Diagram(
        source="-a-b-|",
        operator="several(\nlambda x: x,\n)",
        result="-a--b|",
        request="1---u-",
        legend={"a": ((), "x y", {"k": 1}), "b": "b=2", "u": 7},
    )


def test_prose_is_no_diagram() -> None:
    assert marbles.diagrams("Source order.\n\nThe result\n    source  is-a-word\n\nresult   -a-|") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source -a\nresult -a", "names its operator"),
        ("source -a\nsource -b\nmap(str)\nresult -a", "two rows 'source'"),
        ("source  -a\nmap(str)\nresult -a", "one column"),
    ],
)
def test_a_block_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        marbles.diagrams(text)


def test_no_diagram_is_no_proof() -> None:
    def undrawn() -> None:
        """Nothing to see."""

    with pytest.raises(ValueError, match="undrawn has no marble diagram"):
        marbles.check(undrawn)


# Playing


def diagram(source: str, operator: str, result: str, request: str = "") -> str:
    return f"{f'request {request}' if request else ''}\nsource  {source}\n        {operator}\nresult  {result}".strip()


@pytest.mark.parametrize(
    "result",
    [
        "-1-2-|",  # an item that is filtered out
        "---2--|",  # ends too late
        "---2-#",  # ends otherwise
        "---2--",  # never ends
        "---3-|",  # another item
        "--2--|",  # too early
        "---(22)|",  # twice
        "-----|",  # none
    ],
)
def test_a_diagram_that_lies_fails(result: str) -> None:
    with pytest.raises(AssertionError, match=r"says:\n") as caught:
        marbles.check(diagram("-1-2-|", "filter(lambda x: x > 1)", result))
    assert "played  2 at 3, | at 5" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "operator", "result"),
    [
        ("1", "map(lambda x: x + 1)", "2"),
        ("-1-2", "map(lambda x: x + 1)", "-2-3"),
        ("-1-#", "map(lambda x: x + 1)", "-2-#"),
        ("-1-0-2-|", "map(lambda x: 1 // x)", "-1-#"),
        ("-(12)---|", "filter(lambda x: x > 1)", "-2------|"),
        ("(1|)", "pipe()", "(1|)"),
        ("|", "take(1)", "|"),
        ("-1-1-|", "take(0)", "|"),
    ],
)
def test_a_diagram_that_is_true_passes(source: str, operator: str, result: str) -> None:
    marbles.check(diagram(source, operator, result))


def test_each_diagram_of_a_text_is_played() -> None:
    true = diagram("1|", "map(lambda x: x)", "1|")
    marbles.check(f"{true}\n\n{true}")
    with pytest.raises(AssertionError):
        marbles.check(f"{true}\n\n{diagram('1|', 'map(lambda x: x)', '2|')}")


def test_what_comes_after_the_drawing_is_a_lie_as_well() -> None:
    with pytest.raises(AssertionError, match="2 at 6"):
        marbles.check(diagram("-1-2", "delay(3)", "----1-"), {"delay": rxops.delay})


def test_an_operator_that_schedules_runs_in_ticks() -> None:
    marbles.check(diagram("-1-2-|", "delay(3)", "----1-2-|"), {"delay": rxops.delay})


# Demand


def on_backpressure_latest() -> Any:
    return lambda source: to_publisher(source, overflow="latest")


LATEST = """
    request  1-------1---1-----
    source   -a-b-c----d------|
             on_backpressure_latest()
    result   -a------c---d----|
"""


def test_a_publisher_gets_the_requests_through_its_subscription() -> None:
    marbles.check(LATEST, {"on_backpressure_latest": on_backpressure_latest})
    with pytest.raises(AssertionError):
        marbles.check(LATEST.replace("--c-", "--b-"), {"on_backpressure_latest": on_backpressure_latest})


def test_a_publisher_without_a_request_row_is_asked_for_everything() -> None:
    marbles.check(diagram("-1-2-|", "latest()", "-1-2-|"), {"latest": on_backpressure_latest})


def wait_for_demand() -> Any:
    """Deliver each item as one action of the scheduler of the subscription."""

    def operator(source: Observable[Any]) -> Observable[Any]:
        def subscribe(
            observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            assert scheduler is not None
            return source.subscribe(
                lambda value: scheduler.schedule(lambda *_: observer.on_next(value)) and None,
                observer.on_error,
                lambda: scheduler.schedule(lambda *_: observer.on_completed()) and None,
            )

        return Observable(subscribe)

    return operator


def test_an_observable_is_subscribed_on_a_scheduler_that_waits_for_the_requests() -> None:
    names = {"wait_for_demand": wait_for_demand}
    marbles.check(diagram("-1-23----|", "wait_for_demand()", "-1---(23)|", "1----5----"), names)
    with pytest.raises(AssertionError):
        marbles.check(diagram("-1-23----|", "wait_for_demand()", "-1-23----|", "1----5----"), names)
