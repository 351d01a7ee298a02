"""Finding the graphs inside a node: the node itself, or one that its function names."""

from __future__ import annotations

import dis
import inspect
import types
from collections.abc import Iterator
from functools import cache
from typing import Any

from rxgraph.constants import MISSING
from rxgraph.pregel import Pregel

from ._runnable import hinted, is_runnable


def inner_graph(action: Any) -> Any:
    """Return the first graph that a node may call and whose state can be looked at; ``None`` without one.

    A sequence of Runnables is looked through step by step, a ``RunnableLambda`` as its function. Of a function its
    closure and globals are looked through, and attributes of what is there (``self.graph``,
    ``module.graph``); what other functions do that it calls is not.
    """
    if isinstance(action, Pregel):
        return None if action.checkpointer is False else action
    if is_runnable(action):
        # Of its class: a Runnable that wraps another one passes such names on to it.
        if hasattr(type(action), "steps"):
            return next((graph for step in action.steps if (graph := inner_graph(step)) is not None), None)
        action = hinted(action)
    action = inspect.unwrap(action) if callable(action) else action
    action = getattr(action, "__func__", action)
    if type(action) is not types.FunctionType:
        return None
    for named in _named(action):
        # A method of a graph stands for the graph.
        value = named.__self__ if type(named) is types.MethodType else named
        if isinstance(value, Pregel) and value.checkpointer is not False:
            return value
    return None


def calls_tasks(action: Any) -> bool:
    """Whether the function of a node names a ``@task``; it may call tasks all the same where this says no."""
    if type(action) is not types.FunctionType:
        return False
    return any(getattr(type(value), "calls_as_task", False) for value in _named(action))


def _named(function: types.FunctionType) -> Iterator[Any]:
    """Yield what the names in a function's body, with their attributes, stand for now."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    nonlocals = dict(cells)
    for path in _paths(function.__code__):
        first, *attributes = path
        if first in nonlocals:
            value = _content(nonlocals[first])
        else:
            value = function.__globals__.get(first, MISSING)
        for name in attributes:
            if isinstance(value, Pregel):
                break
            # Not getattr(): a property would run code of the user's at compile time.
            value = inspect.getattr_static(value, name, MISSING)
        yield value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        # A name of the enclosing function that is not bound yet.
        return MISSING


@cache
def _paths(code: types.CodeType) -> tuple[tuple[str, ...], ...]:
    """Return the dotted names that a function loads, those of functions inside it among them."""
    found: dict[tuple[str, ...], None] = {}
    path: list[str] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME"):
            path = [instruction.argval]
            found[tuple(path)] = None
        elif path and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            path.append(instruction.argval)
            found[tuple(path)] = None
        else:
            path = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found.update(dict.fromkeys(_paths(constant)))
    return tuple(found)


__all__ = ("calls_tasks", "inner_graph")
