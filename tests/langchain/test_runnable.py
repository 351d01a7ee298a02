"""A compiled graph among the Runnables of LangChain, side by side with LangGraph, whose graphs are Runnables."""

# Annotations are evaluated: states are read from them.

import asyncio
import operator
import subprocess
import sys
from typing import Annotated, Any

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableBinding, RunnableLambda, RunnableParallel, RunnableSequence
from typing_extensions import TypedDict

from rxgraph.graph import START, MessagesState, StateGraph
from rxgraph.langchain import as_runnable
from tests.parity._twin import Ids, Tidy, runtime


class Log(TypedDict):
    log: Annotated[list, operator.add]


def counting(lg: Any) -> Any:
    """A graph of either library that logs the size of its log."""
    graph = lg.StateGraph(Log).add_node("n", lambda state: {"log": [len(state["log"])]})
    return graph.add_edge(lg.START, "n").compile(name="counting")


async def collect(items: Any) -> list[Any]:
    return [item async for item in items]


def shown(act: Any, lg: Any) -> Any:
    async def awaited(value: Any) -> Any:
        return await value

    try:
        result = act(counting(lg))
        if hasattr(result, "__aiter__"):
            result = asyncio.run(collect(result))
        elif hasattr(result, "__await__"):
            result = asyncio.run(awaited(result))
        elif hasattr(result, "__next__"):
            result = list(result)
    except Exception as error:
        result = ("raised", type(error).__name__)
    return Ids()(repr(Tidy()(result)))


double = RunnableLambda(lambda log: {"log": log * 2})
read = RunnableLambda(lambda state: state["log"])
INPUT = {"log": ["x"]}

CALLS: dict[str, Any] = {
    "after a runnable": lambda graph: (double | graph).invoke(["x"]),
    "before a runnable": lambda graph: (graph | read).invoke(INPUT),
    "between": lambda graph: (double | graph | read).invoke(["x"]),
    "after a function": lambda graph: ((lambda log: {"log": log}) | graph).invoke(["x"]),
    "before a function": lambda graph: (graph | (lambda state: len(state["log"]))).invoke(INPUT),
    "after a dict": lambda graph: ({"log": lambda x: [x]} | graph).invoke("x"),
    "before a dict": lambda graph: (graph | {"state": lambda state: state, "log": read}).invoke(INPUT),
    "after itself": lambda graph: (graph | graph).invoke(INPUT),
    "before what is no runnable": lambda graph: graph | 3,
    "after what is no runnable": lambda graph: 3 | graph,
    "in a dict": lambda graph: RunnableParallel(a=graph, b=read).invoke(INPUT),
    "returned by a function": lambda graph: RunnableLambda(lambda value: graph).invoke(INPUT),
    "streamed": lambda graph: (double | graph).stream(["x"]),
    "streamed on": lambda graph: (graph | RunnableLambda(lambda part: part)).stream(INPUT),
    "streamed with a mode": lambda graph: graph.bind(stream_mode="values").stream(INPUT),
    "batched": lambda graph: (double | graph).batch([["x"], []]),
    "batched as completed": lambda graph: graph.batch_as_completed([INPUT], {"max_concurrency": 1}),
    "awaited": lambda graph: (double | graph | read).ainvoke(["x"]),
    "streamed in the async lane": lambda graph: (double | graph).astream(["x"]),
    "batched in the async lane": lambda graph: (double | graph).abatch([["x"], []]),
    "completed in the async lane": lambda graph: graph.abatch_as_completed([INPUT]),
    "transforming": lambda graph: graph.transform(iter([{"log": [1]}, {"log": [2]}])),
    "piped": lambda graph: graph.pipe(read, len).invoke(INPUT),
    "assigned to": lambda graph: graph.assign(size=lambda state: len(state["log"])).invoke(INPUT),
    "picked from": lambda graph: graph.pick("log").invoke(INPUT),
    "mapped": lambda graph: graph.map().invoke([INPUT, {"log": []}]),
    "bound": lambda graph: graph.bind(stream_mode="updates").invoke(INPUT),
    "with types": lambda graph: graph.with_types(input_type=dict).invoke(INPUT),
    "with configuration": lambda graph: (graph.with_config(tags=["t"]) | read).invoke(INPUT),
    "with retries": lambda graph: graph.with_retry(stop_after_attempt=1).invoke({"log": 3}),
    "with fallbacks": lambda graph: graph.with_fallbacks([read]).invoke({"log": 3}),
    "as a fallback": lambda graph: RunnableLambda(lambda value: 1 // 0).with_fallbacks([graph]).invoke(INPUT),
    "as a tool": lambda graph: graph.as_tool(name="count", description="Counts.").invoke(INPUT),
    "with a limit": lambda graph: (double | graph).invoke(["x"], {"recursion_limit": 0}),
    "by its names": lambda graph: [graph.get_name(), graph.get_name("Input"), graph.get_name(name="x"), graph.name],
    "by its prompts": lambda graph: [graph.get_prompts(), graph.config_specs],
}


@pytest.mark.filterwarnings("ignore:This API is in beta")
@pytest.mark.parametrize("name", CALLS)
def test_a_graph_composes_as_one_of_langgraph_does(name: str) -> None:
    """``prompt | graph | parser`` and all the rest of a Runnable give the same on both."""
    ours, theirs = (shown(CALLS[name], runtime(library)) for library in ("rxgraph", "langgraph"))
    assert ours == theirs


def graph() -> Any:
    return StateGraph(Log).add_node("n", lambda state: {"log": ["n"]}).add_edge(START, "n").compile()


def test_a_graph_counts_as_a_runnable() -> None:
    one = graph()
    assert isinstance(one, Runnable)
    sequence = read | one
    assert isinstance(sequence, RunnableSequence)
    assert sequence.last is one
    assert as_runnable(one) is one
    bound = one.bind()
    assert isinstance(bound, RunnableBinding)
    assert bound.bound is one


LATE = """
from rxgraph.graph import START, StateGraph

graph = StateGraph(dict).add_node("double", lambda n: n * 2).add_edge(START, "double").compile()

from langchain_core.runnables import RunnableLambda
from rxgraph.langchain import as_runnable

print((graph | str).invoke(2), (RunnableLambda(len) | graph).invoke("abc"), as_runnable(graph) is graph)
"""


def test_langchain_core_may_be_imported_late() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], check=True, capture_output=True, encoding="utf-8")
    assert done.stdout.split() == ["4", "6", "True"]


