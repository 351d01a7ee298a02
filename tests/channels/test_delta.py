from __future__ import annotations

import typing
from typing import Any

import pytest

from rxgraph.channels import DeltaChannel, LastValue
from rxgraph.channels._overwrite import Overwrite
from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError

FORMS = [
    pytest.param(Overwrite, id="class"),
    pytest.param(lambda value: {"__overwrite__": value}, id="short"),
    pytest.param(lambda value: {"value": value, "type": "__overwrite__"}, id="long"),
]


def extend(state: list[Any], writes: typing.Sequence[Any]) -> list[Any]:
    return [*state, *writes]


def extend_in_place(state: list[Any], writes: typing.Sequence[Any]) -> list[Any]:
    state.extend(writes)
    return state


def delta(reducer: Any = extend, **options: Any) -> DeltaChannel[Any]:
    channel = DeltaChannel[Any](reducer, **options)
    channel.key = "log"
    return channel


def test_types_facts_and_defaults() -> None:
    channel = DeltaChannel(extend)
    assert (channel.ValueType, channel.UpdateType, channel.typ) == (list, list, list)
    assert (channel.fades, channel.settles) == (False, True)
    assert (channel.snapshot_frequency, channel.reducer) == (100, extend)


@pytest.mark.parametrize(
    ("typ", "concrete"),
    [(dict, dict), (list[int], list), (typing.Sequence[int], list), (typing.AbstractSet, set)],
    ids=str,
)
def test_typ_is_one_that_can_be_called(typ: Any, concrete: Any) -> None:
    assert DeltaChannel(extend, typ).typ is concrete


@pytest.mark.parametrize("frequency", [0, -1])
def test_the_frequency_is_checked_when_built(frequency: int) -> None:
    with pytest.raises(ValueError, match=rf"snapshot_frequency=...\) needs an int >= 1, got {frequency}"):
        DeltaChannel(extend, snapshot_frequency=frequency)


def test_a_bare_channel_is_empty_and_starts_from_the_zero_of_its_type() -> None:
    channel = delta()
    with pytest.raises(EmptyChannelError, match=r"'log' \(DeltaChannel\)"):
        channel.get()
    assert channel.update([]) is False
    assert not channel.is_available()
    assert channel.update([1]) is True
    assert channel.get() == [1]


def test_the_reducer_is_called_once_with_all_writes() -> None:
    calls = []

    def reducer(state: list[Any], writes: typing.Sequence[Any]) -> list[Any]:
        calls.append((state, writes))
        return extend(state, writes)

    channel = delta(reducer)
    channel.update([1, 2])
    channel.update((3,))
    assert calls == [([], [1, 2]), ([1, 2], [3])]


def test_a_failing_reducer_leaves_the_value() -> None:
    channel = delta(lambda state, writes: [*state, *map(int, writes)])
    channel.update([1])
    with pytest.raises(ValueError, match="invalid literal"):
        channel.update(["x"])
    assert channel.get() == [1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [["O"], [1, "O"], ["O", 1], [1, "O", 1]], ids=str)
def test_an_overwrite_beats_the_other_writes_in_any_order(form: Any, batch: list[Any]) -> None:
    channel = delta()
    channel.update([0])
    assert channel.update([form([5]) if write == "O" else write for write in batch]) is True
    assert channel.get() == [5]


def test_an_overwrite_with_none_starts_from_the_zero_again() -> None:
    channel = delta()
    channel.update([1])
    channel.update([Overwrite(None), 2])
    assert channel.get() == []


@pytest.mark.parametrize("values", [([1], [2]), (None, None), (None, [1])], ids=str)
def test_two_overwrites_are_refused(values: tuple[Any, Any]) -> None:
    channel = delta()
    channel.update([1])
    with pytest.raises(
        InvalidUpdateError, match=r"'log' .*more than one Overwrite.*\[INVALID_CONCURRENT_GRAPH_UPDATE\]"
    ):
        channel.update([Overwrite(values[0]), {"__overwrite__": values[1]}])
    assert channel.get() == [1]


def test_the_value_of_an_overwrite_stays_the_writers() -> None:
    mine = [1]
    channel = delta(extend_in_place)
    channel.update([Overwrite(mine)])
    channel.update([2])
    assert (mine, channel.get()) == ([1], [1, 2])


