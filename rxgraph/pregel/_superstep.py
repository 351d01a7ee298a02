"""A superstep: its tasks, and the events that they give off while a lane runs them.

It is an observable of stream parts. A lane connects the run's mux to it and then reports what happened to each task,
on the thread that owns the run, in the order in which the tasks ended. The events of a superstep end with the last
task; its ``values`` follow when the engine has applied the writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from reactivex import abc
from reactivex.disposable import Disposable

from rxgraph.checkpoint.base import path_string
from rxgraph.constants import INTERRUPT, RETURN
from rxgraph.errors import GraphBubbleUp
from rxgraph.flow._lean import LeanObservable
from rxgraph.types import Interrupt, Part

from . import _payloads as payloads
from ._faults import handler_of
from ._lineage import Lineage
from ._task import RunContext, Task


class Superstep(LeanObservable[Part]):
    """The tasks of one round.

    Shapes: ``Observable[(ns, mode, payload)]`` with modes ``updates``, ``values``, ``tasks`` and ``debug``; one
    observer.
    Demand: none; a lane starts a superstep only while there is some.
    Order: completion order of the tasks; an ``updates`` part, then ``tasks``, then its ``debug`` twin.

    Args:
        run: The run.
        step: Number of the superstep.
        planned: Its tasks; those that were restored have ended already.
    """

    __slots__ = ("_down", "_run", "called", "handlers", "interrupts", "on_begin", "planned", "step", "stopped", "tasks")

    def __init__(self, run: RunContext, step: int, planned: Sequence[Task]) -> None:
        # No super().__init__(): a lock for each superstep would guard nothing, there is one observer and one thread.
        self._run = run
        self._down: abc.ObserverBase[Part] | None = None
        self.step = step
        self.planned = planned
        restores = run.lineage is not None or run.cache is not None
        self.tasks = [task for task in planned if not task.restored] if restores else planned
        """The tasks that a lane has to run."""
        self.interrupts: list[Interrupt] = []
        """Questions on which tasks have stopped, in the order in which they did."""
        self.called: dict[str, None] = {}
        """Names of functions that tasks have called as tasks of their own."""
        self.handlers: list[Task] = []
        """Tasks that have taken over from some that have failed."""
        self.stopped = False
        """Whether some task waits for somebody."""
        self.on_begin: Callable[[], None] | None = None
        """Called when a lane has waited for demand, and begins with the tasks."""

    def _subscribe_core(
        self, observer: abc.ObserverBase[Part], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.connect(observer)
        return Disposable(lambda: self.connect(None))

    def connect(self, observer: abc.ObserverBase[Part] | None) -> None:
        """Send the events to *observer*; the lane's way to subscribe."""
        self._down = observer
        if self.on_begin is not None:
            begin, self.on_begin = self.on_begin, None
            begin()

    def starts(self) -> Iterator[Part]:
        """The parts that announce the tasks, and show what was restored."""
        run = self._run
        for task in self.planned:
            if not task.node.hidden:
                yield from self._shown("task", payloads.started, task)
        if "updates" in run.watched:
            for task in self.planned:
                if task.restored and task.error is None and not task.node.hidden:
                    update = {**payloads.update(task, run.output_keys), "__metadata__": {"cached": True}}
                    yield (run.namespace, "updates", update)

    def announce(self, task: Task) -> Iterator[Part]:
        """The parts that announce a task which a running one has called; on any thread."""
        self.called[task.name] = None
        yield from self._shown("task", payloads.started, task)

    def called_ended(self, task: Task) -> None:
        """Report that a call has ended; what has become of it is its caller's business."""
        task.ended = True
        down, run = self._down, self._run
        if down is None or not run.watched or task.stopped or isinstance(task.error, GraphBubbleUp):
            return
        if "updates" in run.watched and task.error is None:
            cached = {"__metadata__": {"cached": True}} if task.restored else {}
            down.on_next((run.namespace, "updates", {**payloads.update(task, RETURN), **cached}))
        if not task.restored:
            for part in self._shown("task_result", lambda one: payloads.ended(one, RETURN), task):
                down.on_next(part)

    def ended(self, task: Task) -> Task | None:
        """Report that a task has ended: well, with ``task.interrupts``, or with ``task.error`` set.

        A task that wrote and then failed, in a router, shows what it wrote.

        Returns:
            The task to run now in the place of one that has failed, if its node has an error handler.
        """
        task.ended = True
        follow: Task | None = None
        if isinstance(task.error, Exception) and not isinstance(task.error, GraphBubbleUp):
            follow = handler_of(task, task.error)
            if follow is not None:
                self.handlers.append(follow)
        self._show_end(task)
        return follow

    def _show_end(self, task: Task) -> None:
        self.interrupts.extend(task.interrupts)
        self.stopped = self.stopped or task.stopped
        down = self._down
        if down is None or not self._run.watched or task.node.hidden or isinstance(task.error, GraphBubbleUp):
            return
        for part in self._end_of(task):
            down.on_next(part)

    def _end_of(self, task: Task) -> Iterator[Part]:
        run = self._run
        watched, ns = run.watched, run.namespace
        if task.interrupts:
            if "updates" in watched:
                yield (ns, "updates", {INTERRUPT: task.interrupts})
            if "values" in watched:
                yield (ns, "values", with_interrupts(task.state.peek(run.output_keys), task.interrupts))
        elif task.stopped:
            return
        elif "updates" in watched and (task.error is None or task.writes):
            yield (ns, "updates", payloads.update(task, run.output_keys))
        yield from self._shown("task_result", lambda one: payloads.ended(one, run.plan.stream_channels), task)

    def _shown(self, kind: str, build: Callable[[Task], dict[str, Any]], task: Task) -> Iterator[Part]:
        run = self._run
        if "tasks" in run.watched or "debug" in run.watched:
            payload = build(task)
            if "tasks" in run.watched:
                yield (run.namespace, "tasks", payload)
            if "debug" in run.watched:
                yield (run.namespace, "debug", payloads.debug(self.step, kind, payload))

    def to_save(self, task: Task) -> SaveWrites | None:
        """Return what a lane has to save when a task has ended."""
        if self._run.lineage is None:
            return None
        writes = SaveWrites.of(task, self._run.lineage)
        return writes if writes.writes else None

    def __repr__(self) -> str:
        return f"<Superstep {self.step} | {len(self.tasks)} tasks>"


class SaveWrites(NamedTuple):
    """Give the saver what a task wrote on top of a checkpoint; the outcome is ``None``."""

    config: dict[str, Any]
    writes: Sequence[tuple[str, Any]]
    task_id: str
    task_path: str

    @classmethod
    def of(cls, task: Task, lineage: Lineage) -> SaveWrites:
        """Return what is to be saved of a task that has ended."""
        return cls(lineage.at_head, task.to_save(), task.id, path_string(task.path))


def with_interrupts(values: Any, interrupts: Any) -> Any:
    """Return a ``values`` payload that says what a run has stopped on."""
    return {**(values if isinstance(values, dict) else {}), INTERRUPT: interrupts}


__all__ = ("SaveWrites", "Superstep", "with_interrupts")
