"""Sessions about what is saved and when, and what is read back; the same on LangGraph and on rxgraph.

Where each rule has its programs (in ``test_persistence.py`` unless said otherwise):

* Durability: ``durability_changes_nothing_that_is_stored``, ``every_durability_on_one_thread``; "exit": here.
* Interrupts, bare answers and maps, several that wait, unknown ids: questions; static ones: breakpoints.
* A node runs from its start again: ``a_node_runs_from_its_start_again``; order of answers: ``questions_of_two_steps``.
* When an input resumes, strict answers, types of answers: here. Commands: commands as input.
* Old checkpoints, forks, updates, copies: ``test_time_travel.py``, update_state.
* Inner graphs without a saver: here.
* Snapshots of unknown threads: ``state_before_any_input_is_empty``; finished, live, at a breakpoint: after each action;
  of a checkpoint: at the end of each session; results: ``several_writes_of_one_node_to_a_key``, here.
* History: ``every_history_question``.
"""

import dataclasses
import operator
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pydantic
import pytest

from tests.parity._sessions import Boom, Case, Cases, Full, Log, asks, fails, fan, line, say, see
from tests.parity._threads import compare

CASES = Cases()
program = CASES.program

EXIT: dict[str, Any] = {"durability": "exit"}

# --- durability="exit": one checkpoint for a run

# By invoke: what the checkpoints of such a run show as their parents is another question.


@program(way="invoke")
def a_clean_run_leaves_one_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(None, **EXIT)
    thread.send(None)


@program(way="invoke")
def a_second_run_has_the_first_one_as_parent(lg):
    thread = lg.thread(line(lg, Full, say("a", v="x"), see("b")))
    thread.send({"log": ["one"]}, **EXIT)
    thread.send({"log": ["two"]}, **EXIT)
    thread.send({"log": ["three"]}, durability="sync")
    thread.send({"log": ["four"]}, **EXIT)


@program(way="invoke")
def an_interrupted_run_leaves_the_open_superstep(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.resume("x")


@program(way="invoke")
def a_resume_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(lg.Command(resume="x"), **EXIT)


@program(way="invoke")
def a_resume_under_exit_of_a_run_that_was_saved(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]})
    thread.send(lg.Command(resume="x"), **EXIT)


@program(way="invoke")
def two_questions_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b", "one", "two"), say("c")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(lg.Command(resume="A"), **EXIT)
    thread.send(lg.Command(resume="B"), **EXIT)


