from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rxgraph.channels import LastValue, Topic
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError


def test_types() -> None:
    assert Topic(int).ValueType == Sequence[int]
    assert Topic(int).UpdateType == int | list[int]


def test_only_an_accumulating_topic_does_not_fade() -> None:
    assert Topic(int).fades is True
    assert Topic(int, accumulate=True).fades is False
    assert Topic(int).settles is False


def test_values_last_for_one_superstep() -> None:
    topic = Topic(int)
    topic.key = "queue"
    assert topic.update([]) is False
    assert topic.update([1, 2]) is True
    assert topic.get() == [1, 2]
    assert topic.update([3]) is True
    assert topic.get() == [3]
    assert topic.update([]) is True
    assert not topic.is_available()
    with pytest.raises(EmptyChannelError, match=r"'queue' \(Topic\)"):
        topic.get()


def test_accumulated_values_stay() -> None:
    topic = Topic(int, accumulate=True)
    assert topic.update([1]) is True
    assert topic.update([]) is False
    assert topic.update([2]) is True
    assert topic.get() == [1, 2]


def test_lists_count_as_their_items_and_tuples_as_one_value() -> None:
    topic = Topic[Any](object)
    topic.update([[1, [2]], 3, (4, 5)])
    assert topic.get() == [1, [2], 3, (4, 5)]


@pytest.mark.parametrize("accumulate", [False, True])
def test_empty_lists_are_no_values(accumulate: bool) -> None:
    topic = Topic(int, accumulate)
    assert topic.update([[]]) is False
    topic.update([1])
    assert topic.update([[]]) is not accumulate
    assert topic.is_available() is accumulate


@pytest.mark.parametrize("accumulate", [False, True])
def test_values_read_and_saved_are_copies(accumulate: bool) -> None:
    topic = Topic(int, accumulate)
    topic.update([1])
    saved = topic.checkpoint()
    restored = topic.from_checkpoint(saved)
    restored.update([2])
    topic.get().append(9)  # type: ignore[attr-defined]
    topic.update([3])
    assert saved == [1]
    assert topic.get() == ([1, 3] if accumulate else [3])


def test_an_empty_topic_saves_an_empty_list() -> None:
    assert Topic(int).checkpoint() == []
    assert not Topic(int).from_checkpoint([]).is_available()
    assert not Topic(int).from_checkpoint(MISSING).is_available()


def test_the_checkpoint_of_old_versions_is_understood() -> None:
    assert Topic(int).from_checkpoint((set(), [1, 2])).get() == [1, 2]


def test_equality_looks_at_accumulate() -> None:
    assert Topic(int) == Topic(str)
    assert Topic(int) != Topic(int, accumulate=True)
    assert Topic(int) != LastValue(int)
