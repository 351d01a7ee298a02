"""What a lane needs around an engine: the mux, the gate, the inbox, and the writer that nodes call."""

from __future__ import annotations

import warnings
from asyncio import CancelledError, current_task
from asyncio import Task as AsyncTask
from collections.abc import Awaitable, Callable, Generator
from threading import get_ident
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from reactivex import abc

from rxgraph._context import CURRENT
from rxgraph._writer import READY
from rxgraph.constants import NS_SEP
from rxgraph.errors import GraphBubbleUp, GraphInterrupt, NodeCancelledError, ParentCommand
from rxgraph.flow import DEFAULT_MAXLEN, Gate, Inbox
from rxgraph.flow._lean import connect
from rxgraph.stream import Parts
from rxgraph.types import Interrupt, Namespace, Part
from rxgraph.warnings import UnpacedWriterWarning

from .._calls import CallTask
from .._task import Task, send_up

LIVE_MODES: Final = frozenset({"custom", "messages"})
"""Modes whose events come while a node runs; somebody has to listen meanwhile."""


WORTHWHILE: Final = 16
"""Parts from which on it pays to look whether they can be shown at once; where they can't, so many come singly then."""


class Wiring:
    """The mux of a run and the ways into it.

    The events of an inner graph go through its own mux, and from there into the mux around it, as far as somebody reads
    them there: on the loop of the outer run at once, from another thread through the outer inbox, which blocks while
    it is full. So the inner run is held back by whoever reads the outer one.

    Args:
        namespace: Of the run's graph.
        live: Whether somebody reads events while nodes run.
        carried: Modes of inner graphs that somebody reads, here or further out.
        outer: Of the run whose node has called this graph.
    """

    __slots__ = (
        "carried", "gate", "inbox", "late", "live", "mux", "namespace", "outer", "spawn", "threads", "turn", "warned",
    )  # fmt: skip

    def __init__(
        self,
        namespace: Namespace,
        live: bool = False,
        carried: frozenset[str] = frozenset(),
        outer: Wiring | None = None,
    ) -> None:
        self.namespace = namespace
        self.mux = Parts()
        self.gate = Gate()
        self.inbox = Inbox()
        """What other threads hand over to the owner of the run, the only thread that touches the mux."""
        self.carried = carried
        self.outer = outer
        self.live = live
        self.turn: Callable[[], Awaitable[None]] | None = None
        """Waits until somebody wants the run to go on, in the asynchronous lane."""
        self.spawn: Callable[[CallTask], Any] | None = None
        """Begins the call of a task and returns its future; there is one while the run's lane is at work."""
        self.warned = False
        self.late: WeakKeyDictionary[AsyncTask[Any], _Late] | None = None
        """What the tasks that have written while readers were behind have still to wait for."""
        self.threads: list[str] = [] if outer is None else outer.threads
        """Names of nodes that run on threads of an event loop's executor, where nobody can stop them."""
        if outer is not None and outer.carried:
            connect(self.mux.route(outer.carried), _Outwards(outer))

    @property
    def is_abandoned(self) -> bool:
        """Whether the run that this one is part of has ended without it."""
        outer = self.outer
        return outer is not None and (outer.inbox.is_closed or outer.is_abandoned)

    def put(self, part: Part) -> None:
        """Take an event of an inner graph; blocks on another thread than the owner's while the inbox is full."""
        if get_ident() == self.inbox.owner:
            self.mux.on_next(part)
        else:
            self._hand_over(part)

    async def paced(self) -> None:
        """Wait until whoever reads the runs around this one has room, and wants something.

        A run on another thread than the outer one's is held back where it hands its events over.
        """
        outer = self.outer
        if outer is None or not outer.carried or outer.inbox.owner != self.inbox.owner:
            return
        if outer.turn is not None:
            await outer.turn()
        while not outer.gate.is_open:
            await outer.gate
        await outer.paced()

    def _room(self) -> Awaitable[None]:
        """Return what a writer waits for: the first gate that is shut, here or further out."""
        wiring: Wiring | None = self
        while wiring is not None and wiring.inbox.owner == self.inbox.owner:
            if not wiring.gate.is_open:
                return wiring.gate
            wiring = wiring.outer
        return READY

    def write(self, payload: Any, /) -> Awaitable[None]:
        """Be the ``StreamWriter`` of the run's nodes.

        On a worker thread it blocks while the inbox is full. On the owner's thread, where an async node runs, it
        returns something to await: the gate, when readers are behind.

        Raises:
            CancelledError: A node on a worker thread writes, and its run has ended; nothing else could stop it.
        """
        part = (self.namespace, "custom", payload)
        if get_ident() != self.inbox.owner:
            self._hand_over(part)
            return READY
        gate = self.gate
        if gate.is_open:
            self.mux.on_next(part)
            return (READY if gate.is_open else gate) if self.outer is None else self._room()
        self.mux.on_next(part)
        return gate if self.warned else self._late_turn(gate)

    def _late_turn(self, gate: Gate) -> Awaitable[None]:
        """Return what a writer waits for that came when readers were behind already.

        Nodes that run side by side may each be one item late: the writer can't know yet whether it is awaited. One that
        writes again without having waited is told.
        """
        if self.late is None:
            self.late = WeakKeyDictionary()
        try:
            task = current_task()
        except RuntimeError:
            # A thread without an event loop awaits nothing.
            task = None
        before = None if task is None else self.late.get(task)
        if task is None or (before is not None and not before.awaited):
            self._warn()
            return gate
        late = self.late[task] = _Late(gate)
        return late

    def show_batch(self) -> bool:
        """Show what worker threads have written, if it is much and can be shown at once; on the owner's thread."""
        items = self.inbox.items
        if len(items) < WORTHWHILE or type(items[0]) is not tuple:
            return False
        mode = items[0][1]
        room = self.mux.batch_room(mode)
        if room < WORTHWHILE:
            return False
        parts: list[Part] = []
        while items and len(parts) < room and type(items[0]) is tuple and items[0][1] == mode:
            parts.append(items.popleft())
        self.inbox.taken()
        self.mux.on_batch(mode, parts)
        return True

    def _hand_over(self, part: Part) -> None:
        self.inbox.put(part)
        if self.inbox.is_closed and CURRENT.get() is not None:
            raise CancelledError

    def _warn(self) -> None:
        self.warned = True
        warnings.warn(
            f"An async node writes custom events faster than they are read: {DEFAULT_MAXLEN} are waiting. None is "
            "lost, but nothing holds the node back either: use 'await writer(...)'.",
            UnpacedWriterWarning,
            stacklevel=4,
        )


