"""What session programs are made of: how they are registered, states, nodes and graphs.

Annotations are evaluated (no postponed ones): many rules read them.
"""

import asyncio
import contextlib
import dataclasses
import functools
import operator
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypedDict
from unittest import mock

import pydantic
import pytest

from rxgraph._clock import CLOCK
from tests.parity._threads import LANES, Program
from tests.parity._twin import colour


@dataclasses.dataclass(frozen=True)
class Case:
    """A session program, the differences that it runs into, and the lanes that it is for."""

    program: Program
    differences: tuple[str, ...]
    lanes: tuple[str, ...]
    way: str


class Cases:
    """The session programs of one file."""

    def __init__(self) -> None:
        self._cases: list[Case] = []

    def program(
        self, *differences: str, lanes: tuple[str, ...] = LANES, way: str = "stream"
    ) -> Callable[[Program], Program]:
        """Register a session program together with the deliberate differences that it runs into.

        Args:
            way: How it is run where one way has to do, of those in ``_threads``.
        """

        def register(fn: Program) -> Program:
            self._cases.append(Case(fn, differences, lanes, way))
            return fn

        return register

    def params(self, pending: Mapping[str, str] = {}) -> list[Any]:
        """Each program in each of its lanes.

        Args:
            pending: What the programs wait for that are skipped unless ``RXGRAPH_PENDING`` is set, by their names.
        """
        names = [case.program.__name__ for case in self._cases]
        assert len(names) == len(set(names)), "two programs of one name"
        assert not (unknown := pending.keys() - set(names)), f"pending, but no programs: {sorted(unknown)}"
        return [
            pytest.param(case, lane, id=f"{name}-{lane}", marks=_marks(pending.get(name)))
            for name, case in zip(names, self._cases, strict=True)
            for lane in case.lanes
        ]


def _marks(missing: str | None) -> list[Any]:
    if missing is None or os.environ.get("RXGRAPH_PENDING"):
        return []
    return [pytest.mark.skip(reason=f"waits for {missing}")]


# --- states, nodes and graphs


class Boom(Exception):
    """A node's own failure."""


class Log(TypedDict):
    log: Annotated[list, operator.add]


class Full(TypedDict):
    log: Annotated[list, operator.add]
    v: str
    n: Annotated[int, operator.add]


@dataclasses.dataclass
class Data:
    log: Annotated[list, operator.add] = dataclasses.field(default_factory=list)
    v: str = "default"


class Model(pydantic.BaseModel):
    log: Annotated[list, operator.add] = []
    v: str = "default"
    n: int = 0


def say(name, **more):
    """A node that logs its name, and updates further keys."""

    def node(state):
        return {"log": [name], **more}

    node.__name__ = name
    return node


def see(name, *keys):
    """A node that logs its name and what it sees."""

    def node(state):
        return {"log": [(name, {key: state[key] for key in keys or sorted(state) if key in state and key != "log"})]}

    node.__name__ = name
    return node


def asks(lg, name, *questions):
    """A node that asks, and logs the answers."""

    def node(state):
        return {"log": [(name, *[lg.interrupt(question) for question in questions or (f"{name}?",)])]}

    node.__name__ = name
    return node


def fails(lg, name, times=1, wait=0.0):
    """A node that fails some times before it works, after its siblings are done."""
    calls = []

    def work(state):
        calls.append(name)
        if len(calls) <= times:
            raise Boom(name)
        return {"log": [name]}

    def node(state):
        time.sleep(wait)
        return work(state)

    async def coloured(state):
        await asyncio.sleep(wait)
        return work(state)

    node.__name__ = coloured.__name__ = name
    return node if lg.lane == "sync" else coloured


def line(lg, schema, *nodes, **options):
    """A graph of nodes one after the other."""
    return lg.StateGraph(schema, **options).add_sequence(nodes).add_edge(lg.START, nodes[0].__name__)


