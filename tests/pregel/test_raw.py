"""Graphs that are put together by hand; the rules themselves are compared in tests/parity/test_raw_pregel.py."""

from __future__ import annotations

import asyncio

import pytest

from rxgraph.channels import EphemeralValue, LastValue, Topic
from rxgraph.errors import EmptyInputError
from rxgraph.pregel import NodeBuilder, Pregel
from rxgraph.types import RetryPolicy


def channels(**more):
    return {"i": EphemeralValue(int), "o": LastValue(int), **more}


def made(nodes, **options):
    given = {"channels": channels(), "input_channels": "i", "output_channels": "o", **options}
    return Pregel(nodes=nodes, **given)


def plus_one(value):
    return value + 1


def test_steps_of_both_colours_follow_each_other() -> None:
    async def double(value):
        return value * 2

    node = NodeBuilder().subscribe_only("i").do(plus_one).do(double).do(plus_one).write_to("o")
    graph = made({"n": node})
    assert graph.needs_async

    assert asyncio.run(graph.ainvoke(3)) == 9


def test_a_graph_is_a_step(lane) -> None:
    inner = made({"one": NodeBuilder().subscribe_only("i").do(lane.node(plus_one)).write_to("o")})
    outer = made({"n": NodeBuilder().subscribe_only("i").do(inner).write_to("o")})
    assert lane.invoke(outer, 3) == 4
    assert list(outer.get_subgraphs()) == [("n", inner)]
    around = made({"m": NodeBuilder().subscribe_only("i").do(outer).write_to("o")})
    assert list(around.get_subgraphs(recurse=True)) == [("m", outer), ("m|n", inner)]
    assert list(around.get_subgraphs(namespace="m|n", recurse=True)) == [("m|n", inner)]


def test_a_node_that_was_built_does_not_change_any_more(lane) -> None:
    builder = NodeBuilder().subscribe_only("i").do(lane.node(plus_one)).write_to("o")
    built = builder.build()
    builder.do(lane.node(plus_one))
    assert lane.invoke(made({"n": built}), 1) == 2
    assert lane.invoke(made({"n": builder}), 1) == 3


def test_a_graph_has_policies_for_nodes_without_their_own(lane) -> None:
    left = [ConnectionError()]

    def fail(value):
        if left:
            raise left.pop()
        return value

    node = NodeBuilder().subscribe_only("i").do(lane.node(fail)).write_to("o")
    policy = RetryPolicy(initial_interval=0.001, jitter=False)
    assert lane.invoke(made({"n": node}, retry_policy=policy), 5) == 5
    assert left == []


def test_another_node_takes_over_from_one_that_has_failed(lane) -> None:
    def fail(value):
        raise ConnectionError

    def mend(value):
        return value * 100

    nodes = {
        "n": NodeBuilder().subscribe_only("i").do(lane.node(fail)).write_to("o"),
        "handler": NodeBuilder().do(lane.node(mend)).write_to("o"),
    }
    assert lane.invoke(made(nodes, node_error_handler_map={"n": "handler"}), 5) == 500


def test_an_input_without_a_known_key_is_no_input(lane) -> None:
    graph = made({"n": NodeBuilder().subscribe_only("i").write_to("o")}, input_channels=["i"])
    with pytest.raises(EmptyInputError, match=r"Received no input for \['i'\], got a dict with the keys \['j'\]"):
        lane.invoke(graph, {"j": 1})


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: made({"n": plus_one}), TypeError, "Node 'n' of graph 'LangGraph' must be a NodeBuilder"),
        (lambda: NodeBuilder().do(3), TypeError, "Expected a Runnable, callable or dict as a node, got int"),
        (lambda: made({"n": NodeBuilder().subscribe_only("i").write_to(7)}), TypeError, "Node 'n' writes to 7"),
        (
            lambda: made({"n": NodeBuilder().subscribe_only("ii").write_to("o")}),
            ValueError,
            "Node 'n' reads channel 'ii', which is not among the channels .* Did you mean 'i'",
        ),
        (
            lambda: made({"n": NodeBuilder().subscribe_only("i")}, input_channels="o"),
            ValueError,
            r"Input channel 'o' of graph 'LangGraph' is not subscribed to .* expected one of \['i'\]",
        ),
        (
            lambda: made({"n": NodeBuilder().subscribe_only("i")}, interrupt_after_nodes=["m"]),
            ValueError,
            "Breakpoint 'm' is no node",
        ),
        (
            lambda: made({"n": NodeBuilder().subscribe_only("i")}, node_error_handler_map={"n": "m"}),
            ValueError,
            "node_error_handler_map names 'm', no node",
        ),
        (
            lambda: made({"n": NodeBuilder().subscribe_only("i").do(plus_one).set_timeout(1)}),
            ValueError,
            "Node 'n' is sync and has a timeout",
        ),
        (lambda: made({}, unknown=1), TypeError, "unexpected argument 'unknown'"),
    ],
)
def test_what_does_not_fit_together_is_said(build, error, message) -> None:
    with pytest.raises(error, match=message):
        build()


def test_checks_may_be_put_off() -> None:
    graph = made({"n": NodeBuilder().subscribe_only("nowhere").write_to("o")}, auto_validate=False)
    with pytest.raises(ValueError, match="reads channel 'nowhere'"):
        graph.validate()


def test_channels_of_packets_may_be_declared() -> None:
    graph = made(
        {"n": NodeBuilder().subscribe_only("i").write_to("o")}, channels=channels(__pregel_tasks=Topic(object))
    )
    assert graph.validate() is graph


def test_a_builder_shows_what_it_has() -> None:
    node = NodeBuilder().subscribe_to("i", "j").do(plus_one).write_to("o", p=1)
    assert repr(node) == "<NodeBuilder ['i', 'j'] -> ['o', 'p'] | 1 steps>"
