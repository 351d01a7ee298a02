"""Serializers of other makes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from rxgraph.channels.delta import _DeltaSnapshot
from rxgraph.checkpoint.serde import types
from rxgraph.checkpoint.serde.base import CipherProtocol, SerializerProtocol, maybe_add_typed_methods
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.types import Send


class Pickler:
    def dumps(self, obj: Any) -> bytes:
        return pickle.dumps(obj)

    def loads(self, data: bytes) -> Any:
        return pickle.loads(data)


def test_an_untyped_serializer_gets_its_name_for_a_tag() -> None:
    serde = maybe_add_typed_methods(Pickler())
    row = serde.dumps_typed({1})
    assert row[0] == "Pickler"
    assert serde.loads_typed(row) == {1}


def test_a_typed_serializer_is_kept() -> None:
    serde = JsonPlusSerializer()
    assert isinstance(serde, SerializerProtocol)
    assert maybe_add_typed_methods(serde) is serde


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="dumps_typed and loads_typed, or dumps and loads; got 'json'"):
        maybe_add_typed_methods("json")  # type: ignore[arg-type]


def test_protocols_look_at_methods() -> None:
    assert not isinstance(Pickler(), SerializerProtocol | CipherProtocol)
    assert isinstance(Send("n", 1), types.SendProtocol)


def test_names_of_stored_writes() -> None:
    assert (types.ERROR, types.SCHEDULED, types.INTERRUPT, types.RESUME, types.TASKS) == (
        "__error__",
        "__scheduled__",
        "__interrupt__",
        "__resume__",
        "__pregel_tasks",
    )
    assert types._DeltaSnapshot is _DeltaSnapshot
