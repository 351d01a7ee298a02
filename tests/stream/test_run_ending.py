"""How runs behind handles end: abort, cancellation, errors, and what is left behind."""

from __future__ import annotations

import asyncio
import operator
import re
import threading
from typing import Annotated, Any, TypedDict

import anyio
import pytest

from rxgraph import operators as ops
from rxgraph.flow import Lagged
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import (
    CustomTransformer,
    EventCursor,
    LifecycleTransformer,
    StreamChannel,
    StreamMux,
    StreamTransformer,
    UpdatesTransformer,
)
from rxgraph.testing import VirtualTime
from rxgraph.types import StreamWriter
from tests.stream._handles import WAYS, Ways, play


class State(TypedDict):
    xs: Annotated[list[Any], operator.add]


def chain(*nodes: tuple[str, Any]) -> Any:
    graph = StateGraph(State)
    before = START
    for name, node in nodes:
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    return graph.add_edge(before, END).compile()


class Watched:
    """Async nodes that say when they run and when their ``finally`` has run."""

    def __init__(self) -> None:
        self.running = 0
        self.begun = 0

    def node(self, name: str, events: int = 2) -> tuple[str, Any]:
        async def run(state: State, writer: StreamWriter) -> State:
            self.running += 1
            self.begun += 1
            try:
                for i in range(events):
                    await asyncio.sleep(0)
                    await writer((name, i))
            finally:
                try:
                    await asyncio.sleep(0)
                finally:
                    self.running -= 1
            return {"xs": [name]}

        return name, run

    def nested(self) -> Any:
        """Two graphs in one another, and parallel nodes in the inner one."""
        inner = StateGraph(State)
        for name in ("left", "right"):
            inner.add_node(*self.node(name))
            inner.add_edge(START, name)
        mid = chain(("inner", inner.compile()), self.node("midn"))
        return chain(self.node("pre"), ("mid", mid), self.node("post"))


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


def events_of_a_whole_run() -> int:
    async def count() -> int:
        run = await Watched().nested().astream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
        return len([event async for event in run])

    return int(play(count))


def test_closing_at_any_event_leaves_no_node_running() -> None:
    total = events_of_a_whole_run()
    assert total > 15
    for stop in range(total + 1):

        async def script(stop: int = stop) -> None:
            watched = Watched()
            run = await watched.nested().astream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
            async with run:
                log = aiter(run)
                for _ in range(stop):
                    await anext(log)
            assert watched.running == 0
            assert others() == set()
            await run.abort()

        play(script)


def test_a_cancelled_anyio_scope_stops_the_run_and_waits_for_its_nodes() -> None:
    for stop in range(0, events_of_a_whole_run(), 3):

        async def script(stop: int = stop) -> None:
            watched = Watched()
            run = await watched.nested().astream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
            with anyio.CancelScope() as scope:
                async with run:
                    log = aiter(run)
                    for _ in range(stop):
                        await anext(log)
                    scope.cancel()
                    await asyncio.sleep(1)
            assert watched.running == 0
            assert others() == set()

        play(script)


async def of_subgraph(run: Any) -> Any:
    return aiter((await anext(aiter(run.subgraphs))).custom)


HANDLE_READERS: dict[str, Any] = {
    "values": lambda run: aiter(run.values),
    "updates": lambda run: aiter(run.updates),
    "custom": lambda run: aiter(run.custom),
    "lifecycle": lambda run: aiter(run.lifecycle),
    "tee": lambda run: run.custom.atee(1)[0],
    "raw log": aiter,
    "events": lambda run: run.events(),
    "interleave": lambda run: run.interleave("values", "custom", "updates", "lifecycle"),
    "subgraph": of_subgraph,
}


