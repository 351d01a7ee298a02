"""Sessions of workflows and tasks, each for one rule: the same on LangGraph and on rxgraph.

A body is a generator that yields the futures it waits for (see ``Flow``), so that one program serves both lanes. Tasks
begin at any time, so the events of a superstep are sorted. Annotations are evaluated (no postponed ones): many rules
read them.
"""

import asyncio
import functools
from pathlib import Path

import pytest

from tests.parity._sessions import (
    Boom,
    Case,
    Cases,
    Flow,
    Log,
    asks,
    calls,
    chain,
    driven,
    job,
    line,
    naps,
    raises,
    say,
)
from tests.parity._threads import PLAYED, compare

CASES = Cases()
program = CASES.program


def flow(lg, body, nested=False, checkpointer=..., **options):
    """A thread of a workflow; keywords are those of ``entrypoint``."""
    open_thread = lg.nested if nested else lg.thread
    given = {} if checkpointer is ... else {"checkpointer": checkpointer}
    return open_thread(Flow(lg, body, **options), loose=True, **given)


def doubling(lg, seen=None, **options):
    """A task that doubles."""

    def double(number):
        if seen is not None:
            seen.append(number)
        return 2 * number

    return job(lg, double, **options)


# --- running


@program()
def a_workflow_without_tasks(lg):
    def work(x):
        return x + 1
        yield

    thread = flow(lg, work)
    thread.send(1)
    thread.send(5)


@program()
def a_workflow_without_a_saver(lg):
    double = doubling(lg)

    def work(x):
        y = yield double(x)
        return y

    thread = flow(lg, work, checkpointer=None)
    thread.send(1)


@program()
def inputs_and_results_of_any_kind(lg):
    def work(x):
        return x
        yield

    for value in (0, "", {}, [], {"a": 1}, [1, 2], (1, 2), False, {"messages": []}):
        flow(lg, work).send(value)


@program()
def a_workflow_that_returns_nothing(lg):
    double = doubling(lg)

    def work(x):
        yield double(x)

    thread = flow(lg, work)
    thread.send(1)
    thread.send(2)


@program()
def no_input_at_all(lg):
    def work(x):
        return x
        yield

    thread = flow(lg, work)
    thread.send(None)
    thread.send(1)
    thread.send(None)


@program()
def tasks_one_after_the_other(lg):
    double = doubling(lg)

    def work(x):
        one = yield double(x)
        two = yield double(one)
        return [one, two]

    thread = flow(lg, work)
    thread.send(1)
    thread.send(3)


@program()
def tasks_side_by_side(lg):
    double = doubling(lg)

    def work(x):
        numbers = yield [double(number) for number in range(x)]
        return numbers

    flow(lg, work).send(4)


@program()
def tasks_take_positional_and_keyword_arguments(lg):
    def both(a, b=2, *rest, c, **more):
        return [a, b, rest, c, sorted(more.items())]

    task = job(lg, both)

    def work(x):
        one = yield task(x, c=3)
        two = yield task(1, 2, 3, 4, c=5, d=6)
        return [one, two]

    flow(lg, work).send(0)


@program()
def tasks_have_names(lg):
    double = doubling(lg, name="renamed")

    def work(x):
        return (yield double(x))

    thread = flow(lg, work)
    thread.send(1)
    thread.note([double.__name__ if hasattr(double, "__name__") else None, type(double.func).__name__])


@program()
def a_task_is_a_bound_method(lg):
    class Adder:
        def __init__(self, by):
            self.by = by

        def add(self, number):
            return number + self.by

    class AsyncAdder(Adder):
        async def add(self, number):
            return number + self.by

    adder = (Adder if lg.lane == "sync" else AsyncAdder)(7)
    add = lg.task(adder.add)

    def work(x):
        return (yield add(x))

    flow(lg, work).send(1)


@program(lanes=("sync",))
def a_task_is_a_partial(lg):
    def add(left, right):
        return left + right

    def outcome():
        try:
            return lg.task(functools.partial(add, 7))
        except Exception as error:
            return error

    task = outcome()

    def work(x):
        if isinstance(task, Exception):
            return type(task).__name__
        return (yield task(x))

    flow(lg, work).send(1)


@program()
def tasks_that_nobody_waits_for_are_done(lg):
    seen = []
    double = doubling(lg, seen)

    def work(x):
        double(x)
        return "done"
        yield

    thread = flow(lg, work)
    thread.send(4)
    thread.note(seen)


