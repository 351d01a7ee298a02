"""A slow reader of 200,000 events of 1 KB keeps the process within 20 MB of its start."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, resource, sys, time
from typing import TypedDict
from rxgraph.graph import START, StateGraph
from rxgraph.types import Emit

EVENTS = 200_000

class State(TypedDict):
    n: int

def payload(i):
    return str(i).encode().ljust(1024, b".")

def sync(state, writer):
    for i in range(EVENTS):
        writer(payload(i))

async def awaiting(state, writer):
    for i in range(EVENTS):
        await writer(payload(i))

async def emitting(state):
    for i in range(EVENTS):
        yield Emit(payload(i))

def kilobytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def slowly(count):
    if count % 100 == 0:
        time.sleep(0.0002)

def read(graph):
    count = 0
    for _ in graph.stream({"n": 0}, stream_mode="custom"):
        slowly(count := count + 1)
    return count

async def aread(graph):
    count = 0
    async for _ in graph.astream({"n": 0}, stream_mode="custom"):
        slowly(count := count + 1)
    return count

node = {"sync": sync, "threaded": sync, "awaiting": awaiting, "emitting": emitting}[sys.argv[1]]
graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
graph.invoke({"n": 0}) if sys.argv[1] == "sync" else asyncio.run(graph.ainvoke({"n": 0}))
before = kilobytes()
count = read(graph) if sys.argv[1] == "sync" else asyncio.run(aread(graph))
print(count, kilobytes() - before)
"""


@pytest.mark.parametrize("node", ["sync", "threaded", "awaiting", "emitting"])
def test_memory_stays_flat(node: str) -> None:
    """``threaded`` is the sync node in the async lane."""
    out = subprocess.run([sys.executable, "-c", PROGRAM, node], check=True, capture_output=True, text=True).stdout
    count, grown = map(int, out.split())
    assert count == 200_000
    assert grown < 20 * 1024, f"grew by {grown} KB"
