"""The asynchronous lane: performs the engine's effects on an event loop.

Who owns what: the loop's thread owns the engine, the mux and the logs. A node alone in its superstep is awaited in
place, in a copy of the context; several run as asyncio tasks. A sync node runs on a thread of the loop's executor
and hands events over through the inbox.

Cancelling: a pull that is cancelled takes its request back and touches nothing else. Cancelling the task that drives
a run (``ainvoke``, or ``aclose`` of a stream) cancels the nodes that are running and waits for them to end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from contextvars import Context, copy_context
from functools import partial
from threading import get_ident
from time import time
from typing import Any

from rxgraph._context import CURRENT
from rxgraph.errors import GraphBubbleUp, ParentCommand
from rxgraph.stream._pumps import wait_for_all

from .._calls import CallTask, settle
from .._effects import Emit, Execute, Notice, Recall, Remember, Route
from .._engine import Engine
from .._recall import recalled
from .._superstep import Superstep
from .._task import Task, own_command
from .._tracing import Span, Tracer, open_span, told, traced_drive
from ._deadline import Deadline
from ._saving import Saving, saving
from ._wiring import WORTHWHILE, Wiring, note_failure


class InContext:
    """Await a coroutine in a context of its own without a task of its own."""

    __slots__ = ("_context", "_coroutine")

    def __init__(self, context: Context, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._context, self._coroutine = context, coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        run, coroutine = self._context.run, self._coroutine
        resume: Callable[..., Any] = coroutine.send
        value: Any = None
        try:
            while True:
                awaited = run(resume, value)
                try:
                    value = yield awaited
                    resume = coroutine.send
                except GeneratorExit:
                    raise
                except BaseException as error:
                    value, resume = error, coroutine.throw
        except StopIteration as stop:
            return stop.value
        finally:
            run(coroutine.close)


class AsyncLane:
    """Drives one run.

    Args:
        engine: The run.
        wiring: Its mux and the ways into it.
        max_concurrency: Most tasks of a superstep at once; unlimited by default.
        durability: When checkpoints are saved.
    """

    def __init__(
        self, engine: Engine, wiring: Wiring, max_concurrency: int | None = None, durability: str | None = None
    ) -> None:
        self._engine = engine
        self._wiring = wiring
        self._limit = max_concurrency
        self._cancellations = 0
        self._calls: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop
        self._superstep: Superstep
        self._made_saving = saving(engine.run.lineage, durability, on_loop=True)

    @property
    def _saving(self) -> Saving:
        assert self._made_saving is not None, "only a run with a saver has something to ask it"
        return self._made_saving

    @property
    def tracer(self) -> Tracer | None:
        """Who traces the run."""
        return self._engine.run.tracer

    async def drive(self, turn: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run to the end.

        Args:
            turn: Awaited before each superstep: waits for demand. ``None`` is unbounded demand.
        """
        tracer = self._engine.run.tracer
        await (self._drive(turn) if tracer is None else traced_drive(tracer, self._engine, self._drive(turn)))

    async def _drive(self, turn: Callable[[], Awaitable[None]] | None) -> None:
        engine, mux, gate, saves = self._engine, self._wiring.mux, self._wiring.gate, self._made_saving
        self._wiring.inbox.owner = get_ident()
        self._wiring.turn = turn
        self._wiring.spawn = self._spawn
        self._loop = asyncio.get_running_loop()
        # Not zero where a run is driven in the cleanup of a task that was cancelled.
        self._cancellations = _cancellations()
        self._listen_to_threads()
        effects = iter(engine)
        caller = engine.run.caller
        try:
            effect = next(effects)
            while True:
                error: BaseException | None = None
                outcome: Any = None
                if isinstance(effect, Execute):
                    if turn is not None:
                        await turn()
                    if self._wiring.outer is not None:
                        await self._wiring.paced()
                    if saves is not None:
                        saves.check()
                    superstep = effect.superstep
                    superstep.connect(mux)
                    if (limit := engine.run.step_timeout) is None:
                        error = await self._run(superstep)
                    else:
                        async with asyncio.timeout(limit):
                            error = await self._run(superstep)
                elif isinstance(effect, Emit):
                    for part in effect.parts:
                        if not gate.is_open:
                            await gate
                        mux.on_next(part)
                elif isinstance(effect, Recall):
                    outcome = await engine.run.cache.aget(effect.keys)
                elif isinstance(effect, Remember):
                    await engine.run.cache.aset(effect.entries)
                elif isinstance(effect, Notice):
                    await told(engine.run.tracer).anotice(effect)
                elif not isinstance(effect, Route):
                    outcome = await self._saving.aask(effect)
                if caller is not None:
                    caller.show_life()
                effect = effects.send(outcome) if error is None else effects.throw(error)
        except StopIteration:
            if saves is not None:
                saves.finish()
        finally:
            try:
                # What the engine still has to tell may find that the run around this one is over: it is cancelled then.
                effects.close()
            finally:
                self._wiring.inbox.close()
                # What wakes this lane knows it, and would keep the whole run until the garbage collector comes.
                self._wiring.inbox.on_wake(_wake_nobody)
                self._wiring.turn = self._wiring.spawn = None
                if saves is not None:
                    await saves.aclose()

    async def _run(self, superstep: Superstep) -> BaseException | None:
        """Run the tasks of a superstep, and the calls that they make; returns the first error."""
        self._superstep = superstep
        try:
            if len(superstep.tasks) == 1 and self._engine.run.step_timeout is None:
                error = await self._run_here(superstep)
            else:
                error = await _Siblings(partial(self._run_and_save, superstep), superstep, self._limit).run()
            while self._calls and error is None:
                await asyncio.wait(self._calls)
        finally:
            if self._calls:
                await cancel_all(list(self._calls))
        return error

    def _spawn(self, task: CallTask) -> Any:
        """Begin a call, on the thread of its caller; returns a future for that thread."""
        on_loop = get_ident() == self._wiring.inbox.owner
        future: Any = self._loop.create_future() if on_loop else Future()
        for part in self._superstep.announce(task):
            self._wiring.put(part)
        if task.restored:
            settle(future, task)
            return future
        begin = partial(self._begin_call, self._superstep, task, future, copy_context())
        if on_loop:
            begin()
        else:
            self._loop.call_soon_threadsafe(begin)
        return future

    def _begin_call(self, superstep: Superstep, task: CallTask, future: Any, context: Context) -> None:
        if self._wiring.inbox.is_closed:
            # Of a thread that goes on although its run is over.
            future.cancel()
            return
        handle = self._loop.create_task(self._call(superstep, task, future), context=context)
        self._calls.add(handle)
        handle.add_done_callback(self._calls.discard)
        # A task that is cancelled before its first step tells nobody.
        handle.add_done_callback(lambda _: future.cancel())

    async def _call(self, superstep: Superstep, task: CallTask, future: Any) -> None:
        cache = task.run.cache
        try:
            key = task.cache_key
            found = await cache.aget([key]) if key is not None else {}
            if found:
                task.writes, task.restored = recalled(found[key]), True
            else:
                await self._run_task(task)
                if key is not None:
                    await cache.aset({key: task.cache_entry})
        except asyncio.CancelledError as raised:
            future.cancel()
            task.error = raised
            await self._save_end(superstep, task)
            raise
        except Exception as raised:
            note_failure(task, raised)
        try:
            await self._save_end(superstep, task)
        except Exception as raised:
            # What can't be saved has not ended well, whatever it has returned.
            task.error = raised
        superstep.called_ended(task)
        settle(future, task)
        if isinstance(future, asyncio.Future) and not future.cancelled():
            # A call that nobody awaits may fail without a word of the loop.
            future.exception()

    async def _run_task(self, task: Task) -> None:
        CURRENT.set(task)
        retry = task.node.retry
        if retry is None:
            return await self._attempt_in_time(task)
        task.began = time()
        while True:
            try:
                return await self._attempt_in_time(task)
            except GraphBubbleUp:
                raise
            except Exception as error:
                delay = retry.delay(error, task.attempt)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            task.begin_again()

    async def _attempt_in_time(self, task: Task) -> None:
        attempt = self._attempt if task.run.tracer is None else self._traced_attempt
        if task.node.timeout is None:
            await attempt(task)
            return
        with Deadline(task.name, task.node.timeout) as task.deadline:
            try:
                await attempt(task)
            finally:
                task.deadline = None

    async def _traced_attempt(self, task: Task) -> Any:
        span = open_span(task)
        if span is None:
            return await self._attempt(task)
        await span.abegin(task.input)
        try:
            output = await self._attempt(task, span)
        except GeneratorExit:
            # Whoever closes a coroutine waits for nothing any more.
            raise
        except BaseException as error:
            await span.afail(error)
            raise
        await span.aend(output)
        return output

    async def _attempt(self, task: Task, span: Span | None = None) -> Any:
        node = task.node
        body = node.body
        try:
            if body.asynchronous is not None:
                output = await body.asynchronous(task.input, task)
            elif node.hidden:
                output = body.run(task.input, task)
            else:
                output = await self._run_in_thread(body.run, task)
        except ParentCommand as signal:
            output = own_command(task, signal)
        node.record(output, task)
        for router in node.routers:
            view, body = router.read(task, output), router.body
            # A sync router runs on the loop: it picks a name, and a thread would cost more than the superstep.
            if span is not None:
                answer = await span.aroute(body, view, task)
            else:
                answer = body.run(view, task) if body.asynchronous is None else await body.asynchronous(view, task)
            router.write(answer, task)
        return output

    async def _run_here(self, superstep: Superstep) -> BaseException | None:
        task: Task | None = superstep.tasks[0]
        error: BaseException | None = None
        while task is not None:
            error = await self._run_alone(superstep, task)
            task = superstep.ended(task)
        return error

    async def _run_alone(self, superstep: Superstep, task: Task) -> BaseException | None:
        """Run a task and save what has become of it; returns what it has failed with."""
        error: BaseException | None = None
        try:
            await InContext(copy_context(), self._run_task(task))
            if _cancellations() > self._cancellations:
                # The node has swallowed a cancellation that was meant for the whole run.
                raise asyncio.CancelledError
        except asyncio.CancelledError as raised:
            if _cancellations() > self._cancellations:
                # It ends with its run and not by itself, so there is nothing to save of it.
                raise
            error = note_failure(task, raised)
        except Exception as raised:
            error = note_failure(task, raised)
        await self._save_end(superstep, task)
        return error

    async def _run_and_save(self, superstep: Superstep, task: Task) -> None:
        """Run one of several tasks, and save what has become of it before its siblings hear of it."""
        try:
            await self._run_task(task)
        except asyncio.CancelledError as raised:
            task.error = raised
            await self._save_end(superstep, task)
            raise
        except Exception as raised:
            note_failure(task, raised)
        await self._save_end(superstep, task)

    async def _save_end(self, superstep: Superstep, task: Task) -> None:
        if (writes := superstep.to_save(task)) is not None:
            await self._saving.aask(writes)

    async def _run_in_thread(self, run: Callable[[Any, Any], Any], task: Task) -> Any:
        loop = asyncio.get_running_loop()
        output = await loop.run_in_executor(None, copy_context().run, _call, self._wiring.threads, run, task)
        # The node's events come before its end, also when their readers are behind.
        while self._wiring.inbox.items:
            await self._wiring.gate
            self._hand_over()
        return output

    def _listen_to_threads(self) -> None:
        loop, inbox = asyncio.get_running_loop(), self._wiring.inbox
        inbox.on_wake(lambda: loop.call_soon_threadsafe(self._hand_over))
        inbox.sleep()

    def _hand_over(self) -> None:
        """Take events of worker threads in, as long as readers have room."""
        inbox, gate, mux = self._wiring.inbox, self._wiring.gate, self._wiring.mux
        while True:
            singly = 0
            while inbox.items:
                if not gate.is_open:
                    gate.when_open(self._hand_over)
                    return
                if not singly:
                    if self._wiring.show_batch():
                        continue
                    singly = WORTHWHILE
                singly -= 1
                mux.on_next(inbox.take())
            if inbox.sleep():
                return


