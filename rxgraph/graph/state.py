"""``StateGraph``: nodes that share a state, and the edges between them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, Self, overload

from rxgraph._annotations import make_instance
from rxgraph._hints import did_you_mean
from rxgraph.channels.base import BaseChannel
from rxgraph.channels.last_value import LastValue
from rxgraph.checkpoint.serde.allowlist import collect_allowlist
from rxgraph.constants import END, NS_END, NS_SEP, RESERVED, START
from rxgraph.managed.base import ManagedValue
from rxgraph.pregel._body import Body, callable_name
from rxgraph.pregel._faults import Retry
from rxgraph.pregel._handles import Transformers, read_transformers
from rxgraph.pregel._jsonschemas import Shape
from rxgraph.pregel._saver import check_cache
from rxgraph.pregel.main import Pregel, Schemas
from rxgraph.types import All, CachePolicy, RetryPolicy, TimeoutPolicy, TracePolicy
from rxgraph.typing import ContextT, InputT, OutputT, StateT
from rxgraph.warnings import LangGraphDeprecationWarning

from ._branch import Branch, Path, path_body, path_name, read_ends
from ._compile import DEFAULT_HANDLER, compile_plan, handler_name
from ._node import Action, NodeSpec, declared_ends, may_jump, node_body
from ._runnable import is_runnable
from ._schema import Schema, read_schema
from ._summary import Summary
from ._validate import validate_graph

DEFAULT_NAME = "LangGraph"
"""Name of a graph that was given none; programs and stored data know it."""


class StateGraph(Generic[StateT, ContextT, InputT, OutputT]):
    """Builds a graph whose nodes read and update a shared state.

    Shapes: a node is ``state -> update``; an update is a dict of state keys, a ``Command``, a ``Send``, an instance
    of an annotated class, or ``None``.

    Args:
        state_schema: TypedDict, dataclass or pydantic model; each key is a channel, and ``Annotated[T, reducer]``
            says how several writes are merged. A plain type makes the whole state one value.
        context_schema: Class of ``context=``.
        input_schema: Keys that a run takes; by default the state's.
        output_schema: Keys that a run returns; by default the state's.

    Example:
        >>> import operator
        >>> from typing import Annotated, TypedDict
        >>> State = TypedDict("State", {"words": Annotated[list[str], operator.add]})
        >>> graph = StateGraph(State).add_node("greet", lambda state: {"words": ["hello"]})
        >>> graph = graph.add_edge(START, "greet").compile()
        >>> graph.invoke({"words": ["well,"]})
        {'words': ['well,', 'hello']}
    """

    def __init__(
        self,
        state_schema: type[StateT],
        context_schema: type[ContextT] | None = None,
        *,
        input_schema: type[InputT] | None = None,
        output_schema: type[OutputT] | None = None,
        **retired: Any,
    ) -> None:
        renamed = {"input": "input_schema", "output": "output_schema", "config_schema": "context_schema"}
        given = _renamed(retired, renamed, "StateGraph()")
        self.state_schema: Any = state_schema
        self.context_schema: Any = context_schema or given.get("context_schema")
        self.input_schema: Any = input_schema or given.get("input_schema") or state_schema
        self.output_schema: Any = output_schema or given.get("output_schema") or state_schema
        self.default_cache_policy: CachePolicy | None = None
        self.default_retry: Retry | None = None
        self.default_timeout: TimeoutPolicy | None = None
        self.default_handler: Body | None = None
        self.nodes: dict[str, NodeSpec] = {}
        self.branches: dict[str, dict[str, Branch]] = {}
        self.channels: dict[str, BaseChannel[Any, Any, Any]] = {}
        self.managed: dict[str, type[ManagedValue[Any]]] = {}
        self.schemas: dict[Any, Schema] = {}
        self._edges: dict[tuple[str, str], None] = {}
        self.waiting_edge_list: list[tuple[tuple[str, ...], str]] = []
        self.compiled = False
        self._add_schema(self.state_schema)
        self._add_schema(self.input_schema, managed_allowed=False)
        self._add_schema(self.output_schema, managed_allowed=False)

    @property
    def edge_list(self) -> list[tuple[str, str]]:
        """The edges that wait for no other, in their order."""
        return list(self._edges)

    @property
    def edges(self) -> set[tuple[str, str]]:
        """Edges from one node to one node."""
        return set(self._edges)

    @property
    def waiting_edges(self) -> set[tuple[tuple[str, ...], str]]:
        """Edges that wait for several nodes."""
        return set(self.waiting_edge_list)

    # --- nodes

    @overload
    def add_node(self, node: str, action: Action, **options: Any) -> Self: ...
    @overload
    def add_node(self, node: Action, action: None = None, **options: Any) -> Self: ...
    def add_node(
        self,
        node: str | Action,
        action: Action | None = None,
        *,
        defer: bool = False,
        metadata: dict[str, Any] | None = None,
        input_schema: type[Any] | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: Callable[..., Any] | None = None,
        destinations: Mapping[str, str] | Sequence[str] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
        trace_policy: TracePolicy | None = None,
        **retired: Any,
    ) -> Self:
        """Add a node.

        Args:
            node: Its name; or the callable alone, which then gives the name.
            action: A function, coroutine function, generator, async generator, callable object, dict of callables,
                compiled graph, or Runnable of LangChain. Parameters ``config``, ``writer``, ``store``, ``runtime``
                and ``previous`` of functions are filled in.
            defer: Run when nothing else is left to run.
            metadata: Shown in the node's events and config.
            input_schema: What it reads; by default the annotation of its first parameter, or the state.
            destinations: Nodes that its ``Command`` may go to, for checks and pictures.
            cache_policy: Take its result from the graph's cache when its input was seen before.
            retry_policy: When to try again after an error; the first of several whose ``retry_on`` is for it counts.
            error_handler: Called as ``handler(state, error: NodeError)`` when the node has failed for good, in the same
                superstep and with the same input; what it returns takes the place of the node's update and edges.
            timeout: Most seconds that an attempt may take, or a policy; for async nodes.
            trace_policy: What tracers of LangChain may record of it; plain handlers and streams show everything.

        Raises:
            ValueError: The name is taken or reserved, or contains ``|`` or ``:``; a time that is not positive.
            RuntimeError: A name without an action.
            TypeError: The action can't be called.
        """
        given = _renamed(retired, {"input": "input_schema", "retry": "retry_policy"}, f"add_node({node!r})")
        input_schema = input_schema or given.get("input_schema")
        retry_policy = retry_policy or given.get("retry_policy")
        if not isinstance(node, str):
            if action is not None:
                raise TypeError(f"The name of a node must be a str, got {node!r}.")
            return self.add_node(
                _action_name(node),
                node,
                defer=defer,
                metadata=metadata,
                input_schema=input_schema,
                retry_policy=retry_policy,
                cache_policy=cache_policy,
                error_handler=error_handler,
                destinations=destinations,
                timeout=timeout,
                trace_policy=trace_policy,
            )
        if action is None:
            raise RuntimeError(f"Node {node!r} has no action. Pass one: add_node({node!r}, function).")
        self._check_name(node)
        self._warn_if_compiled("node")
        body = node_body(node, action)
        schema = input_schema or body.hint
        if schema is not None:
            self._add_schema(schema, managed_allowed=input_schema is None or schema is self.state_schema)
        self.nodes[node] = NodeSpec(
            body=body,
            input_schema=schema,
            defer=defer,
            metadata=metadata,
            ends=declared_ends(action, destinations),
            may_jump=may_jump(action),
            action=action,
            cache_policy=cache_policy,
            retry=Retry.of(node, retry_policy),
            timeout=TimeoutPolicy.coerce(timeout),
            handler=None if error_handler is None else node_body(handler_name(node), error_handler),
            trace_policy=trace_policy,
        )
        return self

    def add_sequence(self, nodes: Sequence[Action | tuple[str, Action]]) -> Self:
        """Add nodes, each with an edge from the one before it; START is not connected.

        Raises:
            ValueError: No nodes, or a name twice.
        """
        if not nodes:
            raise ValueError("add_sequence() needs at least one node, got none.")
        previous: str | None = None
        for item in nodes:
            # By its class, even where a node that is added alone would have a name of its own.
            name, action = item if isinstance(item, tuple) else (callable_name(item), item)
            if name in self.nodes:
                raise ValueError(f"Node names must be unique: node with the name {name!r} already exists.")
            self.add_node(name, action)
            if previous is not None:
                self.add_edge(previous, name)
            previous = name
        return self

    def set_node_defaults(
        self,
        *,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: Callable[..., Any] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> Self:
        """Set options for every node that does not set them itself.

        Args:
            retry_policy, cache_policy, error_handler, timeout: See :meth:`add_node`.
        """
        self.default_cache_policy = cache_policy or self.default_cache_policy
        self.default_retry = Retry.of("set_node_defaults()", retry_policy) or self.default_retry
        self.default_timeout = TimeoutPolicy.coerce(timeout) or self.default_timeout
        if error_handler is not None:
            self.default_handler = node_body(DEFAULT_HANDLER, error_handler)
        return self

    # --- edges

    def add_edge(self, start_key: str | Sequence[str], end_key: str) -> Self:
        """Run *end_key* after *start_key*; after a list of nodes, once all of them have run.

        Raises:
            ValueError: An edge from END or to START, or a list that names a node which is not there yet.
        """
        self._warn_if_compiled("edge")
        if end_key == START:
            raise ValueError("START cannot be an end node: it is where a run begins.")
        if isinstance(start_key, str):
            if start_key == END:
                raise ValueError("END cannot be a start node: it is where a path ends.")
            self._edges[start_key, end_key] = None
            return self
        for start in start_key:
            if start == END:
                raise ValueError("END cannot be a start node: it is where a path ends.")
            if start not in self.nodes:
                raise ValueError(
                    f"Edge {list(start_key)} -> {end_key!r} starts at {start!r}: Need to add_node {start!r} first."
                    + did_you_mean(start, self.nodes)
                )
        if end_key != END and end_key not in self.nodes:
            raise ValueError(
                f"Edge {list(start_key)} -> {end_key!r}: Need to add_node {end_key!r} first."
                + did_you_mean(end_key, self.nodes)
            )
        if (joined := (tuple(start_key), end_key)) not in self.waiting_edge_list:
            self.waiting_edge_list.append(joined)
        return self

    def add_conditional_edges(
        self,
        source: str,
        path: Path,
        path_map: Mapping[Hashable, str] | Sequence[str] | None = None,
    ) -> Self:
        """Go where *path* says, after *source*.

        Args:
            source: A node, or START.
            path: ``state -> destination``, a function or a Runnable of LangChain; a destination is a name, END, a
                ``Send``, or a list of them. It sees the state with the writes of *source* applied.
            path_map: Answer -> node; a list maps each name to itself. Without it, a ``Literal[...]`` return
                annotation is the map.

        Raises:
            ValueError: *source* has a branch of that name already.
        """
        self._warn_if_compiled("edge")
        if isinstance(source, str) and source == END:
            raise ValueError("END cannot be a start node: it is where a path ends.")
        name = path_name(path)
        branches = self.branches.setdefault(source, {})
        if name in branches:
            raise ValueError(
                f"Branch {name!r} already exists for node {source!r}. Give the path function another name."
            )
        body = path_body(name, path)
        if body.hint is not None:
            self._add_schema(body.hint)
        branches[name] = Branch(name, body, read_ends(path, path_map))
        return self

    def set_entry_point(self, key: str) -> Self:
        """Start with a node: an edge from START."""
        return self.add_edge(START, key)

    def set_conditional_entry_point(
        self, path: Path, path_map: Mapping[Hashable, str] | Sequence[str] | None = None
    ) -> Self:
        """Start where *path* says."""
        return self.add_conditional_edges(START, path, path_map)

    def set_finish_point(self, key: str) -> Self:
        """End with a node: an edge to END."""
        return self.add_edge(key, END)

    # --- compiling

    def validate(self, interrupt: Sequence[str] | None = None, *, strict: bool = False) -> Self:
        """Check that every edge ends somewhere and the graph begins somewhere.

        Args:
            interrupt: Nodes at which a run is to stop.
            strict: Also raise for a node that nothing leads to.

        Raises:
            ValueError: What :meth:`compile` would raise.
            UnreachableNodeError: With *strict*.
        """
        validate_graph(self, interrupt, strict)
        self.compiled = True
        return self

    def compile(
        self,
        checkpointer: Any = None,
        *,
        cache: Any = None,
        store: Any = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        debug: bool = False,
        name: str | None = None,
        transformers: Transformers | None = None,
    ) -> CompiledStateGraph[StateT, ContextT, InputT, OutputT]:
        """Check the graph and compute its plan.

        Args:
            store: Handed to nodes that ask for it.
            debug: Print ``updates`` and ``values`` of every run.
            name: Of the graph.
            checkpointer: Keeps the threads of runs; any object with the methods of a saver.
            interrupt_before, interrupt_after: Nodes at which every run stops, or ``"*"``.
            cache: Keeps results of nodes that have a cache policy; any object with the methods of a cache.
            transformers: More projections for handles of runs: classes, functions of a scope, operator chains by name.

        Raises:
            ValueError: An edge or destination names an unknown node, or there is no entry point.
        """
        interrupts = [*(() if interrupt_before in (None, "*") else interrupt_before or ())]
        interrupts += [*(() if interrupt_after in (None, "*") else interrupt_after or ())]
        self.validate(interrupts)
        compiled = CompiledStateGraph(self, name=name or DEFAULT_NAME, store=store, debug=debug)
        compiled.checkpointer, compiled.cache = checkpointer, check_cache(cache)
        if hasattr(compiled.cache, "with_allowlist"):
            compiled.cache = compiled.cache.with_allowlist(compiled._classes())
        read_transformers(transformers)
        compiled.transformers = transformers or ()
        compiled.interrupt_before_nodes = interrupt_before or []
        compiled.interrupt_after_nodes = interrupt_after or []
        return compiled

    # --- helpers

    def _check_name(self, name: str) -> None:
        if name in self.nodes:
            raise ValueError(f"Node {name!r} already present. Give each node a name of its own.")
        if name in (START, END):
            raise ValueError(f"Node {name!r} is reserved: it stands for the {'start' if name == START else 'end'}.")
        if name in RESERVED:
            raise ValueError(f"Node name {name!r} is reserved by the runtime. Rename it.")
        for character in (NS_SEP, NS_END):
            if character in name:
                raise ValueError(
                    f"Node name {name!r} contains {character!r}, a reserved character: it separates the levels of a "
                    "namespace. Rename the node."
                )

    def _add_schema(self, source: Any, managed_allowed: bool = True) -> None:
        if source in self.schemas:
            return
        schema = read_schema(source)
        if schema.managed and not managed_allowed:
            raise ValueError(
                f"Schema {getattr(source, '__name__', source)!r} declares managed value "
                f"{next(iter(schema.managed))!r}: managed channels not permitted in Input/Output schema."
            )
        for key, channel in schema.channels.items():
            known = self.channels.get(key)
            if known is None:
                self.channels[key] = channel
            elif known != channel and type(channel) is not LastValue:
                raise ValueError(
                    f"Channel {key!r} already exists with a different type: {known!r}, and now {channel!r}. "
                    "Declare it with one reducer in all schemas, the annotated one first."
                )
        self.managed.update(schema.managed)
        self.schemas[source] = schema

    def _warn_if_compiled(self, what: str) -> None:
        if self.compiled:
            logging.getLogger("rxgraph.graph").warning(
                "Adding a %s to a graph that has already been compiled; compile it again to see the change.", what
            )


AnyStateGraph = StateGraph[Any, Any, Any, Any]


class CompiledStateGraph(Summary, Pregel[StateT, ContextT, InputT, OutputT]):
    """A compiled :class:`StateGraph`; ``builder`` is where it came from."""

    def __init__(
        self, builder: StateGraph[StateT, ContextT, InputT, OutputT], *, name: str, store: Any, debug: bool
    ) -> None:
        self.builder = builder
        schemas = Schemas(
            context=make_instance(builder.context_schema),
            output=make_instance(builder.output_schema),
            state=make_instance(builder.state_schema),
        )
        plan = compile_plan(builder, name)
        self._set_up(plan, schemas=schemas, store=store, stream_mode="updates", debug=debug)
        self.context_schema = builder.context_schema

    def _input_shape(self) -> Shape:
        source = self.builder.input_schema
        if self.builder.schemas[source].is_root:
            return Shape(source, optional=True)
        return Shape(source, declared=source)

    def _output_shape(self) -> Shape:
        source = self.builder.output_schema
        schema = self.builder.schemas[source]
        if schema.is_root:
            return Shape(source, optional=True)
        return Shape(fields={key: one.ValueType for key, one in schema.channels.items()}, declared=source)

    def _classes(self) -> Collection[Any]:
        return collect_allowlist(*self.builder.schemas)


def _action_name(action: Any) -> str:
    return action.get_name() if isinstance(action, Pregel) or is_runnable(action) else callable_name(action)


def _renamed(retired: Mapping[str, Any], names: Mapping[str, str], where: str) -> dict[str, Any]:
    """Translate retired keyword arguments, with a deprecation warning each.

    Raises:
        TypeError: A keyword that never was.
    """
    given = {}
    for name, value in retired.items():
        if name not in names:
            raise TypeError(f"{where} got an unexpected argument {name!r}." + did_you_mean(name, names.values()))
        warnings.warn(
            f"{where}: {name!r} is deprecated, use {names[name]!r}.", LangGraphDeprecationWarning, stacklevel=3
        )
        given[names[name]] = value
    return given


__all__ = ("CompiledStateGraph", "StateGraph")
