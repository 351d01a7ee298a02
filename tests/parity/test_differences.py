"""Both sides of every deliberate difference, by name; those of single channels stand in ``test_channels_parity.py``."""

from __future__ import annotations

import asyncio
import operator
import re
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from tests.parity._differences import DIFFERENCES, names_on_the_page
from tests.parity._twin import runtime

LIBS = {"ours": runtime("rxgraph"), "theirs": runtime("langgraph")}


class Log(TypedDict):
    log: Annotated[list, operator.add]


def say(name: str) -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        return {"log": [name]}

    node.__name__ = name
    return node


def graph_of(lg: Any, *nodes: Any, schema: Any = Log) -> Any:
    graph = lg.StateGraph(schema).add_sequence(nodes)
    return graph.add_edge(lg.START, nodes[0].__name__).compile()


def outcomes(act: Callable[[Any], Any]) -> tuple[Any, Any]:
    """What *act* returns, or the class of what it raises, on rxgraph and on LangGraph."""
    found = []
    for lg in LIBS.values():
        try:
            found.append(act(lg))
        except Exception as error:
            found.append(type(error))
    return found[0], found[1]


def warned(act: Callable[[Any], Any]) -> tuple[list[str], list[str], Any, Any]:
    """Names of the warnings that *act* gives, and what it returns, on rxgraph and on LangGraph."""
    names, results = [], []
    for lg in LIBS.values():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(act(lg))
        names.append([one.category.__name__ for one in caught])
    return names[0], names[1], results[0], results[1]


def test_every_difference_has_a_line_and_a_test() -> None:
    assert names_on_the_page() == set(DIFFERENCES)
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert set(re.findall(r"^def test_difference_(\w+)\(", sources, re.MULTILINE)) == set(DIFFERENCES)


@pytest.mark.parametrize("mode", ["bogus", ["values", "bogus"]])
def test_difference_unknown_stream_mode_raises(mode: Any) -> None:
    ours, theirs = outcomes(lambda lg: list(graph_of(lg, say("a")).stream({}, stream_mode=mode)))
    assert ours is ValueError
    assert all(label == "values" for label, _ in theirs)


def test_difference_unknown_options_raise() -> None:
    ours, theirs = outcomes(lambda lg: graph_of(lg, say("a")).invoke({}, no_such_option=1))
    assert (ours, theirs) == (TypeError, {"log": ["a"]})


def test_difference_unknown_state_key_warns() -> None:
    ours, theirs, result, reference = warned(lambda lg: graph_of(lg, say("a")).invoke({"nope": 1}))
    assert (ours, theirs) == (["UnknownStateKeyWarning"], [])
    assert result == reference


def test_difference_unknown_target_warns() -> None:
    def act(lg: Any) -> Any:
        graph = lg.StateGraph(Log).add_node(say("a")).add_edge(lg.START, "a")
        return graph.add_conditional_edges("a", lambda state: "nope").compile().invoke({})

    ours, theirs, result, reference = warned(act)
    assert (ours, theirs) == (["UnknownTargetWarning"], [])
    assert result == reference


def test_difference_unreachable_node_warns() -> None:
    def act(lg: Any) -> Any:
        graph = lg.StateGraph(Log).add_node(say("a")).add_node(say("b")).add_edge(lg.START, "a")
        return graph.compile().invoke({})

    ours, theirs, result, reference = warned(act)
    assert (ours, theirs) == (["UnreachableNodeWarning"], [])
    assert result == reference


def test_difference_arguments_checked_at_the_call() -> None:
    calls: tuple[Callable[[Any], Any], ...] = (
        lambda lg: graph_of(lg, say("a")).stream({}, {"recursion_limit": 0}) and None,
        lambda lg: graph_of(lg, say("a")).stream({}, output_keys="nope") and None,
        lambda lg: graph_of(lg, say("a")).astream({}, output_keys="nope") and None,
    )
    for act in calls:
        assert outcomes(act) == (ValueError, None)


