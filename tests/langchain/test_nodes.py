"""Runnables of LangChain as nodes, side by side with LangGraph where a whole program can be."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
from typing import Annotated, Any, Literal, TypedDict

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
def a_runnable_gives_a_node_its_name(lg):
    def read(state):
        return {"log": ["read"]}

    nodes = (RunnableLambda(read), RunnableLambda(read, name="named"), log("x") | log("y"), RunnableParallel(log=read))
    graph = lg.StateGraph(Log)
    for node in nodes:
        graph.add_node(node)
    for name in (names := [*graph.nodes]):
        graph.add_edge(lg.START, name)
    return [lg.call(lambda: names), lg.run(graph.compile(), {"log": []})]


@program
def runnables_of_a_sequence_are_named_by_their_class(lg):
    inner = lg.StateGraph(Log).add_node("y", log("y")).add_edge(lg.START, "y").compile()
    graph = lg.StateGraph(Log).add_sequence([log("w"), ("x", log("x")), inner, log("y") | log("z")])
    return [lg.call(lambda: [*graph.nodes]), lg.run(graph.add_edge(lg.START, "RunnableLambda").compile(), {"log": []})]


@program
def graphs_inside_runnables_are_found(lg):
    from importlib import import_module

    def stop(state):
        return {"log": [import_module(f"{lg.name}.types").interrupt("go on?")]}

    inner = lg.StateGraph(Log).add_node("stop", stop).add_edge(lg.START, "stop").compile()
    first = RunnableLambda(lambda state: {"log": []})

    def calls(state):
        return inner.invoke(state)

    graph = lg.StateGraph(Log).add_node("steps", first | inner).add_node("calls", RunnableLambda(calls))
    graph.add_node("hidden", (first | inner).with_config(tags=["t"])).add_node("none", first | first)
    for name in ("steps", "calls", "hidden", "none"):
        graph.add_edge(lg.START, name)
    saver = import_module(f"{lg.name}.checkpoint.memory").InMemorySaver()
    compiled = graph.compile(checkpointer=saver)
    thread = {"configurable": {"thread_id": "1"}}

    def state():
        lg_sync = compiled.invoke({"log": []}, thread) if lg.lane == "sync" else None
        tasks = compiled.get_state(thread, subgraphs=True).tasks
        return [lg_sync and len(lg_sync["__interrupt__"]), [(task.name, bool(task.state)) for task in tasks]]

    return [lg.call(lambda: [name for name, _ in compiled.get_subgraphs()]), lg.call(state)]


def branching(lg, path, path_map=None):
    graph = lg.StateGraph(Log).add_node("a", log("a")).add_node("b", log("b")).add_edge(lg.START, "a")
    graph.add_conditional_edges("a", path, path_map)
    return [lg.call(lambda: [*graph.branches["a"]]), lg.run(graph.compile(), {"log": []})]


@program
def a_runnable_is_a_path(lg):
    return branching(lg, RunnableLambda(lambda state: "b" if state["log"] == ["a"] else lg.END, name="where"), ["b"])


@program
def a_path_of_a_runnable_may_have_a_map(lg):
    return branching(lg, RunnableLambda(lambda state: len(state["log"]), name="where"), {1: "b"})


@program
def the_map_of_a_path_is_read_from_the_function_of_a_runnable(lg):
    def where(state) -> Literal["b"]:
        return "b"

    return branching(lg, RunnableLambda(where))


@program
def a_binding_hides_the_function_of_a_path(lg):
    def where(state) -> Literal["b"]:
        return "b"

    return branching(lg, RunnableLambda(where).with_config(tags=["t"]))


@program
def a_sequence_is_a_path(lg):
    return branching(lg, RunnableLambda(lambda state: state["log"]) | (lambda log: "b"), ["b"])


@program
def a_path_of_a_runnable_may_send(lg):
    path = RunnableLambda(lambda state: [lg.Send("b", {"log": []}), lg.Send("b", {"log": []})], name="where")
    return branching(lg, path, ["b"])


@program
def a_path_of_a_runnable_sees_the_configuration(lg):
    def where(state, config):
        return config["configurable"]["to"]

    graph = lg.StateGraph(Log).add_node("b", log("b")).add_node("c", log("c"))
    graph.add_conditional_edges(lg.START, RunnableLambda(where), ["b", "c"])
    return lg.run(graph.compile(), {"log": []}, {"configurable": {"to": "c"}})


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
