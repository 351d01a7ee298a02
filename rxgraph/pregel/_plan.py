"""The static plan of a graph, computed once at compile time.

Everything that a superstep would otherwise look up is here: which nodes a channel triggers, what a node reads, which
channels can fade or finish. A run creates a channel when it is first touched, so a run of a 1,000-node graph that
takes ten steps makes ten trigger channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from rxgraph.channels.base import BaseChannel
from rxgraph.channels.delta import DeltaChannel
from rxgraph.channels.untracked_value import UntrackedValue
from rxgraph.constants import MISSING
from rxgraph.managed.base import ManagedValue
from rxgraph.types import TimeoutPolicy, TracePolicy

from ._body import Body
from ._recall import Caching

if TYPE_CHECKING:
    from ._faults import Retry
    from ._task import Task


class Router(NamedTuple):
    """A conditional edge, seen from the engine: it runs inside its source's task, after the task's own writes.

    Args:
        body: The path function.
        read: ``(task, output) -> what the path sees``.
        write: ``(path's answer, task) -> None``, adds the writes that follow from the answer.
    """

    body: Body
    read: Callable[[Task, Any], Any]
    write: Callable[[Any, Task], None]


class Node(NamedTuple):
    """One node of a plan.

    Args:
        name: Its name.
        body: What it runs.
        triggers: Channels that make it run, sorted.
        reads: Channels of its input; a name gives the bare value, a tuple a dict.
        record: ``(output, task) -> None``, turns what the body returned into writes.
        managed: Managed values of its input.
        mapper: Makes the user's class out of the dict.
        routers: Its conditional edges.
        metadata: Shown in its tasks' config and events.
        tags: Added to its tasks' tags.
        hidden: Without events.
        caching: How its results are cached.
        inner: The graph that it is, or calls.
        retry: Whether and when it is tried again.
        timeout: How long an attempt may take, in seconds.
        handler: The node that takes over when it has failed.
        calls: Whether it is known to call tasks, whose ends somebody has to take in while it runs.
        trace_policy: What tracers may record of it.
    """

    name: str
    body: Body
    triggers: tuple[str, ...]
    reads: str | tuple[str, ...]
    record: Callable[[Any, Task], None]
    managed: tuple[tuple[str, type[ManagedValue[Any]]], ...] = ()
    mapper: Callable[[dict[str, Any]], Any] | None = None
    routers: tuple[Router, ...] = ()
    metadata: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    hidden: bool = False
    caching: Caching | None = None
    inner: Any = None
    retry: Retry | None = None
    timeout: TimeoutPolicy | None = None
    handler: str | None = None
    calls: bool = False
    trace_policy: TracePolicy | None = None

    @property
    def is_async(self) -> bool:
        """Whether only the async lane can run it."""
        return self.body.is_async or any(router.body.is_async for router in self.routers)


def no_command_writes(command: Any) -> Sequence[tuple[str, Any]]:
    """Be the ``command_writes`` of a plan whose graph has no states to update or nodes to go to."""
    return ()


@dataclass(frozen=True, eq=False)
class Plan:
    """A compiled graph without its run.

    Args:
        name: Of the graph.
        nodes: By name.
        channels: A prototype for each channel.
        input_channels: Where the input goes: one channel, or the keys of a dict.
        output_channels: What ``invoke`` returns.
        stream_channels: What streams show unless told otherwise.
        input_keys: Keys that an input dict may have.
        command_writes: Turns a ``Command`` from outside into writes.
        certain: Nodes that run in every run that does not fail, in the order of their discovery.
    """

    name: str
    nodes: Mapping[str, Node]
    channels: Mapping[str, BaseChannel[Any, Any, Any]]
    input_channels: str | Sequence[str]
    output_channels: str | Sequence[str]
    stream_channels: str | Sequence[str]
    input_keys: tuple[str, ...] = ()
    certain: tuple[str, ...] = ()
    command_writes: Callable[[Any], Sequence[tuple[str, Any]]] = no_command_writes

    @cached_property
    def stream_keys(self) -> str | tuple[str, ...]:
        """The stream channels, ready to be read."""
        return self.stream_channels if isinstance(self.stream_channels, str) else tuple(self.stream_channels)

    @cached_property
    def triggered_by(self) -> dict[str, tuple[Node, ...]]:
        """Channel -> nodes that it triggers, by name."""
        found: dict[str, list[Node]] = {}
        for name in sorted(self.nodes):
            for channel in self.nodes[name].triggers:
                found.setdefault(channel, []).append(self.nodes[name])
        return {channel: tuple(nodes) for channel, nodes in found.items()}

    @cached_property
    def triggering(self) -> frozenset[str]:
        """Channels that trigger some node."""
        return frozenset(self.triggered_by)

    @cached_property
    def fading_from_birth(self) -> tuple[str, ...]:
        """Channels that hold a value before anything was written, and that an empty update may clear."""
        fresh = ((name, channel.from_checkpoint(MISSING)) for name, channel in self.channels.items() if channel.fades)
        return tuple(name for name, channel in fresh if channel.is_available())

    @cached_property
    def consumed(self) -> frozenset[str]:
        """Trigger channels that do something when they are read."""
        return frozenset(
            name
            for name in self.triggered_by
            if name in self.channels and type(self.channels[name]).consume is not BaseChannel.consume
        )

    @cached_property
    def finishing(self) -> tuple[str, ...]:
        """Channels that do something when the graph would otherwise stop."""
        return tuple(n for n, channel in self.channels.items() if type(channel).finish is not BaseChannel.finish)

    @cached_property
    def async_nodes(self) -> frozenset[str]:
        """Nodes that only the async lane can run."""
        return frozenset(name for name, node in self.nodes.items() if node.is_async)

    @cached_property
    def caches(self) -> bool:
        """Whether some node's results are cached."""
        return any(node.caching is not None for node in self.nodes.values())

    @cached_property
    def deltas(self) -> tuple[str, ...]:
        """Channels that are saved as their writes."""
        return tuple(name for name, channel in self.channels.items() if isinstance(channel, DeltaChannel))

    @cached_property
    def untracked(self) -> frozenset[str]:
        """Channels that no saver hears of."""
        return frozenset(name for name, channel in self.channels.items() if isinstance(channel, UntrackedValue))

    @cached_property
    def settled(self) -> frozenset[str]:
        """Channels whose value at the end equals the value after their last change."""
        return frozenset(name for name, channel in self.channels.items() if channel.settles)


__all__ = ("Node", "Plan", "Router")
