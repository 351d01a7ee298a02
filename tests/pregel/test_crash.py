"""A process that is killed between any two writes of its saver: the run goes on, and nothing is lost or half applied.

``make stress`` kills at 50 places, before and after the write, under two durabilities; by default at a sample of them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

ROUNDS = 10
"""Three supersteps each: two nodes side by side, then one that joins them, then the branch that goes round."""

WRITES = 1 + 2 + ROUNDS * 5
"""About how many times a whole run writes: the input, the start, and five writes a round."""

PROGRAM = """
import json, operator, os, signal, sys
from typing import Annotated, TypedDict
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.graph import END, START, StateGraph

database, log, when = sys.argv[1], sys.argv[2], sys.argv[4]
kill_at, before, rounds, durability = int(sys.argv[3]), when == "before", int(sys.argv[5]), sys.argv[6]

class State(TypedDict):
    n: int
    xs: Annotated[list, operator.add]

def note(name, n):
    with open(log, "a") as file:
        file.write(f"{name} {n}\\n")

def left(state):
    note("left", state["n"])
    return {"xs": [["left", state["n"]]]}

def right(state):
    note("right", state["n"])
    return {"xs": [["right", state["n"]]]}

def join(state):
    note("join", state["n"])
    return {"n": state["n"] + 1}

class Killed(SqliteSaver):
    calls = 0

    def killing(self, method, args):
        Killed.calls += 1
        if Killed.calls == kill_at and before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*args)
        if Killed.calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def put(self, *args):
        return self.killing(super().put, args)

    def put_writes(self, *args):
        return self.killing(super().put_writes, args)

graph = StateGraph(State).add_node(left).add_node(right).add_node(join)
graph.add_edge(START, "left").add_edge(START, "right").add_edge(["left", "right"], "join")
again = lambda state: END if state["n"] == rounds else ["left", "right"]
graph.add_conditional_edges("join", again, ["left", "right", END])
config = {"configurable": {"thread_id": "1"}}
with Killed.from_conn_string(database) as saver:
    compiled = graph.compile(checkpointer=saver)
    state = compiled.get_state(config)
    # The values are live: what a finished join has written is in them.
    finished = [
        [task.name, state.values["n"] - ("n" in task.result)]
        for task in state.tasks
        if task.result is not None and task.name != START
    ]
    print(json.dumps(finished), flush=True)
    begun = state.config["configurable"].get("checkpoint_id")
    print(json.dumps(compiled.invoke(None if begun else {"n": 0}, config, durability=durability)))
"""

PLACES = Random(7).sample(range(1, WRITES), int(os.environ.get("RXGRAPH_CRASHES", "0")) % WRITES or 4)


def run(folder: Path, kill_at: int, when: str, durability: str) -> subprocess.CompletedProcess[str]:
    arguments = [str(folder / "threads.db"), str(folder / "log"), str(kill_at), when, str(ROUNDS), durability]
    return subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("durability", ["sync", "async"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kill_at", PLACES)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    kill_at: int, when: str, durability: str, tmp_path: Path
) -> None:
    killed = run(tmp_path, kill_at, when, durability)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = Counter((tmp_path / "log").read_text().splitlines()) if (tmp_path / "log").exists() else Counter()
    resumed = run(tmp_path, 0, when, durability)
    assert resumed.returncode == 0, resumed.stderr
    finished, state = map(json.loads, resumed.stdout.splitlines())
    expected = [[side, n] for n in range(ROUNDS) for side in ("left", "right")]
    assert state == {"n": ROUNDS, "xs": expected}
    after = Counter((tmp_path / "log").read_text().splitlines())
    for name, n in finished:
        assert after[f"{name} {n}"] == before[f"{name} {n}"] == 1, "its writes were saved, so it must not run again"
    assert all(count <= 2 for count in after.values())
