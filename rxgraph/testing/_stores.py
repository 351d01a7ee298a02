"""The rules that every store and every cache keeps, as tests that run against any of them, in both colours.

The suites are plain classes and import no test framework. They move a clock of their own and never sleep; a rule that
an implementation has no means for is skipped rather than passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import wraps
from typing import Any, Literal

from rxgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, PutOp, SearchOp

Colour = Literal["sync", "async"]


class ManualClock:
    """A clock that stands still until it is moved; give it as ``clock=``."""

    def __init__(self, seconds: float = 1_700_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move it."""
        self.seconds += seconds


class _Caller:
    """Calls a method in one colour: ``await caller.get(...)`` is ``get(...)`` on another thread, or ``aget(...)``."""

    def __init__(self, target: Any, colour: Colour, clock: ManualClock) -> None:
        self.target = target
        self.clock = clock
        self._colour = colour

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if self._colour == "async":
            method: Callable[..., Awaitable[Any]] = getattr(self.target, f"a{name}")
            return method
        sync = getattr(self.target, name)
        # An asynchronous implementation serves synchronous callers from other threads than its loop's.
        return lambda *args, **kwargs: asyncio.to_thread(sync, *args, **kwargs)

    async def refuses(self, error: type[BaseException], name: str, *args: Any, **kwargs: Any) -> None:
        try:
            found = await getattr(self, name)(*args, **kwargs)
        except error:
            return
        raise AssertionError(f"{name}{args} returned {found!r}; expected {error.__name__}")


def _scenario(**options: Any) -> Callable[[Callable[[Any, _Caller], Awaitable[None]]], Callable[[Any], None]]:
    """Make a test of a coroutine function that is given what ``create(**options)`` made."""

    def decorate(body: Callable[[Any, _Caller], Awaitable[None]]) -> Callable[[Any], None]:
        @wraps(body)
        def test(self: Any) -> None:
            async def play() -> None:
                clock = ManualClock()
                async with AsyncExitStack() as stack:
                    made = self.create(clock=clock, **options)
                    if hasattr(made, "__aenter__"):
                        made = await stack.enter_async_context(made)
                    elif hasattr(made, "__enter__"):
                        made = stack.enter_context(made)
                    await body(self, _Caller(made, self.colour, clock))

            asyncio.run(play())

        # A test runner that asks for the signature would take the caller for a fixture.
        del test.__dict__["__wrapped__"]
        return test

    return decorate


def _letters(texts: Any) -> list[list[float]]:
    return [[float(text.count("a")), float(text.count("b")), 1.0] for text in texts]


_INDEX = {"dims": 3, "embed": _letters, "fields": ["text"]}
_EMPTY: dict[str, Any] = {}


def _keys(items: Any) -> list[str]:
    return sorted(item.key for item in items)


