"""Names that programs import from LangGraph are in the same places here, and take the same arguments."""

# Annotations are evaluated: what nodes are given is read from them.

import importlib
import inspect
import warnings
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import START, StateGraph
from rxgraph.runtime import Runtime, ServerInfo
from rxgraph.types import ensure_valid_checkpointer, omit_payload
from rxgraph.utils.config import ensure_config, patch_configurable
from rxgraph.warnings import LangGraphDeprecatedSinceV10, LangGraphDeprecationWarning

NAMES = {
    "callbacks": "GraphCallbackHandler GraphInterruptEvent GraphResumeEvent GraphLifecycleEvent GraphLifecycleStatus"
    " get_sync_graph_callback_manager_for_config get_async_graph_callback_manager_for_config",
    "cache.base": "BaseCache FullKey Namespace ValueT",
    "cache.memory": "InMemoryCache",
    "cache.redis": "RedisCache",
    "channels": "BaseChannel AnyValue LastValue LastValueAfterFinish UntrackedValue EphemeralValue"
    " BinaryOperatorAggregate DeltaChannel NamedBarrierValue NamedBarrierValueAfterFinish Topic",
    "channels.any_value": "AnyValue",
    "channels.base": "BaseChannel",
    "channels.binop": "BinaryOperatorAggregate",
    "channels.delta": "DeltaChannel",
    "channels.ephemeral_value": "EphemeralValue",
    "channels.last_value": "LastValue LastValueAfterFinish",
    "channels.named_barrier_value": "NamedBarrierValue NamedBarrierValueAfterFinish",
    "channels.topic": "Topic",
    "channels.untracked_value": "UntrackedValue",
    "config": "get_config get_store get_stream_writer",
    "constants": "START END TAG_NOSTREAM TAG_HIDDEN CONF TASKS CONFIG_KEY_CHECKPOINTER",
    "errors": "create_error_message",
    "func": "entrypoint task",
    "graph": "START END StateGraph MessagesState MessageGraph add_messages",
    "graph.message": "add_messages MessagesState MessageGraph REMOVE_ALL_MESSAGES push_message _messages_delta_reducer",
    "graph.state": "StateGraph CompiledStateGraph",
    "graph.ui": "UIMessage RemoveUIMessage AnyUIMessage push_ui_message delete_ui_message ui_message_reducer",
    "managed": "IsLastStep RemainingSteps",
    "managed.base": "ManagedValue ManagedValueMapping ManagedValueSpec is_managed_value",
    "pregel": "Pregel NodeBuilder",
    "pregel.types": "All CachePolicy PregelExecutableTask PregelTask RetryPolicy StateSnapshot StateUpdate StreamMode"
    " StreamWriter default_retry_on",
    "runtime": "Runtime ExecutionInfo ServerInfo RunControl BaseUser get_runtime DEFAULT_RUNTIME",
    "stream": "AsyncGraphRunStream AsyncSubgraphRunStream CheckpointsTransformer CustomTransformer DebugTransformer"
    " GraphRunStream LifecyclePayload LifecycleTransformer ProtocolEvent StreamChannel StreamTransformer"
    " SubgraphRunStream SubgraphStatus SubgraphTransformer TasksTransformer UpdatesTransformer",
    "types": "All Checkpointer StreamMode StreamWriter StreamPart ValuesStreamPart UpdatesStreamPart"
    " MessagesStreamPart CustomStreamPart CheckpointStreamPart TasksStreamPart DebugStreamPart TaskPayload"
    " TaskResultPayload CheckpointTask CheckpointPayload DebugPayload RetryPolicy TimeoutPolicy CachePolicy"
    " TracePolicy omit_payload Interrupt StateUpdate PregelTask PregelExecutableTask StateSnapshot Send Command"
    " Durability interrupt Overwrite GraphOutput ensure_valid_checkpointer CacheKey default_retry_on"
    " default_cache_key",
    "typing": "ContextT InputT OutputT StateT StateT_co StateT_contra",
    "utils.config": "get_config get_store ensure_config patch_configurable",
    "utils.runnable": "RunnableCallable RunnableLike",
    "version": "__version__",
    "warnings": "LangGraphDeprecationWarning LangGraphDeprecatedSinceV05 LangGraphDeprecatedSinceV10"
    " LangGraphDeprecatedSinceV11",
}
"""Module -> names of the reference's table of imports; what a module lists as public is added to them."""


