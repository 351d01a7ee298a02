"""Bad input: a typed error that names the object, the rule and the fix, as early as it can be known."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.errors import (
    EmptyInputError,
    GraphRecursionError,
    InvalidUpdateError,
    NotYetAvailableError,
    UnreachableNodeError,
)
from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Command, Send
from rxgraph.warnings import UnknownStateKeyWarning, UnknownTargetWarning, UnreachableNodeWarning
from tests._lanes import Lane


class State(TypedDict):
    docs: str
    xs: Annotated[list[str], operator.add]


def nothing(state: State) -> None:
    """Do nothing."""


def base() -> StateGraph[Any, Any, Any, Any]:
    return StateGraph(State).add_node("plan", nothing).add_node("search", nothing).add_edge(START, "plan")


def single(node: Any) -> Any:
    return StateGraph(State).add_node("node", node).add_edge(START, "node").compile()


BUILD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "unknown edge target": (
        lambda: base().add_edge("plan", "serch").compile(),
        ValueError,
        "Edge 'plan' -> 'serch' ends at an unknown node. Did you mean 'search'?",
    ),
    "unknown edge source": (
        lambda: base().add_edge("pan", "search").compile(),
        ValueError,
        "Edge from 'pan' starts at an unknown node. Did you mean 'plan'?",
    ),
    "unknown branch target": (
        lambda: base().add_conditional_edges("plan", nothing, {"go": "serch"}).compile(),
        ValueError,
        "Branch 'nothing' of node 'plan' ends at an unknown node 'serch'. Did you mean 'search'?",
    ),
    "unknown destination": (
        lambda: base().add_node("x", nothing, destinations=("serch",)).compile(),
        ValueError,
        "Node 'x' declares unknown destination 'serch'. Did you mean 'search'?",
    ),
    "unknown join source": (lambda: base().add_edge(["plan", "pan"], "search"), ValueError, "Need to add_node 'pan'"),
    "unknown join target": (lambda: base().add_edge(["plan"], "serch"), ValueError, "Need to add_node 'serch'"),
    "no entry": (lambda: StateGraph(State).add_node("a", nothing).compile(), ValueError, "must have an entrypoint"),
    "end as start": (lambda: base().add_edge(END, "plan"), ValueError, "END cannot be a start node"),
    "start as end": (lambda: base().add_edge("plan", START), ValueError, "START cannot be an end node"),
    "duplicate node": (lambda: base().add_node("plan", nothing), ValueError, "Node 'plan' already present"),
    "reserved node": (lambda: base().add_node(END, nothing), ValueError, "Node '__end__' is reserved"),
    "reserved word": (lambda: base().add_node("__input__", nothing), ValueError, "'__input__' is reserved"),
    "reserved character": (lambda: base().add_node("a:b", nothing), ValueError, "reserved character"),
    "no action": (lambda: base().add_node("x"), RuntimeError, "Node 'x' has no action"),
    "not callable": (lambda: base().add_node("x", 3), TypeError, "Expected a Runnable, callable or dict.*got int"),
    "not compiled": (lambda: base().add_node("x", base()), TypeError, "got StateGraph"),
    "duplicate branch": (
        lambda: base().add_conditional_edges("plan", nothing).add_conditional_edges("plan", nothing),
        ValueError,
        "Branch 'nothing' already exists for node 'plan'",
    ),
    "empty sequence": (lambda: base().add_sequence([]), ValueError, "at least one node"),
    "repeated sequence": (lambda: base().add_sequence([nothing, nothing]), ValueError, "must be unique"),
    "unknown keyword": (lambda: base().add_node("x", nothing, retries=1), TypeError, "'retries'"),
    "then": (lambda: base().add_conditional_edges("plan", nothing, then="x"), TypeError, "then"),
    "unknown breakpoint": (lambda: base().validate(["serch"]), ValueError, "Interrupt node 'serch' not found"),
    "no transformer": (
        lambda: base().add_edge("plan", "search").compile(transformers=[object()]),
        TypeError,
        "transformers= takes classes, functions of a scope and dicts of operator chains, got",
    ),
    "no cache": (
        lambda: base().add_edge("plan", "search").compile(cache=object()),
        TypeError,
        r"compile\(cache=...\) got .* which has no get\(\)",
    ),
}


@pytest.mark.parametrize("case", BUILD)
def test_a_bad_graph_is_refused_when_it_is_built(case: str) -> None:
    build, error, message = BUILD[case]
    with pytest.raises(error, match=message):
        build()


def test_a_node_that_nothing_leads_to_is_warned_about_and_strictly_an_error() -> None:
    with pytest.warns(UnreachableNodeWarning, match="Node 'search' is unreachable"):
        base().compile()
    with pytest.raises(UnreachableNodeError, match="Node 'search' is unreachable: .*destinations="):
        base().validate(strict=True)


@pytest.mark.parametrize("declares", [True, False])
def test_a_node_that_a_command_leads_to_is_not_called_unreachable(declares: bool) -> None:
    def jump(state: State) -> Any:
        return Command(goto="target")

    graph = StateGraph(State).add_node("target", nothing)
    graph.add_node("jump", jump, destinations=("target",) if declares else None).add_edge(START, "jump")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph.compile()
    if declares:
        graph.validate(strict=True)


@pytest.mark.parametrize("value", [3, "text", [], [1], ("a", "b"), [Send("node", 1)], {1, 2}])
def test_a_node_that_returns_no_update_is_named(lane: Lane, value: Any) -> None:
    with pytest.raises(InvalidUpdateError, match=r"Node 'node' returned.*Expected dict.*INVALID_GRAPH_NODE_RETURN"):
        lane.invoke(single(lane.node(lambda state: value)), {"docs": "x"})


def test_two_writes_to_one_plain_key_name_the_channel_and_the_nodes(lane: Lane) -> None:
    graph = StateGraph(State)
    for name in ("search", "rank"):
        graph.add_node(name, lane.node(lambda state: {"docs": "x"})).add_edge(START, name)
    with pytest.raises(InvalidUpdateError) as caught:
        lane.invoke(graph.compile(), {"docs": ""})
    for part in ("'docs'", "LastValue", "Annotated", "'rank', 'search'", "INVALID_CONCURRENT_GRAPH_UPDATE"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"stream_mode": "valeus"}, ValueError, "unknown mode 'valeus'. Did you mean 'values'?"),
        ({"stream_mode": ["values", "bogus"]}, ValueError, "unknown mode 'bogus'"),
        ({"print_mode": "bogus"}, ValueError, "print_mode got an unknown mode"),
        ({"output_keys": "doc"}, ValueError, "'doc', which is no channel.*Did you mean 'docs'?"),
        ({"version": "v9"}, ValueError, "'v9'; expected 'v1' or 'v2'"),
        ({"stream_modes": "values"}, TypeError, "no option 'stream_modes'. Did you mean 'stream_mode'?"),
        ({"durability": "often"}, ValueError, "durability got 'often'; expected 'sync', 'async' or 'exit'"),
        ({"stream_mode": "messages"}, NotYetAvailableError, "messages"),
    ],
)
def test_options_are_checked_at_the_call(options: Any, error: type[Exception], message: str) -> None:
    graph = single(lambda state: pytest.fail("ran"))
    for door in (graph.stream, graph.astream, graph.observe, graph.invoke):
        with pytest.raises(error, match=message):
            door({"docs": "x"}, **options)


@pytest.mark.parametrize("limit", [0, -1, "many"])
def test_a_recursion_limit_is_checked_at_the_call(limit: Any) -> None:
    with pytest.raises(ValueError, match="recursion_limit must be at least 1"):
        single(nothing).stream({"docs": "x"}, {"recursion_limit": limit})


def test_no_input_is_an_error_and_an_empty_one_is_not(lane: Lane) -> None:
    graph = single(lane.node(lambda state: {"xs": ["ran"]}))
    with pytest.raises(EmptyInputError, match="received no input"):
        lane.invoke(graph, None)
    assert lane.invoke(graph, {}) == {"xs": ["ran"]}


def test_an_input_that_is_no_dict_is_refused(lane: Lane) -> None:
    with pytest.raises(InvalidUpdateError, match="Expected dict, got 'text'"):
        lane.invoke(single(lane.node(nothing)), "text")


@pytest.mark.parametrize(
    ("command", "error", "message"),
    [
        (Command(graph=Command.PARENT, update={"docs": "d"}), InvalidUpdateError, "no parent graph"),
        (Command(resume=1), RuntimeError, "without checkpointer"),
        (Command(), EmptyInputError, "no input"),
    ],
)
def test_a_command_that_can_begin_no_run_is_refused(
    lane: Lane, command: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        lane.invoke(single(lane.node(nothing)), command)


def test_unknown_keys_are_said_aloud_and_dropped(lane: Lane) -> None:
    graph = single(lane.node(lambda state: {"dosc": "x", "xs": ["y"]}))
    with pytest.warns(UnknownStateKeyWarning, match="Node 'node'.*'dosc'.*Did you mean 'docs'?"):
        assert lane.invoke(graph, {"docs": "d"}) == {"docs": "d", "xs": ["y"]}
    with pytest.warns(UnknownStateKeyWarning, match="The input .*'doc'"):
        lane.invoke(single(lane.node(nothing)), {"doc": "d"})


@pytest.mark.parametrize(
    "node",
    [
        lambda state: Command(goto="serch"),
        lambda state: Send("serch", {}),
        lambda state: Command(goto=[Send("serch", 1)]),
    ],
)
def test_unknown_targets_are_said_aloud_and_dropped(lane: Lane, node: Any) -> None:
    graph = base().add_node("jump", lane.node(node)).add_edge("plan", "jump").add_edge("plan", "search").compile()
    with pytest.warns(UnknownTargetWarning, match="'serch'.*Did you mean 'search'?"):
        lane.invoke(graph, {"docs": "d"})


def test_a_branch_that_answers_past_its_map_is_named(lane: Lane) -> None:
    graph = base().add_conditional_edges("plan", lambda state: "serch", {"search": "search"}).compile()
    with pytest.raises(KeyError, match="answered 'serch', which its path map does not have. Did you mean 'search'?"):
        lane.invoke(graph, {"docs": "d"})


@pytest.mark.parametrize("answer", [None, START, ["search", None]])
def test_a_branch_that_answers_nowhere_is_named(lane: Lane, answer: Any) -> None:
    graph = base().add_conditional_edges("plan", lambda state: answer).compile()
    with pytest.raises(ValueError, match="did not return a valid destination"):
        lane.invoke(graph, {"docs": "d"})


def test_a_send_to_the_end_is_refused(lane: Lane) -> None:
    graph = base().add_conditional_edges("plan", lambda state: Send(END, {})).compile()
    with pytest.raises(InvalidUpdateError, match="Cannot send a packet to the END node"):
        lane.invoke(graph, {"docs": "d"})


def test_an_endless_loop_names_where_it_would_go_on(lane: Lane) -> None:
    graph = base().add_edge("plan", "search").add_edge("search", "plan").compile()
    with pytest.raises(GraphRecursionError, match="recursion_limit=5.*'search'|recursion_limit=5.*'plan'"):
        lane.invoke(graph, {"docs": "d"}, {"recursion_limit": 5})


class StandIn:
    """Like ``flask.request``: outside of a request it answers nothing."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("working outside of request context")


request: Any = StandIn()


def test_a_node_may_use_a_global_that_cannot_be_looked_into() -> None:
    def node(state: State) -> Any:
        return {"docs": request.args} if state["docs"] == "ask" else {"docs": "no request"}

    assert single(node).invoke({"docs": ""})["docs"] == "no request"
