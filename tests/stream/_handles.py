"""Run handles of both lanes behind one set of functions, so that a behaviour is written once."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any


class Sync:
    """Handles of the synchronous lane."""

    name = "sync"

    def node(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return fn

    async def open(self, graph: Any, input: Any, config: Any = None, **options: Any) -> Any:
        return graph.stream_events(input, config, version="v3", **options)

    async def items(self, source: Any) -> list[Any]:
        return list(source)

    def iter(self, source: Any) -> Any:
        return iter(source)

    async def next(self, iterator: Any) -> Any:
        # A coroutine can't raise StopIteration.
        for item in iterator:
            return item
        raise StopAsyncIteration

    async def close(self, iterator: Any) -> None:
        iterator.close()

    async def ask(self, handle: Any, name: str) -> Any:
        """``output``, ``interrupted`` or ``interrupts``."""
        return getattr(handle, name)

    async def abort(self, handle: Any) -> None:
        handle.abort()

    def tee(self, channel: Any, n: int) -> Any:
        return channel.tee(n)


class Async:
    """Handles of the asynchronous lane."""

    name = "async"

    def node(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The plain function as a coroutine function."""
        if inspect.iscoroutinefunction(fn):
            return fn

        @functools.wraps(fn)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return call

    async def open(self, graph: Any, input: Any, config: Any = None, **options: Any) -> Any:
        return await graph.astream_events(input, config, version="v3", **options)

    async def items(self, source: Any) -> list[Any]:
        return [item async for item in source]

    def iter(self, source: Any) -> Any:
        return aiter(source)

    async def next(self, iterator: Any) -> Any:
        return await anext(iterator)

    async def close(self, iterator: Any) -> None:
        await iterator.aclose()

    async def ask(self, handle: Any, name: str) -> Any:
        return await getattr(handle, name)()

    async def abort(self, handle: Any) -> None:
        await handle.abort()

    def tee(self, channel: Any, n: int) -> Any:
        return channel.atee(n)


Ways = Sync | Async
WAYS: tuple[Ways, ...] = (Sync(), Async())


def play(script: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """Run a script on a loop of its own, with a limit: what hangs should fail."""

    async def limited() -> Any:
        async with asyncio.timeout(seconds):
            return await script()

    return asyncio.run(limited())
