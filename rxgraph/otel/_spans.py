"""Tracers that start and end spans; the switch that has every run ask for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from rxgraph.constants import CONF
from rxgraph.errors import GraphBubbleUp, GraphInterrupt
from rxgraph.pregel._calls import CallTask
from rxgraph.pregel._task import Task
from rxgraph.pregel._tracing import FACTORIES, Span, Tracer
from rxgraph.types import Interrupt
from rxgraph.version import __version__

try:
    from opentelemetry import context as contexts
    from opentelemetry import trace
except ImportError as error:
    raise ImportError(
        "rxgraph.otel needs opentelemetry-api, which is not installed: install it with the extra 'otel' of "
        "rxgraph-runtime."
    ) from error


class _Tracing:
    """A factory of tracers, as long as it is switched on."""

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._spans = trace.get_tracer("rxgraph", __version__, provider)

    def __call__(self, name: str, config: Mapping[str, Any]) -> Tracer:
        return _RunSpan(self._spans, name, config)


class _RunSpan(Tracer):
    """Traces one run, as a child of the span in whose context it was opened."""

    def __init__(self, spans: trace.Tracer, name: str, config: Mapping[str, Any]) -> None:
        self.spans = spans
        self._name, self._config = name, config
        self._around = contexts.get_current()
        self.span: trace.Span

    def begin(self, input: Any) -> None:
        thread, run = self._config.get(CONF, {}).get("thread_id"), self._config.get("run_id")
        attributes = {"rxgraph.graph": self._name}
        attributes |= {} if thread is None else {"rxgraph.thread_id": str(thread)}
        attributes |= {} if run is None else {"rxgraph.run_id": str(run)}
        self.span = self.spans.start_span(f"graph {self._name}", self._around, attributes=attributes)

    def end(self, output: Any) -> None:
        self.span.end()

    def fail(self, error: BaseException) -> None:
        _end_with(self.span, error)

    def attempt(self, task: Task) -> Span:
        return _AttemptSpan(self, task)


class _AttemptSpan(Span):
    """Traces one attempt; its span is the current one in the context in which the node runs."""

    def __init__(self, run: _RunSpan, task: Task) -> None:
        self._run, self._task = run, task
        self._span: trace.Span
        self._token: Any = None

    def begin(self, input: Any) -> None:
        run, task = self._run, self._task
        called = isinstance(task, CallTask)
        if task.attempt > 1:
            run.span.add_event("rxgraph.retry", {"rxgraph.node": task.name, "rxgraph.attempt": task.attempt})
        # A call has been made in the context of its caller; other tasks begin in whatever context the run is driven.
        around = contexts.get_current() if called else trace.set_span_in_context(run.span)
        self._span = run.spans.start_span(
            f"{'task' if called else 'node'} {task.name}",
            around,
            attributes={
                "rxgraph.node": task.name,
                "rxgraph.step": task.step,
                "rxgraph.task_id": task.id,
                "rxgraph.attempt": task.attempt,
            },
        )
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


def _end_with(span: trace.Span, error: BaseException) -> None:
    if isinstance(error, Exception) and not isinstance(error, GraphBubbleUp):
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}")
    else:
        span.add_event("rxgraph.stopped", {"rxgraph.reason": type(error).__name__})
    span.end()


def instrument(tracer_provider: trace.TracerProvider | None = None) -> None:
    """Trace every run of this process that is opened from now on; once more changes the provider.

    Args:
        tracer_provider: Whose spans; by default the global provider's.
    """
    uninstrument()
    FACTORIES.append(_Tracing(tracer_provider))


def uninstrument() -> None:
    """Trace no more runs; those that are open are traced to their end."""
    FACTORIES[:] = [factory for factory in FACTORIES if not isinstance(factory, _Tracing)]


@contextmanager
def tracing(tracer_provider: trace.TracerProvider | None = None) -> Iterator[None]:
    """Trace the runs of this process that are opened inside the block; see :func:`instrument`."""
    mine = _Tracing(tracer_provider)
    FACTORIES.append(mine)
    try:
        yield
    finally:
        FACTORIES[:] = [factory for factory in FACTORIES if factory is not mine]


__all__ = ("instrument", "tracing", "uninstrument")