def test_difference_tuple_of_modes_is_labelled() -> None:
    ours, theirs = outcomes(
        lambda lg: list(graph_of(lg, say("a")).stream({"log": []}, stream_mode=("values", "updates")))
    )
    assert ours == [("values", {"log": []}), ("updates", {"a": {"log": ["a"]}}), ("values", {"log": ["a"]})]
    assert theirs == [payload for _, payload in ours]


def test_difference_async_node_under_invoke_raises_first() -> None:
    ran = []

    def act(lg: Any) -> Any:
        def first(state: Any) -> None:
            ran.append(lg.name)

        async def second(state: Any) -> None:
            await asyncio.sleep(0)

        return graph_of(lg, first, second).invoke({})

    ours, theirs = outcomes(act)
    assert issubclass(ours, TypeError)
    assert theirs is TypeError
    assert ran == ["langgraph"]


def test_difference_events_before_an_error_are_delivered() -> None:
    class Plain(TypedDict):
        key: str

    def act(lg: Any) -> Any:
        def twice(state: Any) -> Any:
            return [lg.Command(update={"key": "x"}), lg.Command(update={"key": "y"})]

        events = []
        with pytest.raises(lg.errors.InvalidUpdateError):
            for event in graph_of(lg, twice, schema=Plain).stream({}, stream_mode="updates"):
                events.append(event)  # what came before the error counts
        return events

    assert outcomes(act) == ([{"twice": [{"key": "x"}, {"key": "y"}]}], [])


def test_difference_generators_take_injected_parameters() -> None:
    def act(lg: Any) -> Any:
        def node(state, writer, runtime):  # type: ignore[no-untyped-def]
            writer("custom")
            yield {"log": ["a"]}

        return list(graph_of(lg, node).stream({}, stream_mode="custom"))

    assert outcomes(act) == (["custom"], TypeError)


def test_difference_command_input_is_applied_once() -> None:
    def act(lg: Any) -> Any:
        return graph_of(lg, say("a")).invoke(lg.Command(update={"log": ["i"]}))["log"]

    assert outcomes(act) == (["i", "a"], ["i", "i", "a"])


def test_difference_an_empty_command_is_empty_input() -> None:
    ours, theirs = outcomes(lambda lg: graph_of(lg, say("a")).invoke(lg.Command()))
    assert (ours, theirs) == (LIBS["ours"].errors.EmptyInputError, UnboundLocalError)


def test_difference_conditional_edges_from_end_raise() -> None:
    def built(lg: Any) -> Any:
        graph = lg.StateGraph(Log).add_node(say("a")).add_edge(lg.START, "a")
        return graph.add_conditional_edges(lg.END, lambda state: "a")

    assert outcomes(lambda lg: built(lg) and None) == (ValueError, None)
    assert outcomes(lambda lg: built(lg).compile() and None) == (ValueError, ValueError)


def test_difference_no_beta_warnings() -> None:
    """Nothing to compare yet: what warns in LangGraph is not there yet."""
    ours, _, _, _ = warned(lambda lg: list(graph_of(lg, say("a")).stream({}, stream_mode=["values", "debug"])))
    assert ours == []


def test_difference_error_texts() -> None:
    def text(lg: Any) -> str:
        with pytest.raises(ValueError, match="serch") as caught:
            lg.StateGraph(Log).add_node(say("search")).add_edge(lg.START, "serch").compile()
        return str(caught.value)

    ours, theirs = (text(lg) for lg in LIBS.values())
    assert "Did you mean 'search'?" in ours
    assert ours != theirs


def test_difference_slow_readers_hold_nodes_back() -> None:
    for name, lg in LIBS.items():
        written: list[int] = []
        enough, read_on = threading.Event(), threading.Event()

        def flood(state: Any, written: list[int] = written, ends: Any = enough, closing: Any = read_on) -> None:
            writer = lg.get_stream_writer()  # noqa: B023  # the run is over before the next round
            for number in range(20_000):
                writer(number)
                if not closing.is_set():
                    written.append(number)
            ends.set()

        stream = iter(graph_of(lg, flood).stream({}, stream_mode="custom"))
        assert next(stream) == 0
        if name == "theirs":
            assert enough.wait(30), "it wrote everything for a reader that took one item"
        read_on.set()
        stream.close()
        assert (len(written) < 3_000) == (name == "ours")


