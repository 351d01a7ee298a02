"""From a builder to a plan: every edge becomes a channel, every node gets its triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rxgraph.channels.base import BaseChannel
from rxgraph.channels.ephemeral_value import EphemeralValue
from rxgraph.channels.last_value import LastValueAfterFinish
from rxgraph.channels.named_barrier_value import NamedBarrierValue, NamedBarrierValueAfterFinish
from rxgraph.channels.topic import Topic
from rxgraph.constants import END, START, TASKS
from rxgraph.pregel._body import Body
from rxgraph.pregel._plan import Node, Plan, Router
from rxgraph.pregel._recall import Caching
from rxgraph.types import Send, TimeoutPolicy

from ._branch import make_router
from ._inner import calls_tasks, inner_graph
from ._node import NodeSpec
from ._schema import Schema
from ._update import edge_channel, make_command_writes, make_record

if TYPE_CHECKING:
    from .state import AnyStateGraph

Channel = BaseChannel[Any, Any, Any]

DEFAULT_HANDLER: Final = "__default_error_handler__"
"""Node that takes over from nodes which have failed and have no handler of their own."""


def handler_name(node: str) -> str:
    """Return the name of the node that takes over from *node* when it has failed."""
    return f"__error_handler__{node}"


def compile_plan(graph: AnyStateGraph, name: str) -> Plan:
    """Compute the static plan of a validated builder."""
    channels: dict[str, Channel] = {**graph.channels, START: _keyed(EphemeralValue(Any), START)}
    channels[TASKS] = _keyed(Topic(Send, False), TASKS)
    triggers: dict[str, list[str]] = {node: [edge_channel(node)] for node in graph.nodes}
    following: dict[str, list[tuple[str, Any]]] = {node: [] for node in (START, *graph.nodes)}
    for node, spec in graph.nodes.items():
        trigger = edge_channel(node)
        channel: Channel = LastValueAfterFinish(Any) if spec.defer else EphemeralValue(Any, guard=False)
        channels[trigger] = _keyed(channel, trigger)
    for start, end in graph.edge_list:
        if end != END:
            following[start].append((edge_channel(end), None))
    for starts, end in graph.waiting_edge_list:
        if end == END or not starts:
            continue
        join = f"join:{'+'.join(starts)}:{end}"
        barrier = NamedBarrierValueAfterFinish if graph.nodes[end].defer else NamedBarrierValue
        channels[join] = _keyed(barrier(str, set(starts)), join)
        triggers[end].append(join)
        for start in starts:
            following[start].append((join, start))
    nodes = {START: _start_node(graph, following[START])}
    for node, spec in graph.nodes.items():
        nodes[node] = _node(graph, node, spec, tuple(sorted(triggers[node])), following[node])
        if spec.handler is not None:
            nodes[handler_name(node)] = _handler(graph, handler_name(node), spec.handler)
    if graph.default_handler is not None:
        nodes[DEFAULT_HANDLER] = _handler(graph, DEFAULT_HANDLER, graph.default_handler)
    output, state = graph.schemas[graph.output_schema], graph.schemas[graph.state_schema]
    return Plan(
        name=name,
        nodes=nodes,
        channels=channels,
        input_channels=START,
        output_channels=output.reads,
        stream_channels=state.reads if state.is_root else tuple(graph.channels),
        input_keys=()
        if graph.schemas[graph.input_schema].is_root
        else tuple(graph.schemas[graph.input_schema].channels),
        certain=_certain(graph),
        command_writes=make_command_writes(graph.channels, graph.nodes),
    )


def _start_node(graph: AnyStateGraph, following: list[tuple[str, Any]]) -> Node:
    schema = graph.schemas[graph.input_schema]
    return Node(
        name=START,
        body=Body(START, lambda value, task: value),
        triggers=(START,),
        reads=START,
        record=make_record(START, schema.channels, graph.nodes, following),
        routers=_routers(graph, START, schema),
        hidden=True,
    )


def _handler(graph: AnyStateGraph, name: str, body: Body) -> Node:
    schema = graph.schemas[graph.state_schema]
    record = make_record(name, graph.channels, graph.nodes, ())
    return Node(name=name, body=body, triggers=(), reads=schema.reads, record=record)


def _timeout(graph: AnyStateGraph, name: str, spec: NodeSpec) -> TimeoutPolicy | None:
    timeout = spec.timeout or graph.default_timeout
    if timeout is not None and spec.body.asynchronous is None:
        raise ValueError(
            f"Node {name!r} is sync and has a timeout, which is only for async nodes: Python can't stop a function "
            "that runs on a thread. Make it async, or leave the timeout out."
        )
    return timeout


def _node(
    graph: AnyStateGraph, name: str, spec: NodeSpec, triggers: tuple[str, ...], following: list[tuple[str, Any]]
) -> Node:
    schema = graph.schemas[spec.input_schema or graph.state_schema]
    policy = spec.cache_policy or graph.default_cache_policy
    return Node(
        name=name,
        body=spec.body,
        triggers=triggers,
        reads=schema.reads,
        managed=tuple(schema.managed.items()),
        mapper=schema.mapper,
        record=make_record(name, graph.channels, graph.nodes, tuple(following)),
        routers=_routers(graph, name, graph.schemas[graph.state_schema]),
        metadata=spec.metadata,
        caching=None if policy is None else Caching.of(name, spec.action, policy),
        inner=inner_graph(spec.action),
        calls=calls_tasks(spec.action),
        retry=spec.retry or graph.default_retry,
        timeout=_timeout(graph, name, spec),
        handler=handler_name(name) if spec.handler else DEFAULT_HANDLER if graph.default_handler else None,
        trace_policy=spec.trace_policy,
    )


def _routers(graph: AnyStateGraph, source: str, default: Schema) -> tuple[Router, ...]:
    return tuple(
        make_router(branch, source, graph.schemas.get(branch.body.hint, default), graph.nodes)
        for branch in graph.branches.get(source, {}).values()
    )


def _certain(graph: AnyStateGraph) -> tuple[str, ...]:
    """Return the nodes that static edges alone lead to: they run unless an error comes first."""
    after: dict[str, list[str]] = {}
    for start, end in graph.edge_list:
        after.setdefault(start, []).append(end)
    joins: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for starts, end in graph.waiting_edge_list:
        for start in starts:
            joins.setdefault(start, []).append((starts, end))
    found: dict[str, None] = {}
    waiting = [START]
    while waiting:
        name = waiting.pop()
        if name in found or name == END:
            continue
        found[name] = None
        waiting.extend(after.get(name, ()))
        waiting.extend(end for starts, end in joins.get(name, ()) if all(start in found for start in starts))
    return tuple(found)


def _keyed(channel: Channel, key: str) -> Channel:
    channel.key = key
    return channel


__all__ = ("compile_plan",)
