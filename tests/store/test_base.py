"""Items, operations, namespaces, filters and paths, by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from rxgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
    get_text_at_path,
    matcher,
    tokenize_path,
    validate_op_namespace,
)
from rxgraph.store.memory import InMemoryStore

DAY = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def item(**changes: Any) -> Item:
    fields: dict[str, Any] = {"value": {"v": 1}, "key": "k", "namespace": ("a",), "created_at": DAY, "updated_at": DAY}
    return Item(**fields | changes)


def test_an_item_takes_lists_and_iso_text() -> None:
    built = item(namespace=["a"], created_at="2024-01-02T03:04:05Z", updated_at="2024-01-02T03:04:05+00:00")
    assert built == item()
    assert hash(built) == hash(item())
    assert built.namespace == ("a",)


def test_an_item_shows_itself_as_json_can_have_it() -> None:
    assert item().dict() == {
        "namespace": ["a"],
        "key": "k",
        "value": {"v": 1},
        "created_at": "2024-01-02T03:04:05+00:00",
        "updated_at": "2024-01-02T03:04:05+00:00",
    }
    found = SearchItem(("a",), "k", {"v": 1}, DAY, DAY, 0.5)
    assert found.dict() == {**item().dict(), "score": 0.5}
    assert repr(found).startswith("Item(namespace=['a'], key='k', value={'v': 1}, created_at='2024")


@pytest.mark.parametrize(
    "change", [{"key": "j"}, {"namespace": ("b",)}, {"value": {}}, {"updated_at": datetime.now(UTC)}]
)
def test_items_differ_by_any_field(change: dict[str, Any]) -> None:
    assert item(**change) != item()
    assert item() != 1


@pytest.mark.parametrize("value", [item(), SearchItem(("a", "b"), "k", {"v": [1]}, DAY, DAY, 0.25), GetOp(("a",), "k")])
def test_the_serializer_rebuilds_what_stores_give(value: Any) -> None:
    serde = JsonPlusSerializer()
    back = serde.loads_typed(serde.dumps_typed(value))
    assert type(back) is type(value)
    assert back == value or tuple(back) == (list(value[0]), *value[1:])
    assert getattr(back, "score", None) == getattr(value, "score", None)


def test_operations_have_the_defaults_of_the_methods() -> None:
    assert GetOp(("a",), "k") == (("a",), "k", True)
    assert SearchOp(("a",)) == (("a",), None, 10, 0, None, True)
    assert PutOp(("a",), "k", {}) == (("a",), "k", {}, None, None)
    assert ListNamespacesOp() == (None, None, 100, 0)
    assert not NOT_PROVIDED
    assert repr(NOT_PROVIDED) == "NOT_GIVEN"


@pytest.mark.parametrize(
    "op",
    [
        GetOp(("a.b",), "k"),
        PutOp((), "k", {}),
        SearchOp(("",)),
        ListNamespacesOp((MatchCondition("prefix", ("a", "")),)),
        GetOp(["a"], "k"),  # type: ignore[arg-type]
        GetOp("ab", "k"),  # type: ignore[arg-type]
    ],
)
def test_batches_check_namespaces(op: Any) -> None:
    with pytest.raises(InvalidNamespaceError):
        validate_op_namespace(op)
    with pytest.raises(InvalidNamespaceError):
        InMemoryStore().batch([op])


@pytest.mark.parametrize(
    "op",
    [
        ListNamespacesOp((MatchCondition("middle", ("a",)),)),  # type: ignore[arg-type]
        ListNamespacesOp(limit=-1),
        ListNamespacesOp(max_depth=-1),
        SearchOp((), {1: 2}),  # type: ignore[dict-item]
        SearchOp((), [1]),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_meant_is_refused(op: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        InMemoryStore().batch([op])


def test_a_filter_names_the_operators_it_knows() -> None:
    with pytest.raises(ValueError, match=r"'\$like'. Known: \$eq, \$ne, \$gt, \$gte, \$lt, \$lte"):
        matcher({"a": {"$like": "x"}})


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("$", ['{"a": {"b": "t", "n": 1}, "l": ["p", {"d": [1, 2]}], "none": null, "yes": true}']),
        ("", ['{"a": {"b": "t", "n": 1}, "l": ["p", {"d": [1, 2]}], "none": null, "yes": true}']),
        ("a", ['{"b": "t", "n": 1}']),
        ("a.b", ["t"]),
        ("a.n", ["1"]),
        ("a.*", ["t", "1"]),
        ("a.{n,b}", ["1", "t"]),
        ("{a,l}.b", ["t"]),
        ("yes", ["True"]),
        ("none", []),
        ("a.b.c", []),
        ("l[0]", ["p"]),
        ("l[-1].d[*]", ["1", "2"]),
        ("l[7]", []),
        ("l[x]", []),
        ("l.*", ["p", '{"d": [1, 2]}']),
        ("a[0]", []),
        ("zzz", []),
    ],
)
def test_paths(path: str, texts: list[str]) -> None:
    value = {"yes": True, "l": ["p", {"d": [1, 2]}], "a": {"b": "t", "n": 1}, "none": None}
    assert get_text_at_path(value, path) == texts
    assert get_text_at_path(value, tokenize_path(path) or "") == texts


class Bare(BaseStore):
    """A user's store, written with no more than the contract asks for."""

    def __init__(self) -> None:
        self.ops: list[Any] = []

    def batch(self, ops: Any) -> list[Any]:
        self.ops += ops
        return [None for _ in self.ops]


async def test_a_store_needs_one_method() -> None:
    store = Bare()
    store.put(("a",), 1, {})  # type: ignore[arg-type]
    await store.aput(("a",), "k", {}, index=["x"])
    assert store.get(("a",), "k", refresh_ttl=False) is None
    await store.adelete(("a",), "k")
    await store.alist_namespaces(prefix=("a", "*"), suffix=("b",))
    assert store.ops == [
        PutOp(("a",), "1", {}, None, None),
        PutOp(("a",), "k", {}, ["x"], None),
        GetOp(("a",), "k", False),
        PutOp(("a",), "k", None),
        ListNamespacesOp((MatchCondition("prefix", ("a", "*")), MatchCondition("suffix", ("b",)))),
    ]
    with pytest.raises(NotImplementedError, match="Bare has no time to live"):
        store.put(("a",), "k", {}, ttl=1)
