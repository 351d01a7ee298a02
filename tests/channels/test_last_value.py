from __future__ import annotations

import pytest

from rxgraph.channels import AnyValue, LastValue, LastValueAfterFinish
from rxgraph.channels._overwrite import Overwrite
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError


class TestLastValue:
    def test_types_name_and_facts(self) -> None:
        channel = LastValue(int, "n")
        assert (channel.ValueType, channel.UpdateType, channel.typ, channel.key) == (int, int, int, "n")
        assert (channel.fades, channel.settles) == (False, True)
        assert not hasattr(channel, "__dict__")

    def test_the_last_write_stays(self) -> None:
        channel = LastValue(int)
        assert channel.update([1]) is True
        assert channel.update([]) is False
        assert channel.get() == 1
        assert channel.update([2]) is True
        assert channel.get() == 2

    @pytest.mark.parametrize("value", [None, 0, "", []])
    def test_falsy_values_are_values(self, value: object) -> None:
        channel = LastValue[object](object)
        channel.update([value])
        assert channel.is_available()
        assert channel.get() == value
        assert channel.from_checkpoint(channel.checkpoint()).get() == value

    def test_an_equal_write_counts_as_a_change(self) -> None:
        channel = LastValue(int)
        channel.update([1])
        assert channel.update([1]) is True

    def test_two_writes_are_refused_and_change_nothing(self) -> None:
        channel = LastValue(list, "docs")
        channel.update([["a"]])
        with pytest.raises(InvalidUpdateError) as caught:
            channel.update([["b"], ["c"]])
        assert str(caught.value) == (
            "Channel 'docs' (LastValue) got 2 writes in one superstep; it keeps one. Annotate it with a reducer, e.g. "
            "Annotated[list, operator.add]. [INVALID_CONCURRENT_GRAPH_UPDATE]"
        )
        assert channel.get() == ["a"]

    def test_an_empty_read_names_the_channel(self) -> None:
        with pytest.raises(EmptyChannelError, match=r"Channel 'docs' \(LastValue\)"):
            LastValue(list, "docs").get()
        assert LastValue(list).checkpoint() is MISSING

    def test_an_overwrite_is_stored_as_it_is(self) -> None:
        """Every write overwrites here, so the marker has no meaning; LangGraph stores it too."""
        channel = LastValue[object](object)
        channel.update([Overwrite(1)])
        assert channel.get() == Overwrite(1)

    def test_the_value_is_not_copied(self) -> None:
        value: list[int] = []
        channel = LastValue(list)
        channel.update([value])
        assert channel.get() is value
        assert channel.copy().get() is value

    def test_any_two_are_equal(self) -> None:
        class Child(LastValue[int]):
            pass

        assert LastValue(int) == LastValue(str, "k")
        assert LastValue(int) == Child(int)
        assert LastValue(int) != AnyValue(int)
        assert LastValue(int) != LastValueAfterFinish(int)


class TestLastValueAfterFinish:
    def test_types_and_facts(self) -> None:
        channel = LastValueAfterFinish(int, "n")
        assert (channel.ValueType, channel.UpdateType, channel.key) == (int, int, "n")
        assert (channel.fades, channel.settles) == (False, False)

    def test_the_value_shows_after_finish_only(self) -> None:
        channel = LastValueAfterFinish(int, "n")
        assert channel.finish() is False
        assert channel.update([1, 2]) is True
        assert not channel.is_available()
        with pytest.raises(EmptyChannelError, match="'n'.*waits for the end of the run"):
            channel.get()
        assert channel.finish() is True
        assert channel.finish() is False
        assert channel.get() == 2

    def test_a_later_write_hides_it_again(self) -> None:
        channel = LastValueAfterFinish(int)
        channel.update([1])
        channel.finish()
        assert channel.update([]) is False
        assert channel.is_available()
        channel.update([2])
        assert not channel.is_available()
        channel.finish()
        assert channel.get() == 2

    def test_consume_empties_what_was_shown(self) -> None:
        channel = LastValueAfterFinish(int)
        channel.update([1])
        assert channel.consume() is False
        channel.finish()
        assert channel.consume() is True
        assert not channel.is_available()
        assert channel.finish() is False

    def test_checkpoint_is_the_value_and_the_flag(self) -> None:
        channel = LastValueAfterFinish(int)
        assert channel.checkpoint() is MISSING
        channel.update([1])
        assert channel.checkpoint() == (1, False)
        channel.finish()
        assert channel.checkpoint() == (1, True)
        assert channel.from_checkpoint((1, True)).get() == 1
        # JSON has no tuples.
        assert channel.from_checkpoint([1, True]).get() == 1  # type: ignore[arg-type]

    def test_any_two_are_equal(self) -> None:
        assert LastValueAfterFinish(int) == LastValueAfterFinish(str)
        assert LastValueAfterFinish(int) != LastValue(int)
