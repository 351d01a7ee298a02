"""Sessions about what a run carries, each for one rule: runtime, context, drain and callbacks, the same on both.

The name of a program is the claim. Annotations are evaluated (no postponed ones): many rules read them.
"""

import dataclasses
from pathlib import Path
from typing import TypedDict

import pydantic
import pytest

from tests.parity._sessions import Case, Cases, Log, asks, beside, calls, chain, fan, line, say
from tests.parity._threads import PLAYED, compare

CASES = Cases()
program = CASES.program


# --- what a node knows


def shows_runtime(name, *fields):
    """A node that logs fields of its runtime."""

    def make(lg):
        def node(state, runtime: lg.Runtime):
            info = runtime.execution_info
            return {"log": [(name, *[getattr(info, field) for field in fields])]}

        node.__name__ = name
        return node

    return make


INFO = ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "run_id", "node_attempt")


@program()
def the_fields_of_a_runtime(lg):
    def a(state, runtime: lg.Runtime):
        shown = [runtime.context, runtime.store, runtime.previous, runtime.server_info]
        runtime.heartbeat()
        names = sorted(field.name for field in dataclasses.fields(runtime))
        return {"log": [shown, callable(runtime.stream_writer), type(runtime.control).__name__, names]}

    lg.thread(line(lg, Log, a)).send({"log": []})


@program()
def the_execution_info_of_a_node(lg):
    show = shows_runtime("a", *INFO)(lg)
    thread = lg.thread(line(lg, Log, say("z"), show))
    thread.send({"log": []})
    thread.send({"log": []})


@program()
def the_execution_info_without_a_saver(lg):
    show = shows_runtime("a", *(field for field in INFO if field != "checkpoint_id"))
    thread = lg.thread(line(lg, Log, show(lg)), checkpointer=None)
    thread.send({"log": []})
    thread.graph = line(lg, Log, show(lg)).compile()
    thread.send({"log": []}, {"run_id": "00000000-0000-0000-0000-000000000007"})


@program()
def the_execution_info_inside(lg):
    child = line(lg, Log, shows_runtime("s", *INFO)(lg)).compile()
    thread = lg.nested(chain(lg, Log, shows_runtime("a", *INFO)(lg), ("child", child), calls(lg, "call", child)))
    thread.send({"log": []})


@program()
def the_run_id_of_a_run(lg):
    thread = lg.thread(line(lg, Log, shows_runtime("a", "run_id")(lg)))
    thread.send({"log": []}, {"run_id": "00000000-0000-0000-0000-000000000007"})
    thread.send({"log": []}, {"configurable": {"run_id": "mine"}})
    thread.send({"log": []}, {"metadata": {"run_id": "other"}})


@program()
def the_execution_info_after_an_answer(lg):
    def a(state, runtime: lg.Runtime):
        answer = lg.interrupt("a?")
        return {"log": [answer, [getattr(runtime.execution_info, field) for field in INFO]]}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []})
    thread.resume("x")


@program()
def the_server_of_a_run(lg):
    def a(state, runtime: lg.Runtime):
        info = runtime.server_info
        return {"log": [None if info is None else [info.assistant_id, info.graph_id, info.user]]}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []}, {"configurable": {"assistant_id": "me", "graph_id": "it"}})
    thread.send({"log": []}, {"configurable": {"graph_id": "it"}})
    thread.send({"log": []})


@program()
def a_runtime_is_changed_by_making_another(lg):
    def a(state, runtime: lg.Runtime):
        other = runtime.override(context={"who": "other"})
        merged = runtime.merge(lg.Runtime(context={"who": "merged"}))
        empty = other.merge(lg.Runtime(context={}))
        patched = runtime.patch_execution_info(node_attempt=7)
        values = [one.context for one in (runtime, other, merged, empty)]
        return {"log": [values, patched.execution_info.node_attempt, runtime.execution_info.node_attempt]}

    lg.thread(line(lg, Log, a, context_schema=dict)).send({"log": []}, context={"who": "me"})


