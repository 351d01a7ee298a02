"""The same operations on LangGraph's stores and caches and on ours; deliberate differences are tests of their own."""

from __future__ import annotations

import asyncio
import operator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.cache.memory import InMemoryCache as TheirCache
from langgraph.graph import START as THEIR_START
from langgraph.graph import StateGraph as TheirGraph
from langgraph.store import base as their_base
from langgraph.store.base.batch import AsyncBatchedBaseStore as TheirBatched
from langgraph.store.memory import InMemoryStore as TheirStore

from rxgraph.cache.memory import InMemoryCache
from rxgraph.cache.sqlite import SqliteCache
from rxgraph.config import get_store
from rxgraph.graph import START, StateGraph
from rxgraph.store import base
from rxgraph.store.base.batch import AsyncBatchedBaseStore
from rxgraph.store.memory import InMemoryStore
from rxgraph.store.sqlite import SqliteStore

LABEL = st.sampled_from(["a", "b", "c"])
NAMESPACE = st.lists(LABEL, min_size=1, max_size=3).map(tuple)
PREFIX = st.lists(LABEL, max_size=2).map(tuple)
PATTERN = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=2).map(tuple)
KEY = st.sampled_from(["k", "j", "i"])
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["x", "y", ""]), st.just(0.5))
LEAF = st.one_of(SCALAR, st.lists(SCALAR, max_size=2), st.dictionaries(st.sampled_from(["p", "q"]), SCALAR, max_size=2))
# A number is under "n" always: what is compared with something else is a difference.
VALUE = st.builds(
    lambda rest, n: {**rest, "n": n},
    st.dictionaries(st.sampled_from(["v", "w"]), LEAF, max_size=2),
    st.one_of(st.integers(-3, 3), st.just(1.5)),
)
ORDER = st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.integers(-3, 3), min_size=1, max_size=2)
EQUAL = st.dictionaries(st.sampled_from(["$eq", "$ne"]), LEAF, min_size=1, max_size=2)
FILTER = st.one_of(
    st.none(),
    st.fixed_dictionaries({}, optional={"n": ORDER, "v": st.one_of(LEAF, EQUAL), "w": st.one_of(LEAF, EQUAL)}),
)
CALL = st.one_of(
    st.tuples(st.just("put"), NAMESPACE, KEY, VALUE),
    st.tuples(st.just("put"), NAMESPACE, KEY, VALUE),
    st.tuples(st.just("get"), NAMESPACE, KEY),
    st.tuples(st.just("delete"), NAMESPACE, KEY),
    st.tuples(st.just("search"), PREFIX, FILTER, st.integers(0, 4), st.integers(0, 3)),
    st.tuples(st.just("list"), st.none() | PATTERN, st.none() | PATTERN, st.none() | st.integers(0, 3)),
)


def plain(result: Any) -> Any:
    if isinstance(result, list):
        return [plain(one) for one in result]
    if hasattr(result, "key"):
        return (result.namespace, result.key, result.value, getattr(result, "score", None))
    return result


def op_of(module: Any, call: tuple[Any, ...]) -> Any:
    match call:
        case ("put", namespace, key, value):
            return module.PutOp(namespace, key, value)
        case ("get", namespace, key):
            return module.GetOp(namespace, key)
        case ("delete", namespace, key):
            return module.PutOp(namespace, key, None)
        case ("search", prefix, filter, limit, offset):
            return module.SearchOp(prefix, filter, limit, offset)
        case ("list", prefix, suffix, depth):
            conditions = [
                module.MatchCondition(kind, path) for kind, path in (("prefix", prefix), ("suffix", suffix)) if path
            ]
            return module.ListNamespacesOp(tuple(conditions), depth)
    raise AssertionError(call)


