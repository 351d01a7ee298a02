"""Run handles: the same script on LangGraph's and on ours, in both lanes; everything that it saw is compared."""

import asyncio
import gc
import importlib
import operator
import re
import threading
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import pytest

from rxgraph.flow import Lagged
from tests.parity._differences import DIFFERENCES
from tests.stream._handles import WAYS, Ways

LIBRARIES = ("langgraph", "rxgraph")


class Boom(Exception):
    """A node's own failure."""


class State(TypedDict):
    v: str
    xs: Annotated[list, operator.add]


START = {"v": "x", "xs": []}


@dataclass
class Lab:
    """One library and one lane, and what a script notes."""

    library: str
    way: Ways
    seen: list[Any] = field(default_factory=list)

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.library}.{name}")

    @property
    def stream(self) -> Any:
        return self.module("stream")

    def see(self, *things: Any) -> None:
        self.seen.append(things[0] if len(things) == 1 else things)

    async def open(self, graph: Any, *transformers: Any, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return await self.way.open(graph, START, transformers=list(transformers), **options)

    async def trial(self, name: str, work: Callable[[], Any]) -> None:
        """Note what *work* returns, or the class of what it raises."""
        try:
            result = work()
            if isinstance(result, Awaitable):
                result = await result
        except Exception as error:
            self.see(name, "TypeError" if isinstance(error, TypeError) else type(error).__name__)
        else:
            self.see(name, result)

    async def rest(self, source: Any, iterator: Any = None) -> list[Any]:
        """Items up to the end; an error is the last of them."""
        found: list[Any] = []
        iterator = self.way.iter(source) if iterator is None else iterator
        while True:
            try:
                found.append(await self.way.next(iterator))
            except StopAsyncIteration:
                return found
            except Exception as error:
                return [*found, repr(error)]

    def chain(self, *nodes: tuple[str, Any], compiled: bool = True, **options: Any) -> Any:
        graph = self.module("graph")
        builder = graph.StateGraph(State)
        before = "__start__"
        for name, node in nodes:
            is_function = callable(node) and not hasattr(node, "invoke")
            builder.add_node(name, self.way.node(node) if is_function else node)
            builder.add_edge(before, name)
            before = name
        builder.add_edge(before, "__end__")
        return builder.compile(**options)

    def writer(self) -> Any:
        return self.module("config").get_stream_writer()

    def node(self, name: str, writes: int = 1, error: str | None = None, ask: Any = None) -> tuple[str, Any]:
        def run(state: Any) -> Any:
            for i in range(writes):
                self.writer()({"from": name, "i": i})
            if ask is not None:
                return {"xs": [self.module("types").interrupt(ask)]}
            if error is not None:
                raise Boom(error)
            return {"xs": [name]}

        return name, run

    def saver(self) -> Any:
        return self.module("checkpoint.memory").InMemorySaver()


Script = Callable[[Lab], Awaitable[None]]
SCRIPTS: dict[str, tuple[Script, tuple[str, ...]]] = {}


def script(*differences: str) -> Callable[[Script], Script]:
    """Register a script, and the differences that it runs into."""

    def register(fn: Script) -> Script:
        SCRIPTS[fn.__name__] = (fn, differences)
        return fn

    return register


def plain(value: Any) -> str:
    """Text that is the same in both libraries and in every run."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "<id>", repr(value))
    text = re.sub(r"id='[0-9a-f]{32}'", "id=<id>", text)
    text = re.sub(r"'timestamp': (\d+|'[^']+')", "'timestamp': <ts>", text)
    return re.sub(r"'(checkpoint_id|run_id|thread_id)': '[^']+'", r"'\1': <id>", text)


# --- the run itself


@script()
async def all_built_in_projections_of_a_chain(lab: Lab) -> None:
    s = lab.stream
    opt_in = (s.CustomTransformer, s.UpdatesTransformer, s.TasksTransformer, s.DebugTransformer)
    for name in ("values", "custom", "updates", "tasks", "debug", "lifecycle", "subgraphs"):
        run = await lab.open(lab.chain(lab.node("a"), lab.node("b", writes=2)), *opt_in)
        lab.see(name, await lab.rest(getattr(run, name)))


@script()
async def the_raw_log_of_a_chain(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b")), lab.stream.CustomTransformer)
    lab.see(await lab.rest(run))


@script()
async def checkpoints_are_a_projection(lab: Lab) -> None:
    graph = lab.chain(lab.node("a"), checkpointer=lab.saver())
    run = await lab.open(graph, lab.stream.CheckpointsTransformer, config={"configurable": {"thread_id": "1"}})
    found = await lab.rest(run.checkpoints)
    lab.see([(one["metadata"]["step"], one["next"], one["values"]) for one in found])


@script()
async def output_is_the_last_values(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b")))
    for name in ("output", "interrupted", "interrupts", "output"):
        lab.see(name, await lab.way.ask(run, name))


@script()
async def output_in_the_middle_of_an_iteration_leaves_what_is_buffered(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b")))
    it = lab.way.iter(run.values)
    lab.see(await lab.way.next(it))
    lab.see(await lab.way.ask(run, "output"))
    lab.see(await lab.rest(None, it))


@script()
async def a_first_reader_after_the_end_gets_nothing(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")))
    await lab.way.ask(run, "output")
    lab.see(await lab.rest(run.values), await lab.rest(run), await lab.rest(run.lifecycle))


@script()
async def a_projection_is_read_once(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")))
    lab.see(await lab.rest(run.values))
    await lab.trial("again", lambda: lab.way.iter(run.values))
    run = await lab.open(lab.chain(lab.node("a")))
    it = lab.way.iter(run.values)
    await lab.way.next(it)
    await lab.trial("after a break", lambda: lab.way.iter(run.values))
    lab.way.iter(run)
    await lab.trial("the log", lambda: lab.way.iter(run))


@script()
async def a_question_stops_the_run(lab: Lab) -> None:
    graph = lab.chain(lab.node("a"), lab.node("b", ask="q?"), checkpointer=lab.saver())
    run = await lab.open(graph, config={"configurable": {"thread_id": "1"}})
    lab.see(await lab.rest(run.values))
    lab.see(await lab.way.ask(run, "interrupted"), await lab.way.ask(run, "interrupts"))
    lab.see(await lab.way.ask(run, "output"))
    run = await lab.open(graph, config={"configurable": {"thread_id": "2"}})
    lab.see(await lab.rest(run))


@script()
async def an_error_comes_out_of_everything(lab: Lab) -> None:
    s = lab.stream
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b", error="boom")), s.CustomTransformer)
    cursors = [lab.way.iter(one) for one in (run.values, run.custom, run, run.lifecycle, run.subgraphs)]
    for it in cursors:
        lab.see(await lab.rest(None, it))
    await lab.trial("output", lambda: lab.way.ask(run, "output"))
    await lab.trial("interrupted", lambda: lab.way.ask(run, "interrupted"))


@script()
async def abort_ends_cursors_and_keeps_the_last_values(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b"), lab.node("c")))
    it = lab.way.iter(run.values)
    lab.see(await lab.way.next(it), await lab.way.next(it))
    await lab.way.abort(run)
    await lab.way.abort(run)
    lab.see(await lab.rest(None, it), await lab.way.ask(run, "output"), await lab.way.ask(run, "interrupted"))


@script()
async def abort_before_the_first_pull(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")))
    await lab.way.abort(run)
    lab.see(await lab.way.ask(run, "output"), await lab.rest(run.values))


@script()
async def bad_input_surfaces_at_the_first_pull(lab: Lab) -> None:
    run = await lab.way.open(lab.chain(lab.node("a")), None)
    await lab.trial("output", lambda: lab.way.ask(run, "output"))


@script()
async def the_recursion_limit_is_an_error(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a"), lab.node("b")), config={"recursion_limit": 1})
    await lab.trial("output", lambda: lab.way.ask(run, "output"))


@script()
async def arguments_that_follow_from_the_transformers_are_refused(lab: Lab) -> None:
    graph = lab.chain(lab.node("a"))
    await lab.trial("mode", lambda: lab.open(graph, stream_mode="values"))
    await lab.trial("subgraphs", lambda: lab.open(graph, subgraphs=True))
    await lab.trial("instance", lambda: lab.open(graph, lab.stream.CustomTransformer()))
    await lab.trial("number", lambda: lab.open(graph, 5))
    await lab.trial("twice", lambda: lab.open(graph, lab.stream.CustomTransformer, lab.stream.CustomTransformer))


@script()
async def compiled_transformers_come_before_those_of_the_call(lab: Lab) -> None:
    graph = lab.chain(lab.node("a"), transformers=[lab.stream.CustomTransformer])
    run = await lab.open(graph, lab.stream.UpdatesTransformer)
    lab.see([name for name in run.extensions if name != "messages"])
    lab.see(await lab.rest(run.custom))


@script()
async def extensions_are_read_only_and_attributes_say_what_there_is(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")))
    lab.see(type(run.extensions).__name__, run.extensions["values"] is run.values)
    await lab.trial("set", lambda: run.extensions.__setitem__("x", 1))
    await lab.trial("missing", lambda: run.extensions["nope"])
    try:
        _ = run.nope
    except AttributeError as error:
        lab.see([word in str(error) for word in ("nope", type(run).__name__, "lifecycle", "subgraphs", "values")])


# --- transformers


def scoring(lab: Lab, **facts: Any) -> Any:
    """A transformer with a named channel, a bare one and a constant."""
    s = lab.stream

    class Score(s.StreamTransformer):
        required_stream_modes = ("custom",)

        def init(self) -> dict[str, Any]:
            self.score, self.bare = s.StreamChannel("score"), s.StreamChannel()
            return {"score": self.score, "bare": self.bare, "constant": 5}

        def process(self, event: Any) -> bool:
            if event["method"] == "custom":
                self.score.push(event["params"]["data"]["i"])
                self.bare.push(event["params"]["data"]["from"])
            return facts.get("answer", True)

        def finalize(self) -> None:
            self.bare.push("finalized")

        def fail(self, err: BaseException) -> None:
            self.bare.push(f"failed {err!r}")

    return Score


@script()
async def a_transformer_feeds_its_channels(lab: Lab) -> None:
    for name in ("score", "bare"):
        run = await lab.open(lab.chain(lab.node("a", writes=3)), scoring(lab))
        lab.see(name, await lab.rest(run.extensions[name]), run.extensions["constant"])


@script("an_event_comes_before_what_is_made_of_it")
async def a_named_channel_shows_in_the_log(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a", writes=2)), scoring(lab))
    found = [(one["method"], one["params"]["namespace"], one["params"]["data"]) for one in await lab.rest(run)]
    if lab.library == "langgraph":
        # The same pairs, each with the cause in the second place.
        for i, one in enumerate(found[:-1]):
            if one[0] == "custom:score":
                found[i], found[i + 1] = found[i + 1], found[i]
    lab.see(found)


@script()
async def a_false_answer_keeps_an_event_out_of_the_log(lab: Lab) -> None:
    for answer in (False, None):
        run = await lab.open(lab.chain(lab.node("a")), scoring(lab, answer=answer))
        lab.see([(one["seq"], one["method"]) for one in await lab.rest(run)])
        run = await lab.open(lab.chain(lab.node("a")), scoring(lab, answer=answer))
        lab.see(len(await lab.rest(run.values)), await lab.way.ask(run, "output"))


@script()
async def what_is_pushed_at_the_end_comes_out(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")), scoring(lab))
    lab.see(await lab.rest(run.extensions["bare"]))
    run = await lab.open(lab.chain(lab.node("a", error="boom")), scoring(lab))
    lab.see(await lab.rest(run.extensions["bare"]))


@script()
async def a_transformer_that_raises_fails_the_run(lab: Lab) -> None:
    s = lab.stream

    class Bad(s.StreamTransformer):
        def init(self) -> dict[str, Any]:
            return {}

        def process(self, event: Any) -> bool:
            if event["method"] == "values" and event["params"]["data"]["xs"]:
                raise Boom("transformer")
            return True

    run = await lab.open(lab.chain(lab.node("a"), lab.node("b")), Bad)
    cursors = [lab.way.iter(run), lab.way.iter(run.lifecycle)]
    for it in cursors:
        lab.see([one if isinstance(one, str) else one["method"] for one in await lab.rest(None, it)])
    await lab.trial("output", lambda: lab.way.ask(run, "output"))


@script("output_is_what_transformers_made_of_it")
async def a_transformer_before_the_built_in_ones_may_change_events(lab: Lab) -> None:
    s = lab.stream

    class Redact(s.StreamTransformer):
        before_builtins = True

        def init(self) -> dict[str, Any]:
            return {}

        def process(self, event: Any) -> bool:
            if event["method"] == "values":
                event["params"]["data"] = {**event["params"]["data"], "v": "***"}
            return True

    run = await lab.open(lab.chain(lab.node("a")), Redact)
    it = lab.way.iter(run.values)
    log = lab.way.iter(run)
    lab.see(await lab.rest(None, it))
    lab.see([one["params"]["data"]["v"] for one in await lab.rest(None, log)])
    output = await lab.way.ask(run, "output")
    lab.see(output if lab.library == "rxgraph" else {**output, "v": "***"})


@script()
async def async_hooks_are_for_async_runs(lab: Lab) -> None:
    s = lab.stream

    class Slow(s.StreamTransformer):
        required_stream_modes = ("custom",)

        def init(self) -> dict[str, Any]:
            self.out = s.StreamChannel()
            return {"out": self.out}

        async def aprocess(self, event: Any) -> bool:
            await asyncio.sleep(0)
            if event["method"] == "custom":
                self.out.push(event["params"]["data"]["i"])
            return True

        async def afinalize(self) -> None:
            await asyncio.sleep(0)
            self.out.push("end")

    graph = lab.chain(lab.node("a", writes=3), lab.node("b", writes=2))
    if lab.way.name == "sync":
        await lab.trial("open", lambda: lab.open(graph, Slow))
        return
    run = await lab.open(graph, Slow)
    lab.see(await lab.rest(run.extensions["out"]), await lab.way.ask(run, "output"))
    run = await lab.open(graph, Slow)
    lab.see([(one["seq"], one["method"]) for one in await lab.rest(run)])


@script()
async def scheduled_work_is_waited_for(lab: Lab) -> None:
    s = lab.stream

    class Later(s.StreamTransformer):
        def init(self) -> dict[str, Any]:
            self.out = s.StreamChannel()
            return {"out": self.out}

        def process(self, event: Any) -> bool:
            if event["method"] == "values":
                self.schedule(self.work(len(event["params"]["data"]["xs"])))
            return True

        async def work(self, n: int) -> None:
            await asyncio.sleep(0)
            self.out.push(n)

    graph = lab.chain(lab.node("a"), lab.node("b"))
    run = await lab.open(graph, Later)
    if lab.way.name == "sync":
        # There a loop is running, the test's own, so LangGraph starts the work and never waits for it.
        return
    lab.see(sorted(await lab.rest(run.extensions["out"])))


# --- interleave and tee


@script()
async def interleave_keeps_push_order(lab: Lab) -> None:
    if lab.way.name == "async":
        # LangGraph has none there; ours is compared with our synchronous one in tests/stream.
        return
    s = lab.stream
    run = await lab.open(
        lab.chain(lab.node("a", writes=2), lab.node("b")), s.CustomTransformer, s.UpdatesTransformer, s.TasksTransformer
    )
    lab.see(await lab.rest(run.interleave("tasks", "values", "custom", "updates")))


@script()
async def interleave_refuses_what_it_cannot_read(lab: Lab) -> None:
    if lab.way.name == "async":
        return
    for names in (("nope",), ("constant",), ("values", "values")):
        run = await lab.open(lab.chain(lab.node("a")), scoring(lab))
        await lab.trial(str(names), lambda run=run, names=names: list(run.interleave(*names)))
    run = await lab.open(lab.chain(lab.node("a")))
    lab.way.iter(run.values)
    await lab.trial("read", lambda: list(run.interleave("values")))
    lab.see(list(run.interleave()))


@script()
async def interleave_lets_go_of_what_it_did_not_take(lab: Lab) -> None:
    if lab.way.name == "async":
        return
    run = await lab.open(lab.chain(lab.node("a", writes=3)), scoring(lab))
    it = run.interleave("score", "values")
    lab.see(next(it), next(it))
    it.close()
    lab.see(await lab.rest(run.extensions["score"]))


@script()
async def tee_gives_every_branch_everything(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a", writes=3)), lab.stream.CustomTransformer)
    one, two = lab.way.tee(run.custom, 2)
    lab.see(await lab.rest(None, two), await lab.rest(None, one))
    await lab.trial("after tee", lambda: lab.way.iter(run.custom))
    await lab.trial("tee(0)", lambda: lab.way.tee(run.values, 0))


@script()
async def the_wrong_lane_is_a_type_error(lab: Lab) -> None:
    run = await lab.open(lab.chain(lab.node("a")))
    wrong = next(way for way in WAYS if way is not lab.way)
    await lab.trial("iter", lambda: wrong.iter(run.values))
    await lab.trial("tee", lambda: wrong.tee(run.values, 2))


# --- graphs inside


def nested(lab: Lab, error: str | None = None, ask: Any = None) -> Any:
    inner = lab.chain(lab.node("leaf", error=error, ask=ask))
    mid = lab.chain(("inner", inner), lab.node("midn"))
    options = {} if ask is None else {"checkpointer": lab.saver()}
    return lab.chain(lab.node("pre"), ("mid", mid), lab.node("post"), **options)


@script("subgraphs_are_told_of_first")
async def the_log_of_graphs_in_graphs(lab: Lab) -> None:
    for error in (None, "leafboom"):
        run = await lab.open(nested(lab, error), lab.stream.CustomTransformer, lab.stream.UpdatesTransformer)
        log = await lab.rest(run)
        lab.see([one if isinstance(one, str) else one["seq"] for one in log])
        events = [one for one in log if not isinstance(one, str)]
        lab.see([(one["method"], one["params"]) for one in events if one["method"] != "lifecycle"])
        lab.see([one["params"] for one in events if one["method"] == "lifecycle"])


@script()
async def lifecycle_of_graphs_in_graphs(lab: Lab) -> None:
    for error, ask in ((None, None), ("leafboom", None), (None, "q?")):
        run = await lab.open(nested(lab, error, ask), config={"configurable": {"thread_id": "1"}})
        lab.see(await lab.rest(run.lifecycle))
        for name in ("interrupted", "interrupts", "output"):
            await lab.trial(name, lambda run=run, name=name: lab.way.ask(run, name))


@script("subgraphs_are_told_of_first")
async def handles_of_graphs_in_graphs(lab: Lab) -> None:
    run = await lab.open(nested(lab))
    found = []
    it = lab.way.iter(run.subgraphs)
    sub = await lab.way.next(it)
    lab.see(type(sub).__name__, sub.path, sub.graph_name, sub.trigger_call_id, sub.status, sub.error)
    inner = await lab.way.next(lab.way.iter(sub.subgraphs))
    lab.see(type(inner).__name__, inner.path, inner.graph_name, inner.trigger_call_id, inner.status, inner.error)
    found = await lab.rest(inner.values)
    # Theirs miss the snapshot that comes before the handle.
    lab.see(found if lab.library == "langgraph" else found[1:])
    for one in (inner, sub, run):
        lab.see(await lab.way.ask(one, "output"), await lab.way.ask(one, "interrupted"))
    lab.see(inner.status, sub.status, await lab.rest(None, it))


@script()
async def a_question_in_a_graph_inside(lab: Lab) -> None:
    run = await lab.open(nested(lab, ask="q?"), config={"configurable": {"thread_id": "1"}})
    sub = await lab.way.next(lab.way.iter(run.subgraphs))
    inner = await lab.way.next(lab.way.iter(sub.subgraphs))
    for one in (inner, sub, run):
        lab.see(await lab.way.ask(one, "interrupted"), await lab.way.ask(one, "interrupts"))
    lab.see(inner.status, sub.status, inner.error)


@script("a_subgraph_raises_its_own_error")
async def an_error_in_a_graph_inside(lab: Lab) -> None:
    run = await lab.open(nested(lab, "leafboom"))
    sub = await lab.way.next(lab.way.iter(run.subgraphs))
    inner = await lab.way.next(lab.way.iter(sub.subgraphs))
    for one in (inner, sub):
        with pytest.raises(Boom if lab.library == "rxgraph" else RuntimeError) as raised:
            await lab.way.ask(one, "output")
        lab.see(str(raised.value))
    lab.see(inner.status, inner.error, sub.status, sub.error)
    await lab.trial("output", lambda: lab.way.ask(run, "output"))


@script()
async def parallel_subgraphs_have_a_handle_each(lab: Lab) -> None:
    graph = lab.module("graph")
    builder = graph.StateGraph(State)
    for name in ("one", "two", "three"):
        builder.add_node(name, lab.chain(lab.node(f"in {name}")))
        builder.add_edge("__start__", name)
    run = await lab.open(builder.compile())
    # At the end stands an error, because each of them writes the same key.
    *subs, _ = await lab.rest(run.subgraphs)
    lab.see(sorted(sub.graph_name for sub in subs))


@script("a_second_call_has_a_handle_of_its_own")
async def a_task_that_calls_a_graph_twice(lab: Lab) -> None:
    inner = lab.chain(lab.node("leaf"))

    if lab.way.name == "sync":

        def twice(state: Any) -> Any:
            return {"xs": inner.invoke(state)["xs"] + inner.invoke(state)["xs"]}
    else:

        async def twice(state: Any) -> Any:
            return {"xs": (await inner.ainvoke(state))["xs"] + (await inner.ainvoke(state))["xs"]}

    run = await lab.open(lab.chain(("twice", twice)))
    handles = await lab.rest(run.subgraphs)
    lab.see([(one.path, one.graph_name, one.status) for one in handles][:1])
    if lab.library == "rxgraph":
        assert [(len(one.path), one.graph_name, one.status) for one in handles] == [
            (1, "twice", "completed"),
            (2, "twice", "completed"),
        ]


@script()
async def a_subclass_hears_how_subgraphs_begin_and_end(lab: Lab) -> None:
    base = lab.module("stream.transformers").LifecycleTransformer

    class Renaming(base):  # type: ignore[misc, valid-type]
        """Shows graphs under other names, the leaf's not at all, and no end but the outer one's."""

        _native = False

        def init(self) -> dict[str, Any]:
            return {"mine": super().init()["lifecycle"]}

        def _on_started(self, ns: Any, graph_name: Any, trigger_call_id: Any) -> None:
            # There are others for the graphs inside, on LangGraph also where nobody reads those.
            if not self.scope:
                lab.see("started", ns, graph_name, trigger_call_id)
            if graph_name != "inner":
                super()._on_started(ns, graph_name.upper(), trigger_call_id)

        def _on_terminal(self, ns: Any, status: Any, error: Any) -> None:
            if not self.scope:
                lab.see(ns, status, error)
            if len(ns) == 1:
                super()._on_terminal(ns, status, error)

    for error in (None, "leafboom"):
        run = await lab.open(nested(lab, error), Renaming)
        lab.see(await lab.rest(run.extensions["mine"]))
        # Also when nobody reads it.
        run = await lab.open(nested(lab, error), Renaming)
        await lab.trial("output", lambda run=run: lab.way.ask(run, "output"))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("name", SCRIPTS)
def test_handles_show_what_langgraphs_show(name: str, way: Ways) -> None:
    """A program that reads run handles sees the same on both."""
    fn, differences = SCRIPTS[name]
    assert set(differences) <= DIFFERENCES.keys()
    notes = {}
    for library in LIBRARIES:
        lab = Lab(library, way)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.run(asyncio.wait_for(fn(lab), 30))
        notes[library] = [plain(one).replace(f"{library}.", "") for one in lab.seen]
    assert notes["rxgraph"] == notes["langgraph"]


# --- both sides of each difference


def both(fn: Callable[[Lab], Awaitable[Any]], way: Ways = WAYS[0]) -> tuple[Any, Any]:
    """What a script returns, or the class of what it raises, on rxgraph and on LangGraph."""
    found = []
    for library in reversed(LIBRARIES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found.append(asyncio.run(asyncio.wait_for(fn(Lab(library, way)), 30)))
            except Exception as error:
                found.append(type(error))
    return found[0], found[1]


def test_difference_an_event_comes_before_what_is_made_of_it() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(lab.chain(lab.node("a")), scoring(lab))
        return [one["method"] for one in run][1:3]

    ours, theirs = both(act)
    assert (ours, theirs) == (["custom", "custom:score"], ["custom:score", "custom"])


def test_difference_output_is_what_transformers_made_of_it() -> None:
    async def act(lab: Lab) -> Any:
        class Redact(lab.stream.StreamTransformer):
            before_builtins = True

            def init(self) -> dict[str, Any]:
                return {}

            def process(self, event: Any) -> bool:
                if event["method"] == "values":
                    event["params"]["data"] = {"v": "***"}
                return True

        return (await lab.open(lab.chain(lab.node("a")), Redact)).output["v"]

    assert both(act) == ("***", "x")


def test_difference_subgraphs_are_told_of_first() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(nested(lab))
        sub = await anext(aiter(run.subgraphs))
        return len([item async for item in sub.values])

    assert both(act, WAYS[1]) == (3, 2)


def test_difference_a_subgraph_raises_its_own_error() -> None:
    async def act(lab: Lab) -> Any:
        return next(iter((await lab.open(nested(lab, "leafboom"))).subgraphs)).output

    assert both(act) == (Boom, RuntimeError)


def test_difference_a_second_call_has_a_handle_of_its_own() -> None:
    async def act(lab: Lab) -> Any:
        inner = lab.chain(lab.node("leaf"))

        def twice(state: Any) -> Any:
            return {"xs": inner.invoke(state)["xs"] + inner.invoke(state)["xs"]}

        return [len(sub.path) for sub in (await lab.open(lab.chain(("twice", twice)))).subgraphs]

    assert both(act) == ([1, 2], [1])


def test_difference_every_projection_is_an_attribute() -> None:
    async def act(lab: Lab) -> Any:
        return list((await lab.open(lab.chain(lab.node("a")), scoring(lab))).score)

    assert both(act) == ([0], AttributeError)


def test_difference_a_full_projection_is_named() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(lab.chain(lab.node("a", writes=3_000)), lab.stream.CustomTransformer)
        unread = iter(run.custom)
        try:
            output = run.output
            return len(output), len(list(unread))
        finally:
            # The error knows the run, and nobody would end it.
            run.abort()

    ours, theirs = both(act)
    assert (ours.__name__, theirs) == ("StalledConsumerError", (2, 3_000))


def test_difference_an_aborted_subgraph_is_aborted() -> None:
    async def act(lab: Lab) -> Any:
        begun, gone = asyncio.Event(), []

        async def wait(state: Any) -> Any:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                gone.append(True)

        run = await lab.open(lab.chain(("sub", lab.chain(("wait", wait)))))
        subs = aiter(run.subgraphs)
        sub = await anext(subs)
        pull = asyncio.ensure_future(anext(subs))
        await begun.wait()
        await run.abort()
        await asyncio.wait([pull])
        assert gone == [True]
        assert isinstance(pull.exception(), StopAsyncIteration) or pull.cancelled()
        return sub.status

    assert both(act, WAYS[1]) == ("aborted", "completed")


def test_difference_every_branch_gets_the_error() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(lab.chain(lab.node("a", error="boom")), lab.stream.CustomTransformer)
        branches = run.custom.tee(2)
        found = [(await lab.rest(None, one))[1:] for one in branches]
        return found

    assert both(act) == ([["Boom('boom')"], ["Boom('boom')"]], [["Boom('boom')"], []])


def test_difference_interleave_drains_first() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(lab.chain(lab.node("a", error="boom")), scoring(lab))
        return [one if isinstance(one, str) else one[1] for one in await lab.rest(run.interleave("bare"))]

    ours, theirs = both(act)
    assert (ours, theirs) == (["a", "failed Boom('boom')", "Boom('boom')"], ["a"])


def test_difference_async_runs_interleave() -> None:
    async def act(lab: Lab) -> Any:
        run = await lab.open(lab.chain(lab.node("a")), scoring(lab))
        return [name async for name, _ in run.interleave("values", "score")]

    assert both(act, WAYS[1]) == (["values", "score", "values"], AttributeError)


def test_difference_a_failing_finalize_fails_the_run() -> None:
    async def act(lab: Lab) -> Any:
        class Bad(lab.stream.StreamTransformer):
            def init(self) -> dict[str, Any]:
                return {}

            def process(self, event: Any) -> bool:
                return True

            def finalize(self) -> None:
                raise Boom("finalize")

        run = await lab.open(lab.chain(lab.node("a")), Bad)
        values, log = aiter(run.values), aiter(run)
        return [len(await lab.rest(None, one)) for one in (values, log)]

    # Two snapshots, and the error.
    assert both(act, WAYS[1]) == ([3, 3], [3, 2])


def test_difference_a_dropped_run_is_stopped() -> None:
    async def act(lab: Lab) -> Any:
        is_over, came_to_its_end = threading.Event(), threading.Event()

        def write(state: Any) -> Any:
            try:
                for i in range(5_000):
                    lab.writer()(i)
                came_to_its_end.set()
                return {"xs": ["a"]}
            finally:
                is_over.set()

        run = await lab.open(lab.chain(("a", write)), lab.stream.CustomTransformer)
        customs = iter(run.custom)
        first = next(customs)
        del run, customs
        gc.collect()
        assert is_over.wait(20)
        return first, came_to_its_end.is_set()

    assert both(act) == ((0, False), (0, True))


def test_difference_late_readers_are_told_what_they_missed() -> None:
    async def act(lab: Lab) -> Any:
        inner = lab.chain(lab.node("leaf", writes=2_000))
        run = await lab.open(lab.chain(("inner", inner)), lab.stream.CustomTransformer)
        sub = next(iter(run.subgraphs))
        assert run.output["xs"] == ["leaf"]
        return [one["i"] if isinstance(one, dict) else one for one in sub.custom]

    ours, theirs = both(act)
    (lagged, *rest), nothing = ours, theirs
    assert (isinstance(lagged, Lagged), rest, nothing) == (True, list(range(lagged.n, 2_000)), [])


def test_difference_failed_scheduled_work_fails_the_run() -> None:
    async def act(lab: Lab) -> Any:
        class Bad(lab.stream.StreamTransformer):
            begun = False

            def init(self) -> dict[str, Any]:
                return {}

            def process(self, event: Any) -> bool:
                if not self.begun:
                    self.begun = True
                    self.schedule(self.fail_at_once(), on_error="raise")
                return True

            async def fail_at_once(self) -> None:
                raise Boom("work")

        async def wait(state: Any) -> Any:
            await asyncio.sleep(0.01)
            return {"xs": ["a"]}

        return len((await (await lab.open(lab.chain(("wait", wait)), Bad)).output())["xs"])

    assert both(act, WAYS[1]) == (Boom, 1)
