"""The public suite, run against every channel of ours, one of a user, and a row of broken ones."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Self
from unittest import SkipTest

import pytest

import rxgraph.channels
from rxgraph.channels import (
    AnyValue,
    BaseChannel,
    BinaryOperatorAggregate,
    DeltaChannel,
    EphemeralValue,
    LastValue,
    LastValueAfterFinish,
    NamedBarrierValue,
    NamedBarrierValueAfterFinish,
    Topic,
    UntrackedValue,
)
from rxgraph.channels._overwrite import Overwrite
from rxgraph.errors import EmptyChannelError
from rxgraph.testing import ChannelConformance


class Highest(BaseChannel[int, int, int]):
    """A user's channel, written with no more than the contract asks for: it keeps the highest number."""

    def __init__(self, typ: Any, key: str = "") -> None:
        super().__init__(typ, key)
        self.numbers: list[int] = []

    @property
    def ValueType(self) -> Any:
        return int

    @property
    def UpdateType(self) -> Any:
        return int

    def update(self, values: Sequence[int]) -> bool:
        highest = max([*self.numbers, *values], default=None)
        changed = highest is not None and [highest] != self.numbers
        if changed:
            self.numbers = [highest]  # type: ignore[list-item]
        return changed

    def get(self) -> int:
        if not self.numbers:
            raise EmptyChannelError(f"no number yet in {self.key!r}")
        return self.numbers[0]

    def from_checkpoint(self, checkpoint: Any) -> Self:
        restored = type(self)(self.typ, self.key)
        restored.numbers = [checkpoint] if isinstance(checkpoint, int) else []
        return restored

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Highest)


class TestHighest(ChannelConformance):
    def create(self) -> Any:
        return Highest(int, "best")

    def updates(self) -> list[list[Any]]:
        return [[3], [5, 4], [1]]


class TestLastValue(ChannelConformance):
    def create(self) -> Any:
        return LastValue(list, "docs")

    def updates(self) -> list[list[Any]]:
        return [[["a"]], [[]], [None]]

    def refused(self) -> list[list[Any]]:
        return [["a", "b"]]


class TestLastValueAfterFinish(ChannelConformance):
    def create(self) -> Any:
        return LastValueAfterFinish(str, "branch:to:n")

    def updates(self) -> list[list[Any]]:
        return [["a"], ["b", "c"]]


class TestAnyValue(ChannelConformance):
    def create(self) -> Any:
        return AnyValue(int, "n")

    def updates(self) -> list[list[Any]]:
        return [[1], [2, 2]]


class TestEphemeralValue(ChannelConformance):
    def create(self) -> Any:
        return EphemeralValue(int)

    def updates(self) -> list[list[Any]]:
        return [[1], [0]]

    def refused(self) -> list[list[Any]]:
        return [[1, 2]]


class TestEphemeralValueWithoutGuard(ChannelConformance):
    def create(self) -> Any:
        return EphemeralValue(int, guard=False)

    def updates(self) -> list[list[Any]]:
        return [[1], [2, 3]]


class TestUntrackedValue(ChannelConformance):
    def create(self) -> Any:
        return UntrackedValue(int)

    def updates(self) -> list[list[Any]]:
        return [[1], [2]]

    def refused(self) -> list[list[Any]]:
        return [[1, 2]]


class TestTopic(ChannelConformance):
    def create(self) -> Any:
        return Topic(int)

    def updates(self) -> list[list[Any]]:
        return [[1], [[2, 3], 4], [(5, 6)]]


class TestAccumulatingTopic(TestTopic):
    def create(self) -> Any:
        return Topic(int, accumulate=True)


class TestBinaryOperatorAggregate(ChannelConformance):
    def create(self) -> Any:
        return BinaryOperatorAggregate(list, operator.add)

    def updates(self) -> list[list[Any]]:
        return [[["a"]], [["b"], ["c"]], [["d"], Overwrite(["e"])]]

    def refused(self) -> list[list[Any]]:
        return [[["x"], Overwrite(["y"]), {"__overwrite__": ["z"]}]]


class TestBinaryOperatorAggregateWithoutZero(ChannelConformance):
    def create(self) -> Any:
        return BinaryOperatorAggregate(int | None, operator.add)

    def updates(self) -> list[list[Any]]:
        return [[Overwrite(4)], [1, 2]]