def test_nothing_is_saved() -> None:
    channel = delta()
    channel.update([1])
    assert channel.checkpoint() is MISSING


@pytest.mark.parametrize(
    ("saved", "value"),
    [(MISSING, []), (_DeltaSnapshot([1]), [1]), ([1], [1]), (None, None), (_DeltaSnapshot(None), None)],
    ids=str,
)
def test_it_starts_from_nothing_a_snapshot_or_a_plain_value(saved: Any, value: Any) -> None:
    channel = delta(snapshot_frequency=7)
    channel.update([9])
    restored = channel.from_checkpoint(saved)
    assert restored.get() == value
    assert (restored.key, restored.snapshot_frequency, restored.reducer) == ("log", 7, extend)
    assert channel.get() == [9]


def test_a_reducer_that_works_in_place_reaches_neither_snapshot_nor_copy() -> None:
    saved = _DeltaSnapshot([1])
    channel = delta(extend_in_place).from_checkpoint(saved)
    twin = channel.copy()
    channel.update([2])
    assert (saved.value, twin.get(), channel.get()) == ([1], [1], [1, 2])


def test_a_copy_of_an_empty_channel_is_empty() -> None:
    assert not delta().copy().is_available()


def write(value: Any) -> tuple[str, str, Any]:
    return ("task", "log", value)


def test_replayed_writes_are_merged_in_one_call() -> None:
    calls = []
    channel = delta(lambda state, writes: calls.append(writes) or [*state, *writes]).from_checkpoint(
        _DeltaSnapshot([0])
    )
    channel.replay_writes([write(1), write(2)])
    assert channel.get() == [0, 1, 2]
    assert calls == [[1, 2]]


def test_replaying_nothing_calls_nothing() -> None:
    channel = delta(lambda state, writes: 1 / 0).from_checkpoint(MISSING)
    channel.replay_writes([])
    assert channel.get() == []


def test_a_bare_channel_can_replay() -> None:
    channel = delta()
    channel.replay_writes([write(1)])
    assert channel.get() == [1]


@pytest.mark.parametrize("form", FORMS)
def test_the_last_overwrite_is_where_a_replay_starts(form: Any) -> None:
    channel = delta().from_checkpoint(_DeltaSnapshot([0]))
    channel.replay_writes([write(1), write(form([5])), write(2), write(form([6])), write(3)])
    assert channel.get() == [6, 3]


def test_a_replayed_overwrite_with_none_starts_from_the_zero() -> None:
    channel = delta().from_checkpoint(_DeltaSnapshot([0]))
    channel.replay_writes([write(Overwrite(None)), write(3)])
    assert channel.get() == [3]


def test_a_replay_leaves_the_stored_writes_alone() -> None:
    writes = [write(1), write(Overwrite([5])), write(2)]
    channel = delta(extend_in_place).from_checkpoint(MISSING)
    channel.replay_writes(writes)
    assert writes == [write(1), write(Overwrite([5])), write(2)]


def test_live_and_replayed_values_agree() -> None:
    live = delta()
    batches = [[1], [2, 3], [Overwrite([9])], [4]]
    for batch in batches:
        live.update(batch)
    replayed = delta().from_checkpoint(MISSING)
    replayed.replay_writes([write(value) for batch in batches for value in batch])
    assert replayed.get() == live.get() == [9, 4]


def test_a_type_without_a_zero_is_said_with_the_channels_name() -> None:
    channel = delta(typ=list | None)
    for start in (lambda: channel.from_checkpoint(MISSING), lambda: channel.update([1])):
        with pytest.raises(TypeError) as caught:
            start()
        assert "Channel 'log' (DeltaChannel) has no first value" in caught.value.__notes__[0]


def test_equality_looks_at_reducer_and_frequency() -> None:
    assert DeltaChannel(extend) == DeltaChannel(extend, dict)
    assert DeltaChannel(extend) != DeltaChannel(extend_in_place)
    assert DeltaChannel(extend) != DeltaChannel(extend, snapshot_frequency=2)
    assert DeltaChannel(lambda s, w: s) == DeltaChannel(lambda s, w: w)
    assert DeltaChannel(extend) != LastValue(list)


def test_a_snapshot_is_a_named_tuple_of_one() -> None:
    assert _DeltaSnapshot([1]).value == [1]
    assert _DeltaSnapshot([1]) == _DeltaSnapshot([1])
