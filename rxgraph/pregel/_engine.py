"""The engine: the Pregel loop as a generator of effects.

It decides and never does: it does not block, await, or know what a thread is. A lane drives it:

    input -> state
      +-> plan tasks --none--> end
      |     | yield Emit(task starts)          only if somebody reads tasks or debug
      |     | yield Execute(superstep)         the lane waits for demand, runs the nodes, reports each task
      |   apply writes
      |     | yield Emit(values)               only if somebody reads values and an output changed
      +-----+

An error of a node is thrown in at ``Execute``; what has to be saved is saved there, and the error goes on to the
caller. Closing the generator ends the run.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Generator, Sequence
from typing import Any, Final, Literal

from rxgraph.constants import CONF, ERROR, INPUT, INTERRUPT, MISSING, NULL_TASK_ID, PARENT, RESUME
from rxgraph.errors import (
    EmptyInputError,
    GraphDrained,
    GraphInterrupt,
    GraphRecursionError,
    InvalidUpdateError,
    ParentCommand,
    UnknownInterruptError,
)
from rxgraph.types import Command, Interrupt, Part
from rxgraph.warnings import InputIgnoredWarning

from . import _payloads as payloads
from ._effects import Effect, Emit, Execute, Load, Notice, Recall, Remember, Save
from ._faults import handlers_left
from ._lineage import CONTROL, Lineage, Replay, finished_writes
from ._plan import Plan
from ._recall import FullKey, kept, recalled
from ._state import RunState
from ._steps import apply_writes, plan_tasks
from ._superstep import SaveWrites, Superstep
from ._task import RunContext, Task
from ._tracing import traced_superstep

Breakpoints = tuple[str | Collection[str], str | Collection[str]]
NO_BREAKPOINTS: Breakpoints = ((), ())
STRICT_RESUME: Final = "__pregel_strict_resume"
"""Key of ``configurable`` under which answers have to fit the questions that wait."""
INPUT_STEP = -1
"""The input is written before superstep 0, in which a StateGraph runs its hidden start node."""


class Engine:
    """One run of a plan: its state, and the generator that moves it.

    Args:
        run: What the run's tasks share.
        input: What the caller passed.
        recursion_limit: Supersteps that the run may take, plus one.
        breakpoints: Nodes before and after which to stop; ``"*"`` stands for all.
    """

    __slots__ = (
        "_after", "_before", "_changed", "_input", "_last_output", "_limit", "interrupts", "paused", "run", "state",
    )  # fmt: skip

    def __init__(self, run: RunContext, input: Any, recursion_limit: int, breakpoints: Breakpoints = NO_BREAKPOINTS):
        self.run = run
        self.state = RunState(
            run.plan.channels, INPUT_STEP, INPUT_STEP + recursion_limit + 1, run.plan.fading_from_birth
        )
        self.interrupts: list[Interrupt] = []
        """Questions on which the run has stopped."""
        self._input = input
        self._limit = recursion_limit
        self._before, self._after = breakpoints
        self.paused = False
        """Whether it has stopped at a breakpoint, its own or one of a graph inside it."""
        self._changed = False
        self._last_output: Any = MISSING

    def __iter__(self) -> Generator[Effect, Any, None]:
        tells = self.run.caller is not None and "lifecycle" in self.run.watched
        return self._announced() if tells else self._supersteps()

    def _announced(self) -> Generator[Effect, Any, None]:
        """Say of an inner graph when it begins, before its first event, and how it ends."""
        run, status = self.run, "completed"
        cause: Exception | None = None
        assert run.caller is not None
        assert run.wiring is not None
        name = run.caller.name
        yield Emit((lifecycle(run, {"event": "started", "graph_name": name, "trigger_call_id": run.caller.id}),))
        try:
            yield from self._supersteps()
        except GeneratorExit:
            # Whoever closes a generator takes nothing from it any more.
            run.wiring.put(lifecycle(run, {"event": "aborted", "error": None}))
            raise
        except GraphInterrupt as error:
            status, cause = "interrupted", error
        except GraphDrained as error:
            status, cause = "drained", error
        except ParentCommand as error:
            cause = error
        except Exception as error:
            status, cause = "failed", error
        yield Emit((lifecycle(run, {"event": status, "error": cause if status == "failed" else None}),))
        if cause is not None:
            raise cause

    def _supersteps(self) -> Generator[Effect, Any, None]:
        run, state = self.run, self.state
        plan, lineage, watched = run.plan, run.lineage, run.watched
        announces = "tasks" in watched or "debug" in watched
        outputs = frozenset((run.output_keys,) if isinstance(run.output_keys, str) else run.output_keys)
        caches = run.cache is not None and plan.caches
        shows = "values" in watched or not plan.settled.issuperset(outputs)
        updated: Collection[str] | None
        if lineage is None:
            updated = apply_writes(plan, state, (), input_writes(plan, self._input))
        else:
            updated = yield from self._open(lineage)
        while True:
            state.step += 1
            if state.step > state.stop:
                if lineage is not None:
                    yield from self._show_checkpoint(lineage, plan_tasks(run, state, updated))
                raise self._out_of_steps(updated)
            tasks = plan_tasks(run, state, updated)
            if lineage is not None:
                restore_tasks(lineage, tasks)
                yield from self._show_checkpoint(lineage, tasks)
            if not tasks:
                return
            if lineage is not None:
                tasks += handlers_left(lineage, tasks)
            if self._before and self._stops(self._before, tasks):
                yield from self._show_stop()
                return (yield from self._hand_on("interrupt_before"))
            if run.control.drain_requested:
                raise GraphDrained(run.control.drain_reason or "")
            fresh = (yield from self._recall(tasks)) if caches else {}
            superstep = Superstep(run, state.step, tasks)
            if announces or ((lineage is not None or caches) and "updates" in watched):
                yield Emit(superstep.starts())
            if superstep.tasks:
                try:
                    if run.tracer is None:
                        yield Execute(superstep)
                    else:
                        yield from traced_superstep(run.tracer, superstep)
                except Exception:
                    yield from self._remember(fresh)
                    raise
                yield from self._remember(fresh)
                tasks += superstep.handlers
                for name in superstep.called:
                    state.seen.setdefault(name, {})
            if superstep.stopped:
                self.interrupts = superstep.interrupts
                if run.caller is None:
                    yield from self._show_siblings(tasks, outputs)
                if not self.interrupts:
                    yield from self._show_stop()
                return (yield from self._hand_on("pending"))
            updated = apply_writes(plan, state, tasks)
            if not outputs.isdisjoint(updated):
                self._changed = True
                if shows:
                    # A channel that forgets must be read now; the others are read when the caller asks.
                    self._last_output = state.read(run.output_keys)
                    if "values" in watched:
                        yield Emit(((run.namespace, "values", self._last_output),))
            if lineage is not None:
                yield Save(*lineage.advance(state, "loop", updated))
            if self._after and self._stops(self._after, tasks):
                if lineage is not None:
                    state.step += 1
                    yield from self._show_checkpoint(lineage, plan_tasks(run, state, updated))
                yield from self._show_stop()
                return (yield from self._hand_on("interrupt_after"))

    def _hand_on(
        self, status: Literal["pending", "interrupt_before", "interrupt_after"]
    ) -> Generator[Effect, Any, None]:
        """Stop the node that has called this graph, too."""
        if self.run.caller is not None:
            raise GraphInterrupt(self.interrupts)
        yield from self._tell("interrupt", status)

    def _tell(
        self,
        kind: Literal["interrupt", "resume"],
        status: Literal["pending", "interrupt_before", "interrupt_after"] = "pending",
    ) -> Generator[Effect, Any, None]:
        run = self.run
        if run.tracer is not None:
            head = "" if run.lineage is None else run.lineage.head["id"]
            yield Notice(kind, status, head, run.namespace, tuple(self.interrupts))

    @property
    def input(self) -> Any:
        """What the caller passed."""
        return self._input

    @property
    def output(self) -> Any:
        """The output as ``values`` last showed it; ``None`` if no output channel was ever written."""
        if self.interrupts:
            return self.state.peek(self.run.output_keys)
        if not self._changed:
            return None
        return self.state.peek(self.run.output_keys) if self._last_output is MISSING else self._last_output

    def _open(self, lineage: Lineage) -> Generator[Effect, Any, Collection[str] | None]:
        """Load the thread and take the input in, or go on where the thread stands."""
        run, state, value = self.run, self.state, self._input
        look = lineage.look()
        found = yield (look or Load(lineage.config))
        question = lineage.asks(found)
        lineage.adopt(found, None if question is None else (yield question))
        state.restore(lineage.head, lineage.next_version)
        lineage.rebuild(state)
        state.stop = lineage.step + 1 + self._limit + 1
        if look is not None or not (lineage.stored and self._goes_on(lineage)):
            return (yield from self._begin(lineage))
        forks = False
        if lineage.is_sent:
            forks = yield from self._go_back(lineage, found)
        state.step = lineage.step
        state.resumed_at = lineage.step + 1
        if isinstance(value, Command):
            yield from self._take_command(lineage, value, kept=not forks)
        yield from self._tell("resume")
        updated = self._apply_null_writes(lineage)
        state.seen[INTERRUPT] = dict(state.versions)
        if forks:
            state.step, lineage.pending = lineage.step + 1, []
            state.resumed_at = state.step + 1
            yield Save(*lineage.advance(state, "fork", None))
        self._changed = True
        if "values" in run.watched:
            self._last_output = state.peek(run.output_keys)
            yield Emit(((run.namespace, "values", self._last_output),))
        return updated

    def _goes_on(self, lineage: Lineage) -> bool:
        """Whether the run goes on where its thread stands, and takes no input in."""
        caller = self.run.caller
        if caller is not None and (caller.resumes or lineage.is_sent):
            return True
        return self._input is None or isinstance(self._input, Command) or self._enters_again(lineage)

    def _enters_again(self, lineage: Lineage) -> bool:
        """Whether the caller goes on with the run that saved the head, as it says by that run's ``run_id``."""
        run_id = self.run.config.get("metadata", {}).get("run_id")
        if run_id is None or lineage.metadata.get("run_id") != run_id:
            return False
        warnings.warn(
            f"Graph {self.run.plan.name!r} goes on with run {run_id!r}, which its metadata names and which saved the "
            "head of the thread; the input is left aside. Give a new run another run_id.",
            InputIgnoredWarning,
            stacklevel=2,
        )
        return True

    def _apply_null_writes(self, lineage: Lineage) -> Collection[str] | None:
        """Apply what commands have written on top of the head; returns the channels that wait to be reacted to."""
        updated: Collection[str] | None = lineage.head["updated_channels"]
        if extra := lineage.null_writes():
            changed = apply_writes(self.run.plan, self.state, (), extra)
            updated = None if updated is None else {*updated, *changed}
        return updated

    def _go_back(self, lineage: Lineage, found: Any) -> Generator[Effect, Any, bool]:
        """Take the place of a checkpoint that the run was sent to; returns whether a fork of it is to be saved.

        Its tasks run anew: what they wrote is left aside. Without an answer they also ask anew, on a fork, so that what
        they write this time is kept beside what is there. What commands have written there is part of the fork. A head
        that is a fork already, or an update, is not forked again.
        """
        latest = yield Load(lineage.without_id())
        is_head = latest is None or latest.checkpoint["id"] == found.checkpoint["id"]
        answers = isinstance(self._input, Command) and self._input.resume is not None
        forks = not answers and not (is_head and lineage.metadata.get("source") in ("update", "fork"))
        if not forks and not (answers and is_head):
            lineage.aside = lineage.pending
            lineage.pending = [write for write in lineage.pending if is_kept_anew(*write[:2], answers)]
        if not answers:
            # An update's checkpoint is younger than the place that it has changed.
            bound = found.checkpoint["id"] if forks else lineage.parent_id
            lineage.replay = None if bound is None else Replay(bound)
        return forks

    def _begin(self, lineage: Lineage) -> Generator[Effect, Any, Collection[str]]:
        """Take a new input in; tasks that an earlier run left undone are given up."""
        run, state = self.run, self.state
        writes = input_writes(run.plan, self._input, saved=True)
        waiting = self._apply_null_writes(lineage)
        state.step = lineage.step + 1
        left = plan_tasks(run, state, waiting) if lineage.stored else []
        updated = apply_writes(run.plan, state, left, writes)
        state.seen[INPUT] = {}
        yield Save(*lineage.advance(state, "input", updated))
        return updated

    def _take_command(self, lineage: Lineage, command: Command[Any], kept: bool = True) -> Generator[Effect, Any, None]:
        """Take in what a ``Command`` says to a thread that stands somewhere; on a fork it's not kept as rows."""
        plan = self.run.plan
        if command.graph == PARENT:
            raise InvalidUpdateError(f"Graph {plan.name!r} was given Command(graph=PARENT): There is no parent graph.")
        if command.resume is None and not command.update and not command.goto:
            raise EmptyInputError(f"Graph {plan.name!r} was given Command(), which is no input and resumes nothing.")
        groups: list[tuple[list[tuple[str, Any]], list[tuple[str, Any]]]] = []
        if command.resume is not None:
            check_strictly(lineage, command.resume)
            if is_answer_map(command.resume):
                lineage.answers.by_id.update(command.resume)
            else:
                if len(waiting := lineage.questions()) > 1:
                    raise RuntimeError(
                        f"Graph {plan.name!r} was resumed with one answer, and {len(waiting)} questions wait: When "
                        "there are multiple pending interrupts, you must specify the interrupt id. Resume with a map: "
                        "Command(resume={interrupt.id: answer, ...})."
                    )
                lineage.answers.single = command.resume
                groups.append(([], [(RESUME, command.resume)]))
        if command.update or command.goto:
            # Rows keep their places, so what earlier commands have written there is counted in.
            groups.append((lineage.null_writes(), list(plan.command_writes(command))))
        for there, writes in groups:
            if kept:
                yield SaveWrites(lineage.at_head, [*there, *writes], NULL_TASK_ID, "")
            lineage.pending.extend((NULL_TASK_ID, name, value) for name, value in writes)

    def _recall(self, tasks: Sequence[Task]) -> Generator[Effect, Any, dict[FullKey, Task]]:
        """Give tasks the results that the cache has for their inputs; returns the others by the keys of theirs."""
        waiting: dict[FullKey, list[Task]] = {}
        for task in tasks:
            if task.node.caching is not None and not task.restored:
                waiting.setdefault(task.node.caching.key(task.input), []).append(task)
        found = (yield Recall(list(waiting))) if waiting else {}
        for key, entry in found.items():
            for task in waiting.pop(key):
                task.writes, task.restored = recalled(entry), True
                if self.run.lineage is not None:
                    yield SaveWrites.of(task, self.run.lineage)
        return {key: same[0] for key, same in waiting.items()}

    def _remember(self, fresh: dict[FullKey, Task]) -> Generator[Effect, Any, None]:
        """Keep the results of tasks that have come to a good end."""
        entries = {
            key: (kept(task.writes), task.node.caching.policy.ttl)
            for key, task in fresh.items()
            if task.node.caching is not None and task.error is None and not task.stopped and task.ended
        }
        if entries:
            yield Remember(entries)

    def _show_siblings(self, tasks: Sequence[Task], outputs: frozenset[str]) -> Generator[Effect, Any, None]:
        """Let the output have what finished tasks of an interrupted superstep wrote; nothing of it is saved."""
        run, state = self.run, self.state
        finished = [task for task in tasks if not task.stopped]
        changed = apply_writes(run.plan, state, finished) if finished else set()
        if not outputs.isdisjoint(changed):
            self._changed = True
            self._last_output = state.read(run.output_keys)
            if "values" in run.watched:
                yield Emit(((run.namespace, "values", self._last_output),))

    def _show_checkpoint(self, lineage: Lineage, tasks: Sequence[Task]) -> Generator[Effect, Any, None]:
        run, watched = self.run, self.run.watched
        if "checkpoints" not in watched and "debug" not in watched:
            return
        payload = payloads.checkpoint(lineage, self.state.peek(run.plan.stream_keys), tasks)
        if "checkpoints" in watched:
            yield Emit(((run.namespace, "checkpoints", payload),))
        if "debug" in watched:
            yield Emit(((run.namespace, "debug", payloads.debug(lineage.step, "checkpoint", payload)),))

    def _stops(self, nodes: str | Collection[str], tasks: Sequence[Task]) -> bool:
        """Whether a breakpoint holds: one of its nodes is here, and something has changed since the last stop."""
        seen = self.state.seen.get(INTERRUPT, {})
        if not any(name not in seen or version > seen[name] for name, version in self.state.versions.items()):
            return False
        return any(not task.node.hidden if nodes == "*" else task.name in nodes for task in tasks)

    def _show_stop(self) -> Generator[Effect, Any, None]:
        self.paused = True
        if "updates" in self.run.watched and self.run.caller is None:
            yield Emit(((self.run.namespace, "updates", {INTERRUPT: ()}),))

    def _out_of_steps(self, updated: Collection[str] | None) -> GraphRecursionError:
        triggered_by = self.run.plan.triggered_by
        waiting = sorted({node.name for name in updated or () for node in triggered_by.get(name, ())})
        going_on = f" Nodes that would run next: {', '.join(map(repr, waiting))}." if waiting else ""
        return GraphRecursionError(
            f"Graph {self.run.plan.name!r} did not end within recursion_limit={self._limit}; a run of n supersteps "
            f"needs a limit of n + 1.{going_on} "
            'Give the cycle a way out, or raise the limit: config={"recursion_limit": ...}. [GRAPH_RECURSION_LIMIT]'
        )


