"""A row that is not ours is refused: by type, in words, and without running anything."""

from __future__ import annotations

import sys
from typing import Any

import ormsgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgraph.checkpoint.serde.allowlist import AllowList
from rxgraph.checkpoint.serde.errors import BlockedTypeError, CorruptValueError, SerdeError, UnavailableTypeError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.types import Interrupt, Send
from tests.checkpoint.serde._values import Colour, Doc, Frozen, Model

SERDE = JsonPlusSerializer()


def record(code: int, *payload: Any) -> tuple[str, bytes]:
    return "msgpack", ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(payload)))


ATTACKS = [
    record(0, "os", "system", "true"),
    record(0, "os.path", "basename", "/a/b"),
    record(0, "builtins", "eval", "1/0"),
    record(0, "builtins", "__import__", "antigravity"),
    record(1, "subprocess", "Popen", [["true"]]),
    record(1, "builtins", "getattr", ["", "join"]),
    record(2, "os", "system", {"command": "true"}),
    record(3, "datetime", "datetime", "x", "strptime"),
    record(3, "datetime", "datetime", 0, "fromtimestamp"),
    record(3, "os", "path", "x", "fromisoformat"),
    record(3, "builtins", "str", "x", "format"),
    record(4, "os", "system", {"command": "true"}),
    record(5, "os", "system", {"command": "true"}, "model_validate_json"),
    record(5, "antigravity", "X", {}, "model_validate_json"),
    record(0, "uuid", "os", "x"),
    record(0, "rxgraph.types", "dataclass", 1),
    record(0, "langgraph.types", "interrupt", 1),
    record(0, "langgraph.graph", "StateGraph", 1),
]


@pytest.mark.parametrize("row", ATTACKS, ids=str)
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    "serde", [SERDE, JsonPlusSerializer(allowed_msgpack_modules=True)], ids=["strict", "what is imported"]
)
def test_a_class_off_the_list_is_neither_imported_nor_called(
    row: tuple[str, bytes], deep: bool, serde: JsonPlusSerializer
) -> None:
    if deep:
        inner = ormsgpack.packb(("builtins", "set", [ormsgpack.Ext(*parts(row))]))
        row = ("msgpack", ormsgpack.packb({"a": [ormsgpack.Ext(0, inner)]}))
    before = set(sys.modules)
    with pytest.raises(BlockedTypeError, match="not on the allow-list"):
        serde.loads_typed(row)
    assert "antigravity" not in sys.modules
    assert set(sys.modules) == before


def parts(row: tuple[str, bytes]) -> tuple[int, bytes]:
    found: list[tuple[int, bytes]] = []
    ormsgpack.unpackb(row[1], ext_hook=lambda code, data: found.append((code, data)))
    return found[0]


def test_the_error_names_the_class_and_the_way_out() -> None:
    row = JsonPlusSerializer(allowed_msgpack_modules=[Doc]).dumps_typed({"docs": [Doc("d")]})
    with pytest.raises(BlockedTypeError, match=r"allowed_msgpack_modules=\[TheClass\]") as caught:
        SERDE.loads_typed(row)
    assert caught.value.name == f"{Doc.__module__}.Doc"
    assert isinstance(caught.value, SerdeError)


def test_a_module_off_the_list_is_not_imported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap_module.py").write_text("raise SystemExit('imported')\nclass X: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    for code in range(6):
        with pytest.raises(SerdeError):
            SERDE.loads_typed(record(code, "trap_module", "X", {}, "model_validate_json"))
    assert "trap_module" not in sys.modules


VALUE = {"a": [Send("n", {1, 2}), Interrupt("v", id="i")], "b": (1, 2.5, "text", b"bytes"), "c": {"d": frozenset({3})}}
ROW = SERDE.dumps_typed(VALUE)[1]


@pytest.mark.parametrize("end", range(len(ROW)))
def test_a_row_cut_off_anywhere_is_refused(end: int) -> None:
    with pytest.raises(CorruptValueError, match=rf"it has {end} bytes, perhaps cut off"):
        SERDE.loads_typed(("msgpack", ROW[:end]))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(ROW) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_a_value_or_a_typed_error(place: int, byte: int) -> None:
    changed = bytearray(ROW)
    changed[place] = byte
    try:
        SERDE.loads_typed(("msgpack", bytes(changed)))
    except SerdeError:
        pass


@settings(deadline=None)
@given(st.sampled_from(["null", "msgpack", "json", "pickle", "bytes", "bytearray", "x", "", "a+b"]), st.binary())
def test_noise_gives_a_value_or_a_typed_error(tag: str, data: bytes) -> None:
    try:
        SERDE.loads_typed((tag, data))
    except SerdeError:
        pass


