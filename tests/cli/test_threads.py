"""Threads on the command line: stop at a question, look at it, and go on in another process."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli._command import PATIENCE, environment, lines, rxgraph
from tests.cli._terminal import screen, terminal

GRAPHS = '''
"""Graphs that stop."""

import operator
import os
import sys
from dataclasses import dataclass
from typing import Annotated, TypedDict

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.graph import START, StateGraph
from rxgraph.types import interrupt


@dataclass
class Draft:
    text: str


class State(TypedDict, total=False):
    draft: Draft
    log: Annotated[list, operator.add]


def write(state):
    print("wrote", file=sys.stderr)
    return {"draft": Draft("hello"), "log": ["write"]}


def review(state):
    return {"log": [interrupt({"ok?": state["draft"].text})]}


async def areview(state):
    return review(state)


def twice(state):
    return {"log": [interrupt("first?"), interrupt("second?")]}


def left(state):
    return {"log": [["left", interrupt("left?")]]}


def right(state):
    return {"log": [["right", interrupt("right?", response_schema={"type": "string"})]]}


def fragile(state):
    if not os.path.exists("mended"):
        raise ValueError("boom")
    return {"log": ["mended"]}


def deadly(state):
    if not os.path.exists("mended"):
        os._exit(9)
    return {"log": ["mended"]}


def chain(*nodes):
    builder = StateGraph(State)
    before = START
    for node in nodes:
        builder.add_node(node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder


graph = chain(write, review).compile()
asynchronous = chain(write, areview).compile()
asks_twice = chain(twice)
failing = chain(write, fragile)
killed = chain(write, deadly)
stops = chain(write, fragile).compile(interrupt_before=["fragile"])
forgetful = chain(write, review).compile(checkpointer=InMemorySaver())
both = StateGraph(State).add_node(left).add_node(right).add_edge(START, "left").add_edge(START, "right").compile()


def keeps_its_own():
    import sqlite3

    return chain(write, review).compile(checkpointer=SqliteSaver(sqlite3.connect("own.db", check_same_thread=False)))
'''

KEPT = ("--checkpoint", "sqlite:threads.db", "--thread", "t")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stopping.py").write_text(GRAPHS)
    return tmp_path


def call(folder: Path, code: int, *args: str, stdin: str = "") -> list[dict]:
    """Run a command that ends with this code, and return what it printed."""
    done = rxgraph(*args, cwd=folder, stdin=stdin)
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return lines(done.stdout)


def state(folder: Path, graph: str, *args: str) -> dict:
    (one,) = call(folder, 0, "state", f"stopping:{graph}", *(args or KEPT))
    return one


def refused(folder: Path, *args: str) -> str:
    """Return what a command says that is bad usage."""
    done = rxgraph(*args, cwd=folder)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(("graph", "node"), [("graph", "review"), ("asynchronous", "areview")])
def test_stop_look_and_go_on_in_other_processes(folder: Path, graph: str, node: str) -> None:
    """Four processes share nothing but the file; the class in the state is found in the graph's schemas."""
    stopped = call(folder, 3, "run", f"stopping:{graph}", *KEPT)[-1]
    assert (stopped["mode"], stopped["step"]) == ("interrupt", 2)
    (question,) = stopped["data"]["questions"]
    assert question["value"] == {"ok?": "hello"}
    assert stopped["data"]["next"] == [node]
    assert stopped["data"]["output"] == {"draft": {"text": "hello"}, "log": ["write"]}

    seen = state(folder, graph)
    assert seen["values"] == {"draft": {"text": "hello"}, "log": ["write"]}
    assert (seen["next"], seen["questions"], seen["step"], seen["source"]) == ([node], [question], 1, "loop")
    assert seen["created_at"].endswith("+00:00")

    # The command that was shown is typed by a person.
    program, *typed = shlex.split(stopped["data"]["command"])
    assert (program, typed[-1]) == ("rxgraph", "JSON")
    done = rxgraph(*typed[:-1], '"yes"', cwd=folder)
    assert done.returncode == 0, done
    assert "wrote" not in done.stderr, "the node that had finished does not run again"
    assert lines(done.stdout) == [
        {"mode": "updates", "step": 2, "data": {node: {"log": ["yes"]}}},
        {"mode": "output", "step": 2, "data": {"draft": {"text": "hello"}, "log": ["write", "yes"]}},
    ]

    after = state(folder, graph)
    assert (after["next"], after["questions"], after["values"]["log"]) == ([], [], ["write", "yes"])
    steps = call(folder, 0, "history", f"stopping:{graph}", *KEPT)
    assert [(one["step"], one["source"], one["next"]) for one in steps] == [
        (2, "loop", []),
        (1, "loop", [node]),
        (0, "loop", ["write"]),
        (-1, "input", ["__start__"]),
    ]
    assert [one["parent_id"] for one in steps] == [one["checkpoint_id"] for one in steps[1:]] + [None]