@program()
def the_accessors_outside_a_run(lg):
    def outcome(fn):
        try:
            return repr(fn())
        except Exception as error:
            return type(error).__name__

    thread = lg.thread(line(lg, Log, say("a")))
    thread.note([outcome(one) for one in (lg.get_config, lg.get_store, lg.get_stream_writer, lg.get_runtime)])
    thread.note(outcome(lambda: lg.interrupt("?")))
    thread.send({"log": []})


@program()
def the_accessors_in_nodes_and_branches(lg):
    def a(state):
        lg.get_stream_writer()("from a")
        return {"log": [lg.get_runtime().context, lg.get_store() is None, lg.get_config()["configurable"]["user"]]}

    def which(state):
        lg.get_stream_writer()("from the branch")
        return "b" if lg.get_runtime().context == {"who": "me"} else "c"

    graph = line(lg, Log, a, context_schema=dict).add_node("b", say("b")).add_node("c", say("c"))
    thread = lg.thread(graph.add_conditional_edges("a", which, ["b", "c"]))
    thread.send({"log": []}, {"configurable": {"user": "me"}}, context={"who": "me"})
    thread.send({"log": []}, {"configurable": {"user": "me"}}, context={"who": "you"})


@program()
def the_accessors_inside(lg):
    def s(state):
        lg.get_stream_writer()("from s")
        return {"log": [lg.get_runtime().context, lg.get_config()["configurable"]["user"]]}

    child = line(lg, Log, s).compile()
    thread = lg.nested(chain(lg, Log, ("child", child), calls(lg, "call", child), context_schema=dict))
    thread.send({"log": []}, {"configurable": {"user": "me"}}, context={"who": "me"})


# --- contexts


@dataclasses.dataclass
class DataContext:
    who: str
    age: int = 7


class ModelContext(pydantic.BaseModel):
    who: str
    age: int = 7


class DictContext(TypedDict, total=False):
    who: str
    age: int


CONTEXTS = {"data": DataContext, "model": ModelContext, "dict": DictContext, "plain": dict}


def contexts_are_made_of_dicts(lg, schema):
    def a(state, runtime: lg.Runtime):
        return {"log": [type(runtime.context).__name__, repr(runtime.context)]}

    thread = lg.thread(line(lg, Log, a, context_schema=schema))
    for context in ({"who": "me"}, {"who": "me", "age": "8"}, {"what": 1}, {}, None, 7, DataContext("you"), []):
        thread.send({"log": []}, context=context)
    thread.send({"log": []})


for _name, _schema in CONTEXTS.items():

    def _one(lg, schema=_schema):
        contexts_are_made_of_dicts(lg, schema)

    _one.__name__ = f"contexts_are_made_of_dicts_{_name}"
    program()(_one)


@program()
def a_context_without_a_schema(lg):
    def a(state, runtime: lg.Runtime):
        return {"log": [repr(runtime.context)]}

    thread = lg.thread(line(lg, Log, a))
    for context in ({"who": "me"}, 7, DataContext("you"), None):
        thread.send({"log": []}, context=context)


@program()
def a_context_is_the_same_object_for_all(lg):
    def a(state, runtime: lg.Runtime):
        runtime.context["seen"].append("a")

    def b(state, runtime: lg.Runtime):
        runtime.context["seen"].append("b")
        return {"log": [list(runtime.context["seen"])]}

    thread = lg.thread(line(lg, Log, a, b, context_schema=dict))
    context = {"seen": []}
    thread.send({"log": []}, context=context)
    thread.note(context)


@program()
def a_context_is_not_kept(lg):
    def a(state, runtime: lg.Runtime):
        return {"log": [lg.interrupt("a?"), runtime.context]}

    thread = lg.thread(line(lg, Log, a, context_schema=dict))
    thread.send({"log": []}, context={"who": "me"})
    thread.resume("x")


