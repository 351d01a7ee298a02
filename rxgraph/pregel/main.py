"""The face of a compiled graph: the doors through which runs are started."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from functools import partial
from typing import Any, Generic, NamedTuple, Self, cast

from reactivex import Observable
from reactivex.observer import Observer
from typing_extensions import Unpack

from rxgraph._annotations import make_instance
from rxgraph._composing import Composable
from rxgraph._config import config_list, default_recursion_limit, merge_configs
from rxgraph._hints import did_you_mean
from rxgraph._writer import no_write
from rxgraph.channels.base import BaseChannel
from rxgraph.checkpoint.base import BaseCheckpointSaver
from rxgraph.config import RunnableConfig
from rxgraph.constants import CONF, NS_SEP, START
from rxgraph.flow import BoundedLog
from rxgraph.flow._lean import connect
from rxgraph.runtime import RunControl
from rxgraph.stream import AsyncGraphRunStream, GraphRunStream, projection
from rxgraph.types import All, CachePolicy, GraphOutput, Interrupt, Namespace, RetryPolicy, StreamMode
from rxgraph.typing import ContextT, InputT, OutputT, StateT
from rxgraph.warnings import LangGraphDeprecatedSinceV10, NoSaverWarning

from ._engine import Engine
from ._handles import Transformers, open_ahandle, open_handle, read_transformers
from ._jsonschemas import JsonSchemas
from ._lineage import Lineage
from ._nesting import caller_of, inner_config, root_config, without_task_ids
from ._observe import observe_run
from ._options import RunOptions, asked_durability, check_names, read_limit, read_modes, read_version
from ._pictures import Pictures
from ._plan import Node, Plan
from ._run_tree import run_tree
from ._saver import check_cache, check_saver, check_thread, no_root
from ._superstep import with_interrupts
from ._task import RunContext, Task
from ._threads import Threads
from ._tracing import FACTORIES, open_tracer
from .builder import NodeBuilder, PregelNode, RawGraph, check_raw, raw_plan
from .lanes import LIVE_MODES, AsyncLane, AsyncStreamIterator, StreamIterator, SyncLane, Wiring

FACTORIES.append(run_tree)


class Schemas(NamedTuple):
    """The user's classes around a plan; each makes an instance out of plain values, or is ``None``."""

    context: Callable[[Any], Any] | None = None
    output: Callable[[Any], Any] | None = None
    state: Callable[[Any], Any] | None = None


class _Run(NamedTuple):
    """One run that is wired up and not yet started."""

    engine: Engine
    wiring: Wiring
    items: Observable[Any]
    max_concurrency: int | None
    durability: str | None

    def sync(self) -> SyncLane:
        """Put the run on the synchronous lane."""
        return SyncLane(self.engine, self.wiring, self.max_concurrency, self.durability)

    def asynchronous(self) -> AsyncLane:
        """Put the run on the asynchronous lane."""
        return AsyncLane(self.engine, self.wiring, self.max_concurrency, self.durability)


