"""A task: one activation of a node in one superstep, and what its node may ask for."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from itertools import count
from os import urandom
from time import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple
from weakref import ref

from rxgraph._writer import READY
from rxgraph.checkpoint.base import interrupt_id, task_id
from rxgraph.constants import (
    CONF,
    ERROR,
    ERROR_SOURCE_NODE,
    INTERRUPT,
    MISSING,
    NO_WRITES,
    NS_END,
    NS_SEP,
    PARENT,
    PREVIOUS,
    PULL,
    PUSH,
    RESUME,
)
from rxgraph.errors import GraphBubbleUp, GraphInterrupt, NodeError, ParentCommand
from rxgraph.runtime import ExecutionInfo, RunControl, Runtime, ServerInfo
from rxgraph.types import Command, Interrupt, Namespace, StreamWriter

from ._answers import checked, shown_schema
from ._lineage import TASK_KEY, Answers, Lineage
from ._plan import Node, Plan
from ._state import RunState

if TYPE_CHECKING:
    from ._tracing import Tracer
    from .lanes import Wiring

OURS: Final = frozenset(
    "thread_id checkpoint_id checkpoint_ns checkpoint_map langgraph_step langgraph_node langgraph_triggers "
    "langgraph_path langgraph_checkpoint_ns".split()
)
"""Metadata of the runtime itself; ``tasks`` events leave it out."""
OWN_RUN: Final = frozenset({"run_id", "run_name"})
"""Options that name one run; what its nodes call has another name."""


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
        wiring: What carries the run's events.
        lineage: The run's place in its thread; ``None`` without a saver.
        cache: Keeps results of nodes that have a cache policy.
        caller: The task whose node has called this graph; ``None`` for the root.
        durability: When checkpoints are saved; inner graphs do as the outer one.
        step_timeout: Seconds that a superstep may take.
        tracer: Is told how the run and its nodes begin and end, if somebody traces.
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
    wiring: Wiring | None = None
    lineage: Lineage | None = None
    cache: Any = None
    caller: Task | None = None
    durability: str | None = None
    step_timeout: float | None = None
    tracer: Tracer | None = None

    @property
    def thread(self) -> Lineage | None:
        """The place in its thread of the run, or of the closest one around it that is saved."""
        run = self
        while run.lineage is None and run.caller is not None:
            run = run.caller.run
        return run.lineage

    @property
    def answers(self) -> Answers | None:
        """The answers that the run, or the one that it is part of, was resumed with."""
        thread = self.thread
        return None if thread is None else thread.answers


class Task:
    """One activation of a node.

    The writes are a list of ``(channel, value)``; nobody else sees them before the end of the superstep.
    Ids, configuration and runtime are made when they are asked for.
    """

    returns: ClassVar[bool] = False
    """Whether it is the call of a function, whose result goes to the caller and not into the state."""

    __slots__ = (
        "__weakref__", "_asked", "_calls", "_config", "_graphs", "_id", "answers", "attempt", "began", "deadline",
        "ended", "error", "from_outside", "index", "input", "interrupts", "node", "restored", "run", "state", "step",
        "stopped", "writes",
    )  # fmt: skip

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
        self.interrupts: tuple[Interrupt, ...] = ()
        """Questions on which the node stopped."""
        self.stopped = False
        """Whether the node waits for somebody: for answers, or at a breakpoint of a graph that it has called."""
        self.answers: list[Any] = []
        """Answers to the node's questions, by their order."""
        self.ended = False
        """Whether the lane has reported its end; a task that a failing sibling has stopped has none."""
        self.restored = False
        """Whether the writes come from the saver or the cache, and the node does not run."""
        self.from_outside = False
        """Whether it stands for an update of a thread, and no channel has triggered it."""
        self.attempt = 1
        """Number of the attempt to run the node."""
        self.began: float | None = None
        """When its first attempt began, in seconds since the epoch, as far as somebody has asked."""
        self.deadline: Any = None
        """Limits the attempt in time, in the asynchronous lane."""
        self._asked = 0
        # Nodes may call graphs and tasks on several threads at once.
        self._graphs, self._calls = count(), count()
        self._id: str | None = None
        self._config: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    @property
    def triggers(self) -> tuple[str, ...]:
        """Channels that can start this task's node, or the ``Send`` marker."""
        if self.index is not None:
            return (PUSH,)
        return (INTERRUPT,) if self.from_outside else self.node.triggers

    @property
    def path(self) -> tuple[Any, ...]:
        """Place of the task in its superstep."""
        return (PULL, self.node.name) if self.index is None else (PUSH, self.index, False)

    @property
    def id(self) -> str:
        """A UUID-formatted id: with a saver, a function of the checkpoint and the place; without one, random."""
        if self._id is None and self.run.lineage is not None:
            self._id = self.run.lineage.task_id(self.step, self.node.name, self.node.triggers, self.index)
        if self._id is None:
            digits = urandom(16).hex()
            self._id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        return self._id

    @property
    def place(self) -> str:
        """By which the tasks that channels have triggered are put in order."""
        return self.node.name

    @property
    def namespace(self) -> Namespace:
        """The namespace that the first graph called by this task runs in."""
        return (*self.run.namespace, f"{self.node.name}{NS_END}{self.id}")

    @property
    def checkpoint_ns(self) -> str:
        """The same as text."""
        return NS_SEP.join(self.namespace)

    @property
    def failure(self) -> NodeError | None:
        """What an error handler is told."""
        return None

    def next_namespace(self) -> Namespace:
        """Return the namespace of the next graph that the node calls; those after the first are numbered."""
        number = next(self._graphs)
        return (*self.namespace, str(number)) if number else self.namespace

    def next_call(self) -> int:
        """Return the number of the next call of a task that the node makes."""
        return next(self._calls)

    @property
    def previous(self) -> Any:
        """What the last run of a functional workflow has saved for this one."""
        channels = self.state.channels
        if PREVIOUS not in channels.prototypes or not channels[PREVIOUS].is_available():
            return None
        return channels[PREVIOUS].get()

    @property
    def inner_address(self) -> dict[str, Any] | None:
        """Where the state of the graph that the node is, or calls, is kept."""
        lineage = self.run.lineage
        if self.node.inner is None or lineage is None:
            return None
        return {CONF: {"thread_id": lineage.config[CONF]["thread_id"], "checkpoint_ns": self.checkpoint_ns}}

    @property
    def checkpoint_map(self) -> dict[str, str]:
        """The checkpoints on which the graphs around a graph called by this task stand, by namespace."""
        lineage = self.run.thread
        return {} if lineage is None else {**lineage.parents, lineage.namespace: lineage.head["id"]}

    @property
    def resumes(self) -> bool:
        """Whether the run has gone on with this task's superstep, so that graphs which it calls go on, too."""
        return self.step == self.state.resumed_at

    @property
    def metadata(self) -> dict[str, Any]:
        """The user's metadata and the node's, for ``tasks`` events."""
        given = self.run.config.get("metadata", {})
        shown = {**{key: value for key, value in given.items() if key not in OURS}, **(self.node.metadata or {})}
        tags = [tag for tag in self.run.config.get("tags", ()) if not tag.startswith("seq:")]
        if tags or self.node.tags:
            shown["tags"] = [*tags, *self.node.tags]
        return shown

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that the node sees."""
        if self._config is None:
            config = {key: value for key, value in self.run.config.items() if key not in OWN_RUN}
            given = config.get(CONF, {})
            thread = {"thread_id": given["thread_id"]} if given.get("thread_id") is not None else {}
            config["metadata"] = {
                **thread,
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
            configurable = {**given, "checkpoint_ns": self.checkpoint_ns, TASK_KEY: ref(self)}
            if self.run.lineage is not None:
                configurable["checkpoint_map"], configurable["checkpoint_id"] = self.checkpoint_map, None
            config[CONF] = configurable
            self._config = config
        return self._config

    @property
    def writer(self) -> StreamWriter:
        """Writes to the ``custom`` stream of the run."""
        return self.run.writer if self.node.timeout is None else partial(self._write, self.attempt)

    def _write(self, attempt: int, payload: Any, /) -> Awaitable[None]:
        """Write for an attempt that is limited in time; what comes later than its end is dropped."""
        if self.ended or self.attempt != attempt or self.deadline is None:
            return READY
        self.show_life()
        return self.run.writer(payload)

    def show_life(self) -> None:
        """Take note of some output, here or in a graph inside: limits of silence begin anew, unless told otherwise."""
        if self.deadline is not None and self.deadline.hears_everything:
            self.deadline.beat()
        if self.run.caller is not None:
            self.run.caller.show_life()

    def heartbeat(self) -> None:
        """Be ``Runtime.heartbeat``: limits of silence begin anew, of this node and of those around it."""
        if self.deadline is not None:
            self.deadline.beat()
        if self.run.caller is not None:
            self.run.caller.heartbeat()

    def begin_again(self) -> None:
        """Forget what a failed attempt has left; answers stay."""
        self.writes.clear()
        self._asked = 0
        self.attempt += 1

    @property
    def store(self) -> Any:
        """The graph's store."""
        return self.run.store

    @property
    def runtime(self) -> Runtime[Any]:
        """The run, as the node sees it."""
        run = self.run
        configurable = run.config.get(CONF, {})
        if self.began is None:
            self.began = time()
        thread_id, run_id = configurable.get("thread_id"), run.config.get("run_id")
        return Runtime(
            context=run.context,
            store=run.store,
            stream_writer=self.writer,
            heartbeat=self.heartbeat,
            previous=self.previous,
            execution_info=ExecutionInfo(
                checkpoint_id=None if run.lineage is None else run.lineage.head["id"],
                checkpoint_ns=self.checkpoint_ns,
                task_id=self.id,
                thread_id=thread_id,
                run_id=None if run_id is None else str(run_id),
                node_attempt=self.attempt,
                node_first_attempt_time=self.began,
            ),
            server_info=ServerInfo.of(configurable),
            control=run.control,
        )

    def ask(self, value: Any, response_schema: Any) -> Any:
        """Return the answer to the node's next question, or stop the node with it."""
        self._asked += 1
        if self._asked <= len(self.answers):
            return checked(response_schema, self.answers[self._asked - 1])
        ns = self.checkpoint_ns
        question = interrupt_id(ns, len(self.answers))
        given = self.run.answers
        # An answer to the first question counts for a later one: that is how callers know the task.
        answer = MISSING if given is None else given.take(question, interrupt_id(ns, 0))
        if answer is MISSING:
            raise GraphInterrupt((Interrupt(value, question, response_schema=shown_schema(response_schema)),))
        # As it was given: the node that asks again checks it again.
        valid = checked(response_schema, answer)
        self.answers.append(answer)
        return valid

    def to_save(self) -> list[tuple[str, Any]]:
        """Return what the saver is to know of the task now that it has ended."""
        untracked = self.run.plan.untracked
        written = [write for write in self.writes if write[0] not in untracked] if untracked else self.writes
        answers = [(RESUME, list(self.answers))] if self.answers else []
        if self.interrupts:
            return [(INTERRUPT, self.interrupts), *answers]
        if self.stopped or isinstance(self.error, GraphBubbleUp):
            return []
        if self.error is not None and self.node.handler is not None:
            return [*answers, *written, (ERROR, self.error), (ERROR_SOURCE_NODE, self.node.name)]
        if self.error is not None:
            return [*answers, *written, (ERROR, self.error)]
        return [*answers, *(written or [(NO_WRITES, None)])]

    def __repr__(self) -> str:
        return f"<Task {self.node.name!r} step={self.step} {'failed' if self.error else f'{len(self.writes)} writes'}>"