@program()
def a_task_outside_a_run_is_refused(lg):
    def work(x):
        return x
        yield

    thread = flow(lg, work)
    try:
        doubling(lg)(1)
    except Exception as error:
        thread.note(type(error).__name__)
    thread.send(1)


@program()
def tasks_start_tasks(lg):
    double = doubling(lg)

    def outer(number):
        one = yield double(number)
        two = yield double(one)
        return one + two

    task = lg.task(driven(lg, outer))

    def work(x):
        one = yield task(x)
        return one + 1

    flow(lg, work).send(1)


@program(lanes=("async",))
def a_workflow_of_plain_functions_in_the_async_lane(lg):
    @lg.task
    def double(number):
        return 2 * number

    async def work(x):
        return [await double(x), await asyncio.gather(double(1), double(2))]

    class Plain:
        def compile(self, **options):
            return lg.entrypoint(**options)(work)

    lg.thread(Plain(), loose=True).send(1)


@program(lanes=("async",))
def a_plain_workflow_in_the_async_lane(lg):
    @lg.task
    def double(number):
        return 2 * number

    def work(x):
        return double(x).result()

    class Plain:
        def compile(self, **options):
            return lg.entrypoint(**options)(work)

    lg.thread(Plain(), loose=True).send(1)


@program(lanes=("sync",))
def a_coroutine_task_in_the_sync_lane(lg):
    @lg.task
    async def double(number):
        return 2 * number

    def work(x):
        try:
            return double(x).result()
        except Exception as error:
            return type(error).__name__

    class Plain:
        def compile(self, **options):
            return lg.entrypoint(**options)(work)

    lg.thread(Plain(), loose=True).send(1)


@program()
def what_may_not_be_a_workflow(lg):
    def none():
        return 1

    def generator(x):
        yield x

    async def agenerator(x):
        yield x

    def line_of(fn):
        try:
            lg.entrypoint()(fn)
        except Exception as error:
            return type(error).__name__
        return "taken"

    def work(x):
        return x
        yield

    thread = flow(lg, work)
    thread.note([line_of(fn) for fn in (none, generator, agenerator)])
    thread.send(1)


@program()
def what_a_workflow_looks_like(lg):
    def work(x: int) -> str:
        return str(x)
        yield

    thread = flow(lg, work)
    graph = thread.graph
    thread.note([graph.name, graph.stream_mode, sorted(graph.channels), sorted(graph.nodes), graph.stream_eager])
    thread.note([graph.input_channels, graph.output_channels, graph.stream_channels])
    thread.send(1)


# --- what is kept


@program()
def the_previous_value(lg):
    def work(x, *, previous=None):
        return [x, previous]
        yield

    thread = flow(lg, work)
    for turn in (1, 2, 3):
        thread.send(turn)


@program()
def the_previous_value_without_a_saver(lg):
    def work(x, *, previous):
        return [x, previous]
        yield

    thread = flow(lg, work, checkpointer=None)
    thread.send(1)
    thread.send(2)


@program()
def what_is_returned_and_what_is_kept(lg):
    def work(x, *, previous=None):
        return lg.entrypoint.final(value=[x, previous], save=x * 10)
        yield

    thread = flow(lg, work)
    for turn in (1, 2, 3):
        thread.send(turn)


@program()
def nothing_is_kept_but_something_returned(lg):
    def work(x, *, previous="nothing yet"):
        return lg.entrypoint.final(value=previous, save=None)
        yield

    thread = flow(lg, work)
    thread.send(1)
    thread.send(2)


@program()
def an_update_of_what_is_kept(lg):
    def work(x, *, previous=None):
        return [x, previous]
        yield

    thread = flow(lg, work)
    thread.send(1)
    thread.update("updated")
    thread.send(2)
    thread.update("again", as_node="work")
    thread.send(3)


@program("a_streamed_parent_is_the_real_one")
def a_workflow_under_exit(lg):
    double = doubling(lg)

    def work(x, *, previous=None):
        y = yield double(x)
        return [y, lg.interrupt("more?"), previous]

    thread = flow(lg, work)
    thread.send(1, durability="exit")
    thread.send(lg.Command(resume="yes"), durability="exit")
    thread.send(2, durability="exit")


# --- failures


