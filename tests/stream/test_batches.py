"""Parts that come at once are seen as if they had come one by one, or they don't come at once."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgraph import operators as ops
from rxgraph.pregel._handles import read_transformers
from rxgraph.stream import StreamMux, StreamTransformer
from rxgraph.types import Part

DATA = itemgetter(2)


def custom(*data: Any, ns: tuple[str, ...] = ()) -> list[Part]:
    return [(ns, "custom", one) for one in data]


def make_mux(*given: Any, maxlen: int | None = None, **chains: Callable[[Any], Any]) -> StreamMux:
    mux = StreamMux(factories=read_transformers([chains, *given]), maxlen=maxlen)
    mux.bind_pump(lambda: False)
    return mux


def mapped(fn: Callable[[Part], Any] = DATA) -> Callable[[Any], Any]:
    return ops.pipe(ops.mode("custom"), ops.map(fn))


def test_a_batch_goes_through_each_chain() -> None:
    mux = make_mux(one=mapped(), ten=mapped(lambda part: 10 * part[2]))
    one, ten = iter(mux.extensions["one"]), iter(mux.extensions["ten"])
    assert mux.batch_room("custom") > 3
    mux.on_batch("custom", [*custom(1, 2), *custom(7, ns=("inner:1",)), *custom(3)])
    mux.on_completed()
    assert (list(one), list(ten), mux.seq) == ([1, 2, 3], [10, 20, 30], 4)


def test_there_is_room_for_what_the_fullest_channel_takes() -> None:
    mux = make_mux(maxlen=4, one=mapped(), two=mapped())
    one, _two = iter(mux.extensions["one"]), iter(mux.extensions["two"])
    assert mux.batch_room("custom") == 4
    mux.on_batch("custom", custom(1, 2, 3))
    assert mux.batch_room("custom") == 1
    mux.on_next(custom(4)[0])
    assert (mux.batch_room("custom"), mux.gate.is_open) == (0, False)
    assert [next(one) for _ in range(4)] == [1, 2, 3, 4]
    assert mux.batch_room("custom") == 0, "the other one has taken nothing"


def test_items_before_the_error_of_a_function_arrive_and_it_is_called_once_an_item() -> None:
    calls = []

    def picky(part: Part) -> Any:
        calls.append(part[2])
        if part[2] == 3:
            raise ValueError("three")
        return part[2]

    mux = make_mux(picky=mapped(picky), other=mapped())
    reader, other = iter(mux.extensions["picky"]), iter(mux.extensions["other"])
    mux.on_batch("custom", custom(1, 2, 3, 4))
    assert [next(reader), next(reader)] == [1, 2]
    with pytest.raises(ValueError, match="three"):
        next(reader)
    assert calls == [1, 2, 3]
    mux.on_completed()
    assert list(other) == [1, 2, 3, 4]


def test_a_function_that_reads_its_own_channel_loses_nothing() -> None:
    got: list[Any] = []

    def nosy(part: Part) -> Any:
        got.extend(next(reader) for _ in range(mux.extensions["nosy"].statistics().buffered))
        return part[2]

    mux = make_mux(nosy=mapped(nosy))
    reader = iter(mux.extensions["nosy"])
    mux.on_batch("custom", custom(1, 2, 3))
    mux.on_batch("custom", custom(4, 5))
    mux.on_completed()
    assert [*got, *reader] == [1, 2, 3, 4, 5]


class Watcher(StreamTransformer):
    required_stream_modes = ("custom",)

    def init(self) -> dict[str, Any]:
        return {}

    def process(self, event: Any) -> bool:
        return True


def test_the_raw_log_has_the_events_of_a_batch_in_their_places() -> None:
    mux = make_mux(one=mapped())
    one, log = iter(mux.extensions["one"]), iter(mux.log)
    mux.on_next(((), "values", {"x": 0}))
    mux.on_batch("custom", [*custom(1), *custom(2, ns=("inner:1",))])
    mux.on_next(custom(3)[0])
    mux.on_completed()
    events = [(event["seq"], event["method"], event["params"]["namespace"], event["params"]["data"]) for event in log]
    assert events == [
        (1, "values", [], {"x": 0}),
        (2, "custom", [], 1),
        (3, "custom", ["inner:1"], 2),
        (4, "custom", [], 3),
    ]
    assert list(one) == [1, 3]


@pytest.mark.parametrize(
    "read", [iter, lambda mux: mux.log.subscribe(print), lambda mux: mux.extensions["one"].subscribe(print)]
)
def test_whoever_could_tell_the_difference_gets_parts_one_by_one(read: Callable[[Any], Any]) -> None:
    mux = make_mux(*([Watcher] if read is iter else []), one=mapped(), two=ops.pipe(ops.mode("values"), ops.take(1)))
    reader = iter(mux.extensions["one"])
    kept = read(mux) if read is not iter else None
    assert mux.batch_room("custom") == 0
    del reader, kept


def test_a_chain_with_more_stages_gets_parts_one_by_one() -> None:
    mux = make_mux(odd=ops.pipe(ops.mode("custom"), ops.filter(lambda part: part[2] % 2), ops.map(DATA)))
    reader = iter(mux.extensions["odd"])
    assert mux.batch_room("custom") == 0
    for part in custom(1, 2, 3):
        mux.on_next(part)
    mux.on_completed()
    assert list(reader) == [1, 3]


@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(), max_size=6)), max_size=12), st.integers(1, 8))
def test_batches_and_single_parts_make_one_stream(turns: list[tuple[bool, list[int]]], maxlen: int) -> None:
    mux = make_mux(maxlen=maxlen, one=mapped())
    channel = mux.extensions["one"]
    reader, got = iter(channel), []
    for at_once, data in turns:
        if at_once and len(data) <= mux.batch_room("custom"):
            mux.on_batch("custom", custom(*data))
        else:
            for part in custom(*data):
                if not mux.gate.is_open:
                    got.extend(next(reader) for _ in range(channel.statistics().buffered))
                mux.on_next(part)
        assert channel.statistics().buffered <= maxlen
    mux.on_completed()
    assert [*got, *reader] == [n for _, data in turns for n in data]
