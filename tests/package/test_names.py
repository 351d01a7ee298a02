"""Names that programs import from LangGraph are in the same places here, and take the same arguments."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import pytest

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import START, StateGraph
from rxgraph.runtime import Runtime, ServerInfo
from rxgraph.types import ensure_valid_checkpointer, omit_payload
from rxgraph.utils.config import ensure_config, patch_configurable
from rxgraph.warnings import LangGraphDeprecatedSinceV10, LangGraphDeprecationWarning

NAMES = {
    "callbacks": "GraphCallbackHandler GraphInterruptEvent GraphResumeEvent GraphLifecycleEvent GraphLifecycleStatus"
    " get_sync_graph_callback_manager_for_config get_async_graph_callback_manager_for_config",
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
    "func": "entrypoint task",
    "graph": "START END StateGraph MessagesState MessageGraph add_messages",
    "graph.message": "add_messages MessagesState MessageGraph REMOVE_ALL_MESSAGES push_message _messages_delta_reducer",
    "graph.state": "StateGraph CompiledStateGraph",
    "graph.ui": "UIMessage RemoveUIMessage AnyUIMessage push_ui_message delete_ui_message ui_message_reducer",
    "managed": "IsLastStep RemainingSteps",
    "managed.base": "ManagedValue is_managed_value",
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
    "utils.config": "get_config get_store ensure_config patch_configurable",
    "version": "__version__",
    "warnings": "LangGraphDeprecationWarning LangGraphDeprecatedSinceV05 LangGraphDeprecatedSinceV10"
    " LangGraphDeprecatedSinceV11",
}
"""Module -> names; the reference's table of imports."""

CALLED = [(module, name) for module, names in NAMES.items() for name in names.split()]

METHODS = [
    ("graph", "StateGraph", "__init__ add_node add_edge add_conditional_edges add_sequence set_entry_point compile"),
    ("graph", "StateGraph", "set_conditional_entry_point set_finish_point set_node_defaults validate"),
    ("pregel", "Pregel", "__init__ invoke ainvoke stream astream stream_events astream_events get_state aget_state"),
    ("pregel", "Pregel", "get_state_history aget_state_history update_state aupdate_state bulk_update_state"),
    ("pregel", "Pregel", "abulk_update_state with_config copy validate clear_cache aclear_cache"),
    ("pregel", "Pregel", "get_input_schema get_output_schema get_input_jsonschema get_output_jsonschema"),
    ("pregel", "Pregel", "get_context_jsonschema config_schema get_config_jsonschema"),
    ("graph.state", "CompiledStateGraph", "get_graph aget_graph get_subgraphs aget_subgraphs"),
    ("pregel", "NodeBuilder", "subscribe_only subscribe_to read_from do write_to meta add_retry_policies"),
    ("pregel", "NodeBuilder", "add_cache_policy set_timeout build"),
    ("func", "entrypoint", "__init__"),
    ("runtime", "Runtime", "__init__ merge override patch_execution_info"),
]


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


@pytest.mark.parametrize(
    ("module", "cls", "method"), [(m, c, one) for m, c, names in METHODS for one in names.split()], ids=str
)
def test_a_method_takes_every_argument_of_the_reference(module: str, cls: str, method: str) -> None:
    assert refused(load("langgraph", module, cls, method), load("rxgraph", module, cls, method)) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(("types", one) for one in "CachePolicy CacheKey Command GraphOutput Interrupt PregelTask".split()),
        *(("types", one) for one in "PregelExecutableTask RetryPolicy Send StateSnapshot StateUpdate".split()),
        *(("types", one) for one in "TimeoutPolicy TracePolicy ensure_valid_checkpointer interrupt".split()),
        ("func", "task"),
        ("graph.message", "add_messages"),
        ("graph.message", "push_message"),
        ("graph.ui", "push_ui_message"),
        ("graph.ui", "delete_ui_message"),
        ("runtime", "ExecutionInfo"),
        ("runtime", "ServerInfo"),
        ("runtime", "get_runtime"),
    ],
)
def test_a_function_takes_every_argument_of_the_reference(module: str, name: str) -> None:
    assert refused(load("langgraph", module, name), load("rxgraph", module, name)) == []


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
