"""What only the cache in a Redis server does; the rest is in test_conformance.py."""

from __future__ import annotations

from typing import Any, TypedDict

import fakeredis
import pytest
from langgraph.cache.redis import RedisCache as Theirs

from rxgraph.cache.redis import RedisCache
from rxgraph.checkpoint.serde.errors import CorruptValueError
from rxgraph.graph import START, StateGraph
from rxgraph.types import CachePolicy


class State(TypedDict):
    n: int


@pytest.fixture
def client() -> Any:
    return fakeredis.FakeRedis()


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_entries_are_shared_with_langgraph_both_ways(client: Any) -> None:
    ours, theirs = RedisCache[Any](client), Theirs(client)
    theirs.set({(("a", "b"), "k"): ({"x": [1, 2]}, 60), (("a",), "k"): ("v", None)})
    assert ours.get([(("a", "b"), "k"), (("a",), "k")]) == {(("a", "b"), "k"): {"x": [1, 2]}, (("a",), "k"): "v"}
    ours.set({(("c",), "k"): ([1, "z"], 90), (("d",), "k"): (None, None)})
    assert theirs.get([(("c",), "k"), (("d",), "k")]) == {(("c",), "k"): [1, "z"], (("d",), "k"): None}
    assert (client.ttl("langgraph:cache:c:k"), client.ttl("langgraph:cache:d:k")) == (90, -1)


def test_clear_takes_names_as_they_are_and_leaves_other_keys(client: Any) -> None:
    cache = RedisCache[Any](client)
    client.set("mine", "x")
    entries = [(("a*",), "k"), (("ab",), "k"), (("a*", "deep"), "k"), (("[x]",), "k")]
    cache.set(dict.fromkeys(entries, (1, None)))
    cache.clear([("a*",), ("[x]",)])
    assert list(cache.get(entries)) == [(("ab",), "k"), (("a*", "deep"), "k")]
    cache.clear()
    assert (cache.get(entries), client.get("mine")) == ({}, b"x")


def test_labels_with_separators_stay_apart_also_when_they_are_cleared(client: Any) -> None:
    cache = RedisCache[Any](client)
    entries = [(("a:b",), "k"), (("a", "b"), "k"), (("a",), "b:k"), (("a\\",), "k"), ((), "k"), (("",), "k")]
    cache.set({one: (number, None) for number, one in enumerate(entries)})
    assert cache.get(entries) == {one: number for number, one in enumerate(entries)}
    cache.clear([("a",), ()])
    assert set(cache.get(entries)) == {entries[0], entries[1], entries[3], entries[5]}


def test_many_entries_are_cleared(client: Any) -> None:
    cache = RedisCache[Any](client)
    cache.set({(("a",), str(i)): (i, None) for i in range(1_234)})
    cache.clear([("a",)])
    assert client.keys() == []


@pytest.mark.parametrize("row", [b"no tag", b"msgpack:\xc1", b"unheard-of:x"])
def test_a_foreign_row_is_named_and_stays(client: Any, row: bytes) -> None:
    client.set("langgraph:cache:a:k", row)
    with pytest.raises(CorruptValueError) as caught:
        RedisCache[Any](client).get([(("a",), "k")])
    assert "'k'" in f"{caught.value} {caught.value.__notes__ if hasattr(caught.value, '__notes__') else ''}"
    assert client.get("langgraph:cache:a:k") == row


def test_clients_that_can_not_be_used_are_refused() -> None:
    with pytest.raises(TypeError, match="synchronous client"):
        RedisCache(fakeredis.FakeAsyncRedis())
    with pytest.raises(TypeError, match="decode_responses=False"):
        RedisCache(fakeredis.FakeRedis(decode_responses=True))


def test_a_graph_takes_results_from_it(client: Any, lane: Any) -> None:
    calls = []

    def node(state: dict[str, int]) -> dict[str, int]:
        calls.append(state["n"])
        return {"n": state["n"] + 1}

    builder = StateGraph(State)
    builder.add_node("n", lane.node(node), cache_policy=CachePolicy(ttl=60)).add_edge(START, "n")
    graph = builder.compile(cache=RedisCache(client))
    assert [lane.invoke(graph, {"n": 1}) for _ in range(2)] == [{"n": 2}] * 2
    assert calls == [1]
