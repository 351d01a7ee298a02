"""Sessions of graphs that are put together of channels and nodes by hand, and what graphs tell about themselves.

The name of a program is the claim. Annotations are evaluated (no postponed ones): many rules read them.
"""

import operator
from pathlib import Path
from typing import Annotated

import pydantic
import pytest
from typing_extensions import TypedDict

from tests.parity._sessions import Boom, Case, Cases, Data, Full, Log, Model, chain, line, say
from tests.parity._threads import PLAYED, compare
from tests.parity._twin import colour

CASES = Cases()
program = CASES.program


class Raw:
    """A graph made by hand that is compiled as others are; keywords are those of ``Pregel``."""

    def __init__(self, lg, **options):
        self._lg, self._options = lg, options

    def compile(self, **options):
        return self._lg.Pregel(**{**self._options, **options})


def does(lg, fn):
    """A function in the colour of the lane."""
    return fn if lg.lane == "sync" else colour(fn)


def plus_one(value):
    return value + 1


def double(value):
    return value * 2


def one_node(lg, **options):
    """A graph that adds one."""
    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, plus_one)).write_to("o")
    channels = {"i": lg.channels.EphemeralValue(int), "o": lg.channels.LastValue(int)}
    given = {"nodes": {"one": node}, "channels": channels, "input_channels": "i", "output_channels": "o"}
    return Raw(lg, **{**given, **options})


# --- graphs made by hand


@program()
def a_node_reads_a_channel_and_writes_another(lg):
    thread = lg.thread(one_node(lg))
    thread.send(1)
    thread.send(5)
    thread.send(None)


@program()
def without_a_saver(lg):
    lg.thread(one_node(lg), checkpointer=None).send(1)


@program()
def inputs_and_outputs_are_lists_of_channels(lg):
    thread = lg.thread(one_node(lg, input_channels=["i"], output_channels=["o"]))
    thread.send({"i": 1})
    thread.send({"i": 2, "unknown": 3})
    thread.send({"unknown": 3})


@program()
def nodes_follow_each_other(lg):
    channels = {name: lg.channels.EphemeralValue(int) for name in ("i", "between")} | {"o": lg.channels.LastValue(int)}
    nodes = {
        "one": lg.NodeBuilder().subscribe_only("i").do(does(lg, plus_one)).write_to("between"),
        "two": lg.NodeBuilder().subscribe_only("between").do(does(lg, double)).write_to("o"),
    }
    options = {"nodes": nodes, "channels": channels, "input_channels": "i", "output_channels": ["between", "o"]}
    lg.thread(Raw(lg, **options)).send(3)


@program()
def a_node_subscribes_to_several_channels(lg):
    def both(values):
        return sorted(values.items())

    channels = {name: lg.channels.LastValue(int) for name in ("i", "j", "k")} | {"o": lg.channels.LastValue(list)}
    node = lg.NodeBuilder().subscribe_to("i", "j").read_from("k").do(does(lg, both)).write_to("o")
    options = {"nodes": {"n": node}, "channels": channels, "input_channels": ["i", "j", "k"], "output_channels": "o"}
    thread = lg.thread(Raw(lg, **options))
    thread.send({"i": 1, "k": 9})
    thread.send({"j": 2})
    thread.send({"k": 3})


@program()
def a_node_is_triggered_by_a_channel_it_does_not_read(lg):
    def seen(values):
        return sorted(values.items())

    channels = {name: lg.channels.LastValue(int) for name in ("i", "j")} | {"o": lg.channels.LastValue(list)}
    node = lg.NodeBuilder().subscribe_to("i", read=False).read_from("j").do(does(lg, seen)).write_to("o")
    options = {"nodes": {"n": node}, "channels": channels, "input_channels": ["i", "j"], "output_channels": "o"}
    thread = lg.thread(Raw(lg, **options))
    thread.send({"i": 1, "j": 2})
    thread.send({"j": 3})


@program()
def a_node_does_one_thing_after_another(lg):
    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, plus_one)).do(does(lg, double)).write_to("o")
    lg.thread(one_node(lg, nodes={"n": node})).send(3)


