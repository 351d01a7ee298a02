"""Sessions in which nodes fail, each for one rule: retries, time limits and error handlers, the same on both runtimes.

The name of a program is the claim. Annotations are evaluated (no postponed ones): many rules read them.
"""

import asyncio
import operator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypedDict

import pytest

from tests.parity._sessions import (
    Boom,
    Case,
    Cases,
    Full,
    Log,
    asks,
    beside,
    calls,
    chain,
    fails,
    fan,
    line,
    naps,
    raises,
    say,
    see,
)
from tests.parity._threads import PLAYED, compare

CASES = Cases()
program = CASES.program
ASYNC = ("async",)


def alone(lg, schema, node, **options):
    """A graph of one node with options of its own."""
    name = node if isinstance(node, str) else node.__name__
    return lg.StateGraph(schema).add_node(name, node, **options).add_edge(lg.START, name)


def policy(lg, **options):
    """One that waits a fixed time."""
    return lg.RetryPolicy(**{"jitter": False, "retry_on": Boom, **options})


# --- retries


@program()
def a_node_is_retried_until_it_works(lg):
    seen = []
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), Boom(2), seen=seen), retry_policy=policy(lg)))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note((seen, seconds))


@program()
def retries_are_used_up(lg):
    seen = []
    errors = [Boom(number) for number in range(5)]
    thread = lg.thread(alone(lg, Log, raises("a", *errors, seen=seen), retry_policy=policy(lg, max_attempts=2)))
    with naps() as seconds:
        thread.send({"log": ["i"]})
        thread.note((seen, seconds))
        thread.send(None)
        thread.note((seen, seconds))
        thread.send(None)
        thread.note((seen, seconds))


@program()
def the_waits_grow_up_to_a_maximum(lg):
    errors = [Boom(number) for number in range(5)]
    growing = policy(lg, initial_interval=0.25, backoff_factor=3.0, max_interval=5.0, max_attempts=6)
    thread = lg.thread(alone(lg, Log, raises("a", *errors), retry_policy=growing))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note(seconds)


@program()
def the_first_wait_may_be_longer_than_the_maximum(lg):
    growing = policy(lg, initial_interval=9.0, max_interval=2.0)
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), Boom(2)), retry_policy=growing))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note(seconds)


@program()
def jitter_adds_up_to_a_second(lg):
    jittery = policy(lg, initial_interval=2.0, jitter=True)
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), Boom(2)), retry_policy=jittery))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note([len(seconds), [least <= one <= least + 1 for least, one in zip((2, 4), seconds, strict=True)]])


@program()
def one_attempt_is_no_retry(lg):
    seen = []
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), seen=seen), retry_policy=policy(lg, max_attempts=1)))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note((seen, seconds))


@program()
def what_is_retried_is_a_class_a_sequence_or_a_predicate(lg):
    class Worse(Boom):
        pass

    kinds = (Boom, (KeyError, Boom), [Boom], KeyError, lambda error: error.args == (1,), lambda error: False)
    for retry_on in kinds:
        seen = []
        node = raises("a", Worse(1), Worse(2), seen=seen)
        thread = lg.thread(alone(lg, Log, node, retry_policy=policy(lg, retry_on=retry_on)))
        with naps():
            thread.send({"log": ["i"]})
        thread.note(seen)


@program()
def nothing_is_retried(lg):
    seen = []
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), seen=seen), retry_policy=policy(lg, retry_on=())))
    with naps():
        thread.send({"log": ["i"]})
    thread.note(seen)


