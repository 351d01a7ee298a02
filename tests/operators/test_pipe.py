"""``pipe``: several operators as one."""

from __future__ import annotations

from reactivex import operators as rxops

from rxgraph import operators as ops
from rxgraph.stream import StreamMux
from tests.operators._contract import Operator, OperatorContract, Source, watch


class TestPipe(OperatorContract):
    items = (1, 2, 3, 4)
    expected = (6, 8)

    def operator(self) -> Operator:
        return ops.pipe(ops.filter(lambda x: x > 2), ops.map(lambda x: x * 2))


class TestPipeWithAnOperatorOfRxPY(OperatorContract):
    items = (1, 2, 3, 4)
    expected = (20, 30)

    def operator(self) -> Operator:
        return ops.pipe(rxops.skip(1), ops.map(lambda x: x * 10), rxops.take(2))


def test_nothing_is_the_source_itself() -> None:
    source = Source()
    assert ops.pipe()(source) is source


def test_pipes_nest() -> None:
    add, double = ops.map(lambda x: x + 1), ops.map(lambda x: x * 2)
    for chain in (ops.pipe(add, ops.pipe(double, add)), ops.pipe(ops.pipe(add, double), add)):
        source = Source()
        seen, _ = watch(source.pipe(chain))
        source.push(1)
        assert seen.values == [5]


def test_a_mux_is_routed_at_the_head_of_a_pipe() -> None:
    mux = StreamMux()
    seen, _ = watch(ops.pipe(ops.mode("custom"), ops.map(lambda part: part[2]))(mux))
    mux.on_next(((), "custom", 1))
    mux.on_next(((), "updates", 2))
    assert seen.values == [1]
    assert mux._routes.keys() == {"custom"}
