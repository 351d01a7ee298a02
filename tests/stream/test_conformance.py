"""Each rule of Reactive Streams and of async iterators, for all that a run lets you read, on each kind of event loop.

``python -m tests.stream.test_conformance`` prints the table: a row a rule, a column a way to read, and below it why a
cell has nothing to test. Every other cell is a test of that name, in the sync lane (``sync``), under asyncio, under
uvloop, and inside a scope of AnyIO.
"""

from __future__ import annotations

import asyncio
import operator
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import partial
from itertools import count
from threading import get_ident
from typing import Any, TypedDict
from unittest import SkipTest

import anyio
import pytest

from rxgraph import operators as ops
from rxgraph.flow import (
    Lagged,
    Publisher,
    from_aiterable,
    from_iterable,
    to_aiterator,
    to_iterator,
    to_observable,
    to_publisher,
)
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer
from rxgraph.testing import (
    AsyncIteratorConformance,
    Controlled,
    ProcessorConformance,
    PublisherConformance,
    SubscriberConformance,
)
from rxgraph.testing._probe import on_threads
from rxgraph.types import StreamWriter
from tests.flow._suites import Processor, ToObservable, refuse

MAXLEN = 8


class State(TypedDict):
    n: int


def graph_of(*nodes: Any) -> Any:
    """The nodes side by side."""
    graph = StateGraph(State)
    for i, node in enumerate(nodes):
        graph.add_node(f"node{i}", node)
        graph.add_edge(START, f"node{i}")
        graph.add_edge(f"node{i}", END)
    return graph.compile()


def writing(elements: int, what: Callable[[int], Any] = lambda n: n) -> Any:
    async def node(state: State, writer: StreamWriter) -> None:
        for n in range(elements):
            await writer(what(n))

    return node


def writing_on_a_thread(elements: int) -> Any:
    def node(state: State, writer: StreamWriter) -> None:
        for n in range(elements):
            writer(n)

    return node


# What can be read


class Numbered(int):
    """An item of the raw log that knows its place."""

    seq: int


class Picked:
    """The custom events of a reader that shows others, too, as what the node wrote."""

    def __init__(self, items: Any, pick: Callable[[Any], list[Any]]) -> None:
        self.items, self.pick = items, pick

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self.items:
                yield from self.pick(item)
        finally:
            self.items.close()

    def __aiter__(self) -> Picked:
        return self

    async def __anext__(self) -> Any:
        while True:
            for picked in self.pick(await anext(self.items)):
                return picked

    async def aclose(self) -> None:
        await self.items.aclose()


class Way:
    """A way to read a run."""

    name: str
    roles: tuple[str, ...] = ("publisher", "iterator")
    warns = False
    """Whether a reader that is dropped says so; those that share a run only free their share."""

    def open(self, graph: Any) -> Any:
        return graph.stream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)

    async def aopen(self, graph: Any) -> Any:
        return await graph.astream_events({"n": 0}, version="v3", transformers=[CustomTransformer], maxlen=MAXLEN)

    def read(self, run: Any, begin: Callable[[Any], Any]) -> Any:
        """The iterator; *begin* is ``iter`` or ``aiter``."""
        raise NotImplementedError

    def publish(self, run: Any, begin: Callable[[Any], Any]) -> Publisher[Any]:
        publish: Any = from_iterable if begin is iter else from_aiterable
        published: Publisher[Any] = publish(self.read(run, begin))
        return published

    def readers(self, run: Any, n: int) -> list[Any]:
        """Several iterators over one run."""
        raise SkipTest("there is one reader")

    def late(self, run: Any) -> tuple[Any, Sequence[Any]]:
        """A reader that comes behind the run's end, and what it has to give of 0 to 9, if the newest 4 are kept."""
        raise SkipTest("nobody comes late")

    def keep(self, run: Any) -> None:
        """Keep the newest 4 items."""

    def memory(self, reader: Any) -> tuple[int, int]:
        return reader.statistics().buffered, reader._reader.ring.maxlen

    def left(self, run: Any) -> bool:
        """Whether nothing is collected for a reader any more."""
        return run.statistics().channels["custom"].readers == ()


