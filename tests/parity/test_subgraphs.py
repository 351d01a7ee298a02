"""Sessions with graphs inside nodes, each for one rule: the same on LangGraph and on rxgraph.

The name of a program is the claim. ``lg.nested`` also looks at what inner graphs show and keep: ``get_state`` with
``subgraphs=True``, and the history of each namespace. Annotations are evaluated (no postponed ones): many rules read
them.
"""

import asyncio
import operator
import time
from pathlib import Path
from typing import Annotated, TypedDict

import pydantic
import pytest

from tests.parity._sessions import (
    Boom,
    Case,
    Cases,
    Data,
    Full,
    Log,
    Model,
    asks,
    beside,
    calls,
    chain,
    fails,
    fan,
    line,
    say,
    see,
)
from tests.parity._threads import PLAYED, compare

CASES = Cases()
program = CASES.program

MODES = {"inheriting": None, "stateful": True, "stateless": False}
"""The three kinds of ``checkpointer`` that an inner graph is compiled with."""


def each_mode(fn, *differences, **options):
    """Register a program for each kind of inner graph, under a name that tells which."""
    for kind, mode in MODES.items():

        def one(lg, mode=mode):
            return fn(lg, mode)

        one.__name__ = f"{fn.__name__}_{kind}"
        program(*differences, **options)(one)
    return fn


# --- graphs as nodes


@program()
def a_graph_is_a_node(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send({"log": ["again"]})


@program()
def a_graph_is_a_node_without_a_saver(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")), checkpointer=None)
    thread.send({"log": ["i"]})


@program()
def a_graph_is_the_only_node(lg):
    thread = lg.nested(chain(lg, Full, ("child", line(lg, Full, say("s", n=1), see("t")).compile())))
    thread.send({"log": ["i"], "v": "x"})
    thread.send({"n": 2})


@program()
def a_graph_names_its_node(lg):
    child = line(lg, Log, say("s")).compile(name="inner")
    graph = lg.StateGraph(Log).add_node(child).add_edge(lg.START, "inner")
    lg.nested(graph).send({"log": ["i"]})


@program()
def graphs_nest_three_levels(lg):
    leaf = line(lg, Log, say("l1"), say("l2")).compile()
    middle = chain(lg, Log, say("m1"), ("leaf", leaf), say("m2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("middle", middle), say("b")))
    thread.send({"log": []})


@program("inner_input_is_what_it_takes")
def an_inner_graph_with_keys_of_its_own(lg):
    class Inner(TypedDict):
        v: str
        private: Annotated[list, operator.add]

    def s(state):
        return {"private": [dict(state)], "v": state["v"] + "s"}

    def t(state):
        return {"private": ["t"], "v": state["v"] + str(len(state["private"]))}

    thread = lg.nested(chain(lg, Full, see("a"), ("child", line(lg, Inner, s, t).compile()), see("b")))
    thread.send({"log": [], "v": "x", "n": 1})


@program("inner_input_is_what_it_takes")
def an_inner_graph_with_schemas_of_input_and_output(lg):
    class In(TypedDict):
        n: int

    class Out(TypedDict):
        v: str

    class Inner(In, Out):
        between: str

    def s(state):
        return {"between": f"s saw {sorted(state.items())}"}

    def t(state):
        return {"v": state["between"], "n": 7}

    child = line(lg, Inner, s, t, input_schema=In, output_schema=Out).compile()
    lg.nested(chain(lg, Full, say("a", n=2), ("child", child), see("b"))).send({"v": "x"})


@program("inner_input_is_what_it_takes")
def an_inner_graph_that_shares_no_key(lg):
    class Inner(TypedDict):
        other: Annotated[list, operator.add]

    def s(state):
        return {"other": [dict(state)]}

    lg.nested(chain(lg, Log, say("a"), ("child", line(lg, Inner, s).compile()), say("b"))).send({"log": []})


@program()
def an_inner_graph_that_puts_nothing_out(lg):
    class Out(TypedDict):
        v: str

    child = line(lg, Full, say("s"), output_schema=Out).compile()
    lg.nested(chain(lg, Full, say("a"), ("child", child), see("b"))).send({"log": []})


@program()
def an_inner_graph_that_fails_to_write_is_silent(lg):
    def s(state):
        return None

    lg.nested(chain(lg, Full, say("a"), ("child", line(lg, Full, s).compile()), see("b"))).send({"log": [], "n": 3})


@program()
def an_inner_graph_of_dataclasses_and_models(lg):
    def s(state):
        return {"log": [type(state).__name__], "v": state.v + "s"}

    def t(state):
        return {"log": [type(state).__name__], "v": state.v + "t"}

    graph = chain(lg, Data, ("data", line(lg, Data, s).compile()), ("model", line(lg, Model, t).compile()))
    thread = lg.nested(graph)
    thread.send({"log": []})
    thread.send({"v": "x"})


@program("inner_input_is_what_it_takes")
def an_inner_model_refuses_its_input(lg):
    class Strict(pydantic.BaseModel):
        v: int

    def s(state):
        return {"v": state.v}

    thread = lg.nested(chain(lg, Full, say("a"), ("child", line(lg, Strict, s).compile()), see("b")))
    thread.send({"v": "no number"})
    thread.update({"v": "7"}, as_node="a")
    thread.send(None)


@program()
def an_inner_graph_runs_in_every_round_of_a_loop(lg):
    def more(state):
        return "child" if len(state["log"]) < 9 else lg.END

    child = line(lg, Log, say("s")).compile()
    graph = lg.StateGraph(Log).add_node("child", child).add_edge(lg.START, "child")
    graph.add_conditional_edges("child", more)
    lg.nested(graph).send({"log": ["i"]})


@program()
def one_inner_graph_is_two_nodes(lg):
    child = line(lg, Log, say("s")).compile()
    thread = lg.nested(chain(lg, Log, ("one", child), ("two", child)))
    thread.send({"log": ["i"]})


@program()
def inner_graphs_run_side_by_side(lg):
    one, two = (line(lg, Log, say(f"{name}1"), say(f"{name}2")).compile() for name in ("s", "t"))
    thread = lg.nested(beside(lg, Log, ("one", one), ("two", two), then=say("end")))
    thread.send({"log": ["i"]})


@program()
def an_inner_graph_of_several_tasks(lg):
    child = fan(lg, Log, say("s"), say("t"), say("u"), then=say("v")).compile()
    lg.nested(chain(lg, Log, say("a"), ("child", child))).send({"log": []})


@program()
def an_inner_graph_reads_a_bare_value(lg):
    def s(state):
        return [*state, "s"]

    child = lg.StateGraph(Annotated[list, operator.add]).add_node("s", s).add_edge(lg.START, "s").compile()
    outer = lg.StateGraph(Annotated[list, operator.add]).add_node("child", child).add_edge(lg.START, "child")
    lg.nested(outer).send(["i"])


@program()
def an_inner_graph_at_the_end_of_a_branch(lg):
    def which(state):
        return "child" if state["v"] == "x" else "b"

    graph = lg.StateGraph(Full).add_node("child", line(lg, Full, say("s", v="y")).compile()).add_node("b", see("b"))
    graph.add_conditional_edges(lg.START, which, ["child", "b"]).add_edge("child", "b")
    thread = lg.nested(graph)
    thread.send({"v": "x"})
    thread.send({"v": "z"})


# --- graphs called inside nodes


@program()
def a_node_calls_a_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), calls(lg, "call", child), say("b")))
    thread.send({"log": ["i"]})


@program()
def a_node_calls_a_graph_of_another_state(lg):
    class Inner(TypedDict):
        q: str
        r: str

    def s(state):
        return {"r": state["q"] + "!"}

    child = line(lg, Inner, s).compile()
    lg.nested(chain(lg, Log, calls(lg, "call", child, {"q": "one"}))).send({"log": ["i"]})


@program()
def a_node_calls_a_graph_several_times(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, calls(lg, "call", child, {"log": [1]}, {"log": [2]}, {"log": [3]})))
    thread.send({"log": ["i"]})
    thread.send({"log": ["again"]})