@pytest.mark.parametrize("wait_for", [asyncio.wait_for, None], ids=["wait_for", "timeout"])
@pytest.mark.parametrize("reader", [*HANDLE_READERS, "astream", "astream of all"])
def test_a_reader_that_times_out_every_50_ms_sees_what_one_that_waits_sees(reader: str, wait_for: Any) -> None:
    """Steps, and what nodes write in the middle of them, take a second each."""

    def slow(name: str) -> tuple[str, Any]:
        async def run(state: State, writer: StreamWriter) -> State:
            for i in range(3):
                await asyncio.sleep(1)
                await writer((name, i))
            return {"xs": [name]}

        return name, run

    graph = chain(slow("before"), ("sub", chain(slow("leaf"))), slow("after"))
    handles: list[Any] = []

    async def opened() -> Any:
        if reader == "astream":
            return graph.astream({"xs": []}, stream_mode="custom")
        if reader == "astream of all":
            return graph.astream({"xs": []}, stream_mode=["values", "updates", "custom", "tasks"], subgraphs=True)
        transformers = [CustomTransformer, UpdatesTransformer]
        run = await graph.astream_events({"xs": []}, version="v3", transformers=transformers)
        handles.append(run)
        it = HANDLE_READERS[reader](run)
        return await it if asyncio.iscoroutine(it) else it

    async def limited(it: Any) -> Any:
        if wait_for is not None:
            return await wait_for(anext(it), 0.05)
        async with asyncio.timeout(0.05):
            return await anext(it)

    async def impatient() -> tuple[list[Any], int]:
        it, got, timeouts = await opened(), [], 0
        while True:
            try:
                got.append(await limited(it))
            except TimeoutError:
                timeouts += 1
            except StopAsyncIteration:
                return got, timeouts

    async def patient() -> list[Any]:
        return [item async for item in await opened()]

    one, other = VirtualTime(), VirtualTime()
    waited = one.run(patient())
    got, timeouts = other.run(impatient())
    assert without_ids(got) == without_ids(waited)
    assert len(got) >= 2
    # Nothing was begun anew, and nothing held up. The inner graph is found after the first steps, and ends before the
    # last ones.
    ends, begins = (6.0, 3.0) if reader == "subgraph" else (9.0, 0.0)
    assert (one.now, round(other.now, 6)) == (ends, ends)
    assert timeouts > (ends - begins) / 0.05 * 0.8


def without_ids(items: list[Any]) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", repr(items))
    return re.sub(r"'timestamp': \d+", "'timestamp': <ms>", text)


def test_a_cancelled_consumer_leaves_the_others_whole() -> None:
    """W2: whoever pumps may be cancelled, and nobody else notices."""

    async def script() -> None:
        watched = Watched()
        run = await watched.nested().astream_events({"xs": []}, version="v3", transformers=[CustomTransformer])

        async def read(source: Any) -> int:
            return len([item async for item in source])

        gone = asyncio.create_task(read(run.custom))
        kept = asyncio.create_task(read(run.values))
        for _ in range(8):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        assert gone.cancelled()
        assert await kept == 4
        assert (await run.output())["xs"][-1] == "post"
        assert others() == set()

    play(script)


def test_an_output_that_times_out_loses_nothing() -> None:
    async def script() -> None:
        async def slow(state: State) -> State:
            await asyncio.sleep(0.05)
            return {"xs": ["slow"]}

        run = await chain(("slow", slow)).astream_events({"xs": []}, version="v3")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run.output(), 0.01)
        assert await run.output() == {"xs": ["slow"]}

    play(script)


def test_abort_from_another_thread_ends_a_sync_run() -> None:
    """W22: the thread that pulls finds the run ended; nothing is recorded as its error."""
    inside, go_on = threading.Event(), threading.Event()

    def wait(state: State, writer: StreamWriter) -> State:
        inside.set()
        go_on.wait(10)
        return {"xs": ["never"]}

    run = chain(("wait", wait)).stream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.extend(run.interleave("values", "custom")))
    reader.start()
    assert inside.wait(10)
    run.abort()
    go_on.set()
    reader.join(10)
    assert not reader.is_alive()
    assert got == [("values", {"xs": []})]
    assert run.output == {"xs": []}
    assert run._mux.status == "aborted"


