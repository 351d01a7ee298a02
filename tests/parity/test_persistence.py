"""Sessions on one thread, each for one rule: the same actions on LangGraph and on rxgraph, everything kept is compared.

The name of a program is the claim. After each action ``Session`` records the result or the stream, ``get_state``, and
what the saver holds; at the end the history. Annotations are evaluated (no postponed ones): many rules read them.
"""

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pydantic
import pytest

from tests.parity._sessions import Boom, Case, Cases, Data, Full, Log, Model, asks, fails, fan, line, say, see
from tests.parity._threads import WAYS, compare

CASES = Cases()
program = CASES.program

# --- threads that go on


@program()
def a_thread_goes_on_over_several_inputs(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x", n=2), see("b")))
    thread.send({"log": ["one"], "n": 1})
    thread.send({"log": ["two"], "v": "i"})
    thread.send({"n": 5})


@program()
def state_before_any_input_is_empty(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.state()
    thread.history()
    thread.send(None)
    thread.send({"log": ["now"]})


@program()
def none_on_a_finished_thread_returns_its_output(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send({"log": ["again"]})


@program()
def an_empty_input_on_a_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), say("b")))
    thread.send({})
    thread.send({"log": ["i"]})
    thread.send({})
    thread.send({"unknown": 1})


@program()
def every_history_question(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": ["one"]}, {"metadata": {"who": "me"}})
    thread.send({"log": ["two"]}, {"metadata": {"who": "you"}, "tags": ["t"]})
    snapshots = thread.history()
    thread.history(limit=2)
    thread.history(limit=0)
    thread.history(filter={"source": "input"})
    thread.history(filter={"source": "loop", "step": 1})
    thread.history(filter={"who": "you"}, limit=1)
    thread.history(filter={"nothing": "like it"})
    if isinstance(snapshots, list):
        thread.history(before=snapshots[2].config)
        thread.history(before=snapshots[2].config, limit=1, filter={"source": "loop"})
        thread.history(snapshots[3].config)
        thread.state(snapshots[1].config)
    thread.history({"configurable": {"thread_id": "another"}})
    thread.state({"configurable": {"thread_id": "another"}})
    thread.state({"configurable": {"thread_id": "1", "checkpoint_id": "0" * 8 + "-0000-6000-8000-000000000001"}})


@program()
def configurable_values_and_metadata_are_kept(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    config = {"configurable": {"user": "me", "n": 3, "__hidden": 1, "o": None}, "metadata": {"m": [1]}, "tags": ["x"]}
    thread.send({"log": []}, {**config, "run_name": "named"})
    thread.send({"log": []})


@program()
def two_graphs_take_turns_on_one_thread(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.use(line(lg, Log, say("a"), say("c")))
    thread.send(None)
    thread.use(line(lg, Full, say("b"), see("d")))
    thread.send({"n": 1})


@program()
def a_node_that_is_gone_runs_no_more(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": []})
    thread.use(line(lg, Log, say("a"), say("c")))
    thread.resume("x")
    thread.send(None)


@program()
def values_that_are_falsy_are_kept(lg):
    class State(TypedDict):
        a: Any
        b: Any
        c: Any

    def node(state):
        return {"b": 0, "c": ""}

    thread = lg.thread(line(lg, State, node))
    thread.send({"a": None})
    thread.send({"a": False, "b": []})


@program()
def an_input_that_writes_nothing_new_still_starts(lg):
    class State(TypedDict):
        v: str

    def node(state):
        return None

    thread = lg.thread(line(lg, State, node))
    thread.send({"v": "x"})
    thread.send({"v": "x"})


@program()
def a_loop_of_several_rounds(lg):
    def more(state):
        return "a" if len(state["log"]) < 3 else lg.END

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_edge(lg.START, "a").add_conditional_edges("a", more)
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.send({"log": ["i"]})


@program()
def two_threads_share_a_saver(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["other"]}, {"configurable": {"thread_id": "2"}})
    thread.resume("for one")
    thread.state({"configurable": {"thread_id": "2"}})
    thread.send(lg.Command(resume="for the other"), {"configurable": {"thread_id": "2"}})
    thread.state({"configurable": {"thread_id": "2"}})
    thread.history({"configurable": {"thread_id": "2"}})


@program()
def a_thread_id_may_be_a_number(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": []}, {"configurable": {"thread_id": 7}})
    thread.state({"configurable": {"thread_id": 7}})
    thread.state({"configurable": {"thread_id": "7"}})
    thread.send({"log": []}, {"configurable": {"thread_id": ""}})


@program()
def a_stream_that_is_closed_early(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    thread.take(1, {"log": []})
    thread.send(None)
    thread.take(2, {"log": ["two"]})
    thread.send({"log": ["three"]})


@program()
def classes_of_the_state_are_restored(lg):
    class State(TypedDict):
        data: Data
        model: Model
        some: Any

    def a(state):
        return {"data": Data(["a"], "v"), "model": Model(log=["a"], n=3)}

    def b(state):
        return {"some": [type(state["data"]).__name__, state["data"].v, state["model"].n, lg.interrupt("b?")]}

    thread = lg.thread(line(lg, State, a, b))
    thread.send({"some": 1})
    thread.resume(2)


@program("an_update_keeps_what_siblings_wrote")
def a_branch_from_the_start_and_private_input(lg):
    def route(state):
        return ["a", "b"] if state["v"] == "both" else "b"

    graph = lg.StateGraph(Full).add_node("a", say("a")).add_node("b", asks(lg, "b"))
    thread = lg.thread(graph.add_conditional_edges(lg.START, route, ["a", "b"]))
    thread.send({"v": "both"})
    thread.update({"v": "one"}, as_node=lg.START)
    thread.resume("x")


# --- questions


@program()
def one_question_is_answered(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]})
    thread.resume("yes")
    thread.send({"log": ["again"]})
    thread.resume("no")


@program("every_answer_is_kept")
def two_questions_in_a_node_come_one_after_the_other(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two"), say("b")))
    thread.send({"log": ["i"]})
    thread.resume("A")
    thread.resume("B")


@program("an_answer_is_given_once")
def three_questions_in_a_node(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two", "three")))
    thread.send({"log": []})
    thread.resume("A")
    thread.resume({thread.id("two"): "B"})
    thread.send(None)
    thread.resume("C")


@program("every_answer_is_kept")
def the_id_of_the_first_question_answers_the_next(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two")))
    thread.send({"log": []})
    first = thread.id("one")
    thread.resume({first: "A"})
    thread.resume({first: "B"})


@program()
def questions_side_by_side_are_answered_one_by_one(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), asks(lg, "q"), say("r"), then=say("z")))
    thread.send({"log": ["i"]})
    thread.resume("x")
    thread.resume({thread.id("p?"): "P"})
    thread.resume("Q")


@program()
def questions_side_by_side_are_answered_at_once(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), asks(lg, "q"), say("r")))
    thread.send({"log": ["i"]})
    thread.resume({thread.id("q?"): "Q", thread.id("p?"): "P"})


@program("every_answer_is_kept")
def two_questions_each_side_by_side(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p", "p1", "p2"), asks(lg, "q", "q1", "q2")))
    thread.send({"log": []})
    thread.resume({thread.id("p1"): "P1"})
    thread.resume({thread.id("p2"): "P2", thread.id("q1"): "Q1"})
    thread.resume({thread.id("q2"): "Q2"})


@program()
def unknown_ids_answer_nothing(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), asks(lg, "q")))
    thread.send({"log": []})
    thread.resume({"0" * 32: "X"})
    thread.resume({"0" * 32: "X", thread.id("p?"): "P"})
    thread.resume({})
    thread.resume("Q")


@program("every_answer_is_kept")
def a_map_that_is_not_of_ids_is_an_answer(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two")))
    thread.send({"log": []})
    thread.resume({"ok": True})
    thread.resume({"0" * 32: 1, "plain": 2})


@program("every_answer_is_kept")
def falsy_answers_are_answers(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "1", "2", "3", "4", "5")))
    thread.send({"log": []})
    for answer in (0, "", False, [], ()):
        thread.resume(answer)


