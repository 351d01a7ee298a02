"""A compiled graph as a Runnable."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from rxgraph._composing import Composable, runnable_class
from rxgraph.pregel import Pregel

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable


def as_runnable(graph: Pregel[Any, Any, Any, Any]) -> Runnable[Any, Any]:
    """Return a compiled graph that LangChain takes for a Runnable.

    ``prompt | as_runnable(graph) | parser`` is a sequence of LangChain whose ``invoke``, ``stream``, ``batch`` and
    async twins run the graph with the configuration of the sequence. What is returned is a compiled graph still.

    Raises:
        ImportError: langchain-core is not installed.
        TypeError: *graph* is no compiled graph.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> from rxgraph.graph import START, StateGraph
        >>> graph = StateGraph(dict).add_node("double", lambda n: n * 2).add_edge(START, "double").compile()
        >>> (as_runnable(graph) | RunnableLambda(str)).invoke(21)
        '42'
    """
    runnable_class("as_runnable(graph)")
    if not isinstance(graph, Pregel):
        hint = " Call compile() first." if hasattr(graph, "compile") else ""
        raise TypeError(f"as_runnable() needs a compiled graph, got {type(graph).__name__}: {graph!r}.{hint}")
    if not isinstance(graph, Composable):
        cls: Any = type(graph)
        composable = _composable(cls)
        made = composable.__new__(composable)
        vars(made).update(vars(graph))
        graph = made
    return cast("Runnable[Any, Any]", graph)


@cache
def _composable(cls: Any) -> Any:
    return type(cls.__name__, (Composable, cls), {"__module__": cls.__module__, "__doc__": cls.__doc__})


__all__ = ("as_runnable",)
