"""One SQLite file, two runtimes: a thread that one of them interrupts goes on in the other."""

from __future__ import annotations

import importlib
import operator
import subprocess
import sys
import textwrap
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


# Delta channels: a checkpoint has their snapshot now and then, and else the writes on its ancestors.


def extended(value: list[Any], writes: Any) -> list[Any]:
    return value + [item for write in writes for item in write]


def build_delta(library: str, saver: Any, frequency: int = 3) -> Any:
    graph = importlib.import_module(f"{library}.graph")
    delta = importlib.import_module(f"{library}.channels.delta").DeltaChannel
    keys: Any = {"n": int, "xs": Annotated[list, delta(extended, list, snapshot_frequency=frequency)]}
    schema = TypedDict("schema", keys)  # type: ignore[operator]
    builder = graph.StateGraph(schema).add_node("w", lambda state: {"n": state["n"] + 1, "xs": [state["n"]]})
    builder.add_edge("__start__", "w").add_conditional_edges("w", lambda state: "w" if state["n"] % 5 else "__end__")
    return builder.compile(checkpointer=saver)


def past(graph: Any) -> list[Any]:
    return [(one.config, one.values, one.next, one.metadata["step"]) for one in graph.get_state_history(CONFIG)]


RUNS = [({"n": 0, "xs": ["i"]}, 5), ({"n": 1, "xs": ["j"]}, 4), ({"n": 3, "xs": []}, 2), ({"n": 2, "xs": ["k"]}, 3)]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("frequency", [1, 3, 100])
@pytest.mark.parametrize("order", [("rxgraph", "langgraph"), ("langgraph", "rxgraph")])
def test_a_thread_with_delta_channels_moves_between_the_runtimes(
    order: tuple[str, str], frequency: int, durability: Any, tmp_path: Path
) -> None:
    path, expected = str(tmp_path / "shared.db"), []
    with warnings.catch_warnings():
        # LangGraph's delta channels are a beta.
        warnings.simplefilter("ignore")
        for turn, (value, steps) in enumerate(RUNS):
            expected += [*value["xs"], *range(value["n"], value["n"] + steps)]
            with opened(order[turn % 2], path) as saver:
                graph = build_delta(order[turn % 2], saver, frequency)
                assert graph.invoke(value, CONFIG, durability=durability)["xs"] == expected
            histories = []
            for library in order:
                with opened(library, path) as saver:
                    histories.append(past(build_delta(library, saver, frequency)))
            assert histories[0] == histories[1]
            assert histories[0][0][1]["xs"] == expected


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("first", ["rxgraph", "langgraph"])
def test_a_saver_of_langgraph_keeps_our_delta_channels(first: str, strict: bool, durability: Any) -> None:
    """Their instance under our graph: it gets snapshots of the class that it knows, and its own are understood."""
    from langgraph.checkpoint.memory import InMemorySaver as TheirSaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer as TheirSerializer

    saver = TheirSaver(serde=TheirSerializer(allowed_msgpack_modules=None if strict else True))
    order = [first, "langgraph" if first == "rxgraph" else "rxgraph"]
    expected: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn, (value, steps) in enumerate(RUNS):
            expected += [*value["xs"], *range(value["n"], value["n"] + steps)]
            graph = build_delta(order[turn % 2], saver)
            assert graph.invoke(value, CONFIG, durability=durability)["xs"] == expected
            ours, theirs = (past(build_delta(library, saver)) for library in ("rxgraph", "langgraph"))
            assert ours == theirs
            assert ours[0][1]["xs"] == expected
    kept = [type(value) for one in saver.list(CONFIG) for value in one.checkpoint["channel_values"].values()]
    assert {kind.__module__ for kind in kept if kind.__name__ == "_DeltaSnapshot"} == {
        "langgraph.checkpoint.serde.types"
    }


def test_without_langgraph_a_snapshot_is_ours() -> None:
    program = """
        import sys
        from rxgraph.channels.delta import DeltaChannel
        channel = DeltaChannel(lambda value, writes: value + list(writes)).from_checkpoint([1])
        assert type(channel.snapshot()).__module__ == "rxgraph.channels.delta"
        assert channel.from_checkpoint(channel.snapshot()).get() == [1]
        assert not [name for name in sys.modules if name.startswith("langgraph")]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
