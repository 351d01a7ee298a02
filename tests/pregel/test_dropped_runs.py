"""A run that is dropped in the middle, by its handle or at the end of the program, leaves no node behind."""

import asyncio
import gc
import operator
import subprocess
import sys
import threading
from typing import Annotated, Any

import pytest
from typing_extensions import TypedDict

from rxgraph.config import get_stream_writer
from rxgraph.graph import END, START, StateGraph
from rxgraph.stream import CustomTransformer

PATIENCE = 10.0


class State(TypedDict):
    xs: Annotated[list[int], operator.add]


class Endless:
    """A graph whose two nodes write on threads until somebody stops them."""

    def __init__(self) -> None:
        self.ended = [threading.Event(), threading.Event()]
        builder = StateGraph(State)
        for i, ended in enumerate(self.ended):
            builder.add_node(f"n{i}", self.node(ended)).add_edge(START, f"n{i}").add_edge(f"n{i}", END)
        self.graph: Any = builder.compile(transformers=[CustomTransformer])

    def node(self, ended: threading.Event) -> Any:
        def run(state: State) -> dict[str, Any]:
            write = get_stream_writer()
            try:
                while True:
                    write("more")
            finally:
                ended.set()

        return run

    def have_ended(self) -> bool:
        return all(ended.wait(PATIENCE) for ended in self.ended)

    def are_running(self) -> bool:
        return not any(ended.is_set() for ended in self.ended)


@pytest.fixture
def endless() -> Endless:
    return Endless()


def test_a_loop_over_the_events_of_a_nameless_run_that_breaks_ends_it(endless: Endless) -> None:
    with pytest.warns(ResourceWarning, match="dropped in the middle"):
        for event in endless.graph.stream_events({"xs": []}, version="v3"):
            if event["method"] == "custom":
                break
        del event
        gc.collect()
    assert endless.have_ended()


def test_a_reader_keeps_a_run_whose_handle_is_gone(endless: Endless) -> None:
    run = endless.graph.stream_events({"xs": []}, version="v3")
    customs = iter(run.custom)
    assert next(customs) == "more"
    del run
    assert [next(customs) for _ in range(5_000)] == ["more"] * 5_000
    assert endless.are_running()
    with pytest.warns(ResourceWarning, match="dropped in the middle"):
        del customs
        gc.collect()
    assert endless.have_ended()


class Counter:
    """A subscriber that counts."""

    def __init__(self) -> None:
        self.items = 0
        self.subscription: Any = None

    def on_subscribe(self, subscription: Any) -> None:
        self.subscription = subscription

    def on_next(self, item: Any) -> None:
        self.items += 1

    def on_error(self, error: Exception) -> None:
        raise AssertionError(error)

    def on_complete(self) -> None:
        raise AssertionError("the nodes write for ever")


def test_a_subscriber_keeps_a_run_whose_handle_is_gone(endless: Endless) -> None:
    run, counter = endless.graph.stream_events({"xs": []}, version="v3"), Counter()
    run.custom.subscribe_with(counter)
    counter.subscription.request(1)
    del run
    gc.collect()
    counter.subscription.request(2_999)
    assert counter.items == 3_000
    assert endless.are_running()
    with pytest.warns(ResourceWarning, match="dropped in the middle"):
        counter.subscription.cancel()
        gc.collect()
    assert endless.have_ended()


def test_a_projection_alone_is_told_that_its_run_was_stopped(endless: Endless) -> None:
    run = endless.graph.stream_events({"xs": []}, version="v3")
    values = run.values
    assert next(iter(run.custom)) == "more"
    with pytest.warns(ResourceWarning, match="dropped in the middle"):
        del run
        gc.collect()
    assert endless.have_ended()
    with pytest.raises(RuntimeError, match="Keep the handle"):
        list(values)


def test_a_projection_of_a_run_that_has_not_begun_may_be_kept_alone() -> None:
    builder = StateGraph(State).add_node("n", lambda state: {"xs": [1]}).add_edge(START, "n")
    values = builder.compile().stream_events({"xs": []}, version="v3").values
    gc.collect()
    assert list(values) == [{"xs": []}, {"xs": [1]}]


def test_a_handle_that_is_dropped_at_its_end_says_nothing(recwarn: pytest.WarningsRecorder) -> None:
    builder = StateGraph(State).add_node("n", lambda state: {"xs": [1]}).add_edge(START, "n")
    assert builder.compile().stream_events({"xs": []}, version="v3").output == {"xs": [1]}
    gc.collect()
    assert not recwarn.list


@pytest.mark.asyncio
async def test_a_dropped_asynchronous_run_is_cancelled(endless: Endless) -> None:
    run = await endless.graph.astream_events({"xs": []}, version="v3")
    customs = aiter(run.custom)
    assert await anext(customs) == "more"
    del run
    assert await anext(customs) == "more"
    assert endless.are_running()
    with pytest.warns(ResourceWarning, match="dropped in the middle"):
        del customs
        gc.collect()
    assert await asyncio.to_thread(endless.have_ended)


def test_a_dropped_stream_stops_nodes_that_write(endless: Endless) -> None:
    stream = endless.graph.stream({"xs": []}, stream_mode="custom")
    assert next(stream) == "more"
    del stream
    assert endless.have_ended()


def test_an_inner_run_that_tells_of_its_end_too_late_leaves_no_thread(endless: Endless) -> None:
    def call_two(state: State) -> dict[str, Any]:
        return {"xs": [len(endless.graph.invoke({"xs": []})["xs"])]}

    builder = StateGraph(State).add_node("call", call_two).add_edge(START, "call")
    before = set(threading.enumerate())
    with builder.compile(transformers=[CustomTransformer]).stream_events({"xs": []}, version="v3") as run:
        subgraphs = iter(run.subgraphs)
        assert next(subgraphs).path
        assert endless.are_running()
    assert endless.have_ended()
    assert set(threading.enumerate()) == before


PROGRAM = """
import operator
from typing import Annotated, TypedDict
from rxgraph.config import get_stream_writer
from rxgraph.graph import START, StateGraph
from rxgraph.stream import CustomTransformer

class State(TypedDict):
    xs: Annotated[list, operator.add]

def node(state):
    write = get_stream_writer()
    while True:
        write("more")

graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(transformers=[CustomTransformer])
"""
ENDS = {
    "stream": "it = graph.stream({'xs': []}, stream_mode='custom'); print(next(it))",
    "events": "run = graph.stream_events({'xs': []}, version='v3'); it = iter(run.custom); print(next(it))",
    "another thread": """
import threading, time
from rxgraph.flow import _inbox
it = graph.stream({'xs': []}, stream_mode='custom')
def read():
    next(it)
    _inbox.EXITING.wait()
    # The main thread has ended; this one is slow, and still reads.
    time.sleep(2 * _inbox.LOOKS_UP)
    print([next(it) for _ in range(5_000)][0])
threading.Thread(target=read).start()
""",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_program_that_leaves_a_run_in_the_middle_ends(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + end], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("more\n", 0), done.stderr