class DerivedTask(Task):
    """A task that another one has brought about, in the same superstep: its place is below that one.

    Args:
        node: What it runs.
        value: On what.
        above: The task that has brought it about.
        index: Place among the ``Send`` packets, if that task has one.
    """

    __slots__ = ("above",)

    def __init__(self, node: Node, value: Any, above: Task, index: int | None = None) -> None:
        super().__init__(node, value, above.run, above.state, index)
        self.above = above

    @property
    def triggers(self) -> tuple[str, ...]:
        return (PUSH,)

    @property
    def origin(self) -> tuple[str, ...]:
        """What of its place goes into its id, besides the namespace of the task above."""
        raise NotImplementedError(f"{type(self).__name__} has to say where it comes from.")

    @property
    def id(self) -> str:
        lineage = self.run.lineage
        if self._id is None and lineage is not None:
            head, namespace = lineage.head, self.above.checkpoint_ns
            self._id = task_id(head["id"], namespace, self.step, self.name, PUSH, *self.origin, v=head["v"])
        return super().id

    @property
    def namespace(self) -> Namespace:
        return (*self.above.namespace, f"{self.name}{NS_END}{self.id}")

    @property
    def checkpoint_map(self) -> dict[str, str]:
        lineage = self.run.thread
        around = super().checkpoint_map
        return around if lineage is None else {**around, self.above.checkpoint_ns: lineage.head["id"]}


def own_command(task: Task, signal: ParentCommand) -> Command[Any]:
    """Return the command that a graph inside a node has sent up, if it was sent to the graph of that node.

    Raises:
        ParentCommand: It was sent further up.
    """
    command: Any = signal.command
    if command.graph in (task.checkpoint_ns, task.name):
        return replace(command, graph=None)
    raise signal


def send_up(task: Task, signal: ParentCommand) -> None:
    """Say of a command for the parent which graph that is, now that it leaves the graph of a node."""
    command: Any = signal.command
    if command.graph == PARENT and task.run.caller is not None:
        signal.command = replace(command, graph=task.run.caller.checkpoint_ns)


__all__ = ("DerivedTask", "RunContext", "Task", "own_command", "send_up")
