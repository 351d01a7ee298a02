"""Several inputs at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import pytest

from rxgraph.graph import START, StateGraph
from rxgraph.pregel import main


class State(TypedDict):
    n: int


def single(node: Any) -> Any:
    return StateGraph(State).add_node("node", node).add_edge(START, "node").compile()


def test_after_an_error_no_other_input_of_a_batch_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    stopped = threading.Event()

    class Watched(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            stopped.set()
            super().shutdown(wait=wait)

    def node(state: State) -> None:
        begun.append(state["n"])
        if state["n"] == 0:
            raise ValueError("boom")
        assert stopped.wait(5)

    monkeypatch.setattr(main, "ThreadPoolExecutor", Watched)
    with pytest.raises(ValueError, match="boom"):
        single(node).batch([{"n": n} for n in range(50)], {"max_concurrency": 1})
    assert begun in ([0], [0, 1])


def test_a_batch_that_returns_its_errors_runs_every_input() -> None:
    def node(state: State) -> None:
        raise ValueError(state["n"])

    errors = single(node).batch([{"n": n} for n in range(9)], {"max_concurrency": 1}, return_exceptions=True)
    assert [str(error) for error in errors] == [str(n) for n in range(9)]