def batches_without_phantoms(calls: list[list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """Leave out what makes LangGraph list namespaces without items: reading an unknown one, deleting the last item."""
    known: set[tuple[str, ...]] = set()
    items: dict[tuple[str, ...], set[str]] = {}
    kept = []
    for batch in calls:
        kept.append([])
        before = set(known)
        deleted: dict[tuple[str, ...], int] = {}
        for call in batch:
            if call[0] == "get" and call[1] not in before:
                continue
            if call[0] == "delete":
                left = len(items.get(call[1], ())) - deleted.get(call[1], 0)
                if left < 2:
                    continue
                deleted[call[1]] = deleted.get(call[1], 0) + 1
            kept[-1].append(call)
        puts = {(call[1], call[2]): call for call in kept[-1] if call[0] in ("put", "delete")}
        for (namespace, key), call in puts.items():
            if call[0] == "put":
                known.add(namespace)
                items.setdefault(namespace, set()).add(key)
            else:
                items.get(namespace, set()).discard(key)
    return kept


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CALL, min_size=1, max_size=4), max_size=12).map(batches_without_phantoms))
def test_operations_have_the_same_results(calls: list[list[tuple[Any, ...]]]) -> None:
    theirs, ours = TheirStore(), InMemoryStore()
    with SqliteStore.from_conn_string(":memory:") as filed:
        for batch in calls:
            expected = plain(theirs.batch([op_of(their_base, call) for call in batch]))
            assert plain(ours.batch([op_of(base, call) for call in batch])) == expected
            for call, result, wanted in zip(
                batch, plain(filed.batch([op_of(base, call) for call in batch])), expected, strict=True
            ):
                # Their file gives the last put first; whole pages of other orders can't be compared.
                if call[0] == "search":
                    assert len(result) == len(wanted)
                else:
                    assert result == wanted
        found = sorted(plain(filed.search((), limit=1000)), key=operator.itemgetter(0, 1))
        assert found == sorted(plain(theirs.search((), limit=1000)), key=operator.itemgetter(0, 1))


@pytest.mark.parametrize("name", ["Item", "SearchItem", "GetOp", "PutOp", "SearchOp", "ListNamespacesOp"])
def test_shapes_are_the_same(name: str) -> None:
    theirs, ours = getattr(their_base, name), getattr(base, name)
    assert getattr(ours, "_fields", None) == getattr(theirs, "_fields", None)
    assert getattr(ours, "_field_defaults", None) == getattr(theirs, "_field_defaults", None)
    if name.endswith("Item"):
        day = datetime(2024, 1, 2, tzinfo=UTC).isoformat()
        fields = {"value": {"v": 1}, "key": "k", "namespace": ["a"], "created_at": day, "updated_at": day}
        assert repr(ours(**fields)) == repr(theirs(**fields))
        assert ours(**fields).dict() == theirs(**fields).dict()
        assert ours(**fields).namespace == theirs(**fields).namespace


def test_every_public_name_is_ours_too() -> None:
    wanted = {*their_base.__all__, "SearchItem", "TTLConfig", "IndexConfig", "InvalidNamespaceError", "NOT_PROVIDED"}
    assert wanted <= set(base.__all__)


NESTED = {"yes": True, "l": ["p", {"d": [1, 2]}], "a": {"b": "t", "n": 1.5}, "none": None, "x": "X"}


@pytest.mark.parametrize(
    "path",
    "$ a a.b a.n a.zz yes none l l[0] l[-1] l[*] l[9] l[*].d l[1].d[*] * a.* {x,yes} a.{b,n} l.0 l[x] *.b l.*".split(),
)
def test_paths_lead_to_the_same_texts(path: str) -> None:
    assert base.tokenize_path(path) == their_base.tokenize_path(path)
    assert base.get_text_at_path(NESTED, path) == their_base.get_text_at_path(NESTED, path)


def embed(texts: Any) -> list[list[float]]:
    return [[text.count("a") + 0.5, text.count("b") + 0.25, 1.0] for text in texts]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6, unique=True),
    st.text("ab", min_size=1, max_size=3),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_queries_rank_the_same(texts: list[str], query: str, limit: int, offset: int) -> None:
    config: Any = {"dims": 3, "embed": embed, "fields": ["t"]}
    theirs, ours = TheirStore(index=config), InMemoryStore(index=config)
    for store in (theirs, ours):
        for number, text in enumerate(texts):
            store.put(("n",), str(number), {"t": text}, index=None if number % 4 else False)
    expected, found = (store.search(("n",), query=query, limit=100) for store in (theirs, ours))
    assert [item.score for item in found] == pytest.approx([item.score for item in expected])
    page = ours.search(("n",), query=query, limit=limit, offset=offset)
    assert page == found[offset : offset + limit]