@program()
def a_failing_task_may_be_caught(lg):
    fail = job(lg, raises("fail", Boom("x")))

    def work(x):
        try:
            yield fail(x)
        except Boom as error:
            return f"caught {error}"

    flow(lg, work).send(1)


@program()
def a_failing_task_ends_the_workflow(lg):
    seen = []
    double = doubling(lg, seen)
    fail = job(lg, raises("fail", Boom("x"), seen=seen))

    def work(x):
        seen.append("body")
        y = yield double(x)
        z = yield fail(y)
        return [y, z]

    thread = flow(lg, work)
    thread.send(1)
    thread.send(None)
    thread.note(seen)
    thread.send(2)


@program()
def a_failing_body_remembers_its_tasks(lg):
    seen = []
    double = doubling(lg, seen)
    left = [Boom("once")]

    def work(x):
        y = yield double(x + len(left))
        if left:
            raise left.pop()
        z = yield double(y)
        return [y, z]

    thread = flow(lg, work)
    thread.send(1)
    thread.send(None)
    thread.note(seen)


@program()
def a_failing_task_that_nobody_waits_for(lg):
    fail = job(lg, raises("fail", Boom("x")))
    double = doubling(lg)

    def work(x):
        fail(x)
        y = yield double(x)
        return y

    thread = flow(lg, work)
    thread.send(1)


@program()
def a_task_is_retried(lg):
    seen = []
    policy = lg.RetryPolicy(jitter=False, retry_on=Boom)
    fail = job(lg, raises("fail", Boom(1), Boom(2), seen=seen), retry_policy=policy)

    def work(x):
        return (yield fail(x))

    thread = flow(lg, work)
    with naps() as seconds:
        thread.send(1)
    thread.note((seen, seconds))


@program()
def retries_of_a_task_are_used_up(lg):
    seen = []
    policies = [lg.RetryPolicy(jitter=False, retry_on=Boom, max_attempts=2)]
    fail = job(lg, raises("fail", *map(Boom, range(5)), seen=seen), retry_policy=policies)

    def work(x):
        return (yield fail(x))

    thread = flow(lg, work)
    with naps() as seconds:
        thread.send(1)
        thread.send(None)
    thread.note((seen, seconds))


@program()
def a_workflow_is_retried(lg):
    seen = []
    double = doubling(lg, seen)
    left = [Boom("once")]

    def work(x):
        seen.append("body")
        y = yield double(x)
        if left:
            raise left.pop()
        return y

    thread = flow(lg, work, retry_policy=lg.RetryPolicy(jitter=False, retry_on=Boom))
    with naps() as seconds:
        thread.send(1)
    thread.note((seen, seconds))


@program(lanes=("async",))
def a_task_takes_too_long(lg):
    @lg.task(timeout=0.03)
    async def slow(x):
        await asyncio.sleep(5)

    def work(x):
        try:
            yield slow(x)
        except Exception as error:
            return type(error).__name__

    flow(lg, work).send(1)


@program(lanes=("async",))
def a_workflow_takes_too_long(lg):
    @lg.task
    async def slow(x):
        await asyncio.sleep(5)

    def work(x):
        yield slow(x)

    thread = flow(lg, work, timeout=0.05)
    thread.send(1)


# --- questions


@program("every_answer_is_kept")
def a_body_asks(lg):
    seen = []
    double = doubling(lg, seen)

    def work(x):
        seen.append("body")
        y = yield double(x)
        first = lg.interrupt("first?")
        z = yield double(y)
        return [y, first, z, lg.interrupt("second?")]

    thread = flow(lg, work)
    thread.send(1)
    thread.resume("one")
    thread.resume("two")
    thread.note(seen)
    thread.send(2)


@program()
def a_task_asks(lg):
    seen = []
    double = doubling(lg, seen)

    def ask(x):
        seen.append("ask")
        return [x, lg.interrupt(f"{x}?")]

    task = job(lg, ask)

    def work(x):
        y = yield double(x)
        z = yield task(y)
        w = yield task("again")
        return [z, w]

    thread = flow(lg, work)
    thread.send(1)
    thread.resume("one")
    thread.resume("two")
    thread.note(seen)


@program()
def several_tasks_ask(lg):
    def ask(x):
        return [x, lg.interrupt(f"{x}?")]

    task = job(lg, ask)

    def work(x):
        both = yield [task("a"), task("b")]
        return both

    thread = flow(lg, work, checkpointer=...)
    thread.send(1)
    thread.resume("ambiguous")
    thread.resume({thread.id("a?"): "A"})
    thread.resume({thread.id("b?"): "B"})


