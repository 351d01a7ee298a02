"""The face of saved threads: reading their states, and changing them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from rxgraph._config import merge_configs
from rxgraph._writer import no_write
from rxgraph.config import RunnableConfig
from rxgraph.constants import CONF
from rxgraph.errors import NotYetAvailableError
from rxgraph.runtime import RunControl
from rxgraph.types import StateSnapshot, StateUpdate

from ._effects import Load
from ._lineage import Lineage
from ._plan import Plan
from ._saver import check_thread
from ._snapshot import empty_snapshot, snapshot
from ._task import RunContext
from ._update import update_thread
from .lanes._saving import aask, asettle, ask, settle


class Threads:
    """What a graph with a checkpointer can do with its threads between runs; a part of ``Pregel``."""

    name: str
    store: Any
    config: Mapping[str, Any] | None
    checkpointer: Any
    _plan: Plan

    def get_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the state of a thread: of its head, or of the checkpoint that *config* names.

        Raises:
            ValueError: The graph has no checkpointer, or *config* names no thread.
        """
        run, lineage = self._at(config, subgraphs)
        found = ask(lineage, Load(lineage.config))
        question = lineage.asks(found)
        return self._snapshot(run, lineage, found, None if question is None else ask(lineage, question))

    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Do what :meth:`get_state` does, on the event loop."""
        run, lineage = self._at(config, subgraphs)
        found = await aask(lineage, Load(lineage.config))
        question = lineage.asks(found)
        return self._snapshot(run, lineage, found, None if question is None else await aask(lineage, question))

    def get_state_history(
        self,
        config: RunnableConfig,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[StateSnapshot]:
        """Show the checkpoints of a thread, newest first.

        Args:
            config: Names the thread; with a ``checkpoint_id``, only that checkpoint is shown.
            filter: Facts that the metadata must have.
            before: Only checkpoints older than this one.
            limit: How many at most.
        """
        run, lineage = self._at(config, False)
        found = lineage.saver.list(lineage.config, before=before, limit=limit, filter=filter)
        # Others are drained first: not every saver can be asked anything while it lists.
        for one in found if lineage.in_memory else list(found):
            question = lineage.asks(one)
            yield snapshot(run, one, None if question is None else ask(lineage, question), live=False)

    async def aget_state_history(
        self,
        config: RunnableConfig,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[StateSnapshot]:
        """Do what :meth:`get_state_history` does, on the event loop."""
        run, lineage = self._at(config, False)
        listed = lineage.saver.alist(lineage.config, before=before, limit=limit, filter=filter)
        for one in [one async for one in listed]:
            question = lineage.asks(one)
            yield snapshot(run, one, None if question is None else await aask(lineage, question), live=False)

    def update_state(
        self, config: RunnableConfig, values: Any, as_node: str | None = None, task_id: str | None = None
    ) -> RunnableConfig:
        """Change the state of a thread as a node would have done, and return the address of the new checkpoint.

        Args:
            config: Names the thread, or one of its checkpoints.
            values: What the node would have returned; ``None`` with ``as_node=END`` gives up the pending tasks.
            as_node: The node that the update stands for; its edges lead on from there. By default the last that ran.
                ``"__input__"`` takes *values* as a new input, ``"__copy__"`` makes a twin of the checkpoint first and
                takes *values* as a list of ``(values, as_node)``.
            task_id: Under which the update is kept; by default that of the node's task.

        Raises:
            CheckpointConflictError: Somebody else has moved the thread on meanwhile.
            InvalidUpdateError: *as_node* is unknown or has to be given; or *values* are no update.
        """
        return self.bulk_update_state(config, [[StateUpdate(values, as_node, task_id)]])

    async def aupdate_state(
        self, config: RunnableConfig, values: Any, as_node: str | None = None, task_id: str | None = None
    ) -> RunnableConfig:
        """Do what :meth:`update_state` does, on the event loop."""
        return await self.abulk_update_state(config, [[StateUpdate(values, as_node, task_id)]])

    def bulk_update_state(self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]) -> RunnableConfig:
        """Apply several updates, and return the address of the last new checkpoint.

        Args:
            config: Names the thread, or one of its checkpoints.
            supersteps: Each is saved as one checkpoint; its updates are applied together, as those of nodes that ran
                side by side, and each of several names its ``as_node``.

        Raises:
            CheckpointConflictError: Somebody else has moved the thread on meanwhile.
            InvalidUpdateError: As for :meth:`update_state`. Names are checked before anything is saved.
            ValueError: There is no superstep, or an empty one.
        """
        run, lineage = self._at(config, False)
        changed: RunnableConfig = settle(lineage, update_thread(run, lineage, supersteps))
        return changed

    async def abulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Do what :meth:`bulk_update_state` does, on the event loop."""
        run, lineage = self._at(config, False)
        changed: RunnableConfig = await asettle(lineage, update_thread(run, lineage, supersteps))
        return changed

    def _at(self, config: Any, subgraphs: bool) -> tuple[RunContext, Lineage]:
        if self.checkpointer is None:
            raise ValueError(
                f"Graph {self.name!r} keeps no threads: No checkpointer set. Compile it with one, e.g. "
                "compile(checkpointer=InMemorySaver())."
            )
        if subgraphs:
            raise NotYetAvailableError("get_state(subgraphs=True)", "It comes with the persistence of inner graphs.")
        merged = merge_configs(self.config, config)
        check_thread(merged, self.name)
        lineage = Lineage(self.checkpointer, merged, (), self._plan.deltas)
        keys = self._plan.stream_keys
        run = RunContext(self._plan, merged, None, self.store, RunControl(), (), frozenset(), keys, no_write, lineage)
        return run, lineage

    def _snapshot(
        self, run: RunContext, lineage: Lineage, found: Any, histories: dict[str, Any] | None
    ) -> StateSnapshot:
        if found is None:
            return empty_snapshot(run.config)
        return snapshot(run, found, histories, live=not lineage.config[CONF].get("checkpoint_id"))


__all__ = ("Threads",)