@program()
def a_node_calls_two_graphs(lg):
    one, two = (line(lg, Log, say(name)).compile() for name in ("s", "t"))

    def both(state):
        return {"log": [one.invoke({"log": [1]}), two.invoke({"log": [2]}), one.invoke({"log": [3]})]}

    async def both_async(state):
        return {
            "log": [await one.ainvoke({"log": [1]}), await two.ainvoke({"log": [2]}), await one.ainvoke({"log": [3]})]
        }

    lg.nested(chain(lg, Log, ("both", both if lg.lane == "sync" else both_async))).send({"log": []})


@program(lanes=("async",))
def a_node_calls_graphs_at_once(lg):
    child = line(lg, Log, say("s")).compile()

    async def both(state):
        return {"log": list(await asyncio.gather(child.ainvoke({"log": [1]}), child.ainvoke({"log": [2]})))}

    lg.nested(chain(lg, Log, ("both", both)), loose=True).send({"log": []})


@program()
def a_called_graph_calls_a_graph(lg):
    leaf = line(lg, Log, say("l")).compile()
    middle = chain(lg, Log, say("m"), calls(lg, "call", leaf, {"log": [1]}, {"log": [2]})).compile()
    lg.nested(chain(lg, Log, calls(lg, "outer", middle, {"log": ["x"]}, {"log": ["y"]}))).send({"log": []})