@program()
def what_is_retried_by_default(lg):
    class Own(Exception):
        pass

    class OwnValueError(ValueError):
        pass

    kinds = (
        *(Own, OwnValueError, ValueError, TypeError, ArithmeticError, ZeroDivisionError, ImportError, LookupError),
        *(KeyError, NameError, SyntaxError, RuntimeError, NotImplementedError, RecursionError, ReferenceError, OSError),
        *(FileNotFoundError, TimeoutError, ConnectionError, ConnectionResetError, BrokenPipeError, PermissionError),
        *(AttributeError, AssertionError, EOFError, MemoryError, BufferError, UnicodeError, InterruptedError),
        *(lg.errors.InvalidUpdateError, lg.errors.GraphRecursionError, lg.errors.EmptyInputError),
    )
    note = []
    for kind in kinds:
        seen = []
        graph = alone(lg, Log, raises("a", kind("x"), seen=seen), retry_policy=lg.RetryPolicy(jitter=False))
        thread = lg.thread(graph)
        with naps():
            thread.send({"log": ["i"]})
        note.append((kind.__name__, len(seen)))
    thread.note(note)


@program()
def the_first_policy_that_matches_decides(lg):
    policies = [
        policy(lg, retry_on=KeyError, initial_interval=1.0, max_attempts=2),
        policy(lg, retry_on=(Boom, KeyError), initial_interval=2.0, max_attempts=4),
    ]
    for errors in (
        (Boom(1), Boom(2), Boom(3)),
        (KeyError(1), KeyError(2)),
        (Boom(1), KeyError(2)),
        (KeyError(1), Boom(2)),
    ):
        seen = []
        thread = lg.thread(alone(lg, Log, raises("a", *errors, seen=seen), retry_policy=policies))
        with naps() as seconds:
            thread.send({"log": ["i"]})
        thread.note((seen, seconds))


@program()
def defaults_hold_where_a_node_says_nothing(lg):
    seen = []
    graph = lg.StateGraph(Log).set_node_defaults(retry_policy=policy(lg, initial_interval=1.0))
    graph.add_node("a", raises("a", Boom(1), seen=seen))
    graph.add_node("b", raises("b", Boom(1), KeyError(2), seen=seen), retry_policy=policy(lg, retry_on=KeyError))
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge("a", "b"))
    with naps() as seconds:
        thread.send({"log": ["i"]})
        thread.send(None)
    thread.note((seen, seconds))


@program()
def defaults_hold_for_nodes_that_were_there_before(lg):
    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1))).add_edge(lg.START, "a")
    thread = lg.thread(graph.set_node_defaults(retry_policy=policy(lg)))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note(seconds)


@program()
def defaults_do_not_reach_inner_graphs(lg):
    child = line(lg, Log, say("s0"), raises("s", Boom(1))).compile()
    graph = lg.StateGraph(Log).set_node_defaults(retry_policy=policy(lg)).add_node("child", child)
    thread = lg.nested(graph.add_edge(lg.START, "child"))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note(seconds)


@program()
def an_attempt_knows_its_number(lg):
    def a(state, runtime: lg.Runtime):
        info = runtime.execution_info
        numbers.append((info.node_attempt, info.node_first_attempt_time is not None))
        if info.node_attempt < 3:
            raise Boom(info.node_attempt)
        return {"log": [f"attempt {info.node_attempt}"]}

    numbers = []
    thread = lg.thread(alone(lg, Log, a, retry_policy=policy(lg)))
    with naps():
        thread.send({"log": ["i"]})
    thread.note(numbers)


@program()
def custom_events_of_failed_attempts_stay(lg):
    def a(state, runtime: lg.Runtime, writer: lg.StreamWriter):
        writer(f"attempt {runtime.execution_info.node_attempt}")
        if runtime.execution_info.node_attempt < 3:
            raise Boom(runtime.execution_info.node_attempt)
        return {"log": ["a"]}

    thread = lg.thread(alone(lg, Log, a, retry_policy=policy(lg)))
    with naps():
        thread.send({"log": ["i"]})


@program()
def a_generator_is_retried(lg):
    attempts = []

    def a(state):
        attempts.append(1)
        yield {"log": ["lost"]}
        if len(attempts) < 2:
            raise Boom("half way")
        yield {"log": ["kept"]}

    thread = lg.thread(alone(lg, Log, a, retry_policy=policy(lg)))
    with naps():
        thread.send({"log": ["i"]})


