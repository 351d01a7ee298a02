from __future__ import annotations

import pytest

from rxgraph.channels import EphemeralValue, UntrackedValue
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError


def test_types_and_facts() -> None:
    channel = UntrackedValue(int)
    assert (channel.ValueType, channel.UpdateType, channel.key, channel.guard) == (int, int, "", True)
    assert (channel.fades, channel.settles) == (False, True)


def test_a_value_stays_for_the_run_and_out_of_checkpoints() -> None:
    channel = UntrackedValue(int)
    assert channel.update([1]) is True
    assert channel.update([]) is False
    assert channel.get() == 1
    assert channel.checkpoint() is MISSING


def test_it_comes_back_empty_even_if_something_was_saved() -> None:
    """A channel that was a plain value in an earlier version of the program loses its old value."""
    channel = UntrackedValue(int)
    channel.key = "secret"
    with pytest.raises(EmptyChannelError, match=r"'secret' \(UntrackedValue\)"):
        channel.from_checkpoint(3).get()


def test_a_copy_holds_the_value() -> None:
    channel = UntrackedValue(int, False)
    channel.update([1])
    assert channel.copy().get() == 1
    assert channel.copy().guard is False


def test_the_guard_refuses_two_writes_and_keeps_the_value() -> None:
    channel = UntrackedValue(int)
    channel.key = "n"
    channel.update([1])
    with pytest.raises(InvalidUpdateError, match=r"'n' \(UntrackedValue\) got 2 writes .* guard=False .*CONCURRENT"):
        channel.update([2, 3])
    assert channel.get() == 1


def test_without_the_guard_the_last_write_wins() -> None:
    channel = UntrackedValue(int, guard=False)
    channel.update([1, 2])
    assert channel.get() == 2


def test_equality_looks_at_the_guard() -> None:
    assert UntrackedValue(int) == UntrackedValue(str)
    assert UntrackedValue(int) != UntrackedValue(int, guard=False)
    assert UntrackedValue(int) != EphemeralValue(int)
