"""Messages that are plain dicts: by choice, and where langchain-core is not installed.

What messages of LangChain do is compared with LangGraph in ``tests/parity/test_messages.py``.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import TypeAdapter

from rxgraph.graph import START, MessagesState, StateGraph, _messages, add_messages
from rxgraph.graph.message import REMOVE_ALL_MESSAGES, MessageGraph, _messages_delta_reducer, push_message
from rxgraph.warnings import LangGraphDeprecationWarning, UnknownStateKeyWarning
from tests._lanes import Lane


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without langchain-core."""
    monkeypatch.setattr(_messages, "langchain_messages", lambda: None)


plain = add_messages(format="plain")

WAYS = pytest.mark.parametrize("way", ["chosen", "alone"])


@pytest.fixture
def reduce(way: str, request: pytest.FixtureRequest) -> Any:
    """The reducer that leaves dicts dicts: told so, or without langchain-core."""
    if way == "alone":
        request.getfixturevalue("alone")
        return add_messages
    return plain


def user(content: str, id: str | None = None) -> dict[str, Any]:
    return {"role": "user", "content": content, **({} if id is None else {"id": id})}


def removal(id: str) -> dict[str, Any]:
    return {"role": "remove", "content": "", "id": id}


@WAYS
def test_dicts_stay_dicts_and_get_ids(reduce: Any) -> None:
    """A dict without an id gets one in a copy, so that a dict that is sent twice is two messages."""
    hello = user("hello")
    merged = reduce(reduce([], hello), [hello, user("bye", "1")])
    assert [message["content"] for message in merged] == ["hello", "hello", "bye"]
    assert len({message["id"] for message in merged}) == 3
    assert "id" not in hello


@WAYS
def test_a_known_id_takes_the_place_of_the_old_message(reduce: Any) -> None:
    state = [user("a", "1"), user("b", "2")]
    assert reduce(state, user("c", "1")) == [user("c", "1"), user("b", "2")]
    assert state == [user("a", "1"), user("b", "2")]


@WAYS
@pytest.mark.parametrize("kind", ["role", "type"])
def test_removals_take_messages_out(reduce: Any, kind: str) -> None:
    state = [user("a", "1"), user("b", "2")]
    assert reduce(state, {kind: "remove", "content": "", "id": "1"}) == [user("b", "2")]
    assert reduce(state, [removal("1"), user("c", "1")]) == [user("c", "1"), user("b", "2")]
    with pytest.raises(ValueError, match=r"Attempting to delete a message .*\('3'\)"):
        reduce(state, removal("3"))


@WAYS
def test_everything_before_a_removal_of_all_goes(reduce: Any) -> None:
    assert reduce([user("a", "1")], [user("b", "2"), removal(REMOVE_ALL_MESSAGES), user("c", "3")]) == [user("c", "3")]


@WAYS
def test_strings_and_pairs_become_dicts(reduce: Any) -> None:
    merged = reduce("hi", [("assistant", "ho"), ["system", "be kind"]])
    assert [(message["role"], message["content"]) for message in merged] == [
        ("user", "hi"),
        ("assistant", "ho"),
        ("system", "be kind"),
    ]


@WAYS
def test_objects_with_the_attributes_of_a_message_stay_what_they_are(reduce: Any) -> None:
    @dataclass
    class Message:
        content: str
        type: str = "ai"
        id: str | None = None

    message = Message("hi")
    merged = reduce([user("a", "1")], message)
    assert merged[1] is message
    assert message.id is not None
    assert reduce(merged, Message("", "remove", message.id)) == [user("a", "1")]


@WAYS
def test_what_is_no_message_is_refused(reduce: Any) -> None:
    for wrong in ({"role": "user"}, {"content": "hi"}):
        with pytest.raises(ValueError, match="must contain 'role' and 'content'"):
            reduce([], wrong)
    for unsupported in (3, ("user", "hi", "ho"), {"a", "b"}):
        with pytest.raises(NotImplementedError, match=r"type: \w+\. A message is a dict .*extra 'langchain'"):
            reduce([], unsupported)


def test_one_side_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="got only 'left'"):
        add_messages([])
    with pytest.raises(ValueError, match="got only 'right'"):
        add_messages(right=[])


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"format='bogus': expected 'langchain-openai', 'plain' or None"):
        add_messages([], "hi", format="bogus")