ARGUMENTS = st.recursive(
    st.none()
    | st.integers().filter(lambda n: -(2**63) <= n < 2**64)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        ("builtins", "set"), ("re", "compile"), ("uuid", "UUID"), ("decimal", "Decimal"), ("pathlib", "PosixPath"),
        ("datetime", "timezone"), ("zoneinfo", "ZoneInfo"), ("langgraph.types", "Send"), ("rxgraph.types", "Command"),
        ("langgraph.types", "Interrupt"), ("ipaddress", "IPv4Network"), ("langchain_core.messages.ai", "AIMessage"),
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 9), NAMES, ARGUMENTS)
def test_wrong_arguments_give_a_value_or_a_typed_error(code: int, name: tuple[str, str], argument: Any) -> None:
    try:
        SERDE.loads_typed(record(code, *name, argument, "fromisoformat"))
        SERDE.loads_typed(record(code, *name, argument))
    except SerdeError:
        pass


@pytest.mark.parametrize("code", [8, 9, 42, 127])
def test_an_unknown_kind_of_record_is_refused(code: int) -> None:
    with pytest.raises(CorruptValueError, match=rf"unknown kind {code}; known are 0 to 7"):
        SERDE.loads_typed(record(code, "builtins", "set", [1]))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("yaml", b"x"), "unknown tag 'yaml'"),
        ((None, b"x"), "unknown tag None"),
        (("null", b"x"), "null has none"),
        (("msgpack+aes", b"x"), "is encrypted"),
        (("pickle", b"x"), "pickle_fallback=True"),
        (("json", b"{"), "is no JSON"),
        (("msgpack", None), "needs bytes, got None"),
        (record(2, "langgraph.types", "Interrupt", {"nonsense": 1}), "'langgraph.types.Interrupt' can't be made"),
        (record(0, "uuid", "UUID", "zz"), "'uuid.UUID' can't be made from what the row holds: ValueError"),
        (record(0, "builtins", "set", [[1]]), "'builtins.set' can't be made"),
        (record(0, "builtins"), "can't be made"),
        (record(6, "O", [1], "C", b"12345678"), "record of kind 6|array|numpy"),
    ],
    ids=str,
)
def test_a_row_that_is_not_what_it_says_is_refused(row: Any, said: str) -> None:
    with pytest.raises(SerdeError, match=said):
        SERDE.loads_typed(row)


def test_deep_nesting_is_refused() -> None:
    data = b"\x01"
    for _ in range(3000):
        data = ormsgpack.packb(ormsgpack.Ext(7, data))
    with pytest.raises(CorruptValueError):
        SERDE.loads_typed(("msgpack", data))
    with pytest.raises(CorruptValueError):
        SERDE.loads_typed(("msgpack", b"\x91" * 100_000))


def test_a_pattern_of_a_row_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert SERDE.loads_typed(record(1, "re", "compile", ["a", 128 | 32])).pattern == "a"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("extra", ["os.system", b"x", 1, {"a": "b"}, [1], [("one",)], [("a", 1)], ["os.path.basename"]])
def test_a_list_of_something_else_is_refused(extra: Any) -> None:
    with pytest.raises(TypeError, match="Allow-list"):
        AllowList(extra)


def test_names_are_allowed_as_tuples() -> None:
    row = JsonPlusSerializer(allowed_msgpack_modules=[Colour]).dumps_typed([Colour.RED])
    for name in ((Colour.__module__, "Colour"), (*Colour.__module__.split("."), "Colour")):
        assert JsonPlusSerializer(allowed_msgpack_modules=[name]).loads_typed(row) == [Colour.RED]


def test_an_allowed_function_is_not_called() -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=[("os.path", "basename")])
    with pytest.raises(BlockedTypeError, match=r"as a class \(it is none\)"):
        serde.loads_typed(record(0, "os.path", "basename", "/a"))


def test_an_allowed_class_that_is_gone_says_so() -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=[("no_such_module", "X")])
    with pytest.raises(UnavailableTypeError, match="'no_such_module.X', which can't be imported here"):
        serde.loads_typed(record(0, "no_such_module", "X", 1))


def test_true_allows_records_of_imported_modules() -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=True)
    value = [Doc("d"), Frozen(1), Model(a=1), Colour.RED]
    assert serde.loads_typed(serde.dumps_typed(value)) == value
    assert serde.with_allowlist([Doc]).loads_typed(serde.dumps_typed(value)) == value


def test_a_class_of_ours_cannot_be_taken_over() -> None:
    """A class of the user's with a name of ours changes nothing about our rows."""
    fake = type("Interrupt", (), {"__module__": "langgraph.types"})
    again = SERDE.with_allowlist([fake]).loads_typed(SERDE.dumps_typed([Interrupt("v", id="i")]))
    assert again == [Interrupt("v", id="i")]
