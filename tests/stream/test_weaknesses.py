"""The weaknesses W1 to W31 of the reference's streaming, each with the tests that ours has it not.

The table says where; what it names is looked up. Tests that stand nowhere else are below it.
"""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

import rxgraph
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import START, StateGraph
from rxgraph.stream import CustomTransformer, StreamMux, UpdatesTransformer
from rxgraph.stream.transformers import BUILT_IN
from rxgraph.types import StreamWriter, interrupt
from tests.stream._handles import WAYS, Ways, play

TESTS = Path(__file__).parents[1]
PRODUCT = str(Path(rxgraph.__file__).parent)

DEMAND, ENDING, HERE = "stream/test_run_demand.py", "stream/test_run_ending.py", "stream/test_weaknesses.py"
EVENTS, DIFFERENCES = "parity/test_events.py", "parity/test_differences.py"

WEAKNESSES: dict[str, tuple[str, list[str]]] = {
    "W1": (
        "nothing is held back, maxlen is ignored",
        [
            f"{DEMAND}::test_case_2_a_projection_that_is_read_slowly_holds_a_node_on_a_thread",
            f"{DEMAND}::test_case_5_an_async_node_waits_for_its_slowest_reader",
            "pregel/test_memory.py::test_memory_stays_flat",
        ],
    ),
    "W2": (
        "a consumer that is cancelled kills the run, which looks finished to the others",
        [
            f"{ENDING}::test_a_cancelled_consumer_leaves_the_others_whole",
            f"{ENDING}::test_an_output_that_times_out_loses_nothing",
        ],
    ),
    "W3": ("a task and two turns of the loop for each event", [f"{HERE}::test_the_loop_turns_by_the_batch"]),
    "W4": ("one branch of a tee hears of an error", [f"{ENDING}::test_one_error_reaches_everybody_once"]),
    "W5": (
        "a transformer that raises leaves the graph suspended",
        [f"{ENDING}::test_a_transformer_that_raises_closes_the_run"],
    ),
    "W6": ("interleave drops what comes at the end", [f"{EVENTS}::test_difference_interleave_drains_first"]),
    "W7": ("each event wakes everybody who waits", [f"{HERE}::test_an_event_wakes_only_its_own_readers"]),
    "W8": (
        "a subgraph is found after its first events",
        [f"{EVENTS}::test_difference_subgraphs_are_told_of_first"],
    ),
    "W9": ("an aborted subgraph is completed", [f"{EVENTS}::test_difference_an_aborted_subgraph_is_aborted"]),
    "W10": (
        "errors of scheduled work are lost",
        [f"{EVENTS}::test_difference_failed_scheduled_work_fails_the_run"],
    ),
    "W11": (
        "the root's class is made of every graph's values",
        [f"{HERE}::test_the_class_of_the_root_is_for_the_root"],
    ),
    "W12": (
        "events of tasks are in no projection",
        [f"{DIFFERENCES}::test_difference_custom_events_of_tasks_are_their_graphs"],
    ),
    "W13": (
        "an inner stream of custom events hides them from the outer one",
        [f"{HERE}::test_a_node_that_streams_a_graph_hides_nothing_of_it"],
    ),
    "W14": ("a breakpoint can't be told from the end", [f"{HERE}::test_a_handle_knows_that_it_stands_at_a_breakpoint"]),
    "W15": (
        "output passes transformers by",
        [f"{EVENTS}::test_difference_output_is_what_transformers_made_of_it"],
    ),
    "W16": (
        "two consumers share the containers of the engine",
        [
            f"{HERE}::test_what_a_reader_does_to_a_part_hides_no_question",
            f"{HERE}::test_what_a_reader_does_to_its_values_does_not_change_the_output",
        ],
    ),
    "W17": ("the end of a subgraph looks at all that are open", [f"{HERE}::test_the_end_of_a_subgraph_costs_the_same"]),
    "W18": (
        "each level runs all transformers again",
        [f"{HERE}::test_handles_cost_no_more_than_streams_at_any_depth"],
    ),
    "W19": (
        "handles of subgraphs are never let go",
        [f"{DEMAND}::test_case_9_subgraph_tasks_that_write_all_events_leave_nothing_behind"],
    ),
    "W21": (
        "a second thread poisons the run",
        [f"{ENDING}::test_a_second_thread_is_refused_and_the_run_is_unharmed"],
    ),
    "W22": (
        "abort waits for nodes on threads, and from another thread stops nothing",
        [
            f"{ENDING}::test_abort_from_another_thread_ends_a_sync_run",
            f"{ENDING}::test_a_node_that_never_ends_is_stopped_where_it_writes",
        ],
    ),
    "W23": (
        "one reader, and nothing for those who come late",
        [
            "stream/test_conformance.py::test_rule",
            f"{ENDING}::test_events_are_caught_up_with_exactly",
        ],
    ),
    "W24": ("async runs don't interleave", [f"{EVENTS}::test_difference_async_runs_interleave"]),
    "W25": (
        "updates come when the next step has been prepared",
        [f"{DEMAND}::test_nothing_runs_before_the_first_pull_and_one_superstep_a_pull"],
    ),
    "W27": (
        "checkpoints are shown before they are saved; durability without a saver crashes",
        [
            "pregel/test_durability.py::test_sync_saves_come_before_the_next_superstep",
            "pregel/test_durability.py::test_a_durability_without_a_saver_warns",
        ],
    ),
    "W28": (
        "a subgraph fails with a text",
        [f"{EVENTS}::test_difference_a_subgraph_raises_its_own_error"],
    ),
    "W29": (
        "modes that don't exist and options that nobody knows pass in silence",
        [
            f"{DIFFERENCES}::test_difference_unknown_stream_mode_raises",
            f"{DIFFERENCES}::test_difference_unknown_options_raise",
            f"{DIFFERENCES}::test_difference_tuple_of_modes_is_labelled",
        ],
    ),
    "W31": (
        "each custom event of an async run goes through the loop's pipe",
        [f"{HERE}::test_the_loop_turns_by_the_batch"],
    ),
}

