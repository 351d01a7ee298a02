"""Messages and parts of a user interface, side by side with LangGraph: reducers, states of messages, pushes.

Annotations are evaluated: a state class is built for each of the two.
"""

import builtins
import warnings
from importlib import import_module
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, TypeAdapter

from tests.parity._twin import ALL, LANES, Ids, Program, Tidy, compare, runtime

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "1234"}}
CALL = {"id": "t", "name": "look_up", "args": {"a": 1}}
OPENAI_CALL = {"id": "t", "type": "function", "function": {"name": "look_up", "arguments": '{"a": 1}'}}


LIBRARIES = ("rxgraph", "langgraph")


class Own(HumanMessage):
    """A message class of the user."""


def module(lg: Any, name: str) -> Any:
    return import_module(f"{lg.name}.graph.{name}")


def shown(act: Any) -> str:
    """What a call returns or raises, in a form that can be compared."""
    try:
        result = Tidy()(act())
    except Exception as error:
        result = ("raised", next(cls for cls in type(error).__mro__ if hasattr(builtins, cls.__name__)))
    return Ids()(repr(result))


def same(act: Any) -> str:
    """What *act* shows on both runtimes, given their ``graph.message``; asserts that it is the same."""
    ours, theirs = (shown(lambda lg=lg: act(module(lg, "message"))) for lg in map(runtime, LIBRARIES))
    assert ours == theirs
    return ours


# --- the reducer

UPDATES: dict[str, Any] = {
    "nothing": list,
    "a string": lambda: "hi",
    "strings": lambda: ["user", "hi"],
    "a pair": lambda: ("system", "hi"),
    "pairs": lambda: [("user", "hi"), ("ai", "ho"), ["assistant", "hum"], ("developer", "d")],
    "a pair of an unknown role": lambda: [("critic", "hi")],
    "a tuple of messages": lambda: (HumanMessage("a"), HumanMessage("b")),
    "a dict": lambda: {"role": "user", "content": "hi", "id": "1"},
    "a dict with a type": lambda: {"type": "ai", "content": "hi"},
    "a dict with more": lambda: {"role": "user", "content": "hi", "name": "bob", "mood": 3},
    "a dict with a number as its id": lambda: {"role": "user", "content": "hi", "id": 1},
    "a dict without content": lambda: {"role": "user"},
    "a dict with no content": lambda: {"role": "user", "content": None},
    "a dict without a role": lambda: {"content": "hi"},
    "a dict of a tool": lambda: {"role": "tool", "content": "4", "tool_call_id": "t"},
    "a dict with tool calls": lambda: {"role": "assistant", "content": "", "tool_calls": [OPENAI_CALL]},
    "a removal as a dict": lambda: {"role": "remove", "content": "", "id": "1"},
    "a removal of all as a dict": lambda: [{"type": "remove", "content": "", "id": "__remove_all__"}, "new"],
    "a removal without content": lambda: {"role": "remove", "id": "1"},
    "a message": lambda: HumanMessage("hi", id="1"),
    "messages": lambda: [HumanMessage("hi"), AIMessage("ho", tool_calls=[CALL]), ToolMessage("4", tool_call_id="t")],
    "a message of the user's class": lambda: Own("hi"),
    "a chunk": lambda: AIMessageChunk("hi"),
    "a chunk that is known": lambda: AIMessageChunk("hi", id="2"),
    "an empty id": lambda: HumanMessage("hi", id=""),
    "twice the same id": lambda: [HumanMessage("a", id="7"), AIMessage("b", id="7")],
    "a removal": lambda: RemoveMessage(id="1"),
    "a removal of nothing": lambda: RemoveMessage(id="9"),
    "two removals": lambda: [RemoveMessage(id="1"), RemoveMessage(id="1")],
    "a removal taken back": lambda: [RemoveMessage(id="1"), AIMessage("b", id="1")],
    "a message taken back": lambda: [AIMessage("b", id="7"), RemoveMessage(id="7")],
    "a removal of all": lambda: [AIMessage("a"), RemoveMessage(id="__remove_all__"), AIMessage("b")],
    "two removals of all": lambda: [
        *(RemoveMessage(id="__remove_all__"), AIMessage("a"), RemoveMessage(id="__remove_all__")),
        *(AIMessage("b", id="1"), AIMessage("c", id="1"), RemoveMessage(id="9")),
    ],
    "a message whose id says all": lambda: HumanMessage("hi", id="__remove_all__"),
    "a picture": lambda: HumanMessage([{"type": "text", "text": "look", "cache_control": {}}, IMAGE]),
    "a number": lambda: 3,
    "numbers": lambda: [3],
    "a set": lambda: {"hi"},
    "a generator": lambda: (text for text in ["hi"]),
    "None": lambda: None,
}

