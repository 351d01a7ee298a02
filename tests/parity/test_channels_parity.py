"""The same history on LangGraph's channels and on ours: same answers, same values, same errors, same checkpoints.

Differences are deliberate and stand at the end, each by name.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import langgraph.channels as theirs
import langgraph.errors
import langgraph.types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph._internal._typing import MISSING as THEIR_MISSING
from langgraph.checkpoint.serde.types import _DeltaSnapshot as TheirSnapshot

import rxgraph.channels as ours
from rxgraph.channels._overwrite import Overwrite
from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError


@dataclass(frozen=True)
class Marked:
    """An ``Overwrite`` that belongs to no library yet."""

    value: Any
    form: str

    def of(self, overwrite: type) -> Any:
        match self.form:
            case "class":
                return overwrite(self.value)
            case "short":
                return {"__overwrite__": self.value}
            case _:
                return {"value": self.value, "type": "__overwrite__"}


def for_us(write: Any) -> Any:
    return write.of(Overwrite) if isinstance(write, Marked) else write


def for_them(write: Any) -> Any:
    return write.of(langgraph.types.Overwrite) if isinstance(write, Marked) else write


def neutral(value: Any) -> Any:
    """What both libraries spell in their own way, made comparable."""
    if value is MISSING or value is THEIR_MISSING:
        return "<missing>"
    if isinstance(value, Overwrite | langgraph.types.Overwrite):
        return ("<overwrite>", value.value)
    if isinstance(value, tuple):
        return tuple(map(neutral, value))
    if isinstance(value, set):
        return set(value)
    return value


def outcome(act: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return ("returned", neutral(act()))
    except Exception as error:
        return ("raised", type(error).__name__)


def concat(state: list[Any], writes: Sequence[Any]) -> list[Any]:
    return [*state, *writes]


ints = st.integers(-3, 3)
nothing_or = st.none() | ints
forms = st.sampled_from(["class", "short", "long"])


def marked(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Marked]:
    return st.builds(Marked, values, forms)


PAIRS: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Any]]] = {
    "LastValue": (lambda lib: lib.LastValue(int), nothing_or | marked(ints)),
    "LastValueAfterFinish": (lambda lib: lib.LastValueAfterFinish(int), nothing_or),
    "AnyValue": (lambda lib: lib.AnyValue(int), nothing_or),
    "EphemeralValue": (lambda lib: lib.EphemeralValue(int), nothing_or),
    "EphemeralValue(guard=False)": (lambda lib: lib.EphemeralValue(int, guard=False), nothing_or),
    "UntrackedValue": (lambda lib: lib.UntrackedValue(int), nothing_or),
    "UntrackedValue(guard=False)": (lambda lib: lib.UntrackedValue(int, guard=False), nothing_or),
    "Topic": (lambda lib: lib.Topic(int), ints | st.lists(ints, max_size=2) | st.tuples(ints)),
    "Topic(accumulate)": (lambda lib: lib.Topic(int, accumulate=True), ints | st.lists(ints, max_size=2)),
    "BinaryOperatorAggregate(int)": (
        lambda lib: lib.BinaryOperatorAggregate(int, operator.add),
        ints | marked(nothing_or) | st.just("no number"),
    ),
    "BinaryOperatorAggregate(Sequence)": (
        lambda lib: lib.BinaryOperatorAggregate(Sequence[int], operator.add),
        st.lists(ints, max_size=2) | marked(st.lists(ints, max_size=2)),
    ),
    "BinaryOperatorAggregate(dict)": (
        lambda lib: lib.BinaryOperatorAggregate(dict, operator.or_),
        st.dictionaries(st.sampled_from(["value", "type", "a"]), ints, max_size=3) | marked(st.just({"b": 1})),
    ),
    # Writes without an overwrite only; that one is a named difference.
    "BinaryOperatorAggregate(int | None)": (lambda lib: lib.BinaryOperatorAggregate(int | None, operator.add), ints),
    "DeltaChannel": (lambda lib: lib.DeltaChannel(concat), ints | marked(st.none() | st.lists(ints, max_size=2))),
    "DeltaChannel(dict)": (
        lambda lib: lib.DeltaChannel(lambda state, writes: {**state, **dict(writes)}, dict),
        st.tuples(st.sampled_from("ab"), ints) | marked(st.none() | st.just({"c": 1})) | st.just(0),
    ),
    "NamedBarrierValue": (lambda lib: lib.NamedBarrierValue(str, {"a", "b"}), st.sampled_from("aabbx")),
    "NamedBarrierValueAfterFinish": (
        lambda lib: lib.NamedBarrierValueAfterFinish(str, {"a", "b"}),
        st.sampled_from("aabbx"),
    ),
}


class Twins:
    """One channel of each library with the same history."""

    def __init__(self, create: Callable[[Any], Any]) -> None:
        self.us, self.them = create(ours), create(theirs)
        self.us.key = self.them.key = "k"

    def check(self) -> None:
        assert outcome(self.us.is_available) == outcome(self.them.is_available)
        assert outcome(self.us.get) == outcome(self.them.get)
        assert outcome(self.us.checkpoint) == outcome(self.them.checkpoint)
        assert self.us.key == self.them.key == "k"

    def act(self, name: str, us: Callable[[], Any], them: Callable[[], Any]) -> None:
        before = self.us.copy(), self.them.copy()
        answers = outcome(us), outcome(them)
        assert answers[0] == answers[1], name
        if answers[0][0] == "raised":
            # A refused update is undone here and half done there, a named difference: both go on from before it.
            assert neutral(self.us.checkpoint()) == neutral(before[0].checkpoint())
            self.us, self.them = before
        self.check()

    def play(self, step: tuple[str, Any]) -> None:
        name, batch = step
        match name:
            case "update":
                mine, other = [for_us(write) for write in batch], [for_them(write) for write in batch]
                self.act(f"update({batch})", lambda: self.us.update(mine), lambda: self.them.update(other))
            case "copy":
                self.us, self.them = self.us.copy(), self.them.copy()
            case "save":
                saved, their_saved = self.us.checkpoint(), self.them.checkpoint()
                self.us, self.them = self.us.from_checkpoint(saved), self.them.from_checkpoint(their_saved)
            case "forget":
                self.us, self.them = self.us.from_checkpoint(MISSING), self.them.from_checkpoint(THEIR_MISSING)
            case _:
                self.act(name, getattr(self.us, name), getattr(self.them, name))
        self.check()


def histories(writes: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    update = st.tuples(st.just("update"), st.lists(writes, max_size=3))
    other = st.tuples(st.sampled_from(["consume", "finish", "save", "copy", "forget"]), st.none())
    return st.lists(update | update | other, max_size=12)


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_history_goes_alike(name: str, data: st.DataObject) -> None:
    create, writes = PAIRS[name]
    twins = Twins(create)
    twins.check()
    for step in data.draw(histories(writes), label="history"):
        twins.play(step)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.none() | st.lists(ints, max_size=2),
    snapshot=st.booleans(),
    writes=st.lists(ints | marked(st.none() | st.lists(ints, max_size=2)), max_size=8),
)
def test_any_replay_of_a_delta_channel_goes_alike(seed: list[int] | None, snapshot: bool, writes: list[Any]) -> None:
    twins = Twins(lambda lib: lib.DeltaChannel(concat))
    if seed is None:
        twins.play(("forget", None))
    else:
        twins.us = twins.us.from_checkpoint(_DeltaSnapshot(seed) if snapshot else seed)
        twins.them = twins.them.from_checkpoint(TheirSnapshot(seed) if snapshot else seed)
    twins.us.replay_writes([("task", "k", for_us(write)) for write in writes])
    twins.them.replay_writes([("task", "k", for_them(write)) for write in writes])
    twins.check()


def test_the_same_names_are_exported() -> None:
    assert set(ours.__all__) == set(theirs.__all__)


@pytest.mark.parametrize("name", sorted(set(ours.__all__)))
def test_constructors_take_the_same_arguments(name: str) -> None:
    def shape(cls: type) -> list[tuple[Any, ...]]:
        parameters = inspect.signature(cls.__init__).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    assert shape(getattr(ours, name)) == shape(getattr(theirs, name))


@pytest.mark.parametrize("name", PAIRS)
def test_types_are_the_same(name: str) -> None:
    twins = Twins(PAIRS[name][0])
    for attribute in ("typ", "ValueType", "UpdateType"):
        assert getattr(twins.us, attribute) == getattr(twins.them, attribute)


first = lambda left, right: left  # noqa: E731
SAMPLES: list[Callable[[Any], Any]] = [
    *(create for create, _ in PAIRS.values()),
    lambda lib: lib.LastValue(str, "other"),
    lambda lib: lib.AnyValue(str),
    lambda lib: lib.EphemeralValue(str),
    lambda lib: lib.NamedBarrierValue(int, {"a", "b"}),
    lambda lib: lib.NamedBarrierValue(str, {"a"}),
    lambda lib: lib.NamedBarrierValueAfterFinish(str, {"a"}),
    lambda lib: lib.BinaryOperatorAggregate(int, first),
    lambda lib: lib.BinaryOperatorAggregate(int, lambda left, right: right),
    lambda lib: lib.DeltaChannel(concat, dict),
    lambda lib: lib.DeltaChannel(concat, snapshot_frequency=2),
    lambda lib: 3,
]


def test_equality_is_the_same_for_every_pair() -> None:
    for left in SAMPLES:
        for right in SAMPLES:
            assert (left(ours) == right(ours)) is (left(theirs) == right(theirs)), (left(ours), right(ours))


# Differences, by name


def test_difference_a_first_overwrite_is_unwrapped() -> None:
    us, them = (lib.BinaryOperatorAggregate(int | None, operator.add) for lib in (ours, theirs))
    us.update([Overwrite(1)])
    them.update([langgraph.types.Overwrite(1)])
    assert (us.get(), them.get()) == (1, langgraph.types.Overwrite(1))


@pytest.mark.parametrize(
    ("create", "batch"),
    [
        (lambda lib: lib.BinaryOperatorAggregate(int, operator.add), [1, "x"]),
        (lambda lib: lib.NamedBarrierValue(str, {"a", "b"}), ["a", "x"]),
    ],
    ids=["reducer", "barrier"],
)
def test_difference_a_refused_update_changes_nothing(create: Callable[[Any], Any], batch: list[Any]) -> None:
    us, them = create(ours), create(theirs)
    untouched = us.checkpoint()
    for channel in (us, them):
        with pytest.raises((TypeError, InvalidUpdateError, langgraph.errors.InvalidUpdateError)):
            channel.update(batch)
    assert us.checkpoint() == untouched
    assert them.checkpoint() != untouched


@pytest.mark.parametrize(
    ("create", "batch"),
    [
        (lambda lib: lib.NamedBarrierValue(str, {"a", "b"}), [["a"], ["b"]]),
        (lambda lib: lib.Topic(int, accumulate=True), [[1], [2]]),
    ],
    ids=["barrier", "topic"],
)
def test_difference_a_checkpoint_is_not_the_live_value(create: Callable[[Any], Any], batch: list[Any]) -> None:
    saved = []
    for channel in (create(ours), create(theirs)):
        channel.update(batch[0])
        saved.append(channel.checkpoint())
        channel.update(batch[1])
    assert len(saved[0]) == 1
    assert len(saved[1]) == 2


def test_difference_barrier_names_may_be_a_list() -> None:
    answers = []
    for lib in (ours, theirs):
        channel = lib.NamedBarrierValue(str, ["a"])
        channel.update(["a"])
        answers.append(channel.is_available())
    assert answers == [True, False]


def test_difference_only_exact_types_are_overwrites() -> None:
    class Child(dict[str, Any]):
        pass

    us, them = (lib.BinaryOperatorAggregate(dict, operator.or_) for lib in (ours, theirs))
    us.update([Child({"__overwrite__": 1})])
    them.update([Child({"__overwrite__": 1})])
    assert (us.get(), them.get()) == ({"__overwrite__": 1}, 1)


def test_difference_bound_methods_and_nameless_reducers_can_be_compared() -> None:
    class Reducer:
        def merge(self, left: int, right: int) -> int:
            return left

        def __call__(self, left: int, right: int) -> int:
            return left

    reducer = Reducer()
    us, them = ([lib.BinaryOperatorAggregate(int, reducer.merge) for _ in "12"] for lib in (ours, theirs))
    assert (us[0] == us[1], them[0] == them[1]) == (True, False)
    us, them = ([lib.BinaryOperatorAggregate(int, Reducer()) for _ in "12"] for lib in (ours, theirs))
    assert us[0] != us[1]
    with pytest.raises(AttributeError):
        them[0] == them[1]  # noqa: B015


def test_difference_a_bare_delta_channel_can_replay() -> None:
    us, them = (lib.DeltaChannel(concat) for lib in (ours, theirs))
    us.replay_writes([("task", "k", 1)])
    assert us.get() == [1]
    with pytest.raises(TypeError):
        them.replay_writes([("task", "k", 1)])


def test_difference_errors_name_the_channel() -> None:
    twins = Twins(lambda lib: lib.EphemeralValue(int))
    with pytest.raises(EmptyChannelError, match=r"Channel 'k' \(EphemeralValue\)"):
        twins.us.get()
    with pytest.raises(langgraph.errors.EmptyChannelError) as caught:
        twins.them.get()
    assert str(caught.value) == ""
