"""Sources: what drives a run for the pulls of its projections."""

from __future__ import annotations

import asyncio
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


class AsyncSource(ABC):
    """Drives an asynchronous run, and feeds its mux; a :class:`~rxgraph.stream._tee.Pump` that can be stopped."""

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

    async def stop(self) -> None:
        """Cancel the step in flight, and close the iterator."""
        try:
            await super().stop()
        finally:
            aclose = getattr(self._items, "aclose", None)
            if aclose is not None:
                await aclose()


def one_thread_only() -> RuntimeError:
    """Return the error of a pull while another thread is pulling the same run."""
    return RuntimeError("This run is being pulled by another thread. Give each thread a run of its own.")


__all__ = ("AsyncIterSource", "AsyncSource", "IterSource", "SyncSource", "one_thread_only")
