"""A long list that grew is packed where it grew, and has the bytes that it would have anyway."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from weakref import ref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer as TheirSerializer

from rxgraph.checkpoint.serde.base import Packed, Pieces
from rxgraph.checkpoint.serde.encrypted import EncryptedSerializer
from rxgraph.checkpoint.serde.errors import UnserializableValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

THEIRS = TheirSerializer()


class Word(StrEnum):
    """Equal to a text, and written in another way."""

    HELLO = "hello"


def message(number: int) -> dict[str, Any]:
    return {
        "id": f"m-{number}",
        "content": f"{number:06} " * 600,
        "more": {"n": number, "list": [1.5, None, "hello"], "pair": ({"deep": 1}, ())},
    }


def messages(count: int) -> list[Any]:
    return [message(number) for number in range(count)]


def pieces(serde: JsonPlusSerializer, values: list[Any]) -> tuple[bytes, ...]:
    _, data = serde.dumps_pieces(values)
    return data.pieces if isinstance(data, Pieces) else (data,)


def agree(serde: JsonPlusSerializer, values: list[Any]) -> None:
    assert serde.dumps_typed(values) == THEIRS.dumps_typed(values)


def kept(serde: JsonPlusSerializer, before: list[Any], after: list[Any]) -> int:
    """How many pieces of a list that was seen twice are those of the next one, behind the header."""
    pieces(serde, before)
    old, new = pieces(serde, list(before)), pieces(serde, after)
    return sum(mine is yours for mine, yours in zip(old[1:], new[1:], strict=False))


def test_what_was_packed_is_not_packed_again() -> None:
    serde, found = JsonPlusSerializer(), messages(100)
    assert kept(serde, found, [*found, message(100)]) == 7
    for number in range(101, 300):
        found.append(message(number))
        agree(serde, found)
    assert kept(serde, found, found[:150]) == 19


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "text": lambda m: m.update(content="new"),
    "equal text": lambda m: m.update(content="".join(list(m["content"]))),
    "true for one": lambda m: m["more"]["pair"][0].update(deep=True),
    "float for int": lambda m: m["more"].update(n=float(m["more"]["n"])),
    "an equal enum": lambda m: m["more"]["list"].__setitem__(2, Word.HELLO),
    "a key more": lambda m: m.update(extra=None),
    "a key less": lambda m: m["more"].pop("n"),
    "another order": lambda m: m.update(id=m.pop("id")),
    "a longer list": lambda m: m["more"]["list"].append([]),
    "another container": lambda m: m.update(more=copy.deepcopy(m["more"])),
    "a key for a key": lambda m: m.update(ID=m.pop("id")),
    "deep inside": lambda m: m["more"]["pair"][0].clear(),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("place", [0, 20, 49])
def test_a_message_that_was_changed_in_place_is_found(edit: str, place: int) -> None:
    serde, found = JsonPlusSerializer(allowed_msgpack_modules=[Word]), messages(50)
    for _ in range(3):
        agree(serde, found)
    EDITS[edit](found[place])
    for _ in range(3):
        agree(serde, found)
    # What comes behind it is kept as well, unless it is a value that may change without a trace.
    assert kept(serde, found, found) == (place // 16 if edit == "an equal enum" else 4)


STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "insert", "delete", "replace", "cut", "swap", *EDITS]), st.integers(0, 10**6)),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_whatever_happens_to_a_list_its_bytes_are_those_of_langgraph(steps: list[tuple[str, int]]) -> None:
    serde, found = JsonPlusSerializer(allowed_msgpack_modules=[Word]), messages(40)
    for _ in range(2):
        agree(serde, found)
    for name, number in steps:
        at = number % len(found)
        match name:
            case "append":
                found = [*found, message(number)]
            case "insert":
                found = [*found[:at], message(number), *found[at:]]
            case "delete":
                found = [*found[:at], *found[at + 1 :]] or messages(1)
            case "replace":
                found = [*found[:at], message(number), *found[at + 1 :]]
            case "cut":
                found = found[at:]
            case "swap":
                found[at], found[0] = found[0], found[at]
            case _:
                found[at] = copy.deepcopy(found[at]) if "n" not in found[at]["more"] else found[at]
                if set(found[at]) >= {"id", "more"} and "n" in found[at]["more"] and len(found[at]["more"]) == 3:
                    try:
                        EDITS[name](found[at])
                    except (KeyError, IndexError):
                        found[at]["content"] = number
        agree(serde, found)


@pytest.mark.parametrize("foreign", [{1, 2}, Word.HELLO, b"x" * 5000, 2**70, object()])
def test_other_values_are_written_as_ever(foreign: Any) -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=[Word])
    found = [*messages(40), {"value": foreign}, *messages(20)]
    try:
        expected: Any = THEIRS.dumps_typed(found)
    except TypeError:
        for _ in range(3):
            with pytest.raises(UnserializableValueError, match=r"\[40\]\['value'\]"):
                serde.dumps_typed(found)
        return
    for _ in range(3):
        assert serde.dumps_typed(found) == expected
    # Up to there it is kept; what is in a set may change without a trace.
    assert kept(serde, found, found) == (4 if isinstance(foreign, bytes) else 2)


def test_an_object_that_changes_itself_is_written_as_it_is() -> None:
    serde, changing = JsonPlusSerializer(), {1}
    found = [changing, *messages(30)]
    for number in range(5):
        changing.add(number)
        agree(serde, found)


def test_a_list_that_holds_itself_is_refused_as_ever() -> None:
    serde, found = JsonPlusSerializer(), messages(40)
    for _ in range(3):
        serde.dumps_typed(found)
    found.append(found)
    for _ in range(2):
        with pytest.raises(UnserializableValueError):
            serde.dumps_typed(found)
    del found[-1]
    found[3]["content"] = found[3]
    for _ in range(2):
        with pytest.raises(UnserializableValueError):
            serde.dumps_typed(found)


def test_short_lists_and_many_small_things_are_left_alone() -> None:
    serde = JsonPlusSerializer()
    small: list[Any] = [{"n": number} for number in range(30_000)]
    for values in (small, messages(7), messages(14), list("abc" * 100_000)):
        for _ in range(3):
            assert len(pieces(serde, values)) == 1
            agree(serde, values)


def test_an_early_value_is_in_pieces_and_whole_for_others() -> None:
    serde, found = JsonPlusSerializer(), messages(50)
    for _ in range(3):
        packed = Packed(found, serde)
    assert isinstance(packed.data, Pieces)
    assert packed.value() == THEIRS.loads_typed(THEIRS.dumps_typed(found))
    assert serde.dumps_typed(packed) == THEIRS.dumps_typed(found)
    assert packed.data == THEIRS.dumps_typed(found)[1]
    assert packed.data != Packed(found[:-1], serde).data
    assert serde.dumps_typed({"in": packed}) == THEIRS.dumps_typed({"in": packed.value()})


def test_a_derived_class_writes_what_it_writes() -> None:
    class Marked(JsonPlusSerializer):
        def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
            tag, data = super().dumps_typed(obj)
            return tag, b"!" + data

    found, serde = messages(50), Marked()
    for _ in range(3):
        assert Packed(found, serde).data == b"!" + THEIRS.dumps_typed(found)[1]


def test_a_cipher_gets_all_of_the_bytes() -> None:
    serde = EncryptedSerializer.from_pycryptodome_aes(key=b"k" * 16)
    found = messages(50)
    for _ in range(3):
        assert serde.loads_typed(serde.dumps_typed(found)) == THEIRS.loads_typed(THEIRS.dumps_typed(found))
        packed = Packed(found, serde)
        assert serde.loads_typed(serde.dumps_typed(packed)) == packed.value()


def test_a_copy_of_a_serializer_remembers_nothing_and_works() -> None:
    serde, found = JsonPlusSerializer(), messages(50)
    kept(serde, found, found)
    twin = copy.deepcopy(serde)
    assert len(pieces(twin, found)) == 1
    agree(twin, found)
    assert len(pieces(serde.with_allowlist([Word]), found)) == 1


def test_threads_share_a_serializer() -> None:
    serde = JsonPlusSerializer()

    def work(seed: int) -> None:
        found = messages(40)
        for number in range(40):
            found[(number * seed) % 40]["content"] = f"{seed} {number} " * 200
            found = [*found, message(number)]
            agree(serde, found)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 9)))


@dataclass
class Note:
    text: str


def test_objects_are_not_kept_alive() -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=[Note])
    for found in ([Note("x" * 9000) for _ in range(20)], [*messages(3), *(Note("y" * 9000) for _ in range(20))]):
        for _ in range(3):
            agree(serde, found)
        gone = [ref(one) for one in found if isinstance(one, Note)]
        found.clear()
        gc.collect()
        assert [one() for one in gone] == [None] * 20


def test_what_is_kept_is_bounded() -> None:
    serde = JsonPlusSerializer()
    for number in range(12):
        found = [{"n": number, "text": f"{number} {place} " * 40_000} for place in range(8)]
        for _ in range(2):
            serde.dumps_typed(found)
    known: Any = serde._pack_list.__self__
    assert 0 < known._known.weight <= 16 << 20
