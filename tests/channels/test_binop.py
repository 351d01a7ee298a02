from __future__ import annotations

import collections
import functools
import operator
import typing
from collections import abc
from typing import Annotated, Any, Literal, NotRequired, Optional, Required

import pytest

from rxgraph.channels import BinaryOperatorAggregate, LastValue
from rxgraph.channels._overwrite import Overwrite
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError

FORMS = [
    pytest.param(Overwrite, id="class"),
    pytest.param(lambda value: {"__overwrite__": value}, id="short"),
    pytest.param(lambda value: {"value": value, "type": "__overwrite__"}, id="long"),
]


def summing(typ: Any = int) -> BinaryOperatorAggregate[Any]:
    channel = BinaryOperatorAggregate[Any](typ, operator.add)
    channel.key = "total"
    return channel


def test_types_and_facts() -> None:
    channel = BinaryOperatorAggregate(typing.Sequence, operator.add)
    assert channel.ValueType is channel.UpdateType is channel.typ is typing.Sequence
    assert (channel.fades, channel.settles) == (False, True)
    assert channel.operator is operator.add


class NoZero:
    def __init__(self, needed: int) -> None: ...


class Explodes:
    def __init__(self) -> None:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("typ", "zero"),
    [
        (int, 0),
        (str, ""),
        (list, []),
        (list[int], []),
        (tuple, ()),
        (type(None), None),
        (typing.List, []),  # noqa: UP006
        (typing.Sequence, []),
        (typing.Sequence[int], []),
        (abc.MutableSequence, []),
        (abc.Set, set()),
        (typing.AbstractSet[int], set()),
        (abc.MutableSet, set()),
        (frozenset, frozenset()),
        (abc.Mapping, {}),
        (typing.Mapping[str, int], {}),
        (abc.MutableMapping, {}),
        (collections.deque, collections.deque()),
        (Required[list], []),
        (NotRequired[list[int]], []),
        (Annotated[list, "doc"], []),
        (Annotated[Required[abc.Sequence[int]], "doc"], []),
    ],
    ids=str,
)
def test_it_starts_with_the_zero_of_its_type(typ: Any, zero: Any) -> None:
    channel = summing(typ)
    assert channel.get() == zero
    assert type(channel.get()) is type(zero)
    assert channel.from_checkpoint(MISSING).get() == zero


@pytest.mark.parametrize(
    "typ",
    [
        Optional[int],  # noqa: UP045
        int | None,
        Any,
        Literal["a"],
        None,
        abc.Iterable,
        typing.NewType("N", int),
        "int",
        NoZero,
        Explodes,
    ],
    ids=str,
)
def test_a_type_without_a_zero_starts_empty_and_the_first_write_is_the_base(typ: Any) -> None:
    channel = summing(typ)
    assert not channel.is_available()
    assert channel.checkpoint() is MISSING
    with pytest.raises(EmptyChannelError, match=r"'total' \(BinaryOperatorAggregate\)"):
        channel.get()
    channel.update([5, 2])
    assert channel.get() == 7


def test_writes_are_folded_from_the_left() -> None:
    channel = BinaryOperatorAggregate(str, lambda left, right: f"({left}{right})")
    assert channel.update(["a", "b"]) is True
    assert channel.update([]) is False
    assert channel.update(["c"]) is True
    assert channel.get() == "(((a)b)c)"


def test_a_write_that_alters_nothing_still_counts_as_one() -> None:
    assert summing().update([0]) is True


def test_a_failing_reducer_leaves_the_value() -> None:
    channel = summing()
    channel.update([1])
    with pytest.raises(TypeError):
        channel.update([2, "x"])
    assert channel.get() == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [["O"], [1, "O"], ["O", 1], [1, "O", 1]], ids=str)
def test_an_overwrite_beats_the_other_writes_in_any_order(form: Any, batch: list[Any]) -> None:
    channel = summing()
    channel.update([10])
    assert channel.update([form(5) if write == "O" else write for write in batch]) is True
    assert channel.get() == 5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [["O"], [1, "O"], ["O", 1]], ids=str)
def test_an_overwrite_as_the_first_write_is_unwrapped(form: Any, batch: list[Any]) -> None:
    """LangGraph stores the wrapper when the type has no zero; here the value arrives."""
    channel = summing(int | None)
    channel.update([form(5) if write == "O" else write for write in batch])
    assert channel.get() == 5


def test_overwriting_with_none_stores_none() -> None:
    channel = summing()
    channel.update([Overwrite(None)])
    assert channel.is_available()
    assert channel.get() is None


@pytest.mark.parametrize("typ", [int, int | None], ids=str)
@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("second", FORMS)
def test_two_overwrites_are_refused(typ: Any, first: Any, second: Any) -> None:
    channel = summing(typ)
    channel.update([1])
    with pytest.raises(
        InvalidUpdateError, match=r"'total' .*more than one Overwrite.*\[INVALID_CONCURRENT_GRAPH_UPDATE\]"
    ):
        channel.update([first(1), 7, second(2)])
    assert channel.get() == 1


def test_dicts_that_are_no_overwrite_are_merged() -> None:
    channel = BinaryOperatorAggregate(dict, operator.or_)
    channel.update([{"a": 1}, {"type": "x", "value": 2}, {"__overwrite__": 3, "b": 4}])
    assert channel.get() == {"a": 1, "type": "x", "value": 2, "__overwrite__": 3, "b": 4}


def test_restored_and_copied_channels_hold_value_name_and_reducer() -> None:
    channel = summing()
    channel.update([3])
    for other in (channel.copy(), channel.from_checkpoint(channel.checkpoint())):
        other.update([1])
        assert (other.get(), other.key, other.operator) == (4, "total", operator.add)
    assert channel.get() == 3
    assert channel.from_checkpoint(None).get() is None


class Merger:
    def merge(self, left: int, right: int) -> int:
        return left


class Callable:
    def __call__(self, left: int, right: int) -> int:
        return left


def test_equality_is_that_of_the_reducers() -> None:
    def same(left: Any, right: Any) -> bool:
        answers = {
            BinaryOperatorAggregate(int, left) == BinaryOperatorAggregate(str, right),
            BinaryOperatorAggregate(int, right) == BinaryOperatorAggregate(str, left),
        }
        assert len(answers) == 1, "== depends on the order"
        return answers.pop()

    assert same(operator.add, operator.add)
    assert not same(operator.add, operator.or_)
    assert same(lambda a, b: a, lambda a, b: b)
    assert same(lambda a, b: a, operator.add)
    merger = Merger()
    assert same(merger.merge, merger.merge), "each access makes another bound method"
    assert not same(merger.merge, Merger().merge)
    # Neither has a __name__.
    assert not same(functools.partial(operator.add), Callable())
    assert BinaryOperatorAggregate(int, operator.add) != LastValue(int)