class Channel(Way):
    name = "channel"

    def read(self, run: Any, begin: Any) -> Any:
        return begin(run.custom)

    def publish(self, run: Any, begin: Any) -> Publisher[Any]:
        channel: Publisher[Any] = run.custom
        return channel

    def readers(self, run: Any, n: int) -> list[Any]:
        return [run.custom.areader() for _ in range(n)]

    def keep(self, run: Any) -> None:
        run.custom.keep(4)

    def late(self, run: Any) -> tuple[Any, Sequence[Any]]:
        return run.custom.areader(replay=6), [Lagged(2), 6, 7, 8, 9]


class TeeBranch(Channel):
    name = "tee branch"

    def read(self, run: Any, begin: Any) -> Any:
        """One of two; the other one has been left."""
        branch, other = run.custom.tee(2) if begin is iter else run.custom.atee(2)
        other._reader.leave()
        return branch

    publish = Way.publish
    keep = Way.keep
    late = Way.late

    def readers(self, run: Any, n: int) -> list[Any]:
        return list(run.custom.atee(n))


class Subgraph(Channel):
    name = "subgraph"

    def open(self, graph: Any) -> Any:
        run = super().open(graph_of(graph))
        handle = next(iter(run.subgraphs))
        handle.run = run
        return handle

    async def aopen(self, graph: Any) -> Any:
        run = await super().aopen(graph_of(graph))
        handle = await anext(aiter(run.subgraphs))
        handle.run = run
        return handle


class RawLog(Way):
    name = "raw log"

    @staticmethod
    def pick(event: Any) -> list[Any]:
        if isinstance(event, Lagged):
            return [event]
        if event["method"] != "custom":
            return []
        data = event["params"]["data"]
        if type(data) is int:
            data = Numbered(data)
            data.seq = event["seq"]
        return [data]

    def read(self, run: Any, begin: Any) -> Any:
        return Picked(begin(run), self.pick)

    def readers(self, run: Any, n: int) -> list[Any]:
        return [Picked(run.events(), self.pick) for _ in range(n)]

    def keep(self, run: Any) -> None:
        run.keep_events(4)

    def late(self, run: Any) -> tuple[Any, Sequence[Any]]:
        return Picked(run.events(after=5), self.pick), [Lagged(2), 6, 7, 8, 9]

    def memory(self, reader: Any) -> tuple[int, int]:
        return super().memory(reader.items)

    def left(self, run: Any) -> bool:
        return run.statistics().channels["events"].readers == ()


class Interleave(Way):
    name = "interleave"

    def read(self, run: Any, begin: Any) -> Any:
        return Picked(run.interleave("custom", "values"), lambda one: [one[1]] if one[0] == "custom" else [])

    def memory(self, reader: Any) -> tuple[int, int]:
        merge = reader.items._merge
        return (0, 1) if merge is None else (merge.log.statistics().buffered, merge.log.maxlen)

    def left(self, run: Any) -> bool:
        return "interleave" not in run.statistics().channels


class AStream(Way):
    name = "v1 astream"
    warns = True

    def open(self, graph: Any) -> Any:
        return graph.stream({"n": 0}, stream_mode="custom")

    async def aopen(self, graph: Any) -> Any:
        return graph.astream({"n": 0}, stream_mode="custom")

    def read(self, run: Any, begin: Any) -> Any:
        return run

    def memory(self, reader: Any) -> tuple[int, int]:
        return reader.statistics().buffered, reader.statistics().capacity


class ToAnObservable(Channel):
    """A projection as an observable that paces it, read by an iterator."""

    name = "to_observable"
    roles = ("subscriber", "iterator")
    warns = True

    def read(self, run: Any, begin: Any) -> Any:
        return (to_iterator if begin is iter else to_aiterator)(to_observable(run.custom, batch=1))

    def readers(self, run: Any, n: int) -> list[Any]:
        return [self.read(run, aiter) for _ in range(n)]

    late = Way.late
    keep = Way.keep

    def memory(self, reader: Any) -> tuple[int, int]:
        return reader.statistics().buffered, reader.statistics().capacity


