"""Spans of OpenTelemetry, as an exporter of its SDK gets them."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.config import RunnableConfig
from rxgraph.errors import NodeError
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

    def name_of(self, context: Any) -> str:
        (name,) = (span.name for span in self.spans if span.context.span_id == context.span_id)
        return name

    def links(self, name: str) -> list[tuple[str, str]]:
        """Where the links of the last span of that name lead, and what they say."""
        links = self.named(name)[-1].links
        return [(self.name_of(link.context), link.attributes["rxgraph.link"]) for link in links]

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
    assert traced.tree() == {
        "graph g": None,
        "superstep 1": "graph g",
        "node a": "superstep 1",
        "superstep 2": "graph g",
        "node b": "superstep 2",
    }
    (run,), (b,) = traced.named("graph g"), traced.named("node b")
    assert dict(run.attributes) == {"rxgraph.graph": "g", "rxgraph.run_id": "7"}
    assert b.attributes["rxgraph.node"] == "b"
    assert b.attributes["rxgraph.step"] == 2
    assert b.attributes["rxgraph.attempt"] == 1
    assert dict(traced.named("superstep 2")[0].attributes) == {"rxgraph.step": 2, "rxgraph.nodes": ("b",)}
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
    parents = {(span.name, span.parent and traced.name_of(span.parent)) for span in traced.spans}
    assert parents == {
        ("graph outer", None),
        ("superstep 1", "graph outer"),
        ("node n", "superstep 1"),
        ("graph inner", "node n"),
        ("superstep 1", "graph inner"),
        ("node m", "superstep 1"),
    }
    assert traced.links("graph inner") == [("graph outer", "outer run")]
    assert traced.links("graph outer") == []


def test_a_graph_that_is_called_on_a_thread_of_the_users_is_inside_too(traced: Traced) -> None:
    inner = chain(("m", say("m"))).compile(name="inner")

    def calls(state, config: RunnableConfig):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(inner.invoke, {"log": []}, config).result()

    chain(("n", calls)).compile(name="outer").invoke({"log": []})
    assert traced.tree()["graph inner"] == "node n"
    assert traced.links("graph inner") == [("graph outer", "outer run")]


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
    assert tree["node flow"] == "superstep 0"
    assert tree["superstep 0"] == f"graph {flow.name}"


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
    assert [link.context.span_id for link in attempts[1].links] == [attempts[0].context.span_id]
    assert attempts[0].links == ()
    (superstep,) = traced.named("superstep 1")
    assert superstep.status.description == "ConnectionError: second"
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
    asked, resumed = traced.named("graph g")
    assert (asked.attributes["rxgraph.thread_id"], resumed.attributes["rxgraph.thread_id"]) == ("1", "1")
    (event,) = resumed.events
    assert event.name == "rxgraph.resume"
    assert event.attributes["rxgraph.checkpoint_id"]


def test_breakpoints_are_events_of_the_run(lane: Lane, traced: Traced) -> None:
    graph = chain(("a", say("a")), ("b", say("b"))).compile(InMemorySaver(), interrupt_before=["b"], name="g")
    lane.invoke(graph, {"log": []}, {"configurable": {"thread_id": "1"}})
    assert traced.events("graph g") == [("rxgraph.interrupt", {"rxgraph.breakpoint": "before"})]


def test_a_superstep_has_its_siblings_and_what_takes_over(lane: Lane, traced: Traced) -> None:
    def fails(state):
        raise ValueError("x")

    def handles(state, error: NodeError):
        return {"log": ["handled"]}

    builder = StateGraph(Log).add_node("a", lane.node(say("a"))).add_edge(START, "a").add_edge(START, "b")
    graph = builder.add_node("b", lane.node(fails), error_handler=handles).compile(name="g")
    assert lane.invoke(graph, {"log": []}) == {"log": ["a", "handled"]}
    inside = {name for name, parent in traced.tree().items() if parent == "superstep 1"}
    assert inside == {"node a", "node b", "node __error_handler__b"}


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
    assert traced.tree() == {"graph g": None, "superstep 1": "graph g", "node a": "superstep 1"}
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
    assert traced.tree() == {"graph g": None, "superstep 1": "graph g", "node n": "superstep 1"}


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
    assert (len(first.spans), len(second.spans)) == (3, 3)
    assert before == FACTORIES
