"""The ``lane`` fixture itself: it keeps what an engine reads from a node, and really runs the lane it names."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from tests._lanes import AsyncLane, Lane, SyncLane


class FakeGraph:
    """Answers with the door that was used and whether a loop runs."""

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        return "invoke", args, kwargs

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield "stream", args, kwargs

    async def ainvoke(self, *args: Any, **kwargs: Any) -> Any:
        asyncio.get_running_loop()
        return "ainvoke", args, kwargs

    async def astream(self, *args: Any, **kwargs: Any) -> Any:
        yield "astream", args, kwargs


def plan(state: dict[str, Any], *, writer: int = 1) -> str:
    return f"{state['x']}{writer}"


def count(n: int) -> Iterator[int]:
    yield from range(n)


def test_each_lane_goes_through_its_own_doors(lane: Lane) -> None:
    a = {"sync": "", "async": "a"}[lane.name]
    assert lane.invoke(FakeGraph(), 1, {"c": 2}, k=3) == (f"{a}invoke", (1, {"c": 2}), {"k": 3})
    assert lane.stream(FakeGraph(), 1, k=3) == [(f"{a}stream", (1, None), {"k": 3})]


def test_a_node_keeps_its_name_and_signature(lane: Lane) -> None:
    node = lane.node(plan)
    assert node.__name__ == "plan"
    assert inspect.signature(node) == inspect.signature(plan)
    assert node.__annotations__ == plan.__annotations__


def test_a_node_has_the_colour_of_its_lane() -> None:
    assert SyncLane().node(plan) is plan
    node = AsyncLane().node(plan)
    assert inspect.iscoroutinefunction(node)
    assert asyncio.run(node({"x": 5}, writer=2)) == "52"


def test_a_generator_node_becomes_an_async_generator() -> None:
    node = AsyncLane().node(count)
    assert inspect.isasyncgenfunction(node)

    async def collect() -> list[int]:
        return [item async for item in node(3)]

    assert asyncio.run(collect()) == [0, 1, 2]


def test_an_async_function_is_refused(lane: Lane) -> None:
    async def fetch() -> None: ...

    with pytest.raises(TypeError, match="plain function"):
        lane.node(fetch)