def public(module: str) -> set[str]:
    """What a module of the reference says is public."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return set(getattr(importlib.import_module(f"langgraph.{module}"), "__all__", ()))


CALLED = [(module, name) for module, names in NAMES.items() for name in sorted({*names.split(), *public(module)})]

PRIVATE = {
    # Called by `compile` alone.
    "CompiledStateGraph",
    "CompiledStateGraph.__init__",
    "CompiledStateGraph.attach_branch",
    "CompiledStateGraph.attach_edge",
    "CompiledStateGraph.attach_node",
    # Called by the engine alone, with a class of its own.
    "ManagedValue.get",
}
"""Methods of public classes that no program calls."""

POSITIONAL = {
    *("Send.__init__", "omit_payload"),
    # Each of LangGraph's caches calls it otherwise; those of ours are as their base class says.
    *("InMemoryCache.set", "InMemoryCache.aset", "RedisCache.set", "RedisCache.aset"),
}
"""What is always called without names, and has others here."""


def load(library: str, module: str, *path: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = importlib.import_module(f"{library}.{module}")
        for name in path:
            found = getattr(found, name)
        return found


def options_of(library: str) -> set[str]:
    """The names of a run's options, which our doors take as ``**options``."""
    assert library == "rxgraph"
    return set(load(library, "pregel._options", "RunOptions").__annotations__)


def refused(theirs: Any, ours: Any) -> list[str]:
    """Arguments of a function of theirs that ours takes under no name."""
    known, found = inspect.signature(ours).parameters, []
    collects = any(one.kind is one.VAR_KEYWORD for one in known.values())
    options = options_of("rxgraph") if "options" in known else set()
    for name, one in inspect.signature(theirs).parameters.items():
        if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            continue
        if name in known and known[name].kind is not one.POSITIONAL_ONLY:
            continue
        if not (collects and (not options or name in options)):
            found.append(name)
    return found


@pytest.mark.parametrize(("module", "name"), CALLED, ids=".".join)
def test_a_name_is_in_its_place(module: str, name: str) -> None:
    load("langgraph", module, name)
    assert load("rxgraph", module, name) is not None


def own_methods(cls: type) -> list[str]:
    """The public methods of a class that the reference has written."""
    found = []
    for name in dir(cls):
        method = getattr(cls, name, None)
        is_public = not name.startswith("_") or name == "__init__"
        if is_public and callable(method) and (getattr(method, "__module__", None) or "").startswith("langgraph"):
            found.append(name)
    return found


def has_signature(fn: Any) -> bool:
    """Whether a class or function says what it takes; some of those of the interpreter don't."""
    try:
        inspect.signature(fn)
    except (TypeError, ValueError):
        return False
    return True


def callables() -> list[tuple[str, tuple[str, ...]]]:
    """Module and path of every public function, and of every public method of every public class."""
    found = []
    for module, name in CALLED:
        theirs = load("langgraph", module, name)
        if inspect.isclass(theirs):
            found += [(module, (name, method)) for method in own_methods(theirs)]
        if has_signature(theirs) and (inspect.isclass(theirs) or inspect.isfunction(theirs)):
            found.append((module, (name,)))
    return [(module, path) for module, path in found if ".".join(path) not in PRIVATE | POSITIONAL]


@pytest.mark.parametrize(
    ("module", "path"), callables(), ids=lambda one: one if isinstance(one, str) else ".".join(one)
)
def test_whatever_is_called_takes_every_argument_of_the_reference(module: str, path: tuple[str, ...]) -> None:
    theirs, ours = load("langgraph", module, *path), load("rxgraph", module, *path)
    assert refused(theirs, ours) == []


def test_the_walk_sees_what_programs_use() -> None:
    paths = {".".join(path) for _, path in callables()}
    assert len(paths) > 200
    assert {"StateGraph.add_node", "Pregel.astream_events", "NodeBuilder.write_to", "task", "Runtime.override"} <= paths


def test_an_argument_that_is_missing_is_found() -> None:
    assert refused(lambda a, *, b=0: 0, lambda a: 0) == ["b"]
    assert refused(lambda a, *, b=0: 0, lambda a, **rest: 0) == []


@pytest.mark.parametrize("library", ["langgraph", "rxgraph"])
def test_the_old_place_of_types_is_deprecated(library: str) -> None:
    module = load(library, "pregel.types")
    category = load(library, "warnings", "LangGraphDeprecatedSinceV10")
    with pytest.warns(category, match=f"{library}.pregel.types"):
        importlib.reload(module)


@pytest.mark.parametrize("checkpointer", [None, True, False, InMemorySaver()])
def test_a_valid_checkpointer_comes_back(checkpointer: Any) -> None:
    assert ensure_valid_checkpointer(checkpointer) is checkpointer


@pytest.mark.parametrize("checkpointer", ["sqlite", 3, object()])
def test_what_is_no_checkpointer_is_refused(checkpointer: Any) -> None:
    with pytest.raises(TypeError):
        load("langgraph", "types").ensure_valid_checkpointer(checkpointer)
    with pytest.raises(TypeError, match="must be a saver, True, False or None, got"):
        ensure_valid_checkpointer(checkpointer)