@program()
def a_retried_node_among_others(lg):
    graph = lg.StateGraph(Log)
    for name in ("a", "b", "c"):
        graph.add_node(name, raises(name, *([Boom(1)] if name == "b" else [])), retry_policy=policy(lg))
        graph.add_edge(lg.START, name).add_edge(name, "end")
    thread = lg.thread(graph.add_node("end", say("end")))
    with naps():
        thread.send({"log": ["i"]})


@program()
def packets_are_retried(lg):
    left = [Boom("once")]

    def a(state):
        if state["log"] == [2] and left:
            raise left.pop()
        return {"log": [("a", state["log"])]}

    def route(state):
        return [lg.Send("a", {"log": [number]}) for number in (1, 2, 3)]

    graph = lg.StateGraph(Log).add_node("a", a, retry_policy=policy(lg)).add_conditional_edges(lg.START, route, ["a"])
    thread = lg.thread(graph)
    with naps():
        thread.send({"log": []})


@program("every_answer_is_kept")
def answers_are_given_again_to_a_retried_node(lg):
    left = [Boom("once")]

    def a(state):
        first = lg.interrupt("first?")
        if first == "one" and left:
            raise left.pop()
        return {"log": [first, lg.interrupt("second?")]}

    thread = lg.thread(chain(lg, Log, say("z"), ("a", a)))
    thread.use(lg.StateGraph(Log).add_node("a", a, retry_policy=policy(lg)).add_edge(lg.START, "a"))
    with naps():
        thread.send({"log": ["i"]})
        thread.resume("one")
        thread.resume("two")


@program()
def a_question_is_no_failure(lg):
    seen = []

    def a(state):
        seen.append("a")
        return {"log": [lg.interrupt("a?")]}

    thread = lg.thread(alone(lg, Log, a, retry_policy=policy(lg, retry_on=Exception)))
    with naps():
        thread.send({"log": ["i"]})
        thread.resume("x")
    thread.note(seen)


@program()
def a_command_to_the_parent_is_no_failure(lg):
    seen = []

    def s(state):
        seen.append("s")
        return lg.Command(graph=lg.Command.PARENT, update={"log": ["up"]})

    child = alone(lg, Log, s, retry_policy=policy(lg, retry_on=Exception)).compile()
    graph = lg.StateGraph(Log).add_node("child", child, retry_policy=policy(lg, retry_on=Exception))
    thread = lg.nested(graph.add_edge(lg.START, "child"))
    with naps():
        thread.send({"log": ["i"]})
    thread.note(seen)


@program()
def a_retried_node_is_cached_once_it_works(lg):
    seen = []
    node = raises("a", Boom(1), seen=seen)
    graph = alone(lg, Log, node, retry_policy=policy(lg), cache_policy=lg.CachePolicy(key_func=str))
    thread = lg.thread(graph, cache=lg.InMemoryCache(), checkpointer=None)
    with naps():
        thread.send({"log": ["i"]})
        thread.send({"log": ["i"]})
    thread.note(seen)


@program()
def a_wrong_update_is_retried(lg):
    answers = ["no update", {"log": ["a"]}]

    def a(state):
        return answers.pop(0)

    thread = lg.thread(alone(lg, Log, a, retry_policy=policy(lg, retry_on=Exception)))
    with naps():
        thread.send({"log": ["i"]})


@program()
def a_failing_branch_is_retried_with_its_node(lg):
    seen = []
    left = [Boom("once")]

    def which(state):
        if left:
            raise left.pop()
        return lg.END

    graph = alone(lg, Log, raises("a", seen=seen), retry_policy=policy(lg)).add_conditional_edges("a", which)
    thread = lg.thread(graph)
    with naps():
        thread.send({"log": ["i"]})
    thread.note(seen)


