"""The events of a run, pulled one by one from whichever lane the graph needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, cast

from rxgraph.config import RunnableConfig
from rxgraph.pregel.lanes import AsyncStreamIterator

from ._console import CtrlC
from ._load import AnyGraph

Item = tuple[str, Any]
"""What a stream of several modes gives: ``(mode, payload)``."""

TRACKED: Final = ("values", "debug")
"""Modes that :class:`Progress` lives on, whatever the user wants to see."""


@dataclass
class Progress:
    """What is known of a run from the events that have been pulled.

    Args:
        output_channels: Keys of the output, or the one channel that is it.
    """

    output_channels: str | Sequence[str]
    step: int = 0
    running: dict[str, str] = field(default_factory=dict)
    """The node of each running task, by the task's id."""
    error_in: str | None = None
    """The node that was the first to report an error."""
    output: Any = None
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
            self.output = data if isinstance(keys, str) else {key: data[key] for key in keys if key in data}
        elif mode == "debug":
            task = data["payload"]
            self.step = data["step"]
            if data["type"] == "task":
                self.running[task["id"]] = task["name"]
            elif data["type"] == "task_result":
                self.running.pop(task["id"], None)
                if task["error"] is not None and self.error_in is None:
                    self.error_in = task["name"]


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
    if graph.needs_async:
        return _AsyncPulls(graph.astream(input, typed, stream_mode=wanted, context=context), ctrl_c)
    return graph.stream(input, typed, stream_mode=wanted, context=context)


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


__all__ = ("Item", "Progress", "Pulls", "open_run")
