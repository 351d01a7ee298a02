"""The door from async iterables to publishers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator
from threading import get_ident
from typing import Any, Generic, TypeVar

from rxgraph.constants import MISSING, Missing

from ._bridges import _Link, check_subscriber
from ._publisher import Publisher, Subscriber

T = TypeVar("T")


class _AsyncIterableLink(_Link[T]):
    """Pulls in a task of its own, while there is demand; everything happens on the loop that it was made on."""

    def __init__(self, subscriber: Subscriber[T], aiterable: AsyncIterable[T]) -> None:
        super().__init__(subscriber)
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        self._aiterable: AsyncIterable[T] | None = aiterable
        self._iterator: AsyncIterator[T] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ahead: T | Missing = MISSING
        self._pulling = self._over = False
        self._failure: Exception | None = None

    def deliver(self) -> None:
        if get_ident() == self._thread:
            super().deliver()
            return
        try:
            self._loop.call_soon_threadsafe(super().deliver)
        except RuntimeError:
            # The loop is closed, so nobody is left to deliver to.
            return

    def look(self) -> bool:
        if self._ahead is not MISSING:
            return True
        if self._iterator is None and not self._over:
            self._begin()
        if self._over:
            self.end(self._failure)
        elif self._demand and self._task is None and self._iterator is not None:
            self._task = self._loop.create_task(self._pull(self._iterator), name="rxgraph publisher")
        return False

    def take(self) -> T:
        value, self._ahead = self._ahead, MISSING
        return value  # type: ignore[return-value]  # look() has seen it

    def release(self) -> None:
        iterator, self._iterator, self._aiterable, self._ahead = self._iterator, None, None, MISSING
        self._over = True
        if self._task is None:
            if iterator is not None and not self._loop.is_closed():
                self._task = self._loop.create_task(self._close(iterator), name="rxgraph publisher's end")
        elif self._pulling:
            self._task.cancel()

    def _begin(self) -> None:
        assert self._aiterable is not None, "a link that was released is over"
        try:
            self._iterator = aiter(self._aiterable)
        except Exception as error:
            self._over, self._failure = True, error

    async def _pull(self, iterator: AsyncIterator[T]) -> None:
        try:
            while self._demand and self.is_live:
                self._pulling = True
                try:
                    self._ahead = await anext(iterator)
                except StopAsyncIteration:
                    self._over = True
                except Exception as error:
                    self._over, self._failure = True, error
                finally:
                    self._pulling = False
                self.deliver()
        except BaseException:
            # Whoever stops the loop stops the subscription: that is no error of an element.
            self.cancel()
            raise
        finally:
            if self.is_live:
                self._task = None
            else:
                await self._close(iterator)

    async def _close(self, iterator: Any) -> None:
        aclose = getattr(iterator, "aclose", None)
        try:
            if aclose is not None:
                await aclose()
        except Exception as error:
            logger = logging.getLogger("rxgraph.flow")
            logger.error("An async iterator that was left failed to close: %r", error, exc_info=error)


class _FromAsyncIterable(Generic[T]):
    def __init__(self, aiterable: AsyncIterable[T]) -> None:
        self._aiterable = aiterable

    def subscribe_with(self, subscriber: Subscriber[T], /) -> None:
        check_subscriber(subscriber)
        _AsyncIterableLink(subscriber, self._aiterable).start()


def from_aiterable(aiterable: AsyncIterable[T]) -> Publisher[T]:
    """Publish an async iterable, one item per request.

    Shapes: ``AsyncIterable[T] -> Publisher[T]``; each subscription iterates anew. ``subscribe_with`` is called while an
    event loop runs, and that loop delivers; ``request`` and ``cancel`` may come from any thread.
    Demand: full; nothing is pulled that nobody asked for, so the end shows at the request behind the last item.
    Errors: what the iterable or its iterator raises becomes ``on_error``.
    Disposal: cancelling cancels the pull that waits, and closes the iterator.
    Source: Reactor ``Flux.fromIterable``, over ``async for``.
    """
    return _FromAsyncIterable(aiterable)


__all__ = ("from_aiterable",)
