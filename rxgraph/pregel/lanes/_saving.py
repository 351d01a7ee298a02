"""How a run's saves reach its saver, for each durability and in both colours; and what is done to threads between runs.

====================  ==========================================================================================
durability            who waits
====================  ==========================================================================================
``sync``              the run, for each save
``async``             the saves, in a queue of their own; the run waits when ``MOST_AHEAD`` checkpoints are in it
``exit``              nobody before the end of the run, which saves where it stands then
====================  ==========================================================================================

Saves happen in the order in which the engine asked for them. After one that failed there is no other: the run stops at
its next superstep with that error, and the thread's head is the last checkpoint that was saved whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeAlias

from rxgraph._context import CURRENT
from rxgraph.checkpoint.serde.base import freeze
from rxgraph.constants import NULL_TASK_ID, RESUME

from .._effects import Effect, Load, LoadBefore, LoadHistory, Route, Save
from .._lineage import Lineage
from .._superstep import SaveWrites

Look: TypeAlias = Load | LoadBefore | LoadHistory
Question: TypeAlias = Look | Save | SaveWrites
MOST_AHEAD: Final = 4
"""Checkpoints that a run may be ahead of its saver."""


def ask(lineage: Lineage, question: Question) -> Any:
    """Call the saver."""
    saver = lineage.saver
    if isinstance(question, SaveWrites):
        return saver.put_writes(*(question if lineage.takes_paths else question[:3]))
    if isinstance(question, Save):
        return saver.put(*question)
    if isinstance(question, Load):
        return saver.get_tuple(question.config)
    if isinstance(question, LoadBefore):
        return next(iter(saver.list(question.config, before=question.before, limit=1)), None)
    return saver.get_delta_channel_history(config=question.config, channels=question.channels)


async def aask(lineage: Lineage, question: Question) -> Any:
    """Await the saver."""
    saver = lineage.saver
    if isinstance(question, SaveWrites):
        return await saver.aput_writes(*(question if lineage.takes_paths else question[:3]))
    if isinstance(question, Save):
        return await saver.aput(*question)
    if isinstance(question, Load):
        return await saver.aget_tuple(question.config)
    if isinstance(question, LoadBefore):
        found = [one async for one in saver.alist(question.config, before=question.before, limit=1)]
        return found[0] if found else None
    return await saver.aget_delta_channel_history(config=question.config, channels=question.channels)


class Saving:
    """Saves at once, and is what the other ways have in common.

    Args:
        lineage: Of the run whose saves these are.
    """

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def ask(self, question: Question) -> Any:
        """Do what the engine asks for."""
        return ask(self._lineage, question)

    async def aask(self, question: Question) -> Any:
        """Do what the engine asks for, on the event loop."""
        return await aask(self._lineage, question)

    def check(self) -> None:
        """Raise what has stopped the saves; called at each boundary."""

    def finish(self) -> None:
        """Hear that the run has come to a good end; :meth:`close` follows."""

    def close(self) -> None:
        """End with the run; returns when all is saved.

        Raises:
            Exception: What has stopped the saves, if nobody has heard of it.
        """

    async def aclose(self) -> None:
        """Do what :meth:`close` does, on the event loop."""


class SavingInMemory(Saving):
    """Saves at once with a saver that takes no longer than a call, so there is nothing to wait for."""

    async def aask(self, question: Question) -> Any:
        return ask(self._lineage, question)


class SavingAtExit(Saving):
    """Keeps the latest checkpoint, and what hangs on it, until the run ends."""

    def __init__(self, lineage: Lineage) -> None:
        super().__init__(lineage)
        self._checkpoint: Save | None = None
        self._writes: list[SaveWrites] = []

    def ask(self, question: Question) -> Any:
        return super().ask(question) if isinstance(question, Look) else self._keep(question)

    async def aask(self, question: Question) -> Any:
        return await super().aask(question) if isinstance(question, Look) else self._keep(question)

    def _keep(self, question: Save | SaveWrites) -> None:
        if isinstance(question, SaveWrites):
            # An answer that belongs to no task yet is kept with the task that takes it.
            if question.task_id != NULL_TASK_ID or any(channel != RESUME for channel, _ in question.writes):
                self._writes.append(question)
            return
        self._writes.clear()
        earlier = self._checkpoint
        if earlier is not None:
            # The parent is the last one that is saved, and everything since then is new.
            new = {**earlier.new_versions, **question.new_versions}
            question = question._replace(config=earlier.config, new_versions=new)
        self._checkpoint = question

    def finish(self) -> None:
        if self._lineage.transient:
            self._left()

    def close(self) -> None:
        for question in self._left():
            ask(self._lineage, question)

    async def aclose(self) -> None:
        for question in self._left():
            await aask(self._lineage, question)

    def _left(self) -> list[Question]:
        left: list[Question] = [] if self._checkpoint is None else [self._checkpoint]
        left += self._writes
        self._checkpoint, self._writes = None, []
        return left


class _Behind(Saving):
    """Saves behind the run, with values as they were when it asked."""

    def __init__(self, lineage: Lineage) -> None:
        super().__init__(lineage)
        self._frozen: dict[str, Any] = {}
        self._error: BaseException | None = None

    def check(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _freeze(self, question: Save | SaveWrites) -> Save | SaveWrites:
        serde = self._lineage.saver.serde
        if isinstance(question, SaveWrites):
            return question._replace(writes=[(channel, freeze(value, serde)) for channel, value in question.writes])
        values, frozen = question.checkpoint["channel_values"], self._frozen
        self._frozen = {
            name: frozen[name] if name in frozen and name not in question.new_versions else freeze(value, serde)
            for name, value in values.items()
        }
        return question._replace(checkpoint={**question.checkpoint, "channel_values": self._frozen})


class SavingOnThread(_Behind):
    """Saves on a thread of its own.

    The run's thread owns the queue. The saving thread runs one save after the other, and owns ``_failed`` while there
    are any; the run's thread looks at a save only when it is over.
    """

    def __init__(self, lineage: Lineage) -> None:
        super().__init__(lineage)
        self._pool: ThreadPoolExecutor | None = None
        self._queue: deque[tuple[Future[None], bool]] = deque()
        self._waiting: deque[Save | SaveWrites] = deque()
        self._checkpoints = 0
        self._failed = False

    def ask(self, question: Question) -> Any:
        if isinstance(question, Look):
            self._collect(0)
            return super().ask(question)
        self._collect(MOST_AHEAD - 1 if isinstance(question, Save) else MOST_AHEAD)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "rxgraph-save")
        self._waiting.append(self._freeze(question))
        saved = self._pool.submit(self._save)
        self._queue.append((saved, isinstance(question, Save)))
        self._checkpoints += isinstance(question, Save)
        return None

    def check(self) -> None:
        self._collect(MOST_AHEAD)

    def _collect(self, most: int) -> None:
        """Take out what is over, and wait until no more checkpoints than these are left."""
        queue = self._queue
        while queue and (queue[0][0].done() or self._checkpoints > most):
            saved, is_checkpoint = queue.popleft()
            self._checkpoints -= is_checkpoint
            if (error := saved.exception()) is not None and self._error is None:
                self._error = error
        super().check()

    def _save(self) -> None:
        """Save all that waits: what is asked for while a save is under way shares the next one's transaction."""
        if self._failed or not self._waiting:
            return
        questions = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            if not self._save_together(questions):
                for question in questions:
                    ask(self._lineage, question)
        except BaseException:
            self._failed = True
            raise

    def _save_together(self, questions: Sequence[Save | SaveWrites]) -> bool:
        """Save all or nothing, and say which; after nothing, they are saved one by one up to the one that fails."""
        together = getattr(self._lineage.saver, "together", None)
        if together is None or len(questions) == 1:
            return False
        try:
            with together():
                for question in questions:
                    ask(self._lineage, question)
        except Exception:
            return False
        return True

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self.check()


