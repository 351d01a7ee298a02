"""The run tree of LangChain, side by side with LangGraph: handlers hear the same of the same graph."""

# Annotations are evaluated: states are read from them.

import asyncio
import importlib
import operator
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict
from uuid import UUID

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler, CallbackManager
from langchain_core.runnables import RunnableConfig, RunnableLambda


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Heard:
    """What a handler was told, with small numbers in the place of ids."""

    def __init__(self) -> None:
        self.ids: dict[UUID, int] = {}
        self.events: list[tuple[Any, ...]] = []

    def number(self, run_id: UUID | None) -> int | None:
        return None if run_id is None else self.ids.setdefault(run_id, len(self.ids) + 1)

    def start(self, input, run_id, parent_run_id, tags, metadata, name) -> None:
        # LangGraph says there that it is LangGraph.
        shown = sorted({*(metadata or {})} - {"ls_integration"})
        # A nameless path has that name in its sync lane, and none in its async lane; ours always has it.
        name = name or "RunnableCallable"
        self.events.append(("start", self.number(run_id), self.number(parent_run_id), name, sorted(tags), shown, input))

    def end(self, output, run_id, tags) -> None:
        self.events.append(("end", self.number(run_id), plain(output), sorted(tags)))

    def error(self, error, run_id, tags) -> None:
        self.events.append(("error", self.number(run_id), type(error).__name__, sorted(tags)))


def plain(output: Any) -> Any:
    """Commands are of two libraries."""
    return str(output) if type(output).__name__ == "Command" else output


