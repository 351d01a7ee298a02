"""A task: one activation of a node in one superstep, and what its node may ask for."""

from __future__ import annotations

from os import urandom
from typing import Any, Final, NamedTuple

from rxgraph.constants import CONF, NS_END, NS_SEP, PULL, PUSH
from rxgraph.runtime import ExecutionInfo, RunControl, Runtime
from rxgraph.types import Namespace, StreamWriter

from ._plan import Node, Plan
from ._state import RunState

OURS: Final = frozenset(
    "thread_id checkpoint_id checkpoint_ns checkpoint_map langgraph_step langgraph_node langgraph_triggers "
    "langgraph_path langgraph_checkpoint_ns".split()
)
"""Metadata of the runtime itself; ``tasks`` events leave it out."""


class RunContext(NamedTuple):
    """What every task of a run shares; the engine's and the nodes' only way to the options of the run.

    Args:
        plan: The graph.
        config: The run's configuration, merged at the door.
        context: What the caller passed as ``context=``.
        store: The graph's store.
        control: Switch that drains the run.
        namespace: Path of the graph below the root.
        watched: Stream modes that somebody reads; nothing is built for the others.
        output_keys: Channels that ``values`` and ``updates`` show.
        writer: Writes to the ``custom`` stream.
    """

    plan: Plan
    config: dict[str, Any]
    context: Any
    store: Any
    control: RunControl
    namespace: Namespace
    watched: frozenset[str]
    output_keys: str | tuple[str, ...]
    writer: StreamWriter


class Task:
    """One activation of a node.

    The writes are a list of ``(channel, value)``; nobody else sees them before the end of the superstep.
    Ids, configuration and runtime are made when they are asked for.
    """

    __slots__ = ("_config", "_id", "error", "index", "input", "node", "run", "state", "step", "writes")

    def __init__(self, node: Node, value: Any, run: RunContext, state: RunState, index: int | None = None) -> None:
        self.node = node
        self.input = value
        self.run = run
        self.state = state
        self.step = state.step
        self.index = index
        """Place among the ``Send`` packets of its superstep; ``None`` for a task that a channel triggered."""
        self.writes: list[tuple[str, Any]] = []
        self.error: BaseException | None = None
        self._id: str | None = None
        self._config: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    @property
    def triggers(self) -> tuple[str, ...]:
        """Channels that can start this task's node, or the ``Send`` marker."""
        return self.node.triggers if self.index is None else (PUSH,)

    @property
    def path(self) -> tuple[Any, ...]:
        """Place of the task in its superstep."""
        return (PULL, self.node.name) if self.index is None else (PUSH, self.index, False)

    @property
    def id(self) -> str:
        """A UUID-formatted id, random: without a checkpoint there is nothing that it would have to be found by."""
        if self._id is None:
            digits = urandom(16).hex()
            self._id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        return self._id

    @property
    def checkpoint_ns(self) -> str:
        """The namespace that a graph called by this task runs in."""
        return NS_SEP.join((*self.run.namespace, f"{self.node.name}{NS_END}{self.id}"))

    @property
    def metadata(self) -> dict[str, Any]:
        """The user's metadata and the node's, for ``tasks`` events."""
        given = self.run.config.get("metadata", {})
        shown = {**{key: value for key, value in given.items() if key not in OURS}, **(self.node.metadata or {})}
        if tags := [tag for tag in self.run.config.get("tags", ()) if not tag.startswith("seq:")]:
            shown["tags"] = tags
        return shown

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that the node sees."""
        if self._config is None:
            config = dict(self.run.config)
            config["metadata"] = {
                **config.get("metadata", {}),
                "langgraph_step": self.step,
                "langgraph_node": self.node.name,
                "langgraph_triggers": self.triggers,
                "langgraph_path": self.path,
                "langgraph_checkpoint_ns": self.checkpoint_ns,
                **(self.node.metadata or {}),
            }
            if tags := [*config.get("tags", ()), *self.node.tags]:
                config["tags"] = tags
            config[CONF] = {**config.get(CONF, {}), "checkpoint_ns": self.checkpoint_ns}
            self._config = config
        return self._config

    @property
    def writer(self) -> StreamWriter:
        """Writes to the ``custom`` stream of the run."""
        return self.run.writer

    @property
    def store(self) -> Any:
        """The graph's store."""
        return self.run.store

    @property
    def runtime(self) -> Runtime[Any]:
        """The run, as the node sees it."""
        run = self.run
        configurable = run.config.get(CONF, {})
        thread_id, run_id = configurable.get("thread_id"), run.config.get("run_id")
        return Runtime(
            context=run.context,
            store=run.store,
            stream_writer=run.writer,
            execution_info=ExecutionInfo(
                checkpoint_ns=self.checkpoint_ns,
                task_id=self.id,
                thread_id=thread_id,
                run_id=None if run_id is None else str(run_id),
            ),
            control=run.control,
        )

    def __repr__(self) -> str:
        return f"<Task {self.node.name!r} step={self.step} {'failed' if self.error else f'{len(self.writes)} writes'}>"


__all__ = ("RunContext", "Task")
