"""A compiled graph as a Runnable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rxgraph._composing import runnable_class
from rxgraph.pregel import Pregel

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable


def as_runnable(graph: Pregel[Any, Any, Any, Any]) -> Runnable[Any, Any]:
    """Return a compiled graph as the Runnable of LangChain that it is.

    ``prompt | graph | parser`` is a sequence of LangChain whose ``invoke``, ``stream``, ``batch`` and async twins run
    the graph with the configuration of the sequence. This function is needed only where langchain-core is imported
    after the graph was compiled, and where a type checker has to see a Runnable.

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
    return cast("Runnable[Any, Any]", graph)


__all__ = ("as_runnable",)