class StoreConformance:
    """Tests that a store keeps the contract of ``BaseStore``; subclass it under a name that your runner collects.

    Set ``colour = "async"`` in a second subclass, so that both colours are tested.

    Example:
        >>> class TestMine(StoreConformance):
        ...     def create(self, *, clock, ttl=None, index=None):
        ...         return MyStore(clock=clock, ttl=ttl, index=index)
    """

    colour: Colour = "sync"

    def create(self, *, clock: ManualClock, ttl: Any = None, index: Any = None) -> Any:
        """Return a new empty store, or a context manager, plain or asynchronous, that gives one.

        It is called on a running event loop. A store without a clock of its own raises ``SkipTest`` if ``ttl`` is
        given, and one without an index if ``index`` is.
        """
        raise NotImplementedError("Override create() to return a new store.")

    # Values

    @_scenario()
    async def test_required_what_is_put_is_given(self, store: _Caller) -> None:
        """An item comes back with its address; what isn't there is ``None``."""
        value = {"n": 1, "f": 0.5, "t": "é\u2028", "none": None, "list": [1, {"a": True}], "": {}}
        await store.put(("a", "b"), "k", value)
        item = await store.get(("a", "b"), "k")
        assert (item.namespace, item.key, item.value) == (("a", "b"), "k", value)
        assert await store.get(("a", "b"), "other") is None
        assert await store.get(("a",), "k") is None

    @_scenario()
    async def test_required_a_value_is_not_the_callers(self, store: _Caller) -> None:
        """Changing a value after it was put, or one that was given, changes nothing in the store."""
        value = {"list": [1]}
        await store.put(("a",), "k", value)
        value["list"].append(2)
        (await store.get(("a",), "k")).value["list"].append(3)
        (await store.search(("a",)))[0].value["list"].append(4)
        assert (await store.get(("a",), "k")).value == {"list": [1]}

    @_scenario()
    async def test_required_dates(self, store: _Caller) -> None:
        """Dates know their zone; overwriting keeps ``created_at``, deleting forgets it."""
        await store.put(("a",), "k", {"v": 1})
        first = await store.get(("a",), "k")
        assert first.created_at == first.updated_at
        assert first.created_at.tzinfo is not None
        store.clock.advance(60)
        await store.put(("a",), "k", {"v": 2})
        second = await store.get(("a",), "k")
        assert second.created_at == first.created_at
        assert second.updated_at >= first.updated_at
        await store.delete(("a",), "k")
        assert await store.get(("a",), "k") is None
        await store.delete(("a",), "k")

    @_scenario()
    async def test_required_keys_are_text_of_any_kind(self, store: _Caller) -> None:
        """Keys may have quotes, wildcards and dots; none is taken for another."""
        names = ["'; DROP TABLE store; --", '"', "%", "_", "a.b", "*", "é", "k\\", ""]
        for name in names:
            await store.put(("a", "'%_\""), name, {"name": name})
        for name in names:
            assert (await store.get(("a", "'%_\""), name)).value == {"name": name}
        assert len(await store.search(("a",), limit=100)) == len(names)

    @_scenario()
    async def test_required_illegal_namespaces_are_refused(self, store: _Caller) -> None:
        """Labels are non-empty text without dots; only a put needs one, and its root is not ``langgraph``."""
        for namespace in [(), ("",), ("a.b",), ("a\0",), (1,), ("langgraph", "a")]:
            await store.refuses(InvalidNamespaceError, "put", namespace, "k", {})
        for namespace in [("",), ("a.b",), (1,)]:
            await store.refuses(InvalidNamespaceError, "get", namespace, "k")
            await store.refuses(InvalidNamespaceError, "search", namespace)
            await store.refuses(InvalidNamespaceError, "delete", namespace, "k")
            await store.refuses(InvalidNamespaceError, "list_namespaces", prefix=namespace)
        assert await store.search(()) == []

    # Batches

    @_scenario()
    async def test_required_reads_of_a_batch_come_first_and_the_last_put_wins(self, store: _Caller) -> None:
        """Whatever reads sees the store as it was before the batch."""
        await store.put(("a",), "k", {"v": 0})
        found = await store.batch(
            [
                PutOp(("a",), "k", {"v": 1}),
                GetOp(("a",), "k"),
                PutOp(("b",), "k", {"v": 2}),
                SearchOp(()),
                ListNamespacesOp(),
                PutOp(("a",), "k", {"v": 3}),
                PutOp(("b",), "k", None),
            ]
        )
        assert [found[place] for place in (0, 2, 5, 6)] == [None] * 4
        assert found[1].value == {"v": 0}
        assert [item.value for item in found[3]] == [{"v": 0}]
        assert found[4] == [("a",)]
        assert (await store.get(("a",), "k")).value == {"v": 3}
        assert await store.get(("b",), "k") is None
        assert await store.batch([]) == []

    @_scenario()
    async def test_required_a_refused_batch_changes_nothing(self, store: _Caller) -> None:
        """An operation that can't be done keeps the others from being done."""
        list_: Any = [1]
        await store.refuses(ValueError, "batch", [PutOp(("a",), "k", {}), SearchOp((), {"x": {"$bad": 1}})])
        await store.refuses(ValueError, "batch", [PutOp(("a",), "k", {}), PutOp(("a.b",), "k", {})])
        await store.refuses(ValueError, "batch", [PutOp(("a",), "k", {}), 1])
        await store.refuses(TypeError, "batch", [PutOp(("a",), "k", {}), PutOp(("a",), "j", list_)])
        assert await store.search(()) == []

    # Searching

    @_scenario()
    async def test_required_filters_mean_one_thing(self, store: _Caller) -> None:
        """The operators and nested keys as ``rxgraph.store.base.matcher`` documents them."""
        values: dict[str, dict[str, Any]] = {
            "one": {"n": 1, "in": {"p": 1, "q": [1, 2]}, "none": None},
            "two": {"n": 2.5, "t": "b"},
            "ten": {"n": "10", "t": "a", "l": [1, {"a": 1, "b": 2}], "x.y": 1, "x": {"y": 2}},
        }
        for key, value in values.items():
            await store.put(("f",), key, value)
        for filter, keys in [
            (None, "one two ten"),
            ({}, "one two ten"),
            ({"n": 1}, "one"),
            ({"n": 1, "t": "b"}, ""),
            ({"n": {"$eq": 2.5}}, "two"),
            ({"n": {"$ne": 1}}, "two ten"),
            ({"n": {"$gt": 1}}, "two"),
            ({"n": {"$gte": 1, "$lt": 2.5}}, "one"),
            ({"n": {"$lte": 2.5}}, "one two"),
            ({"n": {"$gt": "1"}}, "ten"),
            ({"t": {"$gt": "a"}}, "two"),
            ({"t": {"$lte": "b"}}, "two ten"),
            ({"t": {"$ne": "a"}}, "one two"),
            ({"in": {"p": 1}}, "one"),
            ({"in": {"p": {"$lt": 2}}}, "one"),
            ({"in": {"p": 1, "z": 1}}, ""),
            ({"in": {"$eq": {"p": 1}}}, ""),
            ({"in": {"$eq": {"p": 1, "q": [1, 2]}}}, "one"),
            ({"in": {"q": [1, 2]}}, "one"),
            ({"in": {"q": [1]}}, ""),
            ({"l": [1, {"a": 1}]}, "ten"),
            ({"none": None}, "one two ten"),
            ({"t": None}, "one"),
            ({"t": {"$ne": None}}, "two ten"),
            ({"x.y": 1}, "ten"),
            ({"x.y": 2}, ""),
            ({"x": {"y": 2}}, "ten"),
            ({"') OR 1=1 --": 1}, ""),
            ({"n": "' OR '1'='1"}, ""),
        ]:
            assert _keys(await store.search(("f",), filter=filter)) == sorted(keys.split()), filter
        for bad in [{"n": {"$like": 1}}, {"n": {"$gt": 1, "p": 1}}, {"n": {"$gt": None}}, {"n": {"$gt": [1]}}]:
            await store.refuses(ValueError, "search", ("f",), filter=bad)

    @_scenario()
    async def test_required_a_prefix_is_whole_labels(self, store: _Caller) -> None:
        """``("a",)`` finds ``("a",)`` and ``("a", "b")``, not ``("ab",)``."""
        for namespace in [("a",), ("a", "b"), ("ab",), ("a-b",), ("a/b",), ("A",), ("b", "a")]:
            await store.put(namespace, "/".join(namespace), {})
        assert _keys(await store.search(("a",))) == ["a", "a/b"]
        assert _keys(await store.search(("a", "b"))) == ["a/b"]
        assert len(await store.search(())) == 7

    @_scenario()
    async def test_required_pages_are_disjoint_and_complete(self, store: _Caller) -> None:
        """Pages one after the other give every item once, with a filter and without."""
        for number in range(25):
            await store.put(("p",), f"k{number}", {"n": number, "even": number % 2 == 0})
        for filter, expected in [(None, 25), ({"even": True}, 13)]:
            found = []
            for offset in range(0, 30, 4):
                found += await store.search(("p",), filter=filter, limit=4, offset=offset)
            assert len(found) == expected == len({item.key for item in found})
        assert len(await store.search(("p",))) == 10
        assert await store.search(("p",), limit=0) == []
        await store.refuses(ValueError, "search", ("p",), limit=-1)
        await store.refuses(ValueError, "search", ("p",), offset=-1)

    @_scenario()
    async def test_required_namespaces_are_listed(self, store: _Caller) -> None:
        """Sorted, by prefix and suffix with wildcards, cut to a depth; only those that have items."""
        names = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "d", "c"), ("z", "b")]
        for namespace in reversed(names):
            await store.put(namespace, "k", {})
        await store.get(("nobody",), "k")
        await store.put(("gone",), "k", {})
        await store.delete(("gone",), "k")
        cases: list[tuple[list[Any], dict[str, Any]]] = [
            (names, {}),
            (names[:4], {"prefix": ("a",)}),
            (names[1:3], {"prefix": ("a", "b")}),
            (names[2:4], {"prefix": ("a", "*", "c")}),
            ([names[1], names[4]], {"suffix": ("b",)}),
            ([names[2]], {"prefix": ("a",), "suffix": ("b", "*")}),
            ([("a",), ("z",)], {"max_depth": 1}),
            ([("a", "b"), ("a", "d")], {"max_depth": 2, "suffix": ("c",)}),
            (names[1:3], {"limit": 2, "offset": 1}),
        ]
        for wanted, options in cases:
            assert await store.list_namespaces(**options) == wanted, options

    @_scenario(index=_INDEX)
    async def test_optional_near_texts_come_first(self, store: _Caller) -> None:
        """A query ranks by cosine; what has no vector comes last without a score; overwriting replaces the vectors."""
        await store.batch(
            [
                PutOp(("v",), "a", {"text": "aaaa"}),
                PutOp(("v",), "also", {"text": "aaaa"}),
                PutOp(("v",), "b", {"text": "bbbb"}),
                PutOp(("v",), "none", {"other": "aaaa"}),
                PutOp(("v",), "off", {"text": "aaaa"}, False),
                PutOp(("v",), "own", {"other": "ab"}, ["other"]),
            ]
        )
        found = await store.search(("v",), query="aaaa")
        assert [item.key for item in found][2:4] == ["own", "b"]
        assert {item.key for item in found[:2]} == {"a", "also"}
        assert {item.key for item in found if item.score is None} == {"none", "off"}
        assert abs(found[0].score - 1) < 1e-6
        page = await store.search(("v",), query="aaaa", limit=2, offset=2)
        assert [item.key for item in page] == ["own", "b"]
        assert [item.key for item in await store.search(("v",), query="bbbb", filter={"text": "bbbb"})] == ["b"]
        await store.put(("v",), "a", {"other": "x"})
        await store.delete(("v",), "also")
        await store.put(("v",), "also", {"text": "bbbb"}, False)
        scored = [item.key for item in await store.search(("v",), query="aaaa") if item.score is not None]
        assert scored == ["own", "b"]
        assert all(item.score is None for item in await store.search(("v",)))

    # Time to live

    @_scenario(ttl=_EMPTY)
    async def test_optional_items_are_gone_after_their_time(self, store: _Caller) -> None:
        """After ``ttl`` minutes nothing finds an item, and putting it again is its first put."""
        await store.put(("t",), "short", {"v": 1}, ttl=1)
        await store.put(("t",), "ever", {"v": 1}, ttl=None)
        await store.put(("u",), "short", {"v": 1}, ttl=0.5)
        store.clock.advance(59)
        assert await store.list_namespaces() == [("t",)]
        assert (await store.get(("t",), "short", refresh_ttl=False)) is not None
        assert _keys(await store.search((), refresh_ttl=False)) == ["ever", "short"]
        store.clock.advance(1)
        assert (await store.get(("t",), "short")) is None
        assert _keys(await store.search(())) == ["ever"]
        await store.put(("t",), "short", {"v": 2})
        again = await store.get(("t",), "short")
        assert again.created_at == again.updated_at
        for bad in (-1, float("nan"), float("inf"), "1"):
            await store.refuses(ValueError, "put", ("t",), "k", {}, ttl=bad)

    @_scenario(ttl={"default_ttl": 1})
    async def test_optional_reading_starts_the_time_again(self, store: _Caller) -> None:
        """Each read gives another ``ttl`` minutes, unless it says otherwise."""
        for key in ("got", "searched", "peeked"):
            await store.put(("t",), key, {"key": key})
        for _ in range(3):
            store.clock.advance(40)
            await store.get(("t",), "got")
            await store.search(("t",), filter={"key": "searched"})
            await store.get(("t",), "peeked", refresh_ttl=False)
        assert _keys(await store.search(("t",))) == ["got", "searched"]

    @_scenario(ttl={"default_ttl": 1, "refresh_on_read": False, "omit_expired": False})
    async def test_optional_a_sweep_deletes(self, store: _Caller) -> None:
        """With ``omit_expired=False`` an item stays until it is swept away; ``sweep_ttl`` says how many went."""
        for number in range(3):
            await store.put(("t",), f"k{number}", {})
        await store.put(("t",), "ever", {}, ttl=None)
        store.clock.advance(59)
        sweep = store.target.sweep_ttl
        swept = sweep()
        assert (await swept if hasattr(swept, "__await__") else swept) == 0
        await store.get(("t",), "k0")
        store.clock.advance(1)
        assert len(await store.search(())) == 4
        swept = sweep()
        assert (await swept if hasattr(swept, "__await__") else swept) == 3
        assert _keys(await store.search(())) == ["ever"]


