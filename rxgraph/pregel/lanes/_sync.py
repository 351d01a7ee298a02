"""The synchronous lane: performs the engine's effects on the caller's thread.

Who owns what: the thread that pulls owns the engine, the mux and the logs. Worker threads own the task that they run
and nothing else; they hand events and finished tasks over through the inbox, which only the owner empties. A task
alone in its superstep runs on the owner's thread, unless somebody reads a live mode, because then the owner has to
deliver events while the node runs.
"""

from __future__ import annotations

import os
from asyncio import CancelledError
from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import cache, partial
from threading import Lock, get_ident
from time import monotonic, time
from typing import Any, Final

from rxgraph._clock import CLOCK
from rxgraph._context import CURRENT
from rxgraph.errors import GraphBubbleUp, ParentCommand

from .._body import async_in_sync_lane
from .._calls import CallTask, settle
from .._effects import Emit, Execute, Notice, Recall, Remember, Route
from .._engine import Engine
from .._recall import recalled
from .._superstep import Superstep
from .._task import Task, own_command
from .._tracing import Span, Tracer, open_span, told, traced_turns
from ._futures import CallFuture
from ._saving import Saving, saving
from ._wiring import WORTHWHILE, Wiring, note_failure

BEGUN: Final = object()
"""Stands in the inbox for a call that has begun."""


@cache
def most_threads() -> int:
    """Return how many threads a run has at most, unless it is told; the system takes long to answer."""
    return min(32, (os.cpu_count() or 1) + 4)


def run_task(task: Task) -> None:
    """Run a node and its routers; the task's writes are the result."""
    CURRENT.set(task)
    attempt = _attempt if task.run.tracer is None else _traced_attempt
    retry = task.node.retry
    if retry is None:
        attempt(task)
        return
    wiring = task.run.wiring
    assert wiring is not None
    task.began = time()
    while True:
        try:
            attempt(task)
            return
        except GraphBubbleUp:
            raise
        except Exception as error:
            delay = retry.delay(error, task.attempt)
            if delay is None or CLOCK.get().wait(delay, wiring.inbox.wait_closed):
                raise
        task.begin_again()


def _traced_attempt(task: Task) -> Any:
    span = open_span(task)
    if span is None:
        return _attempt(task)
    span.begin(task.input)
    try:
        output = _attempt(task, span)
    except BaseException as error:
        span.fail(error)
        raise
    span.end(output)
    return output


def _attempt(task: Task, span: Span | None = None) -> Any:
    node = task.node
    try:
        output = node.body.run(task.input, task)
    except ParentCommand as signal:
        output = own_command(task, signal)
    node.record(output, task)
    for router in node.routers:
        run = router.body.run if span is None else partial(span.route, router.body)
        router.write(run(router.read(task, output), task), task)
    return output


