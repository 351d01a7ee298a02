"""``rxgraph run``: where graphs and inputs come from, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli._command import lines, rxgraph, write_graphs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_graphs(tmp_path_factory.mktemp("cli"))


def run(folder: Path, target: str, *args: str, stdin: str | bytes = b"") -> list[dict]:
    done = rxgraph("run", target, *args, cwd=folder, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return lines(done.stdout)


UPDATES = [
    {"mode": "custom", "step": 1, "data": {"note": "hello"}},
    {"mode": "updates", "step": 1, "data": {"first": {"n": 2, "log": ["first"]}}},
]


def test_one_object_a_line_and_the_output_last(folder: Path) -> None:
    assert run(folder, "graphs:graph", "--input", '{"n": 1}') == [
        *UPDATES,
        {"mode": "updates", "step": 2, "data": {"second": {"n": 20, "log": ["second"]}}},
        {"mode": "output", "step": 2, "data": {"n": 20, "log": ["first", "second"]}},
    ]


def test_an_async_graph_runs_in_its_own_lane(folder: Path) -> None:
    assert run(folder, "graphs:asynchronous", "--input", '{"n": 1}') == [
        *UPDATES,
        {"mode": "updates", "step": 2, "data": {"second_async": {"n": 20, "log": ["second"]}}},
        {"mode": "output", "step": 2, "data": {"n": 20, "log": ["first", "second"]}},
    ]


def test_the_output_has_the_keys_of_the_output_schema(folder: Path) -> None:
    events = run(folder, "graphs:narrow", "-i", '{"n": 1}', "--mode", "values")
    assert [event["data"] for event in events] == [
        {"n": 1, "log": []},
        {"n": 2, "log": ["first"]},
        {"n": 20, "log": ["first", "second"]},
        {"n": 20},
    ]
    assert [(event["mode"], event["step"]) for event in events] == [
        ("values", 0),
        ("values", 1),
        ("values", 2),
        ("output", 2),
    ]


def test_modes_add_up(folder: Path) -> None:
    events = run(folder, "graphs:graph", "-i", '{"n": 1}', "--mode", "tasks", "--mode", "debug")
    assert {event["mode"] for event in events} == {"tasks", "debug", "output"}
    assert [event["data"]["name"] for event in events if event["mode"] == "tasks"] == ["first"] * 2 + ["second"] * 2


def test_what_nodes_and_modules_print_stays_out_of_the_events(folder: Path) -> None:
    done = rxgraph("run", "graphs:graph", "-i", '{"n": 1}', cwd=folder)
    assert "printed by first" in done.stderr
    assert "imported" in done.stderr
    assert "print" not in done.stdout


@pytest.mark.parametrize("target", ["graphs:builder", "graphs:factory", "graphs.py:graph", "./graphs.py:graph"])
def test_a_graph_is_found(folder: Path, target: str) -> None:
    assert run(folder, target, "-i", '{"n": 1}')[-1]["data"]["n"] == 20


def test_a_graph_is_found_in_another_folder(folder: Path, tmp_path: Path) -> None:
    assert run(tmp_path, f"{folder / 'graphs.py'}:graph", "-i", '{"n": 1}')[-1]["data"]["n"] == 20


def test_a_graph_is_found_in_a_package(tmp_path: Path) -> None:
    write_graphs(tmp_path / "deep" / "er")
    assert run(tmp_path, "deep.er.graphs:graph", "-i", '{"n": 1}')[-1]["data"]["n"] == 20


def test_a_file_may_have_the_name_of_a_loaded_module(tmp_path: Path) -> None:
    write_graphs(tmp_path / "sub")
    (tmp_path / "sub" / "graphs.py").rename(tmp_path / "sub" / "json.py")
    assert run(tmp_path, "sub/json.py:graph", "-i", '{"n": 1}')[-1]["data"]["n"] == 20


def test_input_comes_from_a_file_or_from_standard_input(folder: Path, tmp_path: Path) -> None:
    # Windows writes a byte order mark.
    (tmp_path / "input.json").write_text('{"n": 1}', "utf-8-sig")
    assert run(folder, "graphs:graph", "-i", f"@{tmp_path / 'input.json'}")[-1]["data"]["n"] == 20
    assert run(folder, "graphs:graph", "-i", "-", stdin='{"n": 1}\n')[-1]["data"]["n"] == 20


def test_a_state_that_is_one_value(folder: Path) -> None:
    assert run(folder, "graphs:text", "-i", '"hé"', "-m", "updates") == [
        {"mode": "updates", "step": 1, "data": {"shout": "HÉ"}},
        {"mode": "output", "step": 1, "data": "HÉ"},
    ]


def test_thread_and_config_reach_the_nodes(folder: Path) -> None:
    events = run(folder, "graphs:config", "--thread", "t1", "--config", '{"tags": ["a"]}')
    assert events[-1]["data"]["log"] == ["t1", "a"]


def test_context_reaches_the_nodes(folder: Path) -> None:
    assert run(folder, "graphs:context", "--context", '{"user": "ann"}')[-1]["data"]["log"] == ["ann"]


def test_an_unknown_key_of_the_input_is_said_aloud(folder: Path) -> None:
    done = rxgraph("run", "graphs:graph", "-i", '{"n": 1, "lgo": []}', cwd=folder)
    assert done.returncode == 0
    assert "warning: The input has an update for unknown state key 'lgo'" in done.stderr
    assert ".py:" not in done.stderr


def test_text_that_is_no_unicode_is_still_json(tmp_path: Path) -> None:
    write_graphs(tmp_path)
    text = '"\\ud800 \\u20ac"'
    done = rxgraph("run", "graphs:text", "-i", text, cwd=tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.splitlines()[-1])["data"] == json.loads(text)