class CacheConformance:
    """Tests that a cache keeps the contract of ``BaseCache``; subclass it under a name that your runner collects.

    Set ``colour = "async"`` in a second subclass, so that both colours are tested.

    Example:
        >>> class TestMine(CacheConformance):
        ...     def create(self, *, clock):
        ...         return MyCache(clock=clock)
    """

    colour: Colour = "sync"

    def create(self, *, clock: ManualClock) -> Any:
        """Return a new empty cache, or a context manager, plain or asynchronous, that gives one."""
        raise NotImplementedError("Override create() to return a new cache.")

    @_scenario()
    async def test_required_hits_are_given_and_misses_left_out(self, cache: _Caller) -> None:
        """``get`` has an entry for each key that is there, also one whose value is ``None``."""
        a, b, none = (("n",), "a"), (("n", "m"), "a"), (("n",), "none")
        await cache.set({a: ({"v": [1, 2]}, None), b: ("x", None), none: (None, None)})
        assert await cache.get([a, b, none, (("n",), "z"), ((), "a")]) == {a: {"v": [1, 2]}, b: "x", none: None}
        await cache.set({a: (2, None)})
        assert await cache.get([a]) == {a: 2}
        assert await cache.get([]) == {}
        await cache.set({})

    @_scenario()
    async def test_required_namespaces_are_apart(self, cache: _Caller) -> None:
        """Labels with separators in them are not taken for two."""
        keys: list[Any] = [((label,), "k") for label in ("a", "a,b", "a\\", "a\\,b", "'", "")]
        keys += [(("a", "b"), "k"), (("a\\", "b"), "k"), ((), "k")]
        for number, key in enumerate(keys):
            await cache.set({key: (number, None)})
        assert await cache.get(keys) == {key: number for number, key in enumerate(keys)}

    @_scenario()
    async def test_required_clear_forgets_whole_namespaces(self, cache: _Caller) -> None:
        """``clear`` forgets the namespaces that it is given and not those below; without any, everything."""
        a, b, c = (("n",), "k"), (("n", "m"), "k"), (("o",), "k")
        await cache.set(dict.fromkeys((a, b, c), (1, None)))
        await cache.clear([])
        await cache.clear([("n",), ("nobody",)])
        assert set(await cache.get([a, b, c])) == {b, c}
        await cache.clear()
        assert await cache.get([a, b, c]) == {}

    @_scenario()
    async def test_required_entries_are_gone_after_their_time(self, cache: _Caller) -> None:
        """After ``ttl`` seconds an entry is a miss; setting it again starts anew."""
        short, ever, now = (("n",), "short"), (("n",), "ever"), (("n",), "now")
        await cache.set({short: (1, 10), ever: (1, None), now: (1, 0)})
        assert set(await cache.get([short, ever, now])) == {short, ever}
        cache.clock.advance(9)
        assert set(await cache.get([short, ever])) == {short, ever}
        cache.clock.advance(1)
        assert set(await cache.get([short, ever])) == {ever}
        await cache.set({short: (2, 10)})
        assert await cache.get([short]) == {short: 2}

    @_scenario()
    async def test_required_a_value_is_not_the_callers(self, cache: _Caller) -> None:
        """Changing a value after it was set, or one that was given, changes nothing in the cache."""
        key, value = (("n",), "k"), [1]
        await cache.set({key: (value, None)})
        value.append(2)
        (await cache.get([key]))[key].append(3)
        assert await cache.get([key]) == {key: [1]}


__all__ = ("CacheConformance", "ManualClock", "StoreConformance")