@program()
def retries_of_a_graph_called_by_a_node(lg):
    child = line(lg, Log, say("s1"), raises("s2", Boom(1)), say("s3")).compile()
    graph = lg.StateGraph(Log).add_node("call", calls(lg, "call", child), retry_policy=policy(lg))
    thread = lg.nested(graph.add_edge(lg.START, "call"))
    with naps():
        thread.send({"log": ["i"]})


@program()
def retries_inside_and_outside(lg):
    seen = []
    errors = [Boom(number) for number in range(3)]
    child = alone(lg, Log, raises("s", *errors, seen=seen), retry_policy=policy(lg, max_attempts=2)).compile()
    graph = lg.StateGraph(Log).add_node("child", child, retry_policy=policy(lg, initial_interval=7.0))
    thread = lg.nested(graph.add_edge(lg.START, "child"))
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note((seen, seconds))


# --- error handlers


def rescue(*names, **more):
    """A handler that logs the names, and which node failed of what."""

    def handler(state, error):
        return {"log": [*names, error.node, repr(error.error)], **more}

    return handler


def handled(lg, **more):
    """The same with its parameter annotated."""

    def handler(state, error: lg.NodeError):
        return {"log": ["handled", error.node, repr(error.error)], **more}

    return handler


@program()
def a_handler_stands_in_for_its_node(lg):
    graph = lg.StateGraph(Full).add_node("a", raises("a", Boom(1)), error_handler=handled(lg, v="h"))
    graph.add_node("b", see("b")).add_edge(lg.START, "a").add_edge("a", "b")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.send({"log": ["again"]})


@program()
def a_handler_is_not_needed(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a"), error_handler=handled(lg)).add_edge(lg.START, "a")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.note(sorted(thread.graph.nodes))


@program()
def a_handler_that_only_takes_the_state(lg):
    def handler(state):
        return {"log": ["handled", len(state["log"])]}

    thread = lg.thread(alone(lg, Log, raises("a", Boom(1)), error_handler=handler))
    thread.send({"log": ["i"]})


@program()
def a_handler_whose_parameter_is_not_annotated(lg):
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1)), error_handler=rescue("plain")))
    thread.send({"log": ["i"]})


@program("custom_events_of_tasks_are_their_graphs")
def a_handler_takes_what_nodes_take(lg):
    def handler(state, error: lg.NodeError, runtime: lg.Runtime, config: lg.RunnableConfig, writer: lg.StreamWriter):
        writer("from the handler")
        info = runtime.execution_info
        names = (config["metadata"]["langgraph_node"], info.node_attempt, runtime.context)
        return {"log": [error.node, *names]}

    graph = alone(
        lg, Log, raises("a", Boom(1), Boom(2)), error_handler=handler, retry_policy=policy(lg, max_attempts=2)
    )
    thread = lg.thread(graph)
    with naps():
        thread.send({"log": ["i"]}, context={"who": "me"})


@program()
def a_coroutine_handles(lg):
    async def handler(state, error: lg.NodeError):
        return {"log": ["handled", error.node]}

    graph = alone(lg, Log, raises("a", Boom(1)), error_handler=handler if lg.lane == "async" else handled(lg))
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def a_handler_goes_elsewhere(lg):
    def handler(state, error: lg.NodeError):
        return lg.Command(update={"log": ["handled"]}, goto="c")

    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1)), error_handler=handler)
    graph.add_node("b", say("b")).add_node("c", say("c")).add_edge(lg.START, "a").add_edge("a", "b")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def a_handler_sends_packets(lg):
    def handler(state, error: lg.NodeError):
        return lg.Command(goto=[lg.Send("b", {"log": [number]}) for number in (1, 2)])

    def b(state):
        return {"log": [("b", state["log"])]}

    graph = alone(lg, Log, raises("a", Boom(1)), error_handler=handler).add_node("b", b)
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def a_handler_returns_nothing(lg):
    def handler(state, error: lg.NodeError):
        return None

    graph = alone(lg, Log, raises("a", Boom(1)), error_handler=handler).add_node("b", say("b")).add_edge("a", "b")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def a_handler_fails(lg):
    left = [Boom("handler")]

    def handler(state, error: lg.NodeError):
        if left:
            raise left.pop()
        return {"log": ["handled", error.node, repr(error.error)]}

    thread = lg.thread(alone(lg, Log, raises("a", Boom(1), Boom(2)), error_handler=handler))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.send(None)


