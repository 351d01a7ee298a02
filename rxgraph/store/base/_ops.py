"""What a store can be asked, as data, and how it is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypedDict

from rxgraph.store.base._item import Item, SearchItem

if TYPE_CHECKING:
    from rxgraph.store.base._embeddings import AEmbeddingsFunc, Embeddings, EmbeddingsFunc

NamespacePath: TypeAlias = tuple[str, ...]
"""A pattern of labels; ``"*"`` stands for any one label."""

NamespaceMatchType: TypeAlias = Literal["prefix", "suffix"]
"""Which end of a namespace a pattern is laid against."""


class NotProvided:
    """The type of ``NOT_PROVIDED``: an argument that was left out, where ``None`` means something else."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_PROVIDED: Final = NotProvided()
"""The argument was left out."""

NOT_GIVEN: Final = NOT_PROVIDED
"""Another name of it."""


class GetOp(NamedTuple):
    """Ask for one item; the result is an ``Item`` or ``None``.

    Args:
        namespace: Where.
        key: Which.
        refresh_ttl: Whether its time to live starts again.
    """

    namespace: tuple[str, ...]
    key: str
    refresh_ttl: bool = True


class SearchOp(NamedTuple):
    """Ask for items under a namespace; the result is a list of ``SearchItem``.

    Args:
        namespace_prefix: Items of this namespace and those below it.
        filter: What their values must be like; see ``matcher``.
        limit, offset: Which part of what is found.
        query: A text to rank them by, if the store has an index.
        refresh_ttl: Whether the time to live of what is given starts again.
    """

    namespace_prefix: tuple[str, ...]
    filter: dict[str, Any] | None = None
    limit: int = 10
    offset: int = 0
    query: str | None = None
    refresh_ttl: bool = True


class PutOp(NamedTuple):
    """Keep a value, or delete it; the result is ``None``.

    Args:
        namespace: Where.
        key: Which; what is there is replaced.
        value: The value; ``None`` deletes.
        index: Paths of the texts to find it by, ``False`` for none, ``None`` for those of the store.
        ttl: Minutes after which it is gone; ``None`` for never.
    """

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any] | None
    # The field hides `tuple.index`; its name is part of the interface.
    index: Literal[False] | list[str] | None = None  # type: ignore[assignment]
    ttl: float | None = None


class MatchCondition(NamedTuple):
    """A pattern that namespaces must match.

    Args:
        match_type: ``"prefix"`` or ``"suffix"``.
        path: The labels; ``"*"`` stands for any one.
    """

    match_type: NamespaceMatchType
    path: NamespacePath


class ListNamespacesOp(NamedTuple):
    """Ask which namespaces have items; the result is a sorted list of tuples.

    Args:
        match_conditions: All must match.
        max_depth: Cut longer namespaces to so many labels, and give each once.
        limit, offset: Which part of what is found.
    """

    match_conditions: tuple[MatchCondition, ...] | None = None
    max_depth: int | None = None
    limit: int = 100
    offset: int = 0


Op: TypeAlias = GetOp | SearchOp | PutOp | ListNamespacesOp
Result: TypeAlias = Item | list[Item] | list[SearchItem] | list[tuple[str, ...]] | None


class TTLConfig(TypedDict, total=False):
    """How long items live."""

    default_ttl: float | None
    """Minutes, for items that are put without a ``ttl``; none by default."""

    refresh_on_read: bool
    """Whether reading an item starts its time again, unless the call says otherwise; yes by default."""

    omit_expired: bool
    """Whether an item past its time is gone at once, or only when it is swept away; at once by default."""

    sweep_interval_minutes: float | None
    """How often a started sweeper sweeps; 5 by default."""


class IndexConfig(TypedDict, total=False):
    """How values are found by meaning. ``embed`` is required."""

    dims: int
    """The length of an embedding; others are refused."""

    embed: Embeddings | EmbeddingsFunc | AEmbeddingsFunc | str
    """Turns texts into vectors; see ``ensure_embeddings``."""

    fields: list[str] | None
    """Paths of the texts of a value, ``["$"]``, the whole, by default; see ``get_text_at_path``."""


__all__ = (
    "NOT_GIVEN",
    "NOT_PROVIDED",
    "GetOp",
    "IndexConfig",
    "ListNamespacesOp",
    "MatchCondition",
    "NamespaceMatchType",
    "NamespacePath",
    "NotProvided",
    "Op",
    "PutOp",
    "Result",
    "SearchOp",
    "TTLConfig",
)
