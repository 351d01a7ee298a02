"""An RxPY scheduler whose queue moves only against demand.

It joins the observable world to pulling readers. Ordinary RxPY sources that emit one item per scheduled action are
paced by ``request(n)`` when they are subscribed on it. A run uses it with ``charge="item"``: an action is one turn
of the engine, which may emit any number of items, and whoever delivers an item books it with :meth:`produced`.

Actions run one after another, on the thread that called ``request`` or ``schedule``. A call from inside an action
only books: the loop that is already running goes on with it, so recursion stays at depth one. [RS §3.3]
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from threading import Lock
from typing import Any, Literal, TypeVar

from reactivex import abc, typing
from reactivex.disposable import CompositeDisposable
from reactivex.scheduler import TimeoutScheduler
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from ._demand import Demand

StateT = TypeVar("StateT")


class _Action(abc.DisposableBase):
    """A queued action; disposing it takes it out of the play, and disposes of what it returned."""

    __slots__ = ("disposed", "result", "run", "state")

    def __init__(self, run: Any, state: Any) -> None:
        self.run = run
        self.state = state
        self.disposed = False
        self.result: abc.DisposableBase | None = None

    def adopt(self, result: abc.DisposableBase) -> None:
        # Stored before the flag is read, and dispose() goes the other way round, so one of the two sees the other.
        self.result = result
        if self.disposed:
            result.dispose()

    def dispose(self) -> None:
        self.disposed = True
        if self.result is not None:
            self.result.dispose()


class RequestScheduler(PeriodicScheduler):
    """Run queued actions while there is outstanding demand.

    Args:
        charge: ``"action"``: each action that runs uses up one request. ``"item"``: actions run while demand is
            outstanding, and the delivering side calls :meth:`produced`.
        clock: Where relative and absolute due times are waited for, and whose time is ``now``; RxPY's
            ``TimeoutScheduler`` by default.

    Errors: what an action raises comes out of the call that ran it. The actions behind it stay queued, with the demand
    for them, until the next ``request`` or ``schedule``.

    Example:
        >>> import reactivex as rx
        >>> scheduler, seen = RequestScheduler(), []
        >>> _ = rx.range(0, 1000).subscribe(seen.append, scheduler=scheduler)
        >>> scheduler.request(3)
        >>> seen
        [0, 1, 2]
    """

    def __init__(self, *, charge: Literal["action", "item"] = "action", clock: abc.SchedulerBase | None = None) -> None:
        super().__init__()
        self._charge_actions = charge == "action"
        self._clock = clock
        self._queue: deque[_Action] = deque()
        self._demand = Demand()
        self._lock = Lock()
        self._running = False

    @property
    def now(self) -> datetime:
        """The time of the clock."""
        return super().now if self._clock is None else self._clock.now

    @property
    def demand(self) -> int:
        """Requests that are not used up yet."""
        return self._demand.outstanding

    @property
    def queued(self) -> int:
        """Actions that wait for demand."""
        return len(self._queue)

    def request(self, n: int) -> None:
        """Add *n* to the demand and run what it allows.

        Raises:
            TypeError, ValueError: *n* is not a whole number above zero. [RS §3.9]
        """
        with self._lock:
            self._demand.request(n)
        self._drain()

    def produced(self, n: int = 1) -> None:
        """Book *n* delivered items."""
        with self._lock:
            self._demand.produce(n)

    withdraw = produced

    def cancel(self) -> None:
        """Drop the queue and the demand."""
        with self._lock:
            self._queue.clear()
            self._demand.clear()

    def schedule(self, action: abc.ScheduledAction[StateT], state: StateT | None = None) -> abc.DisposableBase:
        """Queue an action; it runs at once if demand is outstanding."""
        item = _Action(action, state)
        self._enqueue(item)
        return item

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: abc.ScheduledAction[StateT], state: StateT | None = None
    ) -> abc.DisposableBase:
        """Queue an action when *duetime* (seconds or timedelta) has passed; it then waits for demand."""
        return self._later(lambda clock, enqueue: clock.schedule_relative(duetime, enqueue), action, state)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: abc.ScheduledAction[StateT], state: StateT | None = None
    ) -> abc.DisposableBase:
        """Queue an action at *duetime*; it then waits for demand."""
        return self._later(lambda clock, enqueue: clock.schedule_absolute(duetime, enqueue), action, state)

    def _later(self, wait: Any, action: Any, state: Any) -> abc.DisposableBase:
        item = _Action(action, state)

        def due(_scheduler: abc.SchedulerBase, _state: Any = None) -> None:
            self._enqueue(item)

        return CompositeDisposable(item, wait(self._clock or TimeoutScheduler.singleton(), due))

    def _enqueue(self, item: _Action) -> None:
        self._queue.append(item)
        if self._demand.outstanding and not self._running:
            self._drain()

    def _drain(self) -> None:
        lock, queue, demand = self._lock, self._queue, self._demand
        with lock:
            if self._running:
                return
            self._running = True
        try:
            while True:
                with lock:
                    if not queue or not demand.outstanding:
                        self._running = False
                        # An action is queued without the lock, and then the flag is read. So look again after it is
                        # down: either this thread sees the action, or the other one sees the flag.
                        if not queue or not demand.outstanding:
                            return
                        self._running = True
                    item = queue.popleft()
                    if item.disposed:
                        continue
                    if self._charge_actions:
                        demand.produce()
                result = item.run(self, item.state)
                if result is not None:
                    item.adopt(result)
        except BaseException:
            with lock:
                self._running = False
            raise


__all__ = ("RequestScheduler",)