@program(way="invoke")
def questions_of_two_supersteps_under_exit(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a"), say("b"), asks(lg, "c"), say("d")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(lg.Command(resume="A"), **EXIT)
    thread.send(lg.Command(resume="C"), **EXIT)


@program(way="invoke")
def questions_side_by_side_under_exit(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), asks(lg, "q"), say("r"), then=say("z")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(lg.Command(resume={thread.id("p?"): "P"}), **EXIT)
    thread.send(lg.Command(resume="Q"), **EXIT)


@program(way="invoke")
def an_answer_and_an_update_under_exit(lg):
    graph = line(lg, Full, say("a"), asks(lg, "b"), see("c")).add_node("other", see("other"))
    thread = lg.thread(graph)
    thread.send({"log": []}, **EXIT)
    thread.send(lg.Command(resume="x", update={"v": "u"}, goto="other"), **EXIT)


@program(way="invoke")
def a_command_under_exit_while_one_is_asking(lg):
    thread = lg.thread(line(lg, Full, asks(lg, "a"), see("b")).add_node("c", see("c")))
    thread.send({"log": []}, **EXIT)
    thread.send(lg.Command(goto="c", update={"v": "u"}), **EXIT)
    thread.resume("x")


@program(way="invoke")
def none_under_exit_asks_again(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")))
    thread.send({"log": []}, **EXIT)
    thread.send(None, **EXIT)
    thread.send(None)
    thread.resume("x")


@program(way="invoke")
def a_question_of_the_first_superstep_under_exit(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "a"), say("b"), then=say("z")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.resume("x")


@program(way="invoke")
def a_failed_run_leaves_the_open_superstep(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b"), say("c")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(None)


@program(way="invoke")
def a_failed_run_under_exit_keeps_finished_siblings(lg):
    calls = []

    def ok(state):
        calls.append("ok")
        return {"log": ["ok"]}

    thread = lg.thread(fan(lg, Log, ok, fails(lg, "z", wait=0.05), then=say("end")))
    thread.send({"log": []}, **EXIT)
    thread.send(None, **EXIT)
    thread.note(calls)


@program(way="invoke")
def a_failed_first_superstep_under_exit(lg):
    thread = lg.thread(line(lg, Log, fails(lg, "a"), say("b")))
    thread.send({"log": ["i"]}, **EXIT)
    thread.send(None, **EXIT)


@program("a_failed_task_shows_no_update", way="invoke")
def a_failure_after_an_answer_under_exit(lg):
    calls = []

    def a(state):
        answer = lg.interrupt("a?")
        calls.append(answer)
        if len(calls) == 1:
            raise Boom("once")
        return {"log": [answer]}

    thread = lg.thread(line(lg, Log, a, say("b")))
    thread.send({"log": []}, **EXIT)
    thread.send(lg.Command(resume="A"), **EXIT)
    thread.send(None, **EXIT)
    thread.send(None, **EXIT)


@program(way="invoke")
def a_failure_under_exit_of_a_run_that_was_saved(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c"), fails(lg, "d"), say("e")))
    thread.send({"log": ["i"]})
    thread.send(lg.Command(resume="x"), **EXIT)
    thread.send(None)


@program(way="invoke")
def new_input_under_exit_discards_the_question(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["one"]}, **EXIT)
    thread.send({"log": ["two"]}, **EXIT)
    thread.resume("yes")


@program(way="invoke")
def breakpoints_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")), interrupt_before=["b"], interrupt_after=["b"])
    thread.send({"log": []}, **EXIT)
    thread.send(None, **EXIT)
    thread.send(None, **EXIT)


@program(way="invoke")
def the_recursion_limit_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    thread.send({"log": []}, {"recursion_limit": 2}, **EXIT)
    thread.send(None, **EXIT)


@program(way="invoke")
def a_refused_input_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send("not a dict", **EXIT)
    thread.send({"log": ["i"]}, **EXIT)
    thread.send("not a dict", **EXIT)


@program(way="invoke")
def sends_under_exit(lg):
    def spread(state):
        return [lg.Send("w", {"k": 1}), lg.Send("w", {"k": 2})]

    def w(state):
        return {"log": [(state["k"], "fine" if state["k"] == 2 else lg.interrupt("1?"))]}

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("w", w).add_node("z", say("z"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", spread, ["w"]).add_edge("w", "z")
    thread = lg.thread(graph)
    thread.send({"log": []}, **EXIT)
    thread.send(lg.Command(resume="one"), **EXIT)


@program(way="invoke")
def metadata_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")))
    thread.send({"log": []}, {"metadata": {"who": "me"}, "configurable": {"user": "u"}}, **EXIT)
    thread.send(lg.Command(resume="x"), {"metadata": {"who": "you"}}, **EXIT)


@program(way="invoke")
def an_update_after_a_run_under_exit(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []}, **EXIT)
    thread.update({"v": "u"})
    thread.send(None, **EXIT)
    thread.update({"v": "w"}, "b")
    thread.send(None, **EXIT)


@program(way="invoke")
def an_old_checkpoint_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]}, thread.at(2), **EXIT)


@program(way="invoke")
def a_fork_under_exit(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    thread.send({"log": ["one"]})
    thread.send(None, thread.at(2), **EXIT)


@program(way="invoke")
def a_drain_under_exit(lg):
    control = lg.RunControl()

    def a(state):
        control.request_drain("deploy")
        return {"log": ["a"]}

    thread = lg.thread(line(lg, Log, a, say("b"), say("c")))
    thread.send({"log": []}, control=control, **EXIT)
    thread.send(None, **EXIT)


@program(way="invoke")
def an_unknown_durability(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send({"log": []}, durability="async")
    thread.send({"log": []}, durability="sync")
    thread.send({"log": []}, durability=None)


@program(way="invoke")
def every_durability_on_one_thread(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    for durability in ("sync", "exit", "async"):
        thread.send({"log": [durability]}, durability=durability)
        thread.send(lg.Command(resume="x"), durability=durability)


# --- 2.4: when a run is resumed


@program("an_ignored_input_warns")
def input_with_the_run_id_of_the_head_resumes(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    config = {"metadata": {"run_id": "r1"}}
    thread.send({"log": ["one"]}, config)
    thread.send({"log": ["ignored"]}, config)
    thread.send(lg.Command(resume="x"), config)
    thread.send({"log": ["finished"]}, config)
    thread.send({"log": ["new"]}, {"metadata": {"run_id": "r2"}})


@program("an_ignored_input_warns")
def input_with_the_run_id_of_a_failed_run_resumes(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b"), say("c")))
    config = {"metadata": {"run_id": "r1"}}
    thread.send({"log": ["one"]}, config)
    thread.send({"log": ["ignored"]}, config)


@program("an_ignored_input_warns")
def a_run_id_at_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")))
    config = {"metadata": {"run_id": "r1"}}
    thread.send({"log": ["one"]}, config)
    thread.send({"log": ["two"]}, {**config, **thread.at(2)})


@program("an_ignored_input_warns")
def a_run_id_among_configurable_values(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    config = {"configurable": {"run_id": "r1"}}
    thread.send({"log": ["one"]}, config)
    thread.send({"log": ["two"]}, config)
    thread.resume("x", config)


@program()
def strict_answers(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "p"), asks(lg, "q"), say("r")))
    strict = {"configurable": {"__pregel_strict_resume": True}}
    thread.send({"log": []}, strict)
    thread.send(lg.Command(resume="x"), strict)
    thread.send(lg.Command(resume={"0" * 32: "X"}), strict)
    thread.send(lg.Command(resume={thread.id("p?"): "P", "0" * 32: "X"}), strict)
    thread.send(lg.Command(resume={thread.id("p?"): "P"}), strict)
    thread.send(lg.Command(resume="Q"), strict)


@program()
def strict_answers_with_nothing_asked(lg):
    thread = lg.thread(line(lg, Log, say("a")))
    strict = {"configurable": {"__pregel_strict_resume": True}}
    thread.send({"log": []}, strict)
    thread.send(lg.Command(resume="x"), strict)
    thread.send(lg.Command(resume={"0" * 32: "X"}), strict)


# --- answers of a type


class Answer(pydantic.BaseModel):
    ok: bool
    why: str = "because"


@dataclasses.dataclass
class Choice:
    ok: bool
    n: int = 0


class Typed(TypedDict):
    ok: bool


def schema_program(name, schema, *answers):
    """A program that asks for answers of a schema, and gives several."""

    def session(lg):
        def a(state):
            answer = lg.interrupt("a?", response_schema=schema)
            return {"log": [(type(answer).__name__, repr(answer))]}

        thread = lg.thread(line(lg, Log, a))
        thread.send({"log": []})
        for answer in answers:
            thread.resume(answer)

    session.__name__ = name
    program()(session)


schema_program("answers_of_a_pydantic_model", Answer, {"ok": True})
schema_program("answers_that_are_no_pydantic_model", Answer, {"ok": "perhaps"}, "text", {"why": 1}, {"ok": "yes"})
schema_program("answers_of_a_dataclass", Choice, {"ok": 1}, {"ok": True, "n": "3"})
schema_program("answers_of_a_typed_dict", Typed, {}, {"ok": True})
schema_program("answers_of_a_plain_type", int, "x", "3")
schema_program("answers_of_a_literal", Literal["yes", "no"], "maybe", "yes")
schema_program("answers_of_a_json_schema", {"type": "object", "required": ["ok"]}, {}, {"ok": 1})
schema_program("answers_of_a_boolean", bool, "no")


# --- 2.6: inner graphs without a history of their own


def inner(lg, *nodes, **options):
    return line(lg, Log, *nodes).compile(**options)


@program()
def an_inner_graph_without_a_saver_that_fails(lg):
    graph = line(lg, Log, say("a"))
    graph.add_node("in", inner(lg, say("first"), fails(lg, "second"), checkpointer=False)).add_edge("a", "in")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.send(None)


# --- 2.7: snapshots


@program("every_answer_is_kept")
def a_snapshot_in_the_middle_of_a_superstep(lg):
    def twice(state):
        return [lg.Command(update={"n": 1}), {"n": 2}, {"v": "x"}]

    thread = lg.thread(fan(lg, Full, asks(lg, "p", "p1", "p2"), twice, say("r"), fails(lg, "z", wait=0.05)))
    thread.send({"log": []})
    place = thread.at(-1)
    thread.state(place)
    thread.send(None)
    thread.resume("P1")
    thread.state(place)
    thread.resume("P2")
    thread.state(place)


@program()
def a_snapshot_with_what_a_command_wrote(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", n=1)))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "u", "n": 5}))
    thread.state(thread.at(-1))
    thread.resume("x")


@program()
def results_are_those_of_output_channels(lg):
    class Out(TypedDict):
        v: str

    class State(Out):
        log: Annotated[list, operator.add]

    def a(state):
        return {"v": "x", "log": ["a"]}

    def b(state):
        return {"log": ["b"]}

    thread = lg.thread(line(lg, State, a, b, asks(lg, "c"), output_schema=Out))
    thread.send({"log": []})
    thread.resume("x")


@program()
def history_before_an_id_and_with_filters(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": ["one"]}, {"metadata": {"n": 1, "flag": True}})
    thread.send({"log": ["two"]}, {"metadata": {"n": 2, "flag": False}})
    thread.send(None, thread.at(2))
    for filter in ({"n": 1}, {"flag": True}, {"n": 1, "source": "loop"}, {}):
        thread.history(filter=filter)
    thread.history(before=thread.at(0))
    thread.history(before=thread.at(-1), limit=2)
    thread.history(thread.at(2), before=thread.at(1))
    thread.history(thread.at(2), filter={"source": "input"})


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str) -> None:
    compare(case.program, lane, case.way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    compare(case.program, lane, "invoke", case.differences, tmp_path)
