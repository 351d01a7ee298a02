"""A user's callable, made ready once at compile time.

A body has a synchronous face, an asynchronous one, or both. Generators are consumed here, so a lane sees only calls
and awaits. Parameters that the runtime fills in are found once, by name and annotation.
"""

from __future__ import annotations

import inspect
import types
import warnings
from collections.abc import Awaitable, Callable, Collection
from functools import cache, partial
from typing import Any, Final, Union, get_args, get_origin

from rxgraph._annotations import annotated_keys
from rxgraph._writer import READY
from rxgraph.constants import MISSING
from rxgraph.errors import LaneError
from rxgraph.types import Emit

SyncFace = Callable[[Any, Any], Any]
AsyncFace = Callable[[Any, Any], Awaitable[Any]]

INJECTED: Final[dict[str, Callable[[Any], Any]]] = {
    "config": lambda task: task.config,
    "writer": lambda task: task.writer,
    "store": lambda task: task.store,
    "previous": lambda task: task.previous,
    "runtime": lambda task: task.runtime,
    "error": lambda task: task.failure,
}
"""How the value of each injected parameter is found on the task."""

ANNOTATIONS: Final[dict[str, tuple[str, ...]]] = {
    "config": ("", "RunnableConfig"),
    "writer": ("", "StreamWriter"),
    "store": ("", "BaseStore"),
    "error": ("NodeError",),
}
"""Annotations under which a parameter of that name is ours to fill; the other names are ours under any."""


class Body:
    """A callable with its parameters bound to what a task provides.

    Args:
        name: Shown in errors.
        sync: ``(value, task) -> result``, or ``None`` if it can only run in the async lane.
        asynchronous: ``(value, task) -> awaitable``, or ``None``: the async lane runs ``sync`` on a thread.
        hint: Class that annotates the first parameter, if any.
    """

    __slots__ = ("asynchronous", "hint", "name", "sync")

    def __init__(
        self, name: str, sync: SyncFace | None, asynchronous: AsyncFace | None = None, hint: type | None = None
    ) -> None:
        self.name, self.sync, self.asynchronous, self.hint = name, sync, asynchronous, hint

    @property
    def is_async(self) -> bool:
        """Whether only the async lane can run it."""
        return self.sync is None

    def run(self, value: Any, task: Any) -> Any:
        """Run the synchronous face.

        Raises:
            LaneError: There is none.
        """
        if self.sync is None:
            raise async_in_sync_lane(self.name)
        return self.sync(value, task)


def async_in_sync_lane(name: str) -> LaneError:
    """Build the error for an async callable under ``invoke`` or ``stream``."""
    return LaneError(
        f"Node {name!r} is async and the sync lane can't run it: No synchronous function provided to {name!r}. "
        "Use: await graph.ainvoke(...) or async for ... in graph.astream(...)."
    )


def callable_name(fn: Any) -> str:
    """Return the name under which a callable is registered: its ``__name__``, or that of its class."""
    if isinstance(fn, partial):
        return "partial"
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def make_body(fn: Callable[..., Any], name: str | None = None) -> Body:
    """Prepare a function, method, partial, callable object, generator or coroutine function.

    Raises:
        TypeError: *fn* can't be called.
    """
    if not callable(fn):
        raise TypeError(f"Expected a Runnable, callable or dict as a node, got {type(fn).__name__}: {fn!r}.")
    name = name or callable_name(fn)
    target = _undecorated(fn)
    call = _bind(fn, target)
    # The first parameter of a partial's function may be one that is bound already.
    hint = None if isinstance(fn, partial) else first_parameter_hint(target)
    if inspect.isasyncgenfunction(target):
        return Body(name, None, partial(_consume_async, call), hint)
    if inspect.iscoroutinefunction(target):
        return Body(name, None, call, hint)
    if inspect.isgeneratorfunction(target):
        return Body(name, partial(_consume, call), None, hint)
    return Body(name, call, None, hint)


def first_parameter_hint(target: Callable[..., Any]) -> type | None:
    """Return the class that annotates the first parameter, if it is a class with annotations of its own."""
    if not getattr(target, "__annotations__", True):
        return None
    try:
        parameters = _plain_parameters(target) or list(inspect.signature(target).parameters)
        hint = target.__annotations__.get(parameters[0]) if type(target) is types.FunctionType and parameters else None
        if not isinstance(hint, type):
            hint = inspect.get_annotations(target, eval_str=True).get(parameters[0]) if parameters else None
    except (TypeError, ValueError, NameError, AttributeError, SyntaxError):
        # Without a readable signature or a resolvable name the node simply gets the whole state.
        return None
    return hint if isinstance(hint, type) and annotated_keys(hint) else None