@program()
def a_node_without_a_function_passes_on(lg):
    node = lg.NodeBuilder().subscribe_only("i").write_to("o")
    lg.thread(one_node(lg, nodes={"n": node})).send(3)


@program()
def a_node_writes_values_and_what_functions_make(lg):
    channels = {"i": lg.channels.EphemeralValue(int)}
    channels |= {name: lg.channels.LastValue(object) for name in ("o", "fixed", "mapped", "none")}
    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, plus_one))
    node = node.write_to("o", fixed=7, mapped=lambda value: value * 10, none=lambda value: None)
    outputs = ["o", "fixed", "mapped", "none"]
    thread = lg.thread(one_node(lg, nodes={"n": node}, channels=channels, output_channels=outputs))
    thread.send(3)


@program()
def a_topic_collects_what_nodes_write(lg):
    channels = {"i": lg.channels.EphemeralValue(int), "o": lg.channels.Topic(int, accumulate=True)}
    nodes = {
        name: lg.NodeBuilder().subscribe_only("i").do(does(lg, fn)).write_to("o")
        for name, fn in (("a", plus_one), ("b", double))
    }
    thread = lg.thread(one_node(lg, nodes=nodes, channels=channels))
    thread.send(3)
    thread.send(10)


@program()
def a_reducer_adds_up_what_nodes_write(lg):
    channels = {"i": lg.channels.EphemeralValue(int), "o": lg.channels.BinaryOperatorAggregate(int, operator.add)}
    nodes = {name: lg.NodeBuilder().subscribe_only("i").write_to("o") for name in ("a", "b")}
    thread = lg.thread(one_node(lg, nodes=nodes, channels=channels))
    thread.send(3)
    thread.send(10)


@program()
def a_cycle_runs_until_nothing_is_written(lg):
    def grow(value):
        return value + value if len(value) < 10 else None

    channels = {"value": lg.channels.EphemeralValue(str)}
    node = lg.NodeBuilder().subscribe_only("value").do(does(lg, grow)).write_to("value")
    options = {"nodes": {"n": node}, "channels": channels, "input_channels": "value", "output_channels": "value"}
    thread = lg.thread(Raw(lg, **options))
    thread.send("a")
    thread.send("a", {"recursion_limit": 2})


@program()
def a_node_made_by_hand_asks(lg):
    def ask(value):
        return lg.interrupt(f"{value}?")

    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, ask)).write_to("o")
    thread = lg.thread(one_node(lg, nodes={"n": node}))
    thread.send(3)
    thread.resume("yes")


@program()
def a_node_made_by_hand_fails_and_is_retried(lg):
    left = [Boom("once"), Boom("twice")]

    def fail(value):
        if left:
            raise left.pop()
        return value

    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, fail)).write_to("o")
    thread = lg.thread(one_node(lg, nodes={"n": node}))
    thread.send(3)
    policy = lg.RetryPolicy(initial_interval=0.001, jitter=False, retry_on=Boom)
    thread.use(one_node(lg, nodes={"n": node.add_retry_policies(policy)}))
    thread.send(None)


@program()
def nodes_have_tags_and_metadata(lg):
    node = lg.NodeBuilder().subscribe_only("i").do(does(lg, plus_one)).write_to("o").meta("tag", key="value")
    lg.thread(one_node(lg, nodes={"n": node})).send(3)


@program()
def breakpoints_of_graphs_made_by_hand(lg):
    thread = lg.thread(one_node(lg, interrupt_before_nodes=["one"]))
    thread.send(3)
    thread.send(None)


@program()
def a_graph_made_by_hand_is_updated(lg):
    thread = lg.thread(one_node(lg))
    thread.send(3)
    thread.update(10, as_node="one")
    thread.update(10)
    thread.send(5)


@program()
def a_graph_made_by_hand_is_a_node(lg):
    def add(values):
        return [*values["log"], "by hand"]

    channels = {"log": lg.channels.LastValue(list)}
    node = lg.NodeBuilder().subscribe_to("log").do(does(lg, add)).write_to("log2")
    channels["log2"] = lg.channels.LastValue(list)
    options = {"nodes": {"n": node}, "channels": channels, "input_channels": ["log"], "output_channels": ["log2"]}
    child = Raw(lg, **options).compile()

    class State(Log):
        log2: list

    lg.nested(chain(lg, State, say("a"), ("child", child))).send({"log": ["i"]})


