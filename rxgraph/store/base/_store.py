"""The class that stores derive from: two methods to write, the rest follows."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, cast

from rxgraph.store.base._item import Item, SearchItem
from rxgraph.store.base._namespaces import check_labels, check_writable
from rxgraph.store.base._ops import (
    NOT_PROVIDED,
    GetOp,
    ListNamespacesOp,
    MatchCondition,
    NamespacePath,
    NotProvided,
    Op,
    PutOp,
    Result,
    SearchOp,
    TTLConfig,
)


class BaseStore(ABC):
    """Values under a namespace and a key, shared by the threads of a graph and whoever else has the store.

    A subclass writes ``batch``, and ``abatch`` if it can do better than a worker thread.
    """

    # The class says whether it can; the instance has its configuration.
    supports_ttl: ClassVar[bool] = False
    ttl_config: TTLConfig | None = None

    @abstractmethod
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations, and return their results in order.

        Order: whatever reads sees the store as it was before the puts; of several puts to one key the last is done.
        """

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what ``batch`` does, without blocking the loop."""
        return await asyncio.to_thread(self.batch, ops)

    # Operations

    def get(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """Return the item, or ``None``.

        Args:
            namespace: Where.
            key: Which.
            refresh_ttl: Whether its time to live starts again; ``None`` for what the store is configured to do.
        """
        return cast("Item | None", self.batch([self._get_op(namespace, key, refresh_ttl)])[0])

    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Return items of a namespace and those below it.

        Args:
            namespace_prefix: The namespace; ``()`` for everything.
            query: Rank them by how near they are to this text, if the store has an index. Items without a vector
                come last, with no score.
            filter: What their values must be like; see ``rxgraph.store.base.matcher``.
            limit, offset: Which part of what is found.
            refresh_ttl: See ``get``.
        """
        op = self._search_op(namespace_prefix, query, filter, limit, offset, refresh_ttl)
        return cast("list[SearchItem]", self.batch([op])[0])

    def put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Keep a value; what is there under the key is replaced.

        Args:
            namespace: Where; not empty.
            key: Which.
            value: A dict; for a store in a database, one that JSON can have.
            index: Paths of the texts to find it by, ``False`` for none, ``None`` for those of the store.
            ttl: Minutes after which it is gone, ``None`` for never; the store's ``default_ttl`` if left out.

        Raises:
            InvalidNamespaceError: Nothing can be kept under this namespace.
            NotImplementedError: The store has no time to live.
        """
        self.batch([self._put_op(namespace, key, value, index, ttl)])

    def delete(self, namespace: tuple[str, ...], key: str) -> None:
        """Forget an item; one that isn't there is fine."""
        self.batch([self._delete_op(namespace, key)])

    def list_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """Return the namespaces that have items, sorted.

        Args:
            prefix, suffix: Labels that they begin and end with; ``"*"`` stands for any one label.
            max_depth: Cut longer ones to so many labels, and give each once.
            limit, offset: Which part of what is found.
        """
        op = self._list_op(prefix, suffix, max_depth, limit, offset)
        return cast("list[tuple[str, ...]]", self.batch([op])[0])

    # The same, asynchronous

    async def aget(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """Do what ``get`` does."""
        return cast("Item | None", await self._ask(self._get_op(namespace, key, refresh_ttl)))

    async def asearch(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Do what ``search`` does."""
        op = self._search_op(namespace_prefix, query, filter, limit, offset, refresh_ttl)
        return cast("list[SearchItem]", await self._ask(op))

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Do what ``put`` does."""
        await self._ask(self._put_op(namespace, key, value, index, ttl))

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """Do what ``delete`` does."""
        await self._ask(self._delete_op(namespace, key))

    async def alist_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """Do what ``list_namespaces`` does."""
        op = self._list_op(prefix, suffix, max_depth, limit, offset)
        return cast("list[tuple[str, ...]]", await self._ask(op))

    async def _ask(self, op: Op) -> Result:
        return (await self.abatch([op]))[0]

    # Operations as data, the same for both colours

    def _refreshes(self, refresh_ttl: bool | None) -> bool:
        return (self.ttl_config or {}).get("refresh_on_read", True) if refresh_ttl is None else refresh_ttl

    def _get_op(self, namespace: tuple[str, ...], key: str, refresh_ttl: bool | None) -> GetOp:
        check_labels(namespace)
        return GetOp(namespace, str(key), self._refreshes(refresh_ttl))

    def _search_op(
        self,
        prefix: tuple[str, ...],
        query: str | None,
        filter: dict[str, Any] | None,
        limit: int,
        offset: int,
        refresh_ttl: bool | None,
    ) -> SearchOp:
        check_labels(prefix)
        return SearchOp(prefix, filter, limit, offset, query, self._refreshes(refresh_ttl))

    def _put_op(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None,
        ttl: float | NotProvided | None,
    ) -> PutOp:
        check_writable(namespace)
        if isinstance(ttl, NotProvided):
            ttl = (self.ttl_config or {}).get("default_ttl")
        elif ttl is not None and not self.supports_ttl:
            raise NotImplementedError(f"{type(self).__name__} has no time to live, got ttl={ttl!r}. Leave it out.")
        return PutOp(namespace, str(key), value, index, ttl)

    def _delete_op(self, namespace: tuple[str, ...], key: str) -> PutOp:
        check_labels(namespace)
        return PutOp(namespace, str(key), None)

    def _list_op(
        self,
        prefix: NamespacePath | None,
        suffix: NamespacePath | None,
        max_depth: int | None,
        limit: int,
        offset: int,
    ) -> ListNamespacesOp:
        conditions = []
        if prefix:
            check_labels(prefix)
            conditions.append(MatchCondition("prefix", prefix))
        if suffix:
            check_labels(suffix)
            conditions.append(MatchCondition("suffix", suffix))
        return ListNamespacesOp(tuple(conditions), max_depth, limit, offset)


__all__ = ("BaseStore",)