@program()
def a_task_of_a_task_asks(lg):
    def ask(x):
        return [x, lg.interrupt(f"{x}?")]

    inner = job(lg, ask)

    def outer(x):
        return (yield inner(x + 1))

    task = lg.task(driven(lg, outer))

    def work(x):
        return (yield task(x))

    thread = flow(lg, work)
    thread.send(1)
    thread.resume("yes")


@program()
def a_replay_with_other_arguments_gives_the_old_result(lg):
    seen = []
    double = doubling(lg, seen)
    rounds = []

    def work(x):
        rounds.append(1)
        y = yield double(x + len(rounds))
        return [y, lg.interrupt("more?")]

    thread = flow(lg, work)
    thread.send(1)
    thread.resume("yes")
    thread.note(seen)


@program()
def new_input_while_a_workflow_asks(lg):
    seen = []
    double = doubling(lg, seen)

    def work(x):
        y = yield double(x)
        return [y, lg.interrupt("more?")]

    thread = flow(lg, work)
    thread.send(1)
    thread.send(2)
    thread.resume("yes")
    thread.note(seen)


@program()
def none_while_a_workflow_asks(lg):
    def work(x):
        return lg.interrupt("more?")
        yield

    thread = flow(lg, work)
    thread.send(1)
    thread.send(None)
    thread.resume("yes")
    thread.resume("too late")


@program()
def going_back_in_a_workflow(lg):
    seen = []
    double = doubling(lg, seen)

    def work(x, *, previous=None):
        y = yield double(x)
        return [y, lg.interrupt("more?"), previous]

    thread = flow(lg, work)
    thread.send(1)
    thread.resume("yes")
    thread.send(2)
    thread.resume("no")
    thread.send(None, thread.at(0))
    thread.resume("again")
    thread.note(seen)


# --- caches


@program()
def a_task_is_cached(lg):
    seen = []
    double = doubling(lg, seen, cache_policy=lg.CachePolicy(key_func=lambda number: str(number)))

    def work(x):
        # LangGraph stores a result in the background: a second call in the same run may come too early.
        return (yield double(x))

    thread = flow(lg, work, cache=lg.InMemoryCache())
    thread.send(1)
    thread.send(1)
    thread.send(2)
    thread.note(seen)


@program()
def the_cache_of_a_task_is_cleared(lg):
    seen = []
    cache = lg.InMemoryCache()
    double = doubling(lg, seen, cache_policy=lg.CachePolicy())

    def work(x):
        return (yield double(x))

    thread = flow(lg, work, cache=cache)
    thread.send(1)
    double.clear_cache(cache)
    thread.send(1)
    thread.note(seen)


@program()
def a_workflow_is_cached(lg):
    seen = []

    def work(x):
        seen.append(x)
        return x + 1
        yield

    thread = flow(lg, work, cache=lg.InMemoryCache(), cache_policy=lg.CachePolicy(key_func=str))
    thread.send(1)
    thread.send(1)
    thread.note(seen)


# --- what is injected


@program()
def a_body_takes_what_nodes_take(lg):
    def work(x, *, writer: lg.StreamWriter, config: lg.RunnableConfig, runtime: lg.Runtime, previous=None):
        writer(["body", x])
        lg.get_stream_writer()("again")
        return [config["configurable"]["user"], runtime.context, runtime.previous, previous]
        yield

    thread = flow(lg, work, context_schema=dict)
    thread.send(1, {"configurable": {"user": "me"}}, context={"who": "you"})
    thread.send(2, {"configurable": {"user": "me"}})


@program("custom_events_of_tasks_are_their_graphs")
def a_task_takes_what_nodes_take(lg):
    def report(x, writer: lg.StreamWriter, config: lg.RunnableConfig, runtime: lg.Runtime):
        writer(["task", x])
        return [config["configurable"]["user"], runtime.context, runtime.previous]

    task = job(lg, report)

    def work(x):
        return (yield task(x))

    thread = flow(lg, work, context_schema=dict)
    thread.send(1, {"configurable": {"user": "me"}}, context={"who": "you"})


