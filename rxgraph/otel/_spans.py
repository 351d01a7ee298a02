"""Tracers that start and end spans; the switch that has every run ask for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from weakref import WeakKeyDictionary

from rxgraph.constants import CONF
from rxgraph.errors import GraphBubbleUp, GraphInterrupt
from rxgraph.pregel._calls import CallTask
from rxgraph.pregel._effects import Notice
from rxgraph.pregel._lineage import TASK_KEY
from rxgraph.pregel._superstep import Superstep
from rxgraph.pregel._task import Task
from rxgraph.pregel._tracing import FACTORIES, Reading, Span, Tracer
from rxgraph.types import Interrupt
from rxgraph.version import __version__

try:
    from opentelemetry import context as contexts
    from opentelemetry import metrics, trace
except ImportError as error:
    raise ImportError(
        "rxgraph.otel needs opentelemetry-api, which is not installed: install it with the extra 'otel' of "
        "rxgraph-runtime."
    ) from error

from ._metrics import Metrics, metrics_of


class _Tracing:
    """A factory of tracers, as long as it is switched on."""

    def __init__(self, tracers: trace.TracerProvider | None, meters: metrics.MeterProvider | None) -> None:
        self.spans = trace.get_tracer("rxgraph", __version__, tracers)
        self.metrics: Metrics = metrics_of(meters)
        self.attempts: WeakKeyDictionary[Task, tuple[trace.Span, trace.Span]] = WeakKeyDictionary()
        """The spans of the run and of the last attempt of each task, as long as it is there."""

    def __call__(self, name: str, config: Mapping[str, Any]) -> Tracer:
        return _RunSpan(self, name, config)


class _RunSpan(Tracer):
    """Traces one run, as a child of the span in whose context it was opened.

    That of a graph inside has a link to the run that it is part of. On a thread that has no span, it is a child of the
    attempt that calls it.
    """

    def __init__(self, tracing: _Tracing, name: str, config: Mapping[str, Any]) -> None:
        self.tracing = tracing
        self._name, self._config = name, config
        self._around = contexts.get_current()
        self._links: list[trace.Link] = []
        self.span: trace.Span
        self.inside: trace.Span
        """What attempts are children of: the superstep."""
        caller = config.get(CONF, {}).get(TASK_KEY, _nobody)()
        calling = None if caller is None else tracing.attempts.get(caller)
        if calling is not None:
            outer, attempt = calling
            self._links.append(trace.Link(outer.get_span_context(), {"rxgraph.link": "outer run"}))
            if not trace.get_current_span(self._around).get_span_context().is_valid:
                self._around = trace.set_span_in_context(attempt)

    def begin(self, input: Any) -> None:
        thread, run = self._config.get(CONF, {}).get("thread_id"), self._config.get("run_id")
        attributes = {"rxgraph.graph": self._name}
        attributes |= {} if thread is None else {"rxgraph.thread_id": str(thread)}
        attributes |= {} if run is None else {"rxgraph.run_id": str(run)}
        self.inside = self.span = self.tracing.spans.start_span(
            f"graph {self._name}", self._around, attributes=attributes, links=self._links
        )

    def end(self, output: Any) -> None:
        self.span.end()

    def fail(self, error: BaseException) -> None:
        _end_with(self.span, error)

    def superstep(self, superstep: Superstep) -> Span | None:
        names = [task.name for task in superstep.tasks if not task.node.hidden or task.node.routers]
        return _SuperstepSpan(self, superstep.step, names) if names else None

    def attempt(self, task: Task) -> Span:
        return _AttemptSpan(self, task)

    def read(self, reader: object, reading: Reading) -> None:
        self.tracing.metrics.watch(self._name, reader, reading)

    def notice(self, notice: Notice) -> None:
        if notice.kind == "resume":
            self.span.add_event("rxgraph.resume", {"rxgraph.checkpoint_id": notice.checkpoint_id})
        elif notice.status != "pending":
            self.span.add_event("rxgraph.interrupt", {"rxgraph.breakpoint": notice.status.removeprefix("interrupt_")})


class _SuperstepSpan(Span):
    """Traces one superstep."""

    def __init__(self, run: _RunSpan, step: int, names: Sequence[str]) -> None:
        self._run, self._step, self._names = run, step, names
        self._span: trace.Span

    def begin(self, input: Any) -> None:
        run = self._run
        self._span = run.inside = run.tracing.spans.start_span(
            f"superstep {self._step}",
            trace.set_span_in_context(run.span),
            attributes={"rxgraph.step": self._step, "rxgraph.nodes": self._names},
        )

    def end(self, output: Any) -> None:
        self._span.end()
        self._run.inside = self._run.span

    def fail(self, error: BaseException) -> None:
        _end_with(self._span, error)
        self._run.inside = self._run.span


class _AttemptSpan(Span):
    """Traces one attempt; its span is the current one in the context in which the node runs."""

    def __init__(self, run: _RunSpan, task: Task) -> None:
        self._run, self._task = run, task
        self._span: trace.Span
        self._token: Any = None

    def begin(self, input: Any) -> None:
        run, task, attempts = self._run, self._task, self._run.tracing.attempts
        before = attempts.get(task)
        called = isinstance(task, CallTask)
        if task.attempt > 1:
            run.span.add_event("rxgraph.retry", {"rxgraph.node": task.name, "rxgraph.attempt": task.attempt})
        # A call has been made in the context of its caller; other tasks begin in whatever context the run is driven.
        around = contexts.get_current() if called else trace.set_span_in_context(run.inside)
        self._span = run.tracing.spans.start_span(
            f"{'task' if called else 'node'} {task.name}",
            around,
            attributes={
                "rxgraph.node": task.name,
                "rxgraph.step": task.step,
                "rxgraph.task_id": task.id,
                "rxgraph.attempt": task.attempt,
            },
            links=before and [trace.Link(before[1].get_span_context(), {"rxgraph.link": "attempt before"})],
        )
        attempts[task] = run.span, self._span
        self._token = contexts.attach(trace.set_span_in_context(self._span))

    def end(self, output: Any) -> None:
        self._span.end()
        contexts.detach(self._token)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, GraphInterrupt):
            ids = [one.id for one in cast("tuple[Interrupt, ...]", error.interrupts)]
            for span in (self._span, self._run.span):
                span.add_event("rxgraph.interrupt", {"rxgraph.node": self._task.name, "rxgraph.interrupt_ids": ids})
            self._span.end()
        else:
            _end_with(self._span, error)
        contexts.detach(self._token)


def _nobody() -> None:
    """Be the caller of a run that nobody has called."""


def _end_with(span: trace.Span, error: BaseException) -> None:
    if isinstance(error, Exception) and not isinstance(error, GraphBubbleUp):
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
    else:
        span.add_event("rxgraph.stopped", {"rxgraph.reason": type(error).__name__})
    span.end()


def instrument(
    tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None
) -> None:
    """Trace every run of this process that is opened from now on; once more changes the providers.

    Args:
        tracer_provider: Whose spans; by default the global provider's.
        meter_provider: Whose metrics; by default the global provider's.
    """
    uninstrument()
    FACTORIES.append(_Tracing(tracer_provider, meter_provider))


def uninstrument() -> None:
    """Trace no more runs; those that are open are traced to their end."""
    FACTORIES[:] = [factory for factory in FACTORIES if not isinstance(factory, _Tracing)]


@contextmanager
def tracing(
    tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None
) -> Iterator[None]:
    """Trace the runs of this process that are opened inside the block; see :func:`instrument`."""
    mine = _Tracing(tracer_provider, meter_provider)
    FACTORIES.append(mine)
    try:
        yield
    finally:
        FACTORIES[:] = [factory for factory in FACTORIES if factory is not mine]


__all__ = ("instrument", "tracing", "uninstrument")