@program("an_empty_command_is_empty_input")
def none_is_no_answer(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a")))
    thread.send({"log": []})
    thread.resume(None)
    thread.resume({thread.id("a?"): None})


@program()
def none_as_input_asks_again(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")))
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.resume("x")


@program()
def new_input_discards_the_question(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.resume("yes")


@program()
def new_input_discards_what_siblings_wrote(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), say("r"), then=say("z")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.resume("P")


@program()
def an_answer_with_nothing_asked(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.resume("too early")
    thread.send({"log": []})
    thread.resume("too late")
    thread.resume({"0" * 32: "too late"})
    thread.send({"log": ["i"]})


@program()
def an_answer_with_an_update(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": [], "v": "i"})
    thread.resume("x", update={"v": "updated", "log": ["u"]})


@program()
def an_answer_with_a_goto(lg):
    graph = line(lg, Full, say("a"), asks(lg, "b"), say("c")).add_node("other", say("other"))
    thread = lg.thread(graph)
    thread.send({"log": [], "v": "i"})
    thread.resume("x", goto="other")


@program()
def an_answer_with_everything(lg):
    graph = line(lg, Full, asks(lg, "b"), say("c")).add_node("other", see("other"))
    thread = lg.thread(graph)
    thread.send({"log": [], "v": "i"})
    thread.resume("x", update={"v": "u"}, goto=[lg.Send("other", {"v": "sent"}), "other"])


@program()
def an_answer_by_id_with_an_update(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), asks(lg, "q"), then=see("z")))
    thread.send({"log": [], "v": "i"})
    thread.resume({thread.id("q?"): "Q"}, update={"v": "u"})
    thread.resume({thread.id("p?"): "P"}, update={"v": "w"})


@program()
def a_question_of_a_sent_task(lg):
    def spread(state):
        return [lg.Send("w", {"k": 1}), lg.Send("w", {"k": 2}), lg.Send("w", {"k": 3})]

    def w(state):
        return {"log": [(state["k"], "fine" if state["k"] == 2 else lg.interrupt(f"{state['k']}?"))]}

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("w", w).add_node("z", say("z"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", spread, ["w"]).add_edge("w", "z")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume({thread.id("3?"): "three"})
    thread.resume("one")


@program()
def a_question_of_a_task_sent_by_a_command(lg):
    def a(state):
        return lg.Command(update={"log": ["a"]}, goto=[lg.Send("w", {"k": 1}), "b"])

    def w(state):
        return {"log": [(state["k"], lg.interrupt("w?"))]}

    graph = lg.StateGraph(Log).add_node("a", a).add_node("w", w).add_node("b", say("b")).add_edge(lg.START, "a")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume("fine")


@program()
def a_question_in_a_loop(lg):
    def more(state):
        return lg.END if state["log"][-1] == ("a", "stop") else "a"

    graph = lg.StateGraph(Log).add_node("a", asks(lg, "a")).add_edge(lg.START, "a").add_conditional_edges("a", more)
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume("go")
    thread.resume("on")
    thread.resume("stop")


@program()
def a_question_that_is_swallowed_is_not_asked(lg):
    def a(state):
        try:
            return {"log": [lg.interrupt("a?")]}
        except Exception:
            return {"log": ["swallowed"]}

    thread = lg.thread(line(lg, Log, a, say("b")))
    thread.send({"log": []})
    thread.resume("x")


@program("every_answer_is_kept")
def a_question_after_a_swallowed_one(lg):
    def a(state):
        try:
            first = lg.interrupt("one")
        except Exception:
            first = "swallowed"
        return {"log": [first, lg.interrupt("two")]}

    thread = lg.thread(line(lg, Log, a, say("b")))
    thread.send({"log": []})
    thread.resume("x")
    thread.resume("y")


@program("every_answer_is_kept")
def the_number_of_questions_may_depend_on_the_answers(lg):
    def a(state):
        answers = [lg.interrupt("more?")]
        while answers[-1]:
            answers.append(lg.interrupt(f"more than {len(answers)}?"))
        return {"log": answers}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []})
    thread.resume("yes")
    thread.resume("yes")
    thread.resume("")


@program("every_answer_is_kept")
def questions_may_hold_any_value(lg):
    def a(state):
        return {"log": [lg.interrupt({"k": [1, None]}), lg.interrupt(None), lg.interrupt(("t", 1))]}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []})
    thread.resume(1)
    thread.resume(2)
    thread.resume(3)


@program()
def a_node_runs_from_its_start_again(lg):
    calls = []

    def a(state):
        calls.append("before")
        answer = lg.interrupt("a?")
        calls.append("after")
        lg.get_stream_writer()("writing")
        return {"log": [answer]}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []})
    thread.note(calls)
    thread.resume("x")
    thread.note(calls)