@program()
def a_handler_is_not_handled_by_the_default_one(lg):
    def handler(state, error: lg.NodeError):
        raise Boom("handler")

    graph = lg.StateGraph(Log).set_node_defaults(error_handler=handled(lg))
    graph.add_node("a", raises("a", Boom(1)), error_handler=handler).add_edge(lg.START, "a")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def a_handler_asks(lg):
    def handler(state, error: lg.NodeError):
        return {"log": ["handled", lg.interrupt(f"what now, {error.node}?")]}

    graph = alone(lg, Log, raises("a", Boom(1), Boom(2)), error_handler=handler)
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.resume("go on")


@program()
def a_handler_comes_after_the_retries(lg):
    seen = []
    graph = alone(
        lg,
        Log,
        raises("a", *map(Boom, range(4)), seen=seen),
        retry_policy=policy(lg, max_attempts=3),
        error_handler=handled(lg),
    )
    thread = lg.thread(graph)
    with naps() as seconds:
        thread.send({"log": ["i"]})
    thread.note((seen, seconds))


@program()
def a_question_is_not_handled(lg):
    thread = lg.thread(alone(lg, Log, asks(lg, "a"), error_handler=handled(lg)))
    thread.send({"log": ["i"]})
    thread.resume("x")


@program("a_failed_task_shows_no_update")
def a_failure_after_an_answer_is_handled(lg):
    def a(state):
        lg.interrupt("a?")
        raise Boom("after")

    thread = lg.thread(alone(lg, Log, a, error_handler=handled(lg)))
    thread.send({"log": ["i"]})
    thread.resume("x")


@program()
def the_default_handler_handles_all(lg):
    graph = lg.StateGraph(Log).set_node_defaults(error_handler=handled(lg))
    graph.add_node("a", raises("a", Boom(1))).add_node("b", raises("b", Boom(2))).add_node("c", say("c"))
    for name in ("a", "b", "c"):
        graph.add_edge(lg.START, name)
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.note(sorted(thread.graph.nodes))


@program()
def a_handler_of_ones_own_comes_before_the_default_one(lg):
    def own(state, error: lg.NodeError):
        return {"log": ["own"]}

    graph = lg.StateGraph(Log).set_node_defaults(error_handler=handled(lg))
    graph.add_node("a", raises("a", Boom(1)), error_handler=own).add_node("b", raises("b", Boom(2)))
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge(lg.START, "b"))
    thread.send({"log": ["i"]})


@program()
def one_failure_is_handled_and_another_is_not(lg):
    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1), Boom(2)), error_handler=handled(lg))
    graph.add_node("b", fails(lg, "b", wait=0.1)).add_node("c", say("c"))
    for name in ("a", "b", "c"):
        graph.add_edge(lg.START, name)
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_handler_beside_a_question(lg):
    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1), Boom(2)), error_handler=handled(lg))
    graph.add_node("b", asks(lg, "b")).add_edge(lg.START, "a").add_edge(lg.START, "b")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})
    thread.resume("x")


@program()
def failing_packets_are_handled(lg):
    def a(state):
        raise Boom(state["log"][0])

    def handler(state, error: lg.NodeError):
        return {"log": [("handled", state["log"], repr(error.error))]}

    def route(state):
        return [lg.Send("a", {"log": [number]}) for number in (1, 2)]

    graph = lg.StateGraph(Log).add_node("a", a, error_handler=handler).add_conditional_edges(lg.START, route, ["a"])
    thread = lg.thread(graph)
    thread.send({"log": []})