def test_difference_a_timed_out_pull_loses_nothing() -> None:
    async def pull_again(lg: Any) -> Any:
        release = asyncio.Event()

        async def slow(state: Any) -> Any:
            await release.wait()
            return {"log": ["slow"]}

        stream = graph_of(lg, slow).astream({}, stream_mode="updates")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        release.set()
        return await anext(stream)

    ours, theirs = outcomes(lambda lg: asyncio.run(pull_again(lg)))
    assert (ours, theirs) == ({"slow": {"log": ["slow"]}}, StopAsyncIteration)


def test_difference_a_failed_stream_stays_failed() -> None:
    def fail(state: Any) -> Any:
        raise ZeroDivisionError

    def pull_again(lg: Any) -> Any:
        stream = iter(graph_of(lg, fail).stream({}))
        with pytest.raises(ZeroDivisionError):
            next(stream)
        return next(stream)

    assert outcomes(pull_again) == (ZeroDivisionError, StopIteration)


THREAD: Any = {"configurable": {"thread_id": "1"}}


def saved(lg: Any, **nodes: Callable[[Any], Any]) -> Any:
    """A graph with a saver whose nodes all start at once."""
    graph = lg.StateGraph(Log)
    for name, node in nodes.items():
        graph.add_node(name, node).add_edge(lg.START, name)
    return graph.compile(checkpointer=import_module(f"{lg.name}.checkpoint.memory").InMemorySaver())


def question(lg: Any, *texts: str) -> Callable[[Any], Any]:
    interrupt = import_module(f"{lg.name}.types").interrupt
    return lambda state: {"log": [interrupt(text) for text in texts]}


def test_difference_an_update_keeps_what_siblings_wrote() -> None:
    def update(lg: Any) -> Any:
        graph = saved(lg, asks=question(lg, "?"), done=say("done"))
        graph.invoke({}, THREAD)
        graph.update_state(THREAD, {"log": ["updated"]}, as_node="asks")
        return graph.get_state(THREAD).values["log"]

    assert outcomes(update) == (["done", "updated"], ["updated"])


def test_difference_an_answer_is_given_once() -> None:
    def answer(lg: Any) -> Any:
        graph = saved(lg, asks=question(lg, "1", "2", "3"))
        graph.invoke({}, THREAD)
        [second] = graph.invoke(lg.Command(resume="A"), THREAD)["__interrupt__"]
        return graph.invoke(lg.Command(resume={second.id: "B"}), THREAD)["log"]

    assert outcomes(answer) == ([], ["A", "B", "A"])


def test_difference_every_answer_is_kept() -> None:
    """The list of answers of a task that is finished: what is asked again there depends on it."""

    def answers(lg: Any) -> Any:
        def keep(saver: Any) -> Any:
            graph = lg.StateGraph(Log).add_node("asks", question(lg, "1", "2")).add_edge(lg.START, "asks")
            graph = graph.compile(checkpointer=saver)
            graph.invoke({}, THREAD)
            for answer in "AB":
                graph.invoke(lg.Command(resume=answer), THREAD)
            rows = [row for one in saver.list(THREAD) for row in one.pending_writes]
            return [value for task, channel, value in rows if channel == "__resume__" and task[:8] != "0" * 8]

        memory = import_module(f"{lg.name}.checkpoint.memory").InMemorySaver()
        with import_module(f"{lg.name}.checkpoint.sqlite").SqliteSaver.from_conn_string(":memory:") as file:
            return keep(memory), keep(file)

    assert outcomes(answers) == (([["A", "B"]], [["A", "B"]]), ([["A", "B"]], [["A"]]))