@program()
def a_question_in_a_step_with_a_deferred_node(lg):
    graph = lg.StateGraph(Log).add_node("a", asks(lg, "a")).add_node("b", say("b")).add_node("c", say("c"))
    graph.add_node("d", say("d"), defer=True).add_edge(lg.START, "a").add_edge(lg.START, "b")
    graph.add_edge("b", "d").add_edge("a", "c").add_edge("c", "d")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume("x")


@program("every_answer_is_kept")
def a_deferred_node_from_the_start_waits_for_an_answer(lg):
    graph = lg.StateGraph(Log).add_node("a", asks(lg, "a", "a1", "a2")).add_node("b", say("b"))
    graph.add_node("d", asks(lg, "d"), defer=True).add_edge(lg.START, "a").add_edge(lg.START, "d").add_edge("a", "b")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume("A1")
    thread.resume("A2")
    thread.resume("D")
    thread.send({"log": ["two"]})
    thread.update({"log": ["u"]}, as_node="d")
    thread.send(None)


@program("a_checkpoint_is_not_the_live_value")
def a_join_waits_for_an_answer(lg):
    graph = lg.StateGraph(Log).add_node("a", asks(lg, "a")).add_node("b", say("b")).add_node("c", say("c"))
    graph.add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge(["a", "b"], "c")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.resume("x")
    thread.send({"log": ["two"]})
    thread.resume("y")


@program("a_checkpoint_is_not_the_live_value")
def a_join_that_is_half_complete_across_inputs(lg):
    def route(state):
        return "a" if len(state["log"]) == 1 else "b"

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_node("c", say("c"))
    graph.add_conditional_edges(lg.START, route, ["a", "b"]).add_edge(["a", "b"], "c")
    thread = lg.thread(graph)
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.send({"log": ["three"]})


@program()
def a_question_with_a_schema(lg):
    class Answer(pydantic.BaseModel):
        ok: bool

    def a(state):
        answer = lg.interrupt("a?", response_schema={"type": "object"})
        return {"log": [answer]}

    thread = lg.thread(line(lg, Log, a))
    thread.send({"log": []})
    thread.resume({"ok": True})


@program()
def a_question_of_a_node_that_goes_on_by_command(lg):
    def a(state):
        answer = lg.interrupt("a?")
        return lg.Command(update={"log": [answer]}, goto=answer)

    graph = lg.StateGraph(Log).add_node("a", a).add_node("b", say("b")).add_node("c", asks(lg, "c"))
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge("c", "a"))
    thread.send({"log": []})
    thread.resume("c")
    thread.resume("back")
    thread.resume("b")


