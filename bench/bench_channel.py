"""A channel alone: what one item costs from ``push`` to the reader, on our ``StreamChannel`` and on LangGraph's.

No graph runs. A function plays the run: each pull that finds nothing calls it, and it pushes some items. Both libraries
get the same one. In LangGraph a step of a run is one event; a superstep of ours brings what is ready, up to ``maxlen``.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from _compare import Library, Line, Sample, acount, check, count, each, each_async, run

QUESTION = "What does an item cost in a StreamChannel, from push to the reader?"

BRANCHES = 8


class Channel(Protocol):
    """What both libraries' channels have."""

    def push(self, item: Any, /) -> None:
        """Take one item in."""


class OurPump:
    """Asks for one step of the run in the async lane, where a pull may be cancelled."""

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step

    def request(self, n: int, /) -> bool:
        """Take one step."""
        return self._step()

    def withdraw(self, n: int, /) -> None:
        """Do nothing: the step is over."""


def bound(library: Library, events: int, batch: int, asynchronous: bool) -> Any:
    """A channel whose pulls push *batch* items at a time, *events* in all."""
    left = events

    def step() -> bool:
        nonlocal left
        if left <= 0:
            close()
            return False
        for item in range(min(batch, left)):
            push(item)
        left -= batch
        return True

    if library.is_ours:
        channel = import_module("rxgraph.stream").StreamChannel("items")
        channel._bind(OurPump(step) if asynchronous else step, is_async=asynchronous)
        push, close = channel.push, channel.close
        return channel
    stream = import_module("langgraph.stream")

    class Items(stream.StreamTransformer):
        def init(self) -> dict[str, Any]:
            self.channel = stream.StreamChannel()
            return {"items": self.channel}

        def process(self, event: Any) -> bool:
            return True

    mux = import_module("langgraph.stream._mux").StreamMux([Items()], is_async=asynchronous)
    channel = mux.extensions["items"]
    push, close = channel.push, channel.close

    async def astep() -> bool:
        return step()

    if asynchronous:
        mux.bind_apump(astep)
    else:
        mux.bind_pump(step)
    return channel


def lines(quick: bool) -> list[Line]:
    """Plain iteration and eight branches, both lanes, for steps of one item and of many."""
    events = 12_800 if quick else 128_000

    def plain(batch: int) -> Callable[[Library], Sample]:
        return lambda library: each(lambda: count(bound(library, events, batch, False)), events, events)

    def aplain(batch: int) -> Callable[[Library], Sample]:
        return lambda library: each_async(lambda: acount(bound(library, events, batch, True)), events, events)

    def lockstep(library: Library, batch: int) -> int:
        branches = bound(library, events, batch, False).tee(BRANCHES)
        (last,) = deque(enumerate(zip(*branches, strict=True)), maxlen=1)
        return last[0] + 1

    def tee(batch: int) -> Callable[[Library], Sample]:
        return lambda library: each(lambda: lockstep(library, batch), events, events)

    async def gathered(library: Library, batch: int) -> int:
        branches = bound(library, events, batch, True).atee(BRANCHES)
        counts = await asyncio.gather(*map(acount, branches))
        check(set(counts), {events})
        return counts[0]

    def atee(batch: int) -> Callable[[Library], Sample]:
        return lambda library: each_async(lambda: gathered(library, batch), events, events)

    return [
        Line("sync, 256 items a step", plain(256), bar=3),
        Line("sync, one item a step", plain(1)),
        Line(f"sync tee({BRANCHES}) in turns, 256 items a step", tee(256), bar=5),
        Line(f"sync tee({BRANCHES}) in turns, one item a step", tee(1)),
        Line("async, 256 items a step", aplain(256), bar=3),
        Line("async, one item a step", aplain(1)),
        Line(f"async atee({BRANCHES}) gathered, 256 items a step", atee(256), bar=5),
        Line(f"async atee({BRANCHES}) gathered, one item a step", atee(1)),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