class TestDeltaChannel(ChannelConformance):
    def create(self) -> Any:
        return DeltaChannel(lambda state, writes: [*state, *writes])

    def updates(self) -> list[list[Any]]:
        return [[1], [2, 3], [Overwrite([9]), 4]]

    def refused(self) -> list[list[Any]]:
        return [[Overwrite(None), Overwrite([1])]]


class TestDeltaChannelInPlace(ChannelConformance):
    def create(self) -> Any:
        return DeltaChannel(operator.iadd)

    def updates(self) -> list[list[Any]]:
        return [[1], [2, 3]]


class TestNamedBarrierValue(ChannelConformance):
    def create(self) -> Any:
        return NamedBarrierValue(str, {"a", "b"})

    def updates(self) -> list[list[Any]]:
        return [["a"], ["a", "b"]]

    def refused(self) -> list[list[Any]]:
        return [["x"], ["a", "x"]]


class TestNamedBarrierValueAfterFinish(TestNamedBarrierValue):
    def create(self) -> Any:
        return NamedBarrierValueAfterFinish(str, {"a", "b"})


def test_every_channel_of_ours_stands_in_this_file() -> None:
    suites = [
        value for value in globals().values() if isinstance(value, type) and issubclass(value, ChannelConformance)
    ]
    tested = {type(suite().create()).__name__ for suite in suites if suite is not ChannelConformance}
    assert tested >= set(rxgraph.channels.__all__) - {"BaseChannel"}


def test_every_rule_says_what_to_check() -> None:
    rules = {name: rule for name, rule in vars(ChannelConformance).items() if name.startswith("test_")}
    assert len(rules) > 15
    for name, rule in rules.items():
        assert name.startswith(("test_required_", "test_optional_")), name
        assert "If this fails, " in rule.__doc__, name


# The suite finds what is wrong: each broken channel differs from Highest by one line.


def broken(**changes: Any) -> type[Highest]:
    return type("Broken", (Highest,), changes)


def _get_as_none(self: Highest) -> Any:
    return self.numbers[0] if self.numbers else None


def _get_that_empties(self: Highest) -> int:
    value = Highest.get(self)
    self.numbers = []
    return value


def _update_without_answer(self: Highest, values: Sequence[int]) -> None:
    Highest.update(self, values)


def _update_that_denies(self: Highest, values: Sequence[int]) -> bool:
    Highest.update(self, values)
    return False


def _update_that_clears(self: Highest, values: Sequence[int]) -> bool:
    if not values:
        self.numbers = []
        return True
    return Highest.update(self, values)


def _update_that_pops(self: Highest, values: Any) -> bool:
    return Highest.update(self, [values.pop()] if values else [])


def _update_of_lists(self: Highest, values: Any) -> bool:
    return Highest.update(self, values + [])  # noqa: RUF005


def _update_in_place(self: Highest, values: Sequence[int]) -> bool:
    self.numbers += values
    self.numbers.sort(reverse=True)
    return bool(values)


def _refusal_too_late(self: Highest, values: Sequence[int]) -> bool:
    changed = Highest.update(self, [value for value in values if value < 100])
    if max(values, default=0) >= 100:
        raise rxgraph.errors.InvalidUpdateError("too high")
    return changed


def _restore_itself(self: Highest, checkpoint: Any) -> Highest:
    self.numbers = [checkpoint] if isinstance(checkpoint, int) else []
    return self


def _restore_numbers(self: Highest, checkpoint: Any) -> Highest:
    restored = type(self)(self.typ, self.key)
    restored.numbers = checkpoint if isinstance(checkpoint, list) else []
    return restored


def _restore_the_present(self: Highest, checkpoint: Any) -> Highest:
    restored = type(self)(self.typ, self.key)
    restored.numbers = list(self.numbers)
    return restored


def _restore_without_name(self: Highest, checkpoint: Any) -> Highest:
    restored = type(self)(self.typ)
    restored.numbers = [checkpoint] if isinstance(checkpoint, int) else []
    return restored


def _consume_a_little(self: Highest) -> int:
    return len(self.numbers)


def _consume_all(self: Highest) -> bool:
    self.numbers = []
    return True


class _Hidden(Highest):
    """Counts its writes, and takes no more than two batches; a restored one has forgotten the count."""

    count = 0

    def update(self, values: Sequence[int]) -> bool:
        self.count += bool(values)
        return self.count <= 2 and super().update(values)


