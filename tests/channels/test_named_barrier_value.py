from __future__ import annotations

from typing import Any

import pytest

from rxgraph.channels import NamedBarrierValue, NamedBarrierValueAfterFinish
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError

Barrier = NamedBarrierValue[str] | NamedBarrierValueAfterFinish[str]

both = pytest.mark.parametrize("cls", [NamedBarrierValue, NamedBarrierValueAfterFinish])


def barrier(cls: Any, *names: str) -> Any:
    channel = cls(str, set(names or ("a", "b")))
    channel.key = "join:a+b:c"
    return channel


@both
def test_types_and_facts(cls: Any) -> None:
    channel = barrier(cls)
    assert (channel.ValueType, channel.UpdateType) == (str, str)
    assert (channel.fades, channel.settles) == (False, False)


@both
def test_update_tells_whether_a_name_is_new(cls: Any) -> None:
    channel = barrier(cls)
    assert channel.update([]) is False
    assert channel.update(["a", "a"]) is True
    assert channel.update(["a"]) is False
    assert not channel.is_available()
    assert channel.update(["a", "b"]) is True


@both
@pytest.mark.parametrize("batch", [["x"], ["b", "x"], ["x", "b"]])
def test_a_strange_name_is_refused_with_the_whole_batch(cls: Any, batch: list[str]) -> None:
    channel = barrier(cls)
    channel.update(["a"])
    with pytest.raises(InvalidUpdateError, match=r"'join:a\+b:c' \(Named.*\) got 'x': expected one of 'a', 'b'"):
        channel.update(batch)
    assert channel.seen == {"a"}


@both
def test_an_early_read_tells_what_is_missing(cls: Any) -> None:
    channel = barrier(cls)
    channel.update(["a"])
    with pytest.raises(EmptyChannelError, match=r"'join:a\+b:c' .* waits for 'b'"):
        channel.get()


@both
def test_repr_counts_the_names(cls: Any) -> None:
    channel = barrier(cls)
    channel.update(["a"])
    assert repr(channel) == f"<{cls.__name__} 'join:a+b:c' seen 1 of 2>"


@both
def test_names_may_be_any_collection(cls: Any) -> None:
    channel = cls(str, ["a"])
    channel.update(["a"])
    channel.finish()
    assert channel.is_available()
    assert channel == cls(str, {"a"})


@both
def test_equality_looks_at_the_names(cls: Any) -> None:
    assert barrier(cls, "a") == cls(int, {"a"})
    assert barrier(cls, "a") != barrier(cls, "b")
    other = NamedBarrierValueAfterFinish if cls is NamedBarrierValue else NamedBarrierValue
    assert barrier(cls) != barrier(other)


@both
def test_checkpoint_copies_the_names_seen(cls: Any) -> None:
    channel = barrier(cls)
    channel.update(["a"])
    saved = channel.checkpoint()
    restored = channel.from_checkpoint(saved)
    restored.update(["b"])
    channel.copy().update(["b"])
    assert saved == channel.checkpoint()
    assert channel.seen == {"a"}
    assert restored.seen == {"a", "b"}
    assert channel.from_checkpoint(MISSING).seen == set()


def test_it_is_available_once_all_names_were_seen_and_reads_none() -> None:
    channel = barrier(NamedBarrierValue)
    channel.update(["b", "a"])
    assert channel.is_available()
    assert channel.get() is None
    assert channel.finish() is False


def test_consume_starts_over_when_all_were_seen() -> None:
    channel = barrier(NamedBarrierValue)
    channel.update(["a"])
    assert channel.consume() is False
    channel.update(["b"])
    assert channel.consume() is True
    assert channel.consume() is False
    assert channel.checkpoint() == set()


def test_a_saved_set_may_come_back_as_a_list() -> None:
    channel = NamedBarrierValue(str, {"a"})
    assert channel.from_checkpoint(["a"]).is_available()
    assert NamedBarrierValueAfterFinish(str, {"a"}).from_checkpoint((["a"], True)).is_available()


class TestAfterFinish:
    def test_it_waits_for_finish_too(self) -> None:
        channel = barrier(NamedBarrierValueAfterFinish)
        assert channel.finish() is False
        channel.update(["a", "b"])
        assert not channel.is_available()
        with pytest.raises(EmptyChannelError, match="waits for the end of the run"):
            channel.get()
        assert channel.finish() is True
        assert channel.finish() is False
        assert channel.get() is None
        assert repr(channel) == "<NamedBarrierValueAfterFinish 'join:a+b:c' None>"

    def test_a_name_seen_again_does_not_hide_it(self) -> None:
        channel = barrier(NamedBarrierValueAfterFinish)
        channel.update(["a", "b"])
        channel.finish()
        assert channel.update(["a"]) is False
        assert channel.is_available()

    def test_consume_resets_both(self) -> None:
        channel = barrier(NamedBarrierValueAfterFinish)
        channel.update(["a", "b"])
        assert channel.consume() is False
        channel.finish()
        assert channel.consume() is True
        assert channel.checkpoint() == (set(), False)

    def test_checkpoint_holds_both(self) -> None:
        channel = barrier(NamedBarrierValueAfterFinish)
        channel.update(["a", "b"])
        assert channel.checkpoint() == ({"a", "b"}, False)
        channel.finish()
        assert channel.from_checkpoint(channel.checkpoint()).is_available()
        assert channel.copy().is_available()