@program()
def a_node_calls_a_graph_that_asks(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2"), say("s3")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), calls(lg, "call", child), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("yes")


@program()
def each_of_several_calls_asks(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, calls(lg, "call", child, {"log": [1]}, {"log": [2]}), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.resume("two")


@program("every_answer_is_kept")
def a_node_asks_before_and_after_it_calls(lg):
    child = line(lg, Log, asks(lg, "s")).compile()

    def node(state):
        first = lg.interrupt("first?")
        inner = child.invoke({"log": [first]})
        return {"log": [first, inner, lg.interrupt("last?")]}

    async def coloured(state):
        first = lg.interrupt("first?")
        inner = await child.ainvoke({"log": [first]})
        return {"log": [first, inner, lg.interrupt("last?")]}

    thread = lg.nested(chain(lg, Log, ("node", node if lg.lane == "sync" else coloured), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.resume("two")
    thread.resume("three")


@program()
def a_node_streams_a_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()

    def node(state, writer: lg.StreamWriter):
        for mode, part in child.stream({"log": ["x"]}, stream_mode=["values", "updates"]):
            writer((mode, part))
        return {"log": [list(child.stream({"log": ["y"]}))]}

    async def coloured(state, writer: lg.StreamWriter):
        async for mode, part in child.astream({"log": ["x"]}, stream_mode=["values", "updates"]):
            writer((mode, part))
        return {"log": [[one async for one in child.astream({"log": ["y"]})]]}

    lg.nested(chain(lg, Log, ("node", node if lg.lane == "sync" else coloured))).send({"log": []})


@program()
def a_node_hands_its_config_on(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()

    def node(state, config: lg.RunnableConfig):
        return {"log": [child.invoke({"log": ["x"]}, config), list(child.stream({"log": ["y"]}, config))]}

    async def coloured(state, config: lg.RunnableConfig):
        first = await child.ainvoke({"log": ["x"]}, config)
        return {"log": [first, [one async for one in child.astream({"log": ["y"]}, config)]]}

    thread = lg.nested(chain(lg, Log, ("node", node if lg.lane == "sync" else coloured)))
    thread.send({"log": []})
    thread.resume("one")
    thread.resume("two")


@program()
def a_call_with_a_thread_of_its_own_is_another_run(lg):
    saver = lg.InMemorySaver()
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile(checkpointer=saver)
    thread = lg.nested(
        chain(lg, Log, calls(lg, "call", child, config={"configurable": {"thread_id": "mine"}}), say("b"))
    )
    thread.send({"log": ["i"]})
    thread.note(sorted(one.config["configurable"]["thread_id"] for one in saver.list(None)))


@program()
def an_inner_graph_ignores_its_own_saver(lg):
    saver = lg.InMemorySaver()
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile(checkpointer=saver)
    thread = lg.nested(chain(lg, Log, ("child", child), calls(lg, "call", child)))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.resume("two")
    thread.note(len(list(saver.list(None))))
    bare = lg.nested(chain(lg, Log, ("child", child)), checkpointer=None)
    bare.send({"log": ["i"]})
    bare.note(len(list(saver.list(None))))


# --- what inner graphs keep


def an_inner_graph_over_several_turns(lg, mode):
    child = line(lg, Full, see("s", "n"), say("t", n=1)).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Full, say("a", n=10), ("child", child), see("b", "n")))
    for turn in ("one", "two", "three"):
        thread.send({"log": [turn]})


def an_inner_graph_asks(lg, mode):
    child = line(lg, Log, say("s1"), asks(lg, "s2", "first?", "second?"), say("s3")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.resume("two")
    thread.send({"log": ["again"]})
    thread.resume("three")


def a_called_graph_over_several_turns(lg, mode):
    child = line(lg, Log, say("s"), say("t")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, calls(lg, "call", child, {"log": [1]}, {"log": [2]})))
    for turn in ("one", "two"):
        thread.send({"log": [turn]})


def a_called_graph_asks(lg, mode):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, calls(lg, "call", child, {"log": [1]}, {"log": [2]}), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.resume("two")
    thread.send({"log": ["again"]})


def an_inner_graph_fails(lg, mode):
    child = line(lg, Log, say("s1"), fails(lg, "s2"), say("s3")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.send({"log": ["again"]})


def an_inner_graph_stops_at_its_breakpoints(lg, mode):
    child = line(lg, Log, say("s1"), say("s2"), say("s3"))
    child = child.compile(checkpointer=mode, interrupt_before=["s2"], interrupt_after=["s2"])
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.send(None)
    thread.send(None)


def new_input_while_an_inner_graph_waits(lg, mode):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send({"log": ["other"]})
    thread.resume("x")


def an_inner_graph_under_exit(lg, mode):
    child = line(lg, Log, say("s1"), asks(lg, "s2"), fails(lg, "s3"), say("s4")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]}, durability="exit")
    thread.send(lg.Command(resume="yes"), durability="exit")
    thread.send(None, durability="exit")
    thread.send({"log": ["again"]}, durability="exit")


def an_inner_graph_that_succeeds_under_exit(lg, mode):
    child = line(lg, Log, say("s1"), say("s2")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]}, durability="exit")
    thread.send({"log": ["again"]}, durability="exit")


def a_fork_before_an_inner_graph(lg, mode):
    child = line(lg, Log, say("s1"), asks(lg, "s2"), say("s3")).compile(checkpointer=mode)
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.send(None, thread.at(2))
    thread.resume("two")
    thread.send(None, thread.at(1))


def parallel_inner_graphs_ask(lg, mode):
    one = line(lg, Log, say("s1"), asks(lg, "s2"), say("s3")).compile(checkpointer=mode)
    two = line(lg, Log, say("t1"), asks(lg, "t2", "t?", "u?")).compile(checkpointer=mode)
    thread = lg.nested(beside(lg, Log, ("one", one), ("two", two), then=say("end")))
    thread.send({"log": ["i"]})
    thread.resume("ambiguous")
    thread.resume({thread.id("s2?"): "s"})
    thread.resume({thread.id("t?"): "t"})
    thread.resume("u")


for _each in (
    an_inner_graph_over_several_turns,
    an_inner_graph_asks,
    a_called_graph_over_several_turns,
    a_called_graph_asks,
    an_inner_graph_fails,
    an_inner_graph_stops_at_its_breakpoints,
    new_input_while_an_inner_graph_waits,
    an_inner_graph_under_exit,
    an_inner_graph_that_succeeds_under_exit,
    a_fork_before_an_inner_graph,
    parallel_inner_graphs_ask,
):
    _name = _each.__name__
    each_mode(
        _each,
        *(["every_answer_is_kept"] if "ask" in _name else []),
        *(["a_streamed_parent_is_the_real_one"] if "under_exit" in _name else []),
    )


