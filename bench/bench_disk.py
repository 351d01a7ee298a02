"""Threads in an SQLite file: what a superstep writes, and how long it takes, when a long list grows by a little."""

from __future__ import annotations

import importlib
import operator
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any, TypedDict

from _compare import END, MEGABYTES, MILLISECONDS, RUN, START, Library, Line, Sample, check, run

QUESTION = "What does a thread in an SQLite file cost?"


class State(TypedDict):
    """A conversation, and how often it was added to."""

    messages: Annotated[list[Any], operator.add]
    count: int


def message(number: int, size: int) -> dict[str, Any]:
    """Text that differs from message to message, as text does."""
    words = "".join(f"{number * 7919 + word * 104729:08x} " for word in range(size // 9 + 1))
    return {"role": "user", "id": f"message-{number}", "content": words[:size]}


def lines(quick: bool) -> list[Line]:
    """Bytes that the process gives to the system, size of the file, and time of a superstep."""
    steps, there, size = (20, 20, 10_000) if quick else (100, 100, 10_000)
    added = 200

    def thread(library: Library, path: str, measure: str) -> float:
        def answer(state: State) -> Any:
            number = state["count"]
            return {"messages": [message(there + number, added)], "count": number + 1}

        graph = library.StateGraph(State)
        graph.add_node("answer", answer)
        graph.add_edge(START, "answer")
        graph.add_conditional_edges("answer", lambda state: "answer" if state["count"] < steps else END)
        savers = importlib.import_module(f"{library.name}.checkpoint.sqlite")
        inputs = {"messages": [message(number, size) for number in range(there)], "count": 0}
        config = {**RUN, "configurable": {"thread_id": "1"}}
        with savers.SqliteSaver.from_conn_string(path) as saver:
            saver.setup()
            app = graph.compile(checkpointer=saver)
            before, begin = written(), perf_counter()
            state = app.invoke(inputs, config)
            elapsed = perf_counter() - begin
            # Saved is what another connection reads.
            with savers.SqliteSaver.from_conn_string(path) as other:
                kept = other.get_tuple({"configurable": {"thread_id": "1"}}).checkpoint["channel_values"]
            check((kept["messages"], kept["count"]), (state["messages"], steps))
        # Closing the last connection moves the log into the file, so its bytes are counted too.
        return {"written": written() - before, "file": os.path.getsize(path), "time": elapsed / steps}[measure]

    def program(measure: str) -> Any:
        def make(library: Library) -> Sample:
            def sample() -> float:
                # On the disk that the bench stands on: a folder for temporary files may be in memory.
                with TemporaryDirectory(dir=Path(__file__).parent) as folder:
                    return thread(library, f"{folder}/threads.db", measure)

            return sample

        return make

    what = f"{there * size // 1_000_000 or there * size / 1_000_000:g} MB of messages, {steps} steps"
    found = [
        Line(f"{what}: size of the file", program("file"), MEGABYTES, bar=20, rounds=1),
        Line(f"{what}: time of a step", program("time"), MILLISECONDS, bar=4),
    ]
    if written():
        found.insert(0, Line(f"{what}: written", program("written"), MEGABYTES, bar=20, rounds=1))
    return found


def written() -> int:
    """All bytes that this process has written so far; 0 where the system doesn't say."""
    try:
        counters = Path("/proc/self/io").read_text()
    except OSError:
        return 0
    return int(counters.partition("wchar:")[2].split()[0])


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