class _Late:
    """The gate, for a writer that came when it was shut; notes whether it was awaited."""

    __slots__ = ("_gate", "awaited")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.awaited = False

    def __await__(self) -> Generator[Any, None, None]:
        self.awaited = True
        return self._gate.__await__()


class _Outwards(abc.ObserverBase[Part]):
    """Passes the events of an inner run on; the end of that run is no end of the outer one."""

    __slots__ = ("_put",)

    def __init__(self, outer: Wiring) -> None:
        self._put = outer.put

    def on_next(self, value: Part) -> None:
        self._put(value)

    def on_error(self, error: Exception) -> None:
        """The node that has called the graph hears of it."""

    def on_completed(self) -> None:
        """The node that has called the graph hears of it."""


def note_failure(task: Task, error: BaseException) -> BaseException | None:
    """Record on a task how it stopped, and return the error if it failed.

    A question is no failure; a cancellation that nobody asked for becomes an error of its own.
    """
    if isinstance(error, GraphInterrupt):
        task.interrupts = cast("tuple[Interrupt, ...]", error.interrupts)
        task.stopped = True
        return None
    if isinstance(error, ParentCommand):
        send_up(task, error)
    if isinstance(error, CancelledError):
        error = NodeCancelledError(task.name)
    elif isinstance(error, Exception) and not isinstance(error, GraphBubbleUp):
        place = f", in {NS_SEP.join(task.run.namespace)}" if task.run.namespace else ""
        attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
        error.add_note(f"During task with name {task.name!r} and id {task.id!r}, superstep {task.step}{attempt}{place}")
    task.error = error
    return error


__all__ = ("LIVE_MODES", "WORTHWHILE", "Wiring", "note_failure")
