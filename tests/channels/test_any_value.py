from __future__ import annotations

import pytest

from rxgraph.channels import AnyValue, LastValue
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError


def test_types_and_facts() -> None:
    channel = AnyValue(int, "n")
    assert (channel.ValueType, channel.UpdateType, channel.key) == (int, int, "n")
    assert (channel.fades, channel.settles) == (True, False)


def test_several_writes_are_allowed_and_the_last_one_wins() -> None:
    channel = AnyValue(int)
    assert channel.update([1, 2]) is True
    assert channel.get() == 2


def test_a_superstep_without_writes_empties_it() -> None:
    channel = AnyValue(int, "n")
    assert channel.update([]) is False
    channel.update([1])
    assert channel.update([]) is True
    assert channel.update([]) is False
    assert channel.checkpoint() is MISSING
    with pytest.raises(EmptyChannelError, match=r"'n' \(AnyValue\)"):
        channel.get()


def test_any_two_are_equal() -> None:
    assert AnyValue(int) == AnyValue(str)
    assert AnyValue(int) != LastValue(int)
