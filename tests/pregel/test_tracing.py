"""The seam for tracers: what a run tells, when, and in which context."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
from contextvars import ContextVar
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.graph import START, StateGraph
from rxgraph.pregel import _tracing
from rxgraph.pregel._tracing import FACTORIES, Span, Tracer
from rxgraph.pregel.lanes import _aio, _sync
from tests._lanes import Lane

HERE: ContextVar[str] = ContextVar("here", default="outside")


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Noted(Span):
    """Notes what it is told, under a name."""

    def __init__(self, name: str, notes: list[Any]) -> None:
        self.name, self.notes = name, notes

    def begin(self, input: Any) -> None:
        self.notes.append((self.name, "begins", input))

    def end(self, output: Any) -> None:
        self.notes.append((self.name, "ends", output))

    def fail(self, error: BaseException) -> None:
        self.notes.append((self.name, "fails", type(error).__name__))


class NotedNode(Noted):
    def begin(self, input: Any) -> None:
        super().begin(input)
        HERE.set(self.name)

    def route(self, body: Any, view: Any, task: Any) -> Any:
        answer = super().route(body, view, task)
        self.notes.append((self.name, "goes", answer))
        return answer

    async def aroute(self, body: Any, view: Any, task: Any) -> Any:
        answer = await super().aroute(body, view, task)
        self.notes.append((self.name, "goes", answer))
        return answer


class NotedRun(Noted, Tracer):
    def attempt(self, task: Any) -> Span:
        return NotedNode(task.name, self.notes)


@pytest.fixture
def notes():
    found: list[Any] = []
    before = list(FACTORIES)
    FACTORIES.append(lambda name, config: NotedRun(name, found))
    yield found
    FACTORIES[:] = before


def where(state):
    return {"log": [HERE.get()]}


def graph_of(*nodes, name="g"):
    builder = StateGraph(Log)
    for one, node in nodes:
        builder.add_node(one, node).add_edge(START, one)
    return builder.compile(name=name)


def test_a_run_tells_its_beginning_its_nodes_and_its_end(lane: Lane, notes: list[Any]) -> None:
    assert lane.invoke(graph_of(("n", lane.node(where))), {"log": ["i"]}) == {"log": ["i", "n"]}
    assert notes == [
        ("g", "begins", {"log": ["i"]}),
        ("n", "begins", {"log": ["i"]}),
        ("n", "ends", {"log": ["n"]}),
        ("g", "ends", {"log": ["i", "n"]}),
    ]


def test_each_node_has_a_context_of_its_own(lane: Lane, notes: list[Any]) -> None:
    graph = graph_of(*((name, lane.node(where)) for name in "abc"))
    assert lane.invoke(graph, {"log": []}) == {"log": ["a", "b", "c"]}
    assert HERE.get() == "outside"
    assert len(notes) == 8


def test_paths_are_run_by_the_span_of_their_node(lane: Lane, notes: list[Any]) -> None:
    builder = StateGraph(Log).add_node("n", where).add_edge(START, "n")
    graph = builder.add_conditional_edges("n", lane.node(lambda state: "__end__")).compile(name="g")
    lane.invoke(graph, {"log": []})
    assert [note[:2] for note in notes] == [
        ("g", "begins"),
        ("n", "begins"),
        ("n", "goes"),
        ("n", "ends"),
        ("g", "ends"),
    ]


def test_an_error_is_told_once_of_the_node_and_once_of_the_run(lane: Lane, notes: list[Any]) -> None:
    def fails(state):
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        lane.invoke(graph_of(("n", lane.node(fails))), {"log": []})
    assert [note[:2] for note in notes] == [("g", "begins"), ("n", "begins"), ("n", "fails"), ("g", "fails")]


async def test_what_is_cancelled_fails(notes: list[Any]) -> None:
    begun = asyncio.Event()

    async def waits(state):
        begun.set()
        await asyncio.Event().wait()

    run = asyncio.create_task(graph_of(("a", waits), ("b", waits)).ainvoke({"log": []}))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert sorted(note for note in notes if note[1] == "fails") == [
        ("a", "fails", "CancelledError"),
        ("b", "fails", "CancelledError"),
        ("g", "fails", "CancelledError"),
    ]


def test_a_tracer_that_fails_at_the_beginning_fails_the_run(lane: Lane, notes: list[Any]) -> None:
    class Broken(NotedRun):
        def begin(self, input: Any) -> None:
            raise RuntimeError("broken")

    FACTORIES.append(lambda name, config: Broken(name, notes))
    with pytest.raises(RuntimeError, match="broken"):
        lane.invoke(graph_of(("n", where)), {"log": []})


def test_the_last_of_several_tracers_ends_first(lane: Lane, notes: list[Any]) -> None:
    FACTORIES.append(lambda name, config: NotedRun("second", notes))
    lane.invoke(graph_of(("n", where)), {"log": []})
    assert [note[:2] for note in notes if note[0] != "n"] == [
        ("g", "begins"),
        ("second", "begins"),
        ("second", "ends"),
        ("g", "ends"),
    ]
    assert [note[1] for note in notes if note[0] == "n"] == ["begins", "begins", "ends", "ends"]


def test_a_run_without_a_tracer_calls_nothing_of_the_seam(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*args: Any) -> Any:
        raise AssertionError("nobody traces")

    for module in (_tracing, _sync, _aio):
        monkeypatch.setattr(module, "open_span", called)
    monkeypatch.setattr(_sync, "_traced_attempt", called)
    monkeypatch.setattr(_sync, "traced_turns", called)
    monkeypatch.setattr(_aio, "traced_drive", called)
    assert lane.invoke(graph_of(("n", lane.node(where))), {"log": []}) == {"log": ["outside"]}
