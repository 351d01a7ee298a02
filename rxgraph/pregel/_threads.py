"""The face of saved threads: reading their states, and changing them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from rxgraph._config import merge_configs
from rxgraph._writer import no_write
from rxgraph.config import RunnableConfig
from rxgraph.constants import CONF, NS_SEP
from rxgraph.runtime import RunControl
from rxgraph.types import Namespace, PregelTask, StateSnapshot, StateUpdate

from ._effects import Effect, Load
from ._lineage import Lineage
from ._nesting import node_names, without_task_ids
from ._plan import Plan
from ._saver import check_thread, no_root
from ._snapshot import empty_snapshot, snapshot
from ._task import RunContext
from ._update import update_thread
from .lanes._saving import aask, asettle, ask, settle

if TYPE_CHECKING:
    from .main import Pregel


class Threads:
    """What a graph with a checkpointer can do with its threads between runs; a part of ``Pregel``."""

    name: str
    store: Any
    config: Mapping[str, Any] | None
    checkpointer: Any
    _plan: Plan

    def get_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the state of a thread: of its head, or of the checkpoint that *config* names.

        Args:
            config: Names the thread; its ``checkpoint_ns`` an inner graph, as ``tasks[i].state`` gives it.
            subgraphs: Show the states of inner graphs in ``tasks[i].state``, rather than their addresses.

        Raises:
            ValueError: The graph has no checkpointer, or *config* names no thread.
        """
        run, lineage = self._at(config)
        state: StateSnapshot = settle(lineage, _look(run, lineage, subgraphs))
        return state

    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Do what :meth:`get_state` does, on the event loop."""
        run, lineage = self._at(config)
        state: StateSnapshot = await asettle(lineage, _look(run, lineage, subgraphs))
        return state

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
        run, lineage = self._at(config)
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
        run, lineage = self._at(config)
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
        run, lineage = self._at(config, must_exist=True)
        changed: RunnableConfig = settle(lineage, update_thread(run, lineage, supersteps))
        return changed

    async def abulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Do what :meth:`bulk_update_state` does, on the event loop."""
        run, lineage = self._at(config, must_exist=True)
        changed: RunnableConfig = await asettle(lineage, update_thread(run, lineage, supersteps))
        return changed

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, Pregel[Any, Any, Any, Any]]]:
        """Yield the graphs that nodes are, or call, by the names of the nodes.

        Args:
            namespace: Only the one at this path of node names, joined by ``"|"``.
            recurse: Also those inside them.
        """
        for name, node in self._plan.nodes.items():
            if node.inner is None or (namespace is not None and namespace.split(NS_SEP)[0] != name):
                continue
            rest = None
            if namespace is not None:
                if namespace == name:
                    yield name, node.inner
                    return
                rest = namespace[len(name) + 1 :]
            else:
                yield name, node.inner
            if recurse:
                for path, inner in node.inner.get_subgraphs(namespace=rest, recurse=True):
                    yield f"{name}{NS_SEP}{path}", inner

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, Pregel[Any, Any, Any, Any]]]:
        """Do what :meth:`get_subgraphs` does; nothing has to be awaited."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found

    def _at(self, config: Any, *, must_exist: bool = False) -> tuple[RunContext, Lineage]:
        """Find the graph and the place in a thread that a configuration names.

        Raises:
            ValueError: There is no saver, no thread is named, or, if it must exist, no such inner graph.
        """
        if self.checkpointer is True:
            raise no_root(self.name)
        if not self.checkpointer:
            raise ValueError(
                f"Graph {self.name!r} keeps no threads: No checkpointer set. Compile it with one, e.g. "
                "compile(checkpointer=InMemorySaver())."
            )
        merged = merge_configs(self.config, config)
        check_thread(merged, self.name)
        configurable = merged[CONF]
        namespace: Namespace = ()
        plan = self._plan
        if place := configurable.get("checkpoint_ns"):
            path = NS_SEP.join(node_names(place))
            namespace = tuple(place.split(NS_SEP))
            inner = next((graph for _, graph in self.get_subgraphs(namespace=path, recurse=True)), None)
            if inner is not None:
                plan = inner._plan
                if inner.checkpointer is True:
                    namespace = without_task_ids(namespace)
            elif must_exist:
                known = [name for name, _ in self.get_subgraphs(recurse=True)]
                raise ValueError(
                    f"Graph {self.name!r} has no inner graph at checkpoint_ns {place!r}: Subgraph {path} not found. "
                    f"Inner graphs: {', '.join(map(repr, known)) or 'none'}."
                )
        lineage = Lineage(self.checkpointer, merged, namespace, plan.deltas)
        return _run_of(plan, merged, lineage, self.store), lineage


def _run_of(plan: Plan, config: dict[str, Any], lineage: Lineage, store: Any) -> RunContext:
    """Return what tasks that are only looked at know of a run."""
    return RunContext(
        plan,
        config,
        None,
        store,
        RunControl(),
        tuple(lineage.namespace.split(NS_SEP)) if lineage.namespace else (),
        frozenset(),
        plan.stream_keys,
        no_write,
        lineage=lineage,
    )


def _look(run: RunContext, lineage: Lineage, subgraphs: bool) -> Generator[Effect, Any, StateSnapshot]:
    """Load a checkpoint and show it, with the graphs inside its tasks."""
    found = yield Load(lineage.config)
    if found is None:
        return empty_snapshot(run.config)
    question = lineage.asks(found)
    histories = None if question is None else (yield question)
    state = snapshot(run, found, histories, live=not lineage.config[CONF].get("checkpoint_id"))
    if not subgraphs:
        return state
    tasks = []
    for task in state.tasks:
        if task.state is not None:
            task = task._replace(state=(yield from _look_inside(run, lineage, task)))
        tasks.append(task)
    return state._replace(tasks=tuple(tasks))


def _look_inside(run: RunContext, lineage: Lineage, task: PregelTask) -> Generator[Effect, Any, StateSnapshot]:
    inner, address = run.plan.nodes[task.name].inner, cast("dict[str, Any]", task.state)
    namespace = tuple(address[CONF]["checkpoint_ns"].split(NS_SEP))
    if inner.checkpointer is True:
        namespace = without_task_ids(namespace)
        address = {CONF: {**address[CONF], "checkpoint_ns": NS_SEP.join(namespace)}}
    there = Lineage(lineage.saver, address, namespace, inner._plan.deltas)
    return (yield from _look(_run_of(inner._plan, address, there, run.store), there, True))


__all__ = ("Threads",)
