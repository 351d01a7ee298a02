"""Items of ``stream`` by mode, version and door."""

from __future__ import annotations

import asyncio
import operator
import threading
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import pytest
import reactivex as rx
from reactivex import operators as rx_ops
from reactivex.scheduler.eventloop import AsyncIOScheduler

from rxgraph import operators as ops
from rxgraph.flow import RequestScheduler, to_iterator
from rxgraph.graph import START, StateGraph
from rxgraph.types import GraphOutput
from tests._lanes import Lane


class State(TypedDict):
    v: str
    xs: Annotated[list[str], operator.add]


def a(state: State) -> dict[str, Any]:
    return {"v": state["v"] + "a", "xs": ["a"]}


def b(state: State) -> dict[str, Any]:
    return {"xs": ["b"]}


def graph(lane: Lane | None = None, **options: Any) -> Any:
    color = lane.node if lane else lambda node: node
    builder = StateGraph(State, **options).add_node("a", color(a)).add_node("b", color(b))
    return builder.add_edge(START, "a").add_edge("a", "b").compile()


VALUES = [{"v": "x", "xs": []}, {"v": "xa", "xs": ["a"]}, {"v": "xa", "xs": ["a", "b"]}]
UPDATES = [{"a": {"v": "xa", "xs": ["a"]}}, {"b": {"xs": ["b"]}}]


def test_one_mode_gives_payloads(lane: Lane) -> None:
    assert lane.stream(graph(lane), {"v": "x"}, stream_mode="values") == VALUES
    assert lane.stream(graph(lane), {"v": "x"}) == UPDATES


@pytest.mark.parametrize("modes", [["values", "updates"], ("updates", "values")])
def test_several_modes_give_labels_in_the_order_of_events(lane: Lane, modes: Any) -> None:
    assert lane.stream(graph(lane), {"v": "x"}, stream_mode=modes) == [
        ("values", VALUES[0]),
        ("updates", UPDATES[0]),
        ("values", VALUES[1]),
        ("updates", UPDATES[1]),
        ("values", VALUES[2]),
    ]


def test_version_2_gives_dicts(lane: Lane) -> None:
    items = lane.stream(graph(lane), {"v": "x"}, stream_mode=["values", "updates"], version="v2")
    assert items[0] == {"type": "values", "ns": (), "data": VALUES[0], "interrupts": ()}
    assert items[1] == {"type": "updates", "ns": (), "data": UPDATES[0]}
    assert lane.stream(graph(lane), {"v": "x"}, stream_mode="updates", version="v2")[0] == items[1]


def test_version_2_makes_instances_of_the_output_class(lane: Lane) -> None:
    @dataclass
    class Out:
        v: str = ""
        xs: Annotated[list[str], operator.add] = field(default_factory=list)

    compiled = graph(lane, output_schema=Out)
    assert lane.stream(compiled, {"v": "x"}, stream_mode="values", version="v2")[-1]["data"] == Out("xa", ["a", "b"])
    assert lane.invoke(compiled, {"v": "x"}, version="v2") == GraphOutput(Out("xa", ["a", "b"]))
    assert lane.invoke(compiled, {"v": "x"}) == VALUES[-1]


def test_tasks_and_their_debug_twins(lane: Lane) -> None:
    events = lane.stream(graph(lane), {"v": "x"}, {"tags": ["t"]}, stream_mode=["tasks", "debug"])
    start, twin, end, end_twin = (payload for _, payload in events[:4])
    assert start == {
        "id": start["id"],
        "name": "a",
        "input": {"v": "x", "xs": []},
        "triggers": ("branch:to:a",),
        "metadata": {"tags": ["t"]},
    }
    assert end == {"id": start["id"], "name": "a", "error": None, "result": UPDATES[0]["a"], "interrupts": []}
    assert (twin["type"], twin["step"], twin["payload"]) == ("task", 1, start)
    assert (end_twin["type"], end_twin["step"], end_twin["payload"]) == ("task_result", 1, end)


def test_output_keys_choose_what_values_and_updates_show(lane: Lane) -> None:
    modes = ["values", "updates"]
    assert lane.stream(graph(lane), {"v": "x"}, output_keys="v", stream_mode=modes) == [
        ("values", "x"),
        ("updates", {"a": "xa"}),
        ("values", "xa"),
        ("updates", {"b": None}),
    ]
    assert lane.stream(graph(lane), {"v": "x"}, output_keys=["v"], stream_mode=modes)[1] == (
        "updates",
        {"a": {"v": "xa"}},
    )
    assert lane.invoke(graph(lane), {"v": "x"}, output_keys="v") == "xa"


def test_invoke_with_another_mode_collects_the_stream(lane: Lane) -> None:
    assert lane.invoke(graph(lane), {"v": "x"}, stream_mode="updates") == UPDATES
    assert lane.invoke(graph(lane), {"v": "x"}, stream_mode=["values"]) == [("values", value) for value in VALUES]


def test_print_mode_prints_beside_the_stream(lane: Lane, capsys: pytest.CaptureFixture[str]) -> None:
    assert lane.stream(graph(lane), {"v": "x"}, print_mode="values") == UPDATES
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"\x1b[1m[values]\x1b[0m {value!r}" for value in VALUES]
    lane.invoke(graph(lane), {"v": "x"}, debug=True)
    assert "[updates]" in capsys.readouterr().out


