"""Spans of OpenTelemetry, as an exporter of its SDK gets them."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.func import entrypoint, task
from rxgraph.graph import START, StateGraph
from rxgraph.otel import instrument, tracing, uninstrument
from rxgraph.pregel._tracing import FACTORIES
from rxgraph.types import Command, RetryPolicy, interrupt
from tests._lanes import Lane


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Traced:
    """A provider, and the spans that have ended."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def spans(self) -> tuple[Any, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def tree(self) -> dict[str, str | None]:
        """The name of each span's parent."""
        names = {span.context.span_id: span.name for span in self.spans}
        return {span.name: None if span.parent is None else names[span.parent.span_id] for span in self.spans}

    def events(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        (span,) = self.named(name)
        return [(event.name, dict(event.attributes)) for event in span.events]


@pytest.fixture
def traced():
    found = Traced()
    with tracing(found.provider):
        yield found


def say(name):
    def node(state):
        return {"log": [name]}

    return node


def chain(*nodes, **options):
    builder = StateGraph(Log)
    for (name, node), before in zip(nodes, [START, *(name for name, _ in nodes)], strict=False):
        builder.add_node(name, node, **options).add_edge(before, name)
    return builder


def test_a_run_and_its_nodes(lane: Lane, traced: Traced) -> None:
    graph = chain(("a", lane.node(say("a"))), ("b", lane.node(say("b")))).compile(name="g")
    assert lane.invoke(graph, {"log": []}, {"run_id": "7"}) == {"log": ["a", "b"]}
    assert traced.tree() == {"graph g": None, "node a": "graph g", "node b": "graph g"}
    (run,), (b,) = traced.named("graph g"), traced.named("node b")
    assert dict(run.attributes) == {"rxgraph.graph": "g", "rxgraph.run_id": "7"}
    assert b.attributes["rxgraph.node"] == "b"
    assert b.attributes["rxgraph.step"] == 2
    assert b.attributes["rxgraph.attempt"] == 1
    assert {span.status.status_code for span in traced.spans} == {StatusCode.UNSET}


def test_spans_of_the_users_code_are_inside_and_the_run_is_inside_the_callers(lane: Lane, traced: Traced) -> None:
    spans = traced.provider.get_tracer("mine")

    def node(state):
        with spans.start_as_current_span("mine"):
            return {"log": ["a"]}

    builder = StateGraph(Log)
    for name in ("a", "b", "c"):
        builder.add_node(name, node).add_edge(START, name)
    with spans.start_as_current_span("around"):
        lane.invoke(builder.compile(name="g"), {"log": []})
        with spans.start_as_current_span("after"):
            pass
    parents = {span.parent.span_id for span in traced.named("mine")}
    assert parents == {span.context.span_id for name in "abc" for span in traced.named(f"node {name}")}
    assert traced.tree()["graph g"] == "around"
    assert traced.tree()["after"] == "around"


def test_graphs_inside_are_children_of_the_calling_node(lane: Lane, traced: Traced) -> None:
    inner = chain(("m", lane.node(say("m")))).compile(name="inner")
    graph = chain(("n", inner)).compile(name="outer")
    lane.invoke(graph, {"log": []})
    assert traced.tree() == {
        "graph outer": None,
        "node n": "graph outer",
        "graph inner": "node n",
        "node m": "graph inner",
    }


def test_calls_are_children_of_their_caller(traced: Traced) -> None:
    @task
    def double(x):
        return 2 * x

    @entrypoint()
    def flow(x):
        return double(x).result()

    assert flow.invoke(2) == 4
    tree = traced.tree()
    assert tree["task double"] == "node flow"
    assert tree["node flow"] == f"graph {flow.name}"


def test_errors_and_retries(lane: Lane, traced: Traced) -> None:
    failures = [ConnectionError("first"), ConnectionError("second")]

    def flaky(state):
        raise failures.pop(0)

    policy = RetryPolicy(initial_interval=0, jitter=False, max_attempts=2)
    graph = chain(("n", lane.node(flaky)), retry_policy=policy).compile(name="g")
    with pytest.raises(ConnectionError, match="second"):
        lane.invoke(graph, {"log": []})
    attempts = traced.named("node n")
    assert [span.attributes["rxgraph.attempt"] for span in attempts] == [1, 2]
    assert [span.status.description for span in attempts] == ["ConnectionError: first", "ConnectionError: second"]
    assert len({span.parent.span_id for span in attempts}) == 1
    assert [name for name, _ in traced.events("graph g")] == ["rxgraph.retry", "exception"]
    assert traced.named("graph g")[0].status.status_code is StatusCode.ERROR


def test_a_question_is_no_error(lane: Lane, traced: Traced) -> None:
    def asks(state):
        return {"log": [interrupt("q")]}

    graph = chain(("n", lane.node(asks))).compile(name="g", checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    (question,) = lane.invoke(graph, {"log": []}, config)["__interrupt__"]
    event = ("rxgraph.interrupt", {"rxgraph.node": "n", "rxgraph.interrupt_ids": (question.id,)})
    assert traced.events("node n") == [event]
    assert traced.events("graph g") == [event]
    lane.invoke(graph, Command(resume="x"), config)
    assert {span.status.status_code for span in traced.spans} == {StatusCode.UNSET}
    assert [span.attributes["rxgraph.thread_id"] for span in traced.named("graph g")] == ["1", "1"]


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_reader_who_leaves_ends_the_spans(traced: Traced, how: str) -> None:
    graph = chain(("a", say("a")), ("b", say("b"))).compile(name="g")
    if how == "stream":
        items = graph.stream({"log": []}, stream_mode="updates")
        next(items)
        items.close()
    else:

        async def first():
            items = graph.astream({"log": []}, stream_mode="updates")
            await anext(items)
            await items.aclose()

        asyncio.run(first())
    assert traced.tree() == {"graph g": None, "node a": "graph g"}
    reason = "GeneratorExit" if how == "stream" else "CancelledError"
    assert traced.events("graph g") == [("rxgraph.stopped", {"rxgraph.reason": reason})]


def test_callbacks_and_spans_together(lane: Lane, traced: Traced) -> None:
    class Handler(BaseCallbackHandler):
        def __init__(self):
            self.names = []

        def on_chain_start(self, *args, name=None, **more):
            self.names.append(name)

    def ends(state):
        return "__end__"

    handler = Handler()
    graph = chain(("n", lane.node(say("a")))).add_conditional_edges("n", ends).compile(name="g")
    lane.invoke(graph, {"log": []}, {"callbacks": [handler]})
    assert handler.names == ["g", "n", "ends"]
    assert traced.tree() == {"graph g": None, "node n": "graph g"}


def test_the_switch() -> None:
    first, second = Traced(), Traced()
    graph = chain(("n", say("a"))).compile()
    before = list(FACTORIES)
    try:
        instrument(first.provider)
        graph.invoke({"log": []})
        instrument(second.provider)
        graph.invoke({"log": []})
    finally:
        uninstrument()
    graph.invoke({"log": []})
    assert (len(first.spans), len(second.spans)) == (2, 2)
    assert before == FACTORIES