@program()
def an_inner_call_may_bring_its_own_context(lg):
    def s(state, runtime: lg.Runtime):
        return {"log": [runtime.context]}

    child = line(lg, Log, s, context_schema=dict).compile()
    nodes = [calls(lg, f"call{number}", child, context=one) for number, one in enumerate(({"who": "you"}, {}, None))]
    thread = lg.nested(chain(lg, Log, *nodes, context_schema=dict))
    thread.send({"log": []}, context={"who": "me"})


@program()
def an_inner_graph_makes_its_context_of_a_dict(lg):
    def s(state, runtime: lg.Runtime):
        return {"log": [type(runtime.context).__name__]}

    child = line(lg, Log, s, context_schema=DataContext).compile()
    call = calls(lg, "call", child, context={"who": "you"})
    thread = lg.nested(chain(lg, Log, ("child", child), call, context_schema=dict))
    thread.send({"log": []}, context={"who": "me"})


# --- draining


def drains(lg, name, *reason):
    """A node that asks for the run to stop."""

    def node(state, runtime: lg.Runtime):
        runtime.control.request_drain(*reason)
        return {"log": [(name, runtime.drain_requested, runtime.drain_reason)]}

    node.__name__ = name
    return node


@program()
def a_drained_run_stops_after_its_superstep(lg):
    thread = lg.thread(line(lg, Log, drains(lg, "a"), say("b"), say("c")))
    error = thread.send({"log": ["i"]})
    thread.note(getattr(error, "reason", None))
    thread.send(None)


@program()
def a_drain_has_a_reason(lg):
    thread = lg.thread(line(lg, Log, drains(lg, "a", "deploy"), say("b")))
    error = thread.send({"log": ["i"]})
    thread.note(getattr(error, "reason", None))


@program()
def a_drain_in_the_last_node_is_nothing(lg):
    thread = lg.thread(line(lg, Log, say("a"), drains(lg, "b")))
    thread.send({"log": ["i"]})


@program()
def a_run_that_is_drained_before_it_begins(lg):
    control = lg.RunControl()
    control.request_drain("early")
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": ["i"]}, control=control)
    thread.send(None, control=control)
    thread.send(None)
    thread.note([control.drain_requested, control.drain_reason])