def test_a_second_thread_is_refused_and_the_run_is_unharmed() -> None:
    """W21."""
    inside, go_on = threading.Event(), threading.Event()

    def wait(state: State, writer: StreamWriter) -> State:
        inside.set()
        go_on.wait(10)
        return {"xs": ["end"]}

    run = chain(("wait", wait)).stream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
    values, got = iter(run.values), []
    assert next(values) == {"xs": []}
    reader = threading.Thread(target=lambda: got.extend(run.custom))
    reader.start()
    assert inside.wait(10)
    with pytest.raises(RuntimeError, match="pulled by another thread"):
        next(values)
    go_on.set()
    reader.join(10)
    assert list(values) == [{"xs": ["end"]}]


def test_abort_on_another_loop_is_passed_on() -> None:
    async def script() -> None:
        watched = Watched()
        run = await watched.nested().astream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
        await anext(aiter(run))
        await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(run.abort()))
        assert watched.running == 0

    play(script)


def test_a_node_that_never_ends_is_stopped_where_it_writes() -> None:
    def endless(state: State, writer: StreamWriter) -> State:
        while True:
            writer(1)

    graph = chain(("endless", endless))
    with graph.stream_events({"xs": []}, version="v3", transformers=[CustomTransformer], maxlen=4) as run:
        assert next(iter(run.custom)) == 1
    assert run.output == {"xs": []}


def test_what_could_not_be_stopped_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def script() -> None:
        inside, go_on = threading.Event(), threading.Event()

        def stubborn(state: State) -> State:
            inside.set()
            go_on.wait(10)
            return {"xs": ["end"]}

        run = await chain(("stubborn", stubborn)).astream_events({"xs": []}, version="v3")
        output = asyncio.create_task(run.output())
        await asyncio.get_running_loop().run_in_executor(None, inside.wait, 10)
        await run.abort()
        assert await output == {"xs": []}
        assert run.unstopped == ("stubborn",)
        assert "'stubborn'" in caplog.text
        go_on.set()

    play(script)


def test_a_node_may_abort_its_own_run() -> None:
    async def script() -> None:
        handle: list[Any] = []

        async def stop(state: State) -> State:
            await handle[0].abort()
            await asyncio.sleep(10)
            return {"xs": ["never"]}

        run = await chain(("stop", stop)).astream_events({"xs": []}, version="v3")
        handle.append(run)
        assert [item async for item in run.values] == [{"xs": []}]
        await run.abort()
        assert others() == set()

    play(script)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_one_error_reaches_everybody_once(way: Ways) -> None:
    error = ValueError("boom")

    def boom(state: State) -> State:
        raise error

    async def script() -> None:
        run = await way.open(chain(("boom", way.node(boom))), {"xs": []}, transformers=[CustomTransformer])
        branches = way.tee(run.custom, 2)
        for it in (way.iter(run.values), *branches, way.iter(run), way.iter(run.lifecycle)):
            with pytest.raises(ValueError, match="boom") as raised:
                while True:
                    await way.next(it)
            assert raised.value is error
            with pytest.raises(StopAsyncIteration):
                await way.next(it)
        for _ in range(2):
            with pytest.raises(ValueError, match="boom") as raised:
                await way.ask(run, "output")
            assert raised.value is error

    play(script)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_transformer_that_raises_closes_the_run(way: Ways) -> None:
    """W5: the graph does not stay suspended behind a handle that says it is over."""
    ended: list[bool] = []

    class Bad(StreamTransformer):
        required_stream_modes = ("custom",)

        def init(self) -> dict[str, Any]:
            return {}

        def process(self, event: Any) -> bool:
            if event["method"] == "custom":
                raise KeyError("transformer")
            return True

    def sync_node(state: State, writer: StreamWriter) -> State:
        try:
            writer(1)
            writer(2)
        finally:
            ended.append(True)
        return {"xs": ["end"]}

    async def async_node(state: State, writer: StreamWriter) -> State:
        try:
            await writer(1)
            await asyncio.sleep(5)
        finally:
            ended.append(True)
        return {"xs": ["end"]}

    async def script() -> None:
        node = sync_node if way.name == "sync" else async_node
        run = await way.open(chain(("node", node)), {"xs": []}, transformers=[Bad])
        values, log = way.iter(run.values), way.iter(run)
        for it in (values, log):
            with pytest.raises(KeyError, match="transformer"):
                while True:
                    await way.next(it)
        await way.abort(run)
        assert ended == [True]
        assert others() == set()

    play(script)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_events_are_caught_up_with_exactly(way: Ways) -> None:
    def write(state: State, writer: StreamWriter) -> State:
        for i in range(30):
            writer(i)
        return {"xs": ["end"]}

    async def script() -> None:
        run = await way.open(chain(("write", way.node(write))), {"xs": []}, transformers=[CustomTransformer])
        run.keep_events(10)
        await way.ask(run, "output")
        assert run.cursor == EventCursor(run.run_id, 32)
        for after in (22, 25, 32):
            assert [one["seq"] for one in await way.items(run.events(after=after))] == list(range(after + 1, 33))
        first, *rest = await way.items(run.events(after=EventCursor(run.run_id, 5)))
        assert first == Lagged(17)
        assert [one["seq"] for one in rest] == list(range(23, 33))
        for wrong in (33, -1, EventCursor("another", 1)):
            with pytest.raises(ValueError, match="cursor|Cursor|not there"):
                run.events(after=wrong)

    play(script)


