"""Sources: what drives a run for the pulls of its projections."""

from __future__ import annotations

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from threading import Lock
from typing import Any

from rxgraph.flow import Gate

from ._events import event_of_item, now
from ._mux import StreamMux
from ._pumps import AsyncSteps


class SyncSource(ABC):
    """Drives a synchronous run, and feeds its mux."""

    gate: Gate

    @abstractmethod
    def turn(self) -> bool:
        """Take the run one step on; False if it has ended."""

    @abstractmethod
    def stop(self) -> None:
        """End the run, or leave word for the thread that is driving it; idempotent."""

    def let_go(self) -> bool:
        """Hear that nobody can pull any more, on whatever thread; returns whether something had to be stopped."""
        return False


class AsyncSource(ABC):
    """Drives an asynchronous run, and feeds its mux; a :class:`~rxgraph.stream._pumps.Pump` that can be stopped."""

    gate: Gate
    loop: asyncio.AbstractEventLoop | None
    """The loop that the run was begun on."""

    @abstractmethod
    def request(self, n: int, /) -> Any:
        """Leave word that *n* more items are wanted."""

    @abstractmethod
    def withdraw(self, n: int, /) -> Any:
        """Take requests back."""

    @abstractmethod
    async def stop(self) -> None:
        """Cancel the run and wait for its nodes; idempotent."""

    @abstractmethod
    def stop_soon(self) -> None:
        """Cancel the run without waiting."""

    @abstractmethod
    def let_go(self) -> bool:
        """Hear that nobody can pull any more, on whatever thread; returns whether something had to be stopped."""

    @property
    def unstopped(self) -> tuple[str, ...]:
        """What goes on although the run was stopped, because nobody can stop it: sync nodes on threads."""
        return ()


class IterSource(SyncSource):
    """Drives the iterator of ``stream(version="v2", subgraphs=True)``, or one that gives such items."""

    def __init__(self, items: Iterator[Any] | None, mux: StreamMux) -> None:
        self.gate = mux.gate
        self._items, self._mux = items, mux
        self._over = items is None
        self._turning = Lock()
        if items is None:
            mux.on_completed()

    def turn(self) -> bool:
        """Take one item."""
        if not self._turning.acquire(blocking=False):
            raise one_thread_only()
        try:
            if self._over or self._items is None:
                return False
            try:
                item = next(self._items)
            except StopIteration:
                self._over = True
                self._mux.on_completed()
            except Exception as error:
                self._over = True
                self._mux.fail(error)
            else:
                self._mux.push(event_of_item(item, now()))
                if self._over:
                    self._close()
            return not self._over
        finally:
            self._mux.resume()
            self._turning.release()

    def stop(self) -> None:
        """End the run and close the iterator; if a step is under way, as soon as it is over."""
        self._over = True
        if self._turning.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._turning.release()

    def _close(self) -> None:
        self._mux.abort()
        close: Callable[[], None] | None = getattr(self._items, "close", None)
        if close is not None:
            close()


class AsyncIterSource(AsyncSteps, AsyncSource):
    """Drives the async iterator of ``astream(version="v2", subgraphs=True)``, or one that gives such items."""

    def __init__(self, items: AsyncIterator[Any] | None, mux: StreamMux) -> None:
        super().__init__(self._take, mux.gate, mux._break)
        self.gate = mux.gate
        self._items, self._mux = items, mux
        if items is None:
            self._over = True
            mux.on_completed()

    def request(self, n: int, /) -> bool | None:
        """Leave word that *n* more items are wanted."""
        # The iterator may be over before its run is, which waits for transformers then.
        super().request(n)
        return None

    async def _take(self) -> bool:
        assert self._items is not None, "a source without items is over"
        try:
            item = await anext(self._items)
        except StopAsyncIteration:
            self._mux.on_completed()
            return False
        except Exception as error:
            self._mux.fail(error)
            return False
        await self._mux.apush(event_of_item(item, now()))
        return True

    def let_go(self) -> bool:
        """Cancel the run, if it has begun; the event loop closes the iterator itself."""
        return cancel_dropped(self, self._mux, self._task)

    async def stop(self) -> None:
        """Cancel the step in flight, and close the iterator."""
        try:
            await super().stop()
        finally:
            aclose = getattr(self._items, "aclose", None)
            if aclose is not None:
                await aclose()


class Lease:
    """Held by a handle and by its readers. When the last of them has gone, nobody can pull the run any more, though
    worker threads, or tasks of an event loop, may still know it and wait for room: so it is stopped.

    Args:
        source: Drives the run.
    """

    __slots__ = ("__weakref__", "_source")

    def __init__(self, source: SyncSource | AsyncSource) -> None:
        self._source = source

    def __del__(self) -> None:
        if self._source.let_go():
            warnings.warn(
                "A run was dropped in the middle, and is stopped now. Use 'with graph.stream_events(...) as run', "
                "or 'async with await graph.astream_events(...)', or call abort().",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


def dropped() -> RuntimeError:
    """Return the error of a run whose handle and readers are gone, for those who kept one of its projections."""
    return RuntimeError(
        "This run was stopped in the middle, because its handle was dropped while nobody was reading. "
        "Keep the handle as long as you read its projections."
    )


def cancel_dropped(source: AsyncSource, mux: StreamMux, task: asyncio.Task[None] | None) -> bool:
    """Cancel a run that nobody can pull any more; false if it has not begun or is over."""
    if mux.is_stopped or task is None or task.done():
        return False
    loop = task.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_give_up, source, mux)
    return True


def _give_up(source: AsyncSource, mux: StreamMux) -> None:
    # First the channels: a node that writes on its way out must not wait for a reader that has gone.
    mux.fail(dropped())
    source.stop_soon()


def one_thread_only() -> RuntimeError:
    """Return the error of a pull while another thread is pulling the same run."""
    return RuntimeError("This run is being pulled by another thread. Give each thread a run of its own.")


__all__ = (
    "AsyncIterSource", "AsyncSource", "IterSource", "Lease", "SyncSource", "cancel_dropped", "dropped",
    "one_thread_only",
)  # fmt: skip
