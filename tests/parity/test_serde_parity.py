"""Rows of either runtime are the same bytes, and each reads the other's.

Differences are deliberate and stand at the end, each by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import langgraph.types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core import messages as lc
from langchain_core.documents import Document
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer as TheirEncrypted
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer as TheirSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot as TheirSnapshot

import rxgraph.types
from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.checkpoint.serde.encrypted import EncryptedSerializer
from rxgraph.checkpoint.serde.errors import BlockedTypeError, UnserializableValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
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
    Wider,
)

# The reference logs each class that its own strict mode would refuse, such as pydantic's SecretStr.
logging.getLogger("langgraph.checkpoint.serde.jsonplus").setLevel(logging.ERROR)

OURS = JsonPlusSerializer(allowed_msgpack_modules=CLASSES)
THEIRS = TheirSerializer(allowed_msgpack_modules=True)
STRICT = TheirSerializer(allowed_msgpack_modules=CLASSES)

MESSAGES: list[Any] = [
    lc.HumanMessage("x", id="1", additional_kwargs={"k": [1]}),
    lc.HumanMessage([{"type": "text", "text": "x"}]),
    lc.AIMessage("x", tool_calls=[{"name": "t", "args": {"a": 1}, "id": "c"}], response_metadata={"m": 1}),
    lc.AIMessage("x", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    lc.SystemMessage("x"),
    lc.ToolMessage("x", tool_call_id="c", artifact={"a": [1]}),
    lc.ChatMessage("x", role="r"),
    lc.FunctionMessage("x", name="f"),
    lc.RemoveMessage(id="1"),
    lc.AIMessageChunk("x"),
    lc.HumanMessageChunk("x"),
    lc.SystemMessageChunk("x"),
    lc.ToolMessageChunk("x", tool_call_id="c"),
    lc.ChatMessageChunk("x", role="r"),
    lc.FunctionMessageChunk("x", name="f"),
    Document("text", metadata={"a": 1}),
]

SAME = [*EXACT, *(value for value, _ in CHANGED), *MESSAGES, [MESSAGES], {"messages": MESSAGES[:3]}]


@pytest.mark.parametrize("value", SAME, ids=lambda value: repr(value)[:40])
def test_the_bytes_are_the_same_and_both_read_them(value: Any) -> None:
    row = OURS.dumps_typed(value)
    assert row == THEIRS.dumps_typed(value)
    mine, other = OURS.loads_typed(row), THEIRS.loads_typed(row)
    assert mine == other
    assert type(mine) is type(other)


Make = Callable[[Any], Any]

TWINS: dict[str, Make] = {
    "Send": lambda t: t.Send("n", {"a": (1, {2})}),
    "Send with a timeout": lambda t: t.Send("n", 1, timeout=3),
    "Send with a policy": lambda t: t.Send("n", 1, timeout=t.TimeoutPolicy(idle_timeout=2, refresh_on="heartbeat")),
    "Interrupt": lambda t: t.Interrupt("v", id="i"),
    "Interrupts": lambda t: (t.Interrupt("v", id="i"), t.Interrupt({"a": 1}, id="j", response_schema={"type": "x"})),
    "Command": lambda t: t.Command(goto=[t.Send("n", 1), "m"], update={"a": t.Overwrite(1)}, graph=t.Command.PARENT),
    "Command with an answer": lambda t: t.Command(resume={"i": 1}),
    "Overwrite": lambda t: t.Overwrite([1]),
    "TimeoutPolicy": lambda t: t.TimeoutPolicy(run_timeout=1.5),
    "PregelTask": lambda t: t.PregelTask("i", "n", ("p", 1), None, (t.Interrupt(1, id="i"),), None, {"r": 1}),
    "StateSnapshot": lambda t: t.StateSnapshot({"a": 1}, ("n",), {"configurable": {}}, None, None, None, (), ()),
    "RetryPolicy": lambda t: t.RetryPolicy(max_attempts=2, retry_on=None),
    "pending sends": lambda t: {"__pregel_tasks": [t.Send("n", 1), t.Send("m", Doc("d"))]},
}


@pytest.mark.parametrize("make", TWINS.values(), ids=TWINS)
def test_types_of_the_runtimes_become_each_other(make: Make) -> None:
    ours, theirs = make(rxgraph.types), make(langgraph.types)
    row = OURS.dumps_typed(ours)
    assert row == THEIRS.dumps_typed(theirs)
    assert OURS.dumps_typed(theirs) == row
    assert THEIRS.dumps_typed(THEIRS.loads_typed(row)) == row
    assert OURS.dumps_typed(OURS.loads_typed(row)) == row
    found = OURS.loads_typed(row)
    module = type(found).__module__
    assert module == "builtins" or module.startswith("rxgraph."), module


@pytest.mark.parametrize("name", [name for name in TWINS if name != "RetryPolicy"])
def test_their_strict_loader_takes_ours(name: str) -> None:
    row = OURS.dumps_typed(TWINS[name](rxgraph.types))
    assert STRICT.loads_typed(row) == THEIRS.loads_typed(row)


def test_delta_snapshots_become_each_other() -> None:
    row = OURS.dumps_typed(_DeltaSnapshot([{1}]))
    assert row == THEIRS.dumps_typed(TheirSnapshot([{1}])) == OURS.dumps_typed(TheirSnapshot([{1}]))
    assert isinstance(THEIRS.loads_typed(row), TheirSnapshot)
    assert isinstance(OURS.loads_typed(row), _DeltaSnapshot)


def test_their_items_in_a_state_write_the_same_bytes() -> None:
    from langgraph.store.base import GetOp, Item

    for value in (
        Item(value={"a": 1}, key="k", namespace=("a",), created_at="2024-01-02", updated_at="2024-01-02"),
        GetOp(("a",), "k"),
    ):
        assert OURS.dumps_typed([value]) == THEIRS.dumps_typed([value])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.ip_addresses()
    | st.sampled_from([Colour.RED, *MESSAGES[:3], Model(a=1)])
    | st.frozensets(st.integers(0, 100)),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(-9, 9) | st.none(), inner)
        | st.builds(Doc, st.just("d"), st.lists(inner))
        | st.builds(Pair, st.integers(0, 9), inner)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_any_value_is_the_same_bytes(value: Any) -> None:
    row = OURS.dumps_typed(value)
    assert row == THEIRS.dumps_typed(value)
    # By their repr: a float may be no number, and no such two are equal.
    assert repr(OURS.loads_typed(row)) == repr(THEIRS.loads_typed(row))


def test_a_pickle_is_the_same() -> None:
    ours, theirs = JsonPlusSerializer(pickle_fallback=True), TheirSerializer(pickle_fallback=True)
    value = {"c": complex(1, 2)}
    assert theirs.loads_typed(ours.dumps_typed(value)) == value == ours.loads_typed(theirs.dumps_typed(value))


@pytest.mark.parametrize("value", [complex(1), range(2), object(), 2**64, -(2**63) - 1, len, Doc, {Doc: 1}], ids=str)
def test_both_refuse(value: Any) -> None:
    for serde in (OURS, THEIRS):
        with pytest.raises(TypeError):
            serde.dumps_typed([value])


def test_arrays_are_the_same_bytes() -> None:
    numpy = pytest.importorskip("numpy")
    a = numpy.arange(12).reshape(3, 4)
    for array in (a, numpy.asfortranarray(a), a[:, ::2], a.T, numpy.empty((0, 3)), numpy.array(["x"]), numpy.array(5)):
        row = OURS.dumps_typed([array])
        assert row == THEIRS.dumps_typed([array])
        assert numpy.array_equal(OURS.loads_typed(row)[0], THEIRS.loads_typed(row)[0])


def test_encrypted_rows_are_read_both_ways() -> None:
    pytest.importorskip("Crypto.Cipher.AES")
    key = b"0123456789abcdef"
    ours, theirs = EncryptedSerializer.from_pycryptodome_aes(key=key), TheirEncrypted.from_pycryptodome_aes(key=key)
    for value in (None, {"a": {1}}, b"x"):
        assert theirs.loads_typed(ours.dumps_typed(value)) == value == ours.loads_typed(theirs.dumps_typed(value))


@pytest.mark.parametrize("value", [Outer.Inner.X, Outer.Data(1), Derived(1), Holder(inner=Wider(a=1))], ids=repr)
def test_difference_a_value_that_would_be_lost_is_refused(value: Any) -> None:
    """The reference writes these and gives something else back."""
    assert THEIRS.loads_typed(THEIRS.dumps_typed(value)) != value
    with pytest.raises(UnserializableValueError):
        OURS.dumps_typed(value)


def test_difference_a_class_off_the_list_is_an_error() -> None:
    """The reference gives its parts back in place of the value."""
    row = THEIRS.dumps_typed(Doc("d"))
    assert TheirSerializer(allowed_msgpack_modules=None).loads_typed(row) == {"name": "d", "tags": []}
    with pytest.raises(BlockedTypeError):
        JsonPlusSerializer().loads_typed(row)


def test_difference_a_class_off_the_list_is_not_saved() -> None:
    assert TheirSerializer().loads_typed(TheirSerializer().dumps_typed([Doc("d")])) == [Doc("d")]
    with pytest.raises(UnserializableValueError, match="Doc is not on the allow-list") as caught:
        JsonPlusSerializer().dumps_typed({"docs": [Doc("d")]})
    assert caught.value.path == "['docs'][0]"
    for allowed in ([Doc], [(Doc.__module__, "Doc")], True):
        serde = JsonPlusSerializer(allowed_msgpack_modules=allowed)  # type: ignore[arg-type]
        assert serde.loads_typed(serde.dumps_typed([Doc("d")])) == [Doc("d")]


def test_difference_the_default_is_strict() -> None:
    row = TheirSerializer().dumps_typed(Doc("d"))
    assert TheirSerializer().loads_typed(row) == Doc("d")
    with pytest.raises(BlockedTypeError):
        JsonPlusSerializer().loads_typed(row)
