"""Values come back; what would not is refused with its place."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from dataclasses import InitVar, dataclass
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.checkpoint.serde.errors import CorruptValueError, UnserializableValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.types import Command, Interrupt, Overwrite, PregelTask, Send, StateSnapshot, TimeoutPolicy
from tests.checkpoint.serde._values import (
    CHANGED,
    CLASSES,
    EXACT,
    Colour,
    Derived,
    Doc,
    Holder,
    Model,
    Outer,
    Pair,
    Plain,
    Wider,
)

SERDE = JsonPlusSerializer(allowed_msgpack_modules=CLASSES)

OURS: list[Any] = [
    Send("n", {"a": 1}),
    Send("n", {"a": 1}, timeout=TimeoutPolicy(run_timeout=2, refresh_on="heartbeat")),
    Interrupt("q", id="i", response_schema={"type": "string"}),
    Command(update={"a": 1}, goto=[Send("n", 1), "m"], resume={"i": 1}, graph=Command.PARENT),
    Overwrite([1]),
    TimeoutPolicy(idle_timeout=1),
    _DeltaSnapshot([{1}]),
]


def back(value: Any, serde: JsonPlusSerializer = SERDE) -> Any:
    return serde.loads_typed(serde.dumps_typed(value))


@pytest.mark.parametrize("value", [*EXACT, *OURS], ids=lambda value: repr(value)[:40])
def test_a_value_comes_back_equal(value: Any) -> None:
    for whole, part in ((value, lambda v: v), ([value], lambda v: v[0]), ({"k": value}, lambda v: v["k"])):
        # Inside something, bytearrays are bytes.
        if not isinstance(value, bytearray) or whole is value:
            again = part(back(whole))
            assert again == value
            assert type(again) is type(value)


@pytest.mark.parametrize(("value", "instead"), CHANGED, ids=lambda value: repr(value)[:40])
def test_a_value_comes_back_simpler(value: Any, instead: Any) -> None:
    assert back(value) == instead
    assert type(back(value)) is type(instead)


def test_snapshots_and_tasks_come_back_with_lists_for_tuples() -> None:
    task = PregelTask("i", "n", ("~__pregel_pull", "n"))
    snapshot = StateSnapshot({"a": 1}, ("n",), {}, None, None, None, (task,), ())
    again = back(snapshot)
    assert isinstance(again, StateSnapshot)
    assert isinstance(again.tasks[0], PregelTask)
    assert again.tasks[0].path == ["~__pregel_pull", "n"]


def test_not_a_number_comes_back() -> None:
    assert back(float("nan")) != back(float("nan"))


@pytest.mark.parametrize(
    ("value", "tag"),
    [(None, "null"), (b"x", "bytes"), (bytearray(b"x"), "bytearray"), ({}, "msgpack"), ("x", "msgpack")],
)
def test_the_tag_says_the_form(value: Any, tag: str) -> None:
    assert SERDE.dumps_typed(value)[0] == tag


GOLDEN = [
    (Send("n", {"a": 1}), "c71d0193af6c616e6767726170682e7479706573a453656e6492a16e81a16101"),
    (
        (Interrupt("v", id="i"),),
        "91c73a0293af6c616e6767726170682e7479706573a9496e7465727275707483a576616c7565a176a26964a169af726573706f6e7365"
        "5f736368656d61c0",
    ),
    (
        Overwrite([1]),
        "c7370293af6c616e6767726170682e7479706573a94f766572777269746582a576616c75659101a474797065ad5f5f6f766572777269"
        "74655f5f",
    ),
    ({1}, "d80093a86275696c74696e73a37365749101"),
    (_DeltaSnapshot([1]), "d5079101"),
    (ValueError("x"), "af56616c75654572726f722827782729"),
    (
        datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
        "c73b0394a86461746574696d65a86461746574696d65b9323032342d30312d30325430303a30303a30302b30303a3030ad66726f6d69"
        "736f666f726d6174",
    ),
]


@pytest.mark.parametrize(("value", "bytes_"), GOLDEN, ids=lambda value: repr(value)[:40])
def test_the_bytes_are_those_that_databases_hold(value: Any, bytes_: str) -> None:
    assert SERDE.dumps_typed(value) == ("msgpack", bytes.fromhex(bytes_))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.datetimes()
    | st.dates()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.sampled_from([Colour.RED, Send("n", 1)])
    | st.frozensets(st.integers(-100, 100))
    | st.ip_addresses(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
        | st.builds(Doc, st.just("d"), st.lists(inner))
        | st.builds(Pair, st.integers(0, 9), inner)
        | st.builds(lambda arg: Send("n", arg), inner)
        | st.builds(Interrupt, inner, id=st.just("i"))
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_what_was_saved_is_what_comes_back(value: Any) -> None:
    assert back(value) == value


@dataclass
class Asking:
    a: int
    helper: InitVar[int]


class Rude(pydantic.BaseModel):
    def model_dump(self, **kwargs: Any) -> dict[str, Any]:
        raise TypeError("no dump today")


def local_class() -> Any:
    @dataclass
    class Local:
        a: int = 1

    return Local()


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"a": [0, complex(1)]}, "['a'][1]", "builtins.complex has no stored form"),
        ([Doc("d", [Doc("e", [range(3)])])], "[0].tags[0].tags[0]", "builtins.range"),
        (Pair(1, {"k": Plain()}), ".right['k']", "Plain has no stored form"),
        (Send("n", {"k": object()}), ".arg['k']", "builtins.object"),
        ({"n": [2**64]}, "['n'][0]", "64-bit"),
        ([-(2**63) - 1], "[0]", "64-bit"),
        ({"x": Outer.Inner.X}, "['x']", "Outer.Inner can't be found"),
        ({"x": Outer.Data(1)}, "['x']", "at the top of its module"),
        ({"x": local_class()}, "['x']", "allowed_msgpack_modules"),
        ([Derived(1)], "[0]", "'b' has init=False"),
        ([Asking(1, 2)], "[0]", "'helper' is an InitVar"),
        ([Plain], "[0]", "classes themselves"),
        ([Rude()], "[0]", "no dump today"),
        ([len], "[0]", "builtin_function_or_method"),
        (Holder(inner=Wider(a=1)), "", "a field holds a Wider"),
        ({"h": Holder(inner=Model(a=1), more=[Wider(a=1)])}, "['h']", r"its own fields \(b\) would be lost"),
        (Holder(inner=Model(a=1), table={"k": Wider(a=1)}), "", "a field holds a Wider"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_that_would_not_come_back_is_refused_with_its_place(value: Any, path: str, said: str) -> None:
    with pytest.raises(UnserializableValueError, match=said) as caught:
        SERDE.with_allowlist([Rude]).dumps_typed(value)
    assert caught.value.path == path
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_a_refusal_is_repeated() -> None:
    """The second value of a class is refused like the first."""
    serde = JsonPlusSerializer()
    for _ in range(3):
        with pytest.raises(UnserializableValueError):
            serde.dumps_typed([Outer.Inner.X])


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(UnserializableValueError, match="[Rr]ecursion"):
        SERDE.dumps_typed(value)
    doc = Doc("d")
    doc.tags.append(doc)
    with pytest.raises(UnserializableValueError):
        SERDE.dumps_typed(doc)


def test_a_subclass_is_kept_where_the_field_says_so() -> None:
    class Open(pydantic.BaseModel):
        inner: pydantic.SerializeAsAny[Model]
        either: Wider | Model

    serde = SERDE.with_allowlist([Open])
    assert back(Open(inner=Model(a=1), either=Wider(a=1, b=5)), serde).either == Wider(a=1, b=5)
    assert serde.dumps_typed(Open(inner=Wider(a=1), either=Model(a=1)))[0] == "msgpack"


def test_an_allowed_nested_class_comes_back() -> None:
    """Its row says less than its place, and the list says the rest."""
    local = local_class()
    serde = SERDE.with_allowlist([Outer.Inner, Outer.Data, type(local)])
    assert back([Outer.Inner.X, Outer.Data(2), local], serde) == [Outer.Inner.X, Outer.Data(2), local]


def test_a_model_that_has_changed_is_made_without_validation() -> None:
    """A field that became required must not make old threads unreadable."""

    class Then(pydantic.BaseModel):
        a: int = 1

    class Now(pydantic.BaseModel):
        a: int
        b: str

    Now.__name__ = "Then"
    row = JsonPlusSerializer(allowed_msgpack_modules=[Then]).dumps_typed(Then())
    again = JsonPlusSerializer(allowed_msgpack_modules=[Now]).loads_typed(row)
    assert type(again) is Now
    assert again.a == 1


def test_a_pickle_is_written_and_read_only_if_asked() -> None:
    asked = JsonPlusSerializer(pickle_fallback=True)
    row = asked.dumps_typed({"c": complex(1, 2)})
    assert row[0] == "pickle"
    assert asked.loads_typed(row) == {"c": complex(1, 2)}
    assert asked.dumps_typed({"a": 1})[0] == "msgpack"
    with pytest.raises(CorruptValueError, match="reading a pickle runs what it says"):
        SERDE.loads_typed(row)
    with pytest.raises(CorruptValueError, match="can't be unpickled"):
        asked.loads_typed(("pickle", row[1][:-3]))
    with pytest.raises(UnserializableValueError) as caught:
        asked.dumps_typed([lambda: 1])
    assert "pickle refused it too" in caught.value.__notes__[0]


def test_a_widened_serializer_leaves_the_first_one_as_it_was() -> None:
    class Sub(JsonPlusSerializer):
        """Keeps its class and attributes through with_allowlist."""

    first = Sub()
    first.note = "mine"  # type: ignore[attr-defined]
    second = first.with_allowlist([Colour])
    assert type(second) is Sub
    assert second.note == "mine"  # type: ignore[attr-defined]
    row = second.dumps_typed([Colour.RED])
    assert second.with_msgpack_allowlist([Doc]).loads_typed(row) == [Colour.RED]
    with pytest.raises(ValueError, match=re.escape("Colour")):
        first.loads_typed(row)


def test_arrays_come_back() -> None:
    numpy = pytest.importorskip("numpy")
    a = numpy.arange(12).reshape(3, 4)
    for array in (a, numpy.asfortranarray(a), a[:, ::2], a.T, numpy.empty((0, 3)), numpy.array(["x", "yz"]), a[0, 0:1]):
        again = back({"a": array})["a"]
        assert again.dtype == array.dtype
        assert numpy.array_equal(again, array)
        assert not again.size or not again.flags.writeable
    for bad in (numpy.array([object()]), numpy.ma.array([1], mask=[1]), numpy.int64(1)):
        with pytest.raises(UnserializableValueError):
            SERDE.dumps_typed([bad])


def test_nothing_heavy_is_imported() -> None:
    """numpy, pydantic and langchain-core load when a value of theirs is met."""
    probe = (
        "import sys; from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer as S; s = S();"
        "s.loads_typed(s.dumps_typed({'a': {1}, 'b': b'x'}));"
        "print({'numpy', 'pydantic', 'langchain_core', 'langgraph', 'Crypto'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout == "set()\n"