@program()
def the_store_of_a_workflow(lg):
    def keep(x):
        lg.get_store().put(("n",), "k", {"x": x})
        return lg.get_store().get(("n",), "k").value

    async def keep_async(x):
        await lg.get_store().aput(("n",), "k", {"x": x})
        return (await lg.get_store().aget(("n",), "k")).value

    task = lg.task(keep if lg.lane == "sync" else keep_async)

    def work(x, *, store):
        y = yield task(x)
        return [y, store is not None]

    store = lg.InMemoryStore()
    flow(lg, work, store=store).send(1)


# --- workflows, graphs and nodes


@program()
def a_node_starts_tasks(lg):
    double = doubling(lg)

    def work(state):
        numbers = yield [double(1), double(2)]
        return {"log": numbers}

    thread = lg.thread(chain(lg, Log, say("a"), ("node", driven(lg, work)), say("b")), loose=True)
    thread.send({"log": ["i"]})


@program()
def a_task_of_a_node_is_remembered(lg):
    seen = []
    double = doubling(lg, seen)

    def work(state):
        number = yield double(1)
        return {"log": [number, lg.interrupt("more?")]}

    thread = lg.thread(chain(lg, Log, say("a"), ("node", driven(lg, work)), say("b")), loose=True)
    thread.send({"log": ["i"]})
    thread.resume("yes")
    thread.note(seen)


@program()
def a_task_calls_a_graph(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()
    call = calls(lg, "call", child)
    task = lg.task(call)

    def work(x):
        return (yield task(x))

    thread = flow(lg, work, nested=True)
    thread.send(1)
    thread.resume("yes")


@program()
def a_body_calls_a_graph(lg):
    child = line(lg, Log, say("s1"), asks(lg, "s2")).compile()

    def work(x):
        return child.invoke({"log": [x]})

    async def work_async(x):
        return await child.ainvoke({"log": [x]})

    class Plain:
        def compile(self, **options):
            return lg.entrypoint(**options)(work if lg.lane == "sync" else work_async)

    thread = lg.nested(Plain(), loose=True)
    thread.send(1)
    thread.resume("yes")


def a_workflow_calls_a_workflow(lg, mode):
    double = doubling(lg)

    def inner(x, *, previous=None):
        y = yield double(x)
        return [y, previous, lg.interrupt("inner?")]

    child = Flow(lg, inner).compile(checkpointer=mode)

    def work(x):
        return child.invoke(x)

    async def work_async(x):
        return await child.ainvoke(x)

    class Plain:
        def compile(self, **options):
            return lg.entrypoint(**options)(work if lg.lane == "sync" else work_async)

    thread = lg.nested(Plain(), loose=True)
    thread.send(1)
    thread.resume("yes")
    thread.send(2)
    thread.resume("no")


for _kind, _mode in {"inheriting": None, "stateful": True}.items():
    _one = functools.partial(a_workflow_calls_a_workflow, mode=_mode)
    _one.__name__ = f"a_workflow_calls_a_workflow_{_kind}"
    program()(_one)


@program()
def a_workflow_is_a_node(lg):
    def inner(state):
        return {"log": [f"seen {len(state['log'])}"]}
        yield

    child = Flow(lg, inner).compile(checkpointer=None)
    thread = lg.nested(chain(lg, Log, say("a"), ("flow", child), say("b")), loose=True)
    thread.send({"log": ["i"]})


@program()
def configurable_values_of_a_task(lg):
    def report(x, config: lg.RunnableConfig):
        mine = {key for key in config["configurable"] if not key.startswith("__")}
        metadata = {key: value for key, value in config["metadata"].items() if not key.startswith(("ls_", "lc_"))}
        return [sorted(mine), sorted(metadata.items())]

    task = job(lg, report)

    def work(x, config: lg.RunnableConfig):
        metadata = {key: value for key, value in config["metadata"].items() if not key.startswith(("ls_", "lc_"))}
        y = yield task(x)
        return [y, sorted(metadata.items())]

    flow(lg, work).send(1, {"metadata": {"m": 1}, "configurable": {"user": "me"}})


@pytest.mark.parametrize("way", PLAYED)
@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session(case: Case, lane: str, way: str) -> None:
    compare(case.program, lane, way, case.differences)


@pytest.mark.parametrize(("case", "lane"), CASES.params())
def test_session_on_a_file(case: Case, lane: str, tmp_path: Path) -> None:
    """What a thread keeps doesn't depend on how it is looked at, so one way is enough."""
    compare(case.program, lane, "stream", case.differences, tmp_path)