STATES: dict[str, Any] = {
    "empty": list,
    "some": lambda: [HumanMessage("x", id="1"), AIMessage("y", id="2")],
    "without ids": lambda: [HumanMessage("x"), {"role": "ai", "content": "y"}],
    "twice one id": lambda: [HumanMessage("x", id="1"), AIMessage("y", id="1")],
    "with leftovers": lambda: [RemoveMessage(id="1"), RemoveMessage(id="__remove_all__"), AIMessageChunk("y", id="2")],
    "one": lambda: HumanMessage("x", id="1"),
}


@pytest.mark.parametrize("format", [None, "", "langchain-openai", "bogus"])
@pytest.mark.parametrize("update", UPDATES)
def test_the_reducer_does_the_same(update: str, format: str | None) -> None:
    """Whatever a node returns as messages, the state becomes the same."""
    for state in STATES.values():
        same(lambda lib, state=state: lib.add_messages(state(), UPDATES[update](), format=format))


def test_a_reducer_is_made_of_its_options() -> None:
    assert "HumanMessage" in same(lambda lib: lib.add_messages()([], "hi"))
    assert "image_url" in same(lambda lib: lib.add_messages(format="langchain-openai")([], UPDATES["a picture"]()))
    same(lambda lib: lib.add_messages(None, None, format="bogus")([], "hi"))
    for one in ({"left": ["hi"]}, {"right": ["hi"]}, {"left": None, "right": ["hi"], "format": "bogus"}):
        assert "ValueError" in same(lambda lib, one=one: lib.add_messages(**one))


def test_ids_are_given_to_the_objects_themselves() -> None:
    def look(lib: Any) -> Any:
        old, new, chunk = HumanMessage("x"), AIMessage("y"), AIMessageChunk("z")
        state = [old]
        merged = lib.add_messages(state, [new, chunk])
        return [merged is state, merged[0] is old, merged[1] is new, merged[2] is chunk, old, new, chunk, state]

    assert same(look).startswith("[False, True, True, False")


IDS = st.sampled_from(["1", "2", "3", None])
MESSAGES = st.one_of(
    st.builds(lambda id: HumanMessage("h", id=id), IDS),
    st.builds(lambda id: AIMessageChunk("c", id=id), IDS),
    st.builds(lambda id: {"role": "system", "content": "s", "id": id}, IDS),
    st.builds(lambda id: RemoveMessage(id=id or "__remove_all__"), IDS),
    st.just(("user", "t")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(MESSAGES, max_size=5), max_size=5))
def test_updates_one_after_the_other_do_the_same(updates: list[list[Any]]) -> None:
    def look(lib: Any) -> Any:
        state: Any = []
        for update in updates:
            copies = [one.model_copy() if isinstance(one, BaseModel) else one for one in update]
            try:
                state = lib.add_messages(state, copies)
            except ValueError:
                state = [*state, "refused"]
        return state

    same(look)


DELTAS = st.one_of(MESSAGES, st.lists(MESSAGES, max_size=3))


