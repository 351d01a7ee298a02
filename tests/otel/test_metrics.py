"""Metrics of how runs are read, as a reader of OpenTelemetry's SDK gets them."""

# Annotations are evaluated: states are read from them.

import asyncio
import gc
import operator
from typing import Annotated, Any, TypedDict

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from rxgraph.flow import Gate
from rxgraph.graph import START, StateGraph
from rxgraph.otel import tracing
from rxgraph.otel._metrics import Metrics
from rxgraph.pregel._tracing import FACTORIES, Counts, Reading
from rxgraph.stream import CustomTransformer
from rxgraph.types import StreamWriter


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Measured:
    """A provider, and what it has measured."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Attributes and value of each point; of a histogram, how often something was measured."""
        data = self.reader.get_metrics_data()
        found = (
            [one for part in data.resource_metrics for scope in part.scope_metrics for one in scope.metrics]
            if data
            else []
        )
        points = [point for metric in found if metric.name == name for point in metric.data.data_points]
        return [(dict(one.attributes), one.value if hasattr(one, "value") else one.count) for one in points]

    def items(self, projection: str) -> dict[str, int]:
        """How many items have come to which outcome."""
        points = self.points("rxgraph.stream.items")
        return {at["rxgraph.outcome"]: n for at, n in points if at["rxgraph.projection"] == projection}


@pytest.fixture
def measured():
    found = Measured()
    with tracing(meter_provider=found.provider):
        yield found


def writes(state, writer: StreamWriter):
    for number in range(state["log"][0]):
        writer(number)


async def awrites(state, writer: StreamWriter):
    for number in range(state["log"][0]):
        await writer(number)


def graph(node=writes):
    return StateGraph(Log).add_node("n", node).add_edge(START, "n").compile(name="g")


def test_items_are_counted_by_what_has_become_of_them(measured: Measured) -> None:
    items = graph().stream({"log": [5]}, stream_mode="custom")
    assert [next(items), next(items)] == [0, 1]
    assert measured.items("stream")["delivered"] == 2
    items.close()
    # What was in the log when the reader went is not delivered any more.
    left = measured.items("stream")
    assert left["delivered"] == 2
    assert left["overrun"] == 0
    del items
    gc.collect()
    assert list(graph().stream({"log": [3]}, stream_mode="custom")) == [0, 1, 2]
    gc.collect()
    assert measured.items("stream")["delivered"] == 5
    assert measured.points("rxgraph.stream.lag") == []


async def test_lag_and_demand_of_a_run_that_is_read(measured: Measured) -> None:
    go = asyncio.Event()

    async def waits(state, writer: StreamWriter):
        for number in range(4):
            await writer(number)
        await go.wait()
        await writer(4)

    async with graph(waits).astream({"log": []}, stream_mode="custom") as items:
        assert await anext(items) == 0
        name = {"rxgraph.graph": "g"}
        assert measured.points("rxgraph.stream.lag") == [({**name, "rxgraph.projection": "astream"}, 3)]
        assert measured.points("rxgraph.stream.demand") == [(name, 0)]
        assert [await anext(items) for _ in range(3)] == [1, 2, 3]
        pull = asyncio.create_task(anext(items))
        await asyncio.sleep(0)
        # Now the reader waits for the graph.
        assert measured.points("rxgraph.stream.demand") == [(name, 1)]
        go.set()
        assert await pull == 4


async def test_a_slow_reader_is_named_by_the_time_for_which_it_blocks_the_run(measured: Measured) -> None:
    async with graph(awrites).astream({"log": [3000]}, stream_mode="custom") as items:
        assert [item async for item in items] == list(range(3000))
    ((at, times),) = measured.points("rxgraph.blocked.time")
    assert at == {"rxgraph.graph": "g", "rxgraph.blocked_by": "astream"}
    assert times >= 1


def test_a_handle_counts_each_projection(measured: Measured) -> None:
    with graph().stream_events({"log": [2000]}, version="v3", transformers=[CustomTransformer]) as run:
        assert len(list(run.custom)) == 2000
        points = measured.points("rxgraph.blocked.time")
        assert {at["rxgraph.blocked_by"] for at, _ in points} <= {"custom"}
        assert measured.items("custom") == {"delivered": 2000, "dropped": 0, "overrun": 0}


def test_dropped_items_are_counted(measured: Measured) -> None:
    with graph().stream_events({"log": [50]}, version="v3", transformers=[CustomTransformer]) as run:
        newest = run.custom.reader(overflow="latest")
        run.output  # noqa: B018
        assert list(newest) == [49]
        assert measured.items("custom")["dropped"] == 49


def test_the_time_is_measured_from_shut_to_open() -> None:
    now = [10.0]
    found, gate = Measured(), Gate()
    metrics = Metrics(found.provider, lambda: now[0])

    class Reader:
        pass

    reader = Reader()
    metrics.watch("g", reader, Reading(gate, lambda: {"log": Counts(1, 2, 3, 4)}, lambda: 7))
    gate.shut()
    now[0] = 12.0
    gate.shut()
    gate.reopen()
    now[0] = 13.5
    gate.reopen()
    data = found.reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    (point,) = next(one for one in data if one.name == "rxgraph.blocked.time").data.data_points
    assert (point.sum, point.count, dict(point.attributes)) == (
        3.5,
        1,
        {"rxgraph.graph": "g", "rxgraph.blocked_by": "log"},
    )
    assert found.items("log") == {"delivered": 1, "dropped": 2, "overrun": 3}
    assert found.points("rxgraph.stream.demand") == [({"rxgraph.graph": "g"}, 7)]
    del reader
    gc.collect()
    assert found.items("log") == {"delivered": 1, "dropped": 2, "overrun": 3}
    assert found.points("rxgraph.stream.demand") == []


def test_a_traced_run_is_released_with_its_reader(measured: Measured) -> None:
    (factory,) = [one for one in FACTORIES if hasattr(one, "metrics")]
    for how in ("stream", "stream_events"):
        run = graph().stream({"log": [3]}) if how == "stream" else graph().stream_events({"log": [3]}, version="v3")
        list(run)
        del run
    gc.collect()
    assert factory.metrics._open == {}
    assert len(factory.attempts) == 0