@program()
def a_failing_inner_graph_is_handled(lg):
    child = line(lg, Log, say("s1"), raises("s2", Boom(1))).compile()
    graph = lg.StateGraph(Log).add_node("child", child, error_handler=handled(lg)).add_edge(lg.START, "child")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})


@program()
def a_failure_is_handled_inside_an_inner_graph(lg):
    child = alone(lg, Log, raises("s", Boom(1)), error_handler=handled(lg)).compile()
    thread = lg.nested(chain(lg, Log, ("child", child), say("b")))
    thread.send({"log": ["i"]})


@program("a_handler_may_command_the_parent")
def a_handler_commands_the_graph_outside(lg):
    def handler(state, error: lg.NodeError):
        return lg.Command(graph=lg.Command.PARENT, update={"log": ["up"]}, goto="b")

    child = alone(lg, Log, raises("s", Boom(1)), error_handler=handler).compile()
    graph = lg.StateGraph(Log).add_node("child", child).add_node("b", say("b")).add_edge(lg.START, "child")
    lg.nested(graph).send({"log": ["i"]})


@program()
def a_handler_is_a_graph(lg):
    child = line(lg, Log, say("h1"), say("h2")).compile()
    thread = lg.nested(alone(lg, Log, raises("a", Boom(1)), error_handler=child))
    thread.send({"log": ["i"]})


@program("a_streamed_parent_is_the_real_one")
def a_handler_under_exit(lg):
    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1)), error_handler=handled(lg))
    graph.add_node("b", fails(lg, "b", wait=0.1)).add_edge(lg.START, "a").add_edge(lg.START, "b")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]}, durability="exit")
    thread.send(None, durability="exit")


@program()
def a_handler_without_a_saver(lg):
    thread = lg.thread(alone(lg, Log, raises("a", Boom(1)), error_handler=handled(lg)), checkpointer=None)
    thread.send({"log": ["i"]})


@program()
def a_wrong_update_is_handled(lg):
    def a(state):
        return "no update"

    thread = lg.thread(alone(lg, Log, a, error_handler=handled(lg)))
    thread.send({"log": ["i"]})


@program()
def a_failing_branch_is_handled(lg):
    def which(state):
        raise Boom("which")

    graph = alone(lg, Log, say("a"), error_handler=handled(lg)).add_conditional_edges("a", which)
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def an_input_that_cannot_be_read_is_handled_or_not(lg):
    class Keys(TypedDict):
        log: Annotated[list, operator.add]
        missing: str

    def a(state):
        return {"log": [state["missing"]]}

    thread = lg.thread(alone(lg, Keys, a, error_handler=handled(lg)))
    thread.send({"log": ["i"]})


@program()
def a_conflict_is_not_handled(lg):
    class State(TypedDict):
        v: str

    def a(state):
        return {"v": "a"}

    def b(state):
        return {"v": "b"}

    def handler(state):
        return {"v": "h"}

    graph = lg.StateGraph(State).add_node("a", a, error_handler=handler).add_node("b", b, error_handler=handler)
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge(lg.START, "b"), checkpointer=None)
    thread.send({"v": "i"})


@program()
def a_deferred_node_is_handled(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b"))
    graph.add_node("end", raises("end", Boom(1)), error_handler=handled(lg), defer=True)
    graph.add_edge(lg.START, "a").add_edge("a", "b").add_edge(lg.START, "end")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program()
def breakpoints_and_a_handler(lg):
    graph = lg.StateGraph(Log).add_node("a", raises("a", Boom(1)), error_handler=handled(lg)).add_node("b", say("b"))
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge("a", "b"), interrupt_before=["a"], interrupt_after=["a"])
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.send(None)


@program()
def a_fork_before_a_handled_failure(lg):
    graph = lg.StateGraph(Log).add_node("z", say("z"))
    graph.add_node("a", raises("a", Boom(1), Boom(2)), error_handler=handled(lg))
    thread = lg.thread(graph.add_edge(lg.START, "z").add_edge("z", "a"))
    thread.send({"log": ["i"]})
    thread.send(None, thread.at(2))
    thread.send(None, thread.at(1))


