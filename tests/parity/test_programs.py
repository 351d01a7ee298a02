"""Programs written by hand, each for one rule: the same source on LangGraph and on rxgraph, everything compared.

The name of a program is the claim. Annotations are evaluated (no postponed ones): many rules read them.
"""

import asyncio
import dataclasses
import functools
import operator
import threading
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired, Optional, Required, TypedDict

import pydantic
import pytest

from tests.parity._twin import ALL, LANES, WAYS, Program, compare


@dataclasses.dataclass(frozen=True)
class Case:
    """A program, the differences that it runs into, and the lanes that it is for."""

    program: Program
    differences: tuple[str, ...]
    lanes: tuple[str, ...]
    counts: bool


CASES: list[Case] = []


def program(*differences: str, lanes: tuple[str, ...] = LANES, counts: bool = False) -> Callable[[Program], Program]:
    """Register a program together with the deliberate differences that it runs into.

    Args:
        counts: Whether its nodes keep something between runs.
    """

    def register(fn: Program) -> Program:
        CASES.append(Case(fn, differences, lanes, counts))
        return fn

    return register


# --- what the programs are made of


class Boom(Exception):
    """A node's own failure."""


class Log(TypedDict):
    log: Annotated[list, operator.add]


class Full(TypedDict):
    log: Annotated[list, operator.add]
    v: str
    n: Annotated[int, operator.add]


def say(name, **more):
    """A node that logs its name, and updates further keys."""

    def node(state):
        return {"log": [name], **more}

    node.__name__ = name
    return node


def see(name, *keys):
    """A node that logs its name and what it sees."""

    def node(state):
        return {"log": [(name, {key: state[key] for key in keys or sorted(state) if key in state and key != "log"})]}

    node.__name__ = name
    return node


def fails(name, error=None):
    def node(state):
        raise error or Boom(name)

    node.__name__ = name
    return node


def line(lg, schema, *nodes, **options):
    """A graph of nodes one after the other."""
    graph = lg.StateGraph(schema, **options).add_sequence(nodes)
    first = nodes[0] if isinstance(nodes[0], tuple) else (nodes[0].__name__,)
    return graph.add_edge(lg.START, first[0])


def alone(lg, schema, node, input, name="n", config=None, **options):
    """Run a graph of one node."""
    graph = lg.StateGraph(schema).add_node(name, node).add_edge(lg.START, name)
    return lg.run(graph.compile(), input, config, **options)


# --- 1.1 from schema to channels


@program()
def keys_with_a_reducer_fold_and_plain_keys_keep_the_last(lg):
    return lg.run(line(lg, Full, say("a", v="x", n=2), say("b", n=3), say("c", v="z")).compile(), {"v": "i", "n": 1})


@program()
def a_reducer_counts_only_as_the_last_metadata(lg):
    class State(TypedDict):
        last: Annotated[list, operator.add, "doc"]
        fold: Annotated[list, "doc", operator.add]

    return lg.run(
        line(
            lg, State, ("a", lambda s: {"last": [1], "fold": [1]}), ("b", lambda s: {"last": [2], "fold": [2]})
        ).compile(),
        {},
    )


@program()
def reducers_are_found_inside_required_and_not_required(lg):
    class State(TypedDict):
        a: Annotated[NotRequired[list], operator.add]
        b: NotRequired[Annotated[list, operator.add]]
        c: Required[Annotated[Optional[list], operator.add]]  # noqa: UP045

    def node(state):
        return {"a": [1], "b": [2], "c": [3]}

    return [
        lg.run(line(lg, State, ("x", node), ("y", node)).compile(), {}),
        lg.run(line(lg, State, ("x", node), ("y", node)).compile(), {"a": [0], "b": [0], "c": [0]}),
    ]


