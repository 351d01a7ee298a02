"""One SQLite file, two runtimes: a thread that one of them interrupts goes on in the other."""

from __future__ import annotations

import importlib
import operator
import warnings
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

CONFIG: Any = {"configurable": {"thread_id": "1"}}


class State(TypedDict):
    xs: Annotated[list, operator.add]


def build(library: str, saver: Any) -> tuple[Any, Any]:
    graph, types = importlib.import_module(f"{library}.graph"), importlib.import_module(f"{library}.types")

    def ask(state: Any) -> Any:
        return {"xs": [types.interrupt({"q": 1}), types.interrupt("second")]}

    builder = graph.StateGraph(State).add_node("p", lambda state: {"xs": ["p"]}).add_node("ask", ask)
    builder.add_node("m", lambda state: {"xs": ["m"]}).add_edge("__start__", "p").add_edge("p", "ask").add_edge(
        "p", "m"
    )
    builder.add_node("w", lambda number: {"xs": [number]})
    builder.add_conditional_edges("ask", lambda state: [types.Send("w", 1), types.Send("w", 2)], ["w"])
    return builder.compile(checkpointer=saver), types.Command


def see(graph: Any) -> Any:
    """The history as both runtimes must see it, ids included."""
    return [
        (
            (one.metadata["step"], one.metadata["source"], one.values, one.next, one.config, one.parent_config),
            [(task.id, task.name, task.result, [q.id for q in task.interrupts]) for task in one.tasks],
        )
        for one in graph.get_state_history(CONFIG)
    ]


def opened(library: str, path: str) -> Any:
    """The library's saver on a file for both."""
    options = {"layout": "langgraph"} if library == "rxgraph" else {}
    return importlib.import_module(f"{library}.checkpoint.sqlite").SqliteSaver.from_conn_string(path, **options)


@pytest.mark.parametrize("order", [("rxgraph", "langgraph"), ("langgraph", "rxgraph")])
def test_a_thread_moves_between_the_runtimes(order: tuple[str, str], tmp_path: Path) -> None:
    path = str(tmp_path / "shared.db")
    questions: list[list[str]] = []
    histories: dict[str, Any] = {}
    with warnings.catch_warnings():
        # LangGraph warns of classes that it will not load for ever.
        warnings.simplefilter("ignore")
        for value in ({"xs": ["in"]}, "A", "B"):
            library = order[len(questions) % 2]
            with opened(library, path) as saver:
                graph, command = build(library, saver)
                result = graph.invoke(value if isinstance(value, dict) else command(resume=value), CONFIG)
                questions.append([one.id for one in result.get("__interrupt__", [])])
        for library in order:
            with opened(library, path) as saver:
                histories[library] = see(build(library, saver)[0])
    assert result == {"xs": ["in", "p", "A", "B", "m", 1, 2]}
    assert [len(asked) for asked in questions] == [1, 1, 0]
    assert histories["rxgraph"] == histories["langgraph"]
