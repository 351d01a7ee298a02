"""What a ``TracePolicy`` leaves of a node for LangChain's tracers, side by side with LangGraph."""

# Annotations are evaluated: states are read from them.

import importlib
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.base import BaseTracer

from rxgraph.types import TracePolicy
from tests._lanes import Lane


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Recorder(BaseTracer):
    """Keeps the tree of runs: ``(name, inputs, outputs, error, children)``."""

    def __init__(self) -> None:
        super().__init__()
        self.trees: list[Any] = []

    def _persist_run(self, run: Any) -> None:
        self.trees.append(tree(run))


def tree(run: Any) -> Any:
    return run.name, run.inputs, run.outputs, run.error and run.error[:12], [tree(one) for one in run.child_runs]


class Listener(BaseCallbackHandler):
    """Keeps what a plain handler is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> None:
        self.heard.append(inputs)

    def on_chain_end(self, outputs: Any, **more: Any) -> None:
        self.heard.append(outputs)


def say(state):
    return {"log": ["secret"]}


def fails(state):
    raise ValueError("secret")


def count(value: Any) -> Any:
    return {"keys": len(value)}


def text(value: Any) -> str:
    return "hidden"


def broken(value: Any) -> Any:
    raise ValueError("a policy that fails")


def traced(name: str, lane: Lane, node: Any, policy: dict[str, Any], *handlers: Any) -> Any:
    graph, types = importlib.import_module(f"{name}.graph"), importlib.import_module(f"{name}.types")
    builder = graph.StateGraph(Log).add_edge(graph.START, "n")
    builder.add_node(
        "n", node if isinstance(node, RunnableLambda) else lane.node(node), trace_policy=types.TracePolicy(**policy)
    )
    try:
        return lane.invoke(builder.compile(), {"log": ["i"]}, {"callbacks": list(handlers)})
    except ValueError:
        return "failed"


NAMES = ("rxgraph", "langgraph")


@pytest.mark.parametrize(
    "policy",
    [
        {"process_inputs": count},
        {"process_outputs": count},
        {"process_inputs": text, "process_outputs": text},
        {"process_inputs": broken, "process_outputs": broken},
        {},
    ],
    ids=["inputs", "outputs", "text", "broken", "empty"],
)
@pytest.mark.parametrize(
    "node", [say, fails, RunnableLambda(say, name="inside")], ids=["function", "failing", "runnable"]
)
def test_a_tracer_records_the_same(lane: Lane, node: Callable[..., Any], policy: dict[str, Any]) -> None:
    recorders = [Recorder() for _ in NAMES]
    results = [traced(name, lane, node, policy, one) for name, one in zip(NAMES, recorders, strict=True)]
    assert results[0] == results[1]
    assert recorders[0].trees == recorders[1].trees
    assert len(recorders[0].trees) == 1


def test_plain_handlers_beside_a_tracer_hear_everything(lane: Lane) -> None:
    policy = {"process_inputs": count, "process_outputs": count}
    found = []
    for name in NAMES:
        recorder, listener = Recorder(), Listener()
        traced(name, lane, say, policy, listener, recorder)
        found.append((recorder.trees, listener.heard))
    assert found[0] == found[1]
    assert found[0][1] == [{"log": ["i"]}, {"log": ["i"]}, {"log": ["secret"]}, {"log": ["i", "secret"]}]
    assert found[0][0][0][4] == [("n", {"keys": 1}, {"keys": 1}, None, [])]


def test_a_function_that_fails_is_in_the_log(lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    traced("rxgraph", lane, say, {"process_inputs": broken}, Recorder())
    assert [one.name for one in caplog.records] == ["rxgraph.pregel"]
    assert "a policy that fails" in caplog.text


def test_a_policy_is_part_of_the_node() -> None:
    policy = TracePolicy(process_inputs=count)
    graph = importlib.import_module("rxgraph.graph").StateGraph(Log).add_node("n", say, trace_policy=policy)
    assert graph.nodes["n"].trace_policy is policy