class Pregel(Pictures, JsonSchemas, Composable, Threads, Generic[StateT, ContextT, InputT, OutputT]):
    """A graph that can be run.

    ``StateGraph.compile`` and ``entrypoint`` make one; so can you, out of nodes that name their channels.

    Args:
        nodes: ``NodeBuilder`` s, or what their ``build`` returns, by name.
        channels: A prototype of each channel by name, or a managed value.
        auto_validate: Check now that they fit together, and not when :meth:`validate` is called.
        stream_mode: What ``stream`` shows unless told otherwise.
        stream_eager: Kept; events are never held back here.
        output_channels: What ``invoke`` returns: the value of one channel, or a dict of several.
        stream_channels: What streams show; all channels by default.
        interrupt_after_nodes, interrupt_before_nodes: Nodes at which every run stops, or ``"*"``.
        input_channels: Where the input goes: one channel, or the keys of a dict.
        step_timeout: Seconds that a superstep may take.
        debug: Print ``updates`` and ``values`` of every run.
        checkpointer: Keeps the threads of runs.
        store: Handed to nodes.
        cache: Keeps results of nodes that have a cache policy.
        retry_policy, cache_policy: For nodes that have none of their own.
        context_schema: Class of ``context=``.
        config: Merged into the configuration of every run.
        trigger_to_nodes: Taken because programs pass it; it is computed.
        node_error_handler_map: The node that takes over from a node which has failed, by that node's name.
        name: Of the graph.
        stream_transformers: More projections for handles of runs.

    Raises:
        ValueError: With *auto_validate*: an unknown channel or node, a reserved name, an input that triggers no node.
    """

    def _set_up(
        self,
        plan: Plan,
        *,
        schemas: Schemas | None = None,
        store: Any = None,
        stream_mode: str = "values",
        debug: bool = False,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin with a plan.

        Args:
            plan: The static plan.
            schemas: The user's classes around it.
            store: Handed to nodes.
            stream_mode: What ``stream`` shows unless told otherwise.
            debug: Print ``updates`` and ``values`` of every run.
            config: Merged into the configuration of every run.
        """
        self._plan = plan
        self._schemas = schemas or Schemas()
        self.name = plan.name
        self.store = store
        self.stream_mode = stream_mode
        self.debug = debug
        self.config = config
        self.cache: Any = None
        """Keeps results of nodes that have a cache policy."""
        self._saver: Any = None
        self.transformers: Transformers = ()
        """Projections that handles of runs have besides the built-in ones."""
        self.step_timeout: float | None = None
        """Seconds that a superstep may take; then the run ends with a ``TimeoutError``."""
        self.interrupt_before_nodes: str | Sequence[str] = []
        self.interrupt_after_nodes: str | Sequence[str] = []
        self.stream_eager = False
        self.retry_policy: Any = ()
        self.cache_policy: CachePolicy | None = None
        """Of nodes that have none of their own, in a graph made by hand."""
        self.context_schema: Any = None
        self._raw: RawGraph | None = None

    def __init__(
        self,
        *,
        nodes: Mapping[str, PregelNode | NodeBuilder],
        channels: Mapping[str, Any] | None,
        auto_validate: bool = True,
        stream_mode: StreamMode = "values",
        stream_eager: bool = False,
        output_channels: str | Sequence[str],
        stream_channels: str | Sequence[str] | None = None,
        interrupt_after_nodes: All | Sequence[str] = (),
        interrupt_before_nodes: All | Sequence[str] = (),
        input_channels: str | Sequence[str],
        step_timeout: float | None = None,
        debug: bool | None = None,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] = (),
        cache_policy: CachePolicy | None = None,
        context_schema: type[ContextT] | None = None,
        config: RunnableConfig | None = None,
        trigger_to_nodes: Mapping[str, Sequence[str]] | None = None,
        node_error_handler_map: Mapping[str, str] | None = None,
        name: str = "LangGraph",
        stream_transformers: Transformers | None = None,
        **retired: Any,
    ) -> None:
        if "config_type" in retired:
            warnings.warn(
                "Pregel(): 'config_type' is deprecated, use 'context_schema'.",
                LangGraphDeprecatedSinceV10,
                stacklevel=2,
            )
            context_schema = context_schema or retired.pop("config_type")
        if retired:
            raise TypeError(f"Pregel() got an unexpected argument {next(iter(retired))!r}.")
        raw = RawGraph(
            name=name,
            nodes=nodes,
            channels=channels or {},
            input_channels=input_channels,
            output_channels=output_channels,
            stream_channels=stream_channels,
            retry_policy=retry_policy,
            cache_policy=cache_policy,
            handlers=node_error_handler_map or {},
        )
        if auto_validate:
            check_raw(raw, (interrupt_before_nodes, interrupt_after_nodes))
        schemas = Schemas(context=make_instance(context_schema))
        self._set_up(
            raw_plan(raw), schemas=schemas, store=store, stream_mode=stream_mode, debug=bool(debug), config=config
        )
        self._raw = raw
        self.context_schema = context_schema
        self.stream_eager = stream_eager
        self.step_timeout = step_timeout
        self.cache, self.checkpointer = check_cache(cache), checkpointer
        self.interrupt_before_nodes, self.interrupt_after_nodes = interrupt_before_nodes, interrupt_after_nodes
        self.retry_policy, self.cache_policy = retry_policy, cache_policy
        read_transformers(stream_transformers)
        self.transformers = stream_transformers or ()

    @classmethod
    def _of_plan(cls, plan: Plan, **options: Any) -> Self:
        """Make a graph of a plan; *options* are those of :meth:`_set_up`."""
        graph: Self = cls.__new__(cls)
        graph._set_up(plan, **options)
        return graph

    @property
    def checkpointer(self) -> Any:
        """Keeps the threads of this graph's runs; ``None`` for a graph that forgets.

        Inside another graph: ``None`` saves with the outer run's saver as long as the calling task lives, ``True`` as
        long as the thread, ``False`` not at all. A saver of ours is given the classes of the graph's schemas, without
        which it would make none of them.
        """
        return self._saver

    @checkpointer.setter
    def checkpointer(self, saver: Any) -> None:
        saver = check_saver(saver)
        self._saver = saver.with_allowlist(self._classes()) if isinstance(saver, BaseCheckpointSaver) else saver

    def _classes(self) -> Collection[Any]:
        """Classes that values of the state may have."""
        return ()

    # --- doors

    def invoke(self, input: InputT | Any, config: RunnableConfig | None = None, **options: Unpack[RunOptions]) -> Any:
        """Run to the end in the synchronous lane and return the output.

        Shapes: a dict of the output keys that have a value; ``None`` if none was written. With another
        ``stream_mode`` than ``"values"``, a list of that stream's items. ``version="v2"``: a ``GraphOutput``.
        Demand: unbounded.

        Raises:
            EmptyInputError: *input* is ``None``.
            InvalidUpdateError: *input* or what a node returned does not fit the state.
            GraphRecursionError: The run did not end within ``recursion_limit``.
            LaneError: A node is async.
        """
        run, result = self._open_for_result(input, config, options)
        for _ in run.sync().turns():
            pass
        return result()

    async def ainvoke(
        self, input: InputT | Any, config: RunnableConfig | None = None, **options: Unpack[RunOptions]
    ) -> Any:
        """Run to the end in the asynchronous lane and return the output; see :meth:`invoke`.

        Disposal: cancelling cancels the nodes that are running and waits for them.
        """
        run, result = self._open_for_result(input, config, options)
        await run.asynchronous().drive()
        return result()

    def stream(
        self, input: InputT | Any, config: RunnableConfig | None = None, **options: Unpack[RunOptions]
    ) -> StreamIterator:
        """Run in the synchronous lane as far as its items are pulled.

        Arguments are checked here; nothing runs before the first pull.

        Shapes: items by ``stream_mode``: ``values`` the state after each superstep, ``updates`` ``{node: update}``,
        ``custom`` what nodes wrote, ``tasks`` starts and results of tasks, ``debug`` those with step and time. A
        list of modes gives ``(mode, payload)``; ``version="v2"`` gives ``{"type", "ns", "data"}``.
        Demand: each pull is ``request(1)``; no superstep starts without one.
        """
        run = self._open(input, config, options, self.stream_mode)
        return StreamIterator(run.sync(), run.wiring, run.items)

    def astream(
        self, input: InputT | Any, config: RunnableConfig | None = None, **options: Unpack[RunOptions]
    ) -> AsyncStreamIterator:
        """Run in the asynchronous lane as far as its items are pulled; see :meth:`stream`.

        A pull that is cancelled or times out loses nothing.
        """
        run = self._open(input, config, options, self.stream_mode)
        return AsyncStreamIterator(run.asynchronous(), run.wiring, run.items)

    def observe(
        self, input: InputT | Any, config: RunnableConfig | None = None, **options: Unpack[RunOptions]
    ) -> Observable[Any]:
        """Return the run as a cold RxPY observable of the items of :meth:`stream`.

        Each subscription is a run of its own. It runs in the synchronous lane, on the thread that subscribes, or on
        the scheduler given to ``subscribe``; on an ``AsyncIOScheduler`` it runs in the asynchronous lane.

        Demand: unbounded; on a ``RequestScheduler``, one superstep a request.
        Errors: of a node go to ``on_error``; of the subscriber end its run.
        Disposal: ends the run before its next superstep; in the asynchronous lane, cancels it.
        """
        self._open(input, config, options, self.stream_mode)
        return observe_run(lambda: self._open(input, config, options, self.stream_mode))

    def stream_events(
        self,
        input: InputT | Any,
        config: RunnableConfig | None = None,
        *,
        version: str = "v2",
        transformers: Transformers | None = None,
        maxlen: int | None = None,
        **options: Any,
    ) -> GraphRunStream:
        """Return a handle on a run in the synchronous lane: projections, raw events, output.

        Demand: nothing runs before the first pull; a projection that is read and full holds the run.

        Args:
            version: ``"v3"``.
            transformers: More projections: classes, functions of a scope, or operator chains by name.
            maxlen: Most items that wait in each projection; 1024 by default.
            options: Those of :meth:`stream`, but for ``stream_mode`` and ``subgraphs``.
        """
        return open_handle(self, input, config, transformers, maxlen, {**options, "version": version})

    async def astream_events(
        self,
        input: InputT | Any,
        config: RunnableConfig | None = None,
        *,
        version: str = "v2",
        transformers: Transformers | None = None,
        maxlen: int | None = None,
        **options: Any,
    ) -> AsyncGraphRunStream:
        """Return a handle on a run in the asynchronous lane; see :meth:`stream_events`."""
        return await open_ahandle(self, input, config, transformers, maxlen, {**options, "version": version})

    def batch(
        self,
        inputs: Sequence[InputT | Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Unpack[RunOptions],
    ) -> list[Any]:
        """Invoke once for each input, several at a time on threads; outputs come in the order of the inputs.

        Args:
            config: One for all, or one for each input; ``max_concurrency`` of the first limits the threads.
            return_exceptions: Put an error in the place of its output instead of raising the first, after which no
                other input begins.
        """
        if not inputs:
            return []
        configs = config_list(config, len(inputs))
        threads = configs[0].get("max_concurrency") or min(len(inputs), 32, (os.cpu_count() or 1) + 4)
        with ThreadPoolExecutor(threads, "rxgraph-batch") as pool:
            futures = [
                pool.submit(copy_context().run, partial(self.invoke, one, cast(RunnableConfig, of_one), **options))
                for one, of_one in zip(inputs, configs, strict=True)
            ]
            if return_exceptions:
                return [future.exception() or future.result() for future in futures]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    async def abatch(
        self,
        inputs: Sequence[InputT | Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Unpack[RunOptions],
    ) -> list[Any]:
        """Await :meth:`ainvoke` once for each input, ``max_concurrency`` at a time; see :meth:`batch`."""
        if not inputs:
            return []
        configs = config_list(config, len(inputs))
        places = asyncio.Semaphore(configs[0].get("max_concurrency") or len(inputs))

        async def one(value: Any, of_one: Mapping[str, Any]) -> Any:
            async with places:
                return await self.ainvoke(value, cast(RunnableConfig, of_one), **options)

        calls = [one(value, of_one) for value, of_one in zip(inputs, configs, strict=True)]
        return list(await asyncio.gather(*calls, return_exceptions=return_exceptions))

    # --- the graph itself

    def validate(self) -> Self:
        """Check that nodes, channels and breakpoints fit together; a graph that was compiled has been checked.

        Raises:
            ValueError: They do not.
        """
        if self._raw is not None:
            check_raw(self._raw, (self.interrupt_before_nodes, self.interrupt_after_nodes))
        return self

    def copy(self, update: Mapping[str, Any] | None = None) -> Self:
        """Return a copy with some attributes replaced.

        Raises:
            AttributeError: One of them can't be set.
        """
        changed = copy(self)
        for name, value in (update or {}).items():
            setattr(changed, name, value)
        return changed

    def with_config(self, config: RunnableConfig | None = None, **more: Any) -> Self:
        """Return a copy whose runs have *config* merged into their configuration."""
        changed = copy(self)
        merged = merge_configs(self.config, config, more)
        merged.setdefault(CONF, {})
        changed.config = merged
        return changed

    def clear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """Forget the cached results of these nodes, by default of all.

        Raises:
            ValueError: The graph has no cache, or no such node.
        """
        self._cache_of(nodes).clear(self._cached_namespaces(nodes))

    async def aclear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """Do what :meth:`clear_cache` does, on the event loop."""
        await self._cache_of(nodes).aclear(self._cached_namespaces(nodes))

    def _cache_of(self, nodes: Sequence[str] | None) -> Any:
        if self.cache is None:
            raise ValueError(f"Graph {self.name!r} has no cache. Compile it with one: compile(cache=InMemoryCache()).")
        for name in nodes or ():
            if name not in self.nodes:
                raise ValueError(f"Graph {self.name!r} has no node {name!r}." + did_you_mean(name, self.nodes))
        return self.cache

    def _cached_namespaces(self, nodes: Sequence[str] | None) -> list[tuple[str, ...]]:
        cachings = [self.nodes[name].caching for name in (self.nodes if nodes is None else nodes)]
        return [caching.namespace for caching in cachings if caching is not None]

    def get_subgraphs(self, *, namespace: str | None = None, recurse: bool = False) -> Iterator[tuple[str, Any]]:
        """Yield the graphs inside this one as ``(node, graph)``.

        Args:
            namespace: Only the graph there: ``"node"``, or with *recurse* ``"node|inner node"``.
            recurse: Also those inside the inner ones, as ``("node|inner node", graph)``.
        """
        for name, node in self.nodes.items():
            graph = node.inner
            if graph is None or (namespace is not None and namespace.split(NS_SEP)[0] != name):
                continue
            if namespace in (None, name):
                yield name, graph
            if namespace == name:
                return
            if recurse:
                deeper = None if namespace is None else namespace[len(name) + len(NS_SEP) :]
                for path, inner in graph.get_subgraphs(namespace=deeper, recurse=True):
                    yield f"{name}{NS_SEP}{path}", inner

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, Any]]:
        """Do what :meth:`get_subgraphs` does."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by name, the hidden start node among them."""
        return self._plan.nodes

    @property
    def channels(self) -> Mapping[str, BaseChannel[Any, Any, Any]]:
        """A prototype of each channel by name."""
        return self._plan.channels

    @property
    def needs_async(self) -> bool:
        """Whether some node can only run in the asynchronous lane."""
        return bool(self._plan.async_nodes)

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Keys that an input dict may have; empty for a graph that takes one plain value."""
        return self._plan.input_keys

    @property
    def input_channels(self) -> str | Sequence[str]:
        """Where the input goes."""
        return _listed(self._plan.input_channels)

    @property
    def output_channels(self) -> str | Sequence[str]:
        """What ``invoke`` returns."""
        return _listed(self._plan.output_channels)

    @property
    def stream_channels(self) -> str | Sequence[str] | None:
        """What streams show unless told otherwise; ``None`` in a graph made by hand that shows all."""
        if self._raw is not None:
            return self._raw.stream_channels
        return _listed(self._plan.stream_channels)

    @property
    def stream_channels_list(self) -> Sequence[str]:
        """What streams show, as a list."""
        shown = self.stream_channels
        return list(self.channels) if shown is None else [shown] if isinstance(shown, str) else list(shown)

    @property
    def trigger_to_nodes(self) -> dict[str, list[str]]:
        """The nodes that each channel triggers."""
        return {channel: [node.name for node in nodes] for channel, nodes in self._plan.triggered_by.items()}

    def __repr__(self) -> str:
        names = [name for name, node in self.nodes.items() if not node.hidden]
        shown = ", ".join(names[:6]) + (f", and {len(names) - 6} more" if len(names) > 6 else "")
        return f"<{type(self).__name__} {self.name!r} | {len(names)} nodes: {shown}>"

    # --- opening a run

    def _open_for_result(
        self, input: Any, config: Mapping[str, Any] | None, options: RunOptions
    ) -> tuple[_Run, Callable[[], Any]]:
        """Wire a run whose caller wants the output only, or the list of a stream's items."""
        version = read_version(options.get("version", "v1"))
        modes = read_modes(options.get("stream_mode"), "values")
        if modes != "values":
            run = self._open(input, config, options, "values", keys=self._plan.output_channels)
            log = BoundedLog[Any](overflow="unbounded", name="invoke")
            connect(run.items, log)
            return run, lambda: _drain(log)
        run = self._open(input, config, options, None, keys=self._plan.output_channels)
        engine = run.engine
        if version == "v1":
            return run, lambda: _with_questions(engine.output, engine.interrupts)
        return run, lambda: GraphOutput(self._coerce("values", engine.output), tuple(engine.interrupts))

    def _open(
        self,
        input: Any,
        config: Mapping[str, Any] | None,
        options: RunOptions,
        default_mode: str | None,
        keys: str | Sequence[str] | None = None,
    ) -> _Run:
        """Check everything that can be checked, and wire a run; *default_mode* ``None`` shows no stream at all."""
        check_names(options)
        caller, passed_on = caller_of(config)
        outer = None if caller is None else caller.run.wiring
        if passed_on and default_mode is not None and keys is None:
            # A node that passes its configuration on reads the inner graph as the outer one reads the node.
            default_mode = "values"
        version = read_version(options.get("version", "v1"))
        modes = () if default_mode is None else read_modes(options.get("stream_mode"), default_mode)
        debug = self.debug if options.get("debug") is None else options["debug"]
        printed = ("updates", "values") if debug else read_modes(options.get("print_mode") or (), "", "print_mode")
        printed = (printed,) if isinstance(printed, str) else printed
        read = frozenset(((modes,) if isinstance(modes, str) else modes) + printed)
        subgraphs = bool(options.get("subgraphs")) and bool(read)
        carried = outer.carried if outer is not None else frozenset()
        shown = next(k for k in (options.get("output_keys"), keys, self._plan.stream_channels) if k is not None)
        if caller is None:
            merged, namespace = root_config(self.config, config), Namespace()
        else:
            merged, namespace = inner_config(caller, passed_on, self.config, config), caller.next_namespace()
            if self.checkpointer is True:
                namespace = without_task_ids(namespace)
        limit = read_limit(merged, default_recursion_limit())
        durability = self._durability(options, caller)
        live = subgraphs or not LIVE_MODES.isdisjoint(read)
        wiring = Wiring(namespace, live, carried | read if subgraphs else carried, outer)
        watched = read | carried
        given = options.get("context")
        context = RunContext(
            plan=self._plan,
            config=merged,
            context=caller.run.context if caller is not None and not given else self._context(given),
            store=self.store if caller is None else caller.run.store,
            control=options.get("control") or (RunControl() if caller is None else caller.run.control),
            namespace=namespace,
            watched=watched,
            output_keys=self._output_keys(shown),
            writer=wiring.write if "custom" in watched else no_write,
            wiring=wiring,
            lineage=self._lineage(merged, namespace, durability, caller),
            cache=self.cache,
            caller=caller,
            durability=durability,
            step_timeout=self.step_timeout,
            tracer=open_tracer(self.name, merged),
        )
        own = None if subgraphs or not wiring.carried else namespace
        if printed:
            shape = projection(printed, subgraphs=subgraphs, namespace=own)
            connect(wiring.mux.pipe(shape), Observer(_print_item))
        items: Observable[Any] = wiring.mux
        if modes:
            shape = projection(modes, version=version, subgraphs=subgraphs, coerce=self._coerce, namespace=own)
            items = wiring.mux.pipe(shape)
        breakpoints = (
            options.get("interrupt_before") or self.interrupt_before_nodes,
            options.get("interrupt_after") or self.interrupt_after_nodes,
        )
        engine = Engine(context, input, limit, breakpoints)
        return _Run(engine, wiring, items, merged.get("max_concurrency"), durability)

    def _durability(self, options: RunOptions, caller: Task | None) -> str | None:
        durability = asked_durability(options)
        if caller is not None:
            return durability or caller.run.durability
        if durability is not None and self.checkpointer is None:
            warnings.warn(
                f"durability={durability!r} has no effect: graph {self.name!r} has no checkpointer. "
                "Compile it with one, e.g. compile(checkpointer=InMemorySaver()).",
                NoSaverWarning,
                stacklevel=4,
            )
        return durability

    def _lineage(
        self, config: dict[str, Any], namespace: Namespace, durability: str | None, caller: Task | None
    ) -> Lineage | None:
        saver, whole = self.checkpointer, durability == "exit"
        if caller is None:
            if saver is True:
                raise no_root(self.name)
            if not saver:
                return None
            check_thread(config, self.name)
            parents = config[CONF].get("checkpoint_map")
            return Lineage(saver, config, namespace, self._plan.deltas, whole, parents=parents)
        outer = caller.run.thread
        if outer is None or saver is False:
            return None
        parents = caller.checkpoint_map
        named = parents.get(NS_SEP.join(namespace))
        if named is not None:
            config = {**config, CONF: {**config[CONF], "checkpoint_id": named}}
        return Lineage(
            outer.saver,
            config,
            namespace,
            self._plan.deltas,
            whole,
            answers=outer.answers,
            parents=parents,
            transient=whole and saver is not True,
            replay=outer.replay,
        )

    def _output_keys(self, keys: str | Sequence[str]) -> str | tuple[str, ...]:
        for key in (keys,) if isinstance(keys, str) else keys:
            if key not in self._plan.channels:
                raise ValueError(
                    f"output_keys names {key!r}, which is no channel of graph {self.name!r}: Key {key} not in channels."
                    + did_you_mean(key, (n for n in self._plan.channels if ":" not in n))
                )
        return keys if isinstance(keys, str) else tuple(keys)

    def _context(self, context: Any) -> Any:
        make = self._schemas.context
        if make is not None and isinstance(context, dict):
            return make(context)
        # An empty context is none, as everywhere where one can be taken over.
        return context or None

    def _coerce(self, mode: str, data: Any) -> Any:
        make = self._schemas.output
        if mode == "values" and make is not None and isinstance(data, dict):
            return make(data)
        if mode == "checkpoints":
            return self._coerce_checkpoint(data)
        if mode == "debug" and data["type"] == "checkpoint":
            return {**data, "payload": self._coerce_checkpoint(data["payload"])}
        return data

    def _coerce_checkpoint(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        make = self._schemas.state
        # Before the input is taken in there is no whole state to make an instance of.
        if make is None or START in checkpoint["next"] or not isinstance(checkpoint["values"], dict):
            return checkpoint
        return {**checkpoint, "values": make(checkpoint["values"])}


def _listed(keys: str | Sequence[str]) -> str | list[str]:
    return keys if isinstance(keys, str) else list(keys)


def _with_questions(output: Any, interrupts: list[Interrupt]) -> Any:
    return with_interrupts(output, list(interrupts)) if interrupts else output


def _drain(log: BoundedLog[Any]) -> list[Any]:
    log.raise_error()
    return list(log.items)


def _print_item(item: tuple[Any, ...]) -> None:
    *namespace, mode, payload = item
    place = "".join(f"\x1b[1;30;33m[graph={one}]\x1b[0m " for one in namespace if one)
    print(f"\x1b[1m[{mode}]\x1b[0m {place}{payload!r}")  # printing is what print_mode asks for


__all__ = ("Pregel", "Schemas")