# --- failures of their own kind


@program(lanes=ASYNC)
def a_node_that_cancels_itself(lg):
    def a(state):
        raise asyncio.CancelledError

    thread = lg.thread(alone(lg, Log, a))
    thread.send({"log": ["i"]})


@program()
def a_node_raises_an_error_of_the_library(lg):
    for error in (
        lg.errors.GraphRecursionError("x"),
        lg.errors.InvalidUpdateError("x"),
        lg.errors.EmptyInputError("x"),
    ):
        thread = lg.thread(line(lg, Log, raises("a", error)))
        thread.send({"log": ["i"]})
        thread.send(None)


@program()
def two_of_three_fail(lg):
    thread = lg.thread(fan(lg, Log, say("a"), fails(lg, "b", wait=0.1), say("c")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_failure_and_a_question_at_once(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "a"), fails(lg, "b", wait=0.1), say("c")))
    thread.send({"log": ["i"]})
    thread.send(None)
    thread.resume("x")


# --- time limits


async def slow(state):
    """A node that would take long."""
    await asyncio.sleep(5)
    return {"log": ["slow"]}


@program(lanes=ASYNC)
def a_node_takes_too_long(lg):
    for limit in (0.03, timedelta(milliseconds=30), lg.TimeoutPolicy(run_timeout=0.03)):
        thread = lg.thread(alone(lg, Log, slow, timeout=limit))
        error = thread.send({"log": ["i"]})
        if isinstance(error, Exception):
            thread.note(
                [getattr(error, name, None) for name in ("node", "kind", "timeout", "run_timeout", "idle_timeout")]
            )


@program(lanes=ASYNC)
def a_node_is_idle_for_too_long(lg):
    thread = lg.thread(alone(lg, Log, slow, timeout=lg.TimeoutPolicy(idle_timeout=0.03)))
    error = thread.send({"log": ["i"]})
    if isinstance(error, Exception):
        thread.note([getattr(error, name, None) for name in ("node", "kind", "timeout", "run_timeout", "idle_timeout")])


@program(lanes=ASYNC)
def a_node_is_fast_enough(lg):
    async def a(state):
        return {"log": ["a"]}

    thread = lg.thread(alone(lg, Log, a, timeout=lg.TimeoutPolicy(run_timeout=5, idle_timeout=timedelta(seconds=5))))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_node_that_is_too_slow_is_retried(lg):
    attempts = []

    async def a(state):
        attempts.append(1)
        if len(attempts) < 2:
            await asyncio.sleep(5)
        return {"log": [f"attempt {len(attempts)}"]}

    once = lg.RetryPolicy(initial_interval=0.001, jitter=False)
    thread = lg.thread(alone(lg, Log, a, timeout=0.05, retry_policy=once))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_node_that_is_too_slow_is_handled(lg):
    def handler(state, error: lg.NodeError):
        return {"log": [error.node, type(error.error).__name__]}

    thread = lg.thread(alone(lg, Log, slow, timeout=0.03, error_handler=handler))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def what_a_node_wrote_before_its_time_was_up_stays_an_event(lg):
    async def a(state, writer: lg.StreamWriter):
        writer("before")
        await asyncio.sleep(5)

    thread = lg.thread(alone(lg, Log, a, timeout=0.03))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_node_that_writes_is_not_idle(lg):
    async def a(state, writer: lg.StreamWriter):
        for number in range(5):
            writer(number)
            await asyncio.sleep(0.04)
        return {"log": ["a"]}

    thread = lg.thread(alone(lg, Log, a, timeout=lg.TimeoutPolicy(idle_timeout=0.15)))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_node_that_writes_is_idle_if_only_heartbeats_count(lg):
    async def a(state, writer: lg.StreamWriter):
        writer("one")
        await asyncio.sleep(0.05)
        writer("two")
        await asyncio.sleep(5)

    limit = lg.TimeoutPolicy(idle_timeout=0.1, refresh_on="heartbeat")
    thread = lg.thread(alone(lg, Log, a, timeout=limit))
    error = thread.send({"log": ["i"]})
    if isinstance(error, Exception):
        thread.note(error.elapsed < 0.14)