@program()
def what_may_not_be_put_together(lg):
    def outcome(**options):
        try:
            one_node(lg, **options).compile()
        except Exception as error:
            return type(error).__name__
        return "taken"

    def node(channel):
        return lg.NodeBuilder().subscribe_only(channel).write_to("o")

    thread = lg.thread(one_node(lg))
    thread.note(
        [
            outcome(nodes={"n": node("nowhere")}),
            outcome(input_channels="nowhere"),
            outcome(input_channels="o"),
            outcome(output_channels="nowhere"),
            outcome(stream_channels="nowhere"),
            outcome(interrupt_before_nodes=["nobody"]),
            outcome(nodes={"__start__": node("i")}),
            outcome(nodes={}),
        ]
    )
    for build in (
        lambda: lg.NodeBuilder().subscribe_only("i").subscribe_only("j"),
        lambda: lg.NodeBuilder().subscribe_only("i").subscribe_to("j"),
        lambda: lg.NodeBuilder().subscribe_to("i").subscribe_only("j"),
        lambda: lg.NodeBuilder().read_from("i"),
        lambda: lg.NodeBuilder().subscribe_only("i").read_from("j"),
        lambda: lg.NodeBuilder().write_to(7),
    ):
        try:
            build()
            thread.note("taken")
        except Exception as error:
            thread.note(type(error).__name__)


# --- what graphs tell about themselves


def facts(graph):
    """The plain attributes of a graph."""
    names = ("name", "stream_mode", "stream_eager", "input_channels", "output_channels", "stream_channels")
    more = ("interrupt_before_nodes", "interrupt_after_nodes", "step_timeout", "context_schema")
    lists = (sorted(graph.nodes), sorted(graph.channels), graph.stream_channels_list)
    return [[getattr(graph, name) for name in (*names, *more)], lists, sorted(graph.trigger_to_nodes.items())]


@program()
def the_attributes_of_a_graph(lg):
    thread = lg.thread(line(lg, Full, say("a"), say("b")), interrupt_before=["b"])
    thread.note(facts(thread.graph))
    thread.note(facts(one_node(lg).compile()))
    thread.note([thread.graph.get_name(), thread.graph.with_config(tags=["t"]).config, thread.graph.config])


@program()
def the_schemas_of_a_graph(lg):
    class In(TypedDict):
        v: str

    class Out(pydantic.BaseModel):
        n: int = 3

    class Context(TypedDict):
        who: str

    class Keys(TypedDict):
        log: Annotated[list, operator.add]
        v: str
        n: int

    graphs = [
        line(lg, Full, say("a")),
        line(lg, Keys, say("a")),
        line(lg, Data, say("a")),
        line(lg, Model, say("a")),
        line(lg, Keys, say("a"), input_schema=In, output_schema=Out, context_schema=Context),
        one_node(lg),
        one_node(lg, input_channels=["i"], output_channels=["o"]),
    ]

    def outcome(fn):
        try:
            return fn()
        except Exception as error:
            return type(error).__name__

    thread = lg.thread(graphs[0])
    for graph in graphs:
        compiled = graph.compile()
        thread.note(outcome(compiled.get_input_jsonschema))
        thread.note(outcome(compiled.get_output_jsonschema))
        thread.note(outcome(compiled.get_context_jsonschema))
        thread.note([outcome(lambda one=compiled: one.input_schema.__name__)])
        thread.note([outcome(lambda one=compiled: one.output_schema.__name__)])


@program()
def a_copy_of_a_graph(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    graph = thread.graph
    thread.graph = graph.with_config(recursion_limit=7, metadata={"m": 1}, configurable={"user": "me"})
    thread.send({"log": []})
    thread.graph = graph.copy({"name": "copied"})
    thread.send({"log": []})
    thread.note([graph.name, thread.graph.name, graph is thread.graph])


PENDING: dict[str, str] = {}
"""What a program waits for that the engine does not do yet."""


@pytest.mark.parametrize("way", PLAYED)
@pytest.mark.parametrize(("case", "lane"), CASES.params(PENDING))
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params(PENDING))
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
