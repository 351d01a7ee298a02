from __future__ import annotations

import pytest

from rxgraph.channels import EphemeralValue, UntrackedValue
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError


def test_types_and_facts() -> None:
    channel = EphemeralValue(int)
    assert (channel.ValueType, channel.UpdateType, channel.key, channel.guard) == (int, int, "", True)
    assert (channel.fades, channel.settles) == (True, False)


def test_a_value_lasts_for_one_superstep() -> None:
    channel = EphemeralValue(int)
    channel.key = "branch:to:n"
    assert channel.update([]) is False
    assert channel.update([1]) is True
    assert channel.get() == 1
    assert channel.checkpoint() == 1
    assert channel.update([]) is True
    assert channel.update([]) is False
    assert channel.checkpoint() is MISSING
    with pytest.raises(EmptyChannelError, match=r"'branch:to:n' \(EphemeralValue\)"):
        channel.get()


def test_the_guard_refuses_two_writes_and_keeps_the_value() -> None:
    channel = EphemeralValue(int)
    channel.update([1])
    channel.key = "n"
    with pytest.raises(InvalidUpdateError, match=r"'n' \(EphemeralValue\) got 2 writes .* guard=False .*CONCURRENT"):
        channel.update([2, 3])
    assert channel.get() == 1


def test_without_the_guard_the_last_write_wins() -> None:
    channel = EphemeralValue(int, guard=False)
    assert channel.update([1, 2]) is True
    assert channel.get() == 2


def test_restored_and_copied_channels_keep_guard_and_name() -> None:
    channel = EphemeralValue(int, False)
    channel.key = "n"
    channel.update([1])
    for other in (channel.copy(), channel.from_checkpoint(1)):
        assert (other.guard, other.key, other.get()) == (False, "n", 1)


def test_equality_looks_at_the_guard() -> None:
    assert EphemeralValue(int) == EphemeralValue(str)
    assert EphemeralValue(int) != EphemeralValue(int, guard=False)
    assert EphemeralValue(int) != UntrackedValue(int)