class ToAPublisher(Channel):
    """An observable as a publisher, which can't hold it back."""

    name = "to_publisher"
    roles = ("processor",)

    def publish(self, run: Any, begin: Any) -> Publisher[Any]:
        published: Publisher[Any] = to_publisher(to_observable(run.custom), overflow="unbounded")
        return published


WAYS: tuple[Way, ...] = (
    Channel(),
    TeeBranch(),
    Subgraph(),
    RawLog(),
    Interleave(),
    AStream(),
    ToAnObservable(),
    ToAPublisher(),
)
LOOPS = ("sync", "asyncio", "uvloop", "anyio")


# The suites


class OnLoop:
    """What the suites share: an event loop of a kind, and the runs that have to be ended."""

    def __init__(self, way: Way, loop: str) -> None:
        self.way, self.loop = way, loop
        self.runs: list[Any] = []
        self.runner = asyncio.Runner(loop_factory=self.make_loop)

    def make_loop(self) -> asyncio.AbstractEventLoop:
        if self.loop == "uvloop":
            loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
            return loop
        return asyncio.new_event_loop()

    async def surround(self, law: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if self.loop == "anyio":
            with anyio.fail_after(60):
                return await law()
        return await law()

    async def opened(self, *nodes: Any) -> Any:
        run = await self.way.aopen(graph_of(*nodes))
        self.runs.append(run)
        return run

    async def end(self) -> None:
        """End the runs, as whoever read them would."""
        runs, self.runs = self.runs, []
        for run in runs:
            run = getattr(run, "run", run)
            await (run.abort if hasattr(run, "abort") else run.aclose)()

    def play(self, law: Callable[[], None]) -> None:
        """Run a law; here it is plain code, and the loop moves when the law says so."""
        with self.runner:
            try:
                law()
            finally:
                if self.loop == "sync":
                    for run in self.runs:
                        run = getattr(run, "run", run)
                        (run.abort if hasattr(run, "abort") else run.close)()
                else:
                    self.runner.run(self.surround(self.end))


class Iterators(OnLoop, AsyncIteratorConformance):
    def __init__(self, way: Way, loop: str) -> None:
        super().__init__(way, loop)
        self.warns_when_dropped = way.warns
        # Of the nodes that were begun.
        self.ended: list[bool] = []

    def play(self, law: Callable[[], None]) -> None:
        law()

    async def surround(self, law: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            await super().surround(law)
        finally:
            await self.end()

    async def make_iterator(self, elements: int) -> AsyncIterator[Any]:
        iterator: AsyncIterator[Any] = self.way.read(await self.opened(writing(elements)), aiter)
        return iterator

    async def make_controlled(self, branches: int) -> Controlled:
        queue, ended = asyncio.Queue[Any](), list[bool]()

        async def node(state: State, writer: StreamWriter) -> None:
            try:
                while True:
                    item = await queue.get()
                    if isinstance(item, Exception):
                        raise item
                    await writer(item)
            finally:
                ended.append(True)

        if isinstance(self.way, AStream):
            # It is the run: whoever leaves it ends it.
            run = await self.way.aopen(graph_of(node))
            stopped: Callable[[], bool] = partial(bool, ended)
        else:
            run = await self.opened(node)
            stopped = partial(self.way.left, run)
        iterators = [self.way.read(run, aiter)] if branches == 1 else self.way.readers(run, branches)
        return Controlled(iterators, queue.put_nowait, queue.put_nowait, stopped)

    async def make_context_iterator(self, read: Callable[[], Any]) -> AsyncIterator[Any]:
        iterator: AsyncIterator[Any] = self.way.read(await self.opened(writing(1, lambda _: read())), aiter)
        return iterator

    def make_sync_iterator(self, elements: int) -> Iterator[Any]:
        return iter(self.way.read(self.way.open(graph_of(writing_on_a_thread(elements))), iter))

    async def make_late_iterator(self) -> tuple[AsyncIterator[Any], Sequence[Any]]:
        run = await self.opened(writing(10))
        self.way.keep(run)
        if isinstance(self.way, AStream):
            self.way.late(run)
        await run.output()
        return self.way.late(run)

    async def make_merged_iterator(self, producers: int, elements: int) -> AsyncIterator[int]:
        def node(number: int) -> Any:
            async def write(state: State, writer: StreamWriter) -> None:
                for _ in range(elements):
                    await writer(number)
                    if isinstance(self.way, AStream):
                        # Its log is never full here, so what lets the others go on is what nodes wait for.
                        await asyncio.sleep(0)

            return write

        iterator: AsyncIterator[int] = self.way.read(await self.opened(*map(node, range(producers))), aiter)
        return iterator

    def memory(self, iterator: Any) -> tuple[int, int]:
        return self.way.memory(iterator)

    def sequence(self, item: Any) -> int:
        if not isinstance(item, Numbered):
            raise SkipTest("these items carry no seq")
        return item.seq


class Calls:
    """Makes calls of plain code on a loop: of a subscription, or of a publisher."""

    def __init__(self, suite: Publishers, target: Any) -> None:
        self.suite, self.target = suite, target

    def subscribe_with(self, subscriber: Any, /) -> None:
        if subscriber is not None:
            subscriber = Introduced(self.suite, subscriber)
        self.suite.call(self.target.subscribe_with, subscriber)

    def request(self, n: Any, /) -> Any:
        return self.suite.call(self.target.request, n)

    def cancel(self) -> Any:
        return self.suite.call(self.target.cancel)


class Introduced:
    """A subscriber whose calls come from plain code."""

    def __init__(self, suite: Publishers, subscriber: Any) -> None:
        self.suite, self.subscriber = suite, subscriber
        self.on_next = suite.signal(subscriber.on_next)
        self.on_error = suite.signal(subscriber.on_error)
        self.on_complete = suite.signal(subscriber.on_complete)

    def on_subscribe(self, subscription: Any, /) -> None:
        self.subscriber.on_subscribe(Calls(self.suite, subscription))


class Publishers(OnLoop, PublisherConformance):
    max_elements = 200

    def __init__(self, way: Way, loop: str) -> None:
        super().__init__(way, loop)
        self.learns_by_asking = not isinstance(way, ToAPublisher)
        self.max_subscribers = 3 if way.publish.__func__ is Channel.publish else 1  # type: ignore[attr-defined]
        self.owner, self.signals = get_ident(), 0

    def call(self, what: Callable[..., Any], *args: Any) -> Any:
        """From inside a signal, or from another thread, as it is; otherwise on the loop."""
        if self.loop == "sync" or get_ident() != self.owner or self.runner.get_loop().is_running():
            return what(*args)

        async def call() -> Any:
            return what(*args)

        return self.runner.run(self.surround(call))

    def signal(self, handler: Callable[..., None]) -> Callable[..., None]:
        def told(*args: Any) -> None:
            self.signals += 1
            handler(*args)

        return told

    def settle(self) -> None:
        if self.loop == "sync" or self.runner.get_loop().is_running():
            return

        async def turns() -> None:
            before = -1
            while before != self.signals:
                before = self.signals
                for _ in range(20):
                    await asyncio.sleep(0)

        self.runner.run(self.surround(turns))

    def together(self, *calls: Callable[[], Any]) -> None:
        if self.loop != "sync" and len(calls) == 1:
            calls[0]()
            return
        if self.loop == "sync" or isinstance(self.way, (TeeBranch, RawLog, Interleave, AStream, ToAPublisher)):
            on_threads(*calls)
            return

        # A channel belongs to the thread of its run.
        async def tasks() -> None:
            async def one(call: Callable[[], Any]) -> None:
                call()

            await asyncio.gather(*(one(call) for call in calls))

        self.runner.run(self.surround(tasks))

    def open(self, node: Any) -> tuple[Any, Publisher[Any]]:
        if self.loop == "sync":
            run = self.way.open(graph_of(node))
            self.runs.append(run)
            return run, self.way.publish(run, iter)
        run = self.runner.run(self.surround(partial(self.opened, node)))
        return run, Calls(self, self.runner.run(self.surround(partial(self._publish, run))))

    async def _publish(self, run: Any) -> Publisher[Any]:
        return self.way.publish(run, aiter)

    def make_publisher(self, elements: int) -> Publisher[Any]:
        return self.open((writing_on_a_thread if self.loop == "sync" else writing)(elements))[1]

    def make_failed_publisher(self) -> Publisher[Any]:
        return self.open(refuse)[1]

    def make_tracked_publisher(self) -> tuple[Publisher[Any], Callable[[], bool]]:
        if self.loop == "sync" and isinstance(self.way, ToAPublisher):
            raise SkipTest("the run is over when subscribe_with() returns")
        ended: list[bool] = []

        def node(state: State, writer: StreamWriter) -> None:
            try:
                for n in count():
                    writer(n)
            finally:
                ended.append(True)

        async def anode(state: State, writer: StreamWriter) -> None:
            try:
                await writer(0)
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        run, publisher = self.open(node if self.loop == "sync" else anode)
        return publisher, partial(bool, ended) if isinstance(self.way, AStream) else partial(self.way.left, run)


class Processors(Publishers, Processor):
    def make_processor(self, upstream: Publisher[Any]) -> Publisher[Any]:
        processor = super().make_processor(upstream)
        return processor if self.loop == "sync" else Calls(self, processor)


class Subscribers(OnLoop, ToObservable):
    def play(self, law: Callable[[], None]) -> None:
        async def inside() -> None:
            law()

        with self.runner:
            law() if self.loop == "sync" else self.runner.run(self.surround(inside))


# The table

ROLES: dict[str, Any] = {
    "publisher": (Publishers, PublisherConformance),
    "subscriber": (Subscribers, SubscriberConformance),
    "processor": (Processors, ProcessorConformance),
    "iterator": (Iterators, AsyncIteratorConformance),
}
RULES = [f"{s}.{n}" for s, most in ((1, 11), (2, 13), (3, 17), (4, 2)) for n in range(1, most + 1)]
RULES += [f"A{n:02}" for n in range(1, 16)]


def laws_of(role: str) -> dict[str, list[str]]:
    """The tests of a role by the rule in their names; none for a rule that is untestable."""
    suite = ROLES[role][1]
    found: dict[str, list[str]] = {}
    for name in dir(suite):
        if match := re.match(r"test_rule_(?:a(\d\d)|(\d)_(\d\d?))_", name):
            letter, section, number = match.groups()
            found.setdefault(f"A{letter}" if letter else f"{section}.{int(number)}", []).append(name)
    return {rule: found.get(rule, []) for rule in {*found, *suite.untestable}}


LAWS = {role: laws_of(role) for role in ROLES}

HEARS_ONCE = "a subscriber refuses to be introduced twice [2.5], so who subscribes needs no list of subscribers"
ONE_READER = "it is for one reader"
PARTLY = "; the rest of the rule is tested"
NO_SEQ = "its items carry no seq: they have one in the raw log"
NO_PAST = "nobody can come late: replay is for readers of the channel and of events()"
EXEMPT: dict[tuple[str, str], str] = {
    **{(way.name, "1.10"): HEARS_ONCE for way in WAYS},
    **{(name, "1.11"): ONE_READER for name in ("tee branch", "raw log", "interleave", "v1 astream")},
    ("to_publisher", "1.11"): "the first subscription takes the run to its end",
    ("to_publisher", "3.12"): "in the sync lane the run is over when subscribe_with() returns" + PARTLY,
    **{(name, "A03"): ONE_READER for name in ("interleave", "v1 astream")},
    **{(name, "A04"): ONE_READER + PARTLY for name in ("interleave", "v1 astream")},
    **{(name, "A10"): NO_PAST for name in ("tee branch", "interleave", "v1 astream", "to_observable")},
    **{(way.name, "A13"): NO_SEQ for way in WAYS if way.name != "raw log"},
    ("to_publisher", "4.2"): "one subscriber, one subscription to the source" + PARTLY,
}
"""Rules of which something can't be tested for a way to read, and why."""

NO_ROLE = {
    "1": "§1 binds publishers",
    "2": "§2 binds subscribers: the one that we ship stands in to_observable",
    "3": "§3 binds the subscriptions of publishers",
    "4": "§4 binds processors: to_publisher over to_observable is one",
    "A": "to_publisher gives no iterator",
}


def role_for(way: Way, rule: str) -> str | None:
    return next((role for role in way.roles if rule in LAWS[role]), None)


def excuse(way: Way, rule: str) -> str:
    """Why a cell has nothing, or not everything, to test."""
    role = role_for(way, rule)
    if role is None:
        return NO_ROLE[rule[0]]
    return ROLES[role][1].untestable.get(rule, "") or EXEMPT.get((way.name, rule), "")


def table() -> str:
    """A row a rule, a column a way to read; ``x`` is tested, ``-`` is not, and a number is a footnote."""
    notes: list[str] = []
    lines = ["rule  " + "  ".join(way.name for way in WAYS)]
    for rule in RULES:
        cells = []
        for way in WAYS:
            why = excuse(way, rule)
            tested = bool(LAWS.get(role_for(way, rule) or "", {}).get(rule))
            if why and why not in notes:
                notes.append(why)
            mark = ("x" if tested and (not why or why.endswith(PARTLY)) else "-") + (
                f" {notes.index(why) + 1}" if why else ""
            )
            cells.append(mark.ljust(len(way.name)))
        lines.append(f"{rule:6}" + "  ".join(cells).rstrip())
    lines += ["", f"x: tested, each {', '.join(LOOPS)}; -: nothing to test"]
    return "\n".join(lines + [f"{n}: {why}" for n, why in enumerate(notes, 1)])


CELLS = [
    pytest.param(way, loop, rule, id=f"{way.name.replace(' ', '_')}-{loop}-{rule}")
    for way in WAYS
    for loop in LOOPS
    for rule in RULES
    if (role := role_for(way, rule)) and LAWS[role][rule] and not (role == "iterator" and loop == "sync")
]


@pytest.mark.parametrize(("way", "loop", "rule"), CELLS)
def test_rule(way: Way, loop: str, rule: str) -> None:
    role = role_for(way, rule)
    assert role is not None
    skipped = []
    for law in LAWS[role][rule]:
        suite = ROLES[role][0](way, loop)
        try:
            suite.play(getattr(suite, law))
        except SkipTest as skip:
            skipped.append(str(skip))
    # Nothing is passed over without a reason, and no reason stands that is none any more.
    if EXEMPT.get((way.name, rule), "").startswith("in the sync lane") and loop != "sync":
        assert skipped == []
    else:
        assert bool(skipped) is ((way.name, rule) in EXEMPT), skipped


def test_the_table_has_no_hole() -> None:
    assert len(RULES) == 43 + 15
    for way in WAYS:
        for rule in RULES:
            role = role_for(way, rule)
            assert excuse(way, rule) or (role and LAWS[role][rule]), (way.name, rule)
    # Each rule is tested for someone, unless no test can see it broken.
    tested = {rule for laws in LAWS.values() for rule, names in laws.items() if names}
    assert set(RULES) - tested == {"2.2", "2.7", "3.1", "3.4", "3.10", "3.11", "3.14", "A14"}


def test_seq_grows_by_one_in_the_raw_log_across_subgraphs() -> None:
    inner = graph_of(lambda state: {"n": 1})
    run = graph_of(inner).stream_events({"n": 0}, version="v3")
    seqs = [one["seq"] for one in run]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) > 4


def test_a_projection_is_an_observable() -> None:
    run = graph_of(lambda state: {"n": state["n"] + 1}).stream_events({"n": 0}, version="v3")
    seen: list[Any] = []
    doubled = run.values.pipe(ops.map(operator.itemgetter("n")), ops.map(lambda n: 2 * n))
    doubled.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    assert run.output == {"n": 1}
    assert seen == [0, 2, "end"]


if __name__ == "__main__":
    print(table())