@settings(max_examples=300, deadline=None)
@given(st.lists(MESSAGES, max_size=4), st.lists(DELTAS, max_size=5))
def test_writes_of_many_supersteps_are_merged_the_same(left: list[Any], writes: list[Any]) -> None:
    def look(lib: Any) -> Any:
        # LangGraph looks only at the first message of the state to see whether it has to be converted.
        state = convert_to_messages(left)
        merged = lib._messages_delta_reducer(state, writes)
        return [merged, merged is state, lib._messages_delta_reducer(merged, [])]

    same(look)


def test_pydantic_sees_the_same_messages() -> None:
    """Tools and servers make their schemas out of a state's."""

    def look(lib: Any) -> Any:
        adapter = TypeAdapter(lib.MessagesState)
        return [adapter.json_schema(), adapter.validate_python({"messages": [{"type": "human", "content": "hi"}]})]

    assert "HumanMessage" in same(look)


COMPONENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["ui", "ui", "remove-ui"]), "id": st.sampled_from("ab")},
    optional={
        "props": st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=2),
        "metadata": st.fixed_dictionaries({}, optional={"merge": st.booleans()}),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(COMPONENTS, max_size=3) | COMPONENTS, st.lists(COMPONENTS, max_size=5) | COMPONENTS)
def test_components_are_merged_the_same(left: Any, right: Any) -> None:
    ours, theirs = (
        shown(lambda lg=lg: [module(lg, "ui").ui_message_reducer(left, right), left, right])
        for lg in map(runtime, LIBRARIES)
    )
    assert ours == theirs


# --- programs


PROGRAMS: list[tuple[Program, tuple[str, ...]]] = []


def program(*differences: str) -> Any:
    def register(fn: Program) -> Program:
        PROGRAMS.append((fn, differences))
        return fn

    return register


def chat(lg, *nodes, schema=None):
    schema = schema or module(lg, "message").MessagesState
    graph = lg.StateGraph(schema).add_sequence(nodes)
    return graph.add_edge(lg.START, nodes[0].__name__).compile()


def ask(state):
    return {"messages": [AIMessage("Where?", id="ask")]}


@program()
def a_state_of_messages_takes_whatever_is_a_message(lg):
    def answer(state):
        return {"messages": [("ai", f"{len(state['messages'])} so far"), {"role": "user", "content": "ok"}]}

    graph = chat(lg, ask, answer)
    inputs = ("hi", [("user", "hi")], {"role": "user", "content": "hi"}, [HumanMessage("hi", id="1")], [])
    return [lg.run(graph, {"messages": one}) for one in inputs]


@program()
def a_message_of_a_known_id_takes_its_place(lg):
    def again(state):
        return {"messages": AIMessage("Where to?", id="ask")}

    return lg.run(chat(lg, ask, again), {"messages": "hi"})


@program()
def removals_take_messages_out(lg):
    def forget(state):
        return {"messages": [RemoveMessage(id=one.id) for one in state["messages"][:-1]]}

    def forget_all(state):
        everything = module(lg, "message").REMOVE_ALL_MESSAGES
        return {"messages": [RemoveMessage(id=everything), ("system", str(len(state["messages"])))]}

    return [lg.run(chat(lg, ask, forget), {"messages": "hi"}), lg.run(chat(lg, ask, forget_all), {"messages": "hi"})]


@program("events_before_an_error_are_delivered")
def a_removal_of_nothing_is_an_error(lg):
    def forget(state):
        return {"messages": RemoveMessage(id="nobody")}

    return lg.run(chat(lg, forget), {"messages": "hi"})


@program()
def states_inherit_messages_and_add_keys(lg):
    class More(module(lg, "message").MessagesState):
        mood: str

    def good(state):
        return {"mood": "good", "messages": "fine"}

    return lg.run(chat(lg, good, schema=More), {"messages": [], "mood": "?"})


