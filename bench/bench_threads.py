"""Threads in memory: a superstep that is saved, and reading a history."""

from __future__ import annotations

import importlib
import sys
from itertools import count
from typing import Any

from _compare import END, RUN, START, Library, Line, Sample, each, each_async, run
from bench_superstep import State, aadvance, advance

QUESTION = "What does a thread cost?"


def saved_loop(library: Library, node: Any, steps: int) -> Any:
    """One node that a conditional edge leads back to itself, with a saver in memory."""
    graph = library.StateGraph(State)
    graph.add_node("advance", node)
    graph.add_edge(START, "advance")
    graph.add_conditional_edges("advance", lambda state: "advance" if state["count"] < steps else END)
    memory = importlib.import_module(f"{library.name}.checkpoint.memory")
    return graph.compile(checkpointer=memory.InMemorySaver())


def lines(quick: bool) -> list[Line]:
    """Saved supersteps in both lanes, and the history of a long thread."""
    steps, past = (100, 100) if quick else (300, 1000)
    inputs = {"count": 0, "total": 0}

    def saved(node: Any, lane: str) -> Any:
        expected = {"count": steps, "total": 2 * steps}

        def make(library: Library) -> Sample:
            threads = count()

            def config() -> Any:
                return {**RUN, "configurable": {"thread_id": str(next(threads))}}

            # Each run has a thread, and a saver, of its own: what older threads hold is not what is measured. Nor is
            # how long it takes to compile the graph that holds the saver.
            def sample() -> float:
                graph = saved_loop(library, node, steps)
                if lane == "sync":
                    return each(lambda: graph.invoke(inputs, config()), steps, expected)()
                return each_async(lambda: graph.ainvoke(inputs, config()), steps, expected)()

            return sample

        return make

    def history(library: Library) -> Sample:
        graph = saved_loop(library, advance, past)
        config: Any = {**RUN, "configurable": {"thread_id": "1"}}
        graph.invoke(inputs, config)
        return each(lambda: len(list(graph.get_state_history(config))), past, past + 2)

    return [
        Line("superstep with a saver in memory, sync", saved(advance, "sync"), bar=6, goal=12),
        Line("superstep with a saver in memory, async", saved(aadvance, "async"), bar=6, goal=12),
        Line(f"get_state_history, per checkpoint of {past:,}", history),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
