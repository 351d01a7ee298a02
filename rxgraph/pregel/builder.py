"""Graphs that are put together by hand: nodes that name the channels they read and write.

``NodeBuilder`` says it, :func:`raw_plan` checks it and makes the plan. Nothing is added but the channel of packets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from rxgraph._composing import Composable, loaded_runnable
from rxgraph._hints import did_you_mean
from rxgraph.channels.base import BaseChannel
from rxgraph.channels.topic import Topic
from rxgraph.constants import RESERVED, TASKS
from rxgraph.managed.base import ManagedValue, is_managed_value
from rxgraph.types import CachePolicy, RetryPolicy, Send, TimeoutPolicy

from ._body import Body, callable_name, make_body
from ._faults import Retry
from ._plan import Node, Plan
from ._recall import Caching
from ._task import Task

Keys = str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PregelNode:
    """A node that is ready to be put into a graph; ``NodeBuilder.build`` makes it.

    Args:
        triggers: Channels that make it run.
        channels: What it reads: a name for the bare value, a list for a dict of those that have a value.
        steps: What it runs, each on the result of the one before.
        writers: Channels that it writes, with what goes there: ``None`` for the result, or ``(value or function,)``.
        tags: Added to its tasks' tags.
        metadata: Shown in its tasks' config and events.
        retry_policy: When it is tried again.
        cache_policy: How its results are cached.
        timeout: How long an attempt may take.
    """

    triggers: tuple[str, ...] = ()
    channels: str | tuple[str, ...] = ()
    steps: tuple[Any, ...] = ()
    writers: tuple[tuple[str, tuple[Any, ...] | None], ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    retry_policy: tuple[RetryPolicy, ...] = ()
    cache_policy: CachePolicy | None = None
    timeout: TimeoutPolicy | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of what it reads."""
        return (self.channels,) if isinstance(self.channels, str) else self.channels


class NodeBuilder:
    """Says step by step which channels a node reads, what it does, and which channels it writes.

    Example:
        >>> from rxgraph.channels import EphemeralValue, LastValue
        >>> from rxgraph.pregel import NodeBuilder, Pregel
        >>> node = NodeBuilder().subscribe_only("i").do(lambda x: x + 1).write_to("o")
        >>> channels = {"i": EphemeralValue(int), "o": LastValue(int)}
        >>> Pregel(nodes={"one": node}, channels=channels, input_channels="i", output_channels="o").invoke(1)
        2
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made = PregelNode()

    def subscribe_only(self, channel: str) -> Self:
        """Run when *channel* changes, on its bare value.

        Raises:
            ValueError: The node reads other channels already.
        """
        if self._made.channels:
            raise ValueError(
                f"subscribe_only({channel!r}) needs a node that reads nothing else, got one that reads "
                f"{list(self._made.reads)}. Use subscribe_to(...) for several channels, which gives a dict."
            )
        return self._change(channels=channel, triggers=(*self._made.triggers, channel))

    def subscribe_to(self, *channels: str, read: bool = True) -> Self:
        """Run when one of *channels* changes; with *read*, on a dict of their values.

        Raises:
            ValueError: The node gets the bare value of one channel.
        """
        self._check_several("subscribe_to", channels, ValueError)
        triggers = tuple(dict.fromkeys((*self._made.triggers, *channels)))
        return self._change(triggers=triggers, channels=self._with(channels) if read else self._made.channels)

    def read_from(self, *channels: str) -> Self:
        """Also read *channels*, without running when they change.

        Raises:
            AssertionError: The node gets the bare value of one channel.
        """
        self._check_several("read_from", channels, AssertionError)
        return self._change(channels=self._with(channels))

    def do(self, node: Any) -> Self:
        """Run *node*, a function, a compiled graph or a Runnable of LangChain, after what is there already.

        Raises:
            TypeError: It can't be run.
        """
        _step(callable_name(node), node)
        return self._change(steps=(*self._made.steps, node))

    def write_to(self, *channels: str, **values: Any) -> Self:
        """Write the result to *channels*, and to the channels of *values* those, or what functions make of the result.

        ``None`` is a value like any other.
        """
        named = tuple((name, None) for name in channels)
        return self._change(writers=(*self._made.writers, *named, *((name, (v,)) for name, v in values.items())))

    def meta(self, *tags: str, **metadata: Any) -> Self:
        """Add tags and metadata."""
        made = self._made
        return self._change(tags=(*made.tags, *tags), metadata={**made.metadata, **metadata})

    def add_retry_policies(self, *policies: RetryPolicy) -> Self:
        """Try the node again after errors that one of *policies* is for; the first that fits counts."""
        return self._change(retry_policy=(*self._made.retry_policy, *policies))

    def add_cache_policy(self, policy: CachePolicy) -> Self:
        """Cache the node's results."""
        return self._change(cache_policy=policy)

    def set_timeout(self, timeout: float | timedelta | TimeoutPolicy | None) -> Self:
        """Limit the time of an attempt of an async node: seconds, or a policy."""
        return self._change(timeout=TimeoutPolicy.coerce(timeout))

    def build(self) -> PregelNode:
        """Return the node as it stands; what is added later is not in it."""
        return self._made

    def _change(self, **changes: Any) -> Self:
        self._made = replace(self._made, **changes)
        return self

    def _with(self, channels: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._made.channels, *channels)))

    def _check_several(self, method: str, channels: Sequence[str], error: type[Exception]) -> None:
        if isinstance(self._made.channels, str):
            names = ", ".join(map(repr, channels))
            raise error(
                f"{method}({names}) needs a node that gets a dict, got one that gets the bare value of "
                f"{self._made.channels!r}. Use subscribe_to({self._made.channels!r}) instead of subscribe_only(...)."
            )

    def __repr__(self) -> str:
        made = self._made
        return f"<NodeBuilder {list(made.triggers)} -> {[name for name, _ in made.writers]} | {len(made.steps)} steps>"


