"""The seam for those who trace runs: one object for each run, one for each attempt to run a node.

A run asks for its tracer once, when it is opened; without one it costs a test for ``None`` for each run and each
attempt. Both lanes call the same hooks: the asynchronous lane calls those that begin with ``a``, which may await.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rxgraph.flow import BoundedLog, Gate, RequestScheduler

from ._body import Body
from ._effects import Execute, Notice

if TYPE_CHECKING:
    from ._engine import Engine
    from ._superstep import Superstep
    from ._task import Task


class Span:
    """Is told when something begins and how it ends; one of ``end`` and ``fail`` is called, once.

    The hooks of an attempt are called in the context in which the node runs: what they set there, its code sees.
    """

    def begin(self, input: Any) -> None:
        """Hear of the beginning."""

    def end(self, output: Any) -> None:
        """Hear of a good end."""

    def fail(self, error: BaseException) -> None:
        """Hear of another end: an error, a question, a command for the parent, or that nobody reads any further."""

    def route(self, body: Body, view: Any, task: Task) -> Any:
        """Run the path of a conditional edge, and return its answer; called for those of a node in their order."""
        return body.run(view, task)

    async def abegin(self, input: Any) -> None:
        """Do what :meth:`begin` does, on the event loop."""
        self.begin(input)

    async def aend(self, output: Any) -> None:
        """Do what :meth:`end` does, on the event loop."""
        self.end(output)

    async def afail(self, error: BaseException) -> None:
        """Do what :meth:`fail` does, on the event loop."""
        self.fail(error)

    async def aroute(self, body: Body, view: Any, task: Task) -> Any:
        """Do what :meth:`route` does, on the event loop."""
        return body.run(view, task) if body.asynchronous is None else await body.asynchronous(view, task)


class Counts(NamedTuple):
    """What has become of the items of one projection; see ``LogStatistics``."""

    delivered: int
    dropped: int
    overrun: int
    lag: int


class Reading(NamedTuple):
    """How a run is read. Nothing in here may keep the reader: it has gone when nobody holds it any more."""

    gate: Gate
    """Shut while the run has to wait for its reader."""
    counts: Callable[[], Mapping[str, Counts]]
    """The items of each projection, by its name."""
    demand: Callable[[], int]
    """What the reader waits for, in requests."""


class Tracer(Span, ABC):
    """Traces one run."""

    @abstractmethod
    def attempt(self, task: Task) -> Span:
        """Return what traces the next attempt to run a task."""

    def superstep(self, superstep: Superstep) -> Span | None:
        """Return what traces a superstep, if anything does; called before its first attempt."""
        return None

    def read(self, reader: object, reading: Reading) -> None:
        """Hear who reads the run, before anything of it runs; not called for one whose caller wants the output only."""

    def notice(self, notice: Notice) -> None:
        """Hear that the run goes on where its thread stands, or that it has stopped for somebody."""

    async def anotice(self, notice: Notice) -> None:
        """Do what :meth:`notice` does, on the event loop."""
        self.notice(notice)


Factory = Callable[[str, Mapping[str, Any]], Tracer | None]
"""``(name of the graph, configuration of the run) -> tracer``; called where the run is opened."""

FACTORIES: Final[list[Factory]] = []
"""Those who may want to trace a run."""


def open_tracer(name: str, config: Mapping[str, Any]) -> Tracer | None:
    """Return what traces a run, if somebody wants to."""
    found = [tracer for make in FACTORIES if (tracer := make(name, config)) is not None]
    if len(found) > 1:
        return _Several(found)
    return found[0] if found else None


def told(tracer: Tracer | None) -> Tracer:
    """Return the tracer of a run that has something to tell."""
    assert tracer is not None, "only a run that is traced gives notice"
    return tracer


def open_span(task: Task) -> Span | None:
    """Return what traces the next attempt to run a task of a traced run; not that of a start node without paths."""
    tracer = task.run.tracer
    assert tracer is not None
    return None if task.node.hidden and not task.node.routers else tracer.attempt(task)


def log_reading(gate: Gate, log: BoundedLog[Any], scheduler: RequestScheduler) -> Reading:
    """Return how an iterator reads its run, through one log."""

    def counts() -> Mapping[str, Counts]:
        found = log.statistics()
        return {log.name: Counts(found.delivered, found.dropped, found.overrun, found.buffered)}

    return Reading(gate, counts, lambda: scheduler.demand)


def traced_superstep(tracer: Tracer, superstep: Superstep) -> Generator[Execute, Any, None]:
    """Have a superstep executed, and tell who traces it."""
    span = tracer.superstep(superstep)
    if span is None:
        yield Execute(superstep)
        return
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True
        span.begin(None)

    superstep.on_begin = begin
    try:
        yield Execute(superstep)
    except BaseException as error:
        # Whoever stops for want of demand has begun nothing.
        if begun:
            span.fail(error)
        raise
    span.end(None)


def traced_turns(tracer: Tracer, engine: Engine, turns: Generator[None, None, None]) -> Generator[None, None, None]:
    """Take the turns of a run, and tell its tracer."""
    tracer.begin(engine.input)
    try:
        yield from turns
    except BaseException as error:
        tracer.fail(error)
        raise
    tracer.end(engine.output)


async def traced_drive(tracer: Tracer, engine: Engine, driving: Coroutine[Any, Any, None]) -> None:
    """Drive a run, and tell its tracer."""
    try:
        await tracer.abegin(engine.input)
    except BaseException:
        driving.close()
        raise
    try:
        await driving
    except GeneratorExit:
        # Whoever closes a coroutine waits for nothing any more.
        raise
    except BaseException as error:
        await tracer.afail(error)
        raise
    await tracer.aend(engine.output)


class _SeveralSpans(Span):
    """Tells several; the first of them runs the paths."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans

    def begin(self, input: Any) -> None:
        for span in self._spans:
            span.begin(input)

    def end(self, output: Any) -> None:
        for span in reversed(self._spans):
            span.end(output)

    def fail(self, error: BaseException) -> None:
        for span in reversed(self._spans):
            span.fail(error)

    def route(self, body: Body, view: Any, task: Task) -> Any:
        return self._spans[0].route(body, view, task)

    async def abegin(self, input: Any) -> None:
        for span in self._spans:
            await span.abegin(input)

    async def aend(self, output: Any) -> None:
        for span in reversed(self._spans):
            await span.aend(output)

    async def afail(self, error: BaseException) -> None:
        for span in reversed(self._spans):
            await span.afail(error)

    async def aroute(self, body: Body, view: Any, task: Task) -> Any:
        return await self._spans[0].aroute(body, view, task)


class _Several(_SeveralSpans, Tracer):
    """Traces a run for several."""

    def __init__(self, tracers: Sequence[Tracer]) -> None:
        super().__init__(tracers)
        self._tracers = tracers

    def attempt(self, task: Task) -> Span:
        return _SeveralSpans([tracer.attempt(task) for tracer in self._tracers])

    def superstep(self, superstep: Superstep) -> Span | None:
        spans = [span for tracer in self._tracers if (span := tracer.superstep(superstep)) is not None]
        return _SeveralSpans(spans) if spans else None

    def read(self, reader: object, reading: Reading) -> None:
        for tracer in self._tracers:
            tracer.read(reader, reading)

    def notice(self, notice: Notice) -> None:
        for tracer in self._tracers:
            tracer.notice(notice)

    async def anotice(self, notice: Notice) -> None:
        for tracer in self._tracers:
            await tracer.anotice(notice)


__all__ = (
    "FACTORIES",
    "Counts",
    "Factory",
    "Reading",
    "Span",
    "Tracer",
    "log_reading",
    "open_span",
    "open_tracer",
    "told",
    "traced_drive",
    "traced_superstep",
    "traced_turns",
)