def lifecycle(run: RunContext, fact: dict[str, Any]) -> Part:
    """Return the part that tells readers of a handle about an inner graph."""
    return (run.namespace, "lifecycle", fact)


def restore_tasks(lineage: Lineage, tasks: Sequence[Task]) -> None:
    """Give tasks back what is stored for them: answers, and the writes of those that have finished."""
    if not lineage.pending:
        return
    for task in tasks:
        stored = lineage.pending_of(task.id)
        for channel, value in stored:
            if channel == RESUME:
                task.answers = list(value)
        writes = finished_writes(stored)
        if writes is not None:
            task.writes, task.restored = writes, True


def is_kept_anew(owner: str, channel: str, answers: bool) -> bool:
    """Whether a write on a checkpoint counts when its tasks run anew, with answers of the caller's or without."""
    if answers:
        return channel in CONTROL
    return channel in (ERROR, INTERRUPT) or (owner == NULL_TASK_ID and channel != RESUME)


def check_strictly(lineage: Lineage, resume: Any) -> None:
    """Raise for answers that fit no question, where the caller has asked for that.

    Raises:
        UnknownInterruptError: An id is of no waiting question, there is none, or one is missing.
    """
    if not lineage.config[CONF].get(STRICT_RESUME):
        return
    pending = [one.id for one in lineage.questions()]
    if is_answer_map(resume):
        if not resume:
            raise UnknownInterruptError(reason="empty_map", pending_ids=pending)
        if unknown := resume.keys() - pending:
            raise UnknownInterruptError(reason="not_pending", interrupt_ids=sorted(unknown), pending_ids=pending)
    elif len(pending) > 1:
        raise UnknownInterruptError(reason="ambiguous", pending_ids=pending)