class SyncLane:
    """Drives one run.

    Args:
        engine: The run.
        wiring: Its mux and the ways into it.
        max_concurrency: Most worker threads; by default the standard library's choice for thread pools.
        durability: When checkpoints are saved.
    """

    def __init__(
        self, engine: Engine, wiring: Wiring, max_concurrency: int | None = None, durability: str | None = None
    ) -> None:
        self._engine = engine
        self._wiring = wiring
        self._most = max_concurrency
        self._pool: ThreadPoolExecutor | None = None
        self._making_pool = Lock()
        self._superstep: Superstep
        self._made_saving = saving(engine.run.lineage, durability, on_loop=False)

    @property
    def _saving(self) -> Saving:
        assert self._made_saving is not None, "only a run with a saver has something to ask it"
        return self._made_saving

    @property
    def tracer(self) -> Tracer | None:
        """Who traces the run."""
        return self._engine.run.tracer

    def turns(self) -> Generator[None, None, None]:
        """Yield before each superstep, as :meth:`_turns` does, and tell who traces the run."""
        tracer = self._engine.run.tracer
        return self._turns() if tracer is None else traced_turns(tracer, self._engine, self._turns())

    def _turns(self) -> Generator[None, None, None]:
        """Yield before each superstep, and whenever events of a running one have been delivered.

        The run goes on when the next turn is asked for; closing the generator ends it and waits for running nodes.

        Raises:
            LaneError: A superstep has an async node; raised before any of its nodes runs.
        """
        engine, mux, gate, saves = self._engine, self._wiring.mux, self._wiring.gate, self._made_saving
        async_nodes = engine.run.plan.async_nodes
        if async_nodes:
            for name in engine.run.plan.certain:
                if name in async_nodes:
                    raise async_in_sync_lane(name)
        effects = iter(engine)
        self._wiring.spawn = self._spawn
        try:
            effect = next(effects)
            while True:
                error: BaseException | None = None
                outcome: Any = None
                if isinstance(effect, Execute):
                    yield
                    self._wiring.inbox.owner = get_ident()
                    if self._wiring.is_abandoned:
                        # Of a thread that nobody could stop; the node that has called this graph goes with it.
                        raise CancelledError
                    if saves is not None:
                        saves.check()
                    superstep = effect.superstep
                    superstep.connect(mux)
                    if async_nodes:
                        for task in superstep.tasks:
                            if task.node.is_async:
                                raise async_in_sync_lane(task.name)
                    self._superstep = superstep
                    lone = len(superstep.tasks) == 1 and engine.run.step_timeout is None
                    lone = lone and not superstep.tasks[0].node.calls
                    if lone and (not self._wiring.live or superstep.tasks[0].node.hidden):
                        error = self._run_here(superstep)
                    else:
                        error = yield from self._run_crew(superstep)
                elif isinstance(effect, Emit):
                    for part in effect.parts:
                        while not gate.is_open:
                            yield
                        mux.on_next(part)
                elif isinstance(effect, Recall):
                    outcome = engine.run.cache.get(effect.keys)
                elif isinstance(effect, Remember):
                    engine.run.cache.set(effect.entries)
                elif isinstance(effect, Notice):
                    told(engine.run.tracer).notice(effect)
                elif not isinstance(effect, Route):
                    outcome = self._saving.ask(effect)
                effect = effects.send(outcome) if error is None else effects.throw(error)
        except StopIteration:
            if saves is not None:
                saves.finish()
        finally:
            try:
                # What the engine still has to tell may find that the run around this one is over: it is cancelled then.
                effects.close()
            finally:
                # It knows this lane, and would keep the whole run until the garbage collector comes.
                self._wiring.spawn = None
                self._dismiss()
                if saves is not None:
                    saves.close()

    def _run_here(self, superstep: Superstep) -> BaseException | None:
        task: Task | None = superstep.tasks[0]
        error: BaseException | None = None
        while task is not None:
            error = None
            try:
                copy_context().run(run_task, task)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as raised:
                error = note_failure(task, raised)
            if self._wiring.inbox.items:
                self._take_calls(superstep)
            task = self._end(superstep, task)
        return error

    def _take_calls(self, superstep: Superstep) -> None:
        """Take in what has become of the calls that a node on this thread has made; waits for those still running."""
        inbox, left = self._wiring.inbox, 0
        while left or inbox.items:
            inbox.wait()
            item = inbox.take()
            if item is BEGUN:
                left += 1
            elif type(item) is tuple:
                self._wiring.mux.on_next(item)
            else:
                left -= 1
                self._end_call(superstep, item)

    def _end_call(self, superstep: Superstep, task: Task) -> None:
        if (writes := superstep.to_save(task)) is not None:
            self._saving.ask(writes)
        superstep.called_ended(task)

    def _spawn(self, task: CallTask) -> CallFuture:
        """Begin a call, on the thread of its caller; returns its future."""
        wiring = self._wiring
        if task.node.is_async:
            raise RuntimeError(
                f"Task {task.name!r} is async and was called in the sync lane: In an sync context async tasks cannot "
                "be called. Use: await workflow.ainvoke(...)."
            )
        for part in self._superstep.announce(task):
            wiring.put(part)
        future = CallFuture(partial(self._call, copy_context(), task))
        if task.restored:
            future.begin()
            return future
        wiring.inbox.put_nowait(BEGUN)
        with self._making_pool:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._most or most_threads(), "rxgraph")
            self._pool.submit(future.begin)
        return future

    def _call(self, context: Context, task: CallTask, future: CallFuture) -> None:
        """Run a call, on whatever thread comes first."""
        if task.restored:
            settle(future, task)
            return
        cache = task.run.cache
        # Whatever happens, its caller and the owner have to hear of it: both wait.
        try:
            key = task.cache_key
            found = cache.get([key]) if key is not None else {}
            if found:
                task.writes, task.restored = recalled(found[key]), True
            else:
                context.run(run_task, task)
                if key is not None:
                    cache.set({key: task.cache_entry})
        except BaseException as raised:
            note_failure(task, raised)
        # First the owner is told: it takes the end of a call in before that of its caller.
        self._wiring.inbox.put_nowait(task)
        settle(future, task)

    def _end(self, superstep: Superstep, task: Task) -> Task | None:
        """Save what has become of a task, and tell its readers; returns the one that takes over, if it has failed."""
        if (writes := superstep.to_save(task)) is not None:
            self._saving.ask(writes)
        return superstep.ended(task)

    def _run_crew(self, superstep: Superstep) -> Generator[None, None, BaseException | None]:
        wiring = self._wiring
        inbox, gate = wiring.inbox, wiring.gate
        items, take, show = inbox.items, inbox.take, wiring.mux.on_next
        waiting = deque(superstep.tasks)
        limit = self._engine.run.step_timeout
        end = None if limit is None else monotonic() + limit
        context = copy_context()
        watched = bool(self._engine.run.watched)
        # With nothing to deliver meanwhile the owner lends a hand, which saves most of the hand-over.
        lends = not watched and limit is None and not any(task.node.calls for task in waiting)
        most = self._most or most_threads()
        helpers = min(len(waiting), most) - lends
        if self._pool is None and helpers:
            with self._making_pool:
                self._pool = ThreadPoolExecutor(most, "rxgraph")
        for _ in range(helpers):
            assert self._pool is not None
            self._pool.submit(self._work, waiting, context)
        left = len(superstep.tasks)
        error: BaseException | None = None
        try:
            if lends:
                self._work(waiting, context)
            while left:
                if not inbox.wait(None if end is None else max(end - monotonic(), 0)):
                    return TimeoutError(f"Superstep {superstep.step} took more than step_timeout={limit} s: Timed out.")
                singly = 0
                while items and gate.is_open:
                    if not singly and error is None:
                        if wiring.show_batch():
                            continue
                        singly = WORTHWHILE
                    singly -= 1
                    item = take()
                    if type(item) is tuple:
                        if error is None:
                            show(item)
                        continue
                    if item is BEGUN:
                        left += 1
                        continue
                    left -= 1
                    if item.returns and error is None:
                        self._end_call(superstep, item)
                    elif error is None:
                        follow = self._end(superstep, item)
                        if follow is not None:
                            left += 1
                            self._hand_out(follow, waiting, context)
                        elif item.error is not None:
                            error = item.error
                            left -= _drop_all(waiting)
                    elif (writes := superstep.to_save(item)) is not None:
                        # Nobody hears of it any more, but it need not be done again.
                        self._saving.ask(writes)
                if left:
                    yield
                    wiring.inbox.owner = get_ident()
        finally:
            _drop_all(waiting)
        return error

    def _hand_out(self, task: Task, waiting: deque[Task], context: Context) -> None:
        """Have one more task run, on a worker's thread where there are any."""
        waiting.append(task)
        if self._pool is None:
            self._work(waiting, context)
        else:
            self._pool.submit(self._work, waiting, context)

    def _work(self, waiting: deque[Task], context: Context) -> None:
        """Run waiting tasks until none is left; on a worker's thread, or on the owner's."""
        inbox = self._wiring.inbox
        while True:
            try:
                task = waiting.popleft()
            except IndexError:
                return
            try:
                context.copy().run(run_task, task)
            except BaseException as raised:
                note_failure(task, raised)
            inbox.put_nowait(task)

    def let_go(self) -> None:
        """Let nodes on worker threads go, without waiting for them; they stop where they write next."""
        self._dismiss(wait=False)

    def _dismiss(self, wait: bool = True) -> None:
        self._wiring.inbox.close()
        if self._pool is not None:
            self._pool.shutdown(wait)
            self._pool = None


def _drop_all(waiting: deque[Task]) -> int:
    """Take the tasks that no worker has begun; a worker may take some at the same time."""
    dropped = 0
    while True:
        try:
            waiting.popleft()
        except IndexError:
            return dropped
        dropped += 1


__all__ = ("SyncLane", "run_task")