BROKEN: list[tuple[str, Callable[[], Highest]]] = [
    (
        "test_required_empty_channel_raises_empty_channel_error",
        lambda: broken(get=_get_as_none, is_available=lambda self: bool(self.numbers))(int),
    ),
    ("test_required_is_available_agrees_with_get", lambda: broken(is_available=lambda self: True)(int)),
    (
        "test_required_reading_changes_nothing",
        lambda: broken(get=_get_that_empties, is_available=lambda self: bool(self.numbers))(int),
    ),
    ("test_required_samples_reach_the_channel", lambda: broken(update=lambda self, values: False)(int)),
    ("test_required_update_returns_bool", lambda: broken(update=_update_without_answer)(int)),
    ("test_required_false_means_unchanged", lambda: broken(update=_update_that_denies)(int)),
    ("test_required_update_leaves_the_batch_alone", lambda: broken(update=_update_that_pops)(int)),
    (
        "test_required_empty_update_keeps_a_channel_that_does_not_fade",
        lambda: broken(fades=False, update=_update_that_clears)(int),
    ),
    ("test_required_settled_value_stays", lambda: broken(settles=True, consume=_consume_all)(int)),
    (
        "test_required_saved_value_is_the_value",
        lambda: broken(saves_value=True, checkpoint=lambda self: list(self.numbers), from_checkpoint=_restore_numbers)(
            int
        ),
    ),
    ("test_required_refused_update_changes_nothing", lambda: broken(update=_refusal_too_late)(int)),
    ("test_required_refused_update_changes_nothing", lambda: Highest(int)),
    ("test_required_consume_and_finish_return_bool", lambda: broken(consume=_consume_a_little)(int)),
    ("test_required_saved_and_restored_channel_reads_the_same", lambda: broken(checkpoint=lambda self: 4)(int)),
    ("test_required_restored_channel_goes_on_alike", lambda: _Hidden(int)),
    ("test_required_missing_checkpoint_is_a_new_start", lambda: broken(from_checkpoint=_restore_the_present)(int)),
    ("test_required_from_checkpoint_leaves_the_original_alone", lambda: broken(from_checkpoint=_restore_itself)(int)),
    (
        "test_required_checkpoint_shares_nothing",
        lambda: broken(update=_update_in_place, checkpoint=lambda self: self.numbers, from_checkpoint=_restore_numbers)(
            int
        ),
    ),
    ("test_required_copy_reads_the_same_and_goes_on_alike", lambda: _Hidden(int)),
    ("test_required_copy_reads_the_same_and_goes_on_alike", lambda: broken(copy=lambda self: self)(int)),
    ("test_required_copy_shares_nothing", lambda: broken(update=_update_in_place, copy=copy)(int)),
    ("test_required_facts_and_types_exist", lambda: broken(ValueType=lambda self: int)(int)),
    ("test_required_facts_and_types_exist", lambda: broken(fades=None)(int)),
    ("test_required_equality_is_sound", lambda: broken(__eq__=lambda self, other: True)(int)),
    ("test_required_equality_is_sound", lambda: broken(__eq__=lambda self, other: False)(int)),
    ("test_optional_alike_channels_are_equal", lambda: broken(__eq__=object.__eq__)(int)),
    ("test_optional_name_is_kept", lambda: broken(from_checkpoint=_restore_without_name)(int)),
    ("test_optional_any_sequence_is_a_batch", lambda: broken(update=_update_of_lists)(int)),
]


@pytest.mark.parametrize(("rule", "create"), BROKEN, ids=[rule.removeprefix("test_") for rule, _ in BROKEN])
def test_the_suite_finds_a_broken_channel(rule: str, create: Callable[[], Highest]) -> None:
    class Suite(TestHighest):
        def create(self) -> Any:
            return create()

        def refused(self) -> list[list[Any]]:
            return [[50, 100]] if "refused" in rule else []

    with pytest.raises((AssertionError, TypeError)):
        getattr(Suite(), rule)()


def test_every_rule_has_a_broken_channel() -> None:
    rules = {name for name in vars(ChannelConformance) if name.startswith("test_")}
    assert rules == {rule for rule, _ in BROKEN}


def test_a_rule_out_of_reach_is_skipped_not_passed() -> None:
    with pytest.raises(SkipTest, match="may fade"):
        TestHighest().test_required_empty_update_keeps_a_channel_that_does_not_fade()


def test_the_samples_have_to_be_given() -> None:
    with pytest.raises(NotImplementedError, match="create"):
        ChannelConformance().create()
    with pytest.raises(NotImplementedError, match="updates"):
        ChannelConformance().updates()
    assert ChannelConformance().refused() == []