def test_a_prompt_can_begin_a_chat() -> None:
    chat = StateGraph(MessagesState).add_node("answer", lambda state: {"messages": ("ai", "hello")})
    chain = ChatPromptTemplate.from_messages([("system", "be {mood}")]) | (lambda prompt: {"messages": prompt.messages})
    chain = chain | chat.add_edge(START, "answer").compile()
    assert [one.content for one in chain.invoke({"mood": "kind"})["messages"]] == ["be kind", "hello"]


def test_a_sequence_brings_its_configuration_to_the_nodes() -> None:
    def tell(state, config):
        return {"log": [config["tags"], config["metadata"]["m"], config["configurable"]["user"]]}

    graph = StateGraph(Log).add_node("tell", tell).add_edge(START, "tell").compile()
    options: Any = {"tags": ["t"], "metadata": {"m": 1}, "configurable": {"user": "ann"}}
    assert (double | graph).invoke([], options) == {"log": [["t"], 1, "ann"]}


def test_an_attribute_that_nobody_has_is_missing_as_ever() -> None:
    with pytest.raises(AttributeError, match="'CompiledStateGraph' object has no attribute 'strem'"):
        graph().strem  # noqa: B018


@pytest.mark.parametrize(("wrong", "hint"), [(StateGraph(Log), r"Call compile\(\) first"), (3, "got int")])
def test_only_a_compiled_graph_can_be_a_runnable(wrong: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        as_runnable(wrong)


WITHOUT = """
import sys
sys.modules["langchain_core"] = None  # what an import finds where a package is not installed
from rxgraph.graph import START, StateGraph
from rxgraph.langchain import as_runnable

graph = StateGraph(dict).add_node("n", lambda state: 1).add_edge(START, "n").compile()
for use in (lambda: as_runnable(graph), lambda: graph | str, lambda: str | graph, lambda: graph.with_retry()):
    try:
        use()
    except (AttributeError, ImportError) as error:
        print(type(error).__name__, error)
print(hasattr(graph, "bind"), graph.invoke(2), graph.get_name())
"""


def test_without_langchain_core_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], check=True, capture_output=True, encoding="utf-8")
    *refused, rest = done.stdout.splitlines()
    for line, wanted in zip(
        refused,
        (
            "ImportError as_runnable(graph)",
            "ImportError 'LangGraph' | ...",
            "ImportError ... | 'LangGraph'",
            "AttributeError CompiledStateGraph.with_retry",
        ),
        strict=True,
    ):
        assert line.startswith(f"{wanted} is made by langchain-core, which is not installed")
        assert "extra 'langchain'" in line
    assert rest == "False 1 LangGraph"
