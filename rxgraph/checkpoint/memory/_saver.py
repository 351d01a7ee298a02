"""The saver in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

from rxgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    Address,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    DeltaWalk,
    PruneStrategy,
    SerializerProtocol,
    check_latest,
    expected_latest,
    get_checkpoint_id,
    get_checkpoint_metadata,
    next_version,
)
from rxgraph.checkpoint.base._metadata import matches
from rxgraph.checkpoint.base._upkeep import check_prune, delta_refusal, needs_ancestors
from rxgraph.checkpoint.memory._shelf import EMPTY, Row, Shelf, Write
from rxgraph.config import RunnableConfig

Place: TypeAlias = tuple[str, str, str]
"""A checkpoint as lists sort it: id, thread, namespace."""


class InMemorySaver(BaseCheckpointSaver[str]):
    """Keeps checkpoints in this process, as bytes; it may be used from any thread and any event loop.

    A checkpoint costs the values that changed; those that didn't are shared with the checkpoints before it.

    Args:
        serde: See ``BaseCheckpointSaver``.

    Example:
        >>> saver = InMemorySaver()
        >>> saver.get_tuple({"configurable": {"thread_id": "1"}}) is None
        True
    """

    saves_in_memory = True
    """A save takes no longer than to hand it to somebody else would."""

    def __init__(self, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(serde=serde)
        self._threads: dict[str, dict[str, Shelf]] = {}
        # Held while the shelves are looked at or changed, never while values of channels are turned into bytes or back.
        self._lock = Lock()

    # Reading

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that the configuration names, the latest if it names none, or ``None``."""
        return self._read(Address.of(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Give the checkpoints that there are now, newest first; see ``BaseCheckpointSaver.list``."""
        places = self._places((config or {}).get("configurable") or {}, get_checkpoint_id(before) if before else None)
        return self._found(places, filter, limit)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; see ``BaseCheckpointSaver.get_delta_channel_history``."""
        thread, ns, id = Address.of(config)
        walk = DeltaWalk(channels)
        with self._lock:
            shelf = self._threads.get(thread, {}).get(ns) or Shelf()
            row = shelf.rows.get(id or shelf.latest() or "")
            while row is not None and walk.enters(id := row.parent):
                row = shelf.rows.get(cast(str, id))
                if row is not None:
                    stored = {
                        key[0]: value
                        for key in self._versions(row).items()
                        if key[0] in walk.open and (value := shelf.blobs.get(key, EMPTY)) is not EMPTY
                    }
                    # Still bytes: the walk only sorts them.
                    writes = sorted(shelf.writes_on(cast(str, id)))
                    walk.visit(stored, [(task, channel, value) for _, task, _, channel, value in writes])
        loads = self.serde.loads_typed
        history = walk.history()
        for found in history.values():
            found["writes"] = [(task, channel, loads(value)) for task, channel, value in found["writes"]]
            if "seed" in found:
                found["seed"] = loads(found["seed"])
        return history

    # Writing

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint and the values of the channels in ``new_versions``.

        Raises:
            CheckpointConflictError: The run that puts it doesn't stand on the latest one any more.
        """
        address = Address.of(config)
        values, dumps = checkpoint["channel_values"], self.serde.dumps_typed
        blobs = {
            (channel, version): dumps(values[channel]) if channel in values else EMPTY
            for channel, version in new_versions.items()
        }
        body = cast(dict[str, Any], checkpoint.copy())
        del body["channel_values"]
        row = Row(dumps([body, get_checkpoint_metadata(config, metadata)]), address.id)
        id = checkpoint["id"]
        with self._lock:
            shelf = self._shelf(address)
            check_latest(address, expected_latest(config), shelf.latest())
            shelf.blobs.update(blobs)
            shelf.add(id, row)
        return _config(address.thread, address.ns, id)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote.

        A write to a special channel (``WRITES_IDX_MAP``) takes the place of an earlier one of its task; any other
        that is there already stays.
        """
        address = Address.of(config).existing(task_id)
        dumps, special = self.serde.dumps_typed, WRITES_IDX_MAP
        rows: list[Write] = [
            (task_path, task_id, special.get(channel, position), channel, dumps(value))
            for position, (channel, value) in enumerate(writes)
        ]
        with self._lock:
            self._shelf(address).add_writes(cast(str, address.id), rows)

    # Housekeeping

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread with all its namespaces; one that isn't there is fine."""
        with self._lock:
            self._threads.pop(str(thread_id), None)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Forget the checkpoints of these runs.

        Raises:
            NotImplementedError: A checkpoint of another run has delta channels that are rebuilt from one of these.
        """
        runs = set(run_ids)
        with self._lock:
            doomed: list[tuple[Shelf, set[str]]] = []
            for thread, ns, shelf in self._shelves():
                ids = {id for id, row in shelf.rows.items() if self._metadata(row).get("run_id") in runs}
                if ids:
                    doomed.append((shelf, ids))
                for id in shelf.rows.keys() - ids:
                    if shelf.rows[id].parent in ids and needs_ancestors(self._metadata(shelf.rows[id])):
                        raise delta_refusal("delete_for_runs()", thread, ns, id)
            for shelf, ids in doomed:
                shelf.remove(ids, self._versions)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread to another one; what the other one has under the same ids is replaced."""
        source, target = str(source_thread_id), str(target_thread_id)
        with self._lock:
            for ns, shelf in list(self._threads.get(source, {}).items()):
                there = self._threads.setdefault(target, {})
                if ns in there:
                    there[ns].take(shelf)
                else:
                    there[ns] = shelf.copy()

    def prune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Make threads smaller.

        Args:
            thread_ids: The threads.
            strategy: ``"keep_latest"`` keeps the latest checkpoint of each namespace, which then has no parent;
                ``"delete"`` keeps nothing.

        Raises:
            NotImplementedError: A checkpoint to keep has delta channels that are rebuilt from older ones.
        """
        threads = check_prune(thread_ids, strategy)
        with self._lock:
            if strategy == "delete":
                for thread in threads:
                    self._threads.pop(thread, None)
                return
            kept = [
                (thread, ns, shelf, id)
                for thread in threads
                for ns, shelf in self._threads.get(thread, {}).items()
                if (id := shelf.latest()) is not None
            ]
            for thread, ns, shelf, id in kept:
                if needs_ancestors(self._metadata(shelf.rows[id])):
                    raise delta_refusal("prune()", thread, ns, id)
            for _, _, shelf, id in kept:
                shelf.remove(shelf.rows.keys() - {id}, self._versions)
                shelf.rows[id] = shelf.rows[id]._replace(parent=None)

    # The same, asynchronous: nothing here waits for anything.

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what ``get_tuple`` does."""
        return self.get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do what ``list`` does."""
        for found in self.list(config, filter=filter, before=before, limit=limit):
            yield found

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do what ``get_delta_channel_history`` does."""
        return self.get_delta_channel_history(config=config, channels=channels)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``put`` does."""
        return self.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Do what ``put_writes`` does."""
        self.put_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Do what ``delete_thread`` does."""
        self.delete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what ``delete_for_runs`` does."""
        self.delete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what ``copy_thread`` does."""
        self.copy_thread(source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: PruneStrategy = "keep_latest") -> None:
        """Do what ``prune`` does."""
        self.prune(thread_ids, strategy=strategy)

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return the version after the current one: a number with leading zeros and a random tail."""
        return next_version(current)

    # A saver that other savers share code with is opened and closed; here there is nothing to close.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def __repr__(self) -> str:
        with self._lock:
            count = sum(len(shelf.rows) for _, _, shelf in self._shelves())
            return f"<{type(self).__name__} threads={len(self._threads)} checkpoints={count}>"

    # Below, `_shelf`, `_shelves` and `_places` expect or take the lock as they say.

    def _shelf(self, address: Address) -> Shelf:
        """The shelf of a namespace, made if there is none; under the lock."""
        shelves = self._threads.get(address.thread)
        if shelves is None:
            shelves = self._threads[address.thread] = {}
        shelf = shelves.get(address.ns)
        if shelf is None:
            shelf = shelves[address.ns] = Shelf()
        return shelf

    def _shelves(self) -> Iterator[tuple[str, str, Shelf]]:
        """Every thread, namespace and shelf; under the lock."""
        return ((thread, ns, shelf) for thread, shelves in self._threads.items() for ns, shelf in shelves.items())

    def _places(self, wanted: Mapping[str, Any], before: str | None) -> Iterator[Place]:
        """The checkpoints that fit a configuration, newest first; takes the lock."""
        thread, ns, id = (wanted.get(key) for key in ("thread_id", "checkpoint_ns", "checkpoint_id"))
        runs: list[Iterable[Place]] = []
        with self._lock:
            threads = self._threads if thread is None else {str(thread): self._threads.get(str(thread), {})}
            for name, shelves in threads.items():
                for space, shelf in shelves.items():
                    if ns is None or ns == space:
                        ids = [one for one in shelf.ids(before) if one == id] if id else shelf.ids(before)
                        runs.append([(one, name, space) for one in reversed(ids)])
        return iter(runs[0]) if len(runs) == 1 else merge(*runs, reverse=True)

    def _found(
        self, places: Iterator[Place], filter: Mapping[str, Any] | None, limit: int | None
    ) -> Iterator[CheckpointTuple]:
        for id, thread, ns in places:
            if limit is not None and limit <= 0:
                return
            # None if it was deleted since.
            found = self._read(Address(thread, ns, id), filter)
            if found is not None:
                if limit is not None:
                    limit -= 1
                yield found

    def _read(self, address: Address, filter: Mapping[str, Any] | None = None) -> CheckpointTuple | None:
        thread, ns, id = address
        with self._lock:
            shelf = self._threads.get(thread, {}).get(ns)
            if shelf is None:
                return None
            id = id or shelf.latest() or ""
            row = shelf.rows.get(id)
            if row is None:
                return None
            writes, blobs = shelf.writes_on(id), shelf.blobs
        loads = self.serde.loads_typed
        checkpoint, metadata = loads(row.body)
        if filter and not matches(metadata, filter):
            return None
        # Without the lock: values are only ever added to this dict; where some go, the shelf gets another one.
        checkpoint["channel_values"] = {
            key[0]: loads(value)
            for key in checkpoint["channel_versions"].items()
            if (value := blobs.get(key, EMPTY)) is not EMPTY
        }
        return CheckpointTuple(
            _config(thread, ns, id),
            checkpoint,
            metadata,
            None if row.parent is None else _config(thread, ns, row.parent),
            [(task, channel, loads(value)) for _, task, _, channel, value in sorted(writes)],
        )

    def _versions(self, row: Row) -> ChannelVersions:
        return cast(ChannelVersions, self.serde.loads_typed(row.body)[0]["channel_versions"])

    def _metadata(self, row: Row) -> CheckpointMetadata:
        return cast(CheckpointMetadata, self.serde.loads_typed(row.body)[1])


def _config(thread: str, ns: str, id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id}}


__all__ = ("InMemorySaver",)