@program()
def a_question_and_breakpoints_after(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), say("r"), then=asks(lg, "z")), interrupt_after="*")
    thread.send({"log": []})
    thread.resume("P")
    thread.send(None)
    thread.resume("Z")
    thread.send(None)


@program()
def questions_of_two_steps(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a"), asks(lg, "b"), asks(lg, "c")))
    thread.send({"log": []})
    first = thread.id("a?")
    thread.resume({first: "A"})
    thread.resume({first: "stale"})
    thread.resume("B")
    thread.resume({thread.id("c?"): "C", first: "stale"})


# --- commands as input


@program("command_input_is_applied_once")
def a_command_begins_a_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send(lg.Command(update={"v": "begun"}))
    thread.send(None)
    thread.send({"log": ["i"]})


@program("command_input_is_applied_once")
def a_command_with_a_goto_begins_a_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send(lg.Command(goto="b", update={"v": "begun"}))
    thread.send(lg.Command(goto=lg.Send("b", {"v": "sent"})))


@program()
def a_command_that_updates_a_finished_thread(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "commanded"}))
    thread.send({"log": ["i"]})


@program()
def a_command_that_updates_an_interrupted_thread(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "commanded"}))
    thread.resume("x")


@program()
def a_command_that_goes_to_a_node(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b")).add_node("c", see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(goto="c"))
    thread.send(lg.Command(goto="b", update={"v": "y"}))
    thread.send(lg.Command(goto=["c", "a"]))


@program()
def a_command_that_goes_to_a_node_while_one_is_asking(lg):
    thread = lg.thread(line(lg, Full, asks(lg, "a"), see("b")).add_node("c", see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(goto="c"))
    thread.resume("x")


@program()
def a_goto_is_discarded_by_new_input(lg):
    thread = lg.thread(line(lg, Full, asks(lg, "a"), see("b")).add_node("c", asks(lg, "c")))
    thread.send({"log": []})
    thread.send(lg.Command(goto="c"))
    thread.send({"log": ["new"]})
    thread.resume("A")


@program()
def several_commands_at_one_checkpoint(lg):
    thread = lg.thread(line(lg, Full, asks(lg, "a"), see("b")).add_node("c", asks(lg, "c")))
    thread.send({"log": []})
    thread.send(lg.Command(goto="c"))
    thread.send(lg.Command(update={"log": ["u"], "n": 1}))
    thread.send(lg.Command(update={"v": "v"}, goto=lg.Send("b", {"v": "sent"})))
    thread.resume({thread.id("a?"): "A"})
    thread.resume("C")


@program()
def a_command_that_sends(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b")))
    thread.send({"log": []})
    thread.send(lg.Command(goto=lg.Send("b", {"v": "sent"})))
    thread.send(lg.Command(goto=[lg.Send("b", {"v": "s1"}), lg.Send("a", {"v": "s2"})], update={"v": "u"}))


@program("unknown_target_warns")
def a_command_to_a_node_that_does_not_exist(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send({"log": []})
    thread.send(lg.Command(goto="nowhere"))
    thread.send(lg.Command(goto=lg.Send("nowhere", 1)))
    thread.send(lg.Command(goto=lg.END))


@program()
def a_command_to_the_parent_of_the_root(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send({"log": []})
    thread.send(lg.Command(graph=lg.Command.PARENT, goto="a"))


# --- failures


@program()
def a_failed_node_runs_again(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b"), say("c")))
    thread.send({"log": []})
    thread.send(None)


@program()
def a_node_that_fails_twice(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b", times=2), say("c")))
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send(None)


@program()
def siblings_of_a_failed_node_do_not_run_again(lg):
    calls = []

    def ok(state):
        calls.append("ok")
        return {"log": ["ok"]}

    thread = lg.thread(fan(lg, Log, ok, say("other"), fails(lg, "z", wait=0.05), then=say("end")))
    thread.send({"log": []})
    thread.send(None)
    thread.note(calls)


@program(lanes=("async",))
def a_sibling_that_is_cancelled_runs_again(lg):
    calls = []

    async def slow(state):
        calls.append("slow")
        await asyncio.sleep(10 if len(calls) == 1 else 0)
        return {"log": ["slow"]}

    async def z(state):
        await asyncio.sleep(0.02)
        calls.append("z")
        if len(calls) < 4:
            raise Boom("z")
        return {"log": ["z"]}

    thread = lg.thread(fan(lg, Log, say("ok"), slow, z, then=say("end")))
    thread.send({"log": []})
    thread.send(None)
    thread.note(calls)


@program()
def new_input_after_a_failure(lg):
    thread = lg.thread(fan(lg, Log, say("ok"), fails(lg, "z", wait=0.05), then=say("end")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})


@program()
def a_command_after_a_failure(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), fails(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "fixed"}))


@program()
def a_question_and_a_failure_in_one_step(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), say("r"), fails(lg, "z", wait=0.05), then=say("end")))
    thread.send({"log": []})
    thread.send(None)
    thread.resume("P")


@program("a_failed_task_shows_no_update")
def a_failure_after_an_answer(lg):
    calls = []

    def a(state):
        answer = lg.interrupt("a?")
        calls.append(answer)
        if len(calls) == 1:
            raise Boom("once")
        return {"log": [answer]}

    thread = lg.thread(line(lg, Log, a, say("b")))
    thread.send({"log": []})
    thread.resume("A")
    thread.send(None)
    thread.send(None)
    thread.note(calls)


@program()
def an_answer_to_a_failed_node(lg):
    thread = lg.thread(line(lg, Log, fails(lg, "a"), asks(lg, "b")))
    thread.send({"log": []})
    thread.resume("X")
    thread.resume("Y")


@program()
def a_failing_first_node(lg):
    thread = lg.thread(line(lg, Log, fails(lg, "a")))
    thread.send({"log": ["i"]})
    thread.send(None)


@program()
def a_failing_conditional_edge(lg):
    calls = []

    def route(state):
        calls.append(1)
        if len(calls) == 1:
            raise Boom("route")
        return "b"

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_edge(lg.START, "a")
    thread = lg.thread(graph.add_conditional_edges("a", route, ["b"]))
    thread.send({"log": []})
    thread.send(None)
    thread.note(calls)


@program()
def a_failing_reducer_stops_the_thread(lg):
    def reduce(left, right):
        if right == ["bad"]:
            raise Boom("reducer")
        return left + right

    class State(TypedDict):
        log: Annotated[list, reduce]

    thread = lg.thread(line(lg, State, say("a"), say("bad"), say("c")))
    thread.send({"log": ["i"]})


@program()
def a_refused_input_leaves_the_thread_as_it_was(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send({"log": ["i"]})
    thread.send("not a dict")
    thread.send(["neither"])
    thread.send({"log": ["j"]})


@program()
def the_recursion_limit_leaves_a_thread_that_goes_on(lg):
    def more(state):
        return "a" if len(state["log"]) < 7 else lg.END

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_edge(lg.START, "a").add_conditional_edges("a", more)
    thread = lg.thread(graph)
    thread.send({"log": []}, {"recursion_limit": 3})
    thread.send(None, {"recursion_limit": 2})
    thread.send(None, {"recursion_limit": 1})
    thread.send(None)


@program()
def the_recursion_limit_then_new_input(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    thread.send({"log": []}, {"recursion_limit": 2})
    thread.send({"log": ["new"]})


# --- breakpoints


@program()
def a_breakpoint_before_a_node(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.send(None)
    thread.send({"log": ["two"]})
    thread.send(None)


@program()
def a_breakpoint_after_a_node(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")), interrupt_after=["b"])
    thread.send({"log": []})
    thread.send(None)


@program()
def breakpoints_everywhere(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before="*", interrupt_after="*")
    thread.send({"log": []})
    for _ in range(5):
        thread.send(None)


@program()
def breakpoints_per_call(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")), interrupt_before=["c"])
    thread.send({"log": []}, interrupt_before=["b"])
    thread.send(None, interrupt_after=["b"])
    thread.send(None, interrupt_before=[])
    thread.send(None, interrupt_before="*", interrupt_after=["nobody"])


@program()
def a_breakpoint_after_the_last_node(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_after=["b"])
    thread.send({"log": []})
    thread.send(None)
    thread.send({"log": ["two"]})
    thread.send(None)


@program()
def a_breakpoint_in_a_loop(lg):
    def more(state):
        return "a" if len(state["log"]) < 6 else lg.END

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_edge(lg.START, "a")
    graph.add_edge("a", "b").add_conditional_edges("b", more, ["a", lg.END])
    thread = lg.thread(graph, interrupt_before=["b"])
    thread.send({"log": []})
    for _ in range(4):
        thread.send(None)


@program()
def a_breakpoint_for_one_of_several(lg):
    graph = fan(lg, Log, say("a"), say("b"), then=say("z"))
    thread = lg.thread(graph, interrupt_before=["b"])
    thread.send({"log": []})
    thread.send(None)


@program()
def a_breakpoint_after_one_of_several(lg):
    thread = lg.thread(fan(lg, Log, say("a"), say("b"), then=say("z")), interrupt_after=["b"])
    thread.send({"log": []})
    thread.send(None)


@program()
def a_command_goes_past_a_breakpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")), interrupt_before=["b", "c"])
    thread.send({"log": [], "v": "i"})
    thread.send(lg.Command(update={"v": "u"}))
    thread.resume("nobody asked")


@program()
def a_goto_at_a_breakpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")).add_node("c", see("c")), interrupt_before=["b"])
    thread.send({"log": [], "v": "i"})
    thread.send(lg.Command(goto="c"))
    thread.send(None)


@program()
def new_input_at_a_breakpoint(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before=["b"])
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.send(None)


@program()
def a_question_behind_a_breakpoint(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")), interrupt_before=["b", "c"])
    thread.send({"log": []})
    thread.send(None)
    thread.resume("x")
    thread.send(None)


@program()
def a_failure_behind_a_breakpoint(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b"), say("c")), interrupt_before=["b"], interrupt_after=["b"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send(None)


@program()
def an_update_at_a_breakpoint(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b"), see("c")), interrupt_before=["b", "c"])
    thread.send({"log": []})
    thread.update({"v": "u"})
    thread.send(None)
    thread.update({"v": "w"}, as_node="b")
    thread.send(None)


@program()
def sends_wait_at_a_breakpoint(lg):
    def spread(state):
        return [lg.Send("w", {"k": 1}), lg.Send("w", {"k": 2})]

    def w(state):
        return {"log": [state["k"]]}

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("w", w).add_node("z", say("z"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", spread, ["w"]).add_edge("w", "z")
    thread = lg.thread(graph, interrupt_before=["w"], interrupt_after=["w"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)


@program()
def new_input_drops_sends_that_wait(lg):
    def spread(state):
        return [lg.Send("w", {"k": 1}), lg.Send("w", {"k": 2})]

    def w(state):
        return {"log": [state["k"]]}

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("w", w)
    graph.add_edge(lg.START, "a").add_conditional_edges("a", spread, ["w"])
    thread = lg.thread(graph, interrupt_before=["w"])
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.send(None)


@program()
def a_deferred_node_waits_at_a_breakpoint(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_node("c", say("c"))
    graph.add_node("d", say("d"), defer=True).add_edge(lg.START, "a").add_edge("a", "b").add_edge("b", "c")
    graph.add_edge("a", "d").add_edge("c", "d")
    thread = lg.thread(graph, interrupt_before=["c", "d"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send({"log": ["two"]})


@program("a_checkpoint_is_not_the_live_value")
def a_join_waits_at_a_breakpoint(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_node("b2", say("b2"))
    graph.add_node("c", say("c")).add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("b", "b2")
    thread = lg.thread(graph.add_edge(["a", "b2"], "c"), interrupt_before=["b2", "c"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send({"log": ["two"]})


# --- kinds of state and of channels


@program("a_checkpoint_is_not_the_live_value")
def channels_of_every_kind_across_inputs(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        topic: Annotated[list, lg.channels.Topic(str)]
        pile: Annotated[list, lg.channels.Topic(str, True)]
        brief: Annotated[str, lg.channels.EphemeralValue(str)]
        free: Annotated[str, lg.channels.UntrackedValue(str)]
        any: Annotated[str, lg.channels.AnyValue(str)]
        late: Annotated[str, lg.channels.LastValueAfterFinish(str)]

    def a(state):
        return {"topic": ["a1", "a2"], "pile": ["p"], "brief": "b", "free": "f", "any": "y", "late": "l", "log": ["a"]}

    thread = lg.thread(line(lg, State, a, see("b"), see("c")), interrupt_before=["b", "c"])
    thread.send({"log": [], "brief": "input", "free": "input"})
    thread.send(None)
    thread.send(None)
    thread.send({"log": ["two"], "any": "input", "pile": "q"})
    thread.send(None)


@program()
def a_root_state(lg):
    def a(state):
        return [*state, "a"]

    def b(state):
        return [*state, lg.interrupt("b?")]

    thread = lg.thread(line(lg, list, a, b))
    thread.send(["i"])
    thread.resume("x")
    thread.send(["j"])


@program()
def a_root_state_with_a_reducer(lg):
    def a(state):
        return ["a"]

    def b(state):
        return [lg.interrupt("b?")]

    thread = lg.thread(line(lg, Annotated[list, operator.add], a, b))
    thread.send(["i"])
    thread.resume("x")
    thread.send(["j"])
    thread.update(["u"], as_node="a")
    thread.send(None)


@program("events_before_an_error_are_delivered")
def a_dataclass_state(lg):
    def a(state):
        return {"log": [("a", state.v)]}

    def b(state):
        return {"log": [("b", lg.interrupt(state.v))], "v": "b"}

    thread = lg.thread(line(lg, Data, a, b))
    thread.send(Data(["i"]))
    thread.resume("x")
    thread.send({"log": ["two"]})
    thread.update({"v": "u"})
    thread.resume("y")


@program("events_before_an_error_are_delivered")
def a_pydantic_state(lg):
    def a(state):
        return {"log": [("a", state.v)], "n": "3"}

    def b(state):
        return {"log": [("b", lg.interrupt(state.v), state.n)], "v": "b"}

    thread = lg.thread(line(lg, Model, a, b))
    thread.send(Model(log=["i"]))
    thread.resume("x")
    thread.send({"log": ["two"], "n": "not a number"})
    thread.send({"log": ["two"]})
    thread.update({"v": "u"})
    thread.resume("y")


@program()
def private_keys_are_kept_for_the_next_node(lg):
    class Private(TypedDict):
        secret: str

    def a(state):
        return {"log": ["a"], "secret": "s"}

    def b(state: Private):
        return {"log": [("b", state["secret"], lg.interrupt("b?"))]}

    thread = lg.thread(line(lg, Log, a, b, see("c")))
    thread.send({"log": []})
    thread.resume("x")
    thread.update({"secret": "u", "log": ["u"]}, as_node="a")
    thread.resume("y")


@program()
def input_and_output_schemas(lg):
    class In(TypedDict):
        question: str

    class Out(TypedDict):
        answer: str

    class State(In, Out):
        log: Annotated[list, operator.add]

    def a(state: In):
        return {"log": [state["question"]], "answer": lg.interrupt("a?")}

    thread = lg.thread(line(lg, State, a, see("b"), input_schema=In, output_schema=Out))
    thread.send({"question": "q", "log": ["dropped"]})
    thread.resume("x")
    thread.send({"question": "p"})
    thread.send(None)


@program()
def managed_values_on_a_resumed_run(lg):
    class State(TypedDict):
        log: Annotated[list, operator.add]
        left: lg.managed.RemainingSteps
        last: lg.managed.IsLastStep

    def a(state):
        return {"log": [("a", state["left"], state["last"])]}

    def b(state):
        return {"log": [("b", state["left"], state["last"], lg.interrupt("b?"))]}

    def c(state):
        return {"log": [("c", state["left"], state["last"])]}

    thread = lg.thread(line(lg, State, a, b, c))
    thread.send({"log": []}, {"recursion_limit": 5})
    thread.resume("x", {"recursion_limit": 2})
    thread.send({"log": []}, {"recursion_limit": 10})
    thread.send(None, {"recursion_limit": 1})


@program()
def overwrites_are_kept(lg):
    def a(state):
        return {"log": lg.Overwrite(["fresh"])}

    def b(state):
        return {"log": [lg.interrupt("b?")]}

    thread = lg.thread(line(lg, Log, a, b))
    thread.send({"log": ["i"]})
    thread.resume("x")
    thread.update({"log": lg.Overwrite(["updated"])}, as_node="a")
    thread.send(None)


@program()
def several_writes_of_one_node_to_a_key(lg):
    def a(state):
        return [{"log": ["a1"]}, lg.Command(update={"log": ["a2"]}), {"n": 1}, {"n": 2}]

    thread = lg.thread(line(lg, Full, a, asks(lg, "b")))
    thread.send({"log": []})
    thread.resume("x")


@program()
def a_node_that_writes_nothing_is_finished(lg):
    calls = []

    def quiet(state):
        calls.append("quiet")

    thread = lg.thread(fan(lg, Log, quiet, asks(lg, "a")))
    thread.send({"log": []})
    thread.resume("x")
    thread.note(calls)


@program()
def a_drained_run_goes_on(lg):
    control = lg.RunControl()

    def a(state):
        control.request_drain("deploy")
        return {"log": ["a"]}

    thread = lg.thread(line(lg, Log, a, say("b"), say("c")))
    thread.send({"log": []}, control=control)
    thread.send(None)


@program()
def a_drain_and_a_question(lg):
    control = lg.RunControl()

    def a(state):
        control.request_drain("deploy")
        return {"log": [lg.interrupt("a?")]}

    thread = lg.thread(line(lg, Log, a, say("b"), say("c")))
    thread.send({"log": []}, control=control)
    thread.resume("x")


@program()
def output_keys_on_a_thread(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), asks(lg, "b")))
    thread.send({"log": []}, output_keys="v")
    thread.resume("x", None)
    thread.send({"log": []}, output_keys=["v", "n"])
    thread.send(None, output_keys=["log"])


@program()
def durability_changes_nothing_that_is_stored(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), say("r"), then=say("z")))
    thread.send({"log": []}, durability="sync")
    thread.send(lg.Command(resume="x"), durability="sync")
    thread.send({"log": []}, durability="async")


# --- update_state


@program()
def an_update_of_a_fresh_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u", "log": ["u"]})
    thread.send(None)


@program()
def an_update_of_a_fresh_thread_as_a_node(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u", "log": ["u"]}, as_node="a")
    thread.send(None)
    thread.send({"log": ["i"]})


@program()
def an_update_as_the_start(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u"}, as_node=lg.START)
    thread.send(None)
    thread.update({"v": "w"}, as_node=lg.START)
    thread.send(None)


@program()
def an_update_as_input(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u", "log": ["i"]}, as_node="__input__")
    thread.send(None)


@program()
def an_update_of_a_finished_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.update({"v": "inferred"})
    thread.send(None)
    thread.update({"v": "as a"}, as_node="a")
    thread.send(None)
    thread.update({"v": "as b"}, as_node="b")
    thread.send(None)


@program()
def an_update_as_a_node_that_does_not_exist(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u"}, as_node="nobody")
    thread.send({"log": []})
    thread.update({"v": "u"}, as_node="nobody")
    thread.update({"v": "u"}, as_node=lg.END)


@program()
def an_update_after_a_step_of_several_nodes_is_ambiguous(lg):
    thread = lg.thread(fan(lg, Full, say("a"), say("b")))
    thread.send({"log": []})
    thread.update({"v": "u"})
    thread.update({"v": "u"}, as_node="b")
    thread.update({"v": "w"})


@program()
def an_update_of_a_graph_with_one_node(lg):
    thread = lg.thread(line(lg, Full, say("a")))
    thread.update({"v": "u"})
    thread.send(None)
    thread.send({"log": []})
    thread.update({"v": "w"})


@program()
def an_update_clears_a_question(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "u"})
    thread.resume("x")


@program()
def an_update_then_none_asks_again(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "u"})
    thread.send(None)
    thread.resume("x")


@program()
def an_update_as_the_asking_node_answers_for_it(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "u", "log": ["instead"]}, as_node="b")
    thread.send(None)


@program("an_update_keeps_what_siblings_wrote")
def an_update_while_a_sibling_is_finished(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", v="r"), then=see("z")))
    thread.send({"log": []})
    thread.update({"n": 7}, as_node="p")
    thread.send(None)


@program("an_update_keeps_what_siblings_wrote")
def an_update_as_another_node_while_one_is_asking(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), asks(lg, "q"), say("r", v="r"), then=see("z")))
    thread.send({"log": []})
    thread.update({"n": 7}, as_node="r")
    thread.send(None)
    thread.update({"n": 8})


@program()
def no_values_as_the_end_clear_what_is_pending(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", v="r"), then=see("z")))
    thread.send({"log": []})
    thread.update(None, as_node=lg.END)
    thread.send(None)
    thread.send({"log": ["two"]})
    thread.resume("x")


@program()
def no_values_as_the_end_of_a_finished_or_fresh_thread(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before=["b"])
    thread.update(None, as_node=lg.END)
    thread.send({"log": []})
    thread.update(None, as_node=lg.END)
    thread.send(None)
    thread.update(None, as_node=lg.END)


@program()
def no_values(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": []})
    thread.update(None)
    thread.update(None, as_node="a")
    thread.update({}, as_node="a")
    thread.update(None, as_node="b")
    thread.send(None)


@program()
def an_update_after_a_failure(lg):
    thread = lg.thread(line(lg, Full, say("a"), fails(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "fixed"})
    thread.send(None)


@program()
def an_update_as_the_failed_node(lg):
    thread = lg.thread(line(lg, Full, say("a"), fails(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "instead"}, as_node="b")
    thread.send(None)


@program()
def an_update_with_a_command(lg):
    graph = line(lg, Full, say("a"), see("b")).add_node("c", see("c"))
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.update(lg.Command(update={"v": "u"}, goto="c"), as_node="a")
    thread.send(None)
    thread.update(lg.Command(goto=[lg.Send("c", {"v": "sent"})]), as_node="b")
    thread.send(None)
    thread.update([{"v": "one"}, lg.Command(update={"n": 1})], as_node="b")


@program()
def an_update_runs_the_conditional_edges_of_its_node(lg):
    def route(state):
        return state["v"]

    graph = lg.StateGraph(Full).add_node("a", say("a", v="b")).add_node("b", see("b")).add_node("c", see("c"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", route, {"b": "b", "c": "c", "end": lg.END})
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.update({"v": "c"}, as_node="a")
    thread.send(None)
    thread.update({"v": "end"}, as_node="a")
    thread.send(None)
    thread.update({"v": "unknown"}, as_node="a")


@program()
def an_update_that_sends(lg):
    def spread(state):
        return [lg.Send("w", {"k": one}) for one in state["log"]]

    def w(state):
        return {"n": 1, "v": str(state["k"])}

    graph = lg.StateGraph(Full).add_node("a", say("a")).add_node("w", w).add_edge(lg.START, "a")
    thread = lg.thread(graph.add_conditional_edges("a", spread, ["w"]))
    thread.update({"log": ["u1"]}, as_node="a")
    thread.send(None)


@program()
def an_update_as_one_side_of_a_join(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_node("c", say("c"))
    thread = lg.thread(graph.add_edge(lg.START, "a").add_edge(["a", "b"], "c"))
    thread.send({"log": []})
    thread.update({"log": ["u"]}, as_node="b")
    thread.send(None)
    thread.update({"log": ["u"]}, as_node="a")
    thread.update({"log": ["w"]}, as_node="b")
    thread.send(None)


@program()
def several_updates_in_a_row(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.update({"n": 1})
    thread.update({"n": 2})
    thread.update({"n": 4}, as_node="b")
    thread.update({"n": 8})
    thread.send(None)


@program()
def an_update_with_unknown_keys(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.update({"nothing": 1})
    thread.update({"nothing": 1, "v": "u"}, as_node="a")
    thread.update("not a dict", as_node="a")
    thread.send(None)


@program()
def an_update_with_a_conflict(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.update([{"v": "one"}, {"v": "two"}], as_node="a")
    thread.send(None)


@program()
def an_update_keeps_metadata(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []}, {"metadata": {"who": "me"}, "configurable": {"user": "u"}})
    thread.update({"v": "u"}, config={"configurable": {"thread_id": "1", "user": "w"}, "metadata": {"why": "because"}})
    thread.send(None)


@program("a_state_names_its_thread")
def a_state_without_a_thread_is_refused(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.state({"configurable": {"x": 1}})
    thread.history({"configurable": {"x": 1}})
    thread.update({"log": []}, config={"configurable": {"x": 1}})
    thread.saver = lg.InMemorySaver()
    thread.graph = line(lg, Log, say("a")).compile()
    thread.state()
    thread.update({"log": []})
    thread.history()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