def test_difference_a_failed_task_shows_no_update() -> None:
    def fail(lg: Any) -> Any:
        ask = question(lg, "?")

        def node(state: Any) -> Any:
            ask(state)
            raise ZeroDivisionError

        graph = saved(lg, asks=node)
        graph.invoke({}, THREAD)
        seen = []
        with pytest.raises(ZeroDivisionError):
            seen.extend(graph.stream(lg.Command(resume="A"), THREAD, stream_mode=["updates", "custom"]))
        return [event for _, event in seen]

    assert outcomes(fail) == ([], [{"asks": None}])


def counting(lg: Any, saver: Any, steps: int, step: Callable[[Any], Any]) -> Any:
    """One node that goes round until its log is that long."""
    graph = lg.StateGraph(Log).add_node("step", lambda state: step(state) or {"log": ["step"]})
    graph.add_edge(lg.START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if len(state["log"]) < steps else lg.END)
    return graph.compile(checkpointer=saver)


def test_difference_an_overtaken_run_says_so() -> None:
    def overtake(lg: Any) -> Any:
        def step(state: Any) -> None:
            if len(state["log"]) == 1:
                graph.update_state(THREAD, {"log": ["faster"]}, "step")

        graph = counting(lg, import_module(f"{lg.name}.checkpoint.memory").InMemorySaver(), 3, step)
        graph.invoke({"log": []}, THREAD, durability="sync")
        return graph.get_state(THREAD).values["log"]

    assert outcomes(overtake) == (LIBS["ours"].errors.CheckpointConflictError, ["step"] * 3)


def test_difference_a_failed_save_stops_the_run() -> None:
    def fail(lg: Any) -> Any:
        class Breaks(import_module(f"{lg.name}.checkpoint.memory").InMemorySaver):  # type: ignore[misc]
            def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
                if metadata["step"] == 2:
                    raise OSError("disk full")
                return super().put(config, checkpoint, metadata, new_versions)

        ran: list[int] = []
        with pytest.raises(OSError, match="disk full"):
            counting(lg, Breaks(), 30, lambda state: ran.append(1)).invoke({"log": []}, THREAD, durability="async")
        return len(ran)

    ours, theirs = outcomes(fail)
    assert ours < 10 < theirs == 30


def test_difference_a_bulk_is_checked_first() -> None:
    def bulk(lg: Any) -> Any:
        graph = saved(lg, a=say("a"))
        update = import_module(f"{lg.name}.types").StateUpdate
        with pytest.raises(lg.errors.InvalidUpdateError, match="nobody"):
            graph.bulk_update_state(THREAD, [[update({"log": [1]}, "a")], [update({"log": [2]}, "nobody")]])
        return graph.get_state(THREAD).values.get("log")

    assert outcomes(bulk) == (None, [1])


def test_difference_an_ignored_input_warns() -> None:
    def enter_again(lg: Any) -> Any:
        graph = saved(lg, asks=question(lg, "?"))
        config = {**THREAD, "metadata": {"run_id": "r"}}
        graph.invoke({"log": ["first"]}, config)
        return graph.invoke({"log": ["second"]}, config)["log"]

    ours, theirs, result, same = warned(enter_again)
    assert (ours, theirs) == (["InputIgnoredWarning"], [])
    assert result == same == ["first"]


def test_difference_a_durability_without_a_saver_warns() -> None:
    def run(lg: Any) -> Any:
        return counting(lg, None, 1, lambda state: None).invoke({"log": []}, durability="sync")

    with pytest.warns(UserWarning, match="durability"):
        assert outcomes(run) == ({"log": ["step"]}, AttributeError)


def test_difference_equal_inputs_share_a_cached_result() -> None:
    def twice(lg: Any) -> Any:
        ran: list[Any] = []

        def work(value: Any) -> Any:
            ran.append(value)
            return {"log": [value]}

        policy = import_module(f"{lg.name}.types").CachePolicy(key_func=str)
        graph = lg.StateGraph(Log).add_node("work", work, cache_policy=policy)
        graph.add_conditional_edges(lg.START, lambda state: [lg.Send("work", 1), lg.Send("work", 1)], ["work"])
        compiled = graph.compile(cache=import_module(f"{lg.name}.cache.memory").InMemoryCache())
        logs = [compiled.invoke({"log": []})["log"] for _ in range(2)]
        return logs, len(ran)

    assert outcomes(twice) == (([[1, 1]] * 2, 2), ([[1, 1]] * 2, 3))


