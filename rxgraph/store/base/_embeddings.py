"""Embeddings: whatever turns texts into vectors, made to look alike."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from rxgraph.errors import LaneError

Vector: TypeAlias = Sequence[float]
EmbeddingsFunc: TypeAlias = Callable[[Sequence[str]], list[list[float]]]
"""Texts to vectors, one each."""

AEmbeddingsFunc: TypeAlias = Callable[[Sequence[str]], Awaitable[list[list[float]]]]
"""The same, asynchronous."""


@runtime_checkable
class Embeddings(Protocol):
    """What a store asks of embeddings; LangChain's have it."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]: ...

    def embed_query(self, text: str) -> list[float]: ...

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]: ...

    async def aembed_query(self, text: str) -> list[float]: ...


class _FunctionEmbeddings:
    """Embeddings made of one function, for documents and queries alike."""

    def __init__(self, function: EmbeddingsFunc | AEmbeddingsFunc) -> None:
        self._function: Callable[[list[str]], Any] = cast(Any, function)
        call = getattr(function, "__call__", None)  # noqa: B004  (the method of an object, to see whether it is async)
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if self._is_async:
            raise LaneError(
                f"Embedding function {self._function!r} is async and this call isn't. "
                "Use the store's async methods (await store.asearch(...)), or give it a plain function."
            )
        return list(self._function(texts))

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        if self._is_async:
            return list(await self._function(texts))
        # It may well be a request over the network, or a model.
        return await asyncio.to_thread(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> list[float]:
        return (await self.aembed_documents([text]))[0]


def ensure_embeddings(embed: Embeddings | EmbeddingsFunc | AEmbeddingsFunc | str | None) -> Embeddings:
    """Return embeddings, whatever they were given as.

    Args:
        embed: An object with the methods of ``Embeddings``, a function from a list of texts to a list of vectors,
            an asynchronous one, or ``"provider:model"`` for LangChain's ``init_embeddings``.

    Raises:
        ValueError: It is ``None`` or nothing of these.
        ImportError: It is a name and the package ``langchain`` isn't installed.
    """
    if isinstance(embed, str):
        try:
            init = importlib.import_module("langchain.embeddings").init_embeddings
        except (ImportError, AttributeError) as error:
            raise ImportError(
                f"Embeddings {embed!r} are made by LangChain's init_embeddings, and 'langchain' is not installed. "
                "Install it, or pass a function from texts to vectors."
            ) from error
        return cast(Embeddings, init(embed))
    if isinstance(embed, Embeddings):
        return embed
    if callable(embed):
        return _FunctionEmbeddings(embed)
    raise ValueError(
        f"embed must be a function from texts to vectors, or have the four methods of Embeddings; got {embed!r}."
    )


__all__ = ("AEmbeddingsFunc", "Embeddings", "EmbeddingsFunc", "Vector", "ensure_embeddings")
