"""Conditional edges: a path function that looks at the state and says where to go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

from rxgraph._hints import did_you_mean
from rxgraph.channels.base import BaseChannel
from rxgraph.constants import END, START
from rxgraph.errors import InvalidUpdateError
from rxgraph.pregel._body import Body, make_body
from rxgraph.pregel._plan import Router
from rxgraph.pregel._task import Task
from rxgraph.types import Send

from ._runnable import hinted, is_runnable, runnable_body
from ._schema import Schema
from ._update import edge_channel, goto_writes, warn_unknown_target

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

Channel = BaseChannel[Any, Any, Any]


class Branch(NamedTuple):
    """One conditional edge as the builder keeps it.

    Args:
        name: Of the path function.
        body: The path function, made ready.
        ends: Answer -> node; ``None`` if the answers are the nodes.
    """

    name: str
    body: Body
    ends: dict[Hashable, str] | None


def path_body(name: str, path: Any) -> Body:
    """Make a body out of a path: a callable, or a Runnable of LangChain."""
    return runnable_body(name, path) if is_runnable(path) else make_body(path, name)


def path_name(path: Any) -> str:
    """Return the name of a branch: that of its path, or ``"condition"``."""
    name = getattr(path, "name" if is_runnable(path) else "__name__", None)
    return name if isinstance(name, str) and name else "condition"


def read_ends(path: Path, path_map: Mapping[Hashable, str] | Sequence[str] | None) -> dict[Hashable, str] | None:
    """Return the map of a branch: as given, a list as identity, or out of a ``Literal[...]`` return hint."""
    if isinstance(path_map, Mapping):
        return dict(path_map)
    if path_map is not None:
        return {name: name for name in path_map}
    try:
        hint = get_type_hints(hinted(path)).get("return")
    except (TypeError, NameError, AttributeError):
        # No hints, or hints that can't be resolved here, tell nothing about the answers.
        return None
    if get_origin(hint) is Literal:
        return {name: name for name in get_args(hint)}
    return None


def make_router(branch: Branch, source: str, schema: Schema, targets: Collection[str]) -> Router:
    """Return a branch as the engine runs it."""
    return Router(branch.body, _make_read(branch, schema), _make_write(branch, source, targets))


def _make_read(branch: Branch, schema: Schema) -> Callable[[Task, Any], Any]:
    reads, mapper, managed = schema.reads, schema.mapper, tuple(schema.managed.items())

    def read(task: Task, output: Any) -> Any:
        if isinstance(reads, str):
            channel = task.state.channels[reads]
            written = _own_writes(task).get(reads)
            channel = _updated(channel, written) if written else channel
            return channel.get() if channel.is_available() else None
        values: dict[str, Any] = {}
        if type(output) is dict and branch.body.hint is None:
            values.update(output)
        own = _own_writes(task)
        channels = task.state.channels
        for key in reads:
            channel = channels[key]
            if key in own:
                channel = _updated(channel, own[key])
            if channel.is_available():
                values[key] = channel.get()
        for key, manager in managed:
            values[key] = manager.get(task.state)
        return mapper(values) if mapper is not None else values

    return read


def _own_writes(task: Task) -> dict[str, list[Any]]:
    """Group what a task has written; the path sees it, and not what siblings write."""
    own: dict[str, list[Any]] = {}
    for key, value in task.writes:
        own.setdefault(key, []).append(value)
    return own


def _updated(channel: Channel, values: list[Any]) -> Channel:
    copy = channel.copy()
    copy.update(values)
    return copy


def _make_write(branch: Branch, source: str, targets: Collection[str]) -> Callable[[Any, Task], None]:
    ends = branch.ends

    def write(answer: Any, task: Task) -> None:
        if ends is None and type(answer) is str and answer in targets:
            task.writes.append((edge_channel(answer), None))
            return
        answers = answer if isinstance(answer, (list, tuple)) else (answer,)
        destinations = [_look_up(one, ends, branch.name, source) for one in answers]
        for destination in destinations:
            if destination is None or destination == START:
                raise ValueError(
                    f"Branch {branch.name!r} of node {source!r} did not return a valid destination: got "
                    f"{destination!r}. Return the name of a node, END, a Send, or a list of them."
                )
            if isinstance(destination, Send) and destination.node == END:
                raise InvalidUpdateError(
                    f"Branch {branch.name!r} of node {source!r} addressed a Send to {END!r}: Cannot send a packet "
                    "to the END node. Return END to end there, or leave the packet out."
                )
        for destination in destinations:
            if isinstance(destination, Send):
                task.writes.extend(goto_writes(destination, source, targets))
            elif destination == END:
                continue
            elif destination in targets:
                task.writes.append((edge_channel(destination), None))
            else:
                warn_unknown_target(source, destination, targets)

    return write


def _look_up(answer: Any, ends: dict[Hashable, str] | None, name: str, source: str) -> Any:
    if ends is None or isinstance(answer, Send):
        return answer
    try:
        return ends[answer]
    except KeyError:
        raise KeyError(
            f"Branch {name!r} of node {source!r} answered {answer!r}, which its path map does not have."
            + did_you_mean(answer, (str(key) for key in ends))
        ) from None


Path: TypeAlias = "Callable[..., Any] | Runnable[Any, Any]"
"""What can be the path of conditional edges."""

__all__ = ("Branch", "Path", "make_router", "path_body", "path_name", "read_ends")