def test_batch_keeps_the_order_of_its_inputs() -> None:
    inputs = [{"v": str(i)} for i in range(8)]
    expected = [f"{i}a" for i in range(8)]
    assert [out["v"] for out in graph().batch(inputs, {"max_concurrency": 3})] == expected
    assert [out["v"] for out in asyncio.run(graph().abatch(inputs, {"max_concurrency": 3}))] == expected
    assert graph().batch([]) == []
    with pytest.raises(ValueError, match="8 inputs and 2 configs"):
        graph().batch(inputs, [{}, {}])


def test_batch_can_return_errors_in_their_places() -> None:
    compiled = graph()
    results = compiled.batch([{"v": "x"}, None], return_exceptions=True)
    assert results[0]["v"] == "xa"
    assert type(results[1]).__name__ == "EmptyInputError"


class TestObserve:
    """The run as a cold observable."""

    def test_each_subscription_is_a_run_of_its_own(self) -> None:
        runs = graph().observe({"v": "x"})
        for _ in range(2):
            seen: list[Any] = []
            runs.subscribe(seen.append, on_completed=lambda seen=seen: seen.append("end"))
            assert seen == [*UPDATES, "end"]

    def test_it_composes_with_operators_of_both_libraries(self) -> None:
        seen: list[Any] = []
        source = graph().observe({"v": "x"}, stream_mode=["values", "updates"], version="v2")
        source.pipe(
            rx_ops.filter(lambda part: part["type"] == "updates"), ops.map(lambda part: next(iter(part["data"])))
        ).subscribe(seen.append)
        assert seen == ["a", "b"]

    @pytest.mark.parametrize("take", [ops.take, rx_ops.take])
    def test_a_reader_that_leaves_ends_the_run(self, take: Any) -> None:
        ran = []
        steps = [(name, lambda state, name=name: ran.append(name)) for name in "abcde"]
        builder = StateGraph(State).add_sequence(steps).add_edge(START, "a")
        builder.compile().observe({"v": "x"}).pipe(take(2)).subscribe()
        assert ran == ["a", "b"]

    def test_an_error_goes_to_on_error(self) -> None:
        seen: list[Any] = []
        bad = StateGraph(State).add_node("bad", lambda state: 1 / 0).add_edge(START, "bad").compile()
        bad.observe({"v": "x"}).subscribe(seen.append, seen.append)
        assert isinstance(seen[0], ZeroDivisionError)

    def test_a_subscriber_that_raises_ends_its_run_only(self) -> None:
        ran, errors = [], []
        steps = [(name, lambda state, name=name: ran.append(name)) for name in "abc"]
        compiled = StateGraph(State).add_sequence(steps).add_edge(START, "a").compile()

        def refuse(item: Any) -> None:
            raise RuntimeError("refused")

        compiled.observe({"v": "x"}).subscribe(refuse, errors.append)
        assert ran == ["a"]

    def test_on_a_request_scheduler_a_request_is_a_superstep(self) -> None:
        seen: list[Any] = []
        scheduler = RequestScheduler()
        graph().observe({"v": "x"}).subscribe(seen.append, scheduler=scheduler)
        assert seen == []
        scheduler.request(3)
        assert seen == UPDATES[:1]

    def test_an_iterator_over_it_pulls_superstep_by_superstep(self) -> None:
        ran = []
        steps = [(name, lambda state, name=name: ran.append(name)) for name in "abcde"]
        source = StateGraph(State).add_sequence(steps).add_edge(START, "a").compile().observe({"v": "x"})
        assert next(to_iterator(source)) == {"a": None}
        assert ran == ["a"]

    def test_on_an_event_loop_it_runs_in_the_async_lane(self) -> None:
        async def direct() -> list[Any]:
            done, seen = asyncio.Event(), []

            async def node(state: State) -> dict[str, Any]:
                await asyncio.sleep(0)
                return {"v": threading.current_thread().name}

            compiled = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
            scheduler = AsyncIOScheduler(asyncio.get_running_loop())
            compiled.observe({"v": "x"}).subscribe(seen.append, on_completed=done.set, scheduler=scheduler)
            await asyncio.wait_for(done.wait(), 10)
            return seen

        assert asyncio.run(direct()) == [{"node": {"v": "MainThread"}}]

    def test_disposing_cancels_an_async_run(self) -> None:
        async def main() -> list[str]:
            log: list[str] = []
            started = asyncio.Event()

            async def node(state: State) -> None:
                try:
                    started.set()
                    await asyncio.Event().wait()
                finally:
                    log.append("cancelled")

            compiled = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
            run = compiled.observe({"v": "x"}).subscribe(scheduler=AsyncIOScheduler(asyncio.get_running_loop()))
            await started.wait()
            run.dispose()
            for _ in range(5):
                await asyncio.sleep(0)
            return log

        assert asyncio.run(main()) == ["cancelled"]


def test_two_runs_merge_like_any_observables() -> None:
    seen: list[Any] = []
    rx.merge(graph().observe({"v": "1"}), graph().observe({"v": "2"})).subscribe(seen.append)
    assert len(seen) == 4
