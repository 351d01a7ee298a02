"""The command line as a user starts it: another process, its streams and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

PATIENCE = 60.0
"""Seconds after which a process that hangs is a failed test."""

GRAPHS = '''
"""Graphs for the tests of the command line."""

import asyncio
import operator
import sys
from typing import Annotated, TypedDict

from rxgraph.config import RunnableConfig
from rxgraph.graph import END, START, StateGraph
from rxgraph.runtime import Runtime

print("imported")


class State(TypedDict):
    n: int
    log: Annotated[list[str], operator.add]


class Output(TypedDict):
    n: int


def first(state, writer):
    print("printed by first")
    writer({"note": "hello"})
    return {"n": state["n"] + 1, "log": ["first"]}


def second(state):
    return {"n": state["n"] * 10, "log": ["second"]}


async def second_async(state):
    await asyncio.sleep(0)
    return second(state)


def fail(state):
    raise ValueError("boom")


def leave(state):
    sys.exit(3)


def show_config(state, config: RunnableConfig):
    return {"log": [config["configurable"]["thread_id"], *config.get("tags", [])]}


def show_context(state, runtime: Runtime):
    return {"log": [runtime.context["user"]]}


def count(state):
    print("ran", file=sys.stderr, flush=True)
    return {"n": state["n"] + 1, "log": ["x" * 100_000]}


def again(state):
    return "count" if state["n"] < 1000 else END


def wait_for_input(state, writer):
    writer("started")
    try:
        return {"log": [sys.stdin.readline().strip()]}
    finally:
        print("finally", file=sys.stderr, flush=True)


async def wait_forever(state, writer):
    await writer("started")
    try:
        await asyncio.Event().wait()
    finally:
        print("finally", file=sys.stderr, flush=True)


def chain(*nodes, **schemas):
    builder = StateGraph(State, **schemas)
    before = START
    for node in nodes:
        builder.add_node(node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder


builder = chain(first, second)
graph = builder.compile()
narrow = chain(first, second, output_schema=Output).compile()
asynchronous = chain(first, second_async).compile()
failing = chain(first, fail).compile()
failing_async = chain(second_async, fail).compile()
leaving = chain(leave).compile()
config = chain(show_config).compile()
context = chain(show_context, context_schema=dict).compile()
loop = StateGraph(State).add_node(count).add_edge(START, "count").add_conditional_edges("count", again).compile()
waiting = chain(wait_for_input).compile()
waiting_async = chain(wait_forever).compile()
text = StateGraph(str).add_node("shout", str.upper).add_edge(START, "shout").compile()
uncompilable = StateGraph(State).add_node(first).add_edge(START, "frist")
number = 7


def factory():
    return builder


def broken_factory():
    raise KeyError("no key")


def needs(path):
    return builder
'''


def write_graphs(folder: Path) -> Path:
    """Put the module ``graphs`` into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "graphs.py").write_text(GRAPHS, "utf-8")
    return folder


def environment(**more: str) -> dict[str, str]:
    plain = {"PYTHONUNBUFFERED": "", "NO_COLOR": "1", "COLUMNS": "120", "PYTHONUTF8": "1", "PYTHONWARNINGS": ""}
    return {key: value for key, value in {**os.environ, **plain, **more}.items() if value}


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "rxgraph.cli", *args]


def rxgraph(*args: str, cwd: Path, stdin: str | bytes = b"", **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        command(*args), cwd=cwd, input=data, capture_output=True, timeout=PATIENCE, env=environment(**env)
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*args: str, cwd: Path, stderr: int | IO[Any] = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a command whose streams are pipes."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*args), cwd=cwd, stdin=pipe, stdout=pipe, stderr=stderr, env=environment())


def lines(text: str) -> list[dict[str, Any]]:
    """The events in what a command printed."""
    return [json.loads(line) for line in text.splitlines()]
