"""The saved history of a run: where it stands in its thread, and what it takes along from there.

Pure bookkeeping: it makes the checkpoints and addresses that the engine asks a lane to load and save.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any, Final, NamedTuple, cast

from rxgraph.channels.delta import DeltaChannel
from rxgraph.checkpoint.base import empty_checkpoint, task_id
from rxgraph.checkpoint.base._checkpoints import LATEST_VERSION, timestamp
from rxgraph.checkpoint.base._conflict import EXPECTED_LATEST
from rxgraph.checkpoint.base._versions import in_versions_of
from rxgraph.checkpoint.base.id import uuid6_text
from rxgraph.constants import (
    CONF,
    ERROR,
    ERROR_SOURCE_NODE,
    INTERRUPT,
    MISSING,
    NO_WRITES,
    NS_SEP,
    NULL_TASK_ID,
    PULL,
    PUSH,
    RESUME,
    TASKS,
)
from rxgraph.types import Interrupt, Namespace

from ._state import RunState

TASK_KEY: Final = "__pregel_task"
"""Key of a node's ``configurable`` under which graphs find the task that calls them, also on a thread of their own."""
CONTROL: Final = frozenset((ERROR, ERROR_SOURCE_NODE, INTERRUPT, RESUME))
"""Writes that say what became of a task; any other write means that it has finished."""


class Answers:
    """The answers that a run was resumed with."""

    __slots__ = ("by_id", "single")

    def __init__(self) -> None:
        self.by_id: dict[str, Any] = {}
        self.single: Any = MISSING

    def take(self, *ids: str) -> Any:
        """Return the answer to a question, known by any of *ids*, or ``MISSING``; each is given once."""
        for one in ids:
            if one in self.by_id:
                return self.by_id.pop(one)
        answer, self.single = self.single, MISSING
        return answer


class Step(NamedTuple):
    """A step of a lineage, as a saver is given it: parent's address, checkpoint, metadata, and what is new in it."""

    config: dict[str, Any]
    checkpoint: dict[str, Any]
    metadata: dict[str, Any]
    new_versions: dict[str, Any]


class LoadHistory(NamedTuple):
    """Ask the saver what delta channels are made of; the outcome is a dict of histories."""

    config: dict[str, Any]
    channels: Sequence[str]


class LoadBefore(NamedTuple):
    """Ask the saver for the last checkpoint of a namespace before another one; the outcome is like that of a load."""

    config: dict[str, Any]
    before: dict[str, Any]


class Replay:
    """Keeps graphs inside a run that goes on from an old checkpoint from what they saved after it.

    Args:
        bound: Id of that checkpoint; each inner graph stands at its first visit where it stood then.
    """

    __slots__ = ("bound", "visited")

    def __init__(self, bound: str) -> None:
        self.bound = bound
        self.visited: set[str] = set()

    def is_first_visit(self, namespace: str) -> bool:
        """Whether a graph is visited for the first time; says so once."""
        if namespace in self.visited:
            return False
        self.visited.add(namespace)
        return True


