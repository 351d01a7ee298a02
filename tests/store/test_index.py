"""Finding by meaning: whatever embeds, and how often it is asked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rxgraph.errors import LaneError
from rxgraph.store import _index
from rxgraph.store.base import GetOp, PutOp, SearchOp, ensure_embeddings
from rxgraph.store.memory import InMemoryStore
from rxgraph.store.sqlite import SqliteStore
from rxgraph.store.sqlite.aio import AsyncSqliteStore


def embed(texts: Any) -> list[list[float]]:
    return [[float(text.count("a")), float(text.count("b"))] for text in texts]


async def aembed(texts: Any) -> list[list[float]]:
    return embed(texts)


class Recorded:
    """Embeddings with the four methods, as LangChain's have them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls.append(("documents", texts))
        return embed(texts)

    def embed_query(self, text: str) -> list[float]:
        self.calls.append(("query", text))
        return embed([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)


OPS = [
    PutOp(("n",), "1", {"t": "aa"}),
    PutOp(("n",), "2", {"t": "aa"}),
    PutOp(("n",), "3", {"t": ["b", "aa"]}, ["t[*]"]),
    PutOp(("n",), "4", {"t": "never"}, False),
    SearchOp(("n",), query="a"),
    SearchOp(("n",), query="a", limit=1),
]


def test_equal_texts_and_queries_are_embedded_once() -> None:
    recorded = Recorded()
    store = InMemoryStore(index={"dims": 2, "embed": recorded, "fields": ["t"]})
    store.batch(OPS)
    assert recorded.calls == [("documents", ["aa", "b"]), ("query", "a")]
    assert [(found.key, found.score) for found in store.search(("n",), query="a")] == [
        ("1", 1.0),
        ("2", 1.0),
        ("3", 1.0),
        ("4", None),
    ]


@asynccontextmanager
async def opened(kind: Any, **options: Any) -> Any:
    if kind is InMemoryStore:
        yield InMemoryStore(**options)
    elif kind is SqliteStore:
        with SqliteStore.from_conn_string(":memory:", **options) as store:
            yield store
    else:
        async with AsyncSqliteStore.from_conn_string(":memory:", **options) as store:
            yield store


KINDS = [InMemoryStore, SqliteStore, AsyncSqliteStore]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("embedder", [embed, aembed, Recorded()], ids=["sync", "async", "object"])
async def test_async_methods_take_any_embedder(kind: Any, embedder: Any) -> None:
    async with opened(kind, index={"embed": embedder, "fields": ["t"]}) as store:
        await store.abatch(OPS)
        found = await store.asearch(("n",), query="a", limit=3)
        assert {one.key for one in found} == {"1", "2", "3"}


@pytest.mark.parametrize("kind", [InMemoryStore, SqliteStore])
async def test_an_async_embedder_under_sync_methods_says_what_to_do(kind: Any) -> None:
    async with opened(kind, index={"embed": aembed}) as store:
        with pytest.raises(LaneError, match="await store.asearch"):
            store.put(("n",), "k", {})
        assert store.get(("n",), "k") is None
        # Nothing to embed, nothing to complain about.
        store.put(("n",), "k", {}, index=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda texts: [[1.0]] * len(texts), "2 dimensions of the index, got 1"),
        (lambda texts: [], "one for each of 1 texts, got 0"),
        (lambda texts: [[float("nan"), 1.0]], "finite"),
        (lambda texts: 1 / 0, "division by zero"),
    ],
)
async def test_a_failed_embedding_changes_nothing(kind: Any, bad: Any, message: str) -> None:
    async with opened(kind, index={"dims": 2, "embed": bad}) as store:
        with pytest.raises((ValueError, ZeroDivisionError), match=message):
            await store.abatch([PutOp(("n",), "k", {"t": "a"}), GetOp(("n",), "k")])
        assert await store.asearch(()) == []


async def test_a_slow_embedder_holds_no_lock() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(texts: Any) -> list[list[float]]:
        entered.set()
        await go.wait()
        return embed(texts)

    for kind in KINDS:
        entered.clear()
        go.clear()
        async with opened(kind, index={"embed": slow}) as store, asyncio.TaskGroup() as group:
            group.create_task(store.aput(("n",), "slow", {"t": "a"}))
            await entered.wait()
            await store.aput(("n",), "fast", {"t": "b"}, index=False)
            assert (await store.aget(("n",), "fast")).value == {"t": "b"}
            assert await store.aget(("n",), "slow") is None
            go.set()


def test_a_query_without_an_index_is_ignored() -> None:
    store = InMemoryStore()
    store.put(("n",), "k", {"t": "a"})
    assert [found.score for found in store.search((), query="a")] == [None]


@pytest.mark.parametrize("wrong", [None, 1, object()])
def test_what_cannot_embed_is_refused_when_the_store_is_made(wrong: Any) -> None:
    with pytest.raises(ValueError, match="embed must be"):
        InMemoryStore(index={"embed": wrong})


def test_a_model_by_name_needs_langchain() -> None:
    try:
        import langchain.embeddings  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="'langchain' is not installed"):
            ensure_embeddings("openai:text-embedding-3-small")


def test_cosine() -> None:
    found = [("far", [[-1.0, 0.0]]), ("none", []), ("zero", [[0.0, 0.0]]), ("two", [[0.0, 1.0], [2.0, 2.0]])]
    assert _index.rank(found, [3.0, 0.0]) == [
        ("two", pytest.approx(2**-0.5)),
        ("zero", 0.0),
        ("far", -1.0),
        ("none", None),
    ]
    assert _index.rank([("a", [[1.0]])], [0.0]) == [("a", 0.0)]
    with pytest.raises(ValueError, match="another model"):
        _index.rank([("a", [[1.0]])], [1.0, 2.0])


def test_cosine_is_the_same_with_numpy() -> None:
    pytest.importorskip("numpy")
    found = [(str(n), [[n % 7 - 3.0, n % 5 - 2.0, 0.0]]) for n in range(40)]
    with_numpy = dict(_index.rank(found, [1.0, 2.0, 3.0]))
    for name, vectors in found:
        # One vector alone is ranked without numpy.
        assert with_numpy[name] == pytest.approx(dict(_index.rank([(name, vectors)], [1.0, 2.0, 3.0]))[name])