@program(lanes=ASYNC)
def a_node_that_beats_is_not_idle(lg):
    async def a(state, runtime: lg.Runtime):
        for _ in range(5):
            runtime.heartbeat()
            await asyncio.sleep(0.04)
        return {"log": ["a"]}

    limit = lg.TimeoutPolicy(idle_timeout=0.15, refresh_on="heartbeat")
    thread = lg.thread(alone(lg, Log, a, timeout=limit))
    thread.send({"log": ["i"]})


@program()
def a_plain_node_has_no_time_limit(lg):
    def a(state):
        return {"log": ["a"]}

    try:
        thread = lg.thread(alone(lg, Log, a, timeout=1.0))
    except Exception as error:
        thread = lg.thread(line(lg, Log, say(f"refused with {type(error).__name__}")))
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_packet_has_a_time_limit_of_its_own(lg):
    async def a(state):
        await asyncio.sleep(5 if state["log"] == [2] else 0)
        return {"log": [("a", state["log"])]}

    def route(state):
        return [lg.Send("a", {"log": [2]}, timeout=0.03)]

    graph = lg.StateGraph(Log).add_node("a", a, timeout=9.0).add_conditional_edges(lg.START, route, ["a"])
    thread = lg.thread(graph)
    thread.send({"log": []})


@program(lanes=ASYNC)
def defaults_hold_for_time_limits(lg):
    graph = lg.StateGraph(Log).set_node_defaults(timeout=0.03).add_node("slow", slow).add_edge(lg.START, "slow")
    thread = lg.thread(graph)
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def an_inner_graph_takes_too_long(lg):
    child = chain(lg, Log, say("s"), ("slow", slow)).compile()
    graph = lg.StateGraph(Log).add_node("child", child, timeout=0.2).add_edge(lg.START, "child")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})


@program()
def time_limits_are_checked(lg):
    def outcome(**options):
        try:
            limit = lg.TimeoutPolicy(**options)
            return (limit.run_timeout, limit.idle_timeout, limit.refresh_on)
        except Exception as error:
            return type(error).__name__

    thread = lg.thread(line(lg, Log, say("a")))
    thread.note(outcome())
    thread.note([outcome(run_timeout=2), outcome(run_timeout=timedelta(seconds=2)), outcome(run_timeout="2")])
    thread.note([outcome(refresh_on="never"), outcome(refresh_on="heartbeat"), outcome(run_timeout=True)])
    for limit in (0, -1, "1", lg.TimeoutPolicy()):
        try:
            alone(lg, Log, slow, timeout=limit)
            thread.note((repr(limit)[:2], "taken"))
        except Exception as error:
            thread.note((repr(limit)[:2], type(error).__name__))


@program(lanes=ASYNC)
def a_superstep_of_one_node_takes_too_long(lg):
    thread = lg.thread(chain(lg, Log, ("slow", slow)))
    thread.graph.step_timeout = 0.1
    thread.send({"log": ["i"]})


@program(lanes=ASYNC)
def a_graph_ends_with_the_sibling_that_fails(lg):
    child = chain(lg, Log, ("slow", slow)).compile()
    lg.nested(beside(lg, Log, ("child", child), fails(lg, "failing", wait=0.1))).send({"log": ["i"]})


@program(lanes=ASYNC)
def a_superstep_takes_too_long(lg):
    thread = lg.thread(beside(lg, Log, say("a"), ("slow", slow)))
    thread.graph.step_timeout = 0.1
    thread.send({"log": ["i"]})


@pytest.mark.parametrize("way", PLAYED)
@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