@dataclass(frozen=True, kw_only=True)
class RawGraph:
    """What a graph is put together of by hand; the arguments of ``Pregel`` that its plan depends on."""

    name: str
    nodes: Mapping[str, PregelNode | NodeBuilder]
    channels: Mapping[str, Any]
    input_channels: Keys
    output_channels: Keys
    stream_channels: Keys | None = None
    retry_policy: RetryPolicy | Sequence[RetryPolicy] = ()
    cache_policy: CachePolicy | None = None
    handlers: Mapping[str, str] = field(default_factory=dict)

    def built(self) -> dict[str, PregelNode]:
        """Return the nodes as they stand.

        Raises:
            TypeError: Something that is no node.
        """
        found: dict[str, PregelNode] = {}
        for name, node in self.nodes.items():
            if not isinstance(node, PregelNode | NodeBuilder):
                raise TypeError(
                    f"Node {name!r} of graph {self.name!r} must be a NodeBuilder or what its build() returns, got "
                    f"{node!r}. Write NodeBuilder().subscribe_only(channel).do(...).write_to(channel)."
                )
            found[name] = node.build() if isinstance(node, NodeBuilder) else node
        return found


def check_raw(graph: RawGraph, breakpoints: Sequence[Keys] = ()) -> None:
    """Check that nodes, channels and breakpoints of a graph fit together.

    Raises:
        ValueError: An unknown channel or node, a reserved name, or an input that no node is triggered by.
    """
    nodes = graph.built()
    known = graph.channels
    if TASKS in known and not isinstance(known[TASKS], Topic):
        raise ValueError(f"Channel {TASKS!r} is reserved by the runtime. Rename it.")
    for name, node in nodes.items():
        if name in RESERVED - {TASKS}:
            raise ValueError(f"Node name {name!r} is reserved by the runtime. Rename it.")
        for channel in dict.fromkeys((*node.triggers, *node.reads)):
            _check_channel(f"Node {name!r} reads", channel, known)
    for channel in _names(graph.input_channels):
        _check_channel("The input goes to", channel, known)
    triggers = {channel for node in nodes.values() for channel in node.triggers}
    if triggers.isdisjoint(_names(graph.input_channels)):
        raise ValueError(
            f"Input channel {graph.input_channels!r} of graph {graph.name!r} is not subscribed to by any node, so that "
            f"no run would do anything: expected one of {sorted(triggers)}."
        )
    for channel in (*_names(graph.output_channels), *_names(graph.stream_channels or ())):
        _check_channel("The output is read from", channel, known)
    for points in breakpoints:
        for name in () if points == "*" else points:
            if name not in nodes:
                raise ValueError(f"Breakpoint {name!r} is no node of graph {graph.name!r}." + did_you_mean(name, nodes))
    for failing, handler in graph.handlers.items():
        for name in (failing, handler):
            if name not in nodes:
                raise ValueError(f"node_error_handler_map names {name!r}, no node." + did_you_mean(name, nodes))


def raw_plan(graph: RawGraph) -> Plan:
    """Compute the plan of a graph that was put together by hand."""
    channels = {name: _keyed(name, value) for name, value in graph.channels.items() if not is_managed_value(value)}
    managed = {name: value for name, value in graph.channels.items() if is_managed_value(value)}
    shown = tuple(name for name in channels if name != TASKS)
    channels.setdefault(TASKS, _keyed(TASKS, Topic(Send, False)))
    return Plan(
        name=graph.name,
        nodes={name: _node(name, node, managed, graph) for name, node in graph.built().items()},
        channels=channels,
        input_channels=graph.input_channels,
        output_channels=graph.output_channels,
        stream_channels=shown if graph.stream_channels is None else graph.stream_channels,
        input_keys=() if isinstance(graph.input_channels, str) else tuple(graph.input_channels),
    )


