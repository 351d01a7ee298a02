"""The class that savers derive from: everything a runtime may ask of one, in both colours.

A saver implements one colour. Without asynchronous methods of its own it lends the synchronous ones, each call in a
worker thread, so it has to bear being called from several threads. What only some savers can do (``copy_thread``,
``delete_for_runs``, ``prune``) and what every saver has to (the rest) raises ``NotImplementedError`` alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any, Generic, NoReturn, Self, TypeVar, cast

from rxgraph.checkpoint.base._delta import DeltaWalk
from rxgraph.checkpoint.base._types import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from rxgraph.checkpoint.base._upkeep import PruneStrategy
from rxgraph.checkpoint.serde.base import SerializerProtocol, maybe_add_typed_methods
from rxgraph.config import RunnableConfig

V = TypeVar("V", int, float, str)

# What an adapted `alist` asks of a thread at once: few enough to be soon there, many enough to pay for the switch.
_PAGE = 16


class _SharedSerializer:
    """The serializer of savers that were given none, made when the first of them asks."""

    def __get__(self, instance: object, owner: type) -> SerializerProtocol:
        return _default_serializer()


@cache
def _default_serializer() -> SerializerProtocol:
    # The codec behind it is loaded by who saves something, and not by every graph; hence not at the top.
    return cast(SerializerProtocol, import_module("rxgraph.checkpoint.serde.jsonplus").JsonPlusSerializer())


class BaseCheckpointSaver(Generic[V]):
    """Keeps the checkpoints of threads, and what tasks wrote on top of them.

    Shapes: ``config`` names a checkpoint in ``config["configurable"]``: ``thread_id``; ``checkpoint_ns``, ``""`` for
    the root graph; ``checkpoint_id``, none for the latest. For ``put`` the ``checkpoint_id`` is the *parent's*.
    Order: the latest checkpoint is the one with the greatest id, whichever came last. Lists start with it.

    Args:
        serde: Turns values into bytes and back; an ``rxgraph.checkpoint.serde.jsonplus.JsonPlusSerializer`` if not
            given.
    """

    serde: SerializerProtocol = cast(SerializerProtocol, _SharedSerializer())

    def __init__(self, *, serde: SerializerProtocol | None = None) -> None:
        # The class may have one of its own.
        self.serde = self.serde if serde is None else maybe_add_typed_methods(serde)

    @property
    def config_specs(self) -> list[Any]:
        """Descriptions of configurable fields, for tools that ask; none."""
        return []

    # Reading

    def get(self, config: RunnableConfig) -> Checkpoint | None:
        """Return the checkpoint alone, or ``None`` where there is none."""
        found = self.get_tuple(config)
        return None if found is None else found.checkpoint

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that the configuration names, the latest if it names none, or ``None``."""
        self._lacks("get_tuple")

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Give the checkpoints of a thread, newest first.

        The saver may be used while the iteration goes on.

        Args:
            config: What it names is the condition: a thread, a namespace, a checkpoint. ``None`` means all threads.
            filter: Keys of the metadata and the values that they must equal.
            before: Only checkpoints whose ids sort before the one in this configuration.
            limit: How many at most.
        """
        self._lacks("list")

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return the writes that delta channels are rebuilt from, and the stored values that these come on top of.

        The walk goes from the parent of the checkpoint to its parent, and for each channel ends at the first one that
        has a value stored. The writes on that one count, those on the checkpoint itself don't.
        """
        walk = DeltaWalk(channels)
        found = self.get_tuple(config) if channels else None
        while found is not None and walk.enters(_id(found.parent_config)):
            found = self.get_tuple(cast(RunnableConfig, found.parent_config))
            if found is not None:
                walk.visit(found.checkpoint["channel_values"], found.pending_writes or ())
        return walk.history()

    # Writing

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint.

        Args:
            config: Thread and namespace, the parent's id, and the facts that the metadata takes over.
            checkpoint: The state; it is turned into bytes, or copied, before this returns.
            metadata: Facts about it.
            new_versions: The channels that changed since the parent; the values of the others are known.

        Returns:
            The address of the checkpoint.
        """
        self._lacks("put")

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote on top of a checkpoint.

        A write stands at its position in the call, one to a channel of ``WRITES_IDX_MAP`` at its index there.

        Args:
            config: Address of the checkpoint.
            writes: Channels and values.
            task_id: The task.
            task_path: The task's path as text, by which writes are sorted.
        """
        self._lacks("put_writes")

    # Housekeeping

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread with all its namespaces; one that isn't there is fine."""
        self._lacks("delete_thread")

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Forget the checkpoints whose metadata has one of these as ``run_id``, in all threads and namespaces."""
        self._lacks("delete_for_runs")

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread to another one, under the same checkpoint ids."""
        self._lacks("copy_thread")

    def prune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Make threads smaller.

        Args:
            thread_ids: The threads.
            strategy: ``"keep_latest"`` keeps the latest checkpoint of each namespace; ``"delete"`` keeps nothing.
        """
        self._lacks("prune")

    # The same, asynchronous

    async def aget(self, config: RunnableConfig) -> Checkpoint | None:
        """Return the checkpoint alone, or ``None`` where there is none."""
        found = await self.aget_tuple(config)
        return None if found is None else found.checkpoint

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what ``get_tuple`` does, without blocking the loop."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do what ``list`` does, without blocking the loop."""
        items = self.list(config, filter=filter, before=before, limit=limit)
        while page := await asyncio.to_thread(_next_page, items):
            for item in page:
                yield item

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do what ``get_delta_channel_history`` does, without blocking the loop."""
        if type(self).get_delta_channel_history is not BaseCheckpointSaver.get_delta_channel_history:
            return await asyncio.to_thread(self.get_delta_channel_history, config=config, channels=channels)
        # The saver may have the asynchronous colour only.
        walk = DeltaWalk(channels)
        found = await self.aget_tuple(config) if channels else None
        while found is not None and walk.enters(_id(found.parent_config)):
            found = await self.aget_tuple(cast(RunnableConfig, found.parent_config))
            if found is not None:
                walk.visit(found.checkpoint["channel_values"], found.pending_writes or ())
        return walk.history()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``put`` does, without blocking the loop."""
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Do what ``put_writes`` does, without blocking the loop."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Do what ``delete_thread`` does, without blocking the loop."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what ``delete_for_runs`` does, without blocking the loop."""
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what ``copy_thread`` does, without blocking the loop."""
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Do what ``prune`` does, without blocking the loop."""
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)

    # Rules

    def get_next_version(self, current: V | None, channel: None) -> V:
        """Return a version that comes after the current one; ``channel`` is not used any more.

        Counts in whole numbers here; a saver with versions of another kind has a method of its own.
        """
        if isinstance(current, str):
            raise NotImplementedError(
                f"{type(self).__name__}.get_next_version() counts in numbers, got the version {current!r}. "
                "Define the method in the saver that wrote this version, or open the thread with that saver."
            )
        # mypy tries V=str here too.
        return 1 if current is None else int(current) + 1  # type: ignore[return-value]

    def with_allowlist(self, extra_allowlist: Collection[type | tuple[str, ...]]) -> Self:
        """Return a saver on the same storage whose serializer also makes these classes.

        A serializer that has no ``with_msgpack_allowlist`` stays as it is.
        """
        twin = copy(self)
        extended = getattr(self.serde, "with_msgpack_allowlist", None)
        if extended is not None:
            twin.serde = extended(extra_allowlist)
        return twin

    def _lacks(self, method: str) -> NoReturn:
        kind = type(self).__name__
        raise NotImplementedError(
            f"{kind} has no {method}(). Define it in the class, define a{method}() and use the saver asynchronously, "
            "or use another saver, such as rxgraph.checkpoint.memory.InMemorySaver."
        )


def _next_page(items: Iterator[CheckpointTuple]) -> list[CheckpointTuple]:
    return list(islice(items, _PAGE))


def _id(config: RunnableConfig | None) -> str | None:
    return None if config is None else config["configurable"].get("checkpoint_id")


__all__ = ("BaseCheckpointSaver", "V")