class Lineage:
    """Where a run stands in its thread.

    Args:
        saver: Keeps the thread.
        config: The run's configuration; ``configurable`` names the thread.
        namespace: Of the graph, below the root.
        deltas: Channels that are saved as their writes.
        whole: Whether each checkpoint has them whole, since most of the others are not saved.
        answers: Those of the run that this one is part of; they are not this one's to drop.
        parents: Ids of the checkpoints on which the graphs around this one stand, by namespace.
        transient: Whether the saves are for nobody once the run has come to a good end.
        replay: Of the run that this one is part of.
    """

    __slots__ = (
        "_at_head", "_deltas", "_first_version", "_forks", "_histories", "_loaded_parent", "_next_version",
        "_own_answers", "_parent_id", "_saved_id", "_whole", "answers", "aside", "config", "head", "metadata",
        "namespace", "parents", "pending", "replay", "saved_versions", "saver", "stored", "takes_paths", "transient",
    )  # fmt: skip

    def __init__(
        self,
        saver: Any,
        config: dict[str, Any],
        namespace: Namespace,
        deltas: Sequence[str] = (),
        whole: bool = False,
        *,
        answers: Answers | None = None,
        parents: Mapping[str, str] | None = None,
        transient: bool = False,
        replay: Replay | None = None,
    ) -> None:
        self.saver = saver
        self.parents = dict(parents or {})
        self.transient = transient
        self.replay = replay
        self._deltas = deltas
        self._whole = whole
        self._histories: dict[str, Any] = {}
        self.namespace = NS_SEP.join(namespace)
        configurable = {**config.get(CONF, {}), "checkpoint_ns": self.namespace}
        # The task that has called this graph is no business of a saver.
        configurable.pop(TASK_KEY, None)
        if "thread_id" in configurable:
            configurable["thread_id"] = str(configurable["thread_id"])
        self.config: dict[str, Any] = {**config, CONF: configurable}
        self.head: dict[str, Any] = dict(empty_checkpoint())
        self.metadata: dict[str, Any] = {"step": -2}
        self._parent_id: str | None = None
        self._loaded_parent: dict[str, Any] | None = None
        self._saved_id: str | None = None
        """Id of the last checkpoint that is, or is about to be, in the saver; of the ones to come, one is saved."""
        self._at_head: dict[str, Any] | None = None
        self._forks = self.is_sent
        """Whether the next checkpoint may stand beside the thread's head, since the caller has named another one."""
        self.pending: list[tuple[str, str, Any]] = []
        self.aside: Sequence[tuple[str, str, Any]] = ()
        """What is on the head, too, of tasks that run anew all the same."""
        self.saved_versions: dict[str, Any] = {}
        self.stored = False
        """Whether the head is in the saver; a thread that was never saved has a head, too."""
        self._own_answers = answers is None
        self.answers = Answers() if answers is None else answers
        self.takes_paths = _takes_paths(cast(Hashable, type(saver)))
        """Whether the saver knows the paths of tasks; old ones don't."""
        self._next_version: Callable[[Any, Any], Any] = saver.get_next_version
        self._first_version: Any = None

    @property
    def parent_id(self) -> str | None:
        """Id of the head's parent."""
        return self._parent_id

    @property
    def is_sent(self) -> bool:
        """Whether the caller has named the checkpoint to go on from."""
        return bool(self.config[CONF].get("checkpoint_id"))

    def look(self) -> LoadBefore | None:
        """Return how the checkpoint is found of a graph inside a run that goes on from an old one, if this is such."""
        if self.replay is None or self.is_sent or not self.replay.is_first_visit(self.namespace):
            return None
        self._forks = True
        before = {**self.config, CONF: {**self.config[CONF], "checkpoint_id": self.replay.bound}}
        return LoadBefore(self.without_id(), before)

    def adopt(self, found: Any, histories: dict[str, Any] | None = None) -> None:
        """Stand on a checkpoint that was loaded; ``None`` is the beginning.

        Args:
            found: The saver's tuple.
            histories: What the saver answered to :meth:`asks`.
        """
        self.visit(found, histories)
        if found is None:
            return
        parent = found.parent_config
        around = self.metadata.get("parents") or (self.parents if self.namespace else {})
        if parent is not None and (self.namespace or around):
            address = {**parent[CONF], "checkpoint_map": {**around, self.namespace: parent[CONF]["checkpoint_id"]}}
            parent = {**parent, CONF: address}
        self._loaded_parent = parent
        self._saved_id = self.head["id"]
        self._parent_id = None if found.parent_config is None else found.parent_config[CONF]["checkpoint_id"]
        self._at_head = None
        self.saved_versions = {**self.head["channel_versions"], **found.checkpoint["channel_versions"]}
        self.stored = True

    def visit(self, found: Any, histories: dict[str, Any] | None = None) -> None:
        """Do what :meth:`adopt` does, as far as a checkpoint that is only looked at needs it."""
        self._histories = histories or {}
        if found is None:
            return
        # A thread that a saver with numbers began goes on with one that counts in text, and the other way round.
        if self._first_version is None:
            self._first_version = self._next_version(None, None)
        self.head = with_sends(in_versions_of(found.checkpoint, self._first_version))
        self.metadata = dict(found.metadata)
        self.pending = list(map(tuple, found.pending_writes or ()))

    @property
    def in_memory(self) -> bool:
        """Whether the saver takes no longer than a call; not inherited, for who knows what a derived class does."""
        return bool(vars(type(self.saver)).get("saves_in_memory", False))

    def asks(self, found: Any) -> LoadHistory | None:
        """Return what has to be known of a loaded checkpoint besides what is in it."""
        if found is None or not self._deltas:
            return None
        versions, values = found.checkpoint["channel_versions"], found.checkpoint["channel_values"]
        channels = [name for name in self._deltas if name in versions and name not in values]
        return LoadHistory(found.config, channels) if channels else None

    def rebuild(self, state: RunState) -> None:
        """Give a state that was restored from the head the delta channels that are not in it."""
        for name, history in self._histories.items():
            prototype = cast(DeltaChannel[Any], state.channels.prototypes[name])
            channel = prototype.from_checkpoint(history.get("seed", MISSING))
            channel.replay_writes(history["writes"])
            state.channels[name] = channel

    def next_version(self, current: Any) -> Any:
        """Count a channel version up, the saver's way."""
        return self._next_version(current, None)

    @property
    def step(self) -> int:
        """The superstep that the head was saved after."""
        step: int = self.metadata.get("step", -2)
        return step

    @property
    def at_head(self) -> dict[str, Any]:
        """The run's configuration with the head's address, under which writes are saved; the parent, for ``put``."""
        if self._at_head is None:
            id = self.head["id"] if self.stored else None
            configurable = {**self.config[CONF], "checkpoint_id": id}
            if not self._forks:
                configurable[EXPECTED_LATEST] = id or ""
            self._at_head = {**self.config, CONF: configurable}
        return self._at_head

    @property
    def head_config(self) -> dict[str, Any] | None:
        """The head's address, as streams show it; ``None`` for a thread that was never saved."""
        return self._address_of(self.head["id"]) if self.stored else None

    @property
    def parent_config(self) -> dict[str, Any] | None:
        """The address of the head's parent; of a head that was loaded, as the saver gave it."""
        if self._loaded_parent is not None:
            return self._loaded_parent
        return self._address_of(self._parent_id) if self._parent_id is not None else None

    def _address_of(self, checkpoint_id: str) -> dict[str, Any]:
        # Names that begin like this are the runtime's own.
        shown = {key: value for key, value in self.config[CONF].items() if not key.startswith("__pregel_")}
        # A head that was loaded belongs to the checkpoints around it as they were when it was saved.
        parents = self.metadata.get("parents") or self.parents
        if self.namespace or parents:
            shown["checkpoint_map"] = {**parents, self.namespace: checkpoint_id}
        return {CONF: {**shown, "checkpoint_id": checkpoint_id}}

    def task_id(self, step: int, name: str, triggers: Sequence[str], index: int | None) -> str:
        """Return the id of a task of the superstep that starts from the head."""
        kind, rest = (PULL, tuple(triggers)) if index is None else (PUSH, (str(index),))
        return task_id(self.head["id"], self.namespace, step, name, kind, *rest, v=self.head["v"])

    def advance(self, state: RunState, source: str, updated: Collection[str] | None) -> Step:
        """Move the head to the state as it is, and return what the saver is to be given."""
        parent = self.at_head
        values = dict(self.head["channel_values"])
        new_versions = {n: v for n, v in state.versions.items() if self.saved_versions.get(n) != v}
        for name in new_versions:
            # A channel that the graph doesn't have any more is only new to the saver, under another kind of version.
            value = (
                state.channels[name].checkpoint() if name in state.channels.prototypes else values.get(name, MISSING)
            )
            if value is MISSING:
                values.pop(name, None)
            else:
                values[name] = value
        metadata: dict[str, Any] = {"source": source, "step": state.step, "parents": self.parents}
        if self._deltas and (counters := self._save_deltas(state, source, values, new_versions)):
            metadata["counters_since_delta_snapshot"] = counters
        self._parent_id, self._loaded_parent = self._saved_id, None
        self._at_head, self._forks = None, False
        self.head = {
            "v": LATEST_VERSION,
            "id": uuid6_text(state.step, after=self.head["id"]),
            "ts": timestamp(),
            "channel_values": values,
            "channel_versions": dict(state.versions),
            "versions_seen": dict(state.seen),
            "updated_channels": None if updated is None else sorted(updated),
        }
        if not self._whole:
            self._saved_id = self.head["id"]
        self.metadata = metadata
        # What is stored on a checkpoint, answers too, is for the superstep that starts from it.
        self.pending, self.aside = [], ()
        if self._own_answers:
            self.answers = Answers()
        self.saved_versions = dict(state.versions)
        self.stored = True
        return Step(parent, self.head, self.metadata, new_versions)

    def _save_deltas(
        self, state: RunState, source: str, values: dict[str, Any], new_versions: dict[str, Any]
    ) -> dict[str, tuple[int, int]]:
        """Put those delta channels into a checkpoint that its ancestors' writes don't add up to, or not soon enough.

        Returns updates and supersteps since the last snapshot, of those that are not in it whole.
        """
        known = self.metadata.get("counters_since_delta_snapshot") or {}
        left = () if source == "loop" else {channel for _, channel, _ in self.pending}
        counters: dict[str, tuple[int, int]] = {}
        self._histories = {}
        for name in self._deltas:
            # Writes that are on the head already may be of tasks that this checkpoint gives up, or of another branch.
            astray = self._forks or name in left
            if name not in state.versions and not astray:
                continue
            channel = cast(DeltaChannel[Any], state.channels[name])
            updates, supersteps = known.get(name, (0, 0))
            updates, supersteps = updates + (name in new_versions), supersteps + 1
            counters[name] = (updates, supersteps)
            broken = astray or not self.stored or channel.restarted or self._whole
            if broken or updates >= channel.snapshot_frequency or supersteps >= _most_supersteps():
                del counters[name]
                values[name] = channel.snapshot()
                if name not in new_versions:
                    # A saver keeps a value under its version, and this one has none under the present one.
                    state.version = self._next_version(state.version, None)
                    new_versions[name] = state.versions[name] = state.version
            elif name not in values:
                self._histories[name] = {"seed": channel.get(), "writes": []}
        return counters

    def twin(self, state: RunState) -> Step:
        """Move the head to a copy of itself, which has the same parent, and return what the saver is to be given."""
        parent_id = self._parent_id
        step = self.advance(state, "fork", None)
        self._parent_id = parent_id
        return step._replace(config={**step.config, CONF: {**step.config[CONF], "checkpoint_id": parent_id}})

    def pending_of(self, task: str) -> list[tuple[str, Any]]:
        """Return what is stored for a task, in the order in which it was written."""
        return [(channel, value) for owner, channel, value in self.pending if owner == task]

    def without_id(self) -> dict[str, Any]:
        """Return the configuration of the thread, whichever checkpoint the run was sent to."""
        configurable = {key: value for key, value in self.config[CONF].items() if key != "checkpoint_id"}
        return {**self.config, CONF: configurable}

    def null_writes(self) -> list[tuple[str, Any]]:
        """Writes that belong to no task: updates from outside."""
        return [(c, v) for owner, c, v in self.pending if owner == NULL_TASK_ID and c not in CONTROL]

    def questions(self) -> list[Interrupt]:
        """The questions that wait for answers."""
        finished = {owner for owner, channel, _ in self.aside or self.pending if channel not in CONTROL}
        rows = [asked for owner, channel, asked in self.pending if channel == INTERRUPT and owner not in finished]
        # A caller shows the question of its call, too.
        return list({question.id: question for asked in rows for question in asked}.values())


