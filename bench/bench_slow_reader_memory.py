"""A node writes 200,000 events of 1 KB to a reader that takes 50 and then stands still.

The reader goes on only when the node has made no progress for a while: because it waits for the reader, or because it
has written everything. Each measure is the peak of the resident memory of a process of its own, above what it had
before the stream was opened.
"""

from __future__ import annotations

import asyncio
import gc
import json
import operator
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from _compare import COUNT, END, MEGABYTES, RUN, START, Library, Line, Sample, StreamWriter, check, libraries, run

from rxgraph.types import Emit

QUESTION = "How much memory does a slow reader cost (200,000 events of 1 KB)?"
CHILD = "--in-child"
FIRST, SIZE = 50, 1024
STILL, LOOK = 0.4, 0.02
"""Seconds without progress after which the node counts as stopped, and seconds between two looks."""


class State(TypedDict):
    """How many to write, and what a reducer gathers."""

    events: int
    done: Annotated[list[str], operator.add]


written = 0
"""Events that the node has begun to write."""


def payload(i: int) -> bytes:
    """An event of its own for each number."""
    global written
    written = i + 1
    return i.to_bytes(SIZE, "big")


def write(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from a thread."""
    for i in range(state["events"]):
        writer(payload(i))
    return {"done": ["write"]}


async def awrite(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop, which gets a turn now and then, as any real node would give it one."""
    for i in range(state["events"]):
        writer(payload(i))
        if i % 100 == 0:
            await asyncio.sleep(0)
    return {"done": ["write"]}


async def awrite_paced(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop at the reader's pace."""
    for i in range(state["events"]):
        await writer(payload(i))
    return {"done": ["write"]}


async def ayield_paced(state: State) -> AsyncIterator[Any]:
    """Yield events at the reader's pace."""
    for i in range(state["events"]):
        yield Emit(payload(i))
    yield {"done": ["write"]}


NODES: dict[str, tuple[Any, Any]] = {
    "a sync node": (write, write),
    "an async node, ours awaits writer(x)": (awrite_paced, awrite),
    "an async node, ours yields Emit(x)": (ayield_paced, awrite),
}
"""Name -> the node on rxgraph, and the node on LangGraph, where nothing can be awaited."""


def one_node(library: Library, node: Any) -> Any:
    """A graph of one node."""
    graph = library.StateGraph(State)
    graph.add_node("write", node)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    return graph.compile()


# --- in the child


class Peak:
    """The highest resident memory since it was made, in bytes above the memory at that time."""

    def __init__(self) -> None:
        gc.collect()
        self._seen = 0
        self._resets = False
        try:
            # Where Linux allows it, the kernel's own high-water mark starts anew.
            Path("/proc/self/clear_refs").write_text("5")
            self._resets = True
        except OSError:
            pass
        self._start = self._now()

    def look(self) -> None:
        """Take a sample, for systems without a high-water mark that starts anew."""
        self._seen = max(self._seen, self._now())

    @property
    def growth(self) -> int:
        """Bytes above the start."""
        self.look()
        highest = self._field("VmHWM") if self._resets else self._seen
        return max(0, highest - self._start)

    def _now(self) -> int:
        if Path("/proc/self/status").exists():
            return self._field("VmRSS")
        # Without /proc: ask the system's own tool.
        command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
        return 1024 * int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    @staticmethod
    def _field(name: str) -> int:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


class Stillness:
    """Tells when the node has stopped writing."""

    def __init__(self) -> None:
        self._last, self._since = -1, time.monotonic()

    def reached(self) -> bool:
        """Whether nothing was written for a while."""
        if written != self._last:
            self._last, self._since = written, time.monotonic()
        return time.monotonic() - self._since >= STILL


class Reader:
    """Checks that every event comes, whole and in order."""

    def __init__(self, peak: Peak) -> None:
        self.peak, self.read, self.held = peak, 0, 0

    def take(self, item: bytes) -> bool:
        """Take one item; True after those behind which the reader stands still."""
        check(item, self.read.to_bytes(SIZE, "big"))
        self.read += 1
        if self.read % 1000 == 0:
            self.peak.look()
        return self.read == FIRST

    def resume(self) -> None:
        """Note how far the node was ahead when it stopped."""
        self.held = written - self.read
        self.peak.look()


def read_slowly(graph: Any, events: int) -> dict[str, int]:
    """Read in the sync lane."""
    reader = Reader(Peak())
    for item in graph.stream({"events": events, "done": []}, RUN, stream_mode="custom"):
        if reader.take(item):
            stillness = Stillness()
            while not stillness.reached():
                time.sleep(LOOK)
            reader.resume()
    check(reader.read, events)
    return {"peak": reader.peak.growth, "held": reader.held}


async def aread_slowly(graph: Any, events: int) -> dict[str, int]:
    """Read in the async lane; the loop is free while the reader stands still."""
    reader = Reader(Peak())
    async for item in graph.astream({"events": events, "done": []}, RUN, stream_mode="custom"):
        if reader.take(item):
            stillness = Stillness()
            # What is waited for is that nothing happens, which sets no event.
            while not stillness.reached():  # noqa: ASYNC110
                await asyncio.sleep(LOOK)
            reader.resume()
    check(reader.read, events)
    return {"peak": reader.peak.growth, "held": reader.held}


def child(name: str, kind: str, events: int) -> None:
    """Measure one library and one kind of node, and print the result."""
    library = next(library for library in libraries() if library.name == name)
    node = NODES[kind][0 if library.is_ours else 1]
    graph = one_node(library, node)
    # What a first run loads and makes for good is not the reader's fault.
    if node is write:
        graph.invoke({"events": 0, "done": []})
        measured = read_slowly(graph, events)
    else:
        asyncio.run(graph.ainvoke({"events": 0, "done": []}))
        measured = asyncio.run(aread_slowly(graph, events))
    print(json.dumps(measured))


# --- in the parent


def lines(quick: bool) -> list[Line]:
    """Peak memory and how far the node was ahead, for each kind of node."""
    events = 20_000 if quick else 200_000
    known: dict[tuple[str, str], dict[str, int]] = {}

    def measured(kind: str, what: str) -> Callable[[Library], Sample]:
        def make(library: Library) -> Sample:
            def sample() -> float:
                key = (library.name, kind)
                if key not in known:
                    command = [sys.executable, __file__, CHILD, *key, str(events)]
                    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
                    known[key] = json.loads(output)
                return known[key][what]

            return sample

        return make

    found = []
    for kind in NODES:
        found.append(Line(f"peak, {kind}", measured(kind, "peak"), MEGABYTES, bar=20, judge="most", rounds=1))
        found.append(Line("  events that waited when the node stopped", measured(kind, "held"), COUNT, rounds=1))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(run({QUESTION: lines}))