def _node(name: str, node: PregelNode, managed: Mapping[str, type[ManagedValue[Any]]], graph: RawGraph) -> Node:
    body = _body(name, node.steps)
    if node.timeout is not None and body.asynchronous is None:
        raise ValueError(
            f"Node {name!r} is sync and has a timeout, which is only for async nodes: Python can't stop a function "
            "that runs on a thread. Make it async, or leave the timeout out."
        )
    policy = node.cache_policy or graph.cache_policy
    reads = node.channels
    return Node(
        name=name,
        body=body,
        triggers=tuple(sorted(node.triggers)),
        reads=reads if isinstance(reads, str) else tuple(one for one in reads if one not in managed),
        managed=tuple((one, managed[one]) for one in node.reads if one in managed),
        record=_record(name, node.writers),
        metadata=dict(node.metadata) or None,
        tags=node.tags,
        caching=None if policy is None else Caching.of(name, node.steps[0] if node.steps else None, policy),
        inner=next((step for step in node.steps if isinstance(step, Composable)), None),
        retry=Retry.of(name, node.retry_policy or graph.retry_policy),
        timeout=node.timeout,
        handler=graph.handlers.get(name),
    )


def _body(name: str, steps: Sequence[Any]) -> Body:
    bodies = [_step(name, step) for step in steps]
    if not bodies:
        return Body(name, lambda value, task: value)
    if len(bodies) == 1:
        return bodies[0]

    def sync(value: Any, task: Any) -> Any:
        for body in bodies:
            value = body.run(value, task)
        return value

    async def asynchronous(value: Any, task: Any) -> Any:
        for body in bodies:
            if body.asynchronous is not None:
                value = await body.asynchronous(value, task)
            else:
                value = await asyncio.to_thread(body.run, value, task)
        return value

    needs_loop = any(body.is_async for body in bodies)
    has_async = any(body.asynchronous is not None for body in bodies)
    return Body(name, None if needs_loop else sync, asynchronous if has_async else None)


def _step(name: str, action: Any) -> Body:
    """Make a body of one step; graphs and Runnables are invoked, the parts of a dict are run side by side."""
    if isinstance(action, Mapping):
        return map_body(name, {key: _step(key, part) for key, part in action.items()})
    runnable = loaded_runnable()
    if isinstance(action, Composable):
        graph: Any = action

        async def graph_async(value: Any, task: Any) -> Any:
            return await graph.ainvoke(value)

        return Body(name, None if graph.needs_async else lambda value, task: graph.invoke(value), graph_async)
    if runnable is not None and isinstance(action, runnable):
        chain: Any = action

        async def chain_async(value: Any, task: Any) -> Any:
            return await chain.ainvoke(value, task.config)

        return Body(name, lambda value, task: chain.invoke(value, task.config), chain_async)
    return make_body(action, name)


def _record(name: str, writers: Sequence[tuple[str, tuple[Any, ...] | None]]) -> Callable[[Any, Task], None]:
    for channel, _ in writers:
        if not isinstance(channel, str):
            raise TypeError(f"Node {name!r} writes to {channel!r}; expected the name of a channel.")

    def record(output: Any, task: Task) -> None:
        for channel, given in writers:
            if given is None:
                task.writes.append((channel, output))
            else:
                task.writes.append((channel, given[0](output) if callable(given[0]) else given[0]))

    return record


def _names(keys: Keys) -> Sequence[str]:
    return (keys,) if isinstance(keys, str) else keys


def _check_channel(what: str, channel: str, known: Mapping[str, Any]) -> None:
    if channel not in known:
        raise ValueError(
            f"{what} channel {channel!r}, which is not among the channels {list(known)}." + did_you_mean(channel, known)
        )


def map_body(name: str, bodies: dict[str, Body]) -> Body:
    """Run several callables on one input; the results are the update, key by key."""

    async def asynchronous(value: Any, task: Any) -> dict[str, Any]:
        async def one(body: Body) -> Any:
            if body.asynchronous is not None:
                return await body.asynchronous(value, task)
            return await asyncio.to_thread(body.run, value, task)

        results = await asyncio.gather(*(one(body) for body in bodies.values()))
        return dict(zip(bodies, results, strict=True))

    def sync(value: Any, task: Any) -> dict[str, Any]:
        return {key: body.run(value, task) for key, body in bodies.items()}

    needs_loop = any(body.is_async for body in bodies.values())
    return Body(name, None if needs_loop else sync, asynchronous)


def _keyed(name: str, channel: BaseChannel[Any, Any, Any]) -> BaseChannel[Any, Any, Any]:
    if not isinstance(channel, BaseChannel):
        raise ValueError(
            f"Channel {name!r} needs a prototype, e.g. LastValue(int), or a class of managed values, got {channel!r}."
        )
    channel.key = name
    return channel


__all__ = ("NodeBuilder", "PregelNode", "RawGraph", "check_raw", "map_body", "raw_plan")