def test_difference_a_state_names_its_thread() -> None:
    refused = {"configurable": {"user": "1"}}
    assert outcomes(lambda lg: saved(lg, a=say("a")).get_state(refused)) == (ValueError, KeyError)


CONFIG: Any = {"configurable": {"thread_id": "1"}}


class Two(Log):
    other: str


def saver_of(lg: Any) -> Any:
    return import_module(f"{lg.name}.checkpoint.memory").InMemorySaver()


def within(lg: Any, inner: Any, schema: Any = Log) -> Any:
    graph = lg.StateGraph(schema).add_node("inner", inner).add_edge(lg.START, "inner")
    return graph.compile(checkpointer=saver_of(lg))


def inner_rows(graph: Any) -> list[Any]:
    return [one for one in graph.checkpointer.list(None) if one.config["configurable"]["checkpoint_ns"]]


def test_difference_inner_input_is_what_it_takes() -> None:
    def started(lg: Any) -> Any:
        graph = within(lg, graph_of(lg, say("a")), Two)
        graph.invoke({"log": ["x"], "other": "y"}, CONFIG)
        return inner_rows(graph)[-1].checkpoint["channel_values"]["__start__"]

    assert outcomes(started) == ({"log": ["x"]}, {"log": ["x"], "other": "y"})


def test_difference_parents_are_saved() -> None:
    def dangling(lg: Any) -> int:
        middle = lg.StateGraph(Log).add_node("leaf", graph_of(lg, say("a"))).add_edge(lg.START, "leaf")
        graph = within(lg, middle.compile(checkpointer=False))
        graph.invoke({"log": []}, CONFIG)
        saved = {one.config["configurable"]["checkpoint_id"] for one in graph.checkpointer.list(None)}
        return len({id for one in inner_rows(graph) for id in one.metadata["parents"].values()} - saved)

    ours, theirs = outcomes(dangling)
    assert ours == 0 < theirs

    def told(lg: Any) -> Any:
        ids: list[Any] = []
        runtime = import_module(f"{lg.name}.runtime")
        node = lambda state: ids.append(runtime.get_runtime().execution_info.checkpoint_id)  # noqa: E731
        graph_of(lg, node).invoke({"log": []})
        return ids[0] is None

    assert outcomes(told) == (True, False)

    def heard(lg: Any) -> Any:
        places: list[str] = []
        callbacks, types = import_module(f"{lg.name}.callbacks"), import_module(f"{lg.name}.types")

        class Handler(callbacks.GraphCallbackHandler):
            def on_interrupt(self, event: Any) -> None:
                places.append(event.checkpoint_id)

        graph_of(lg, lambda state: types.interrupt("q")).invoke({"log": []}, {"callbacks": [Handler()]})
        return places == [""]

    assert outcomes(heard) == (True, False)


def test_difference_an_address_is_only_an_address() -> None:
    def keys(lg: Any) -> Any:
        graph = within(lg, graph_of(lg, say("a")).with_config(tags=["t"], configurable={"c": 1}))
        graph.invoke({"log": []}, CONFIG)
        found = graph.get_state(inner_rows(graph)[0].config).config
        return sorted(found), "c" in found["configurable"]

    assert outcomes(keys) == ((["configurable"], False), (["configurable", "tags"], True))


def test_difference_an_inner_graph_is_numbered_when_it_is_called() -> None:
    def places(lg: Any) -> Any:
        inner = graph_of(lg, say("a"))

        def node(state: Any) -> Any:
            first, second = inner.stream({"log": [1]}), inner.stream({"log": [2]})
            return {"log": [len(list(second)), len(list(first))]}

        graph = within(lg, node)
        graph.invoke({"log": []}, CONFIG)
        rows = [one for one in inner_rows(graph) if one.metadata["source"] == "input"]
        return {
            one.checkpoint["channel_values"]["__start__"]["log"][0]: one.config["configurable"]["checkpoint_ns"].count(
                "|"
            )
            for one in rows
        }

    assert outcomes(places) == ({1: 0, 2: 1}, {2: 0, 1: 1})