class Handler(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard = Heard()

    def on_chain_start(
        self, serialized, inputs, *, run_id, parent_run_id=None, tags=None, metadata=None, name=None, **more
    ):
        self.heard.start(inputs, run_id, parent_run_id, tags, metadata, name)

    def on_chain_end(self, outputs, *, run_id, tags=None, **more):
        self.heard.end(outputs, run_id, tags)

    def on_chain_error(self, error, *, run_id, tags=None, **more):
        self.heard.error(error, run_id, tags)


class AsyncHandler(AsyncCallbackHandler):
    """Hears of it on the event loop of the run."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.loops: set[int] = set()

    async def on_chain_start(
        self, serialized, inputs, *, run_id, parent_run_id=None, tags=None, metadata=None, name=None, **more
    ):
        self.loops.add(id(asyncio.get_running_loop()))
        self.heard.start(inputs, run_id, parent_run_id, tags, metadata, name)

    async def on_chain_end(self, outputs, *, run_id, tags=None, **more):
        self.loops.add(id(asyncio.get_running_loop()))
        self.heard.end(outputs, run_id, tags)

    async def on_chain_error(self, error, *, run_id, tags=None, **more):
        self.heard.error(error, run_id, tags)


def library(name: str) -> SimpleNamespace:
    """What the programs need of one of the two."""
    members = {
        "graph": "StateGraph START END",
        "types": "Command RetryPolicy Send interrupt",
        "func": "task entrypoint",
    }
    found = {
        member: getattr(importlib.import_module(f"{name}.{module}"), member)
        for module, names in members.items()
        for member in names.split()
    }
    saver = importlib.import_module(f"{name}.checkpoint.memory").InMemorySaver
    return SimpleNamespace(**found, Saver=saver)


LIBRARIES = library("rxgraph"), library("langgraph")

PROGRAMS: list[Callable[[Any], tuple[Any, ...]]] = []


def program(fn: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    """A function of a library that returns a graph, and its input and configuration where they matter."""
    PROGRAMS.append(fn)
    return fn


def f(state):
    return {"log": ["f"]}


def chain(lg, *nodes, **options):
    """A graph of nodes in a row, and its builder."""
    builder = lg.StateGraph(Log)
    before = lg.START
    for name, node in nodes:
        builder.add_node(name, node, **options)
        builder.add_edge(before, name)
        before = name
    return builder


@program
def a_node(lg):
    return (chain(lg, ("n", f)).compile(),)


@program
def a_named_run(lg):
    config = {"run_name": "RN", "run_id": UUID(int=7), "tags": ["b", "a"], "metadata": {"m": 1}}
    return chain(lg, ("n", f), metadata={"z": 1}).compile(), {"log": []}, config


@program
def a_graph_with_a_name_and_a_configuration(lg):
    graph = chain(lg, ("n", f), ("m", f)).compile(name="g")
    return (graph.with_config({"tags": ["o"], "metadata": {"k": 1}}),)


@program
def an_error(lg):
    def fails(state):
        raise ValueError("x")

    return (chain(lg, ("n", fails)).compile(),)


@program
def no_input(lg):
    return chain(lg, ("n", f)).compile(), None


@program
def a_run_without_end(lg):
    return chain(lg, ("n", f)).add_edge("n", "n").compile(), {"log": []}, {"recursion_limit": 2}


@program
def a_retry(lg):
    failures = [ConnectionError("x")]

    def flaky(state):
        if failures:
            raise failures.pop()
        return {"log": ["ok"]}

    policy = lg.RetryPolicy(initial_interval=0, jitter=False)
    return (chain(lg, ("n", flaky), retry_policy=policy).compile(),)


@program
def a_question(lg):
    graph = chain(lg, ("n", lambda state: lg.interrupt("q"))).compile(checkpointer=lg.Saver())
    return graph, {"log": []}, {"configurable": {"thread_id": "1"}}


@program
def a_question_inside(lg):
    inner = chain(lg, ("q", lambda state: lg.interrupt("q"))).compile(name="inner")
    graph = chain(lg, ("n", inner)).compile(checkpointer=lg.Saver())
    return graph, {"log": []}, {"configurable": {"thread_id": "1"}}


@program
def a_graph_as_a_node(lg):
    return (chain(lg, ("n", chain(lg, ("m", f)).compile(name="inner"))).compile(),)


@program
def graphs_that_are_called(lg):
    inner = chain(lg, ("m", f)).compile(name="inner")
    return (chain(lg, ("n", lambda state: inner.invoke(inner.invoke(state)))).compile(),)


@program
def a_branch_at_the_start(lg):
    return (lg.StateGraph(Log).add_node("n", f).add_conditional_edges(lg.START, lambda state: "n", ["n"]).compile(),)


def ends(state):
    return "__end__"


@program
def branches(lg):
    builder = chain(lg, ("n", f)).add_node("m", f)
    builder.add_conditional_edges("n", lambda state: "m", ["m"]).add_conditional_edges("m", ends)
    return (builder.compile(),)


@program
def a_branch_that_fails(lg):
    def fails(state):
        raise ValueError("x")

    return (chain(lg, ("n", f)).add_conditional_edges("n", fails, ["n"]).compile(),)


@program
def a_runnable_as_a_branch(lg):
    path = RunnableLambda(ends, name="path")
    return (chain(lg, ("n", f)).add_conditional_edges("n", path).compile(),)


@program
def a_command(lg):
    return (chain(lg, ("n", lambda state: lg.Command(update={"log": ["c"]}, goto=lg.END))).compile(),)


@program
def packets(lg):
    def sends(state):
        return lg.Command(goto=[lg.Send("m", {"log": ["zz"]})])

    return (chain(lg, ("n", sends)).add_node("m", f).compile(),)


@program
def a_call_of_a_function(lg):
    @lg.task
    def add(x):
        return x + 1

    @lg.entrypoint()
    def flow(x):
        return add(x).result()

    flow.name = "flow"
    return flow, 1


UP = RunnableLambda(lambda value: "up", name="up")


@program
def a_runnable_as_a_node(lg):
    return (chain(lg, ("n", RunnableLambda(f, name="lam"))).compile(),)


@program
def a_runnable_called_without_configuration(lg):
    return (chain(lg, ("n", lambda state: {"log": [UP.invoke(1)]})).compile(),)


@program
def a_runnable_called_with_configuration(lg):
    def calls(state, config: RunnableConfig):
        return {"log": [UP.invoke(1, config)]}

    return (chain(lg, ("n", calls)).compile(),)


@program
def a_graph_that_is_given_the_configuration_of_its_node(lg):
    inner = chain(lg, ("m", f)).compile(name="inner").with_config({"tags": ["t", "o"], "metadata": {"k": 1}})

    def calls(state, config: RunnableConfig):
        inner.invoke(state, config)
        inner.invoke(state, {**config, "tags": ["t", "mine"], "metadata": {"l": 1}, "run_name": "mine"})
        return inner.invoke(state, {"configurable": config["configurable"]})

    config = {"run_name": "RN", "run_id": UUID(int=7), "tags": ["t"], "metadata": {"m": 1}}
    return chain(lg, ("n", calls)).compile(), {"log": []}, config


def heard(built: tuple[Any, ...], handler: Any, how: str) -> list[tuple[Any, ...]]:
    graph, input, config = (*built, *({"log": []}, {})[len(built) - 1 :])
    config = {**config, "callbacks": [handler]}
    try:
        if how == "invoke":
            graph.invoke(input, config)
        elif how == "stream":
            list(graph.stream(input, config, stream_mode="updates"))
        else:
            asyncio.run(graph.ainvoke(input, config))
    except Exception as error:
        handler.heard.events.append(("raised", type(error).__name__))
    return handler.heard.events


@pytest.mark.parametrize(
    ("how", "make"), [("invoke", Handler), ("stream", Handler), ("ainvoke", Handler), ("ainvoke", AsyncHandler)]
)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_handlers_hear_the_same(program, how: str, make) -> None:
    ours, theirs = (heard(program(lg), make(), how) for lg in LIBRARIES)
    assert ours == theirs
    assert len(ours) >= 2


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_stream_that_is_closed_ends_with_an_error(how: str) -> None:
    def run(lg):
        handler = Handler()
        graph = chain(lg, ("n", f), ("m", f)).compile()
        config = {"callbacks": [handler]}
        if how == "stream":
            items = graph.stream({"log": []}, config, stream_mode="updates")
            next(items)
            items.close()
            return handler.heard.events

        async def first():
            items = graph.astream({"log": []}, config, stream_mode="updates")
            await anext(items)
            await items.aclose()

        asyncio.run(first())
        return handler.heard.events

    ours, theirs = map(run, LIBRARIES)
    assert [event[:2] for event in ours] == [event[:2] for event in theirs]
    if how == "stream":
        assert ours == theirs


def test_a_command_for_the_parent_ends_the_node_that_it_is_for_well() -> None:
    def run(lg):
        handler = Handler()
        goes = lg.Command(graph=lg.Command.PARENT, goto="z", update={"log": ["p"]})
        inner = chain(lg, ("c", lambda state: goes)).compile(name="inner")
        graph = chain(lg, ("n", inner)).add_node("z", f).compile()
        graph.invoke({"log": []}, {"callbacks": [handler]})
        return [event[:3] if event[0] == "error" else event[:2] for event in handler.heard.events]

    ours, theirs = map(run, LIBRARIES)
    assert ("end", 2) in ours
    assert ("error", 2, "ParentCommand") in theirs
    assert [one for one in ours if one[1] != 2] == [one for one in theirs if one[1] != 2]


def test_a_manager_says_what_is_around_the_run() -> None:
    lg = LIBRARIES[0]
    handler = Handler()
    outer = CallbackManager.configure(inheritable_callbacks=[handler]).on_chain_start(None, {}, name="outer")
    chain(lg, ("n", f)).compile().invoke({"log": []}, {"callbacks": outer.get_child()})
    assert [event[:4] for event in handler.heard.events if event[0] == "start"] == [
        ("start", 1, None, "outer"),
        ("start", 2, 1, "LangGraph"),
        ("start", 3, 2, "n"),
    ]


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_a_graph_that_a_runnable_calls_is_inside_its_run(how: str) -> None:
    def run(lg):
        handler = Handler()
        graph = chain(lg, ("n", f)).compile()

        def calls(state):
            return graph.invoke(state)

        async def acalls(state):
            return await graph.ainvoke(state)

        outer, config = RunnableLambda(calls, acalls, name="outer"), {"callbacks": [handler]}
        outer.invoke({"log": []}, config) if how == "invoke" else asyncio.run(outer.ainvoke({"log": []}, config))
        return handler.heard.events

    ours, theirs = map(run, LIBRARIES)
    assert [event[:4] for event in ours] == [event[:4] for event in theirs]
    assert [event[1:4] for event in ours if event[0] == "start"] == [
        (1, None, "outer"),
        (2, 1, "LangGraph"),
        (3, 2, "n"),
    ]


def test_a_manager_beside_handlers_tells_both() -> None:
    lg = LIBRARIES[0]
    of_graph, of_call = Handler(), Handler()
    manager = CallbackManager.configure(inheritable_callbacks=[of_call])
    graph = chain(lg, ("n", f)).compile()
    graph.with_config({"callbacks": [of_graph]}).invoke({"log": []}, {"callbacks": manager})
    of_manager = CallbackManager.configure(inheritable_callbacks=[of_graph])
    graph.with_config({"callbacks": of_manager}).invoke({"log": []}, {"callbacks": manager})
    assert len(of_graph.heard.events) == 8
    assert of_graph.heard.events == of_call.heard.events


def test_handlers_of_a_graph_and_of_a_call_hear_both() -> None:
    of_graph, of_call, of_inner = Handler(), Handler(), Handler()
    lg = LIBRARIES[0]
    inner = chain(lg, ("m", f)).compile(name="inner").with_config({"callbacks": [of_inner]})
    graph = chain(lg, ("n", inner)).compile().with_config({"callbacks": [of_graph]})
    graph.invoke({"log": []}, {"callbacks": [of_call]})
    assert of_graph.heard.events == of_call.heard.events
    assert [event[3] for event in of_graph.heard.events if event[0] == "start"] == ["LangGraph", "n", "inner", "m"]
    assert [event[3] for event in of_inner.heard.events if event[0] == "start"] == ["inner", "m"]


async def test_async_handlers_run_on_the_loop_of_the_run() -> None:
    handler = AsyncHandler()
    await chain(LIBRARIES[0], ("n", f)).compile().ainvoke({"log": []}, {"callbacks": [handler]})
    assert handler.loops == {id(asyncio.get_running_loop())}
    assert len(handler.heard.events) == 4


def test_a_run_without_callbacks_imports_nothing() -> None:
    program = """
import sys
from typing import TypedDict
from rxgraph.graph import START, StateGraph
class S(TypedDict):
    n: int
graph = StateGraph(S).add_node("n", lambda state: {"n": 1}).add_edge(START, "n").compile()
assert graph.invoke({"n": 0}) == {"n": 1}
assert graph.invoke({"n": 0}, {"callbacks": []}) == {"n": 1}
assert not {"langchain_core", "opentelemetry"} & {name.split(".")[0] for name in sys.modules}
"""
    subprocess.run([sys.executable, "-c", program], check=True)