def test_the_cursor_of_a_subgraph_is_that_of_the_run() -> None:
    inner = chain(("leaf", lambda state: {"xs": ["leaf"]}))
    run = chain(("pre", lambda state: {"xs": ["pre"]}), ("sub", inner)).stream_events({"xs": []}, version="v3")
    run.keep_events()
    (sub,) = run.subgraphs
    whole = [(one["seq"], one["method"]) for one in run.events(after=0)]
    part = [(one["seq"], one["method"]) for one in sub.events(after=0)]
    assert part == [one for one in whole if one in part]
    assert [method for _, method in part] == ["values", "values"]
    assert [seq for seq, _ in whole] == list(range(1, run.cursor.seq + 1))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_projection_may_be_an_operator_chain(way: Ways) -> None:
    totals = ops.pipe(ops.mode("updates"), ops.map(lambda part: len(part[2])), ops.scan(operator.add))

    async def script() -> None:
        graph = chain(*((name, way.node(lambda state: {"xs": [1]})) for name in "abc"))
        run = await way.open(graph, {"xs": []}, transformers={"totals": totals})
        assert await way.items(run.totals) == [1, 2, 3]
        run = await way.open(graph, {"xs": []}, transformers=[CustomTransformer, {"totals": totals}])
        assert await way.items(run.extensions["totals"]) == [1, 2, 3]
        bad = ops.pipe(ops.mode("updates"), ops.map(lambda part: 1 / 0))
        run = await way.open(graph, {"xs": []}, transformers={"bad": bad})
        values = way.iter(run.values)
        with pytest.raises(ZeroDivisionError):
            await way.items(run.bad)
        assert len(await way.items(values)) == 4

    play(script)


def test_what_is_no_operator_is_refused_at_the_call() -> None:
    graph = chain(("a", lambda state: {}))
    with pytest.raises(TypeError, match="must be an operator"):
        graph.stream_events({"xs": []}, version="v3", transformers={"x": 5})


def test_a_mux_is_fed_by_hand() -> None:
    mux = StreamMux([CustomTransformer()])
    custom, log = StreamChannel.__iter__(mux.extensions["custom"]), iter(mux.log)
    mux.push({"type": "event", "method": "custom", "params": {"namespace": [], "timestamp": 1, "data": 7}})
    mux.push({"type": "event", "method": "custom", "params": {"namespace": ["a:1"], "timestamp": 2, "data": 8}})
    mux.close()
    assert list(custom) == [7]
    assert [(one["seq"], one["params"]["timestamp"]) for one in log] == [(1, 1), (2, 2)]
    assert mux.native_keys == {"custom"}
    assert isinstance(mux.transformer_by_key("custom"), CustomTransformer)
    with pytest.raises(RuntimeError, match="factories"):
        mux._make_child(("a:1",))


