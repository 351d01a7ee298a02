"""A run of 5,100 supersteps whose node notes the time; the late steps must cost what the early ones did."""

from __future__ import annotations

import asyncio
import gc
import operator
import sys
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Annotated, Any, TypedDict

from _compare import END, RUN, START, TIMES, Library, Line, Sample, check, run

QUESTION = "Does a superstep cost more the longer a run has lasted (cost near step 5,000 / cost near step 100)?"
EARLY, HALF = 100, 50


class State(TypedDict):
    """A counter that a reducer keeps, and the last thing that was seen."""

    count: Annotated[int, operator.add]
    last: int


def ticking(library: Library, steps: int, asynchronous: bool) -> tuple[Any, list[float]]:
    """A loop whose node notes the time of each step."""
    times: list[float] = []

    def tick(state: State) -> dict[str, Any]:
        times.append(perf_counter())
        return {"count": 1, "last": state["count"]}

    async def atick(state: State) -> dict[str, Any]:
        times.append(perf_counter())
        return {"count": 1, "last": state["count"]}

    graph = library.StateGraph(State)
    graph.add_node("tick", atick if asynchronous else tick)
    graph.add_edge(START, "tick")
    graph.add_conditional_edges("tick", lambda state: "tick" if state["count"] < steps else END)
    return graph.compile(), times


def lines(quick: bool) -> list[Line]:
    """Both lanes; each sample is the ratio of two medians out of one run."""
    late = 1000 if quick else 5000
    steps = late + HALF

    def program(asynchronous: bool) -> Any:
        def make(library: Library) -> Sample:
            graph, times = ticking(library, steps, asynchronous)

            def sample() -> float:
                times.clear()
                gc.collect()
                inputs = {"count": 0, "last": 0}
                if asynchronous:
                    answer = asyncio.run(graph.ainvoke(inputs, RUN))
                else:
                    answer = graph.invoke(inputs, RUN)
                check(answer, {"count": steps, "last": steps - 1})
                check(len(times), steps)
                costs = [after - before for before, after in pairwise(times)]
                return median(costs[late - HALF : late + HALF]) / median(costs[EARLY - HALF : EARLY + HALF])

            return sample

        return make

    return [
        Line("cost growth, sync", program(False), TIMES, bar=1.2, judge="most", by="median"),
        Line("cost growth, async", program(True), TIMES, bar=1.2, judge="most", by="median"),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
