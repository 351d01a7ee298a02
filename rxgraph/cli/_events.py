"""The events of a run, pulled one by one from whichever lane the graph needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, cast

from rxgraph.config import RunnableConfig
from rxgraph.constants import INTERRUPT
from rxgraph.pregel.lanes import AsyncStreamIterator
from rxgraph.types import Interrupt

from ._console import CtrlC
from ._load import AnyGraph

Item = tuple[str, Any]
"""What a stream of several modes gives: ``(mode, payload)``."""

TRACKED: Final = ("values", "updates", "debug")
"""Modes that :class:`Progress` lives on, whatever the user wants to see."""
METADATA: Final = "__metadata__"
"""Beside the update of a node that did not run again, because its writes were kept."""


@dataclass
class Progress:
    """What is known of a run from the events that have been pulled.

    Args:
        output_channels: Keys of the output, or the one channel that is it.
    """

    output_channels: str | Sequence[str]
    step: int = 0
    """The number of the superstep in its thread."""
    steps: int = 0
    """Supersteps of this run."""
    running: dict[str, str] = field(default_factory=dict)
    """The node of each running task, by the task's id."""
    error_in: str | None = None
    """The node that was the first to report an error."""
    output: Any = None
    stopped: bool = False
    """Whether the run has stopped on a question or at a breakpoint."""
    questions: list[Interrupt] = field(default_factory=list)
    next: tuple[str, ...] = ()
    """Nodes that come after the last checkpoint; of a run that has stopped on questions, those that asked."""
    asked: bool = False
    """Whether some task has stopped on a question."""
    counted: int | None = None
    """The superstep that was counted last."""
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    @property
    def failed(self) -> str | None:
        """The node that is to blame for an error of the run, if that is known."""
        if self.error_in is None and len(self.running) == 1:
            return next(iter(self.running.values()))
        return self.error_in

    def see(self, mode: str, data: Any) -> None:
        """Take note of one event."""
        if mode == "values":
            keys = self.output_channels
            if not isinstance(keys, str):
                self.output = {key: data[key] for key in keys if key in data}
            elif not (isinstance(data, dict) and INTERRUPT in data):
                # The questions take the place of a state that is one value.
                self.output = data
        elif mode == "updates":
            if INTERRUPT in data:
                self.stopped = True
                self.questions += data[INTERRUPT]
            if data.get(METADATA, {}).get("cached"):
                self._see_kept(data)
        elif mode == "debug":
            if data["type"] == "checkpoint":
                self._see_checkpoint(data["step"], data["payload"])
            else:
                self._see_task(data["step"], data["type"], data["payload"])

    def _see_kept(self, update: Mapping[str, Any]) -> None:
        # A task whose writes were kept is announced and does not run. Its id is not told; one of its node will do.
        for task, node in list(self.running.items()):
            if node in update:
                del self.running[task]
                return

    def _see_checkpoint(self, step: int, checkpoint: Mapping[str, Any]) -> None:
        # The hidden step that takes an input in follows the checkpoint of that input.
        self.step = step + 1 if checkpoint["metadata"].get("source") == "input" else step
        self.next = tuple(checkpoint["next"])

    def _see_task(self, step: int, kind: str, task: Mapping[str, Any]) -> None:
        self.step = step
        if step != self.counted:
            self.steps, self.counted = self.steps + 1, step
        if kind == "task":
            self.running[task["id"]] = task["name"]
        elif kind == "task_result":
            self.running.pop(task["id"], None)
            if task["error"] is not None and self.error_in is None:
                self.error_in = task["name"]
            if task["interrupts"]:
                self.next = (*self.next, task["name"]) if self.asked else (task["name"],)
                self.asked = True


class Pulls(Protocol):
    """A run that goes on as far as it is pulled."""

    def __iter__(self) -> Iterator[Item]: ...
    def __next__(self) -> Item: ...
    def close(self) -> None:
        """End the run and wait for its nodes."""


def open_run(
    graph: AnyGraph, input: Any, config: Mapping[str, Any], context: Any, modes: Sequence[str], ctrl_c: CtrlC
) -> Pulls:
    """Open a run in the lane that the graph needs; its options are checked, and nothing runs before the first pull.

    Raises:
        NotYetAvailableError: A mode that the library does not have yet.
        TypeError: The context does not fit the graph.
        ValueError: An option of the run has a wrong value.
    """
    wanted: Any = list(dict.fromkeys((*modes, *TRACKED)))
    typed = cast(RunnableConfig, config)
    # Whoever looks at a thread from another shell should see what this one has shown.
    durability = "sync" if graph.checkpointer is not None else None
    options: Any = {"stream_mode": wanted, "context": context, "durability": durability}
    if graph.needs_async:
        return _AsyncPulls(graph.astream(input, typed, **options), ctrl_c)
    return graph.stream(input, typed, **options)


class _AsyncPulls(Iterator[Item]):
    """A plain iterator over an async stream: each pull runs the event loop until an event is there."""

    def __init__(self, stream: AsyncStreamIterator, ctrl_c: CtrlC) -> None:
        self._stream = stream
        self._ctrl_c = ctrl_c
        self._runner = asyncio.Runner()

    def __next__(self) -> Item:
        loop = self._runner.get_loop()
        pull = loop.create_task(self._pull())
        self._ctrl_c.cancel = partial(loop.call_soon_threadsafe, pull.cancel)
        try:
            item = loop.run_until_complete(pull)
        except asyncio.CancelledError:
            if self._ctrl_c.pressed:
                raise KeyboardInterrupt from None
            raise
        finally:
            self._ctrl_c.cancel = None
        if item is None:
            raise StopIteration
        return item

    async def _pull(self) -> Item | None:
        # StopIteration can't leave a coroutine, so the end is None.
        return await anext(self._stream, None)

    def close(self) -> None:
        """Cancel the run, wait for its nodes, and close the loop."""
        try:
            self._runner.get_loop().run_until_complete(self._stream.aclose())
        finally:
            self._runner.close()


__all__ = ("METADATA", "Item", "Progress", "Pulls", "open_run")
