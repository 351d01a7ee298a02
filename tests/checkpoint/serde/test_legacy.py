"""JSON rows of the first LangGraph versions are read, with the same strictness."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

import pytest

from rxgraph.checkpoint.serde.errors import BlockedTypeError, CorruptValueError
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.types import Interrupt, Send
from tests.checkpoint.serde._values import Colour, Doc

SERDE = JsonPlusSerializer()


def made(*path: str, lc: int = 2, **rest: Any) -> dict[str, Any]:
    return {"lc": lc, "type": "constructor", "id": list(path), **rest}


def read(value: Any, serde: JsonPlusSerializer = SERDE) -> Any:
    return serde.loads_typed(("json", json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ({"a": [1, None]}, {"a": [1, None]}),
        (made("builtins", "set", args=[[1]]), {1}),
        ([made("uuid", "UUID", args=["0" * 31 + "5"])], [uuid.UUID(int=5)]),
        (made("datetime", "datetime", method="fromisoformat", args=["2024-01-02T00:00:00"]), datetime(2024, 1, 2)),
        (made("langgraph", "types", "Send", kwargs={"node": "n", "arg": 1}), Send("n", 1)),
        (
            {"q": made("langgraph", "types", "Interrupt", method=[None, "construct"], kwargs={"value": 1, "id": "i"})},
            {"q": Interrupt(1, id="i")},
        ),
        ({"lc": 2, "type": "other", "id": ["os", "system"]}, {"lc": 2, "type": "other", "id": ["os", "system"]}),
        ({"lc": 3, "type": "constructor"}, {"lc": 3, "type": "constructor"}),
        ({"lc": 2, "type": "constructor", "id": "x"}, {"lc": 2, "type": "constructor", "id": "x"}),
    ],
    ids=str,
)
def test_envelopes_become_values(stored: Any, value: Any) -> None:
    assert read(stored) == value


@pytest.mark.parametrize(
    "stored",
    [
        made("os", "system", args=["true"]),
        made("builtins", "eval", args=["1"]),
        made("builtins", "set", method="pop", args=[]),
        made("datetime", "datetime", method="strptime", args=["x"]),
        made("uuid", "UUID", method=["hex"], args=["0"]),
        made("langchain", "llms", "openai", "OpenAI", lc=1),
        made("os", "HumanMessage", lc=1, kwargs={"content": "x"}),
        made("builtins", "ValueError", args=["x"]),
    ],
    ids=str,
)
def test_a_class_off_the_list_is_refused(stored: Any) -> None:
    with pytest.raises(BlockedTypeError):
        read({"a": [stored]})


def test_messages_come_back_from_either_form() -> None:
    messages = pytest.importorskip("langchain_core.messages")
    message = messages.HumanMessage("x", id="1")
    for path in (["langchain", "schema", "messages", "HumanMessage"], ["langchain_core", "messages", "HumanMessage"]):
        again = read(made(*path, lc=1, kwargs={"content": "x", "id": "1", "type": "human"}))
        assert again == message
    assert (
        read(made("langchain_core", "messages", "human", "HumanMessage", kwargs={"content": "x", "id": "1"})) == message
    )


def test_classes_of_json_rows_are_allowed_apart() -> None:
    stored = made(*Doc.__module__.split("."), "Doc", kwargs={"name": "d"})
    with pytest.raises(BlockedTypeError):
        read(stored, JsonPlusSerializer(allowed_msgpack_modules=[Doc]))
    assert read(stored, JsonPlusSerializer(allowed_json_modules=[Doc])) == Doc("d")
    assert read(stored, JsonPlusSerializer(allowed_json_modules=[(*Doc.__module__.split("."), "Doc")])) == Doc("d")


def test_arguments_that_do_not_fit_are_a_corrupt_row() -> None:
    with pytest.raises(CorruptValueError, match=r"'uuid.UUID' can't be made"):
        read(made("uuid", "UUID", args=["zz"]))
    with pytest.raises(CorruptValueError, match="can't be made"):
        read(made(*Colour.__module__.split("."), "Colour", args=[7]), JsonPlusSerializer(allowed_json_modules=[Colour]))
