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

from collections.abc import Collection, Generator, Sequence
from typing import Any

from rxgraph.constants import MISSING, PARENT
from rxgraph.errors import EmptyInputError, GraphDrained, GraphRecursionError, InvalidUpdateError
from rxgraph.types import Command

from ._effects import Effect, Emit, Execute
from ._plan import Plan
from ._state import RunState
from ._steps import apply_writes, plan_tasks, write_input
from ._superstep import Superstep
from ._task import RunContext

INPUT_STEP = -1
"""The input is written before superstep 0, in which a StateGraph runs its hidden start node."""


class Engine:
    """One run of a plan: its state, and the generator that moves it.

    Args:
        run: What the run's tasks share.
        input: What the caller passed.
        recursion_limit: Supersteps that the run may take, plus one.
    """

    __slots__ = ("_changed", "_input", "_last_output", "_limit", "run", "state")

    def __init__(self, run: RunContext, input: Any, recursion_limit: int) -> None:
        self.run = run
        self.state = RunState(
            run.plan.channels, INPUT_STEP, INPUT_STEP + recursion_limit + 1, run.plan.fading_from_birth
        )
        self._input = input
        self._limit = recursion_limit
        self._changed = False
        self._last_output: Any = MISSING

    def __iter__(self) -> Generator[Effect, None, None]:
        run, state = self.run, self.state
        watched = run.watched
        announces = "tasks" in watched or "debug" in watched
        outputs = frozenset((run.output_keys,) if isinstance(run.output_keys, str) else run.output_keys)
        shows = "values" in watched or not run.plan.settled.issuperset(outputs)
        updated: Collection[str] = write_input(run.plan, state, input_writes(run.plan, self._input))
        while True:
            state.step += 1
            if state.step > state.stop:
                raise self._out_of_steps(updated)
            tasks = plan_tasks(run, state, updated)
            if not tasks:
                return
            if run.control.drain_requested:
                raise GraphDrained(run.control.drain_reason or "")
            superstep = Superstep(run, state.step, tasks)
            if announces:
                yield Emit(superstep.starts())
            yield Execute(superstep)
            updated = apply_writes(run.plan, state, tasks)
            if not outputs.isdisjoint(updated):
                self._changed = True
                if shows:
                    # A channel that forgets must be read now; the others are read when the caller asks.
                    self._last_output = state.read(run.output_keys)
                    if "values" in watched:
                        yield Emit(((run.namespace, "values", self._last_output),))

    @property
    def output(self) -> Any:
        """The output as ``values`` last showed it; ``None`` if no output channel was ever written."""
        if not self._changed:
            return None
        return self.state.read(self.run.output_keys) if self._last_output is MISSING else self._last_output

    def _out_of_steps(self, updated: Collection[str]) -> GraphRecursionError:
        waiting = sorted({node.name for name in updated for node in self.run.plan.triggered_by.get(name, ())})
        going_on = f" Nodes that would run next: {', '.join(map(repr, waiting))}." if waiting else ""
        return GraphRecursionError(
            f"Graph {self.run.plan.name!r} did not end within recursion_limit={self._limit}: "
            f"{self.state.step - 1} supersteps ran, and a run of n supersteps needs a limit of n + 1.{going_on} "
            'Give the cycle a way out, or raise the limit: config={"recursion_limit": ...}. [GRAPH_RECURSION_LIMIT]'
        )


def input_writes(plan: Plan, value: Any) -> Sequence[tuple[str, Any]]:
    """Turn the input of a run into writes of its input channels.

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
        _check_command(plan, value)
    if isinstance(channels, str):
        return [(channels, value)]
    if not isinstance(value, dict):
        raise InvalidUpdateError(
            f"Input of graph {plan.name!r} must be a dict with keys out of {list(channels)}: "
            f"Expected dict, got {value!r}."
        )
    return [(name, value[name]) for name in channels if name in value]


def _check_command(plan: Plan, command: Command[Any]) -> None:
    """Raise for a ``Command`` that can't begin a run."""
    if command.graph == PARENT:
        raise InvalidUpdateError(f"Graph {plan.name!r} was given Command(graph=PARENT): There is no parent graph.")
    if command.resume is not None:
        raise RuntimeError(
            f"Graph {plan.name!r} was given {command!r}: Cannot use Command(resume=...) without checkpointer, because "
            "there is no run to resume."
        )
    if not command.update and not command.goto:
        raise EmptyInputError(f"Graph {plan.name!r} was given Command(), which is no input and resumes nothing.")


__all__ = ("Engine", "input_writes")