ELSEWHERE = {
    "W20": "streams of a chat model's text: there is no messages projection yet",
    "W26": "which events there are is the engine's affair: kept as they are, for parity",
    "W30": "messages of a chat model: there is no messages projection yet",
}
"""Weaknesses that are none of a handle."""


def test_each_weakness_has_a_test() -> None:
    assert {*WEAKNESSES, *ELSEWHERE} == {f"W{n}" for n in range(1, 32)}
    there = {
        f"{path.relative_to(TESTS).as_posix()}::{found.name}"
        for path in {TESTS / name.split("::")[0] for _, names in WEAKNESSES.values() for name in names}
        for found in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert [name for _, names in WEAKNESSES.values() for name in names if name not in there] == []


class State(TypedDict):
    n: int


def graph_of(node: Any, schema: Any = State, **options: Any) -> Any:
    return StateGraph(schema).add_node("node", node).add_edge(START, "node").compile(**options)


def writing(events: int, pausing: bool) -> Any:
    async def node(state: State, writer: StreamWriter) -> State:
        for n in range(events):
            await writer(n)
            if pausing:
                await asyncio.sleep(0)
        return {"n": 1}

    return node


# What it costs, counted instead of timed


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the callbacks that it is given."""

    calls = from_threads = 0

    def call_soon(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return super().call_soon(*args, **kwargs)

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> Any:
        self.from_threads += 1
        return super().call_soon_threadsafe(*args, **kwargs)


def callbacks(script: Callable[[], Awaitable[Any]]) -> tuple[int, int]:
    loop = CountingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(script())  # type: ignore[arg-type]
        return loop.calls, loop.from_threads


async def read(source: Any) -> int:
    return len([item async for item in source])


def events_beside_readers_that_wait(events: int, waiting: int, pausing: bool) -> tuple[int, int]:
    async def script() -> None:
        transformers = [CustomTransformer, UpdatesTransformer]
        run = await graph_of(writing(events, pausing)).astream_events({"n": 0}, version="v3", transformers=transformers)
        others = [asyncio.create_task(read(run.updates.areader())) for _ in range(waiting)]
        assert await read(run.custom) == events
        assert await asyncio.gather(*others) == [1] * waiting

    return callbacks(script)


def test_the_loop_turns_by_the_batch() -> None:
    (few, _), (many, from_threads) = (events_beside_readers_that_wait(n, 0, False) for n in (100, 1_100))
    assert many - few < 20
    assert from_threads == 0


def test_an_event_wakes_only_its_own_readers() -> None:
    alone, beside = (
        [events_beside_readers_that_wait(events, waiting, True)[0] for events in (100, 600)] for waiting in (0, 64)
    )
    assert alone[1] - alone[0] == beside[1] - beside[0]


def lines(work: Callable[[], Any]) -> int:
    """Lines of the product that *work* goes through, on this thread."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PRODUCT):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    assert count > 0
    return count


def test_the_end_of_a_subgraph_costs_the_same() -> None:
    """However many others are open."""

    def ending(subgraphs: int) -> float:
        mux = StreamMux(factories=BUILT_IN)
        lifecycle, handles = iter(mux.extensions["lifecycle"]), iter(mux.extensions["subgraphs"])
        for i in range(subgraphs):
            mux.on_next(((f"sub:{i}",), "lifecycle", {"event": "started", "graph_name": "sub"}))
            assert (next(lifecycle)["event"], next(handles).status) == ("started", "started")

        def end() -> None:
            for i in range(subgraphs):
                mux.on_next(((f"sub:{i}",), "lifecycle", {"event": "completed"}))
                assert next(lifecycle)["event"] == "completed"

        return lines(end) / subgraphs

    assert ending(400) <= ending(50) * 1.05


def test_handles_cost_no_more_than_streams_at_any_depth() -> None:
    """An event that nobody reads below the root costs what it costs to bring it up."""

    def costs(depth: int, through: Callable[[Any], Awaitable[Any]]) -> int:
        def run(events: int) -> int:
            graph = graph_of(writing(events, False))
            for _ in range(depth):
                graph = graph_of(graph)

            async def script() -> None:
                await through(graph)

            return lines(lambda: asyncio.run(script()))

        run(1)
        return run(100) - run(0)

    async def stream(graph: Any) -> None:
        await read(graph.astream({"n": 0}, stream_mode="custom", subgraphs=True))

    async def events(graph: Any) -> None:
        await read(await graph.astream_events({"n": 0}, version="v3", transformers=[CustomTransformer]))

    for depth in (0, 2, 8):
        assert costs(depth, events) <= costs(depth, stream)


# What it says


class Root(BaseModel):
    n: int = 0


class Word(TypedDict):
    word: str


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_class_of_the_root_is_for_the_root(way: Ways) -> None:
    inner = graph_of(lambda state: {"word": state["word"] + "!"}, Word)

    async def call(state: Root) -> dict[str, int]:
        return {"n": len((await inner.ainvoke({"word": "hello"}))["word"])}

    def call_sync(state: Root) -> dict[str, int]:
        return {"n": len(inner.invoke({"word": "hello"})["word"])}

    async def script() -> None:
        run = await way.open(graph_of(call_sync if way.name == "sync" else call, Root), Root())
        handles = way.iter(run.subgraphs)
        assert await way.items((await way.next(handles)).values) == [{"word": "hello"}, {"word": "hello!"}]
        assert await way.ask(run, "output") == Root(n=6)

    play(script)


def test_a_node_that_streams_a_graph_hides_nothing_of_it() -> None:
    def leaf(state: Word, writer: StreamWriter) -> Word:
        writer("written")
        return state

    inner, seen = graph_of(leaf, Word), []

    def stream(state: State) -> None:
        seen.extend(inner.stream({"word": ""}, stream_mode="custom"))

    run = graph_of(stream).stream_events({"n": 0}, version="v3", transformers=[CustomTransformer])
    assert [list(handle.custom) for handle in run.subgraphs] == [["written"]]
    assert seen == ["written"]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("where", ["interrupt_before", "interrupt_after"])
def test_a_handle_knows_that_it_stands_at_a_breakpoint(way: Ways, where: str) -> None:
    async def script() -> None:
        config = {"configurable": {"thread_id": "1"}}
        node = way.node(lambda state: {"n": 1})
        graph = graph_of(node, checkpointer=InMemorySaver(), **{where: ["node"]})
        run = await way.open(graph, {"n": 0}, config)
        assert await way.ask(run, "paused")
        assert not await way.ask(run, "interrupted")
        run = await way.open(graph, None, config)
        assert not await way.ask(run, "paused")
        assert await way.ask(run, "output") == {"n": 1}
        # A question is no breakpoint.
        asking = graph_of(way.node(lambda state: {"n": interrupt("how many?")}), checkpointer=InMemorySaver())
        run = await way.open(asking, {"n": 0}, config)
        assert await way.ask(run, "interrupted")
        assert not await way.ask(run, "paused")

    play(script)


def test_a_breakpoint_inside_is_known_inside_and_outside() -> None:
    inner = graph_of(lambda state: {"n": 1}, interrupt_before=["node"])
    run = graph_of(inner, checkpointer=InMemorySaver()).stream_events(
        {"n": 0}, {"configurable": {"thread_id": "1"}}, version="v3"
    )
    (handle,) = run.subgraphs
    assert (handle.status, handle.paused, run.paused) == ("interrupted", True, True)


def test_what_a_reader_does_to_a_part_hides_no_question() -> None:
    def asking(state: Word) -> Word:
        return {"word": interrupt("which?")}

    inner, seen = graph_of(asking, Word), []

    def call(state: Word) -> None:
        for part in inner.stream(state, stream_mode="values", version="v2"):
            seen.append(part["interrupts"])
            part["data"].clear()

    config: Any = {"configurable": {"thread_id": "1"}}
    graph = graph_of(call, Word, checkpointer=InMemorySaver())
    outer = [
        (len(part["ns"]), part["data"], [one.value for one in part["interrupts"]])
        for part in graph.stream({"word": "a"}, config, stream_mode="values", subgraphs=True, version="v2")
    ]
    assert [len(interrupts) for interrupts in seen] == [0, 1]
    # The questions come through at each level; the parts of the inner graph are the inner reader's as well.
    assert [interrupts for _, _, interrupts in outer] == [[], [], ["which?"], ["which?"]]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_a_reader_does_to_its_values_does_not_change_the_output(way: Ways) -> None:
    async def script() -> None:
        run = await way.open(graph_of(way.node(lambda state: {"n": state["n"] + 1})), {"n": 0})
        for values in await way.items(run.values):
            values["n"] = 100
        assert await way.ask(run, "output") == {"n": 1}

    play(script)