@program()
def models_hold_messages(lg):
    class State(BaseModel):
        messages: Annotated[list[AnyMessage], module(lg, "message").add_messages] = []

    def look(state):
        return {"messages": [("ai", type(state).__name__ + type(state.messages[-1]).__name__)]}

    return lg.run(chat(lg, look, schema=State), {"messages": [("user", "hi")]})


@program()
def contents_take_the_form_of_openai(lg):
    class State(TypedDict):
        messages: Annotated[list, module(lg, "message").add_messages(format="langchain-openai")]

    def look(state):
        return {"messages": [HumanMessage([{"type": "text", "text": "look"}, IMAGE], id="1")]}

    return lg.run(chat(lg, look, schema=State), {"messages": "hi"})


@program()
def a_message_graph_is_a_list_of_messages(lg):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        graph = module(lg, "message").MessageGraph()
    assert [one.category.__mro__[-4].__name__ for one in caught] == ["DeprecationWarning"]

    def answer(messages):
        return AIMessage(f"{len(messages)}", id="a")

    graph = graph.add_node("answer", answer).add_edge(lg.START, "answer").compile()
    return [lg.run(graph, "hi"), lg.run(graph, [("user", "hi"), HumanMessage("ho", id="2")])]


@program()
def pushed_messages_are_writes(lg):
    push = module(lg, "message").push_message

    def node(state):
        returned = push({"role": "ai", "content": "one", "id": "1"})
        push(AIMessage("two", id="2"), state_key=None)
        chunk = push(AIMessageChunk("three", id="3"))
        return {"messages": [("ai", type(returned).__name__ + type(chunk).__name__)]}

    def only(state):
        push(AIMessage("four", id="4"))

    return lg.run(chat(lg, node, only), {"messages": "hi"})


@program()
def a_pushed_message_needs_an_id(lg):
    def node(state):
        module(lg, "message").push_message(("ai", "one"))

    return lg.run(chat(lg, node), {"messages": "hi"})


@program()
def a_list_is_no_message_to_push(lg):
    def node(state):
        module(lg, "message").push_message([AIMessage("one", id="1")])

    return lg.run(chat(lg, node), {"messages": "hi"})


@program("unknown_state_key_warns")
def a_push_to_an_unknown_key_is_dropped(lg):
    def node(state):
        module(lg, "message").push_message(AIMessage("one", id="1"), state_key="mesages")
        module(lg, "ui").push_ui_message("card", {}, id="1", state_key="iu")
        module(lg, "ui").delete_ui_message("1", state_key=None)

    return lg.run(chat(lg, node), {"messages": "hi"})


@program()
def a_path_may_push_and_the_next_node_sees_it(lg):
    def path(state):
        module(lg, "message").push_message(AIMessage("turned left", id="path"))
        return "see"

    def see(state):
        return {"messages": [("ai", str([one.content for one in state["messages"]]))]}

    schema = module(lg, "message").MessagesState
    graph = lg.StateGraph(schema).add_node(ask).add_node(see).add_edge(lg.START, "ask")
    return lg.run(graph.add_conditional_edges("ask", path, ["see"]).compile(), {"messages": "hi"})


def ui_state(lg):
    ui = module(lg, "ui")

    class State(module(lg, "message").MessagesState):
        ui: Annotated[list[ui.AnyUIMessage], ui.ui_message_reducer]

    return State


@program()
def components_go_to_the_stream_and_into_the_state(lg):
    ui = module(lg, "ui")

    def show(state):
        first = ui.push_ui_message("card", {"a": 1})
        ui.push_ui_message(
            "card", {"b": 1}, id="x", metadata={"k": 1, "merge": 9, "name": "n"}, message=state["messages"][0]
        )
        ui.push_ui_message("card", {"c": 1}, id="x", merge=True)
        ui.push_ui_message("card", {"d": 1}, id="y", message={"id": "m"}, metadata={"message_id": "n"})
        ui.push_ui_message("card", {"e": 1}, id="", state_key=None, message=AIMessage("no id"))
        return {"messages": [("ai", str(sorted(first)))]}

    def hide(state):
        return {"messages": [("ai", str(ui.delete_ui_message("x")))]}

    graph = chat(lg, show, hide, schema=ui_state(lg))
    return [
        lg.run(graph, {"messages": HumanMessage("hi", id="1")}),
        lg.run(graph, {"messages": HumanMessage("hi", id="1"), "ui": []}, {"tags": ["t"], "metadata": {"u": 1}}),
    ]