@program()
def a_root_graph_has_a_saver(lg):
    thread = lg.nested(line(lg, Log, say("a")), checkpointer=True)
    thread.send({"log": []})


@program()
def a_stateful_graph_inside_a_stateful_graph(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2")).compile(checkpointer=True)
    middle = chain(lg, Log, say("m"), ("leaf", leaf)).compile(checkpointer=True)
    thread = lg.nested(chain(lg, Log, ("middle", middle)))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.send({"log": ["again"]})
    thread.resume("two")


@program()
def a_stateful_graph_inside_an_inheriting_one(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2")).compile(checkpointer=True)
    middle = chain(lg, Log, say("m"), ("leaf", leaf)).compile()
    thread = lg.nested(chain(lg, Log, ("middle", middle)))
    thread.send({"log": ["i"]})
    thread.resume("one")
    thread.send({"log": ["again"]})
    thread.resume("two")


@program("parents_are_saved")
def an_inheriting_graph_inside_a_stateless_one(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2")).compile()
    middle = chain(lg, Log, say("m"), ("leaf", leaf)).compile(checkpointer=False)
    thread = lg.nested(chain(lg, Log, ("middle", middle)))
    thread.send({"log": ["i"]})
    thread.resume("one")


@program("parents_are_saved")
def a_stateful_graph_inside_a_stateless_one(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2")).compile(checkpointer=True)
    middle = chain(lg, Log, say("m"), ("leaf", leaf)).compile(checkpointer=False)
    thread = lg.nested(chain(lg, Log, ("middle", middle)))
    thread.send({"log": ["i"]})
    thread.resume("one")


# --- packets to graphs


@program()
def packets_to_an_inner_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()

    def route(state):
        return [lg.Send("child", {"log": [number]}) for number in (1, 2, 3)]

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("child", child).add_node("b", say("b"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", route, ["child"]).add_edge("child", "b")
    lg.nested(graph).send({"log": ["i"]})


@program()
def packets_to_an_inner_graph_that_asks(lg):
    def ask(state):
        return {"log": [lg.interrupt(f"{state['log'][0]}?")]}

    child = line(lg, Log, say("s1"), ask).compile()

    def route(state):
        return [lg.Send("child", {"log": [number]}) for number in (1, 2)]

    graph = lg.StateGraph(Log).add_node("child", child).add_node("b", say("b"))
    graph.add_conditional_edges(lg.START, route, ["child"]).add_edge("child", "b")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})
    thread.resume({thread.id("2?"): "two"})
    thread.resume("one")


@program()
def packets_inside_an_inner_graph(lg):
    def route(state):
        return [lg.Send("s", {"log": [number]}) for number in (1, 2)]

    def s(state):
        return {"log": [("s", state["log"])]}

    child = lg.StateGraph(Log).add_node("s", s).add_conditional_edges(lg.START, route, ["s"]).compile()
    lg.nested(chain(lg, Log, ("child", child), say("b"))).send({"log": ["i"]})


# --- commands to the graph outside


def commanding(lg, name, wait=0.0, **command):
    """A node that commands the graph outside, perhaps after its siblings are done."""

    def node(state):
        time.sleep(wait)
        return lg.Command(graph=lg.Command.PARENT, **command)

    async def coloured(state):
        await asyncio.sleep(wait)
        return lg.Command(graph=lg.Command.PARENT, **command)

    node.__name__ = coloured.__name__ = name
    return node if lg.lane == "sync" else coloured


@program()
def a_command_to_the_parent_goes_to_its_node(lg):
    child = line(lg, Log, say("s1"), commanding(lg, "s2", goto="b"), say("s3")).compile()
    graph = lg.StateGraph(Log).add_node("child", child).add_node("b", say("b")).add_node("c", say("c"))
    graph.add_edge(lg.START, "child").add_edge("b", "c")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})
    thread.send({"log": ["again"]})


@program()
def a_command_to_the_parent_updates_it(lg):
    child = line(
        lg, Full, say("s1", v="lost"), commanding(lg, "s2", update={"log": ["up"], "v": "up", "n": 3})
    ).compile()
    lg.nested(chain(lg, Full, say("a", n=1), ("child", child), see("b"))).send({"log": ["i"]})


@program()
def a_command_to_the_parent_goes_and_updates_and_the_edges_fire_too(lg):
    child = line(lg, Full, commanding(lg, "s", goto=["b", "c"], update=[("log", ["one"]), ("log", ["two"])])).compile()
    graph = lg.StateGraph(Full).add_node("child", child)
    for name in ("after", "b", "c"):
        graph.add_node(name, see(name))
    graph.add_edge(lg.START, "child").add_edge("child", "after")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_command_to_the_parent_sends_packets(lg):
    packets = [lg.Send("b", {"log": [], "v": "one"}), lg.Send("b", {"log": [], "v": "two"})]
    child = line(lg, Full, commanding(lg, "s", goto=packets, update={"v": "up"})).compile()
    graph = lg.StateGraph(Full).add_node("child", child).add_node("b", see("b")).add_edge(lg.START, "child")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_command_from_two_levels_down_reaches_the_middle(lg):
    leaf = line(lg, Log, commanding(lg, "l", goto="m2", update={"log": ["from the leaf"]})).compile()
    middle = lg.StateGraph(Log).add_node("leaf", leaf).add_node("m1", say("m1")).add_node("m2", say("m2"))
    middle = middle.add_edge(lg.START, "leaf").add_edge("leaf", "m1").compile()
    lg.nested(chain(lg, Log, ("middle", middle), say("b"))).send({"log": ["i"]})


@program()
def commands_climb_from_level_to_level(lg):
    leaf = line(lg, Log, commanding(lg, "l", goto="m2", update={"log": ["from the leaf"]})).compile()
    middle = lg.StateGraph(Log).add_node("leaf", leaf)
    middle.add_node("m2", commanding(lg, "m2", goto="c", update={"log": ["from the middle"]}))
    middle = middle.add_edge(lg.START, "leaf").compile()
    graph = lg.StateGraph(Log).add_node("middle", middle).add_node("c", say("c")).add_edge(lg.START, "middle")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_command_to_the_parent_from_a_called_graph(lg):
    child = line(lg, Log, say("s1"), commanding(lg, "s2", goto="b", update={"log": ["up"]})).compile()
    graph = lg.StateGraph(Log).add_node("call", calls(lg, "call", child)).add_node("b", say("b"))
    graph.add_node("after", say("after")).add_edge(lg.START, "call").add_edge("call", "after")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_command_to_the_parent_among_other_commands(lg):
    def s(state):
        return [lg.Command(update={"log": ["mine"]}), lg.Command(graph=lg.Command.PARENT, update={"log": ["yours"]})]

    child = line(lg, Log, s, say("t")).compile()
    lg.nested(chain(lg, Log, ("child", child), say("b"))).send({"log": ["i"]})


@program()
def a_command_to_the_parent_at_the_root_escapes(lg):
    thread = lg.nested(line(lg, Log, say("a"), commanding(lg, "b", goto="a", update={"log": ["up"]})))
    thread.send({"log": ["i"]})
    thread.send(None)


@program("unknown_target_warns")
def a_command_to_an_unknown_node_of_the_parent(lg):
    child = line(lg, Log, commanding(lg, "s", goto="nowhere", update={"log": ["up"]})).compile()
    lg.nested(chain(lg, Log, ("child", child), say("b"))).send({"log": ["i"]})


@program()
def a_command_to_the_parent_while_siblings_run(lg):
    child = line(lg, Log, commanding(lg, "s", goto="c", update={"log": ["up"]})).compile()
    graph = beside(lg, Log, ("child", child), say("b")).add_node("c", say("c"))
    lg.nested(graph).send({"log": ["i"]})


@program()
def siblings_inside_do_not_outlive_a_command_to_the_parent(lg):
    child = fan(lg, Log, commanding(lg, "s", wait=0.1, goto="c", update={"log": ["up"]}), say("t")).compile()
    graph = lg.StateGraph(Log).add_node("child", child).add_node("c", say("c")).add_edge(lg.START, "child")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})