def writes(n: int) -> Any:
    """A graph inside a graph that writes *n* events."""

    def leaf(state: State, writer: StreamWriter) -> State:
        for i in range(n):
            writer(i)
        return {"xs": ["leaf"]}

    return chain(("sub", chain(("leaf", leaf))))


def test_what_is_kept_of_a_subgraph_is_for_each_branch() -> None:
    (handle,) = writes(20).stream_events({"xs": []}, version="v3", transformers=[CustomTransformer]).subgraphs
    assert [list(branch) for branch in handle.custom.tee(2)] == [list(range(20))] * 2


def test_what_is_not_kept_of_a_subgraph_is_told() -> None:
    """1,024 parts are kept: the state before and after the leaf, and what it has written last."""
    events = 3_000
    parts = events + 2

    def opened() -> Any:
        run = writes(events).stream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
        (handle,) = run.subgraphs
        return handle

    lost = parts - 1_024
    gone, *rest = opened().custom
    assert (gone, rest) == (Lagged(lost - 1), list(range(lost - 1, events)))
    handle = opened()
    for branch in handle.custom.tee(2):
        assert next(branch) == Lagged(lost - 1)
        assert branch.statistics().dropped == lost - 1
    assert list(opened().values) == [Lagged(1), {"xs": ["leaf"]}]
    log = list(opened())
    assert (log[0], len(log)) == (Lagged(lost), 1_025)
    merged = list(opened().interleave("custom", "values"))
    assert merged[:2] == [("custom", Lagged(lost - 1)), ("values", Lagged(1))]
    assert len(merged) == 1_024 + 2
    handle, seen = opened(), []
    handle.custom.subscribe(seen.append)
    assert (seen, handle.statistics().channels["custom"].dropped) == (list(range(lost - 1, events)), lost - 1)


def test_nothing_is_told_of_a_subgraph_that_was_read_in_time() -> None:
    run = writes(3_000).stream_events({"xs": []}, version="v3", transformers=[CustomTransformer])
    for handle in run.subgraphs:
        assert list(handle.custom) == list(range(3_000))


def test_a_transformer_that_hears_of_subgraphs_and_raises_ends_the_run() -> None:
    class Bad(LifecycleTransformer):
        _native = False

        def init(self) -> dict[str, Any]:
            return {"bad": super().init()["lifecycle"]}

        def _on_started(self, ns: Any, graph_name: Any, trigger_call_id: Any) -> None:
            raise KeyError(graph_name)

    run = writes(1).stream_events({"xs": []}, version="v3", transformers=[Bad])
    with pytest.raises(KeyError, match="sub"):
        _ = run.output


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("fails", [False, True])
def test_what_an_interleave_has_left_is_there_for_the_next_one_also_after_the_end(way: Ways, fails: bool) -> None:
    def write(state: State, writer: StreamWriter) -> State:
        for i in range(3):
            writer(i)
        if fails:
            raise KeyError("node")
        return {"xs": ["end"]}

    async def script() -> None:
        run = await way.open(chain(("write", way.node(write))), {"xs": []}, transformers=[CustomTransformer])
        merged = run.interleave("custom", "values")
        got = [await way.next(merged) for _ in range(2)]
        try:
            await way.ask(run, "output")
        except KeyError:
            assert fails
        await way.close(merged)
        merged = run.interleave("custom", "values")
        with pytest.raises(KeyError if fails else StopAsyncIteration):
            while True:
                got.append(await way.next(merged))
        assert got[:2] == [("values", {"xs": []}), ("custom", 0)]
        rest = [item for item in got[2:] if item[0] == "custom"]
        assert rest == [("custom", 1), ("custom", 2)]

    play(script)
