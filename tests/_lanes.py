"""The two lanes of the runtime as one object, so that a behaviour is written once and tested in both.

A test takes the ``lane`` fixture, writes its nodes as plain functions, passes them through ``lane.node`` and runs the
graph through ``lane.invoke`` and ``lane.stream``. Such a test is itself a plain function: the async lane brings its own
event loop.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar


class Lane(ABC):
    """One way to run a graph."""

    name: ClassVar[str]

    @abstractmethod
    def invoke(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        """The final output."""

    @abstractmethod
    def stream(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        """Every part of the stream, collected."""

    @abstractmethod
    def node(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The plain function or generator ``fn`` in the colour of this lane; name, signature and annotations stay."""

    def __repr__(self) -> str:
        return f"<lane {self.name}>"


class SyncLane(Lane):
    """``invoke`` and ``stream`` on the caller's thread."""

    name = "sync"

    def invoke(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return graph.invoke(input, config, **kwargs)

    def stream(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        return list(graph.stream(input, config, **kwargs))

    def node(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return _plain(fn)


class AsyncLane(Lane):
    """``ainvoke`` and ``astream`` on a fresh event loop."""

    name = "async"

    def invoke(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        async def run() -> Any:
            return await graph.ainvoke(input, config, **kwargs)

        return asyncio.run(run())

    def stream(self, graph: Any, input: Any, config: Any = None, **kwargs: Any) -> list[Any]:
        async def run() -> list[Any]:
            return [part async for part in graph.astream(input, config, **kwargs)]

        return asyncio.run(run())

    def node(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(_plain(fn)):

            @functools.wraps(fn)
            async def items(*args: Any, **kwargs: Any) -> Any:
                for item in fn(*args, **kwargs):
                    yield item

            return items

        @functools.wraps(fn)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return call


def _plain(fn: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"lane.node takes a plain function, got the async {fn!r}. The async lane colours it itself.")
    return fn


LANES: tuple[Lane, ...] = (SyncLane(), AsyncLane())