@program()
def a_command_to_the_parent_after_an_answer(lg):
    def s(state):
        return lg.Command(graph=lg.Command.PARENT, goto=lg.interrupt("where?"), update={"log": ["up"]})

    child = line(lg, Log, say("s0"), s).compile()
    graph = lg.StateGraph(Log).add_node("child", child).add_node("b", say("b")).add_node("c", say("c"))
    thread = lg.nested(graph.add_edge(lg.START, "child"))
    thread.send({"log": ["i"]})
    thread.resume("c")
    thread.send({"log": ["again"]})
    thread.resume("b")


def a_command_to_the_parent_leaves_behind(lg, mode):
    child = line(lg, Log, say("s1"), commanding(lg, "s2", goto="b", update={"log": ["up"]})).compile(checkpointer=mode)
    graph = lg.StateGraph(Log).add_node("child", child).add_node("b", say("b")).add_edge(lg.START, "child")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})
    thread.send({"log": ["again"]})


each_mode(a_command_to_the_parent_leaves_behind)


@program()
def a_command_to_the_parent_that_conflicts(lg):
    class State(TypedDict):
        v: str

    def b(state):
        return {"v": "b"}

    child = line(lg, State, commanding(lg, "s", update={"v": "up"})).compile()
    lg.nested(beside(lg, State, ("child", child), b)).send({"v": "i"})


# --- questions and breakpoints