def test_an_older_checkpoint_is_shown(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    newest, second = call(folder, 0, "history", "stopping:graph", *KEPT, "--limit", "2")
    assert state(folder, "graph")["checkpoint_id"] == newest["checkpoint_id"]
    older = state(folder, "graph", *KEPT, "--checkpoint-id", second["checkpoint_id"])
    assert (older["step"], older["next"], older["values"]) == (0, ["write"], {"log": []})
    said = refused(folder, "state", "stopping:graph", *KEPT, "--checkpoint-id", "x")
    assert "there is no checkpoint 'x' of thread 't' in 'threads.db'" in said


def test_the_waiting_run_says_on_standard_error_how_to_go_on(folder: Path) -> None:
    done = rxgraph("run", "stopping:graph", *KEPT, cwd=folder)
    assert "waiting: the run stopped with 1 question. Answer with: rxgraph resume stopping:graph" in done.stderr


def test_a_node_that_asks_twice(folder: Path) -> None:
    asked = [call(folder, 3, "run", "stopping:asks_twice", *KEPT)[-1]]
    asked.append(call(folder, 3, "resume", "stopping:asks_twice", *KEPT, "--value", "1")[-1])
    assert [one["data"]["questions"][0]["value"] for one in asked] == ["first?", "second?"]
    assert call(folder, 0, "resume", "stopping:asks_twice", *KEPT, "--value", "-", stdin="2")[-1]["data"] == {
        "log": [1, 2]
    }


@pytest.mark.parametrize("answer", [None, False, {"0123456789abcdef" * 2: 1}], ids=["null", "false", "like a map"])
def test_any_json_is_an_answer(folder: Path, answer: object) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    (folder / "answer.json").write_text(json.dumps(answer))
    output = call(folder, 0, "resume", "stopping:graph", *KEPT, "--value", "@answer.json")[-1]
    assert output["data"]["log"] == ["write", answer]


def test_one_of_two_questions_is_answered_by_its_id(folder: Path) -> None:
    stopped = call(folder, 3, "run", "stopping:both", *KEPT)[-1]["data"]
    ids = {question["value"]: question["id"] for question in stopped["questions"]}
    assert stopped["command"].endswith("--id ID --value JSON")
    assert sorted(stopped["next"]) == ["left", "right"]

    said = refused(folder, "resume", "stopping:both", *KEPT, "--value", "1")
    assert "thread 't' has 2 questions: expected --id" in said
    assert f'{ids["left?"]}  "left?"' in said
    assert ids["right?"] in said
    said = refused(folder, "resume", "stopping:both", *KEPT, "--value", "1", "--id", "other")
    assert "--id names 'other', and thread 't' has no such question" in said
    assert ids["left?"] in said

    left = call(folder, 3, "resume", "stopping:both", *KEPT, "--value", '"L"', "--id", ids["left?"])[-1]["data"]
    assert [question["value"] for question in left["questions"]] == ["right?"]
    assert left["questions"][0]["response_schema"] == {"type": "string"}
    assert left["next"] == ["right"]
    assert not left["command"].endswith("--id ID --value JSON")
    events = call(folder, 0, "resume", "stopping:both", *KEPT, "--value", '"R"')
    assert events[-1]["data"] == {"log": [["left", "L"], ["right", "R"]]}


def test_two_questions_are_answered_at_once(folder: Path) -> None:
    stopped = call(folder, 3, "run", "stopping:both", *KEPT)[-1]["data"]
    answers = json.dumps({question["id"]: question["value"].upper() for question in stopped["questions"]})
    output = call(folder, 0, "resume", "stopping:both", *KEPT, "--value", answers)[-1]
    assert output["data"] == {"log": [["left", "LEFT?"], ["right", "RIGHT?"]]}


def test_a_failed_run_goes_on_with_continue(folder: Path) -> None:
    failed = call(folder, 1, "run", "stopping:failing", *KEPT)[-1]
    assert failed["data"] == {"node": "fragile", "type": "ValueError", "message": "boom"}
    seen = state(folder, "failing")
    assert (seen["next"], [one["node"] for one in seen["errors"]]) == (["fragile"], ["fragile"])
    assert "boom" in json.dumps(seen["errors"])
    (folder / "mended").touch()
    assert call(folder, 0, "run", "stopping:failing", *KEPT, "--continue") == [
        {"mode": "updates", "step": 2, "data": {"fragile": {"log": ["mended"]}}},
        {"mode": "output", "step": 2, "data": {"draft": {"text": "hello"}, "log": ["write", "mended"]}},
    ]


def test_a_run_whose_process_died_goes_on_with_continue(folder: Path) -> None:
    call(folder, 9, "run", "stopping:killed", *KEPT)
    assert state(folder, "killed")["next"] == ["deadly"]
    (folder / "mended").touch()
    output = call(folder, 0, "run", "stopping:killed", *KEPT, "--continue")[-1]
    assert output["data"]["log"] == ["write", "mended"]


def test_a_breakpoint_waits_and_is_passed_with_continue(folder: Path) -> None:
    (folder / "mended").touch()
    done = rxgraph("run", "stopping:stops", *KEPT, "-m", "custom", cwd=folder)
    assert done.returncode == 3, done
    assert "waiting: the run stopped at a breakpoint; next: fragile. Go on with: rxgraph run" in done.stderr
    stopped = lines(done.stdout)[-1]["data"]
    assert (stopped["questions"], stopped["next"]) == ([], ["fragile"])
    assert "waits for no answer; go on with" in refused(folder, "resume", "stopping:stops", *KEPT, "--value", "1")
    assert shlex.split(stopped["command"])[-1] == "--continue"
    output = call(folder, 0, *shlex.split(stopped["command"])[1:])[-1]
    assert output["data"]["log"] == ["write", "mended"]


def test_a_new_input_begins_a_new_run_of_the_thread(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    again = call(folder, 3, "run", "stopping:graph", *KEPT, "-i", '{"log": ["more"]}', "-m", "values")
    assert [event["step"] for event in again] == [3, 4, 5, 5]
    assert again[-1]["data"]["output"]["log"] == ["write", "more", "write"]


def test_the_command_to_go_on_has_what_the_run_was_given(folder: Path) -> None:
    config = '{"tags": ["a b"], "configurable": {"thread_id": "of config"}}'
    stopped = call(folder, 3, "run", "stopping:graph", "--checkpoint", "sqlite:a b.db", "--config", config)[-1]
    typed = shlex.split(stopped["data"]["command"])
    assert typed[:-2] == [
        *("rxgraph", "resume", "stopping:graph", "--checkpoint", "sqlite:a b.db", "--thread", "of config"),
        *("--config", config),
    ]
    assert call(folder, 0, *typed[1:-1], "1")[-1]["data"]["log"] == ["write", 1]


def test_a_graph_keeps_its_own_checkpointer_unless_told_otherwise(folder: Path) -> None:
    stopped = call(folder, 3, "run", "stopping:keeps_its_own", "--thread", "t")[-1]["data"]
    assert "--checkpoint" not in stopped["command"]
    assert "there is no thread 'u' in SqliteSaver of the graph" in refused(
        folder, "state", "stopping:keeps_its_own", "--thread", "u"
    )
    call(folder, 3, "run", "stopping:keeps_its_own", "--thread", "u", "--checkpoint", "sqlite:other.db")
    refused(folder, "state", "stopping:keeps_its_own", "--thread", "u")
    assert state(folder, "keeps_its_own", "--thread", "u", "--checkpoint", "sqlite:other.db")["next"] == ["review"]


@pytest.mark.parametrize("args", [("graph",), ("forgetful", "--thread", "t")], ids=["no saver", "in memory"])
def test_a_run_that_nobody_kept_says_so(folder: Path, args: tuple[str, ...]) -> None:
    done = rxgraph("run", f"stopping:{args[0]}", *args[1:], cwd=folder)
    assert done.returncode == 3, done
    assert "Nothing was kept of it. To go on from there, run it with --checkpoint sqlite:PATH" in done.stderr
    assert lines(done.stdout)[-1]["data"]["command"] is None


@pytest.mark.parametrize("command", [("state",), ("history",), ("resume", "--value", "1"), ("run", "--continue")])
def test_a_file_is_never_made_or_changed_by_a_look(folder: Path, command: tuple[str, ...]) -> None:
    def said(name: str) -> str:
        where = ("--checkpoint", f"sqlite:{name}", "--thread", "t")
        return refused(folder, command[0], "stopping:graph", *command[1:], *where)

    assert "--checkpoint names 'none.db', and there is no such file" in said("none.db")
    with closing(sqlite3.connect(folder / "foreign.db")) as conn, conn:
        conn.execute("CREATE TABLE mine (value)")
    (folder / "empty.db").touch()
    (folder / "text.db").write_text("no database " * 100)
    before = {path.name: path.read_bytes() for path in folder.glob("*.db")}
    assert "'foreign.db', which holds no threads" in said("foreign.db")
    assert "'empty.db', which holds no threads" in said("empty.db")
    assert "'text.db', which can't be used: file is not a database" in said("text.db")
    assert {path.name: path.read_bytes() for path in folder.glob("*.db*")} == before


def test_a_look_leaves_the_file_as_it_was(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    before = (folder / "threads.db").read_bytes()
    state(folder, "graph")
    call(folder, 0, "history", "stopping:graph", *KEPT)
    assert [path.name for path in folder.glob("*.db*")] == ["threads.db"]
    assert (folder / "threads.db").read_bytes() == before


USAGE = {
    "another kind of place": (["run", "--checkpoint", "memory", "--thread", "t"], "must be sqlite:PATH"),
    "in memory": (["run", "--checkpoint", "sqlite::memory:", "--thread", "t"], "a file that outlives the process"),
    "an URL": (["run", "--checkpoint", "sqlite:///a.db", "--thread", "t"], "must be sqlite:PATH"),
    "a path alone": (["run", "--checkpoint", "a.db", "--thread", "t"], "Did you mean sqlite:a.db?"),
    "no folder": (["run", "--checkpoint", "sqlite:no/a.db", "--thread", "t"], "there is no folder 'no'"),
    "no thread": (["run", "--checkpoint", "sqlite:a.db"], "Name the thread of this one: --thread ID"),
    "input and continue": (["run", *KEPT, "--continue", "-i", "{}"], "Leave out --input or --continue"),
    "continue nothing": (["run", "--continue", "--thread", "t"], "no checkpointer of its own"),
    "no checkpointer": (["state", "--thread", "t"], "no checkpointer of its own. Say where its threads are"),
    "no thread to look at": (["history", "--checkpoint", "sqlite:a.db"], "--thread"),
    "no answer": (["resume", *KEPT], "--value"),
    "bad answer": (["resume", *KEPT, "--value", "yes"], "--value is not JSON"),
    "two readers of standard input": (["resume", *KEPT, "--value", "-", "--config", "-"], "--value and --config want"),
    "odd configuration": (["run", "--config", '{"configurable": 1}'], "must be a JSON object, got 1"),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage(folder: Path, case: str) -> None:
    (command, *args), fragment = USAGE[case]
    assert fragment in refused(folder, command, "stopping:graph", *args)
    assert not list(folder.glob("*.db"))


@pytest.mark.parametrize("command", [("state",), ("history",), ("resume", "--value", "1"), ("run", "--continue")])
@pytest.mark.parametrize("graph", ["graph", "asynchronous"])
def test_a_missing_thread_is_named(folder: Path, graph: str, command: tuple[str, ...]) -> None:
    call(folder, 3, "run", f"stopping:{graph}", *KEPT)
    where = ("--checkpoint", "sqlite:threads.db", "--thread", "u")
    said = refused(folder, command[0], f"stopping:{graph}", *command[1:], *where)
    assert "error: there is no thread 'u' in 'threads.db'" in said


def test_an_answer_to_a_thread_that_has_ended(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    call(folder, 0, "resume", "stopping:graph", *KEPT, "--value", "1")
    said = refused(folder, "resume", "stopping:graph", *KEPT, "--value", "1")
    assert "thread 't' waits for no answer; it has ended" in said


def test_a_row_that_can_not_be_read_is_a_failure(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    with closing(sqlite3.connect(folder / "threads.db")) as conn, conn:
        conn.execute("UPDATE rx_checkpoints SET body = x'c1'")
    for command in (["state"], ["history"], ["resume", "--value", "1"]):
        done = rxgraph(command[0], "stopping:graph", *command[1:], *KEPT, cwd=folder)
        assert done.returncode == 1, done
        assert "error: thread 't' can't be read: CorruptValueError" in done.stderr
        assert "Traceback" not in done.stderr


unix = pytest.mark.skipif(sys.platform == "win32", reason="terminals and pipes of Unix")


@unix
def test_a_terminal_shows_the_questions_and_the_command(folder: Path) -> None:
    with terminal("run", "stopping:both", *KEPT, cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 3
    assert "with 2 questions." in text
    assert "__interrupt__" not in text
    ids = {question["value"]: question["id"] for question in state(folder, "both")["questions"]}
    for value, id in ids.items():
        assert f"{id}  {value}" in text
    assert "rxgraph resume stopping:both --checkpoint sqlite:threads.db --thread t --id ID --value JSON" in text
    args = (*KEPT, "--id", ids["left?"], "--value", "1")
    with terminal("resume", "stopping:both", *args, cwd=folder) as (process, shown):
        screen(shown)
        assert process.wait(PATIENCE) == 3
    with terminal("resume", "stopping:both", *KEPT, "--value", "2", cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    assert "log=[['left', 1]] (kept from before)" in text
    assert "__metadata__" not in text
    assert "left, right" not in text.split("(kept from before)")[1], "a kept task is not running"
    assert "Done in 1 step" in text


@unix
def test_a_terminal_shows_a_thread(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    with terminal("state", "stopping:graph", *KEPT, cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    assert "Draft(text='hello')" in text
    assert "review" in text
    assert "{'ok?': 'hello'}" in text
    with terminal("history", "stopping:graph", *KEPT, cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    rows = [line.split() for line in text.splitlines() if line.startswith("step")]
    assert [row[:3] for row in rows] == [["step", "1", "loop"], ["step", "0", "loop"], ["step", "-1", "input"]]
    assert "→ review waits for an answer" in text


@unix
def test_head_ends_a_history_quietly(folder: Path) -> None:
    call(folder, 3, "run", "stopping:graph", *KEPT)
    line = shlex.join([sys.executable, "-m", "rxgraph.cli", "history", "stopping:graph", *KEPT])
    done = subprocess.run(
        ["sh", "-c", f"{line} | head -n 1"], cwd=folder, capture_output=True, timeout=PATIENCE, env=environment()
    )
    assert json.loads(done.stdout)["step"] == 1
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
