"""Handlers that hear of stops and of going on: what the events say, in both lanes."""

# Annotations are evaluated: states are read from them.

import operator
from typing import Annotated, Any, TypedDict
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager

from rxgraph.callbacks import (
    GraphCallbackHandler,
    GraphInterruptEvent,
    GraphResumeEvent,
    get_async_graph_callback_manager_for_config,
    get_sync_graph_callback_manager_for_config,
)
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import START, StateGraph
from rxgraph.types import Command, interrupt
from tests._lanes import Lane

RUN = UUID(int=7)


class Log(TypedDict, total=False):
    log: Annotated[list, operator.add]


def asks(state):
    return {"log": [interrupt("q")]}


def graph(**options: Any) -> Any:
    return StateGraph(Log).add_node("a", asks).add_edge(START, "a").compile(InMemorySaver(), **options)


def config(*handlers: Any, **more: Any) -> dict[str, Any]:
    return {"callbacks": list(handlers), "configurable": {"thread_id": "1"}, **more}


class Listener(GraphCallbackHandler):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_interrupt(self, event: GraphInterruptEvent) -> None:
        self.heard.append(event)

    def on_resume(self, event: GraphResumeEvent) -> None:
        self.heard.append(event)


class Awaited(Listener):
    async def on_interrupt(self, event: GraphInterruptEvent) -> None:
        super().on_interrupt(event)

    async def on_resume(self, event: GraphResumeEvent) -> None:
        super().on_resume(event)


@pytest.mark.parametrize("kind", [Listener, Awaited])
def test_an_event_names_its_run_and_the_checkpoint_from_which_it_goes_on(lane: Lane, kind: type[Listener]) -> None:
    one, handler = graph(), kind()
    result = lane.invoke(one, {"log": []}, config(handler, run_id=RUN))
    head = one.get_state(config()).config["configurable"]["checkpoint_id"]
    assert handler.heard == [GraphInterruptEvent(RUN, "pending", head, (), tuple(result["__interrupt__"]))]
    lane.invoke(one, Command(resume="x"), config(handler))
    assert handler.heard[1:] == [GraphResumeEvent(handler.heard[1].run_id, "pending", head, ())]


def test_the_run_has_the_id_that_other_callbacks_know(lane: Lane) -> None:
    class Both(Listener):
        def on_chain_start(self, *args: Any, run_id: UUID, parent_run_id: UUID | None = None, **more: Any) -> None:
            if parent_run_id is None:
                self.heard.append(run_id)

    handler = Both()
    lane.invoke(graph(), {"log": []}, config(handler))
    known, event = handler.heard
    assert event.run_id == known


def test_handlers_of_the_graph_hear_before_those_of_the_call(lane: Lane) -> None:
    heard: list[str] = []

    class Named(GraphCallbackHandler):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_interrupt(self, event: GraphInterruptEvent) -> None:
            heard.append(self.name)

    # One that other threads wait for is called in its place, also where callbacks run side by side.
    Named.run_inline = True
    lane.invoke(graph().with_config(callbacks=[Named("graph")]), {"log": []}, config(Named("call")))
    assert heard == ["graph", "call"]


def test_other_handlers_hear_nothing_of_it(lane: Lane) -> None:
    class Other(BaseCallbackHandler):
        def on_interrupt(self, event: Any) -> None:
            raise AssertionError("it never asked for that")

        raise_error = True

    assert lane.invoke(graph(), {"log": []}, config(Other()))["__interrupt__"]


def test_who_raises_fails_the_run_and_leaves_the_thread_where_it_stands(lane: Lane) -> None:
    class Raising(GraphCallbackHandler):
        raise_error = True

        def on_interrupt(self, event: GraphInterruptEvent) -> None:
            raise ValueError("unreachable pager")

    one = graph()
    with pytest.raises(ValueError, match="unreachable pager"):
        lane.invoke(one, {"log": []}, config(Raising()))
    assert one.get_state(config()).next == ("a",)
    assert lane.invoke(one, Command(resume="x"), config()) == {"log": ["x"]}


def test_a_manager_of_a_configuration_tells_its_handlers() -> None:
    listener = Listener()
    event = GraphInterruptEvent(RUN, "pending", "c", (), ())
    for given in ([listener, BaseCallbackHandler()], CallbackManager([listener])):
        manager = get_sync_graph_callback_manager_for_config({"callbacks": given}, run_id=RUN)
        assert (manager.handlers, manager.run_id) == ([listener], RUN)
        manager.on_interrupt(event)
    assert listener.heard == [event, event]
    assert get_sync_graph_callback_manager_for_config({}).handlers == []


async def test_a_manager_on_a_loop_awaits_its_handlers() -> None:
    listener = Awaited()
    event = GraphResumeEvent(RUN, "pending", "c", ())
    await get_async_graph_callback_manager_for_config({"callbacks": [listener]}).on_resume(event)
    assert listener.heard == [event]