@program("every_answer_is_kept")
def a_question_three_levels_down(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2", "one?", "two?"), say("l3")).compile()
    middle = chain(lg, Log, say("m1"), ("leaf", leaf), say("m2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("middle", middle), say("b")))
    thread.send({"log": ["i"]})
    thread.state(thread.inside("middle", "leaf"))
    thread.resume("1")
    thread.resume("2")


@program()
def questions_of_an_inner_graph_and_of_its_sibling(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(beside(lg, Log, ("child", child), asks(lg, "b"), say("c"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.resume({thread.id("b?"): "b"})
    thread.resume({thread.id("s2?"): "s"})


@program()
def two_questions_inside_one_inner_graph(lg):
    child = fan(lg, Log, asks(lg, "s"), asks(lg, "t"), say("u"), then=say("v")).compile()
    thread = lg.nested(chain(lg, Log, ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("ambiguous")
    thread.resume({thread.id("t?"): "t"})
    thread.resume("s")


@program()
def all_answers_at_once(lg):
    one = line(lg, Log, asks(lg, "s")).compile()
    two = fan(lg, Log, asks(lg, "t"), asks(lg, "u")).compile()
    thread = lg.nested(beside(lg, Log, ("one", one), ("two", two), asks(lg, "c"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.resume({thread.id(f"{name}?"): name for name in ("s", "t", "u", "c")})


@program()
def none_asks_an_inner_question_again(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.resume("x")
    thread.send(None)


@program()
def a_question_inside_without_a_saver(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")), checkpointer=None)
    thread.send({"log": ["i"]})
    thread.resume("x")


@program()
def breakpoints_around_an_inner_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(
        chain(lg, Log, say("a"), ("child", child), say("b")), interrupt_before=["child"], interrupt_after="*"
    )
    thread.send({"log": ["i"]})
    for _ in range(4):
        thread.send(None)


@program()
def breakpoints_of_a_call_do_not_reach_inner_graphs(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]}, interrupt_before=["s2"], interrupt_after=["child"])
    thread.send(None, interrupt_before="*")
    thread.send(None)


@program()
def breakpoints_of_parallel_inner_graphs(lg):
    one = line(lg, Log, say("s1"), say("s2")).compile(interrupt_before=["s2"])
    two = line(lg, Log, say("t1"), asks(lg, "t2")).compile(interrupt_after=["t1"])
    thread = lg.nested(beside(lg, Log, ("one", one), ("two", two), say("c"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.resume("x")


@program()
def a_breakpoint_two_levels_down(lg):
    leaf = line(lg, Log, say("l1"), say("l2")).compile(interrupt_before=["l2"])
    middle = chain(lg, Log, say("m1"), ("leaf", leaf), say("m2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("middle", middle), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_breakpoint_of_a_called_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile(interrupt_before=["s2"])
    thread = lg.nested(chain(lg, Log, say("a"), calls(lg, "call", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


# --- states, updates and time travel inside


@program()
def an_update_inside(lg):
    child = line(lg, Full, say("s1", v="s"), asks(lg, "s2"), see("s3")).compile()
    thread = lg.nested(chain(lg, Full, say("a"), ("child", child), see("b")))
    thread.send({"log": ["i"]})
    inside = thread.inside("child")
    thread.state(inside)
    thread.history(inside)
    thread.update({"v": "updated", "n": 5}, config=inside)
    thread.state(inside)
    thread.resume("x")


@program()
def an_update_inside_as_a_node(lg):
    child = line(lg, Full, say("s1"), asks(lg, "s2"), see("s3")).compile()
    thread = lg.nested(chain(lg, Full, say("a"), ("child", child), see("b")))
    thread.send({"log": ["i"]})
    thread.update({"log": ["instead"]}, as_node="s2", config=thread.inside("child"))
    thread.send(None)


@program()
def an_update_two_levels_down(lg):
    leaf = line(lg, Log, say("l1"), asks(lg, "l2"), say("l3")).compile()
    middle = chain(lg, Log, say("m1"), ("leaf", leaf)).compile()
    thread = lg.nested(chain(lg, Log, ("middle", middle), say("b")))
    thread.send({"log": ["i"]})
    thread.update({"log": ["in the leaf"]}, config=thread.inside("middle", "leaf"))
    thread.update({"log": ["in the middle"]}, config=thread.inside("middle"))
    thread.resume("x")
    thread.send(None)


@program()
def an_update_of_the_parent_while_the_inner_graph_waits(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.update({"log": ["outside"]})
    thread.resume("x")
    thread.send(None)


@program()
def an_update_as_the_inner_graph(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.update({"log": ["as the child"]}, as_node="child")
    thread.send(None)


@program()
def a_stateful_graph_is_updated_between_turns(lg):
    child = line(lg, Full, see("s", "n", "v"), say("t", n=1)).compile(checkpointer=True)
    thread = lg.nested(chain(lg, Full, say("a"), ("child", child)))
    thread.send({"log": ["one"], "v": "x"})
    inside = {"configurable": {"thread_id": "1", "checkpoint_ns": "child"}}
    thread.state(inside)
    thread.history(inside)
    thread.update({"n": 40}, as_node="t", config=inside)
    thread.update({"n": 2}, config=inside)
    thread.send({"log": ["two"]})


@program()
def a_namespace_that_is_not_there(lg):
    child = line(lg, Log, say("s1")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child)))
    thread.send({"log": ["one"]})
    for name in ("child", "child:00000000-0000-0000-0000-000000000001", "other", "child|deeper"):
        config = {"configurable": {"thread_id": "1", "checkpoint_ns": name}}
        thread.state(config)
        thread.history(config)
        thread.update({"log": ["u"]}, config=config)


@program()
def a_fork_inside(lg):
    child = line(lg, Log, say("s1"), say("s2"), asks(lg, "s3"), say("s4")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    inside = thread.inside("child")
    thread.send(None, thread.at(2, inside))
    thread.resume("x")


@program()
def an_answer_at_an_old_checkpoint_inside(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2"), say("s3")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    inside = thread.inside("child")
    old = thread.at(-1, inside)
    thread.resume("x")
    thread.resume("y", old)


@program()
def an_answer_where_packets_to_an_inner_graph_were_answered(lg):
    def s2(state):
        return {"log": [lg.interrupt(f"s{state['log'][0]}?")]}

    child = line(lg, Log, say("s1"), s2, say("s3")).compile()

    def a(state):
        return lg.Command(goto=[lg.Send("child", {"log": [number]}) for number in range(2)])

    graph = lg.StateGraph(Log).add_node("a", a).add_edge(lg.START, "a").add_node("child", child).add_node("b", say("b"))
    thread = lg.nested(graph.add_edge("a", "b").add_edge("child", "b"))
    thread.send({"log": ["i"]})
    thread.resume({one.id: "x" for one in thread.state().interrupts})
    thread.resume("y", thread.at(2))
    thread.send(None, thread.at(2))
    thread.resume({one.id: "z" for one in thread.state().interrupts})


@program()
def an_update_at_an_old_checkpoint_inside(lg):
    child = line(lg, Log, say("s1"), say("s2"), asks(lg, "s3"), say("s4")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    config = thread.update({"log": ["u"]}, as_node="s1", config=thread.at(2, thread.inside("child")))
    thread.send(None, config)
    thread.resume("x")


@program()
def a_fork_of_the_parent_with_an_inner_graph_that_finished(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    for place in (1, 2, 3):
        thread.send(None, thread.at(place))


@program()
def a_fork_before_a_stateful_graph_of_several_turns(lg):
    child = line(lg, Full, see("s", "n"), say("t", n=1)).compile(checkpointer=True)
    thread = lg.nested(chain(lg, Full, say("a"), ("child", child), say("b")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.send(None, thread.at(2))
    thread.send({"log": ["three"]})


@program()
def a_copy_of_a_checkpoint_before_an_inner_graph(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("x")
    thread.update(None, as_node="__copy__", config=thread.at(2))
    thread.send(None)
    thread.resume("y")


# --- what inner graphs show


@program()
def custom_events_of_inner_graphs(lg):
    def s(state, writer: lg.StreamWriter):
        writer("s")
        lg.get_stream_writer()("s again")
        return {"log": ["s"]}

    child = line(lg, Log, s).compile()

    def a(state, writer: lg.StreamWriter):
        writer("a")
        return {"log": ["a"]}

    lg.nested(chain(lg, Log, a, ("child", child), calls(lg, "call", child))).send({"log": []})


@program()
def prints_of_inner_graphs(lg):
    leaf = line(lg, Log, say("l")).compile()
    child = chain(lg, Log, say("s"), ("leaf", leaf)).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child)))
    thread.send({"log": []}, print_mode=["values", "updates"])
    thread.send({"log": []}, print_mode="tasks")


@program()
def output_keys_are_the_root_graphs(lg):
    child = line(lg, Full, say("s", v="s", n=1)).compile()
    thread = lg.nested(chain(lg, Full, say("a"), ("child", child), say("b")))
    thread.send({"log": []}, output_keys="v")
    thread.send({"log": []}, output_keys=["n", "v"])


# --- what inner graphs inherit


def shows_config(lg, name):
    """A node that logs what of its configuration a user knows about."""

    def node(state, config: lg.RunnableConfig):
        mine = {key: value for key, value in config["configurable"].items() if not key.startswith("__")}
        metadata = {key: value for key, value in config["metadata"].items() if not key.startswith(("ls_", "lc_"))}
        return {"log": [(name, sorted(mine), mine.get("user"), sorted(metadata.items()), config["recursion_limit"])]}

    node.__name__ = name
    return node


@program()
def configurable_and_metadata_are_inherited(lg):
    child = line(lg, Log, shows_config(lg, "s")).compile()
    thread = lg.nested(chain(lg, Log, shows_config(lg, "a"), ("child", child), calls(lg, "call", child)))
    thread.send({"log": []}, {"configurable": {"user": "me"}, "metadata": {"m": 1}, "recursion_limit": 17})


@program("an_address_is_only_an_address")
def tags_are_inherited(lg):
    def s(state, config: lg.RunnableConfig):
        return {"log": [[tag for tag in config["tags"] if not tag.startswith(("graph:", "seq:"))]]}

    child = line(lg, Log, s).compile()
    bound = line(lg, Log, s).compile().with_config(tags=["bound"], metadata={"b": 1}, configurable={"c": 2})
    lg.nested(chain(lg, Log, ("child", child), ("bound", bound))).send({"log": []}, {"tags": ["t"]})


@program()
def a_call_adds_to_the_config(lg):
    child = line(lg, Log, shows_config(lg, "s")).compile()
    config = {"configurable": {"user": "you"}, "metadata": {"m": 2, "k": 3}, "recursion_limit": 9, "tags": ["u"]}
    thread = lg.nested(chain(lg, Log, shows_config(lg, "a"), calls(lg, "call", child, config=config)))
    thread.send({"log": []}, {"configurable": {"user": "me"}, "metadata": {"m": 1}, "recursion_limit": 17})


@program()
def the_context_is_inherited(lg):
    def s(state, runtime: lg.Runtime):
        return {"log": [runtime.context, lg.get_runtime().context]}

    child = line(lg, Log, s, context_schema=dict).compile()
    graph = chain(
        lg, Log, ("child", child), calls(lg, "same", child), calls(lg, "other", child, context={"who": "you"}),
        context_schema=dict,
    )  # fmt: skip
    thread = lg.nested(graph)
    thread.send({"log": []}, context={"who": "me"})
    thread.send({"log": []})


@program()
def the_store_is_inherited(lg):
    def s(state, runtime: lg.Runtime):
        runtime.store.put(("n",), "k", {"seen": len(state["log"])})
        return {"log": [lg.get_store().get(("n",), "k").value]}

    async def coloured(state, runtime: lg.Runtime):
        await runtime.store.aput(("n",), "k", {"seen": len(state["log"])})
        return {"log": [(await lg.get_store().aget(("n",), "k")).value]}

    child = chain(lg, Log, ("s", s if lg.lane == "sync" else coloured)).compile()
    store = lg.InMemoryStore()
    thread = lg.nested(chain(lg, Log, ("child", child), calls(lg, "call", child)), store=store)
    thread.send({"log": []})
    thread.note([item.value for item in store.search(("n",))])


@program()
def an_inner_graph_ignores_its_own_store(lg):
    def s(state, runtime: lg.Runtime):
        return {"log": [runtime.store is None]}

    child = line(lg, Log, s).compile(store=lg.InMemoryStore())
    lg.nested(chain(lg, Log, ("child", child), calls(lg, "call", child))).send({"log": []})


@program()
def an_inner_graph_has_the_limit_of_its_parent_for_itself(lg):
    child = line(lg, Log, say("s1"), say("s2"), say("s3")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": []}, {"recursion_limit": 4})
    thread.send({"log": []}, {"recursion_limit": 3})
    thread.send(None, {"recursion_limit": 10})


@program()
def an_inner_graph_counts_its_own_steps(lg):
    def s(state):
        return {"log": [("s", state["remaining"])]}

    class Steps(TypedDict):
        log: Annotated[list, operator.add]
        remaining: lg.managed.RemainingSteps

    child = line(lg, Steps, s).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), calls(lg, "call", child)))
    thread.send({"log": []}, {"recursion_limit": 6})
    thread.send({"log": []}, {"recursion_limit": 6})


# --- failures inside


@program()
def a_failure_two_levels_down(lg):
    leaf = line(lg, Log, say("l1"), fails(lg, "l2", times=2), say("l3")).compile()
    middle = chain(lg, Log, say("m1"), ("leaf", leaf), say("m2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("middle", middle), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.send(None)


@program()
def a_failure_in_a_called_graph(lg):
    child = line(lg, Log, say("s1"), fails(lg, "s2"), say("s3")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), calls(lg, "call", child, {"log": [1]}, {"log": [2]}), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_failure_beside_a_finished_inner_graph(lg):
    child = line(lg, Log, say("s1"), say("s2")).compile()
    thread = lg.nested(beside(lg, Log, ("child", child), fails(lg, "b", wait=0.15), then=say("end")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_failure_beside_a_question_inside(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    thread = lg.nested(beside(lg, Log, ("child", child), fails(lg, "b", wait=0.15), then=say("end")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.resume("x")


@program()
def a_retry_begins_the_inner_graph_anew(lg):
    child = line(lg, Log, say("s1"), fails(lg, "s2"), say("s3")).compile()
    policy = lg.RetryPolicy(initial_interval=0.001, jitter=False, retry_on=Boom)
    graph = lg.StateGraph(Log).add_node("child", child, retry_policy=policy).add_edge(lg.START, "child")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_retry_inside(lg):
    policy = lg.RetryPolicy(initial_interval=0.001, jitter=False, retry_on=Boom)
    child = lg.StateGraph(Log).add_node("s", fails(lg, "s"), retry_policy=policy).add_edge(lg.START, "s").compile()
    lg.nested(chain(lg, Log, ("child", child), say("b"))).send({"log": ["i"]})


@program()
def a_node_catches_the_failure_of_a_called_graph(lg):
    child = line(lg, Log, say("s1"), fails(lg, "s2")).compile()

    def node(state):
        try:
            child.invoke({"log": []})
        except Boom as error:
            return {"log": [f"caught {error}", child.invoke({"log": [2]})]}

    async def coloured(state):
        try:
            await child.ainvoke({"log": []})
        except Boom as error:
            return {"log": [f"caught {error}", await child.ainvoke({"log": [2]})]}

    lg.nested(chain(lg, Log, ("node", node if lg.lane == "sync" else coloured))).send({"log": []})


@program()
def a_conflict_inside(lg):
    class State(TypedDict):
        v: str

    def s(state):
        return {"v": "s"}

    def t(state):
        return {"v": "t"}

    thread = lg.nested(chain(lg, State, ("child", fan(lg, State, s, t).compile())))
    thread.send({"v": "i"})


# --- what graphs know about their inner graphs


@program()
def inner_graphs_are_listed(lg):
    leaf = line(lg, Log, say("l")).compile()
    middle = chain(lg, Log, ("leaf", leaf), calls(lg, "call", leaf)).compile()
    apart = line(lg, Log, say("s")).compile(checkpointer=False)
    graph = chain(lg, Log, say("a"), ("middle", middle), ("apart", apart), calls(lg, "calls_apart", apart))
    thread = lg.nested(graph.add_node("calls_leaf", calls(lg, "calls_leaf", leaf)))
    thread.note([(name, list(inner.nodes)) for name, inner in thread.graph.get_subgraphs()])
    thread.note([name for name, _ in thread.graph.get_subgraphs(recurse=True)])
    for name in ("middle", "middle|leaf", "leaf", "apart", ""):
        thread.note((name, [found for found, _ in thread.graph.get_subgraphs(namespace=name)]))
        thread.note((name, [found for found, _ in thread.graph.get_subgraphs(namespace=name, recurse=True)]))


@pytest.mark.parametrize("way", PLAYED)
@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