def test_a_payload_is_omitted() -> None:
    assert omit_payload({"secret": 1}) == load("langgraph", "types").omit_payload({"secret": 1}) == {}


@pytest.mark.parametrize("given", [(), ({"tags": ["a"], "foo": 1},), ({"tags": ["a"]}, {"tags": ["b"]})])
def test_configurations_are_completed(given: tuple[Any, ...]) -> None:
    theirs = load("langgraph", "utils.config").ensure_config(*given)
    assert ensure_config(*given) == {**theirs, "metadata": dict(theirs["metadata"])}


@pytest.mark.parametrize("config", [None, {"tags": ["x"]}, {"configurable": {"a": 1}}])
def test_configurable_is_patched(config: Any) -> None:
    assert patch_configurable(config, {"b": 2}) == load("langgraph", "utils.config").patch_configurable(
        config, {"b": 2}
    )


class User:
    """Somebody whom a server knows."""

    identity = "me"


USER = User()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"assistant_id": "a"},
        {"graph_id": "g"},
        {"assistant_id": 5, "graph_id": "g"},
        {"langgraph_auth_user": {"identity": "me"}},
        {"assistant_id": "a", "graph_id": "g", "langgraph_auth_user": USER},
    ],
)
def test_a_node_sees_what_the_server_says(given: dict[str, Any], lane) -> None:
    def facts(library: str) -> Any:
        seen = []

        def node(state, runtime):
            seen.append(runtime.server_info)
            return {}

        node.__annotations__["runtime"] = load(library, "runtime", "Runtime")
        graph = load(library, "graph", "StateGraph")(dict).add_node("n", lane.node(node)).add_edge(START, "n").compile()
        lane.invoke(graph, {}, {"configurable": given})
        return [None if one is None else (one.assistant_id, one.graph_id, one.user) for one in seen]

    assert facts("rxgraph") == facts("langgraph")
    assert len(facts("rxgraph")) == 1


def test_a_server_info_has_defaults() -> None:
    assert ServerInfo(assistant_id="a", graph_id="g").user is None
    assert Runtime().server_info is None


class Rows(InMemorySaver):
    """A saver that counts the checkpoints that it was given."""

    count = 0

    def put(self, *args: Any, **more: Any) -> Any:
        self.count += 1
        return super().put(*args, **more)


@pytest.mark.parametrize(("during", "durability"), [(True, "async"), (False, "exit")])
def test_the_retired_spelling_of_durability(during: bool, durability: str, lane) -> None:
    def rows(**options: Any) -> int:
        saver = Rows()
        builder = StateGraph(dict).add_node("n", lane.node(lambda state: {})).add_edge(START, "n")
        lane.invoke(builder.compile(checkpointer=saver), {}, {"configurable": {"thread_id": "1"}}, **options)
        return saver.count

    with pytest.warns(LangGraphDeprecatedSinceV10, match="checkpoint_during is deprecated, use durability"):
        found = rows(checkpoint_during=during)
    assert found == rows(durability=durability)