def test_difference_a_streamed_parent_is_the_real_one() -> None:
    def parent(lg: Any) -> Any:
        graph = lg.StateGraph(Log).add_node("a", say("a")).add_edge(lg.START, "a").compile(checkpointer=saver_of(lg))
        graph.invoke({"log": []}, CONFIG, durability="exit")
        (first,) = graph.get_state_history(CONFIG)
        shown = list(graph.stream({"log": []}, CONFIG, stream_mode="checkpoints", durability="exit"))[-1]
        return (
            shown["parent_config"] is not None
            and shown["parent_config"]["configurable"]["checkpoint_id"]
            == (first.config["configurable"]["checkpoint_id"])
        )

    assert outcomes(parent) == (True, False)


def test_difference_custom_events_of_tasks_are_their_graphs() -> None:
    def depth(lg: Any) -> int:
        func, config = import_module(f"{lg.name}.func"), import_module(f"{lg.name}.config")

        @func.task
        def write() -> None:
            config.get_stream_writer()("here")

        @func.entrypoint()
        def work(n: int) -> None:
            write().result()

        return next(len(ns) for ns, event in work.stream(1, stream_mode="custom", subgraphs=True))

    assert outcomes(depth) == (0, 1)


def test_difference_a_handler_may_command_the_parent() -> None:
    def run(lg: Any) -> Any:
        def fail(state: Any) -> None:
            raise ConnectionError

        def handle(state: Any) -> Any:
            return lg.Command(graph=lg.Command.PARENT, update={"log": ["up"]})

        inner = lg.StateGraph(Log).add_node("fail", fail, error_handler=handle).add_edge(lg.START, "fail").compile()
        return within(lg, inner).invoke({"log": []}, CONFIG)

    ours, theirs = outcomes(run)
    assert (ours, theirs.__name__) == ({"log": ["up"]}, "ParentCommand")


def test_difference_policies_are_checked_at_once() -> None:
    def build(lg: Any) -> str:
        types = import_module(f"{lg.name}.types")
        lg.StateGraph(Log).add_node("a", say("a"), retry_policy=types.RetryPolicy(retry_on="Boom"))
        return "built"

    assert outcomes(build) == (TypeError, "built")


class Told(BaseCallbackHandler):
    """Keeps what becomes of the runs in a run tree, by their names."""

    def __init__(self) -> None:
        self.names: dict[Any, Any] = {}
        self.ends: list[tuple[Any, str]] = []
        self.metadata: set[str] = set()

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, **more: Any) -> None:
        self.names[run_id] = more["name"]
        self.metadata |= {*(more.get("metadata") or {})}

    def on_chain_end(self, outputs: Any, *, run_id: Any, **more: Any) -> None:
        self.ends.append((self.names[run_id], "well"))

    def on_chain_error(self, error: BaseException, *, run_id: Any, **more: Any) -> None:
        self.ends.append((self.names[run_id], type(error).__name__))


def test_difference_a_command_for_the_parent_is_no_error_of_its_node() -> None:
    def end(lg: Any) -> Any:
        def up(state: Any) -> Any:
            return lg.Command(graph=lg.Command.PARENT, goto="z")

        graph = lg.StateGraph(Log).add_node("n", graph_of(lg, up)).add_node("z", say("z")).add_edge(lg.START, "n")
        told = Told()
        graph.compile().invoke({"log": []}, {"callbacks": [told]})
        return dict(told.ends)["n"]

    assert outcomes(end) == ("well", "ParentCommand")