class _Siblings:
    """Runs the tasks of a superstep, several at once.

    A class and no pair of local functions: those would know each other, and keep the tasks until the garbage
    collector comes.
    """

    __slots__ = ("_limit", "_over", "_run_task", "_running", "_superstep", "_waiting")

    def __init__(
        self, run_task: Callable[[Task], Coroutine[Any, Any, None]], superstep: Superstep, limit: int | None
    ) -> None:
        self._run_task, self._superstep = run_task, superstep
        self._waiting = deque(superstep.tasks)
        self._limit = limit or len(superstep.tasks)
        self._running: dict[asyncio.Task[None], Task] = {}
        self._over: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def run(self) -> BaseException | None:
        """Return the first failure, which cancels the others, or ``None``; all have ended then."""
        self._start()
        try:
            return await self._over
        finally:
            self._waiting.clear()
            if not self._over.done():
                self._over.cancel()
            await cancel_all(list(self._running))

    def _start(self) -> None:
        loop, waiting, running = asyncio.get_running_loop(), self._waiting, self._running
        while waiting and len(running) < self._limit:
            task = waiting.popleft()
            handle = loop.create_task(self._run_task(task), context=copy_context())
            running[handle] = task
            handle.add_done_callback(self._ended)

    def _ended(self, handle: asyncio.Task[None]) -> None:
        task = self._running.pop(handle)
        raised = asyncio.CancelledError() if handle.cancelled() else handle.exception()
        if self._over.done():
            return
        if raised is not None:
            note_failure(task, raised)
        follow = self._superstep.ended(task)
        if follow is not None:
            self._waiting.append(follow)
            self._start()
        elif task.error is not None:
            self._over.set_result(task.error)
        elif self._waiting:
            self._start()
        elif not self._running:
            self._over.set_result(None)


def _call(threads: list[str], run: Callable[[Any, Any], Any], task: Task) -> Any:
    """Run a sync body on a worker's thread; a ``StopIteration`` can't travel through a future."""
    threads.append(task.name)
    try:
        return run(task.input, task)
    except StopIteration as error:
        raise RuntimeError(f"Node {task.name!r} raised StopIteration.") from error
    finally:
        threads.remove(task.name)


def _wake_nobody() -> None:
    """Hear of events of a run that has ended."""


def _cancellations() -> int:
    """How often somebody has asked the running task to cancel."""
    running = asyncio.current_task()
    return 0 if running is None else running.cancelling()


async def cancel_all(handles: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended, even if this task is cancelled meanwhile."""
    for handle in handles:
        handle.cancel()
    await wait_for_all(handles)


__all__ = ("AsyncLane", "cancel_all")
