"""``rxgraph run`` when something is wrong: one clear message, and an exit code that says whose fault it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli._command import PATIENCE, lines, rxgraph, write_graphs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_graphs(tmp_path_factory.mktemp("cli"))
    (folder / "raising.py").write_text("1 / 0\n")
    (folder / "script.py").write_text("import sys\nsys.exit('usage: script')\n")
    (folder / "lacking.py").write_text("import no_such_package.of_mine\n")
    (folder / "empty.py").write_text("import os\ndef helper(): ...\n")
    (folder / "bad.json").write_text('{"n": 1,\n "log": [1, 2,]}\n')
    (folder / "latin.json").write_bytes(b'"\xe9"')
    (folder / "config.json").write_text("{}")
    return folder


USAGE = {
    "bad JSON": (["graphs:graph", "-i", "{n: 1}"], ["--input is not JSON", "line 1, column 2", "\n  {n: 1}\n   ^"]),
    "bad JSON far inside": (
        ["graphs:graph", "-i", '{"n": [' + "1, " * 100 + "x]}"],
        ["column 308", "\n  1, 1, ", "x]}\n  " + " " * 36 + "^"],
    ),
    "unfinished JSON": (["graphs:graph", "-i", '{"n": 1'], ["column 8", '\n  {"n": 1\n         ^']),
    "no JSON at all": (["graphs:graph", "-i", ""], ["--input is not JSON", "line 1, column 1"]),
    "bad JSON in a file": (
        ["graphs:graph", "-i", "@bad.json"],
        ["--input from bad.json", "line 2", '\n   "log": [1, 2,]}'],
    ),
    "bad JSON on standard input": (["graphs:graph", "-i", "-"], ["--input from standard input is not JSON"]),
    "a file without @": (["graphs:graph", "-i", "bad.json"], ["Did you mean @bad.json?"]),
    "no such file": (["graphs:graph", "-i", "@none.json"], ["--input can't read the file 'none.json'", "No such file"]),
    "another encoding": (["graphs:graph", "-i", "@latin.json"], ["is not UTF-8"]),
    "deep JSON": (["graphs:graph", "-i", "[" * 100_000], ["nested too deeply"]),
    "two readers of standard input": (["graphs:graph", "-i", "-", "--config", "-"], ["--input and --config want it"]),
    "input of another type": (
        ["graphs:graph", "-i", "[1]"],
        ["--input must be a JSON object", "'n', 'log'", "got [1]"],
    ),
    "config of another type": (["graphs:graph", "--config", "[]"], ["--config must be a JSON object, got []"]),
    "empty input": (["graphs:text", "-i", "null"], ["--input does not fit the graph", "received no input"]),
    "unknown mode": (["graphs:graph", "-m", "vales"], ["--mode got an unknown mode 'vales'. Did you mean 'values'?"]),
    "later mode": (["graphs:graph", "-m", "messages"], ["'messages'", "not available"]),
    "unknown module": (["grphs:graph"], ["there is no module 'grphs'", "Did you mean 'graphs'?"]),
    "unknown submodule": (["rxgraph.grap:graph"], ["no module 'grap' in package 'rxgraph'. Did you mean 'graph'?"]),
    "unknown file": (["./grphs.py:graph"], ["there is no file 'grphs.py'. Did you mean 'graphs.py'?"]),
    "unknown graph": (["graphs:grahp"], ["'graphs' has no 'grahp'. Did you mean 'graph'?"]),
    "no graph": (["empty:graph"], ["'empty' has no 'graph'. Known: 'helper'."]),
    "no colon": (["graphs"], ["expected MODULE:GRAPH or FILE.py:GRAPH, got 'graphs'"]),
    "no module name": (["a-b:graph"], ["'a-b' is not the name of a module"]),
    "a number": (["graphs:number"], ["graphs:number is a value of type int; expected a StateGraph"]),
    "a class": (["graphs:State"], ["graphs:State is the class State; expected a StateGraph"]),
    "a function with parameters": (["graphs:needs"], ["is a function that needs 'path'"]),
    "an async function": (["graphs:second_async"], ["is a function that needs 'state'"]),
    "a limit of nothing": (
        ["graphs:graph", "--config", '{"recursion_limit": 0}'],
        ["recursion_limit must be at least 1"],
    ),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage(folder: Path, case: str) -> None:
    args, fragments = USAGE[case]
    done = rxgraph("run", *args, cwd=folder, stdin="{")
    assert done.returncode == 2, done
    for fragment in fragments:
        assert fragment in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_bad_usage(folder: Path) -> None:
    done = rxgraph("run", "graphs:graph", "--inptu", "{}", cwd=folder)
    assert done.returncode == 2
    assert "--input" in done.stderr


FAILURES = {
    "importing": (["raising:graph"], ["importing 'raising' failed: ZeroDivisionError"]),
    "importing a file": (["raising.py:graph"], ["importing 'raising.py' failed: ZeroDivisionError"]),
    "importing a script": (["script:graph"], ["importing 'script' failed: SystemExit: usage: script"]),
    "importing something missing": (["lacking:graph"], ["importing 'lacking' failed: ModuleNotFoundError", "no_such"]),
    "compiling": (["graphs:uncompilable"], ["graphs:uncompilable does not compile", "Did you mean 'first'?"]),
    "calling": (["graphs:broken_factory"], ["graphs:broken_factory() failed: KeyError"]),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_before_the_run(folder: Path, case: str) -> None:
    args, fragments = FAILURES[case]
    done = rxgraph("run", *args, cwd=folder)
    assert done.returncode == 1, done
    for fragment in fragments:
        assert fragment in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("graph", ["failing", "failing_async"])
def test_a_failing_node_is_named(folder: Path, graph: str) -> None:
    done = rxgraph("run", f"graphs:{graph}", "-i", '{"n": 1}', cwd=folder)
    assert done.returncode == 1
    assert "error: node 'fail' failed in step 2: ValueError: boom" in done.stderr
    assert "Traceback" not in done.stderr
    *events, last = lines(done.stdout)
    assert [event["step"] for event in events if event["mode"] == "updates"] == [1]
    assert last == {"mode": "error", "step": 2, "data": {"node": "fail", "type": "ValueError", "message": "boom"}}


def test_the_traceback_is_shown_to_whoever_asks(folder: Path) -> None:
    done = rxgraph("run", "graphs:failing", "-i", '{"n": 1}', "--traceback", cwd=folder)
    assert done.returncode == 1
    assert 'raise ValueError("boom")' in done.stderr
    assert done.stderr.splitlines()[-1] == "error: node 'fail' failed in step 2: ValueError: boom"


def test_a_node_can_not_leave_the_process(folder: Path) -> None:
    done = rxgraph("run", "graphs:leaving", cwd=folder)
    assert done.returncode == 1
    assert "error: node 'leave' failed in step 1: SystemExit: 3" in done.stderr


def test_the_recursion_limit_ends_a_loop(folder: Path) -> None:
    done = rxgraph("run", "graphs:loop", "-i", '{"n": 0}', "--recursion-limit", "3", cwd=folder)
    assert done.returncode == 1
    assert "error: the run failed in step 3: GraphRecursionError" in done.stderr
    assert done.stderr.count("ran\n") == 3


@pytest.mark.parametrize("module", ["typer", "rich", "packaging"])
def test_without_the_extra_the_message_names_it(module: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from rxgraph.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=PATIENCE
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the command line needs the extra 'cli' of rxgraph-runtime")
    assert "Traceback" not in done.stderr