CACHE_KEY = st.tuples(st.lists(LABEL, max_size=2).map(tuple), KEY)
CACHE_CALL = st.one_of(
    st.tuples(
        st.just("set"), st.dictionaries(CACHE_KEY, st.tuples(LEAF, st.sampled_from([None, 1000, 0])), max_size=3)
    ),
    st.tuples(st.just("get"), st.lists(CACHE_KEY, max_size=4)),
    st.tuples(st.just("clear"), st.none() | st.lists(st.lists(LABEL, max_size=2).map(tuple), max_size=2)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(CACHE_CALL, max_size=15))
def test_caches_have_the_same_entries(calls: list[tuple[str, Any]]) -> None:
    theirs: Any = TheirCache()
    with SqliteCache[Any](path=":memory:") as filed:
        for name, argument in calls:
            expected = getattr(theirs, name)(argument)
            assert getattr(filed, name)(argument) == expected
    ours = InMemoryCache[Any]()
    again: Any = TheirCache()
    for name, argument in calls:
        assert getattr(ours, name)(argument) == getattr(again, name)(argument)


@pytest.mark.parametrize("store", [TheirStore, InMemoryStore])
def test_a_graph_of_either_runtime_takes_a_store_of_either(store: Any) -> None:
    from langgraph.config import get_store as their_get_store

    for graph, start, current in ((TheirGraph, THEIR_START, their_get_store), (StateGraph, START, get_store)):

        def node(state: dict[str, Any], current: Any = current) -> dict[str, Any]:
            current().put(("n",), "k", {"v": 1})
            return {"found": len(current().search(("n",)))}

        builder: Any = graph(dict)
        builder.add_node("node", lambda state, node=node: node(state))
        builder.add_edge(start, "node")
        shared = store()
        assert builder.compile(store=shared).invoke({}) == {"found": 1}
        assert shared.get(("n",), "k").value == {"v": 1}


# Deliberate differences, by name


def batched(base_class: Any, inner: Any) -> Any:
    class Store(base_class):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Any] = []

        async def abatch(self, ops: Any) -> Any:
            ops = list(ops)
            self.seen.append([(type(op).__name__, *op) for op in ops])
            return inner.batch([getattr(base, type(op).__name__)(*op) for op in ops])

    return Store()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(CALL, min_size=1, max_size=8), max_size=5))
def test_calls_of_one_turn_are_the_same_batch_and_have_the_same_results(script: list[Any]) -> None:
    async def play(store: Any) -> list[Any]:
        shown = []
        for turn in script:
            calls = []
            for call in turn:
                match call:
                    case ("put", namespace, key, value):
                        calls.append(store.aput(namespace, key, value))
                    case ("get", namespace, key):
                        calls.append(store.aget(namespace, key))
                    case ("delete", namespace, key):
                        calls.append(store.adelete(namespace, key))
                    case ("search", prefix, filter, limit, offset):
                        calls.append(store.asearch(prefix, filter=filter, limit=limit, offset=offset))
                    case ("list", prefix, suffix, depth):
                        calls.append(store.alist_namespaces(prefix=prefix, suffix=suffix, max_depth=depth))
            shown.append([plain(found) for found in await asyncio.gather(*calls)])
        return [shown, store.seen]

    async def both() -> None:
        # The store behind both is ours: what is compared is what they make of the calls.
        ours, theirs = batched(AsyncBatchedBaseStore, InMemoryStore()), batched(TheirBatched, InMemoryStore())
        assert await play(ours) == await play(theirs)

    asyncio.run(both())


def test_difference_phantom_namespaces_are_not_listed() -> None:
    found = []
    for store in (TheirStore(), InMemoryStore()):
        store.get(("read",), "k")
        store.put(("deleted",), "k", {})
        store.delete(("deleted",), "k")
        found.append(store.list_namespaces())
    assert found == [[("deleted",), ("read",)], []]


def test_difference_an_overwritten_item_keeps_created_at() -> None:
    kept = []
    for store in (TheirStore(), InMemoryStore()):
        store.put(("a",), "k", {"v": 1})
        first = store.get(("a",), "k")
        store.put(("a",), "k", {"v": 2})
        second = store.get(("a",), "k")
        kept.append(first.created_at == second.created_at)
    assert kept == [False, True]


