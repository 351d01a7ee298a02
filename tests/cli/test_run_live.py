"""``rxgraph run`` beside other processes: pipes that end early, Ctrl-C, and a terminal."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli._command import PATIENCE, command, environment, start, write_graphs
from tests.cli._terminal import ending, screen, terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of Unix")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_graphs(tmp_path_factory.mktemp("cli"))


def read_until(stream: object, mark: bytes) -> bytes:
    """Read lines up to the one with the mark."""
    seen = b""
    while mark not in seen:
        line = stream.readline()
        assert line, f"{mark!r} never came: {seen!r}"
        seen += line
    return seen


def test_a_reader_of_three_lines_has_the_graph_run_three_steps(folder: Path, tmp_path: Path) -> None:
    """Each line is longer than a pipe holds, so the graph can't be more than one line ahead."""
    with (
        (tmp_path / "stderr").open("wb+") as errors,
        ending(start("run", "graphs:loop", "-i", '{"n": 0}', cwd=folder, stderr=errors)) as process,
    ):
        for _ in range(3):
            assert process.stdout.readline().startswith(b'{"mode": "updates"')
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        errors.seek(0)
        said = errors.read().decode().splitlines()
        assert said.count("ran") in (3, 4)
        assert set(said) == {"imported", "ran"}, "it ends quietly"


def test_head_ends_a_run_quietly(folder: Path) -> None:
    line = f"{' '.join(command('run', 'graphs:loop', '-i', '@input.json'))} | head -n 2 | cut -c 1-29"
    (folder / "input.json").write_text('{"n": 0}')
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, timeout=PATIENCE, env=environment())
    assert done.stdout.decode().splitlines() == [f'{{"mode": "updates", "step": {n}' for n in (1, 2)]
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_ctrl_c_waits_for_the_node_on_its_thread(folder: Path) -> None:
    with ending(start("run", "graphs:waiting", cwd=folder)) as process:
        assert b"started" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        read_until(process.stderr, b"Stopping: waiting for the nodes")
        process.stdin.close()
        assert process.wait(PATIENCE) == 130
        rest = process.stderr.read()
        assert rest == b"finally\n"
        assert process.stdout.read() == b""


def test_a_second_ctrl_c_waits_for_nothing(folder: Path) -> None:
    with ending(start("run", "graphs:waiting", cwd=folder)) as process:
        assert b"started" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        read_until(process.stderr, b"Stopping: waiting for the nodes")
        # A signal that comes just as CPython begins to wait for a lock is seen with the next one.
        for _ in range(int(PATIENCE)):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(1)
                break
            except subprocess.TimeoutExpired:
                continue
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b""


def test_ctrl_c_cancels_an_async_node(folder: Path) -> None:
    with ending(start("run", "graphs:waiting_async", cwd=folder)) as process:
        assert b"started" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        said = process.stderr.read()
        assert said.endswith(b"finally\n")
        assert b"Traceback" not in said


def test_a_terminal_shows_what_is_running_and_then_the_output(folder: Path) -> None:
    with terminal("run", "graphs:waiting", cwd=folder) as (process, shown):
        screen(shown, "step 1 · wait_for_input")
        process.stdin.write(b"go on\n")
        process.stdin.close()
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    assert "log=['go on']" in text
    assert "Done in 1 step" in text
    assert "{'log': ['go on']}" in text


def test_a_terminal_shows_a_failure(folder: Path) -> None:
    with terminal("run", "graphs:failing", "-i", '{"n": 1}', cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 1
    assert "printed by first" in text
    assert "{'note': 'hello'}" in text
    assert "error: node 'fail' failed in step 2: ValueError: boom" in text
    assert "Done" not in text


def test_json_on_a_terminal(folder: Path) -> None:
    with terminal("run", "graphs:graph", "-i", '{"n": 1}', "--json", cwd=folder) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    assert '{"mode": "output", "step": 2, "data": {"n": 20, "log": ["first", "second"]}}' in text


def test_the_demo_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    with terminal("demo", "--output", "out", "--only", "rich", "--only", "typer", cwd=tmp_path) as (process, shown):
        text = screen(shown)
        assert process.wait(PATIENCE) == 0
    assert "Auditing" in text
    assert "2/2" in text
