"""What a channel gets from ``BaseChannel`` when it defines no more than it must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import pytest

from rxgraph.channels import BaseChannel
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError


class Minimal(BaseChannel[int, int, int]):
    value: Any = MISSING

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[int]) -> bool:
        if values:
            self.value = values[-1]
        return bool(values)

    def get(self) -> int:
        if self.value is MISSING:
            raise self._empty()
        return self.value

    def from_checkpoint(self, checkpoint: Any) -> Self:
        restored = type(self)(self.typ, self.key)
        restored.value = checkpoint
        return restored


def test_the_base_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BaseChannel(int)  # type: ignore[abstract]


def test_typ_and_key_are_kept_and_the_key_is_empty_by_default() -> None:
    assert (Minimal(int).typ, Minimal(int).key, Minimal(int, "k").key) == (int, "", "k")


def test_facts_promise_nothing_by_default() -> None:
    """A channel written for LangGraph is right here without knowing about the facts."""
    assert Minimal.fades is True
    assert Minimal.settles is False


def test_availability_checkpoint_and_copy_follow_from_get() -> None:
    channel = Minimal(int, "k")
    assert channel.is_available() is False
    assert channel.checkpoint() is MISSING
    channel.update([3])
    assert channel.is_available() is True
    assert channel.checkpoint() == 3
    twin = channel.copy()
    channel.update([4])
    assert (twin.get(), twin.key) == (3, "k")


def test_consume_and_finish_do_nothing() -> None:
    assert Minimal(int).consume() is False
    assert Minimal(int).finish() is False


def test_an_override_of_consume_or_finish_can_be_told_by_identity() -> None:
    """The engine calls them only where they were overridden."""
    assert Minimal.consume is BaseChannel.consume
    assert Minimal.finish is BaseChannel.finish


def test_repr_shows_the_name_and_what_is_held() -> None:
    channel = Minimal(int, "best")
    assert repr(channel) == "<Minimal 'best' empty>"
    channel.update([3])
    assert repr(channel) == "<Minimal 'best' 3>"
    assert repr(Minimal(int)) == "<Minimal empty>"


def test_the_error_of_an_empty_read_names_channel_and_class() -> None:
    with pytest.raises(EmptyChannelError, match=r"Channel 'best' \(Minimal\) was read while it is empty"):
        Minimal(int, "best").get()