def test_difference_a_stored_value_is_not_the_callers() -> None:
    found = []
    for store in (TheirStore(), InMemoryStore()):
        value = {"list": [1]}
        store.put(("a",), "k", value)
        value["list"].append(2)
        found.append(store.get(("a",), "k").value)
    assert found == [{"list": [1, 2]}, {"list": [1]}]


def test_difference_comparing_unlike_values_does_not_match() -> None:
    def search(store: Any, filter: Any) -> Any:
        store.put(("a",), "k", {"n": "10", "t": "b"})
        try:
            return len(store.search(("a",), filter=filter))
        except (TypeError, ValueError) as error:
            return type(error)

    cases = [{"n": {"$gt": 9}}, {"t": {"$gt": "a"}}, {"missing": {"$gt": 1}}]
    assert [search(TheirStore(), case) for case in cases] == [1, ValueError, TypeError]
    assert [search(InMemoryStore(), case) for case in cases] == [0, 1, 0]


def test_difference_a_store_in_memory_has_time_to_live() -> None:
    with pytest.raises(NotImplementedError):
        TheirStore().put(("a",), "k", {}, ttl=1)
    InMemoryStore().put(("a",), "k", {}, ttl=1)


def test_difference_overwriting_replaces_the_vectors() -> None:
    config: Any = {"dims": 3, "embed": embed, "fields": ["t"]}
    scores = []
    for store in (TheirStore(index=config), InMemoryStore(index=config)):
        store.put(("a",), "k", {"t": "a"})
        store.put(("a",), "k", {"other": "b"})
        scores.append(store.search(("a",), query="a")[0].score is None)
    assert scores == [False, True]


def test_difference_pages_of_a_query_are_disjoint() -> None:
    config: Any = {"dims": 3, "embed": embed, "fields": ["t"]}
    found = []
    for store in (TheirStore(index=config), InMemoryStore(index=config)):
        store.put(("a",), "k", {"t": "a"}, index=False)
        found.append([len(store.search(("a",), query="a", limit=1, offset=offset)) for offset in (0, 1)])
    assert found == [[1, 1], [1, 0]]


def test_difference_equal_texts_in_one_batch_are_fine() -> None:
    config: Any = {"dims": 3, "embed": embed, "fields": ["t"]}
    ops = [("a", {"t": "same"}), ("b", {"t": "same"})]
    with pytest.raises(ValueError, match=".*"):
        TheirStore(index=config).batch([their_base.PutOp(("n",), key, value) for key, value in ops])
    assert InMemoryStore(index=config).batch([base.PutOp(("n",), key, value) for key, value in ops]) == [None, None]


def test_difference_paths_go_on_after_braces() -> None:
    value = {"x": {"m": "M"}, "y": "Y"}
    assert their_base.get_text_at_path(value, "{x,y}.m") == ['{"m": "M"}', "Y"]
    assert base.get_text_at_path(value, "{x,y}.m") == ["M"]


def test_difference_negative_limits_and_raw_labels_are_refused() -> None:
    theirs, ours = TheirStore(), InMemoryStore()
    theirs.put(("a",), "k", {})
    theirs.search((), limit=-1)
    theirs.batch([their_base.PutOp(("a.b",), "k", {})])
    with pytest.raises(ValueError, match="limit >= 0"):
        ours.search((), limit=-1)
    with pytest.raises(base.InvalidNamespaceError):
        ours.batch([base.PutOp(("a.b",), "k", {})])


def test_difference_a_namespace_is_a_tuple() -> None:
    TheirStore().put("ab", "k", {})  # type: ignore[arg-type]
    with pytest.raises(base.InvalidNamespaceError, match="must be a tuple"):
        InMemoryStore().put("ab", "k", {})  # type: ignore[arg-type]


def test_difference_dates_of_a_file_know_their_zone(tmp_path: Path) -> None:
    from langgraph.store.sqlite import SqliteStore as TheirFile

    with TheirFile.from_conn_string(str(tmp_path / "theirs.db")) as theirs:
        theirs.setup()
        theirs.put(("a",), "k", {})
        assert theirs.get(("a",), "k").created_at.tzinfo is None
    with SqliteStore.from_conn_string(str(tmp_path / "ours.db")) as ours:
        ours.put(("a",), "k", {})
        assert ours.get(("a",), "k").created_at.tzinfo is UTC
