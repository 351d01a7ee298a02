"""Sessions that go back to a checkpoint, and that update one; the same on LangGraph and on rxgraph.

``thread.at(n)`` is the n-th oldest checkpoint. For a graph START -> a -> b these are: 0 the input, 1 before ``a``,
2 before ``b``, 3 the end. Updates at the head, ambiguity and ``END`` have more programs in ``test_persistence.py``.
"""

from pathlib import Path

import pytest

from tests.parity._sessions import Case, Cases, Full, Log, asks, fails, fan, line, say, see
from tests.parity._threads import compare

CASES = Cases()
program = CASES.program

# --- none and an id: a fork, from which everything runs again


@program()
def none_at_an_old_checkpoint_forks(lg):
    calls = []

    def b(state):
        calls.append("b")
        return {"log": [f"b{len(calls)}"]}

    thread = lg.thread(line(lg, Log, say("a"), b, say("c")))
    thread.send({"log": ["i"]})
    thread.send(None, thread.at(2))
    thread.note(calls)
    thread.send(None)
    thread.send({"log": ["on the fork"]})


@program()
def none_at_every_checkpoint_of_a_run(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": ["i"]})
    for place in (0, 1, 2, 3):
        thread.send(None, thread.at(place))


@program()
def none_at_a_checkpoint_of_an_earlier_run(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"]})
    thread.send(None, thread.at(1))
    thread.send(None, thread.at(3))


@program()
def none_at_the_head_of_an_open_thread(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")), interrupt_before=["b"])
    thread.send({"log": ["i"]})
    thread.send(None, thread.at(-1))
    thread.send(None)


@program()
def none_at_a_checkpoint_where_a_question_was_answered_asks_again(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]})
    thread.resume("first")
    thread.send(None, thread.at(2))
    thread.resume("second")


@program()
def none_at_a_checkpoint_before_a_question(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]})
    thread.resume("first")
    thread.send(None, thread.at(1))
    thread.resume("second")


@program()
def none_at_the_head_where_a_question_waits(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["i"]})
    thread.send(None, thread.at(-1))
    thread.resume("x")


@program("every_answer_is_kept")
def none_at_a_checkpoint_with_two_answers(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two"), say("b")))
    thread.send({"log": []})
    thread.resume("A")
    thread.resume("B")
    thread.send(None, thread.at(1))
    thread.resume("C")
    thread.resume("D")


@program()
def none_at_a_checkpoint_whose_tasks_were_finished_runs_all_of_them(lg):
    calls = []

    def ok(state):
        calls.append("ok")
        return {"log": [f"ok{len(calls)}"]}

    thread = lg.thread(fan(lg, Log, ok, asks(lg, "p"), then=say("z")))
    thread.send({"log": []})
    thread.resume("P")
    thread.send(None, thread.at(1))
    thread.note(calls)
    thread.resume("Q")
    thread.note(calls)


@program()
def none_at_a_checkpoint_where_a_node_failed(lg):
    thread = lg.thread(line(lg, Log, say("a"), fails(lg, "b"), say("c")))
    thread.send({"log": []})
    thread.send(None, thread.at(2))
    thread.send(None, thread.at(2))


@program()
def none_at_an_update_that_is_the_head_makes_no_fork(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "u"}, as_node="a")
    thread.send(None, thread.at(-1))