def is_answer_map(value: Any) -> bool:
    """Whether a resume value maps ids of questions to answers, rather than being an answer itself."""
    return isinstance(value, dict) and all(
        isinstance(key, str) and len(key) == 32 and not key.strip("0123456789abcdef") for key in value
    )


def input_writes(plan: Plan, value: Any, saved: bool = False) -> Sequence[tuple[str, Any]]:
    """Turn the input of a run into writes of its input channels.

    Args:
        plan: The graph.
        value: The input.
        saved: Whether the run has a saver; an answer to nothing is harmless then.

    Raises:
        EmptyInputError: There is none.
        InvalidUpdateError: It is no dict, where the graph takes several channels.
    """
    channels = plan.input_channels
    if value is None:
        raise EmptyInputError(
            f"Graph {plan.name!r} received no input, and there is nothing to go on with: Received no input for "
            f"{channels}. Pass the input as the first argument; an empty dict is an input."
        )
    if isinstance(value, Command):
        _check_command(plan, value, saved)
    if isinstance(channels, str):
        return [(channels, value)]
    if not isinstance(value, dict):
        raise InvalidUpdateError(
            f"Input of graph {plan.name!r} must be a dict with keys out of {list(channels)}: "
            f"Expected dict, got {value!r}."
        )
    writes = [(name, value[name]) for name in channels if name in value]
    if not writes:
        raise EmptyInputError(
            f"Graph {plan.name!r} got an input with none of its input channels: Received no input for "
            f"{list(channels)}, got a dict with the keys {list(value)}."
        )
    return writes


def _check_command(plan: Plan, command: Command[Any], saved: bool) -> None:
    """Raise for a ``Command`` that can't begin a run."""
    if command.graph == PARENT:
        raise InvalidUpdateError(f"Graph {plan.name!r} was given Command(graph=PARENT): There is no parent graph.")
    if command.resume is not None:
        if saved:
            return
        raise RuntimeError(
            f"Graph {plan.name!r} was given {command!r}: Cannot use Command(resume=...) without checkpointer, because "
            "there is no run to resume."
        )
    if not command.update and not command.goto:
        raise EmptyInputError(f"Graph {plan.name!r} was given Command(), which is no input and resumes nothing.")


__all__ = ("Engine", "input_writes")
