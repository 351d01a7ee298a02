"""Finding by meaning: which texts are embedded, and how near they are to a query."""

from __future__ import annotations

import asyncio
import importlib
import math
from collections.abc import Generator, Sequence
from functools import cache
from operator import mul
from typing import Any, NamedTuple, TypeAlias, TypeVar

from rxgraph.store._batch import Address, Batch
from rxgraph.store.base import IndexConfig, PutOp, SearchOp, ensure_embeddings, get_text_at_path
from rxgraph.store.base._embeddings import Vector

Vectors: TypeAlias = dict[str, Vector]
"""The vectors of an item, by the path and number of the text."""

T = TypeVar("T")


class Embed(NamedTuple):
    """Asks for the vectors of texts."""

    texts: list[str]
    are_queries: bool


class Embedded(NamedTuple):
    """The vectors that a batch needs."""

    items: dict[Address, Vectors]
    queries: dict[str, Vector]


class Index:
    """The embeddings of a store.

    Args:
        config: See ``IndexConfig``.
    """

    def __init__(self, config: IndexConfig) -> None:
        self.embeddings = ensure_embeddings(config.get("embed"))
        self.dims = config.get("dims")
        self.fields = config.get("fields") or ["$"]

    @classmethod
    def of(cls, config: IndexConfig | None) -> Index | None:
        """Return an index, or ``None`` for no configuration."""
        return None if config is None else cls(config)

    def embed(self, effect: Embed) -> list[Vector]:
        """Embed texts, in this thread."""
        if effect.are_queries:
            return self._checked(effect, [self.embeddings.embed_query(text) for text in effect.texts])
        return self._checked(effect, self.embeddings.embed_documents(effect.texts))

    async def aembed(self, effect: Embed) -> list[Vector]:
        """Embed texts, without blocking the loop."""
        if effect.are_queries:
            vectors = await asyncio.gather(*(self.embeddings.aembed_query(text) for text in effect.texts))
            return self._checked(effect, vectors)
        return self._checked(effect, await self.embeddings.aembed_documents(effect.texts))

    def texts(self, op: PutOp) -> dict[str, str]:
        """Return the texts of a value that is put, by path and number."""
        if op.value is None or op.index is False:
            return {}
        value = dict(op.value)
        return {
            f"{path}#{number}": text
            for path in (self.fields if op.index is None else op.index)
            for number, text in enumerate(get_text_at_path(value, path))
        }

    def _checked(self, effect: Embed, vectors: Sequence[Any]) -> list[Vector]:
        if len(vectors) != len(effect.texts):
            raise ValueError(f"Embeddings must be one for each of {len(effect.texts)} texts, got {len(vectors)}.")
        found = [[float(number) for number in vector] for vector in vectors]
        for vector in found:
            if self.dims is not None and len(vector) != self.dims:
                raise ValueError(f"Embedding must have the {self.dims} dimensions of the index, got {len(vector)}.")
            if not all(map(math.isfinite, vector)):
                raise ValueError("Embedding must have finite numbers only; nothing is near to a vector with NaN in it.")
        return list(found)


def embedding(batch: Batch, index: Index | None) -> Generator[Embed, list[Vector], Embedded]:
    """Ask for the vectors that a batch needs, each text once."""
    if index is None:
        return Embedded({}, {})
    texts = {address: index.texts(op) for address, op in batch.puts.items()}
    documents = list(dict.fromkeys(text for fields in texts.values() for text in fields.values()))
    queries = list(dict.fromkeys(op.query for _, op in batch.reads if isinstance(op, SearchOp) and op.query))
    vectors = dict(zip(documents, (yield Embed(documents, False)) if documents else (), strict=True))
    asked = dict(zip(queries, (yield Embed(queries, True)) if queries else (), strict=True))
    items = {address: {field: vectors[text] for field, text in fields.items()} for address, fields in texts.items()}
    return Embedded(items, asked)


def rank(found: Sequence[tuple[T, Sequence[Vector]]], query: Vector) -> list[tuple[T, float | None]]:
    """Order what was found by the cosine of its nearest vector; what has none comes last, in the order it came.

    Args:
        found: Each with its vectors.
        query: The vector to be near to.
    """
    scores = _scores([vector for _, vectors in found for vector in vectors], query)
    ranked: list[tuple[T, float | None]] = []
    rest: list[tuple[T, float | None]] = []
    begin = 0
    for one, vectors in found:
        end = begin + len(vectors)
        if vectors:
            ranked.append((one, max(scores[begin:end])))
        else:
            rest.append((one, None))
        begin = end
    ranked.sort(key=lambda pair: pair[1] or 0.0, reverse=True)
    return ranked + rest


def _scores(vectors: Sequence[Vector], query: Vector) -> list[float]:
    if any(len(vector) != len(query) for vector in vectors):
        raise ValueError(
            f"Query has {len(query)} dimensions and some items have others: they were embedded by another model. "
            "Put them again, or keep them in another store."
        )
    numpy = _numpy()
    if numpy is not None and len(vectors) > 1:
        rows = numpy.asarray(vectors, dtype="float64")
        row = numpy.asarray(query, dtype="float64")
        norms = numpy.linalg.norm(rows, axis=1) * numpy.linalg.norm(row)
        norms[norms == 0.0] = math.inf
        scores: list[float] = (rows @ row / norms).tolist()
        return scores
    norm = math.hypot(*query)
    return [
        sum(map(mul, vector, query)) / length if (length := norm * math.hypot(*vector)) else 0.0 for vector in vectors
    ]


@cache
def _numpy() -> Any:
    # Looked for at the first search: it takes longer to import than everything else here.
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


__all__ = ("Embed", "Embedded", "Index", "Vectors", "embedding", "rank")
