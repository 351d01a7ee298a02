"""The engine, driven by hand: it decides, and a lane would perform."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph._writer import no_write
from rxgraph.errors import GraphDrained, GraphRecursionError
from rxgraph.graph import START, StateGraph
from rxgraph.pregel._effects import Emit, Execute
from rxgraph.pregel._engine import Engine
from rxgraph.pregel._task import RunContext, Task
from rxgraph.runtime import RunControl


class State(TypedDict):
    xs: Annotated[list[str], operator.add]


def chain(*names: str) -> Any:
    graph = StateGraph(State).add_sequence([(name, lambda state: None) for name in names])
    return graph.add_edge(START, names[0]).compile()


def engine(graph: Any, *modes: str, limit: int = 25, control: RunControl | None = None, value: Any = None) -> Engine:
    plan = graph._plan
    run = RunContext(
        plan=plan,
        config={},
        context=None,
        store=None,
        control=control or RunControl(),
        namespace=(),
        watched=frozenset(modes),
        output_keys=plan.stream_channels,
        writer=no_write,
    )
    return Engine(run, {"xs": ["in"]} if value is None else value, limit)


def finish(task: Task, *values: str) -> None:
    """Pretend that a node ran."""
    task.node.record({"xs": list(values)}, task)


def test_an_unwatched_run_yields_supersteps_and_nothing_else() -> None:
    effects = iter(engine(chain("a", "b")))
    seen = []
    for effect in effects:
        assert isinstance(effect, Execute)
        [task] = effect.superstep.tasks
        seen.append((effect.superstep.step, task.name))
        task.node.record(task.input if task.name == START else None, task)
    assert seen == [(0, START), (1, "a"), (2, "b")]


def test_values_follow_the_superstep_that_changed_them_and_tasks_go_before_it() -> None:
    effects = iter(engine(chain("a"), "values", "tasks"))
    log: list[Any] = []
    for effect in effects:
        if isinstance(effect, Emit):
            log.extend((mode, payload.get("name") or payload) for _, mode, payload in effect.parts)
        else:
            [task] = effect.superstep.tasks
            log.append(f"run {task.name}")
            task.node.record(task.input if task.name == START else {"xs": ["a"]}, task)
    assert log == [
        f"run {START}",
        ("values", {"xs": ["in"]}),
        ("tasks", "a"),
        "run a",
        ("values", {"xs": ["in", "a"]}),
    ]


def test_writes_are_applied_by_place_and_not_by_time() -> None:
    """Triggered nodes by name, then sends by index, whichever ended first."""
    graph = StateGraph(State)
    for name in ("z", "b"):
        graph.add_node(name, lambda state: None).add_edge(START, name)
    run = engine(graph.compile())
    effects = iter(run)
    start = next(effects)
    assert isinstance(start, Execute)
    start.superstep.tasks[0].node.record({}, start.superstep.tasks[0])
    both = effects.send(None)
    assert isinstance(both, Execute)
    tasks = {task.name: task for task in both.superstep.tasks}
    finish(tasks["z"], "z")
    finish(tasks["b"], "b")
    with pytest.raises(StopIteration):
        effects.send(None)
    assert run.output == {"xs": ["b", "z"]}


def test_an_error_thrown_in_ends_the_run_with_that_error() -> None:
    effects = iter(engine(chain("a")))
    next(effects)
    with pytest.raises(ZeroDivisionError):
        effects.throw(ZeroDivisionError())


@pytest.mark.parametrize(("limit", "runs"), [(1, ["a"]), (2, ["a", "b"])])
def test_a_run_of_n_supersteps_needs_a_limit_of_n_plus_one(limit: int, runs: list[str]) -> None:
    effects, seen = iter(engine(chain("a", "b"), limit=limit)), []
    with pytest.raises(GraphRecursionError, match=f"recursion_limit={limit}") as caught:
        for effect in effects:
            assert isinstance(effect, Execute)
            [task] = effect.superstep.tasks
            seen.append(task.name)
            task.node.record(task.input if task.name == START else None, task)
    assert seen[1:] == runs
    assert ("'b'" in str(caught.value)) == (limit == 1), "the message names what would run next"


def test_a_drained_run_starts_no_further_superstep() -> None:
    control = RunControl()
    effects = iter(engine(chain("a", "b"), control=control))
    first = next(effects)
    assert isinstance(first, Execute)
    first.superstep.tasks[0].node.record({}, first.superstep.tasks[0])
    control.request_drain("deploy")
    with pytest.raises(GraphDrained, match="deploy"):
        effects.send(None)


def test_a_run_touches_only_the_channels_on_its_way() -> None:
    """A wide graph costs a run nothing where the run doesn't go."""
    graph = StateGraph(State)
    for name in map(str, range(100)):
        graph.add_node(name, lambda state: None).add_edge(name, str((int(name) + 1) % 100))
    run = engine(graph.add_edge(START, "0").compile(), limit=4)
    with pytest.raises(GraphRecursionError):
        for effect in iter(run):
            assert isinstance(effect, Execute)
            for task in effect.superstep.tasks:
                task.node.record(task.input if task.name == START else None, task)
    assert len([name for name in run.state.channels if name.startswith("branch:to:")]) == 5


def test_siblings_share_the_reading_of_the_state_and_not_the_dict() -> None:
    graph = StateGraph(State)
    for name in ("a", "b"):
        graph.add_node(name, lambda state: None).add_edge(START, name)
    compiled = graph.compile()
    a, b = compiled.nodes["a"], compiled.nodes["b"]
    assert a.reads is b.reads
    effects = iter(engine(compiled))
    start = next(effects)
    assert isinstance(start, Execute)
    start.superstep.tasks[0].node.record({}, start.superstep.tasks[0])
    both = effects.send(None)
    assert isinstance(both, Execute)
    first, second = (task.input for task in both.superstep.tasks)
    assert first == second
    assert first is not second
