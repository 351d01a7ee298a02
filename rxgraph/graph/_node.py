"""A node as the builder keeps it, made from whatever the user passed."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from rxgraph.pregel import Pregel
from rxgraph.pregel._body import Body, make_body
from rxgraph.pregel._faults import Retry
from rxgraph.pregel.builder import map_body
from rxgraph.types import CachePolicy, Command, TimeoutPolicy, TracePolicy

from ._runnable import is_runnable, runnable_body

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

NO_ENDS: Final[Mapping[str, str | None]] = types.MappingProxyType({})


class NodeSpec(NamedTuple):
    """A node of a builder.

    Args:
        body: What it runs.
        input_schema: Class of its input; ``None`` means the state.
        defer: Wait until nothing else is left to run.
        metadata: Shown in its events.
        ends: Destinations that it declares, with their labels.
        may_jump: Whether its code seems to use ``Command`` or ``Send``.
        action: What the user passed.
        cache_policy: How its results are cached.
        retry: Whether and when it is tried again.
        timeout: How long an attempt may take.
        handler: What takes over when it has failed.
        trace_policy: What tracers may record of it.
    """

    body: Body
    input_schema: Any = None
    defer: bool = False
    metadata: dict[str, Any] | None = None
    ends: Mapping[str, str | None] = NO_ENDS
    may_jump: bool = False
    action: Any = None
    cache_policy: CachePolicy | None = None
    retry: Retry | None = None
    timeout: TimeoutPolicy | None = None
    handler: Body | None = None
    trace_policy: TracePolicy | None = None


def node_body(name: str, action: Any) -> Body:
    """Make a body out of a callable, a dict of callables, a compiled graph, or a Runnable of LangChain.

    Raises:
        TypeError: *action* is none of them.
    """
    if isinstance(action, Pregel):
        return _graph_body(name, action)
    if isinstance(action, Mapping):
        return map_body(name, {key: node_body(key, part) for key, part in action.items()})
    if is_runnable(action):
        return runnable_body(name, action)
    return make_body(action, name)


def declared_ends(action: Any, destinations: Mapping[str, str] | Sequence[str] | None) -> Mapping[str, str | None]:
    """Return the destinations of a node with their labels: as given, or out of a ``Command[Literal[...]]`` hint."""
    if isinstance(destinations, Mapping):
        return dict(destinations)
    if destinations is not None:
        return dict.fromkeys(destinations)
    if type(action) is types.FunctionType and not hasattr(action, "__wrapped__") and _returns_no_command(action):
        return {}
    try:
        hint = get_type_hints(action).get("return")
    except (TypeError, NameError, AttributeError):
        # No hints, or hints that can't be resolved here, declare nothing.
        return {}
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        if get_origin(option) is Command:
            for argument in get_args(option):
                if get_origin(argument) is Literal:
                    return dict.fromkeys(get_args(argument))
    return {}


def _returns_no_command(function: types.FunctionType) -> bool:
    """Whether a look at the annotation tells, without evaluating it, that it is neither a Command nor a union."""
    written = function.__annotations__.get("return")
    if not isinstance(written, str):
        return get_origin(written) not in (Command, Union, types.UnionType)
    head = written.partition("[")[0].strip()
    named = function.__globals__.get(head, vars(builtins).get(head))
    return "|" not in written and isinstance(named, type) and not issubclass(named, Command)


def may_jump(action: Any) -> bool:
    """Whether a function, or one that it uses, mentions ``Command`` or ``Send``; True for what can't be read."""
    waiting, seen = [_plain(action)], set()
    if type(waiting[0]) is not types.FunctionType:
        return True
    while waiting:
        function = _plain(waiting.pop())
        # By its type: a stand-in among the globals, such as flask.request, may raise when it is asked what it has.
        if id(function) in seen or type(function) is not types.FunctionType:
            continue
        seen.add(id(function))
        names = _names(function.__code__)
        if not names.isdisjoint({"Command", "Send"}):
            return True
        waiting.extend(function.__globals__[name] for name in names if name in function.__globals__)
        waiting.extend(cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell))
    return False


def _plain(function: Any) -> Any:
    """Return the function of a bound method, and anything else as it is."""
    return function.__func__ if type(function) is types.MethodType else function


def _names(code: types.CodeType) -> set[str]:
    """Every name that a code object looks up, functions nested in it included."""
    names = {*code.co_names, *code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        # A name of the enclosing function that is not bound yet.
        return False


def _graph_body(name: str, graph: Pregel[Any, Any, Any, Any]) -> Body:
    """Run a compiled graph as a node: it takes the keys of the state that it knows, and returns its output."""
    keys = graph.input_keys

    def fit(value: Any) -> Any:
        return {key: item for key, item in value.items() if key in keys} if keys and isinstance(value, dict) else value

    async def asynchronous(value: Any, task: Any) -> Any:
        return await graph.ainvoke(fit(value))

    if graph.needs_async:
        return Body(name, None, asynchronous)
    return Body(name, lambda value, task: graph.invoke(fit(value)), asynchronous)


Action: TypeAlias = (
    "Callable[..., Any] | Mapping[str, Callable[..., Any]] | Pregel[Any, Any, Any, Any] | Runnable[Any, Any]"
)
"""What can be a node."""

__all__ = ("Action", "NodeSpec", "declared_ends", "may_jump", "node_body")