def test_difference_a_nameless_path_has_a_name() -> None:
    def names(lg: Any) -> Any:
        graph = lg.StateGraph(Log).add_node("n", say("n")).add_edge(lg.START, "n")
        graph = graph.add_conditional_edges("n", lambda state: lg.END, [lg.END]).compile()
        found = Told(), Told()
        graph.invoke({"log": []}, {"callbacks": [found[0]]})
        asyncio.run(graph.ainvoke({"log": []}, {"callbacks": [found[1]]}))
        return [[*one.names.values()][-1] for one in found]

    assert outcomes(names) == (["RunnableCallable"] * 2, ["RunnableCallable", None])


def test_difference_metadata_names_no_tracing_integration() -> None:
    def keys(lg: Any) -> Any:
        told = Told()
        graph_of(lg, say("a")).invoke({"log": []}, {"callbacks": [told], "metadata": {"mine": 1}})
        return told.metadata

    ours, theirs = outcomes(keys)
    assert theirs - ours == {"ls_integration"}
    assert ours - theirs == set()


def test_difference_a_trace_policy_is_asked_where_somebody_records() -> None:
    def asked(lg: Any) -> Any:
        seen: list[Any] = []
        types = import_module(f"{lg.name}.types")
        policy = types.TracePolicy(process_inputs=seen.append)
        graph = lg.StateGraph(Log).add_node("n", say("n"), trace_policy=policy).add_edge(lg.START, "n").compile()
        graph.invoke({"log": []})
        return len(seen)

    assert outcomes(asked) == (0, 1)


def by_hand(lg: Any, nodes: Callable[[Any], Any], **options: Any) -> Any:
    """A graph made by hand; *nodes* makes them of a class of builders."""
    pregel, channels = import_module(f"{lg.name}.pregel"), import_module(f"{lg.name}.channels")
    cells = {"i": channels.EphemeralValue(int), "j": channels.EphemeralValue(int), "o": channels.LastValue(Any)}
    given = {"input_channels": "i", "output_channels": "o", **options}
    return pregel.Pregel(nodes=nodes(pregel.NodeBuilder), channels=cells, **given)


def test_difference_an_input_made_by_hand_is_checked() -> None:
    def run(lg: Any) -> Any:
        def nodes(builder: Any) -> Any:
            return {"a": builder().subscribe_to("i", "j").do(lambda value: value).write_to("o")}

        return by_hand(lg, nodes, input_channels=["i", "j"]).invoke(1)

    ours, theirs = outcomes(run)
    assert (ours.__name__, theirs) == ("InvalidUpdateError", TypeError)


@pytest.mark.parametrize("several", [False, True])
def test_difference_packets_may_be_written_by_hand(several: bool) -> None:
    def run(lg: Any) -> Any:
        def send(value: int) -> Any:
            packet = lg.Send("b", value)
            return [packet] if several else packet

        def nodes(builder: Any) -> Any:
            sends = builder().subscribe_only("i").do(send).write_to("__pregel_tasks")
            return {"a": sends, "b": builder().do(lambda value: value * 2).write_to("o")}

        return by_hand(lg, nodes).invoke(3)

    ours, theirs = outcomes(run)
    assert (ours, theirs.__name__) == (6, "InvalidUpdateError")


def test_difference_what_is_no_node_is_refused() -> None:
    assert outcomes(lambda lg: by_hand(lg, lambda builder: {"a": 5})) == (TypeError, AttributeError)


def test_what_is_no_channel_is_refused_alike_and_a_dict_is_a_step() -> None:
    def nodes(builder: Any) -> Any:
        return {"a": builder().subscribe_only("i").do({"x": lambda n: n, "y": lambda n: n + 1}).write_to("o")}

    assert outcomes(lambda lg: by_hand(lg, nodes).invoke(1)) == ({"x": 1, "y": 2}, {"x": 1, "y": 2})

    def no_channel(lg: Any) -> Any:
        pregel = import_module(f"{lg.name}.pregel")
        node = pregel.NodeBuilder().subscribe_only("i").do(lambda n: n).write_to("i")
        return pregel.Pregel(nodes={"a": node}, channels={"i": 5}, input_channels="i", output_channels="i")

    assert outcomes(no_channel) == (ValueError, ValueError)