@program()
def channels_may_stand_in_annotations_as_instances_or_classes(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        topic: Annotated[list, lg.channels.Topic(str)]
        kept: Annotated[list, lg.channels.Topic(str, accumulate=True)]
        any: Annotated[int, lg.channels.AnyValue]
        eph: Annotated[int, lg.channels.EphemeralValue]
        untracked: Annotated[int, lg.channels.UntrackedValue(int)]
        binop: Annotated[int, lg.channels.BinaryOperatorAggregate(int, operator.add)]

    first = say("a", topic=["t"], kept="k", any=1, eph=2, untracked=3, binop=4)
    return lg.run(
        line(lg, State, first, see("b"), see("c"), say("d", topic="u", kept=["l", "m"], binop=2)).compile(), {}
    )


@program()
def a_channel_that_is_not_written_in_a_step_may_fade(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        any: Annotated[int, lg.channels.AnyValue]
        eph: Annotated[int, lg.channels.EphemeralValue]

    return lg.run(
        line(lg, State, see("a"), see("b"), say("c", any=3), see("d"), see("e")).compile(), {"any": 1, "eph": 2}
    )


@program()
def the_same_key_in_two_schemas_is_one_channel(lg):
    class Inner(TypedDict):
        log: list
        extra: Annotated[list, operator.add]

    def reader(state: Inner):
        return {"log": [sorted(state)], "extra": ["r"]}

    return lg.run(line(lg, Log, say("a"), reader).compile(), {"log": ["i"]})


@program()
def schemas_that_disagree_on_a_key_are_refused(lg):
    def one(left, right):
        return left

    def two(left, right):
        return right

    class A(TypedDict):
        k: Annotated[list, one]

    class B(TypedDict):
        k: Annotated[list, two]

    class Plain(TypedDict):
        k: list

    class LambdaA(TypedDict):
        k: Annotated[list, lambda a, b: a]

    class LambdaB(TypedDict):
        k: Annotated[list, lambda a, b: b]

    class Bad(TypedDict):
        k: Annotated[list, lambda only: only]

    class Keywords(TypedDict):
        k: Annotated[list, lambda a, b, *, c=1: a]

    return [
        lg.call(lambda: lg.StateGraph(A, input_schema=B) and None),
        lg.call(lambda: lg.StateGraph(A, input_schema=Plain) and None),
        lg.call(lambda: lg.StateGraph(Plain, input_schema=A) and None),
        lg.call(lambda: lg.StateGraph(LambdaA, input_schema=LambdaB) and None),
        lg.call(lambda: lg.StateGraph(Bad) and None),
        lg.call(lambda: lg.StateGraph(Keywords) and None),
    ]


@program()
def managed_values_may_not_be_input_or_output(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]

    class Managed(TypedDict):
        last: lg.managed.IsLastStep

    return [
        lg.call(lambda: lg.StateGraph(State, input_schema=Managed) and None),
        lg.call(lambda: lg.StateGraph(State, output_schema=Managed) and None),
        lg.call(lambda: lg.StateGraph(Managed) and None),
    ]


@program()
def a_schema_that_is_no_class_warns_or_fails(lg):
    return [
        lg.call(lambda: lg.StateGraph({"a": int}) and None),
        lg.call(lambda: lg.StateGraph("text") and None),
        lg.call(lambda: lg.StateGraph(3) and None),
    ]


@program()
def annotations_are_inherited(lg):
    class Child(Log):
        more: Annotated[int, operator.add]

    return lg.run(line(lg, Child, say("a", more=1), see("b"), say("c", more=2)).compile(), {"more": 5})


@program()
def a_root_state_is_one_value(lg):
    def more(state):
        return [*state[-1:], "x"]

    return [
        lg.run(line(lg, Annotated[list, operator.add], ("a", more), ("b", more)).compile(), ["i"]),
        lg.run(line(lg, int, ("a", lambda s: s + 1), ("b", lambda s: s * 10)).compile(), 3),
        lg.run(line(lg, str, ("a", lambda s: None), ("b", lambda s: s + "!")).compile(), "s"),
        lg.run(line(lg, int, ("a", lambda s: s + 1)).compile(), None),
    ]


# --- 1.2 defaults and emptiness


@program()
def reducer_keys_start_with_the_zero_of_their_type(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        i: Annotated[int, operator.add]
        s: Annotated[str, operator.add]
        d: Annotated[dict, operator.or_]
        q: Annotated[Sequence[int], operator.add]
        z: Annotated[set, operator.or_]
        none: Annotated[int | None, lambda a, b: b]
        plain: int

    return [
        lg.run(line(lg, State, see("a"), say("b", i=1, s="x", d={1: 2}, q=[1], z={1}), see("c")).compile(), {}),
        lg.run(line(lg, State, see("a"), say("b", none=4), see("c")).compile(), {"none": 1, "plain": 2}),
    ]


@program("events_before_an_error_are_delivered")
def dataclass_states_reach_nodes_as_instances(lg):
    @dataclasses.dataclass
    class State:
        name: str
        log: Annotated[list, operator.add] = dataclasses.field(default_factory=lambda: ["default"])
        plain: int = 7

    def node(state):
        return {"log": [(type(state).__name__, state.name, state.plain, list(state.log))]}

    def whole(state):
        return State(name=state.name + "!", log=["w"], plain=8)

    return [
        lg.run(line(lg, State, ("a", node), ("b", whole), ("c", node)).compile(), {"name": "n"}),
        lg.run(line(lg, State, ("a", node)).compile(), State(name="inst")),
        lg.run(line(lg, State, ("a", node)).compile(), {"plain": 1}),
        lg.run(line(lg, State, ("a", lambda s: {"name": "late"}), ("b", node)).compile(), {"log": []}),
    ]


@program()
def a_dataclass_update_writes_every_attribute(lg):
    @dataclasses.dataclass
    class Update:
        log: list
        v: str | None = None
        extra: int = 1

    def node(state):
        return Update(log=["u"])

    return lg.run(line(lg, Full, ("a", node), see("b")).compile(), {"v": "kept?"})


@program("events_before_an_error_are_delivered")
def pydantic_states_are_validated_when_a_node_reads_them(lg):
    class State(pydantic.BaseModel):
        a: int
        b: str = "b"
        log: Annotated[list, operator.add] = ["default"]

    def node(state):
        return {"log": [(type(state).__name__, state.a, state.b, state.log)]}

    graph = line(lg, State, ("a", node), ("b", lambda s: {"a": "5"}), ("c", node)).compile()
    broken = line(lg, State, ("a", lambda s: {"a": "no int"}), ("b", node)).compile()
    return [
        lg.run(graph, {"a": 1}),
        lg.run(graph, {"a": "2"}),
        lg.run(graph, State(a=3)),
        lg.run(graph, {"a": "no int"}),
        lg.run(graph, {"b": "x"}),
        lg.run(broken, {"a": 1}),
    ]


@program()
def pydantic_updates_write_what_was_set(lg):
    class Update(pydantic.BaseModel):
        a: int = 3
        b: str | None = None
        log: list | None = None

    class State(TypedDict):
        a: int
        b: str | None
        log: Annotated[list, operator.add]

    return [
        alone(lg, State, lambda s: Update(), {"a": 1, "b": "b"}),
        alone(lg, State, lambda s: Update(b=None), {"a": 1, "b": "b"}),
        alone(lg, State, lambda s: Update(b="x", log=["l"]), {"a": 1, "b": "b"}),
    ]


@program()
def pydantic_extra_keys_are_dropped_before_validation(lg):
    class State(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        a: int = 0

    return alone(lg, State, lambda s: {"a": s.a + 1}, {"a": 1})


@program()
def a_typed_dict_update_may_write_none(lg):
    return lg.run(line(lg, Full, say("a", v=None), see("b")).compile(), {"v": "x"})


# --- 1.3 input, output, private


@program()
def input_and_output_schemas_filter_and_streams_show_everything(lg):
    class State(TypedDict):
        q: str
        r: str
        hidden: int
        p: str

    class Input(TypedDict):
        q: str
        hidden: int

    class Output(TypedDict):
        r: str

    class Private(TypedDict):
        p: str
        secret: str

    def write(state: Input):
        return {"p": "private", "secret": f"s{sorted(state)}"}

    def read(state: Private):
        return {"r": f"{state['p']}{state['secret']}{sorted(state)}"}

    graph = line(lg, State, write, read, input_schema=Input, output_schema=Output).compile()
    return [lg.run(graph, {"q": "hi", "hidden": 1}), lg.run(graph, {"q": "hi"}, output_keys=["p", "q"])]


@program("unknown_state_key_warns")
def unknown_input_keys_are_dropped(lg):
    graph = line(lg, Full, see("a")).compile()
    return [lg.run(graph, {"nope": 1}), lg.run(graph, {"nope": 1, "v": "x"})]


@program("unknown_state_key_warns")
def input_keys_outside_the_input_schema_are_dropped(lg):
    class Input(TypedDict):
        v: str

    return lg.run(line(lg, Full, see("a"), input_schema=Input).compile(), {"v": "x", "n": 3})


@program("unknown_state_key_warns")
def unknown_update_keys_are_dropped(lg):
    return lg.run(line(lg, Full, say("a", nope=1), ("b", lambda s: {"nope": 2}), see("c")).compile(), {})


@program()
def empty_none_and_wrong_inputs(lg):
    graph = line(lg, Full, see("a")).compile()
    return [lg.run(graph, None), lg.run(graph, {}), lg.run(graph, 5), lg.run(graph, ["v"]), lg.run(graph, "v")]


@program()
def an_input_may_contain_an_overwrite(lg):
    return lg.run(line(lg, Full, say("a", n=1)).compile(), {"log": lg.Overwrite(["o"]), "n": 3})


@program()
def an_input_may_be_an_instance_of_any_annotated_class(lg):
    @dataclasses.dataclass
    class Any_:
        v: str = "from the instance"
        log: list = dataclasses.field(default_factory=list)

    return lg.run(line(lg, Full, see("a")).compile(), Any_())


@program("unreachable_node_warns")
def an_input_may_be_a_command(lg):
    graph = line(lg, Full, say("a"), say("b"))
    graph.add_node(say("x"))
    compiled = graph.compile()
    return [
        lg.run(compiled, lg.Command(goto="x")),
        lg.run(compiled, lg.Command(goto=lg.Send("x", {"v": "arg"}))),
        lg.run(compiled, lg.Command(goto=["x", "b"])),
        lg.run(compiled, lg.Command(goto=lg.END)),
        lg.run(compiled, lg.Command(graph=lg.Command.PARENT, update={"log": [1]})),
        lg.run(compiled, lg.Command(resume=1)),
    ]


@program()
def invoke_returns_none_if_no_output_key_was_written(lg):
    class Output(TypedDict):
        v: str

    return lg.run(line(lg, Full, say("a"), output_schema=Output).compile(), {"n": 1})


# --- 1.4 managed values


@program()
def managed_values_count_the_steps_that_are_left(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        last: lg.managed.IsLastStep
        left: lg.managed.RemainingSteps

    graph = line(lg, State, see("a"), see("b"), see("c"), see("d"))
    graph.add_conditional_edges("d", lambda s: "e" if s["left"] > 0 else lg.END).add_node(see("e"))
    compiled = graph.compile()
    return [lg.run(compiled, {}, {"recursion_limit": limit}) for limit in (3, 4, 5, 6, 25)]


@program("unknown_state_key_warns")
def writes_to_managed_values_are_ignored(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        last: lg.managed.IsLastStep

    return [
        lg.run(line(lg, State, say("a", last=True), see("b")).compile(), {}),
        lg.run(line(lg, State, see("a")).compile(), {"last": True}),
    ]


# --- 1.5 what may a node return


@program()
def none_and_an_empty_dict_write_nothing(lg):
    return lg.run(line(lg, Full, ("a", lambda s: None), ("b", lambda s: {}), say("c")).compile(), {"v": "x"})


@program()
def a_list_with_commands_is_applied_in_order(lg):
    def node(state):
        return [{"log": [1]}, lg.Command(update={"log": [2], "v": "x"}, goto="b"), None, {"n": 3}]

    def pair(state):
        return (lg.Command(update={"n": 1}), lg.Command(update=[("n", 1), ("log", [3])]))

    graph = lg.StateGraph(Full).add_node("a", node).add_node("b", pair).add_edge(lg.START, "a")
    return lg.run(graph.compile(), {})


@program("events_before_an_error_are_delivered")
def a_plain_key_written_twice_in_a_step_conflicts(lg):
    def twice(state):
        return [lg.Command(update={"v": "x"}), lg.Command(update={"v": "y"})]

    parallel = lg.StateGraph(Full).add_node(say("a", v="1")).add_node(say("b", v="2"))
    parallel.add_edge(lg.START, "a").add_edge(lg.START, "b")
    return [alone(lg, Full, twice, {}), lg.run(parallel.compile(), {})]


@program()
def a_bare_send_is_scheduled_and_a_list_of_sends_is_refused(lg):
    graph = lg.StateGraph(Full).add_node("a", lambda s: lg.Send("w", {"v": "arg"})).add_node(see("w"))
    listed = lg.StateGraph(Full).add_node("a", lambda s: [lg.Send("w", {"v": "arg"})]).add_node(see("w"))
    graph.add_edge(lg.START, "a")
    listed.add_edge(lg.START, "a")
    return [lg.run(graph.compile(), {}), lg.run(listed.compile(), {})]


@program()
def other_returns_are_invalid_updates(lg):
    values = ([], [{"log": [1]}], 5, "text", ("log", [1]), [("log", [1])], {1}, object, 0, False, "")
    return [alone(lg, Full, lambda s, value=value: value, {}) for value in values]


@program()
def a_node_that_fails_after_another_shows_what_came_before(lg):
    return lg.run(line(lg, Full, say("a"), fails("b"), say("c")).compile(), {})


@program()
def builtin_errors_of_nodes_keep_their_class(lg):
    errors = (
        ValueError("v"),
        KeyError("k"),
        StopIteration("s"),
        RecursionError("r"),
        RuntimeError("e"),
        OSError(1, "o"),
    )
    return [alone(lg, Log, fails("n", error), {}) for error in errors]


# --- 2.1, 2.2 names and kinds of nodes


@program()
def nodes_are_named_after_their_callables(lg):
    class Callable_:
        def __call__(self, state):
            return {"log": ["object"]}

        def method(self, state):
            return {"log": ["method"]}

        @staticmethod
        def static(state):
            return {"log": ["static"]}

    def function(state, more=1):
        return {"log": [("partial", more)]}

    graph = lg.StateGraph(Log)
    for node in (function, Callable_(), Callable_().method, Callable_.static, lambda s: {"log": ["lambda"]}):
        graph.add_node(node)
    graph.add_node("partial", functools.partial(function, more=2))
    for name in ("function", "Callable_", "method", "static", "<lambda>", "partial"):
        graph.add_edge(lg.START, name)
    return [lg.call(lambda: sorted(graph.nodes)), lg.run(graph.compile(), {})]


@program()
def a_partial_without_a_name_is_called_partial_or_refused(lg):
    def function(state, more):
        return {"log": [more]}

    return lg.call(lambda: sorted(lg.StateGraph(Log).add_node(functools.partial(function, more=1)).nodes))


@program()
def generators_are_consumed_and_the_last_dict_counts(lg):
    def dicts(state):
        yield {"log": ["first"]}
        yield {"log": ["second"]}

    def nothing(state):
        return
        yield

    return lg.run(line(lg, Log, dicts, nothing, say("end")).compile(), {})


@program()
def generators_take_the_config(lg):
    def node(state, config):
        yield {"log": [config["configurable"]["k"]]}

    return alone(lg, Log, node, {}, config={"configurable": {"k": 1}})


@program()
def chunks_of_generators_are_summed_where_they_can_be(lg):
    def lists(state):
        yield ["a"]
        yield ["b"]

    def numbers(state):
        yield 1
        yield 2
        yield 3

    def mixed(state):
        yield 1
        yield "x"

    return [
        lg.run(line(lg, Annotated[list, operator.add], lists).compile(), ["i"]),
        lg.run(line(lg, int, numbers).compile(), 0),
        lg.run(line(lg, object, mixed).compile(), 0),
    ]


@program("async_node_under_invoke_raises_first")
def async_nodes_need_the_async_lane(lg):
    async def coroutine(state):
        await asyncio.sleep(0)
        return {"log": ["coroutine"]}

    async def generator(state):
        yield {"log": ["g1"]}
        await asyncio.sleep(0)
        yield {"log": ["g2"]}

    class Object:
        async def __call__(self, state):
            return {"log": ["object"]}

    async def with_more(state, more):
        return {"log": [("partial", more)]}

    nodes = (coroutine, generator, ("object", Object()), ("partial", functools.partial(with_more, more=1)))
    return [
        lg.run(line(lg, Log, *nodes).compile(), {}),
        lg.run(line(lg, Log, say("before"), coroutine).compile(), {}),
        lg.run(line(lg, Log, generator).compile(), {}),
        lg.run(line(lg, Log, ("object", Object())).compile(), {}),
    ]


@program("async_node_under_invoke_raises_first")
def an_async_path_needs_the_async_lane(lg):
    async def path(state):
        await asyncio.sleep(0)
        return "b"

    graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_edge(lg.START, "a")
    return lg.run(graph.add_conditional_edges("a", path).compile(), {})


@program()
def a_dict_of_callables_is_a_node(lg):
    nodes = {"v": lambda s: s.get("v", "") + "!", "log": lambda s: [sorted(s)]}
    graph = lg.StateGraph(Full).add_node("map", nodes).add_edge(lg.START, "map")
    return lg.run(graph.compile(), {"v": "x"})


@program()
def what_cannot_be_called_is_no_node(lg):
    class Invokable:
        def invoke(self, state):
            return {}

    return [
        lg.call(lambda: lg.StateGraph(Log).add_node("n", 5) and None),
        lg.call(lambda: lg.StateGraph(Log).add_node("n", Invokable()) and None),
        lg.call(lambda: lg.StateGraph(Log).add_node("n", lg.StateGraph(Log)) and None),
        lg.call(lambda: lg.StateGraph(Log).add_node("n", "text") and None),
        lg.call(lambda: lg.StateGraph(Log).add_node("n") and None),
    ]


# --- 2.3 injected parameters


@program()
def parameters_are_filled_in_by_name(lg):
    def config_(state, config):
        return {"log": [("config", config["configurable"]["user"], config["metadata"]["langgraph_node"])]}

    def typed(state, config: lg.RunnableConfig, *, writer: lg.StreamWriter, runtime: lg.Runtime):
        writer(("custom", config["metadata"]["langgraph_step"]))
        return {"log": [("typed", runtime.context, runtime.store, runtime.previous)]}

    def optional(state, config: Optional[lg.RunnableConfig] = None, store=None, previous=1):  # noqa: UP045
        return {"log": [("optional", config is None, store, previous)]}

    def union(state, config: lg.RunnableConfig | None = None):
        return {"log": [("union", config is None)]}

    def rest(state, **kwargs):
        return {"log": [("rest", kwargs)]}

    def defaults(state, other=3, *, more=4):
        return {"log": [("defaults", other, more)]}

    graph = line(lg, Log, ("c", config_), typed, optional, union, rest, defaults).compile()
    return lg.run(graph, {}, {"configurable": {"user": "u"}}, context={"c": 1})


@program()
def a_config_of_another_type_is_not_filled_in(lg):
    def node(state, config: int = 5):
        return {"log": [config]}

    return alone(lg, Log, node, {})


@program()
def an_unknown_required_parameter_is_a_type_error(lg):
    def node(state, something):
        return {"log": [something]}

    return alone(lg, Log, node, {})


@program()
def an_untyped_error_parameter_is_not_filled_in(lg):
    def node(state, error="default"):
        return {"log": [error]}

    return alone(lg, Log, node, {})


@program()
def accessors_work_inside_nodes_only(lg):
    def node(state):
        config = lg.get_config()
        lg.get_stream_writer()({"from": "node"})
        runtime = lg.get_runtime()
        return {"log": [config["configurable"]["user"], config["tags"], runtime.context, lg.get_store()]}

    return [
        alone(lg, Log, node, {}, config={"configurable": {"user": "u"}, "tags": ["t"]}, context="ctx"),
        lg.call(lg.get_config),
        lg.call(lg.get_store),
        lg.call(lg.get_stream_writer),
        lg.call(lg.get_runtime),
    ]


@program()
def the_task_shows_in_the_config_of_its_node(lg):
    def node(state, config):
        metadata = config["metadata"]
        names = ("step", "node", "triggers", "path", "checkpoint_ns")
        shown = {name: metadata[f"langgraph_{name}"] for name in names}
        return {"log": [shown, config["recursion_limit"], config["tags"], metadata.get("mine"), metadata.get("own")]}

    def router(state, config):
        return [lg.Send("n", {"x": 1}), "m"] if len(state["log"]) < 7 else lg.END

    graph = lg.StateGraph(Log).add_node("n", node, metadata={"own": 1}).add_node("m", node).add_edge(lg.START, "n")
    graph.add_conditional_edges("n", router)
    return lg.run(graph.compile(), {}, {"metadata": {"mine": 2}, "tags": ["t"], "recursion_limit": 17})


@program()
def the_runtime_knows_the_execution(lg):
    def node(state, runtime):
        info = runtime.execution_info
        return {
            "log": [
                info.checkpoint_ns,
                info.task_id,
                info.thread_id,
                info.run_id,
                info.node_attempt,
                runtime.control is not None,
                runtime.control.drain_requested if runtime.control else None,
                runtime.server_info,
                callable(runtime.heartbeat),
            ]
        }

    return [alone(lg, Log, node, {}), alone(lg, Log, node, {}, config={"configurable": {"thread_id": 5}})]


@program()
def context_is_made_of_the_context_schema(lg):
    @dataclasses.dataclass
    class Context:
        user: str
        level: int = 1

    class Model(pydantic.BaseModel):
        user: int

    def node(state, runtime):
        return {"log": [runtime.context]}

    def run(schema, context):
        graph = lg.StateGraph(Log, schema).add_node("n", node).add_edge(lg.START, "n").compile()
        return lg.run(graph, {}, context=context)

    return [
        run(Context, {"user": "u"}),
        run(Context, Context("v", 2)),
        run(Context, {"nope": 1}),
        run(Context, None),
        run(Context, {}),
        run(Model, {"user": "5"}),
        run(Model, {"user": "x"}),
        run(Model, "unchecked"),
        run(None, {"free": 1}),
    ]


@program()
def the_hint_of_the_first_parameter_is_the_input_schema(lg):
    class Part(TypedDict):
        v: str

    @dataclasses.dataclass
    class View:
        v: str = "default"
        n: int = 0

    class Model(pydantic.BaseModel):
        n: int

    def part(state: Part):
        return {"log": [sorted(state)]}

    def view(state: View):
        return {"log": [(state.v, state.n)]}

    def model(state: Model):
        return {"log": [state.n]}

    def plain(state: dict):
        return {"log": [sorted(state)]}

    graph = line(lg, Full, part, view, model, plain)
    explicit = lg.StateGraph(Full).add_node("x", lambda s: {"log": [s]}, input_schema=Part).add_edge(lg.START, "x")
    return [
        lg.run(graph.compile(), {"v": "x", "n": 2}),
        lg.run(graph.compile(), {"n": 1}),
        lg.run(explicit.compile(), {"v": "x", "n": 2}),
    ]


# --- 2.4 options of nodes


@program()
def a_deferred_node_waits_for_all_others(lg):
    graph = lg.StateGraph(Log)
    for name in "abcx":
        graph.add_node(say(name))
    graph.add_node(see("d"), defer=True)
    graph.add_edge(lg.START, "a").add_edge(lg.START, "x").add_edge("a", "b").add_edge("b", "c")
    graph.add_edge("x", "d").add_edge("c", "d")
    return lg.run(graph.compile(), {})


@program()
def deferred_nodes_become_ready_together_and_again(lg):
    graph = lg.StateGraph(Log).add_node(say("x"))
    graph.add_node(say("d1"), defer=True).add_node(say("d2"), defer=True)
    graph.add_edge(lg.START, "x").add_edge("x", "d1").add_edge("x", "d2").add_edge("d1", "d2")
    return lg.run(graph.compile(), {})


@program()
def a_send_to_a_deferred_node_is_not_deferred(lg):
    graph = lg.StateGraph(Full).add_node(say("a")).add_node(say("b")).add_node(say("c"))
    graph.add_node("d", lambda s: {"log": [("d", s.get("v"), len(s.get("log", [])))]}, defer=True)
    graph.add_edge(lg.START, "a").add_edge("a", "b").add_edge("b", "c").add_edge("a", "d")
    graph.add_conditional_edges("a", lambda s: [lg.Send("d", {"v": "sent"})])
    return lg.run(graph.compile(), {"v": "state"})


@program()
def a_deferred_node_waits_for_sends_in_flight(lg):
    graph = lg.StateGraph(Full).add_node(say("a")).add_node(see("d"), defer=True)

    def work(state):
        again = [lg.Send("w", {"n": state["n"] - 1})] if state["n"] else []
        return lg.Command(update={"log": [state["n"]]}, goto=again)

    graph.add_node("w", work).add_edge(lg.START, "a").add_edge("a", "d").add_edge("w", "d")
    graph.add_conditional_edges("a", lambda s: [lg.Send("w", {"n": n}) for n in (0, 2, 1)])
    return lg.run(graph.compile(), {})


@program()
def a_deferred_join_waits_for_its_sources_and_the_end(lg):
    graph = lg.StateGraph(Log)
    for name in "abcd":
        graph.add_node(say(name))
    graph.add_node(see("j"), defer=True).add_node(say("after"))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("a", "c").add_edge("c", "d")
    graph.add_edge(["a", "b"], "j").add_edge("j", "after")
    return lg.run(graph.compile(), {})


@program()
def a_deferred_node_may_start_a_cycle(lg):
    graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_node(say("d"), defer=True)
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("a", "d").add_edge("b", "d")
    graph.add_conditional_edges("d", lambda s: "a" if len(s["log"]) < 7 else lg.END)
    return lg.run(graph.compile(), {})


@program()
def metadata_and_tags_show_in_tasks_events(lg):
    graph = lg.StateGraph(Log).add_node(say("a"), metadata={"nm": 1, "mk": 0}).add_node(say("b"))
    compiled = graph.add_edge(lg.START, "a").add_edge("a", "b").compile()
    return [
        lg.run(compiled, {}, {"metadata": {"mk": 2}, "tags": ["t1", "seq:step:1", "graph:step:4"]}),
        lg.run(compiled, {}, {"metadata": {"langgraph_x": 1, "thread_id": "t", "own": {"deep": [1]}}}),
        lg.run(compiled, {}, {"tags": ["only"]}),
        lg.run(compiled, {}, {"configurable": {"a": 1, "thread_id": "t", "__hidden": 2}}),
    ]


@program("unreachable_node_warns")
def names_of_destinations_are_checked(lg):
    def build(destinations):
        graph = lg.StateGraph(Log).add_node(say("a"), destinations=destinations).add_node(say("b"))
        return graph.add_edge(lg.START, "a").compile() and None

    return [
        lg.call(lambda: build(("b",))),
        lg.call(lambda: build({"b": "label"})),
        lg.call(lambda: build(("c",))),
        lg.call(lambda: build({"c": "label"})),
        lg.call(lambda: build((lg.END,))),
    ]


@program()
def a_literal_of_a_command_hint_is_a_destination(lg):
    def build(hint):
        def node(state) -> hint:
            return lg.Command(update={"log": ["n"]}, goto="b")

        return lg.StateGraph(Log).add_node("n", node).add_node(say("b")).add_edge(lg.START, "n")

    return [
        lg.run(build(lg.Command[Literal["b"]]).compile(), {}),
        lg.run(build(lg.Command[Literal["b", "__end__"]] | None).compile(), {}),
        lg.call(lambda: build(lg.Command[Literal["nope"]]).compile() and None),
    ]


# --- 2.5 edges


@program()
def several_single_edges_trigger_a_node_once_a_step(lg):
    graph = lg.StateGraph(Log)
    for name in "abcx":
        graph.add_node(say(name))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("a", "x").add_edge("b", "x")
    graph.add_edge("b", "c").add_edge("c", "x")
    return lg.run(graph.compile(), {})


@program()
def a_join_waits_for_all_and_starts_over(lg):
    graph = lg.StateGraph(Log)
    for name in ("a", "b", "c", "slow", "j"):
        graph.add_node(say(name))
    graph.add_edge(lg.START, "a").add_edge("a", "b").add_edge("a", "slow").add_edge("slow", "c")
    graph.add_edge(["b", "c"], "j")
    graph.add_conditional_edges("j", lambda s: "a" if len(s["log"]) < 12 else lg.END)
    return lg.run(graph.compile(), {})


@program()
def a_join_inside_a_cycle_keeps_what_it_has_seen(lg):
    graph = lg.StateGraph(Log)
    for name in ("a", "b", "once", "j"):
        graph.add_node(say(name))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "once").add_edge("a", "b")
    graph.add_edge(["once", "b"], "j")
    graph.add_conditional_edges("b", lambda s: "a" if s["log"].count("b") < 3 else lg.END)
    return lg.run(graph.compile(), {})


@program("unreachable_node_warns")
def joins_may_share_sources_and_be_of_one_or_none(lg):
    graph = lg.StateGraph(Log)
    for name in ("a", "b", "one", "none", "j", "k"):
        graph.add_node(say(name))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge(["a"], "one").add_edge([], "none")
    graph.add_edge(["a", "b"], "j").add_edge(["b", "a"], "j").add_edge(["a", "b", "one"], "k").add_edge("a", "j")
    return lg.run(graph.compile(), {})


@program("unreachable_node_warns")
def a_join_that_is_never_complete_never_fires(lg):
    graph = lg.StateGraph(Log)
    for name in "abj":
        graph.add_node(say(name))
    return lg.run(graph.add_edge(lg.START, "a").add_edge(["a", "b"], "j").compile(), {})


@program()
def a_join_may_lead_to_the_end(lg):
    graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b"))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge(["a", "b"], lg.END)
    return lg.run(graph.compile(), {})


@program()
def start_may_lead_to_the_end(lg):
    return lg.run(lg.StateGraph(Full).add_edge(lg.START, lg.END).compile(), {"v": "x"})


@program(counts=True)
def a_path_sees_the_writes_of_its_own_node_only(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        x: int
        seen: Annotated[list, operator.add]

    views = []

    def path(state):
        views.append({key: state[key] for key in sorted(state)})
        return "end"

    graph = lg.StateGraph(State).add_node(say("a", x=1)).add_node(say("b"))
    graph.add_node("end", lambda s: {"seen": list(views)})
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_conditional_edges("a", path)
    return lg.run(graph.compile(), {"log": ["i"], "x": 0})


@program("unknown_state_key_warns", counts=True)
def a_path_sees_unknown_keys_of_the_raw_output(lg):
    views = []

    def path(state):
        views.append(dict(sorted(state.items())))
        return "end"

    def typed(state: Full):
        views.append(dict(sorted(state.items())))
        return "end"

    def build(path):
        graph = lg.StateGraph(Full).add_node(say("a", extra=5)).add_node("end", lambda s: {"log": [*views]})
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", path).compile()

    return [lg.run(build(path), {"v": "x"}), lg.run(build(typed), {"v": "x"})]


@program()
def a_path_of_a_model_state_gets_an_instance(lg):
    @dataclasses.dataclass
    class Data:
        v: int = 1
        log: Annotated[list, operator.add] = dataclasses.field(default_factory=list)

    class Model(pydantic.BaseModel):
        v: int = 1
        log: Annotated[list, operator.add] = []

    def build(schema):
        def path(state):
            return "b" if type(state) is schema and state.v == 2 else "c"

        graph = lg.StateGraph(schema).add_node("a", lambda s: {"v": 2}).add_node(say("b")).add_node(say("c"))
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", path).compile()

    return [lg.run(build(Data), {}), lg.run(build(Model), {"v": "0"})]


@program()
def a_path_may_return_names_end_sends_and_lists(lg):
    def build(answer, path_map=None):
        graph = lg.StateGraph(Full).add_node(say("a")).add_node(see("b", "v")).add_node(see("c", "v"))
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", lambda s: answer, path_map).compile()

    send = lg.Send("b", {"v": "arg"})
    answers = ("b", lg.END, send, ["b", "c"], ("c", "b", "b"), [send, "b", send, lg.END], [], ["b", send, "c"])
    runs = [lg.run(build(answer), {"v": "s"}) for answer in answers]
    runs += [lg.run(build(answer, {"x": "b", "b": "c"}), {"v": "s"}) for answer in ("x", ["x", send], "y", lg.END)]
    return runs


@program("unreachable_node_warns")
def a_path_map_may_be_a_list_or_have_any_keys(lg):
    def build(answer, path_map):
        graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_node(say("c"))
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", lambda s: answer, path_map).compile()

    return [
        lg.run(build(True, {True: "b", False: lg.END}), {}),
        lg.run(build(False, {True: "b", False: lg.END}), {}),
        lg.run(build("c", ["b", "c"]), {}),
        lg.run(build("c", ["b"]), {}),
        lg.run(build(3, {3: "b", None: "c"}), {}),
        lg.run(build(None, {3: "b", None: "c"}), {}),
        lg.run(build((1, 2), {1: "b", 2: "c"}), {}),
    ]


@program("unreachable_node_warns")
def a_literal_hint_of_a_path_is_enforced(lg):
    def build(answer):
        def path(state) -> Literal["b", "__end__"]:
            return answer

        graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_node(say("c"))
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", path).compile()

    return [lg.run(build("b"), {}), lg.run(build(lg.END), {}), lg.run(build("c"), {}), lg.run(build(["b"]), {})]


@program()
def invalid_answers_of_a_path_raise(lg):
    def build(answer):
        graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b"))
        return graph.add_edge(lg.START, "a").add_conditional_edges("a", lambda s: answer).compile()

    answers = (None, lg.START, [None], lg.Send(lg.END, {}), ["b", None])
    return [lg.run(build(answer), {}) for answer in answers]


@program("unknown_target_warns")
def unknown_targets_schedule_nothing(lg):
    def build(a, path=None):
        graph = lg.StateGraph(Log).add_node("a", a).add_node(say("b")).add_edge(lg.START, "a").add_edge("a", "b")
        return (graph.add_conditional_edges("a", path) if path else graph).compile()

    return [
        lg.run(build(say("a"), lambda s: "nope"), {}),
        lg.run(build(say("a"), lambda s: ["nope", "b"]), {}),
        lg.run(build(say("a"), lambda s: lg.Send("nope", {})), {}),
        lg.run(build(lambda s: lg.Command(update={"log": ["c"]}, goto="nope")), {}),
        lg.run(build(lambda s: lg.Command(update={"log": ["c"]}, goto=[lg.Send("nope", 1), "b"])), {}),
        lg.run(build(lambda s: lg.Send("nope", {})), {}),
    ]


@program("unreachable_node_warns")
def entry_points_may_be_conditional(lg):
    def build(path, path_map=None):
        graph = lg.StateGraph(Full).add_node(see("a", "v")).add_node(see("b", "v"))
        return graph.set_conditional_entry_point(path, path_map).compile()

    return [
        lg.run(build(lambda s: s["v"]), {"v": "b"}),
        lg.run(build(lambda s: s["v"], {"x": "a", "b": lg.END}), {"v": "b"}),
        lg.run(build(lambda s: [lg.Send("b", {"v": "sent"}), "a"]), {"v": "x"}),
        lg.run(build(lambda s: s["v"], {"x": "a"}), {"v": "y"}),
        lg.run(build(lambda s: []), {"v": "y"}),
    ]


@program()
def entry_and_finish_points_are_edges(lg):
    graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_edge("a", "b")
    return lg.run(graph.set_entry_point("a").set_finish_point("b").compile(), {})


@program()
def edges_branches_and_gotos_add_up(lg):
    graph = lg.StateGraph(Log)
    graph.add_node("a", lambda s: lg.Command(update={"log": ["a"]}, goto=["g", lg.END]))
    for name in "bcdg":
        graph.add_node(say(name))
    graph.add_edge(lg.START, "a").add_edge("a", "b").add_edge("a", lg.END)

    def one(state):
        return "c"

    def two(state):
        return ["d", lg.END]

    graph.add_conditional_edges("a", one).add_conditional_edges("a", two)
    return lg.run(graph.compile(), {})


@program()
def a_sequence_is_a_chain_of_edges(lg):
    graph = lg.StateGraph(Log).add_sequence([say("a"), ("second", say("b")), say("c")])
    return [
        lg.run(graph.set_entry_point("a").compile(), {}),
        lg.call(lambda: lg.StateGraph(Log).add_sequence([]) and None),
        lg.call(lambda: lg.StateGraph(Log).add_sequence([say("a"), say("a")]) and None),
        lg.call(lambda: lg.StateGraph(Log).add_sequence([say("a")]).compile() and None),
    ]


# --- 2.6 errors of building


@program("unreachable_node_warns")
def building_and_compiling_errors(lg):
    def graph():
        return lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_edge(lg.START, "a")

    return [
        lg.call(lambda: graph().add_node(say("a")) and None),
        lg.call(lambda: graph().add_node(lg.START, say("x")) and None),
        lg.call(lambda: graph().add_node(lg.END, say("x")) and None),
        lg.call(lambda: graph().add_node("x|y", say("x")) and None),
        lg.call(lambda: graph().add_node("x:y", say("x")) and None),
        lg.call(lambda: graph().add_edge(lg.END, "a") and None),
        lg.call(lambda: graph().add_edge("a", lg.START) and None),
        lg.call(lambda: graph().add_edge(["a", lg.END], "b") and None),
        lg.call(lambda: graph().add_edge(["a", "x"], "b") and None),
        lg.call(lambda: graph().add_edge(["a", "b"], "x") and None),
        lg.call(lambda: graph().add_edge(["a", "b"], lg.START) and None),
        lg.call(lambda: graph().add_edge("a", "x").compile() and None),
        lg.call(lambda: graph().add_edge("x", "a").compile() and None),
        lg.call(lambda: graph().add_conditional_edges("x", lambda s: "a").compile() and None),
        lg.call(lambda: graph().add_conditional_edges("a", lambda s: "a", ["x"]).compile() and None),
        lg.call(lambda: graph().add_conditional_edges("a", lambda s: "a", {"k": "x"}).compile() and None),
        lg.call(lambda: graph().add_conditional_edges(lg.END, lambda s: "a").compile() and None),
        lg.call(
            lambda: graph().add_conditional_edges("a", lambda s: "a").add_conditional_edges("a", lambda s: "b") and None
        ),
        lg.call(lambda: lg.StateGraph(Log).add_node(say("a")).compile() and None),
        lg.call(lambda: lg.StateGraph(Log).compile() and None),
        lg.call(lambda: graph().compile() and None),
        lg.call(lambda: graph().validate(["nope"]) and None),
        lg.call(lambda: graph().add_node("checkpoint_ns", say("x")).compile() and None),
        lg.call(lambda: graph().add_node("__input__", say("x")).compile() and None),
        lg.call(lambda: graph().compile(interrupt_before=["nope"]) and None),
    ]


@program()
def reserved_words_are_no_state_keys(lg):
    class State(TypedDict):
        checkpoint_ns: str

    return lg.call(lambda: line(lg, State, ("a", lambda s: None)).compile() and None)


@program()
def a_node_may_share_its_name_with_a_state_key(lg):
    return lg.run(line(lg, Full, ("v", say("v", v="x")), ("log", see("l"))).compile(), {})


@program()
def a_compiled_graph_does_not_change_with_its_builder(lg):
    graph = line(lg, Log, say("a"))
    old = graph.compile()
    graph.add_node(say("b")).add_edge("a", "b")
    return [lg.run(old, {}), lg.run(graph.compile(), {})]


# --- 3.1 Overwrite


@program()
def an_overwrite_replaces_whatever_else_is_written(lg):
    def build(*updates):
        graph = lg.StateGraph(Full)
        for name, update in zip("abc", updates, strict=False):
            graph.add_node(name, lambda s, update=update: update).add_edge(lg.START, name)
        return graph.compile()

    def overwrite(value):
        return {"log": lg.Overwrite(value)}

    return [
        lg.run(build({"log": [1]}, overwrite(["o"]), {"log": [2]}), {"log": ["i"]}),
        lg.run(build(overwrite(["o"]), {"log": [1]}, {"log": [2]}), {"log": ["i"]}),
        lg.run(build({"log": {"__overwrite__": ["o"]}}, {"log": [1]}), {"log": ["i"]}),
        lg.run(build({"log": {"value": ["o"], "type": "__overwrite__"}}, {"log": [1]}), {"log": ["i"]}),
        lg.run(build(overwrite(1), overwrite(2)), {"log": ["i"]}),
        lg.run(build(overwrite(None)), {"log": ["i"]}),
        lg.run(build({"v": lg.Overwrite("x")}), {"v": "i"}),
    ]


@program()
def a_command_may_overwrite(lg):
    nodes = (("a", lambda s: lg.Command(update={"log": lg.Overwrite(["new"])})), say("b"))
    return lg.run(line(lg, Log, *nodes).compile(), {"log": ["old"]})


# --- 4 the superstep


@program()
def writes_are_applied_by_name_then_by_index_of_sends(lg):
    graph = lg.StateGraph(Log).add_node(say("first"))
    for name in ("z", "b"):
        graph.add_node(say(name))
    graph.add_node("s", lambda s: {"log": [f"s{s['i']}"]})
    graph.add_edge(lg.START, "first").add_edge("first", "z").add_edge("first", "b")
    graph.add_conditional_edges("first", lambda s: [lg.Send("s", {"i": i}) for i in (1, 2)])
    return lg.run(graph.compile(), {})


@program()
def writes_do_not_depend_on_the_time_of_completion(lg):
    def slow(state):
        time.sleep(0.02)
        return {"log": ["a"]}

    async def slow_async(state):
        await asyncio.sleep(0.02)
        return {"log": ["a"]}

    graph = lg.StateGraph(Log).add_node("a", slow if lg.lane == "sync" else slow_async).add_node(say("b"))
    return lg.run(graph.add_edge(lg.START, "a").add_edge(lg.START, "b").compile(), {})


@program()
def a_reducer_that_does_not_commute_folds_in_order(lg):
    class State(TypedDict):
        s: Annotated[str, lambda a, b: f"({a}{b})"]

    graph = lg.StateGraph(State)
    for name in "cab":
        graph.add_node(name, lambda s, name=name: {"s": name}).add_edge(lg.START, name)
    return lg.run(graph.compile(), {"s": "i"})


@program()
def siblings_see_the_state_of_the_start_of_the_step(lg):
    graph = lg.StateGraph(Full).add_node(say("a", v="1")).add_node(see("b")).add_node(see("c"))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("a", "c")
    return lg.run(graph.compile(), {"v": "0"})


@program("events_before_an_error_are_delivered")
def a_reducer_that_fails_fails_the_run(lg):
    def reducer(left, right):
        if right == "bad":
            raise Boom("reducer")
        return [*left, right]

    class State(TypedDict):
        k: Annotated[list, reducer]

    graph = line(lg, State, ("a", lambda s: {"k": "ok"}), ("b", lambda s: {"k": "bad"})).compile()
    return [lg.run(graph, {}), lg.run(graph, {"k": "bad"})]


@program()
def wide_steps_run_all_their_tasks(lg):
    graph = lg.StateGraph(Log).add_node(say("a"))
    graph.add_node("w", lambda s: {"log": [s]}).add_node(see("end"))
    graph.add_edge(lg.START, "a").add_edge("w", "end")
    graph.add_conditional_edges("a", lambda s: [lg.Send("w", i) for i in range(15)])
    return [lg.run(graph.compile(), {}), lg.run(graph.compile(), {}, {"max_concurrency": 2})]


@program(lanes=("sync", "threads"))
def max_concurrency_limits_how_many_nodes_run_at_once(lg):
    lock, running, most = threading.Lock(), [0], [0]

    def work(state):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1
        return {}

    graph = lg.StateGraph(Log).add_node("w", work).add_node("end", lambda s: {"log": [most[0]]})
    graph.add_conditional_edges(lg.START, lambda s: [lg.Send("w", i) for i in range(6)]).add_edge("w", "end")
    return lg.call(lambda: lg.invoke(graph.compile(), {}, {"max_concurrency": 2}))


@program(lanes=("sync", "threads"))
def max_concurrency_limits_each_graph_of_a_nest_by_itself(lg):
    # Two graphs of two nodes each run at once: fewer would wait for ever, and more would show.
    four, lock, running, most = threading.Barrier(4), threading.Lock(), [0], [0]

    def work(state):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        four.wait(20)
        with lock:
            running[0] -= 1
        four.wait(20)
        return {}

    inner, outer = lg.StateGraph(Log), lg.StateGraph(Log)
    for i in range(4):
        inner.add_node(f"w{i}", work).add_edge(lg.START, f"w{i}")
    compiled = inner.compile()
    for i in range(4):
        outer.add_node(f"g{i}", compiled).add_edge(lg.START, f"g{i}")
    lg.call(lambda: lg.invoke(outer.compile(), {}, {"max_concurrency": 2}))
    return most


# --- 4.6 the recursion limit


@program()
def a_run_of_n_supersteps_needs_a_limit_of_one_more(lg):
    graph = line(lg, Log, say("a"), say("b"), say("c")).compile()
    one = line(lg, Log, say("a")).compile()
    none = lg.StateGraph(Log).add_edge(lg.START, lg.END).compile()
    return [
        *(lg.run(graph, {}, {"recursion_limit": limit}) for limit in (0, 1, 2, 3, 4, 5)),
        *(lg.run(one, {}, {"recursion_limit": limit}) for limit in (-1, 0, 1, 2)),
        *(lg.run(none, {}, {"recursion_limit": limit}) for limit in (1, 2)),
    ]


@program()
def an_endless_loop_runs_as_many_steps_as_its_limit(lg):
    graph = line(lg, Log, say("a"), say("b")).add_edge("b", "a").compile()
    quiet = line(lg, Log, ("a", lambda s: None)).add_edge("a", "a").compile()
    return [
        lg.run(graph, {}, {"recursion_limit": 5}),
        lg.run(graph.with_config(recursion_limit=3), {}),
        lg.run(graph.with_config({"recursion_limit": 3}), {}, {"recursion_limit": 4}),
        lg.run(quiet, {}, {"recursion_limit": 4}),
    ]


@program()
def a_deferred_node_counts_its_own_step(lg):
    graph = line(lg, Log, say("a"), say("b")).add_node(say("d"), defer=True).add_edge("a", "d").compile()
    return [lg.run(graph, {}, {"recursion_limit": limit}) for limit in (2, 3, 4)]


# --- 5.1 Command


@program()
def updates_of_commands_take_many_forms(lg):
    @dataclasses.dataclass
    class Update:
        log: list
        v: str = "d"

    class Model(pydantic.BaseModel):
        log: list
        v: str | None = None

    def run(update):
        return alone(lg, Full, lambda s: lg.Command(update=update), {"v": "i"})

    forms = (
        {"log": [1]},
        [("log", [1]), ("log", [2]), ("n", 3)],
        (("log", [1]), ("v", "x")),
        Update(log=[1]),
        Model(log=[1]),
        None,
        {},
        [],
    )
    return [run(form) for form in forms]


@program("unknown_state_key_warns")
def an_update_of_a_command_that_fits_no_state_is_dropped(lg):
    def run(update):
        return alone(lg, Full, lambda s: lg.Command(update=update), {"v": "i"})

    return [run(5), run("text"), run([1, 2]), run({"nope": 1}), run([("nope", 1), ("n", 2)])]


@program("unknown_state_key_warns")
def a_command_updates_a_root_state(lg):
    def run(update):
        return alone(lg, Annotated[list, operator.add], lambda s: lg.Command(update=update), ["i"])

    return [run(["x"]), run([]), run([("a", 1)])]


@program()
def gotos_take_many_forms(lg):
    def run(goto):
        graph = lg.StateGraph(Full).add_node("a", lambda s: lg.Command(update={"log": ["a"]}, goto=goto))
        graph.add_node(see("b", "v")).add_node(see("c", "v")).add_edge(lg.START, "a")
        return lg.run(graph.compile(), {"v": "s"})

    send = lg.Send("b", {"v": "arg"})
    gotos = ("b", lg.END, ["b", "c"], ("c", "b"), ["b", "b"], send, [send, send], ["b", send, "c", lg.END], (), [])
    return [run(goto) for goto in gotos]


@program("unknown_target_warns")
def a_goto_of_another_kind_is_an_error(lg):
    def run(goto):
        graph = lg.StateGraph(Full).add_node("a", lambda s: lg.Command(update={"log": ["a"]}, goto=goto))
        return lg.run(graph.add_node(see("b", "v")).add_edge(lg.START, "a").compile(), {"v": "s"})

    return [run(5), run(lg.Send(lg.END, {})), run([lg.Send(lg.END, {})])]


@program()
def a_goto_may_loop(lg):
    def node(state):
        return lg.Command(update={"log": [len(state["log"])]}, goto="n" if len(state["log"]) < 3 else lg.END)

    return alone(lg, Log, node, {})


@program()
def commands_in_a_list_may_each_go_somewhere(lg):
    def node(state):
        return [lg.Command(goto="b"), lg.Command(goto=["b", "c"]), {"log": ["a"]}, lg.Command(goto=lg.Send("c", 1))]

    graph = lg.StateGraph(Log).add_node("a", node).add_node(say("b")).add_node(say("c")).add_edge(lg.START, "a")
    return lg.run(graph.compile(), {})


@program()
def a_command_for_the_parent_escapes_from_the_root(lg):
    return [
        alone(lg, Log, lambda s: lg.Command(graph=lg.Command.PARENT, update={"log": [1]}), {}),
        alone(lg, Log, lambda s: [{"log": [1]}, lg.Command(graph=lg.Command.PARENT)], {}),
        alone(lg, Log, lambda s: lg.Command(graph="other", update={"log": [1]}), {}),
    ]


# --- 5.2 Send


@program()
def a_send_is_input_as_it_is(lg):
    @dataclasses.dataclass
    class State:
        log: Annotated[list, operator.add] = dataclasses.field(default_factory=list)

    def show(state):
        return {"log": [(type(state).__name__, state)]}

    graph = lg.StateGraph(State).add_node("show", show)
    graph.add_conditional_edges(lg.START, lambda s: [lg.Send("show", x) for x in ({"any": 1}, 5, "text", None, [1])])
    return lg.run(graph.compile(), {})


@program()
def map_and_reduce_with_sends(lg):
    graph = lg.StateGraph(Full).add_node(say("gen", v="g"))
    graph.add_node("w", lambda s: {"log": [s["i"] * 10], "n": s["i"]}).add_node(see("red"))
    graph.add_edge(lg.START, "gen").add_edge("w", "red")
    graph.add_conditional_edges("gen", lambda s: [lg.Send("w", {"i": i}) for i in (0, 1, 2)], ["w"])
    return lg.run(graph.compile(), {"v": "x"})


@program()
def sent_tasks_fire_edges_and_branches(lg):
    graph = lg.StateGraph(Full)
    graph.add_node("w", lambda s: {"log": [s["i"]], "n": 1}).add_node(see("e")).add_node(see("j")).add_node(say("x"))
    graph.add_conditional_edges(lg.START, lambda s: [lg.Send("w", {"i": i}) for i in (3, 1)])
    graph.add_edge("w", "e").add_edge(["w", "e"], "j")
    graph.add_conditional_edges("w", lambda s: "x" if s["log"] == [1] else [lg.Send("x", {})])
    return lg.run(graph.compile(), {})


@program()
def sends_may_send(lg):
    def work(state):
        deeper = [lg.Send("w", {"i": state["i"] - 1, "p": state["p"] + c}) for c in "lr"] if state["i"] else []
        return lg.Command(update={"log": [state["p"]]}, goto=deeper)

    graph = lg.StateGraph(Log).add_node("w", work).add_node(see("end"), defer=True).add_edge("w", "end")
    graph.add_conditional_edges(lg.START, lambda s: [lg.Send("w", {"i": 2, "p": ""})])
    return lg.run(graph.compile(), {})


@program()
def sends_equal_and_show_by_their_fields(lg):
    one, two = lg.Send("n", {"a": 1}), lg.Send("n", {"a": 1})
    return lg.call(lambda: [one == two, one == lg.Send("m", {"a": 1}), repr(one), hash(lg.Send("n", 1)) is not None])


@program()
def commands_show_their_truthy_fields(lg):
    return lg.call(lambda: [repr(lg.Command(update={"a": 1}, goto="x")), repr(lg.Command()), lg.Command.PARENT])


@program()
def a_sent_task_that_fails_fails_the_run(lg):
    def work(state):
        if state == 1:
            raise Boom(state)
        return {"log": [state]}

    graph = lg.StateGraph(Log).add_node("w", work).add_node(say("a"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", lambda s: [lg.Send("w", i) for i in range(3)])
    return lg.run(graph.compile(), {})


@program()
def one_of_two_parallel_nodes_fails(lg):
    graph = lg.StateGraph(Log).add_node(say("first")).add_node(say("a")).add_node(fails("b"))
    return lg.run(graph.add_edge(lg.START, "first").add_edge("first", "a").add_edge("first", "b").compile(), {})


@program(lanes=("sync", "threads"))
def siblings_of_a_failing_sync_node_run_to_completion_in_the_sync_lane(lg):
    done = []

    def slow(state):
        time.sleep(0.05)
        done.append("slow")
        return {}

    graph = lg.StateGraph(Log).add_node("slow", slow).add_node(fails("b"))
    compiled = graph.add_edge(lg.START, "slow").add_edge(lg.START, "b").compile()

    def run():
        try:
            compiled.invoke({})
        except Boom:
            return list(done)

    return lg.call(run)


@program("async_node_under_invoke_raises_first", lanes=("async",))
def siblings_of_a_failing_async_node_are_cancelled(lg):
    seen = []

    async def slow(state):
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return {}

    async def quick(state):
        await asyncio.sleep(0.01)
        raise Boom("quick")

    graph = lg.StateGraph(Log).add_node("slow", slow).add_node("quick", quick)
    compiled = graph.add_edge(lg.START, "slow").add_edge(lg.START, "quick").compile()

    async def run():
        try:
            await compiled.ainvoke({})
        except Boom:
            await asyncio.sleep(0.01)
            return list(seen)

    return lg.call(run)


@program(lanes=("async", "threads"))
def a_node_that_raises_cancelled_error_is_named(lg):
    return alone(lg, Log, fails("n", asyncio.CancelledError()), {})


# --- 9.1 doors


@program()
def output_keys_select_what_is_shown(lg):
    graph = line(lg, Full, say("a", v="x"), say("b", n=1), ("c", lambda s: None)).compile()
    return [
        lg.run(graph, {"v": "i"}, output_keys="v"),
        lg.run(graph, {}, output_keys="v"),
        lg.run(graph, {"v": "i"}, output_keys=["v", "n"]),
        lg.run(graph, {"v": "i"}, output_keys=["log"]),
        lg.run(graph, {"v": "i"}, output_keys=[]),
        lg.run(graph, {"v": "i"}, output_keys="nope"),
        lg.run(graph, {"v": "i"}, output_keys=["v", "nope"]),
    ]


@program()
def updates_list_what_one_task_wrote_more_than_once(lg):
    def node(state):
        return [lg.Command(update={"log": [1]}), lg.Command(update={"log": [2], "v": "x"})]

    return [
        alone(lg, Full, node, {}),
        alone(lg, Full, node, {}, output_keys="log"),
        alone(lg, Full, node, {}, output_keys=["v"]),
    ]


@program()
def print_mode_prints(lg):
    graph = line(lg, Full, say("a", v="x"), say("b")).compile()
    return [
        lg.run(graph, {}, print_mode="values"),
        lg.run(graph, {}, print_mode=["updates", "tasks"]),
        lg.run(graph, {}, print_mode=("updates",), output_keys="v"),
        lg.call(lambda: lg.stream(graph, {}, debug=True)),
        lg.call(lambda: lg.stream(line(lg, Full, say("a")).compile(debug=True), {})),
    ]


@program()
def the_custom_writer_writes_anything(lg):
    def writes(state):
        writer = lg.get_stream_writer()
        for item in (1, None, {"a": [1]}, "text", (1, 2)):
            writer(item)
        return {"log": ["w"]}

    def injected(state, writer):
        writer("injected")

    def runtime_(state, runtime):
        runtime.stream_writer("runtime")
        return {"log": ["r"]}

    return lg.run(line(lg, Log, writes, injected, ("r", runtime_)).compile(), {})


@program()
def custom_events_of_a_node_that_fails_were_sent(lg):
    def node(state, writer):
        writer("before")
        raise Boom("after")

    return alone(lg, Log, node, {})


@program()
def parallel_nodes_may_write_custom_events(lg):
    def writes(name):
        def node(state, writer):
            writer(f"{name}1")
            writer(f"{name}2")
            return {"log": [name]}

        return node

    graph = lg.StateGraph(Log)
    for name in "abc":
        graph.add_node(name, writes(name)).add_edge(lg.START, name)
    return lg.run(graph.compile(), {})


@program()
def generators_may_write_custom_events(lg):
    def node(state):
        writer = lg.get_stream_writer()
        writer(1)
        yield {"log": ["a"]}
        writer(2)
        yield {"log": ["b"]}

    return alone(lg, Log, node, {})


@program()
def batches_keep_the_order_of_their_inputs(lg):
    def node(state, config):
        if state["n"] == 3:
            raise Boom(3)
        return {"n": 10, "v": str(config["configurable"].get("k"))}

    graph = line(lg, Full, ("n", node)).compile()
    good = [{"n": n} for n in (1, 2, 4)]
    return [
        lg.call(lambda: lg.batch(graph, good)),
        lg.call(lambda: lg.batch(graph, [])),
        lg.call(lambda: lg.batch(graph, good, {"configurable": {"k": 1}})),
        lg.call(lambda: lg.batch(graph, good, [{"configurable": {"k": k}} for k in "abc"])),
        lg.call(lambda: lg.batch(graph, good, [{"configurable": {"k": 1}}])),
        lg.call(lambda: lg.batch(graph, [{"n": 1}, {"n": 3}])),
        lg.call(lambda: lg.batch(graph, [{"n": 1}, {"n": 3}, {"n": 2}], return_exceptions=True)),
        lg.call(lambda: lg.batch(graph, good, {"max_concurrency": 1}, output_keys="n")),
        lg.call(lambda: lg.batch(graph, good, stream_mode="updates")),
    ]


@program()
def configs_are_merged(lg):
    def node(state, config):
        metadata = {key: value for key, value in config["metadata"].items() if not key.startswith("langgraph_")}
        own = {key: value for key, value in config["configurable"].items() if not key.startswith(("__", "checkpoint"))}
        return {"log": [metadata, own, config["tags"], config["recursion_limit"]]}

    graph = line(lg, Log, ("n", node)).compile()
    bound = graph.with_config({"tags": ["a"], "metadata": {"m": 1, "o": 1}, "configurable": {"c": 1, "d": 1}})
    given = {"tags": ["b"], "metadata": {"m": 2}, "configurable": {"c": 2}, "recursion_limit": 9, "unknown": 3}
    return [
        lg.run(bound, {}),
        lg.run(bound, {}, given),
        lg.run(bound.with_config(tags=["c"]), {}, {"tags": ["a"]}),
        lg.run(graph, {}, {"run_name": "name", "unknown": 1}),
        lg.run(graph, {}, {}),
    ]


@program()
def nodes_invoke_other_graphs(lg):
    inner = line(lg, Full, say("i1", v="inner"), say("i2")).compile()

    def calls(state):
        return {"log": [inner.invoke({"v": state["v"]})["log"]]}

    async def acalls(state):
        return {"log": [(await inner.ainvoke({"v": state["v"]}))["log"]]}

    return lg.run(line(lg, Full, say("a", v="x"), ("c", calls if lg.lane == "sync" else acalls)).compile(), {})


@program()
def a_compiled_graph_is_a_node(lg):
    inner = line(lg, Full, say("i1", v="inner"), say("i2")).compile()
    return lg.run(line(lg, Full, say("a", v="x"), ("sub", inner), say("b")).compile(), {"log": ["i"]})


@program()
def versions_of_shapes_are_checked(lg):
    graph = line(lg, Log, say("a")).compile()
    return [
        lg.call(lambda: lg.stream(graph, {}, stream_mode=[])),
        lg.call(lambda: lg.stream(graph, {}, stream_mode=["values", "values"])),
        lg.call(lambda: lg.invoke(graph, {}, stream_mode=["values", "updates"])),
        lg.call(lambda: lg.invoke(graph, {}, stream_mode=["values"])),
        lg.call(lambda: lg.invoke(graph, {}, stream_mode="custom")),
    ]


@program()
def values_of_v2_are_instances_of_the_output_schema(lg):
    @dataclasses.dataclass
    class Data:
        v: str
        log: Annotated[list, operator.add] = dataclasses.field(default_factory=list)

    class Model(pydantic.BaseModel):
        v: str
        log: Annotated[list, operator.add] = []

    class Output(pydantic.BaseModel):
        v: str

    return [
        lg.run(line(lg, Data, ("a", lambda s: {"log": ["a"]})).compile(), {"v": "x"}),
        lg.run(line(lg, Model, ("a", lambda s: {"log": ["a"]})).compile(), {"v": "x"}),
        lg.run(line(lg, Full, say("a", v="late"), output_schema=Output).compile(), {"n": 1}),
        lg.run(line(lg, Full, say("a", v="late"), output_schema=Output).compile(), {"v": "early"}),
        lg.run(line(lg, Data, ("a", lambda s: {"log": ["a"]})).compile(), {"v": "x"}, output_keys="v"),
        lg.run(line(lg, Model, ("a", lambda s: {"log": ["a"]})).compile(), {"v": "x"}, output_keys=["log"]),
    ]


@program(counts=True)
def a_drained_run_stops_at_the_end_of_its_step(lg):
    def drains(state, runtime):
        runtime.control.request_drain("enough")
        return {"log": ["d"]}

    def before(control):
        control.request_drain("early")
        return control

    graph = line(lg, Log, say("a"), drains, say("b")).compile()
    ends = line(lg, Log, say("a"), drains).compile()
    return [
        lg.run(graph, {}),
        lg.run(ends, {}),
        lg.run(graph, {}, control=before(lg.RunControl())),
        lg.run(graph, {}, control=lg.RunControl()),
    ]


@program()
def objects_of_outputs_support_both_styles(lg):
    def look(output):
        return [output.value, output.interrupts]

    graph = line(lg, Log, say("a")).compile()
    if lg.lane == "sync":
        return lg.call(lambda: look(graph.invoke({}, version="v2")))

    async def run():
        return look(await graph.ainvoke({}, version="v2"))

    return lg.call(run)


IN_LANE = {
    "sync": tuple(WAYS),
    "async": tuple(way for way in WAYS if not way.endswith("v2") or " all" in way or "invoke" in way),
    "threads": (ALL, "invoke", "stream values", "stream updates", "stream custom"),
}
"""In which ways each lane is looked at: shapes are the same code in all of them."""


@pytest.mark.parametrize(
    ("case", "lane"),
    [pytest.param(case, lane, id=f"{case.program.__name__}-{lane}") for case in CASES for lane in case.lanes],
)
def test_a_program_shows_the_same(case: Case, lane: str) -> None:
    """Changing ``langgraph`` to ``rxgraph`` in the imports changes nothing that a program can see."""
    compare(case.program, lane, case.differences, IN_LANE[lane], case.counts)