def test_both_spellings_of_durability_are_one_too_many(lane) -> None:
    graph = StateGraph(dict).add_node("n", lane.node(lambda state: {})).add_edge(START, "n").compile(InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    with pytest.warns(LangGraphDeprecationWarning), pytest.raises(ValueError, match="not both"):
        lane.invoke(graph, {}, config, checkpoint_during=False, durability="sync")


@pytest.mark.parametrize("name", ["Send", "Interrupt"])
def test_types_are_still_found_among_the_constants(name: str) -> None:
    constants = load("rxgraph", "constants")
    with pytest.warns(load("rxgraph", "warnings", "LangGraphDeprecatedSinceV10"), match=f"rxgraph.types: {name}"):
        assert getattr(constants, name) is load("rxgraph", "types", name)


def test_keys_that_programs_imported_have_their_values() -> None:
    private = importlib.import_module("langgraph._internal._constants")
    names = [name for name in dir(private) if name.isupper() and not name.startswith("_") and name != "RESERVED"]
    assert len(names) > 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = {name: getattr(load("rxgraph", "constants"), name) for name in names}
    assert ours == {name: getattr(private, name) for name in names}
    with pytest.raises(AttributeError, match="has no attribute 'NOTHING'"):
        _ = load("rxgraph", "constants").NOTHING


def test_a_question_has_the_id_of_its_namespace() -> None:
    for ns in ("", "a:1", "a:1|b:2"):
        ours, theirs = (load(library, "types", "Interrupt").from_ns(7, ns) for library in ("rxgraph", "langgraph"))
        assert (ours.value, ours.id, ours.response_schema) == (theirs.value, theirs.id, theirs.response_schema)


def test_a_message_ends_with_its_code() -> None:
    errors = load("rxgraph", "errors")
    message = errors.create_error_message(message="No.", error_code=errors.ErrorCode.MULTIPLE_SUBGRAPHS)
    assert message == "No. [MULTIPLE_SUBGRAPHS]"


@pytest.mark.parametrize("library", ["rxgraph", "langgraph"])
def test_a_node_interrupt_stops_its_node(library: str, lane) -> None:
    errors, category = load(library, "errors"), load(library, "warnings", "LangGraphDeprecatedSinceV10")
    asked: list[bool] = []

    def node(state):
        if not asked:
            asked.append(True)
            with pytest.warns(category, match="NodeInterrupt is deprecated"):
                raise errors.NodeInterrupt("why?", id="7")
        return {"done": True}

    graph = load(library, "graph", "StateGraph")(dict).add_node("n", lane.node(node)).add_edge(START, "n")
    graph = graph.compile(load(library, "checkpoint.memory", "InMemorySaver")())
    config = {"configurable": {"thread_id": "1"}}
    lane.invoke(graph, {"x": 1}, config)
    state = graph.get_state(config)
    assert [(one.value, one.id) for one in state.interrupts] == [("why?", "7")]
    assert state.next == ("n",)
    assert lane.invoke(graph, None, config) == {"done": True}


@pytest.mark.parametrize("library", ["rxgraph", "langgraph"])
async def test_a_callable_is_a_runnable(library: str) -> None:
    made = load(library, "utils.runnable", "RunnableCallable")

    def plus(x, *, by=1):
        return x + by

    async def aplus(x, *, by=1):
        return x + by + 100

    assert made(plus).invoke(1) == await made(plus).ainvoke(1) == 2
    assert made(plus, aplus, by=5).invoke(1) == 6
    assert await made(plus, aplus).ainvoke(1, by=2) == 103
    assert (made(plus) | made(plus)).invoke(1) == 3
    assert made(lambda x: made(plus)).invoke(1) == 2
    assert isinstance(made(lambda x: made(plus), recurse=False).invoke(1), made)
    assert made(plus, explode_args=True).invoke(((1,), {"by": 3})) == 4
    assert [made(plus).name, made(lambda x: x).name, made(plus, name="n").name] == ["plus", None, "n"]
    with pytest.raises(TypeError):
        made(None, aplus).invoke(1)
    with pytest.raises(TypeError):
        made(5)
    with pytest.raises(ValueError, match=r"func"):
        made(None)


@pytest.mark.parametrize("library", ["rxgraph", "langgraph"])
@pytest.mark.parametrize("traced", [True, False])
async def test_a_callable_tells_its_tracers(library: str, traced: bool) -> None:
    heard: list[Any] = []

    class Handler(BaseCallbackHandler):
        def on_chain_start(self, serialized, inputs, *, tags=None, name=None, **more):
            heard.append((name, inputs, tags))

        def on_chain_end(self, outputs, **more):
            heard.append(outputs)

    made = load(library, "utils.runnable", "RunnableCallable")(lambda x: x + 1, name="n", tags=["t"], trace=traced)
    config = {"callbacks": [Handler()]}
    assert made.invoke(1, config) == await made.ainvoke(1, config) == 2
    assert heard == [("n", 1, ["t"]), 2] * 2 * traced


@pytest.mark.parametrize("library", ["rxgraph", "langgraph"])
def test_a_callable_in_a_graph_is_given_what_nodes_are(library: str) -> None:
    seen: list[Any] = []

    def node(state, config: RunnableConfig, *, writer, store, runtime):
        seen.append((config["metadata"]["langgraph_node"], callable(writer), store, type(runtime).__name__))
        return {}

    made = load(library, "utils.runnable", "RunnableCallable")(node)
    graph = load(library, "graph", "StateGraph")(dict).add_node("n", made).add_edge(START, "n").compile()
    graph.invoke({"x": 1})
    assert seen == [("n", True, None, "Runtime")]


@pytest.mark.parametrize("version", ["05", "10", "11"])
def test_a_deprecation_says_since_when(version: str) -> None:
    ours, theirs = (
        load(library, "warnings", f"LangGraphDeprecatedSinceV{version}")("Use another.")
        for library in ("rxgraph", "langgraph")
    )
    assert vars(ours) == vars(theirs)
    assert str(ours) == "Use another."


@pytest.mark.parametrize("library", ["rxgraph", "langgraph"])
def test_errors_are_made_as_programs_make_them(library: str) -> None:
    errors = load(library, "errors")
    assert str(errors.NodeCancelledError("n", "gone")) == "gone"
    assert errors.NodeCancelledError("n").node == "n"
    error = errors.UnknownInterruptError("no", reason="ambiguous", pending_ids=["a"])
    assert (str(error), error.reason, list(error.interrupt_ids), list(error.pending_ids)) == (
        "no",
        "ambiguous",
        [],
        ["a"],
    )