@program("events_before_an_error_are_delivered")
def a_component_that_is_not_there_cannot_be_hidden(lg):
    def hide(state):
        module(lg, "ui").delete_ui_message("nobody")

    return lg.run(chat(lg, hide, schema=ui_state(lg)), {"messages": "hi"})


@program()
def pushing_needs_a_running_node(lg):
    message, ui = module(lg, "message"), module(lg, "ui")
    return [
        lg.call(lambda: message.push_message(AIMessage("one", id="1"))),
        lg.call(lambda: ui.push_ui_message("card", {})),
        lg.call(lambda: ui.delete_ui_message("1")),
    ]


@pytest.mark.parametrize(
    ("fn", "differences", "lane"),
    [pytest.param(fn, differences, lane, id=f"{fn.__name__}-{lane}") for fn, differences in PROGRAMS for lane in LANES],
)
def test_a_program_shows_the_same(fn: Program, differences: tuple[str, ...], lane: str) -> None:
    """Changing ``langgraph`` to ``rxgraph`` in the imports changes nothing that a program can see."""
    compare(fn, lane, differences, (ALL, "invoke", "stream values", "stream updates", "stream tasks", "stream custom"))


def test_messages_are_kept_in_threads_the_same() -> None:
    """Ids stay from run to run, and histories show the same messages."""

    def act(lib: Any) -> Any:
        name = lib.__name__.split(".")[0]
        saver = import_module(f"{name}.checkpoint.memory").InMemorySaver()
        graph = import_module(f"{name}.graph").StateGraph(lib.MessagesState).add_node("ask", ask)
        graph = graph.add_edge("__start__", "ask").compile(checkpointer=saver)
        thread = {"configurable": {"thread_id": "1"}}
        graph.invoke({"messages": {"role": "user", "content": "hi"}}, thread)
        graph.invoke({"messages": [SystemMessage("be kind", id="s"), "ho"]}, thread)
        graph.update_state(thread, {"messages": [RemoveMessage(id="s"), AIMessage("There.", id="ask")]})
        history = [state.values for state in graph.get_state_history(thread)]
        return [history, graph.get_state(thread).values]

    assert "There." in same(act)


def test_difference_messages_may_stay_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"role": "user", "content": "hi", "id": "1"}
    ours, theirs = (module(lg, "message").add_messages for lg in map(runtime, LIBRARIES))
    assert ours([], asked) == theirs([], asked) == [HumanMessage("hi", id="1")]
    assert ours([], asked, format="plain") == [asked]
    with pytest.raises(ValueError, match="plain"):
        theirs([], asked, format="plain")
    monkeypatch.setattr("rxgraph.graph._messages.langchain_messages", lambda: None)
    assert ours([], asked) == [asked]


def test_difference_a_path_needs_no_name() -> None:
    """A ``RunnableLambda`` of a lambda has no name, and one of an async function alone no function to read."""

    async def where(state: Any) -> str:
        return "b"

    for path, name in ((RunnableLambda(lambda state: "b"), "condition"), (RunnableLambda(where), "where")):
        ours, theirs = (lg.StateGraph(dict).add_node("b", lambda state: state) for lg in map(runtime, LIBRARIES))
        ours.add_conditional_edges("__start__", path)
        assert [*ours.branches["__start__"]] == [name]
        with pytest.raises(AttributeError):
            theirs.add_conditional_edges("__start__", path)
