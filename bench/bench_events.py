"""One node writes ints; a run handle shows them: as raw events, projections, branches, several projections at once."""

from __future__ import annotations

import asyncio
import gc
import importlib
import operator
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from time import perf_counter
from typing import Annotated, Any, TypedDict

from _compare import END, MILLISECONDS, RUN, START, Library, Line, Sample, StreamWriter, check, each, each_async, run

QUESTION = "What does an event of a run handle cost (v3), and how soon does the first one come?"
PROJECTIONS = 16

warnings.filterwarnings("ignore", message="The v3 streaming protocol")


class State(TypedDict):
    """How many to write, and what a reducer gathers."""

    events: int
    done: Annotated[list[str], operator.add]


def write(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from a thread."""
    for i in range(state["events"]):
        writer(i)
    return {"done": ["write"]}


async def awrite(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop without waiting for the reader, as a LangGraph program does."""
    for i in range(state["events"]):
        writer(i)
    return {"done": ["write"]}


async def awrite_paced(state: State, writer: StreamWriter) -> dict[str, Any]:
    """Write from the event loop at the reader's pace; LangGraph has no such thing."""
    for i in range(state["events"]):
        await writer(i)
    return {"done": ["write"]}


def graph_of(library: Library, node: Any) -> Any:
    """A graph of one node."""
    graph = library.StateGraph(State)
    graph.add_node("write", node)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    return graph.compile()


def loop_of(library: Library) -> Any:
    """A graph of one node that goes round; each superstep shows the state."""
    graph = library.StateGraph(State)
    graph.add_node("step", lambda state: {"events": state["events"] - 1})
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["events"] else END, ["step", END])
    return graph.compile()


def aloop_of(library: Library) -> Any:
    """The same with a coroutine."""

    async def step(state: State) -> dict[str, Any]:
        return {"events": state["events"] - 1}

    graph = library.StateGraph(State)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["events"] else END, ["step", END])
    return graph.compile()


def projections_of(library: Library, n: int) -> list[Any]:
    """``custom``, or transformers that push each custom event into a channel of their own."""
    stream = importlib.import_module(f"{library.name.lower()}.stream")
    if n == 1:
        return [stream.CustomTransformer]

    def make(i: int) -> Any:
        class Mine(stream.StreamTransformer):  # type: ignore[misc,name-defined]
            required_stream_modes = ("custom",)

            def init(self) -> dict[str, Any]:
                self.channel = stream.StreamChannel()
                return {f"mine{i}": self.channel}

            def process(self, event: Any) -> bool:
                if event["method"] == "custom":
                    self.channel.push(event["params"]["data"])
                return True

        return Mine

    return [make(i) for i in range(n)]


def chains_of(library: Library, n: int) -> Any:
    """The same as operator chains, where the library has them."""
    if not library.is_ours:
        return projections_of(library, n)
    ops = importlib.import_module("rxgraph.operators")
    return {f"mine{i}": ops.pipe(ops.mode("custom"), ops.map(operator.itemgetter(2))) for i in range(n)}


def tally(items: Iterable[Any]) -> tuple[int, int]:
    """Count and add up."""
    n = total = 0
    for item in items:
        n += 1
        total += item
    return n, total


async def atally(items: AsyncIterator[Any]) -> tuple[int, int]:
    """Count and add up."""
    n = total = 0
    async for item in items:
        n += 1
        total += item
    return n, total


Read = Callable[[Any, Library], Any]