def fan(lg, schema, *nodes, then=None):
    """A graph of nodes side by side, and perhaps one that follows each."""
    graph = lg.StateGraph(schema)
    for node in nodes:
        graph.add_node(node.__name__, node).add_edge(lg.START, node.__name__)
        if then:
            graph.add_edge(node.__name__, then.__name__)
    return graph.add_node(then.__name__, then) if then else graph


# --- graphs inside nodes


def chain(lg, schema, *nodes, **options):
    """A graph of nodes one after the other; a pair names a node that is no function."""
    named = [node if isinstance(node, tuple) else (node.__name__, node) for node in nodes]
    return lg.StateGraph(schema, **options).add_sequence(named).add_edge(lg.START, named[0][0])


def beside(lg, schema, *nodes, then=None):
    """A graph of nodes side by side, and perhaps one that follows each; a pair names a node that is no function."""
    graph = lg.StateGraph(schema)
    for node in nodes:
        name, action = node if isinstance(node, tuple) else (node.__name__, node)
        graph.add_node(name, action).add_edge(lg.START, name)
        if then:
            graph.add_edge(name, then.__name__)
    return graph.add_node(then.__name__, then) if then else graph


def calls(lg, name, child, *inputs, **options):
    """A node that runs a graph on one input after the other, and logs what it gives."""
    inputs = inputs or ({"log": ["called"]},)

    def node(state):
        return {"log": [(name, [child.invoke(one, **options) for one in inputs])]}

    async def coloured(state):
        return {"log": [(name, [await child.ainvoke(one, **options) for one in inputs])]}

    node.__name__ = coloured.__name__ = name
    return node if lg.lane == "sync" else coloured


# --- failures


@contextlib.contextmanager
def naps() -> Iterator[list[float]]:
    """Nobody sleeps: the seconds are noted down instead."""
    seconds: list[float] = []
    sleep = asyncio.sleep

    async def fall_asleep(delay, result=None):
        if delay > 0:
            seconds.append(round(delay, 6))
        return await sleep(0, result)

    def sleep_on(delay):
        # Threads give way by sleeping for no time.
        if delay > 0:
            seconds.append(round(delay, 6))

    class Clock:
        def wait(self, delay, over, /):
            sleep_on(delay)
            return over(0.0)

    token = CLOCK.set(Clock())
    try:
        with mock.patch("time.sleep", sleep_on), mock.patch("asyncio.sleep", fall_asleep):
            yield seconds
    finally:
        CLOCK.reset(token)


def raises(name, *errors, seen=None, **more):
    """A node that raises one error after the other, one each time, before it works."""
    left = list(errors)
    calls = seen if seen is not None else []

    def node(state):
        calls.append(name)
        if left:
            raise left.pop(0)
        return {"log": [name], **more}

    node.__name__ = name
    return node


# --- workflows


class Flow:
    """A workflow that is compiled as graphs are: its body is a generator that yields futures, or lists of them.

    Args:
        options: Of ``entrypoint``.
    """

    def __init__(self, lg, body, **options):
        self._lg, self._body, self._options = lg, body, options

    def compile(self, **options):
        return self._lg.entrypoint(**{**self._options, **options})(driven(self._lg, self._body))


def driven(lg, body):
    """A generator as a function or coroutine function that waits for what it yields."""

    @functools.wraps(body)
    def run(*args, **kwargs):
        steps = body(*args, **kwargs)
        send, value = steps.send, None
        while True:
            try:
                futures = send(value)
            except StopIteration as end:
                return end.value
            try:
                value = [one.result() for one in futures] if isinstance(futures, list) else futures.result()
                send = steps.send
            except Exception as error:
                send, value = steps.throw, error

    @functools.wraps(body)
    async def run_async(*args, **kwargs):
        steps = body(*args, **kwargs)
        send, value = steps.send, None
        while True:
            try:
                futures = send(value)
            except StopIteration as end:
                return end.value
            try:
                value = [await one for one in futures] if isinstance(futures, list) else await futures
                send = steps.send
            except Exception as error:
                send, value = steps.throw, error

    return run if lg.lane == "sync" else run_async


def job(lg, fn, **options):
    """A task."""
    return lg.task(**options)(fn if lg.lane == "sync" else colour(fn))
