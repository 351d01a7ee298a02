"""What a lane needs around an engine: the mux, the gate, the inbox, and the writer that nodes call."""

from __future__ import annotations

import warnings
from asyncio import CancelledError
from collections.abc import Awaitable
from threading import get_ident
from typing import Any, Final, cast

from rxgraph._writer import READY
from rxgraph.errors import GraphInterrupt, NodeCancelledError
from rxgraph.flow import DEFAULT_MAXLEN, Gate, Inbox
from rxgraph.stream import StreamMux
from rxgraph.types import Interrupt, Namespace
from rxgraph.warnings import UnpacedWriterWarning

from .._task import Task

LIVE_MODES: Final = frozenset({"custom", "messages"})
"""Modes whose events come while a node runs; somebody has to listen meanwhile."""


class Wiring:
    """The mux of a run and the ways into it.

    Args:
        namespace: Of the run's graph.
        modes: Stream modes that somebody reads.
    """

    __slots__ = ("gate", "inbox", "live", "mux", "namespace", "owner", "warned")

    def __init__(self, namespace: Namespace, modes: frozenset[str]) -> None:
        self.namespace = namespace
        self.mux = StreamMux()
        self.gate = Gate()
        self.inbox = Inbox()
        self.live = not LIVE_MODES.isdisjoint(modes)
        self.owner = get_ident()
        """The OS thread that owns the run now; the only one that touches the mux."""
        self.warned = False

    def write(self, payload: Any, /) -> Awaitable[None]:
        """Be the ``StreamWriter`` of the run's nodes.

        On a worker thread it blocks while the inbox is full. On the owner's thread, where an async node runs, it
        returns something to await: the gate, when readers are behind.
        """
        part = (self.namespace, "custom", payload)
        if get_ident() != self.owner:
            self.inbox.put(part)
            return READY
        gate = self.gate
        if gate.is_open:
            self.mux.on_next(part)
            return READY if gate.is_open else gate
        if not self.warned:
            self._warn()
        self.mux.on_next(part)
        return gate

    def _warn(self) -> None:
        self.warned = True
        warnings.warn(
            f"An async node writes custom events faster than they are read: {DEFAULT_MAXLEN} are waiting. None is "
            "lost, but nothing holds the node back either: use 'await writer(...)'.",
            UnpacedWriterWarning,
            stacklevel=3,
        )


def note_failure(task: Task, error: BaseException) -> BaseException | None:
    """Record on a task how it stopped, and return the error if it failed.

    A question is no failure; a cancellation that nobody asked for becomes an error of its own.
    """
    if isinstance(error, GraphInterrupt):
        task.interrupts = cast("tuple[Interrupt, ...]", error.interrupts)
        return None
    if isinstance(error, CancelledError):
        error = NodeCancelledError(task.name)
    elif isinstance(error, Exception):
        error.add_note(f"During task with name {task.name!r} and id {task.id!r}, superstep {task.step}")
    task.error = error
    return error


__all__ = ("LIVE_MODES", "Wiring", "note_failure")
