"""What graphs say of their input, output and context, compared with LangGraph."""

import importlib
import operator
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, NotRequired, Required

import pydantic
import pytest
from typing_extensions import TypedDict

from rxgraph.graph import START, StateGraph
from rxgraph.warnings import LangGraphDeprecationWarning


class Keys(TypedDict):
    a: int
    b: Annotated[list[int], operator.add]
    c: NotRequired[str]


class Partial(TypedDict, total=False):
    a: int
    b: Required[str]


class One(TypedDict):
    a: int


@dataclass
class Data:
    a: int
    b: str = "x"
    c: list = field(default_factory=list)


class Model(pydantic.BaseModel):
    """A state."""

    a: int
    b: str = "x"
    c: Annotated[list[int], operator.add] = pydantic.Field(default_factory=list, description="Numbers.")


class Who(pydantic.BaseModel):
    who: str


class Lib:
    """One of the two libraries."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, module: str) -> Any:
        return importlib.import_module(f"{self.name}.{module}")

    def graph(self, schema: Any, name: str | None = None, **options: Any) -> Any:
        builder = self.graph_module.StateGraph(schema, **options)
        return builder.add_node("x", lambda state: {}).add_edge(self.graph_module.START, "x").compile(name=name)

    @property
    def graph_module(self) -> Any:
        return importlib.import_module(f"{self.name}.graph")

    def workflow(self, takes: Any, gives: Any) -> Any:
        def work(x):
            return x

        work.__annotations__ = {} if takes is Any else {"x": takes, "return": gives}
        return self.func.entrypoint()(work)

    def final(self) -> Any:
        return self.workflow(int, self.func.entrypoint.final[str, int])

    def managed(self) -> Any:
        return self.graph(TypedDict("Managed", {"a": int, "last": self.module("managed").IsLastStep}))

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.name}.{name}")

    def raw(self, takes: Any, gives: Any) -> Any:
        of = self.channels
        channels = {
            "i": of.EphemeralValue(int),
            "o": of.LastValue(str),
            "t": of.Topic(str),
            "b": of.BinaryOperatorAggregate(list, operator.add),
        }
        nodes = {"n": self.pregel.NodeBuilder().subscribe_to("i", "t")}
        return self.pregel.Pregel(nodes=nodes, channels=channels, input_channels=takes, output_channels=gives)


GRAPHS: dict[str, Callable[[Lib], Any]] = {
    "TypedDict": lambda lib: lib.graph(Keys),
    "total=False": lambda lib: lib.graph(Partial),
    "dataclass": lambda lib: lib.graph(Data),
    "pydantic": lambda lib: lib.graph(Model),
    "managed": lambda lib: lib.managed(),
    "plain": lambda lib: lib.graph(int),
    "plain with a reducer": lambda lib: lib.graph(Annotated[list, operator.add]),
    "plain list": lambda lib: lib.graph(list[int]),
    "input and output": lambda lib: lib.graph(Keys, input_schema=One, output_schema=Who),
    "named": lambda lib: lib.graph(Keys, name="small"),
    "named in capitals": lambda lib: lib.graph(Data, name="Big"),
    "context TypedDict": lambda lib: lib.graph(Keys, context_schema=One),
    "context dataclass": lambda lib: lib.graph(Keys, context_schema=Data),
    "context pydantic": lambda lib: lib.graph(Keys, context_schema=Who),
    "workflow": lambda lib: lib.workflow(int, str),
    "workflow without hints": lambda lib: lib.workflow(Any, Any),
    "workflow of classes": lambda lib: lib.workflow(Keys, Data),
    "workflow of models": lambda lib: lib.workflow(Model, Model),
    "workflow that gives nothing": lambda lib: lib.workflow(list[int], None),
    "workflow that saves": lambda lib: lib.final(),
    "by hand": lambda lib: lib.raw("i", "o"),
    "by hand, a topic": lambda lib: lib.raw("t", "t"),
    "by hand, lists": lambda lib: lib.raw(["i", "b", "t"], ["o", "t", "b"]),
}


def facts(lib: Lib, make: Callable[[Lib], Any]) -> dict[str, Any]:
    """Everything that a graph says of itself, classes as their names and schemas."""
    graph = make(lib)
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("input", "output", "context", "config"):
            found[name] = getattr(graph, f"get_{name}_jsonschema")()
        for model in (graph.input_schema, graph.output_schema, graph.get_input_schema(), graph.config_schema()):
            found[f"model {len(found)}"] = (model.__name__, issubclass(model, pydantic.RootModel))
            found[f"fields {len(found)}"] = model.model_json_schema()
        # A union has two spellings.
        types = (graph.InputType, graph.OutputType)
        found["types"] = [str(one).replace("typing.Union[str, list[str]]", "str | list[str]") for one in types]
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_says_the_same_as_in_langgraph(name: str) -> None:
    make = GRAPHS[name]
    theirs, ours = facts(Lib("langgraph"), make), facts(Lib("rxgraph"), make)
    assert theirs["input"] or name == "workflow without hints"
    assert ours == theirs


@pytest.mark.parametrize("name", ["langgraph", "rxgraph"])
def test_models_check_values(name: str) -> None:
    graph = Lib(name).graph(Data)
    assert graph.get_input_schema().model_validate({"a": 1}).root == Data(1)
    assert graph.get_output_schema().model_validate({"a": 1}).model_dump() == {"a": 1, "b": None, "c": None}
    with pytest.raises(pydantic.ValidationError):
        graph.get_input_schema().model_validate({"a": "word"})


def test_schemas_of_the_configuration_are_deprecated() -> None:
    graph = StateGraph(Keys, context_schema=One).add_node("x", lambda state: {}).add_edge(START, "x").compile()
    with pytest.warns(LangGraphDeprecationWarning, match=r"use graph\.get_context_jsonschema\(\)"):
        graph.config_schema()
    with pytest.warns(LangGraphDeprecationWarning, match="get_config_jsonschema"):
        graph.get_config_jsonschema()


def test_who_asks_for_no_schema_needs_no_pydantic() -> None:
    program = (
        "import sys; from rxgraph.graph import StateGraph\n"
        "graph = StateGraph(dict).add_node('x', lambda s: s).set_entry_point('x').compile()\n"
        "graph.invoke({}); print(graph.InputType, 'pydantic' in sys.modules, 'langchain_core' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split("'")[1:] == ["dict", "> False False\n"]
