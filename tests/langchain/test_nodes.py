"""Runnables of LangChain as nodes, side by side with LangGraph where a whole program can be."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough

from rxgraph.graph import START, MessagesState, StateGraph
from tests._lanes import Lane
from tests.parity._twin import ALL, LANES, Program, compare


class Log(TypedDict):
    log: Annotated[list, operator.add]


PROGRAMS: list[Program] = []


def program(fn: Program) -> Program:
    PROGRAMS.append(fn)
    return fn


def alone(lg, action, input=None, config=None):
    graph = lg.StateGraph(Log).add_node("n", action).add_edge(lg.START, "n").compile()
    return lg.run(graph, {"log": []} if input is None else input, config)


def log(text):
    return RunnableLambda(lambda state: {"log": [text]})


@program
def a_sequence_is_a_node(lg):
    return alone(lg, RunnableLambda(lambda state: len(state["log"])) | (lambda size: {"log": [size]}), {"log": ["x"]})


@program
def a_parallel_gives_an_update(lg):
    return alone(lg, RunnableParallel(log=lambda state: ["a"]))


@program
def a_dict_may_mix_runnables_and_functions(lg):
    class Two(Log):
        said: str

    graph = lg.StateGraph(Two).add_node("n", {"log": RunnableLambda(lambda state: ["a"]), "said": lambda state: "b"})
    return lg.run(graph.add_edge(lg.START, "n").compile(), {"log": []})


@program
def a_runnable_that_changes_nothing_writes_the_state_again(lg):
    return alone(lg, RunnablePassthrough(), {"log": ["x"]})


@program
def a_binding_brings_its_configuration(lg):
    def tell(state, config):
        return {"log": [sorted(config["tags"]), config["metadata"]["mine"]]}

    return alone(lg, RunnableLambda(tell).with_config(tags=["bound"], metadata={"mine": 1}), None, {"tags": ["run"]})


@program
def a_runnable_sees_the_configuration_of_its_task(lg):
    def tell(state, config):
        mine = {key: value for key, value in config["metadata"].items() if not key.endswith("checkpoint_ns")}
        named = [config.get(key) for key in ("run_name", "run_id")]
        return {"log": [config["tags"], mine, config["configurable"]["user"], config["recursion_limit"], named]}

    options = {
        "tags": ["t"],
        "metadata": {"m": 1},
        "configurable": {"user": "ann"},
        "recursion_limit": 9,
        "run_name": "mine",
        "run_id": "00000000-0000-4000-8000-000000000001",
    }
    return alone(lg, RunnableLambda(tell), None, options)


@program
def a_runnable_may_return_a_command(lg):
    jump = RunnableLambda(lambda state: lg.Command(update={"log": ["jump"]}, goto="end"))
    graph = lg.StateGraph(Log).add_node("jump", jump, destinations=("end",)).add_node("end", log("end"))
    return lg.run(graph.add_edge(lg.START, "jump").compile(), {"log": []})


@program
def a_packet_is_the_input_of_a_runnable(lg):
    graph = lg.StateGraph(Log).add_node("n", RunnableLambda(lambda packet: {"log": [packet * 2]}))
    graph.add_conditional_edges(lg.START, lambda state: [lg.Send("n", 1), lg.Send("n", 2)], ["n"])
    return lg.run(graph.compile(), {"log": []})


@program
def an_error_of_a_runnable_is_the_error_of_the_run(lg):
    return alone(lg, RunnableLambda(lambda state: 1 // 0))


@program
def a_runnable_with_an_async_function_runs_in_the_async_lane(lg):
    async def node(state):
        await asyncio.sleep(0)
        return {"log": ["async"]}

    return alone(lg, RunnableLambda(node))


@program
def both_functions_of_a_runnable_are_used(lg):
    async def node(state):
        return {"log": ["async"]}

    return alone(lg, RunnableLambda(lambda state: {"log": ["sync"]}, afunc=node))


@program
def a_chain_of_a_model_answers(lg):
    from importlib import import_module

    prompt = ChatPromptTemplate.from_messages([("system", "be kind"), MessagesPlaceholder("messages")])
    chain = prompt | FakeListChatModel(responses=["hello"]) | (lambda message: {"messages": [("ai", message.content)]})
    schema = import_module(f"{lg.name}.graph").MessagesState
    graph = lg.StateGraph(schema).add_node("chain", chain).add_edge(lg.START, "chain").compile()
    return lg.run(graph, {"messages": "hi"})


@program
def an_object_with_the_methods_of_a_runnable_is_none(lg):
    class Duck:
        def invoke(self, value, config=None):
            return {"log": ["duck"]}

        ainvoke = invoke

    return alone(lg, Duck())


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda fn: fn.__name__)
def test_a_program_shows_the_same(fn: Program, lane: str) -> None:
    """Changing ``langgraph`` to ``rxgraph`` in the imports changes nothing that a program can see."""
    compare(fn, lane, (), (ALL, "invoke", "stream values", "stream updates", "stream tasks"))


class Seen(BaseCallbackHandler):
    """Notes what a handler is told of chains and models."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.names: dict[Any, str] = {}

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: Any, name: str | None = None, **more: Any
    ) -> None:
        self.names[run_id] = name or "?"
        self.events.append(("start", name))

    def on_chain_end(self, outputs: Any, *, run_id: Any, **more: Any) -> None:
        self.events.append(("end", self.names[run_id]))

    def on_chain_error(self, error: BaseException, *, run_id: Any, **more: Any) -> None:
        self.events.append(("error", self.names[run_id]))

    def on_chat_model_start(self, serialized: Any, messages: Any, *, metadata: Any, **more: Any) -> None:
        self.events.append(("model", metadata["langgraph_node"]))


def chain_graph(chain: Runnable[Any, Any]) -> Any:
    return StateGraph(MessagesState).add_node("chain", chain).add_edge(START, "chain").compile()


def test_callbacks_of_a_run_see_what_happens_inside_a_runnable(lane: Lane) -> None:
    """A handler is told of every chain and model inside the node, and in which node a model runs."""
    seen = Seen()
    chain = RunnableLambda(lambda state: state["messages"], name="read") | FakeListChatModel(responses=["hello"])
    graph = chain_graph((chain | StrOutputParser() | (lambda text: {"messages": [text]})).with_config(run_name="all"))
    assert lane.invoke(graph, {"messages": "hi"}, {"callbacks": [seen]})["messages"][-1].content == "hello"
    wanted = [("start", "all"), ("start", "read"), ("end", "read"), ("model", "chain"), ("end", "all")]
    # Among them may be runs of the graph and of the node.
    assert [event for event in seen.events if event in wanted] == wanted


def test_callbacks_of_a_run_see_the_error_of_a_runnable(lane: Lane) -> None:
    seen = Seen()
    graph = chain_graph(RunnableLambda(lambda state: 1 // 0, name="divide"))
    with pytest.raises(ZeroDivisionError):
        lane.invoke(graph, {"messages": "hi"}, {"callbacks": [seen]})
    assert ("error", "divide") in seen.events