@program()
def siblings_of_a_draining_node_are_done(lg):
    thread = lg.thread(fan(lg, Log, drains(lg, "a"), say("b"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_breakpoint_comes_before_a_drain(lg):
    thread = lg.thread(line(lg, Log, drains(lg, "a"), say("b")), interrupt_before=["b"])
    thread.send({"log": ["i"]})
    after = lg.thread(line(lg, Log, drains(lg, "a"), say("b")), interrupt_after=["a"])
    after.send({"log": ["i"]})


@program()
def a_question_beside_a_drain(lg):
    thread = lg.thread(fan(lg, Log, drains(lg, "a"), asks(lg, "b"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.resume("x")


@program()
def a_drain_inside_stops_all(lg):
    child = line(lg, Log, drains(lg, "s1", "inside"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_drain_in_the_last_node_inside(lg):
    child = line(lg, Log, say("s1"), drains(lg, "s2")).compile()
    thread = lg.nested(chain(lg, Log, ("child", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_drain_in_a_called_graph(lg):
    child = line(lg, Log, drains(lg, "s1"), say("s2")).compile()
    thread = lg.nested(chain(lg, Log, calls(lg, "call", child), say("b")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_drain_is_no_failure_to_retry(lg):
    child = line(lg, Log, drains(lg, "s1"), say("s2")).compile()
    policy = lg.RetryPolicy(retry_on=Exception, jitter=False, initial_interval=0.001)
    graph = lg.StateGraph(Log).add_node("child", child, retry_policy=policy).add_edge(lg.START, "child")
    thread = lg.nested(graph)
    thread.send({"log": ["i"]})


@program("a_streamed_parent_is_the_real_one")
def a_drain_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("z"), drains(lg, "a"), say("b")))
    thread.send({"log": ["i"]}, durability="exit")
    thread.send(None, durability="exit")


@program()
def a_drain_without_a_saver(lg):
    thread = lg.thread(line(lg, Log, drains(lg, "a"), say("b")), checkpointer=None)
    thread.send({"log": ["i"]})


# --- callbacks


def listening(lg):
    """A handler of callbacks, and what it heard."""
    heard = []

    class Handler(lg.GraphCallbackHandler):
        def on_interrupt(self, event):
            values = [one.value for one in event.interrupts]
            where = (event.checkpoint_id, event.checkpoint_ns)
            heard.append(("interrupt", event.status, *where, values, event.run_id is None))

        def on_resume(self, event):
            heard.append(("resume", event.status, event.checkpoint_id, event.checkpoint_ns, event.run_id is None))

    return Handler(), heard


@program("every_answer_is_kept")
def callbacks_hear_of_questions_and_answers(lg):
    handler, heard = listening(lg)
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b", "b?", "c?")))
    config = {"callbacks": [handler]}
    thread.send({"log": []}, config)
    thread.resume("x", config)
    thread.resume("y", config)
    thread.note(heard)


@program()
def callbacks_hear_of_breakpoints(lg):
    handler, heard = listening(lg)
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before=["b"], interrupt_after=["a", "b"])
    for input in ({"log": []}, None, None, None):
        thread.send(input, {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_of_inner_questions(lg):
    handler, heard = listening(lg)
    child = line(lg, Log, asks(lg, "s")).compile()
    thread = lg.nested(chain(lg, Log, say("a"), ("child", child), say("b")))
    thread.send({"log": []}, {"callbacks": [handler]})
    thread.resume("x", {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_of_several_questions(lg):
    handler, heard = listening(lg)
    thread = lg.thread(fan(lg, Log, asks(lg, "a"), say("b")))
    thread.send({"log": []}, {"callbacks": [handler]})
    thread.resume("x", {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_nothing_of_a_plain_run(lg):
    handler, heard = listening(lg)
    thread = lg.thread(beside(lg, Log, say("a"), say("b")))
    thread.send({"log": []}, {"callbacks": [handler]})
    thread.send({"log": []}, {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_of_going_on_after_a_failure(lg):
    handler, heard = listening(lg)
    tries = []

    def fails(state):
        tries.append(1)
        if len(tries) % 2:
            raise ValueError("x")
        return {"log": ["done"]}

    thread = lg.thread(line(lg, Log, say("a"), fails))
    for input in ({"log": []}, None, None):
        thread.send(input, {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_of_inner_breakpoints(lg):
    handler, heard = listening(lg)
    child = line(lg, Log, say("s1"), say("s2")).compile(interrupt_before=["s2"])
    thread = lg.nested(chain(lg, Log, ("child", child), calls(lg, "call", child)))
    for input in ({"log": []}, None, None):
        thread.send(input, {"callbacks": [handler]})
    thread.note(heard)


@program()
def callbacks_hear_without_a_saver(lg):
    heard = []

    class Handler(lg.GraphCallbackHandler):
        def on_interrupt(self, event):
            heard.append((event.status, type(event.checkpoint_id).__name__, event.checkpoint_ns, len(event.interrupts)))

    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")), checkpointer=None)
    thread.send({"log": []}, {"callbacks": [Handler()]})
    thread.note(heard)


@program()
def a_handler_that_fails_is_heard_of_or_fails_the_run(lg):
    class Handler(lg.GraphCallbackHandler):
        def on_interrupt(self, event):
            raise ValueError("interrupt")

        def on_resume(self, event):
            raise ValueError("resume")

    class Raising(Handler):
        raise_error = True

    for handler in (Handler(), Raising()):
        thread = lg.thread(line(lg, Log, asks(lg, "a")))
        thread.send({"log": []}, {"callbacks": [handler]})
        thread.resume("x", {"callbacks": [handler]})


@pytest.mark.parametrize("way", PLAYED)
@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