def lines(quick: bool) -> list[Line]:
    """Ways to read, in both lanes; asynchronous nodes of ours wait for the reader, as they should."""
    events = 5_000 if quick else 50_000
    inputs = {"events": events, "done": []}
    one = (events, events * (events - 1) // 2)

    def sync(read: Read, expected: Any, per: int = events, ways: Any = projections_of, n: int = 1) -> Any:
        def make(library: Library) -> Sample:
            graph = graph_of(library, write)
            return each(
                lambda: read(graph.stream_events(inputs, RUN, version="v3", transformers=ways(library, n)), library),
                per,
                expected,
            )

        return make

    def asynchronous(
        read: Callable[[Any, Library], Awaitable[Any]],
        expected: Any,
        per: int = events,
        ways: Any = projections_of,
        n: int = 1,
    ) -> Any:
        def make(library: Library) -> Sample:
            graph = graph_of(library, awrite_paced if library.is_ours else awrite)

            async def once() -> Any:
                handle = await graph.astream_events(inputs, RUN, version="v3", transformers=ways(library, n))
                return await read(handle, library)

            return each_async(once, per, expected)

        return make

    def raw(handle: Any, library: Library) -> Any:
        return tally(event["params"]["data"] for event in handle if event["method"] == "custom")

    async def araw(handle: Any, library: Library) -> Any:
        return await atally(event["params"]["data"] async for event in handle if event["method"] == "custom")

    def custom(handle: Any, library: Library) -> Any:
        return tally(handle.custom)

    async def acustom(handle: Any, library: Library) -> Any:
        return await atally(aiter(handle.custom))

    def interleaved(handle: Any, library: Library) -> Any:
        return tally(item for name, item in handle.interleave("custom", "values") if name == "custom")

    def tee(handle: Any, library: Library) -> Any:
        return [tally_step(zip(*handle.custom.tee(8), strict=True))]

    async def atee(handle: Any, library: Library) -> Any:
        return await asyncio.gather(*(atally(branch) for branch in handle.custom.atee(8)))

    def sixteen(handle: Any, library: Library) -> Any:
        return [
            tally_step(zip(*(iter(handle.extensions[f"mine{i}"]) for i in range(PROJECTIONS)), strict=True)),
        ]

    async def asixteen(handle: Any, library: Library) -> Any:
        readers = [aiter(handle.extensions[f"mine{i}"]) for i in range(PROJECTIONS)]
        return await asyncio.gather(*(atally(reader) for reader in readers))

    steps = 200 if quick else 2_000

    def values(library: Library) -> Sample:
        graph = loop_of(library)
        start = {"events": steps, "done": []}
        return each(
            lambda: sum(1 for _ in graph.stream_events(start, RUN, version="v3").values),
            steps,
            steps + 1,
        )

    def avalues(library: Library) -> Sample:
        graph = aloop_of(library)

        async def once() -> int:
            handle = await graph.astream_events({"events": steps, "done": []}, RUN, version="v3")
            return len([item async for item in handle.values])

        return each_async(once, steps, steps + 1)

    def first(library: Library) -> Sample:
        graph = graph_of(library, write)

        def latency() -> float:
            begin = perf_counter()
            handle = graph.stream_events({"events": 1, "done": []}, RUN, version="v3", transformers=ways)
            item = next(iter(handle.custom))
            elapsed = perf_counter() - begin
            check((item, handle.output["done"]), (0, ["write"]))
            return elapsed

        ways = projections_of(library, 1)

        def sample() -> float:
            gc.collect()
            return min(latency() for _ in range(20))

        return sample

    def afirst(library: Library) -> Sample:
        graph = graph_of(library, awrite)
        ways = projections_of(library, 1)

        async def latency() -> float:
            begin = perf_counter()
            handle = await graph.astream_events({"events": 1, "done": []}, RUN, version="v3", transformers=ways)
            item = await anext(aiter(handle.custom))
            elapsed = perf_counter() - begin
            check((item, (await handle.output())["done"]), (0, ["write"]))
            return elapsed

        async def best() -> float:
            return min([await latency() for _ in range(20)])

        def sample() -> float:
            gc.collect()
            return asyncio.run(best())

        return sample

    all16, chains = (PROJECTIONS, projections_of), (PROJECTIONS, chains_of)
    return [
        Line("raw events, sync", sync(raw, one), bar=3, goal=6),
        Line("raw events, async", asynchronous(araw, one), bar=3, goal=6),
        Line("custom, sync", sync(custom, one), bar=3, goal=6),
        Line("custom, async", asynchronous(acustom, one), bar=3, goal=6),
        Line("values per superstep, sync", values, bar=3, goal=6),
        Line("values per superstep, async", avalues, bar=3, goal=6),
        Line("interleave(custom, values), sync", sync(interleaved, one), bar=3, goal=6),
        Line("tee(8) in turns, sync", sync(tee, [(events, 8 * one[1])]), bar=5),
        Line("atee(8), async", asynchronous(atee, [one] * 8), bar=5),
        Line("16 projections in turns, sync", sync(sixteen, [(events, 16 * one[1])], n=all16[0]), bar=3),
        Line("16 projections, async", asynchronous(asixteen, [one] * 16, n=all16[0]), bar=3),
        Line("16 chains in turns, sync", sync(sixteen, [(events, 16 * one[1])], ways=chains[1], n=chains[0]), bar=3),
        Line("16 chains, async", asynchronous(asixteen, [one] * 16, ways=chains[1], n=chains[0]), bar=3),
        Line("first event, sync", first, unit=MILLISECONDS, bar=5),
        Line("first event, async", afirst, unit=MILLISECONDS, bar=5),
    ]


def tally_step(rows: Iterable[tuple[int, ...]]) -> tuple[int, int]:
    """Count the rows and add up everything."""
    n = total = 0
    for row in rows:
        n += 1
        total += sum(row)
    return n, total


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
