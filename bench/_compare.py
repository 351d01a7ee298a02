"""Run one program on rxgraph and on LangGraph in one process, and say how the two compare.

A bench file has a ``QUESTION`` and a function ``lines(quick)``. Each :class:`Line` builds its program for a library and
returns a sample: a function that runs once, checks its answer, and returns what it measured. Rounds are interleaved
(ours, theirs, theirs, ours, ...), so that a disturbance of the machine hits both, and the ratio is taken of the minima,
which are what the code costs when nothing disturbs it. The medians stand beside them: where they are far from the
minima, the machine was busy.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, Final, Literal

LIMITS: Final = """\
What these numbers cannot tell:
- Nodes here do next to nothing, so this is the runtime's own share. Beside a node that calls a model none of it shows.
- Minima are what the code costs undisturbed, not what a busy service sees. Ratios travel between machines, times don't.
- Within a tenth of its bar a verdict is noise: run again, on a quiet machine, with --rounds 15.
- No checkpoints, no tracing, the standard event loop, one version of Python and of the peer, as named below.
"""

START: Final = "__start__"
END: Final = "__end__"
"""Both libraries mean the same two names."""

RUN: Final[dict[str, Any]] = {"recursion_limit": 1_000_000}
"""Configuration of the runs: no line ends at the recursion limit."""

Sample = Callable[[], float]
"""Runs once and returns what it measured, in seconds, bytes or whatever the line's unit is made of."""

StreamWriter = Callable[[Any], Any]
"""Both libraries know a writer parameter by this name."""


class WrongAnswerError(AssertionError):
    """A program ended with another result than the one it was written for."""


@dataclass(frozen=True)
class Library:
    """One of the two, under the names that a program needs."""

    name: str
    StateGraph: Any
    Send: Any

    @property
    def is_ours(self) -> bool:
        """Whether a program may use what only rxgraph has."""
        return self.name == "rxgraph"


@dataclass(frozen=True)
class Unit:
    """How a measure is shown."""

    name: str
    scale: float
    digits: int = 2


MICROSECONDS: Final = Unit("us", 1e6)
MILLISECONDS: Final = Unit("ms", 1e3)
MEGABYTES: Final = Unit("MB", 1e-6, 1)
COUNT: Final = Unit("", 1, 0)
TIMES: Final = Unit("x", 1)


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Args:
        name: What is measured, and per what.
        program: Builds the program for a library; the sample is called once per round.
        unit: How the measure is shown.
        bar: What must be reached; ``None`` for a line that only informs.
        goal: What should be reached.
        judge: ``"ratio"``: theirs / ours must be at least the bar; ``"most"``: ours must be at most the bar.
        by: Which statistic of the rounds is judged.
        rounds: Instead of the number of rounds of the whole run.
    """

    name: str
    program: Callable[[Library], Sample]
    unit: Unit = MICROSECONDS
    bar: float | None = None
    goal: float | None = None
    judge: Literal["ratio", "most"] = "ratio"
    by: Literal["min", "median"] = "min"
    rounds: int | None = None

    def statistic(self, measures: Sequence[float]) -> float:
        """What of the rounds is judged."""
        return min(measures) if self.by == "min" else median(measures)


@dataclass
class Row:
    """A line with its measures."""

    line: Line
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Theirs / ours."""
        ours = self.line.statistic(self.ours)
        return self.line.statistic(self.theirs) / ours if ours else float("inf")

    @property
    def verdict(self) -> str:
        """``PASS`` or ``FAIL`` against the bar, and whether the goal is met."""
        line = self.line
        if line.bar is None:
            return "-"
        if line.judge == "ratio":
            measured, sign = self.ratio, 1
        else:
            measured, sign = line.statistic(self.ours) * line.unit.scale, -1
        if measured * sign < line.bar * sign:
            return "FAIL"
        if line.goal is None:
            return "PASS"
        return "PASS, goal met" if measured * sign >= line.goal * sign else "PASS, below goal"


# --- samples


def each(run: Callable[[], Any], per: int, expected: Any) -> Sample:
    """Time one call of *run*, divided by *per*; the answer must be *expected*."""

    def sample() -> float:
        gc.collect()
        begin = perf_counter()
        answer = run()
        elapsed = perf_counter() - begin
        check(answer, expected)
        return elapsed / per

    return sample


def each_async(run: Callable[[], Awaitable[Any]], per: int, expected: Any) -> Sample:
    """Time one await of *run* on an event loop that is there already, divided by *per*."""

    async def timed() -> float:
        begin = perf_counter()
        answer = await run()
        elapsed = perf_counter() - begin
        check(answer, expected)
        return elapsed / per

    def sample() -> float:
        gc.collect()
        return asyncio.run(timed())

    return sample


def check(answer: Any, expected: Any) -> None:
    """Raise :class:`WrongAnswerError` if a program did not do what it was written for."""
    if answer != expected:
        raise WrongAnswerError(f"expected {str(expected)[:200]}, got {str(answer)[:200]}")


def count(items: Iterable[Any]) -> int:
    """Read a stream to its end."""
    n = 0
    for _ in items:
        n += 1
    return n