def test_a_conversion_that_is_not_there_names_the_extra(alone: None) -> None:
    with pytest.raises(ImportError, match="the extra 'langchain' of rxgraph-runtime"):
        add_messages([], "hi", format="langchain-openai")


def test_with_langchain_core_dicts_become_its_messages() -> None:
    from langchain_core.messages import HumanMessage, RemoveMessage

    assert add_messages([], user("hi", "1")) == [HumanMessage("hi", id="1")]
    assert plain([user("hi", "1")], HumanMessage("ho", id="2")) == [user("hi", "1"), HumanMessage("ho", id="2")]
    assert plain([user("hi", "1")], RemoveMessage(id="1")) == []


class Plain(TypedDict):
    messages: Annotated[list[dict[str, Any]], plain]


def test_a_graph_keeps_dicts(lane: Lane) -> None:
    def answer(state: Plain) -> dict[str, Any]:
        asked = state["messages"][-1]
        return {"messages": [{"role": "assistant", "content": asked["content"].upper(), "id": "2"}]}

    graph = StateGraph(Plain).add_node("answer", lane.node(answer)).add_edge(START, "answer").compile()
    result = lane.invoke(graph, {"messages": [user("hi", "1")]})
    assert result["messages"] == [user("hi", "1"), {"role": "assistant", "content": "HI", "id": "2"}]


def test_a_dict_can_be_pushed(alone: None, lane: Lane) -> None:
    def node(state: MessagesState) -> None:
        assert push_message(user("pushed", "1")) == user("pushed", "1")
        push_message(user("not kept", "2"), state_key=None)

    graph = StateGraph(MessagesState).add_node("node", lane.node(node)).add_edge(START, "node").compile()
    assert lane.invoke(graph, {"messages": []})["messages"] == [user("pushed", "1")]


def test_a_pushed_message_needs_an_id(alone: None, lane: Lane) -> None:
    def node(state: MessagesState) -> None:
        push_message(user("nameless"))

    graph = StateGraph(MessagesState).add_node("node", lane.node(node)).add_edge(START, "node").compile()
    with pytest.raises(ValueError, match="Message ID is required"):
        lane.invoke(graph, {"messages": []})


def test_a_push_to_a_key_that_is_not_there_warns_and_names_the_nearest(alone: None, lane: Lane) -> None:
    def node(state: MessagesState) -> None:
        push_message(user("lost", "1"), state_key="mesages")

    graph = StateGraph(MessagesState).add_node("node", lane.node(node)).add_edge(START, "node").compile()
    with pytest.warns(UnknownStateKeyWarning, match=r"'node' wrote to unknown state key 'mesages'.*'messages'"):
        assert lane.invoke(graph, {"messages": []}) == {"messages": []}


def test_a_push_outside_of_a_node_says_where_it_works() -> None:
    with pytest.raises(RuntimeError, match=r"push_message\(\) was called outside of a running node"):
        push_message(user("hi", "1"))


def test_deltas_of_dicts_are_merged(alone: None) -> None:
    writes = [[user("b", "2"), removal("1")], removal("3"), user("c", "2"), user("d")]
    assert _messages_delta_reducer([user("a", "1")], writes) == [user("c", "2"), user("d")]


def test_pydantic_takes_any_message_where_langchain_core_is_missing(alone: None) -> None:
    state = {"messages": [user("hi", "1"), "ho"]}
    assert TypeAdapter(MessagesState).validate_python(state) == state


def test_a_message_graph_is_deprecated(alone: None, lane: Lane) -> None:
    with pytest.warns(LangGraphDeprecationWarning, match=r"StateGraph\(MessagesState\)"):
        graph = MessageGraph()
    graph.add_node("n", lane.node(lambda messages: user(f"{len(messages)}", "2"))).add_edge(START, "n")
    assert lane.invoke(graph.compile(), user("hi", "1")) == [user("hi", "1"), user("1", "2")]


PROGRAM = """
import sys
sys.modules["langchain_core"] = None  # what an import finds where a package is not installed
from rxgraph.graph import START, MessagesState, StateGraph

def answer(state):
    return {"messages": ("assistant", state["messages"][0]["content"] + "?")}

graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer").compile()
print([(m["role"], m["content"]) for m in graph.invoke({"messages": "hi"})["messages"]])
print({"langchain_core", "pydantic"} & {name for name, module in sys.modules.items() if module})
"""


def test_a_program_needs_no_langchain_core() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines() == ["[('user', 'hi'), ('assistant', 'hi?')]", "set()"]
