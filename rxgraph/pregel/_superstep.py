"""A superstep: its tasks, and the events that they give off while a lane runs them.

It is an observable of stream parts. A lane connects the run's mux to it and then reports what happened to each task,
on the thread that owns the run, in the order in which the tasks ended. The events of a superstep end with the last
task; its ``values`` follow when the engine has applied the writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reactivex import abc
from reactivex.disposable import Disposable

from rxgraph.errors import GraphBubbleUp
from rxgraph.flow._lean import LeanObservable
from rxgraph.types import Part

from . import _payloads as payloads
from ._task import RunContext, Task


class Superstep(LeanObservable[Part]):
    """The tasks of one round.

    Shapes: ``Observable[(ns, mode, payload)]`` with modes ``updates``, ``tasks`` and ``debug``; one observer.
    Demand: none; a lane starts a superstep only while there is some.
    Order: completion order of the tasks; an ``updates`` part, then ``tasks``, then its ``debug`` twin.
    """

    __slots__ = ("_down", "_run", "step", "tasks")

    def __init__(self, run: RunContext, step: int, tasks: Sequence[Task]) -> None:
        # No super().__init__(): a lock for each superstep would guard nothing, there is one observer and one thread.
        self._run = run
        self._down: abc.ObserverBase[Part] | None = None
        self.step = step
        self.tasks = tasks

    def _subscribe_core(
        self, observer: abc.ObserverBase[Part], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self.connect(observer)
        return Disposable(lambda: self.connect(None))

    def connect(self, observer: abc.ObserverBase[Part] | None) -> None:
        """Send the events to *observer*; the lane's way to subscribe."""
        self._down = observer

    def starts(self) -> Iterator[Part]:
        """The parts that announce the tasks."""
        run = self._run
        for task in self.tasks:
            if not task.node.hidden:
                payload = payloads.started(task)
                if "tasks" in run.watched:
                    yield (run.namespace, "tasks", payload)
                if "debug" in run.watched:
                    yield (run.namespace, "debug", payloads.debug(self.step, "task", payload))

    def ended(self, task: Task) -> None:
        """Report that a task has ended, well or with ``task.error`` set.

        A task that wrote and then failed, in a router, shows what it wrote.
        """
        run, down = self._run, self._down
        watched = run.watched
        if down is None or not watched or task.node.hidden or isinstance(task.error, GraphBubbleUp):
            return
        if "updates" in watched and (task.error is None or task.writes):
            down.on_next((run.namespace, "updates", payloads.update(task, run.output_keys)))
        if "tasks" in watched or "debug" in watched:
            payload: dict[str, Any] = payloads.ended(task, run.plan.stream_channels)
            if "tasks" in watched:
                down.on_next((run.namespace, "tasks", payload))
            if "debug" in watched:
                down.on_next((run.namespace, "debug", payloads.debug(self.step, "task_result", payload)))

    def __repr__(self) -> str:
        return f"<Superstep {self.step} | {len(self.tasks)} tasks>"


__all__ = ("Superstep",)