def finished_writes(stored: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]] | None:
    """Return the writes of a finished task out of what is stored for it; ``None`` if it has not finished."""
    writes = [write for write in stored if write[0] not in CONTROL]
    return [write for write in writes if write[0] != NO_WRITES] if writes else None


def with_sends(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint with its ``Send`` packets in their channel, where versions below 4 did not have them."""
    sends = checkpoint.get("pending_sends")
    if checkpoint["v"] >= LATEST_VERSION or not sends:
        return checkpoint
    versions = checkpoint["channel_versions"]
    return {
        **checkpoint,
        "channel_values": {**checkpoint["channel_values"], TASKS: list(sends)},
        "channel_versions": {**versions, TASKS: max(versions.values())},
        "updated_channels": None,
    }


def _most_supersteps() -> int:
    """Supersteps after which a delta channel is saved whole, however few its updates were."""
    return int(os.environ.get("LANGGRAPH_DELTA_MAX_SUPERSTEPS_SINCE_SNAPSHOT", "5000"))


@cache
def _takes_paths(saver: Any) -> bool:
    return "task_path" in signature(saver.put_writes).parameters


__all__ = (
    "CONTROL",
    "TASK_KEY",
    "Answers",
    "Lineage",
    "LoadBefore",
    "LoadHistory",
    "Replay",
    "Step",
    "finished_writes",
)