def is_async_callable(fn: Any) -> bool:
    """Whether calling a function, or an object, gives something to await."""
    return inspect.iscoroutinefunction(_undecorated(fn))


def injected(fn: Callable[..., Any], given: Collection[str], task: Any) -> dict[str, Any]:
    """Return the arguments that the runtime adds to a call of *fn* with these keyword arguments."""
    names = _injectable(fn)
    return {name: INJECTED[name](task) for name in names if name not in given} if names else {}


@cache
def _injectable(fn: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return ()
    keywords = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in parameters if p.kind in keywords and p.name in INJECTED and _annotated_as_ours(p))


def _undecorated(fn: Any) -> Any:
    """Return the function whose signature and kind count: below partials, and ``__call__`` of an object."""
    while isinstance(fn, partial):
        fn = fn.func
    if not (inspect.isfunction(fn) or inspect.ismethod(fn) or inspect.isbuiltin(fn) or inspect.isclass(fn)):
        return getattr(fn, "__call__", fn)  # noqa: B004  # the bound method is wanted, not a test
    return fn


def _bind(fn: Callable[..., Any], target: Any) -> SyncFace:
    wanted = tuple((name, INJECTED[name]) for name in _injected_names(fn, target))
    if not wanted:
        return lambda value, task: fn(value)
    return lambda value, task: fn(value, **{name: find(task) for name, find in wanted})


def _plain_parameters(fn: Any) -> tuple[str, ...]:
    """Return the parameters of a plain function with a first one, as its code names them; else nothing.

    A signature takes ten times as long, and most nodes are plain functions of a state.
    """
    if type(fn) is not types.FunctionType or hasattr(fn, "__wrapped__") or hasattr(fn, "__signature__"):
        return ()
    code = fn.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code.co_argcount else ()


def _injected_names(fn: Callable[..., Any], target: Any) -> list[str]:
    if (names := _plain_parameters(fn)) and INJECTED.keys().isdisjoint(names[1:]):
        return []
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        # Some builtins have no signature; they take the state and nothing else.
        return []
    found = []
    for parameter in parameters[1:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            continue
        if parameter.name in INJECTED and _annotated_as_ours(parameter):
            found.append(parameter.name)
    return found


def _annotated_as_ours(parameter: inspect.Parameter) -> bool:
    allowed = ANNOTATIONS.get(parameter.name)
    if allowed is None:
        return True
    text = _annotation_text(parameter.annotation)
    if text in allowed:
        return True
    if parameter.name == "config":
        warnings.warn(
            f"Parameter 'config' is annotated {parameter.annotation!r} and is not filled in: "
            "annotate it as RunnableConfig, or leave the annotation out.",
            UserWarning,
            stacklevel=2,
        )
    return False


def _annotation_text(annotation: Any) -> str:
    """Return the bare name of a class, also inside ``Optional`` and when the annotation is a string."""
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        text = annotation.strip().removesuffix("| None").removeprefix("None |").strip()
        if text.startswith(("Optional[", "typing.Optional[")) and text.endswith("]"):
            text = text[text.index("[") + 1 : -1]
        return text.rsplit(".", 1)[-1]
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _annotation_text(members[0]) if len(members) == 1 else repr(annotation)
    return getattr(annotation, "__name__", None) or repr(annotation)


def _consume(call: SyncFace, value: Any, task: Any) -> Any:
    total: Any = MISSING
    for chunk in call(value, task):
        if type(chunk) is Emit:
            task.writer(chunk.value)
        else:
            total = _add(total, chunk)
    return None if total is MISSING else total


async def _consume_async(call: SyncFace, value: Any, task: Any) -> Any:
    total: Any = MISSING
    chunks, writer = call(value, task), task.writer
    try:
        async for chunk in chunks:
            if type(chunk) is Emit:
                if (room := writer(chunk.value)) is not READY:
                    await room
            else:
                total = _add(total, chunk)
    finally:
        await chunks.aclose()
    return None if total is MISSING else total


def _add(total: Any, chunk: Any) -> Any:
    """Sum chunks where they can be summed; otherwise the last one stands."""
    if total is MISSING:
        return chunk
    try:
        return total + chunk
    except TypeError:
        return chunk


__all__ = ("Body", "async_in_sync_lane", "callable_name", "first_parameter_hint", "make_body")