class SavingInTask(_Behind):
    """Saves in an asyncio task of its own."""

    def __init__(self, lineage: Lineage) -> None:
        super().__init__(lineage)
        self._queue: deque[Save | SaveWrites] = deque()
        self._checkpoints = 0
        self._task: asyncio.Task[None] | None = None
        self._failed = False
        self._room: asyncio.Future[None] | None = None

    async def aask(self, question: Question) -> Any:
        self.check()
        if isinstance(question, Look):
            await self._wait()
            return await super().aask(question)
        if isinstance(question, Save):
            while self._checkpoints >= MOST_AHEAD:
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            self.check()
            self._checkpoints += 1
        if not self._failed:
            self._queue.append(self._freeze(question))
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._save(), name="rxgraph save")
        return None

    async def _save(self) -> None:
        queue = self._queue
        try:
            while queue:
                question = queue.popleft()
                await aask(self._lineage, question)
                if isinstance(question, Save):
                    self._checkpoints -= 1
                    self._make_room()
        except BaseException as error:
            self._error, self._failed, self._checkpoints = error, True, 0
            queue.clear()
            self._make_room()
            if not isinstance(error, Exception):
                raise
        finally:
            self._task = None

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def aclose(self) -> None:
        await self._wait()
        self.check()

    async def _wait(self) -> None:
        """Wait until all is saved, even if this task is cancelled meanwhile."""
        cancelled: asyncio.CancelledError | None = None
        while self._task is not None:
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


