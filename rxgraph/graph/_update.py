"""What a node returns, turned into writes.

The rules are the reference's (runtime 1.5, 5.1); the dict, by far the most frequent answer, is looked at first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

from rxgraph._hints import did_you_mean
from rxgraph.constants import END, PARENT, ROOT, START, TASKS
from rxgraph.errors import ErrorCode, InvalidUpdateError, ParentCommand
from rxgraph.pregel._task import Task
from rxgraph.types import Command, Send
from rxgraph.warnings import UnknownStateKeyWarning, UnknownTargetWarning

from ._schema import annotated_updates, is_annotated_instance

Record = Callable[[Any, Task], None]
Writes = list[tuple[str, Any]]


def edge_channel(node: str) -> str:
    """Name of the channel that triggers a node."""
    return f"branch:to:{node}"


def make_record(
    node: str, keys: Collection[str], targets: Collection[str], following: Sequence[tuple[str, Any]]
) -> Record:
    """Return the function that turns a node's output into writes.

    Args:
        node: Shown in errors.
        keys: State keys that it may write; ``__root__`` alone for a plain state.
        targets: Nodes that a ``Command`` may go to.
        following: Writes that come after every output: the node's static edges.
    """
    # A dict keeps the order in which the schema declares them, for messages; look-ups are as fast as a set's.
    known = dict.fromkeys(keys)
    is_root = ROOT in known

    def record(output: Any, task: Task) -> None:
        writes = task.writes
        if type(output) is dict and not is_root:
            for key, value in output.items():
                if key in known:
                    writes.append((key, value))
                else:
                    _warn_unknown_key(node, key, known)
        elif output is not None:
            # Converted apart, so that a refused output leaves nothing behind.
            converted: Writes = []
            convert(output, converted)
            writes.extend(converted)
        writes.extend(following)

    def convert(output: Any, writes: Writes) -> None:
        if isinstance(output, Command):
            convert_command(output, writes)
        elif isinstance(output, Send):
            writes.append((TASKS, output))
        elif isinstance(output, (list, tuple)) and any(isinstance(item, Command) for item in output):
            for item in output:
                if item is not None:
                    convert(item, writes)
        elif is_root:
            writes.append((ROOT, output))
        elif isinstance(output, dict):
            add(output.items(), writes)
        elif is_annotated_instance(output):
            writes.extend((key, value) for key, value in annotated_updates(output) if key in known)
        else:
            raise _no_update(node, output)

    def convert_command(command: Command[Any], writes: Writes) -> None:
        if command.graph == PARENT:
            raise ParentCommand(command)
        add(_update_pairs(command.update, known), writes)
        writes.extend(goto_writes(command.goto, node, targets))

    def add(pairs: Any, writes: Writes) -> None:
        for key, value in pairs:
            if key in known:
                writes.append((key, value))
            else:
                _warn_unknown_key(node, key, known)

    return record


def make_command_writes(
    keys: Collection[str], targets: Collection[str]
) -> Callable[[Command[Any]], Sequence[tuple[str, Any]]]:
    """Return the function that turns a ``Command`` given to a saved thread into writes."""
    known = dict.fromkeys(keys)

    def command_writes(command: Command[Any]) -> Sequence[tuple[str, Any]]:
        # The value says who triggered the node, as the rows of the reference do.
        writes = [
            write if write[0] == TASKS else (write[0], START) for write in goto_writes(command.goto, START, targets)
        ]
        for key, value in _update_pairs(command.update, known):
            if key in known:
                writes.append((key, value))
            else:
                _warn_unknown_key(START, key, known)
        return writes

    return command_writes


def _update_pairs(update: Any, known: Collection[str]) -> list[tuple[str, Any]]:
    """Read the ``update`` of a command."""
    if update is None:
        return []
    if isinstance(update, dict):
        return list(update.items())
    if isinstance(update, (list, tuple)) and all(_is_pair(item) for item in update):
        return list(update)
    if is_annotated_instance(update):
        return [(key, value) for key, value in annotated_updates(update) if key in known]
    return [(ROOT, update)]


def goto_writes(goto: Any, node: str, targets: Collection[str]) -> Writes:
    """Turn destinations into writes: names trigger once however often they stand there, each ``Send`` counts.

    Raises:
        TypeError: *goto* is neither a name, nor a ``Send``, nor a sequence of them.
    """
    if isinstance(goto, (str, Send)):
        goto = (goto,)
    writes: Writes = []
    named: set[str] = set()
    for destination in goto:
        if isinstance(destination, Send):
            writes.append((TASKS, destination))
        elif destination == END or destination in named:
            continue
        elif destination in targets:
            named.add(destination)
            writes.append((edge_channel(destination), None))
        else:
            warn_unknown_target(node, destination, targets)
    return writes


def warn_unknown_target(node: str, destination: Any, targets: Collection[str]) -> None:
    """Say that a destination does not exist; the branch ends there."""
    warnings.warn(
        f"Node {node!r} went to unknown node {destination!r}; nothing was scheduled."
        + did_you_mean(destination, (t for t in targets if t != START)),
        UnknownTargetWarning,
        stacklevel=2,
    )


def _no_update(node: str, output: Any) -> InvalidUpdateError:
    if node == START:
        return InvalidUpdateError(
            f"The input of the graph is no update of its state: Expected dict, got {output!r}. Pass a dict of input "
            "keys, or an instance of the input class."
        )
    return InvalidUpdateError(
        f"Node {node!r} returned something that is no update: Expected dict, got {output!r}. Return a dict of state "
        f"keys, a Command, a Send, an instance of an annotated class, or None. "
        f"[{ErrorCode.INVALID_GRAPH_NODE_RETURN_VALUE.value}]"
    )


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def _warn_unknown_key(node: str, key: Any, known: Collection[str]) -> None:
    whose = "The input" if node == START else f"Node {node!r}"
    warnings.warn(
        f"{whose} has an update for unknown state key {key!r}; the value was dropped." + did_you_mean(key, known),
        UnknownStateKeyWarning,
        stacklevel=2,
    )


__all__ = ("edge_channel", "goto_writes", "make_command_writes", "make_record", "warn_unknown_target")