@program()
def none_at_an_update_that_is_superseded(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": []})
    thread.update({"v": "u"}, as_node="a")
    place = thread.at(-1)
    thread.send(None)
    thread.send(None, place)


@program()
def none_at_a_fork(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.resume("x")
    thread.send(None, thread.at(2))
    fork = thread.at(-1)
    thread.send(None, fork)
    thread.resume("y")
    thread.send(None, fork)


@program()
def none_at_a_fork_that_is_the_head_runs_all_of_it_again(lg):
    thread = lg.thread(fan(lg, Log, asks(lg, "q", "one?", "two?"), say("b"), asks(lg, "a"), then=say("end")))
    thread.send({"log": ["i"]})
    thread.send(None, thread.at(-1))
    thread.resume({thread.id("one?"): 1})
    thread.send(lg.Command(update={"log": ["u"]}))
    thread.send(None, thread.at(-1))
    thread.resume({thread.id("a?"): "a"}, thread.at(-1))
    thread.resume({thread.id("one?"): 1}, thread.at(-2))


@program()
def none_at_a_checkpoint_with_breakpoints(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b"), say("c")), interrupt_before=["b"], interrupt_after=["b"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None)
    thread.send(None, thread.at(1))
    thread.send(None, thread.at(2))
    thread.send(None)


@program()
def none_at_a_checkpoint_that_sends(lg):
    def spread(state):
        return [lg.Send("w", {"k": 1}), lg.Send("w", {"k": 2})]

    def w(state):
        return {"log": [state["k"]]}

    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("w", w).add_node("z", say("z"))
    graph.add_edge(lg.START, "a").add_conditional_edges("a", spread, ["w"]).add_edge("w", "z")
    thread = lg.thread(graph)
    thread.send({"log": []})
    thread.send(None, thread.at(2))


@program()
def none_at_a_checkpoint_with_half_a_join(lg):
    graph = lg.StateGraph(Log).add_node("a", say("a")).add_node("b", say("b")).add_node("b2", say("b2"))
    graph.add_node("c", say("c")).add_edge(lg.START, "a").add_edge(lg.START, "b").add_edge("b", "b2")
    thread = lg.thread(graph.add_edge(["a", "b2"], "c"), interrupt_before=["b2"])
    thread.send({"log": []})
    thread.send(None)
    thread.send(None, thread.at(2))


@program()
def an_unknown_id(lg):
    nowhere = {"configurable": {"thread_id": "1", "checkpoint_id": "0" * 8 + "-0000-6000-8000-000000000001"}}
    thread = lg.thread(line(lg, Log, say("a")))
    thread.send({"log": []})
    thread.send(None, nowhere)
    thread.state(nowhere)
    thread.history(nowhere)


@program()
def history_of_one_checkpoint(lg):
    thread = lg.thread(line(lg, Log, say("a"), say("b")))
    thread.send({"log": []})
    thread.send(None, thread.at(1))
    for place in (0, 2, -1):
        thread.history(thread.at(place))
        thread.state(thread.at(place))


# --- a command and an id


@program()
def an_answer_at_the_head(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": []})
    thread.resume("x", thread.at(-1))


@program()
def an_answer_at_a_checkpoint_that_an_input_superseded(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b"), say("c")))
    thread.send({"log": ["one"]})
    place = thread.at(-1)
    thread.send({"log": ["two"]})
    thread.resume("x", place)
    thread.resume("y")


@program("every_answer_is_kept")
def an_answer_where_the_first_of_two_was_answered(lg):
    thread = lg.thread(line(lg, Log, asks(lg, "a", "one", "two"), say("b")))
    thread.send({"log": []})
    place = thread.at(-1)
    thread.resume("A")
    thread.send({"log": ["new"]})
    thread.resume("B", place)


@program()
def a_command_at_a_superseded_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")).add_node("c", see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "u"}), thread.at(2))
    thread.send(lg.Command(goto="c", update={"v": "w"}), thread.at(1))


@program()
def a_command_at_the_head(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")).add_node("c", see("c")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "u"}, goto="c"), thread.at(-1))


@program()
def an_answer_and_an_update_at_the_head(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.resume("x", thread.at(-1), update={"v": "u"})


@program()
def an_update_command_where_a_question_waits(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"v": "u"}), thread.at(-1))
    thread.resume("x")


@program()
def an_update_command_where_a_question_was_answered(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    place = thread.at(-1)
    thread.resume("x")
    thread.send(lg.Command(update={"v": "u"}), place)
    thread.resume("y")


@program()
def none_where_a_command_was(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    place = thread.at(-1)
    thread.send(lg.Command(update={"v": "u"}))
    thread.resume("x")
    thread.send(None, place)


# --- new input and an id


@program()
def new_input_at_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a", v="a"), see("b")))
    thread.send({"log": ["one"]})
    thread.send({"log": ["two"], "v": "i"}, thread.at(2))
    thread.send({"log": ["three"]}, thread.at(0))
    thread.send({"log": ["four"]}, thread.at(3))
    thread.send({"log": ["five"]})


@program()
def new_input_where_a_question_waits(lg):
    thread = lg.thread(line(lg, Log, say("a"), asks(lg, "b")))
    thread.send({"log": ["one"]})
    place = thread.at(-1)
    thread.resume("x")
    thread.send({"log": ["two"]}, place)
    thread.resume("y")


# --- updates of an old checkpoint


@program()
def an_update_of_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": ["i"]})
    thread.update({"v": "u"}, config=thread.at(2))
    thread.send(None)
    thread.update({"v": "w"}, "b", thread.at(3))
    thread.send(None)


@program()
def an_update_of_every_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": ["i"]})
    for place in (0, 1, 2, 3):
        thread.update({"v": f"u{place}"}, config=thread.at(place))
    thread.update({"v": "u"}, "a", thread.at(0))
    thread.send(None)


@program()
def an_update_of_an_old_checkpoint_where_a_question_was_answered(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": ["i"]})
    place = thread.at(-1)
    thread.resume("x")
    thread.update({"v": "u"}, config=place)
    thread.send(None)
    thread.resume("y")


@program("an_update_keeps_what_siblings_wrote")
def an_update_of_an_old_checkpoint_with_finished_siblings(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", v="r"), then=see("z")))
    thread.send({"log": ["i"]})
    place = thread.at(-1)
    thread.resume("P")
    thread.update({"n": 7}, "p", place)
    thread.send(None)


@program()
def a_run_at_what_an_update_returned(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": ["i"]})
    place = thread.update({"v": "u"}, "a", thread.at(2))
    thread.send(None, place)
    thread.state(place)


@program()
def an_update_as_input_of_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": ["i"]})
    thread.update({"v": "u", "log": ["j"]}, "__input__", thread.at(2))
    thread.send(None)


@program()
def an_update_as_input_of_a_thread_that_asks(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b")))
    thread.send({"log": ["i"]})
    thread.update({"v": "u", "log": ["j"]}, "__input__")
    thread.send(None)
    thread.resume("x")


@program()
def no_values_as_input(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update(None, "__input__")
    thread.update({"nothing": 1}, "__input__")
    thread.send({"log": []})
    thread.update({"nothing": 1}, "__input__")
    thread.update({}, "__input__")


@program()
def the_end_of_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": ["i"]})
    thread.update(None, lg.END, thread.at(2))
    thread.send(None)
    thread.update({"v": "u"}, lg.END, thread.at(2))


@program()
def no_node_named_where_several_ran_last(lg):
    thread = lg.thread(fan(lg, Full, say("a"), say("b"), then=see("z")))
    thread.send({"log": []})
    thread.update({"v": "u"}, config=thread.at(2))
    thread.update({"v": "u"}, config=thread.at(3))
    thread.send(None)


@program()
def an_update_of_the_head_by_its_id(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": ["i"]})
    thread.update({"v": "u"}, "a", thread.at(-1))
    thread.send(None)


@program("an_update_keeps_what_siblings_wrote")
def an_update_of_the_head_by_its_id_with_finished_siblings(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", v="r"), then=see("z")))
    thread.send({"log": ["i"]})
    thread.update({"n": 7}, "p", thread.at(-1))
    thread.send(None)


@program()
def an_update_where_a_command_was(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    place = thread.at(-1)
    thread.send(lg.Command(update={"n": 5}))
    thread.resume("x")
    thread.update({"v": "u"}, "a", place)
    thread.send(None)


@program("an_update_keeps_what_siblings_wrote")
def an_update_at_the_head_where_a_command_was(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.send(lg.Command(update={"n": 5}))
    thread.update({"v": "u"}, "a")
    thread.send(None)


# --- updates under the id of a task


@program()
def an_update_under_a_task_id(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.update({"v": "u"}, "b", task_id="1" * 8 + "-1111-1111-1111-" + "1" * 12)
    thread.send(None)


@program("an_update_keeps_what_siblings_wrote")
def an_update_under_the_id_of_the_task_that_asks(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), asks(lg, "q"), then=see("z")))
    thread.send({"log": []})
    task = next(one for one in thread.state().tasks if one.name == "q")
    thread.update({"n": 7}, "q", task_id=task.id)
    thread.send(None)


@program()
def an_update_under_a_task_id_of_a_fresh_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update({"v": "u"}, "a", task_id="2" * 8 + "-2222-2222-2222-" + "2" * 12)
    thread.send(None)


# --- copies


@program()
def a_copy_of_the_head(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.update(None, "__copy__")
    thread.send(None)
    thread.send({"log": ["new"]})


@program()
def a_copy_of_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": []})
    place = thread.update(None, "__copy__", thread.at(2))
    thread.state(place)
    thread.send(None)
    thread.update(None, "__copy__", thread.at(0))
    thread.send(None)


@program()
def a_copy_where_a_question_waits(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.update(None, "__copy__")
    thread.resume("x")
    thread.send(None)


@program()
def a_copy_where_a_sibling_is_finished(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), say("r", v="r"), then=see("z")))
    thread.send({"log": []})
    thread.update(None, "__copy__")
    thread.send(None)
    thread.resume("x")


@program()
def a_copy_with_updates(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": ["i"]})
    thread.update([({"v": "u"}, "a")], "__copy__", thread.at(2))
    thread.send(None)
    thread.update([({"v": "w"}, "b"), ({"n": 3}, "b")], "__copy__", thread.at(3))
    thread.send(None)


@program()
def a_copy_of_a_fresh_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.update(None, "__copy__")
    thread.send({"log": []})


# --- several updates at once


@program()
def a_bulk_of_a_fresh_thread(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.bulk([({"log": ["u1"], "v": "u"}, "a")], [({"n": 1}, "b")])
    thread.send(None)


@program()
def a_bulk_that_begins_with_an_input(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.bulk([({"log": ["i"]}, "__input__")], [({"v": "u"}, "a")], [({"n": 1}, "b")])
    thread.send(None)


@program()
def a_bulk_at_the_head(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")), interrupt_before=["b"])
    thread.send({"log": []})
    thread.bulk([({"v": "u"}, "b")], [({"n": 1}, "c")])
    thread.send(None)


@program()
def a_bulk_of_several_nodes_in_a_superstep(lg):
    thread = lg.thread(fan(lg, Full, say("a"), say("b"), then=see("z")))
    thread.send({"log": []})
    thread.bulk([({"log": ["ua"]}, "a"), ({"log": ["ub"], "v": "b"}, "b")])
    thread.send(None)


@program()
def a_bulk_of_one_node_twice_in_a_superstep(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.bulk([({"n": 1}, "a"), ({"n": 2}, "a")])
    thread.send(None)


@program()
def a_bulk_on_a_fresh_thread_of_several_nodes(lg):
    thread = lg.thread(fan(lg, Full, say("a"), say("b"), then=see("z")))
    thread.bulk([({"log": ["ua"]}, "a"), ({"log": ["ub"]}, "b")], [({"n": 2}, "z")])
    thread.send(None)


@program()
def a_bulk_at_an_old_checkpoint(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b"), see("c")))
    thread.send({"log": []})
    thread.bulk([({"v": "u"}, "a")], [({"n": 1}, "b")], config=thread.at(2))
    thread.send(None)


@program()
def a_bulk_where_nodes_ask(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), asks(lg, "q"), then=see("z")))
    thread.send({"log": []})
    thread.bulk([({"log": ["P"]}, "p"), ({"log": ["Q"]}, "q")])
    thread.send(None)


@program()
def a_bulk_under_task_ids(lg):
    thread = lg.thread(fan(lg, Full, asks(lg, "p"), asks(lg, "q"), then=see("z")))
    thread.send({"log": []})
    ids = {task.name: task.id for task in thread.state().tasks}
    thread.bulk([({"log": ["P"]}, "p", ids["p"]), ({"log": ["Q"]}, "q", ids["q"])])
    thread.send(None)


@program()
def a_bulk_that_ends(lg):
    thread = lg.thread(line(lg, Full, say("a"), asks(lg, "b"), see("c")))
    thread.send({"log": []})
    thread.bulk([({"v": "u"}, "a")], [(None, lg.END)])
    thread.send(None)


@program()
def a_bulk_of_nothing(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.bulk()
    thread.bulk([])
    thread.bulk([(None, "a")])
    thread.bulk([(None, None)])


@program()
def a_bulk_without_names(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.bulk([({"n": 1},)], [({"n": 2},)])
    thread.bulk([({"n": 1},), ({"n": 2},)])
    thread.send(None)


@program()
def a_bulk_with_a_conflict(lg):
    thread = lg.thread(fan(lg, Full, say("a"), say("b"), then=see("z")))
    thread.send({"log": []})
    thread.bulk([({"v": "one"}, "a"), ({"v": "two"}, "b")])
    thread.send(None)


@program()
def a_bulk_of_special_nodes_beside_others(lg):
    thread = lg.thread(line(lg, Full, say("a"), see("b")))
    thread.send({"log": []})
    thread.bulk([({"n": 1}, "a"), (None, lg.END)])
    thread.bulk([({"log": []}, "__input__"), ({"n": 1}, "a")])
    thread.bulk([(None, "__copy__"), ({"n": 1}, "a")])


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str) -> None:
    compare(case.program, lane, case.way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    compare(case.program, lane, "invoke", case.differences, tmp_path)