def saving(lineage: Lineage | None, durability: str | None, *, on_loop: bool) -> Saving | None:
    """Return the way in which a run saves; ``None`` for one without a saver.

    Args:
        lineage: Of the run.
        durability: ``"sync"``, ``"async"``, the default, or ``"exit"``.
        on_loop: Whether the run is in the asynchronous lane.
    """
    if lineage is None:
        return None
    if durability == "exit":
        return SavingAtExit(lineage)
    if lineage.in_memory:
        return SavingInMemory(lineage)
    if durability == "sync" or not hasattr(lineage.saver, "serde"):
        return Saving(lineage)
    return SavingInTask(lineage) if on_loop else SavingOnThread(lineage)


def settle(lineage: Lineage, effects: Generator[Effect, Any, Any]) -> Any:
    """Perform the effects of an operation on a thread, and return what it returns."""
    try:
        effect = next(effects)
        while True:
            if isinstance(effect, Route):
                copy_context().run(_route, effect)
                effect = effects.send(None)
            else:
                effect = effects.send(ask(lineage, _question(effect)))
    except StopIteration as stop:
        return stop.value
    finally:
        effects.close()


async def asettle(lineage: Lineage, effects: Generator[Effect, Any, Any]) -> Any:
    """Perform the effects of an operation on a thread on the event loop, and return what it returns."""
    try:
        effect = next(effects)
        while True:
            if isinstance(effect, Route):
                await _aroute(effect)
                effect = effects.send(None)
            else:
                effect = effects.send(await aask(lineage, _question(effect)))
    except StopIteration as stop:
        return stop.value
    finally:
        effects.close()


def _question(effect: Effect) -> Question:
    assert isinstance(effect, Load | LoadBefore | LoadHistory | Save | SaveWrites)
    return effect


def _route(effect: Route) -> None:
    task, router, output = effect
    CURRENT.set(task)
    router.write(router.body.run(router.read(task, output), task), task)


async def _aroute(effect: Route) -> None:
    task, router, output = effect
    if router.body.asynchronous is None:
        copy_context().run(_route, effect)
        return
    token = CURRENT.set(task)
    try:
        router.write(await router.body.asynchronous(router.read(task, output), task), task)
    finally:
        CURRENT.reset(token)


__all__ = ("Saving", "aask", "asettle", "ask", "saving", "settle")
