"""The functional API: a workflow that calls a hundred tasks, one after another or all at once."""

from __future__ import annotations

import asyncio
import importlib
import sys
from itertools import count
from typing import Any

from _compare import RUN, Library, Line, Sample, each, each_async, run

QUESTION = "What does the call of a task in a workflow cost?"


def workflow(library: Library, lane: str, together: bool, saver: Any = None) -> Any:
    """A workflow that squares numbers by calls of a task."""
    func = importlib.import_module(f"{library.name}.func")

    if lane == "sync":

        @func.task
        def square(number: int) -> int:
            return number * number

        @func.entrypoint(checkpointer=saver)
        def squares(numbers: list[int]) -> list[int]:
            if together:
                futures = [square(number) for number in numbers]
                return [future.result() for future in futures]
            return [square(number).result() for number in numbers]

        return squares

    @func.task
    async def asquare(number: int) -> int:
        return number * number

    @func.entrypoint(checkpointer=saver)
    async def asquares(numbers: list[int]) -> list[int]:
        if together:
            return list(await asyncio.gather(*[asquare(number) for number in numbers]))
        return [await asquare(number) for number in numbers]

    return asquares


def lines(quick: bool) -> list[Line]:
    """Both lanes, with and without a saver in memory."""
    calls = 20 if quick else 100
    numbers = list(range(calls))
    squares = [number * number for number in numbers]

    def called(lane: str, together: bool, saved: bool) -> Any:
        def make(library: Library) -> Sample:
            threads = count()
            memory = importlib.import_module(f"{library.name}.checkpoint.memory")

            # Each run has a saver of its own: what older threads hold is not what is measured.
            def sample() -> float:
                graph = workflow(library, lane, together, memory.InMemorySaver() if saved else None)
                config: Any = {**RUN, "configurable": {"thread_id": str(next(threads))}} if saved else RUN
                if lane == "sync":
                    return each(lambda: graph.invoke(numbers, config), calls, squares)()
                return each_async(lambda: graph.ainvoke(numbers, config), calls, squares)()

            return sample

        return make

    return [
        Line(f"call of {calls} tasks {how}{', saver' if saved else ''}, {lane}", called(lane, together, saved))
        for saved in (False, True)
        for together, how in ((True, "at once"), (False, "in turn"))
        for lane in ("sync", "async")
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