async def acount(items: Any) -> int:
    """Read an async stream to its end."""
    n = 0
    async for _ in items:
        n += 1
    return n


# --- running


def libraries() -> tuple[Library, Library]:
    """Import both.

    Raises:
        SystemExit: One is not installed.
    """
    found = []
    for name in ("rxgraph", "langgraph"):
        if importlib.util.find_spec(name) is None:
            raise SystemExit(f"{name} is not installed in {sys.prefix}: run 'make bench', or install the extra 'test'.")
        graph, types = importlib.import_module(f"{name}.graph"), importlib.import_module(f"{name}.types")
        found.append(Library(name, graph.StateGraph, types.Send))
    return found[0], found[1]


def measure(line: Line, ours: Library, theirs: Library, rounds: int) -> Row:
    """Run the rounds of a line, interleaved, after one of each that is not counted."""
    row = Row(line)
    sides = [(line.program(ours), row.ours), (line.program(theirs), row.theirs)]
    rounds = line.rounds or rounds
    if rounds > 1:
        for sample, _ in sides:
            sample()
    for number in range(rounds):
        for sample, measures in sides if number % 2 == 0 else reversed(sides):
            measures.append(sample())
    return row


def run(questions: Mapping[str, Callable[[bool], Sequence[Line]]], arguments: Sequence[str] | None = None) -> int:
    """Answer the questions on the command line's terms and print one table."""
    parser = argparse.ArgumentParser(description="Compare rxgraph with LangGraph, side by side.")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: does it run, roughly")
    parser.add_argument("--rounds", type=int, help="interleaved rounds of each line (7; 3 with --quick)")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if a line fails its bar")
    options = parser.parse_args(arguments)
    rounds = options.rounds or (3 if options.quick else 7)
    # A bare writer in an async node is one of the things that are measured here.
    warnings.filterwarnings("ignore", message="An async node writes custom events faster")
    ours, theirs = libraries()
    print(LIMITS)
    print(environment(rounds, options.quick), flush=True)
    rows = []
    for question, lines in questions.items():
        print(f"\n{question}\n{HEAD}", flush=True)
        for line in lines(options.quick):
            row = measure(line, ours, theirs, rounds)
            rows.append(row)
            print(show(row), flush=True)
    print(f"\n{summary(rows)}")
    return 1 if options.strict and any(row.verdict == "FAIL" for row in rows) else 0


def environment(rounds: int, quick: bool) -> str:
    """Name everything that a reader needs to compare these numbers with others."""
    names = ("rxgraph-runtime", "langgraph", "langchain-core", "reactivex")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    note = ", quick: sizes are too small to judge" if quick else ""
    return (
        f"{versions}; {platform.python_implementation()} {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {cores} cores{load}; {rounds} rounds{note}"
    )


WIDTH: Final = 51
HEAD: Final = (
    f"  {'':{WIDTH}} {'rxgraph':>17}  {'langgraph':>17}\n"
    f"  {'':{WIDTH}} {'min':>8} {'median':>8}  {'min':>8} {'median':>8}      "
    f"{'ratio':>7} {'bar':>6} {'goal':>6}  verdict"
)


def show(row: Row) -> str:
    """Print a row of the table."""
    line = row.line
    scale, digits = line.unit.scale, line.unit.digits
    cells = [f"{statistic(side) * scale:8.{digits}f}" for side in (row.ours, row.theirs) for statistic in (min, median)]
    bar, goal = (_target(line, value) for value in (line.bar, line.goal))
    return (
        f"  {line.name:{WIDTH}} {cells[0]} {cells[1]}  {cells[2]} {cells[3]} {line.unit.name:3} "
        f"{row.ratio:6.1f}x {bar:>6} {goal:>6}  {row.verdict}"
    )


def summary(rows: Sequence[Row]) -> str:
    """Count the verdicts, and repeat the lines that failed or are below their goal."""
    judged = [row for row in rows if row.line.bar is not None]
    failed = [row for row in judged if row.verdict == "FAIL"]
    below = [row for row in judged if row.verdict.endswith("below goal")]
    passed = len(judged) - len(failed)
    text = [f"{passed} of {len(judged)} lines with a bar pass, {len(below)} of them below their goal."]
    text += [f"  FAIL        {row.line.name}: {_measured(row)}" for row in failed]
    text += [f"  below goal  {row.line.name}: {_measured(row)}" for row in below]
    return "\n".join(text)


def _target(line: Line, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:g}x" if line.judge == "ratio" else f"<={value:g}"


def _measured(row: Row) -> str:
    line = row.line
    if line.judge == "ratio":
        return f"{row.ratio:.1f}x, bar {line.bar:g}x" + (f", goal {line.goal:g}x" if line.goal else "")
    return f"{line.statistic(row.ours) * line.unit.scale:.2f} {line.unit.name}, bar {line.bar:g}"


__all__ = (
    "COUNT",
    "END",
    "MEGABYTES",
    "MICROSECONDS",
    "MILLISECONDS",
    "RUN",
    "START",
    "TIMES",
    "Library",
    "Line",
    "Sample",
    "StreamWriter",
    "WrongAnswerError",
    "acount",
    "check",
    "count",
    "each",
    "each_async",
    "run",
)
