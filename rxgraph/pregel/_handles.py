"""Run handles over a graph: how a run is opened for them, and what drives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rxgraph.errors import NotYetAvailableError
from rxgraph.flow import DEFAULT_MAXLEN, Inbox
from rxgraph.stream import AsyncGraphRunStream, GraphRunStream, StreamMux, StreamTransformer
from rxgraph.stream._feed import ChainTransformer
from rxgraph.stream._mux import Factory
from rxgraph.stream.transformers import BUILT_IN

from ._tracing import Counts, Reading
from .lanes._sources import DriverSource, LaneSource

if TYPE_CHECKING:
    from .main import Pregel, _Run

Chains: TypeAlias = Mapping[str, Callable[[Any], Any]]
"""Operator chains by the name of the projection."""
Transformers: TypeAlias = Chains | Sequence[Factory | Chains]

OWNED = ("stream_mode", "subgraphs")
"""Options of ``stream`` that follow from the transformers here."""


def open_handle(
    graph: Pregel[Any, Any, Any, Any],
    input: Any,
    config: Any,
    transformers: Transformers | None,
    maxlen: int | None,
    options: dict[str, Any],
) -> GraphRunStream:
    """Wire a run of the synchronous lane and return its handle."""
    run, mux = _open(graph, input, config, transformers, maxlen, options, is_async=False)
    handle = GraphRunStream(LaneSource(run.sync(), run.wiring, mux), mux)
    _tell_tracer(run, handle, mux)
    handle._run_id, handle._engine = run.engine.run.config.get("run_id"), run.engine
    return handle


async def open_ahandle(
    graph: Pregel[Any, Any, Any, Any],
    input: Any,
    config: Any,
    transformers: Transformers | None,
    maxlen: int | None,
    options: dict[str, Any],
) -> AsyncGraphRunStream:
    """Wire a run of the asynchronous lane and return its handle."""
    run, mux = _open(graph, input, config, transformers, maxlen, options, is_async=True)
    handle = AsyncGraphRunStream(DriverSource(run.asynchronous(), run.wiring, mux), mux)
    _tell_tracer(run, handle, mux)
    handle._run_id, handle._engine = run.engine.run.config.get("run_id"), run.engine
    return handle


def _open(
    graph: Pregel[Any, Any, Any, Any],
    input: Any,
    config: Any,
    transformers: Transformers | None,
    maxlen: int | None,
    options: dict[str, Any],
    is_async: bool,
) -> tuple[_Run, StreamMux]:
    version = options.pop("version", None)
    if version != "v3":
        where = "astream_events" if is_async else "stream_events"
        raise NotYetAvailableError(f"{where}(version={version!r})", "Use version='v3', or stream and astream.")
    for name in OWNED:
        if name in options:
            raise TypeError(f"Events of a run have no option {name!r}: the transformers say what is shown.")
    factories: list[Factory] = [*BUILT_IN, *read_transformers(graph.transformers), *read_transformers(transformers)]
    mux = StreamMux(factories=factories, is_async=is_async, coerce=graph._coerce, maxlen=maxlen)
    modes: Any = tuple(sorted(mux.modes))
    opened = cast(Any, {**options, "subgraphs": True})
    # The keys of the stream are named, because a default would change where a node passes its configuration on.
    run = graph._open(input, config, opened, modes, keys=graph._plan.stream_channels)
    wiring = run.wiring
    if wiring.namespace:
        # Called by a node: its graph is no root, and transformers are told so.
        mux = StreamMux(
            factories=factories, is_async=is_async, scope=wiring.namespace, coerce=graph._coerce, maxlen=maxlen
        )
    mux.take_over(wiring.mux)
    wiring.mux = mux
    # What worker threads hand over waits in front of the channels.
    wiring.inbox = Inbox(min(mux.room, DEFAULT_MAXLEN))
    return run, mux


def _tell_tracer(run: _Run, handle: object, mux: StreamMux) -> None:
    """Tell who traces the run how the handle reads it."""
    tracer, channels = run.engine.run.tracer, mux._channels
    if tracer is None:
        return

    def counts() -> Mapping[str, Counts]:
        # Not the channel's own statistics: those make room, which is for the thread that owns the run.
        found = {}
        for channel in tuple(channels):
            readers = [reader.statistics() for reader in tuple(channel._readers)]
            found[channel.name] = Counts(
                channel._delivered + sum(one.delivered for one in readers),
                channel._dropped + sum(one.dropped for one in readers),
                channel.overrun,
                max((one.lag for one in readers), default=0),
            )
        return found

    def demand() -> int:
        return sum(reader.waiting for channel in tuple(channels) for reader in tuple(channel._readers))

    tracer.read(handle, Reading(run.wiring.gate, counts, demand))


def read_transformers(given: Transformers | None) -> list[Factory]:
    """Return the factories of what a caller gave: operator chains by name, or a sequence of factories and such.

    Raises:
        TypeError: Something else is among it.
    """
    if given is None:
        return []
    factories: list[Factory] = []
    for one in (given,) if isinstance(given, Mapping) else given:
        if isinstance(one, Mapping):
            for key, chain in one.items():
                # Made once now, so that what is no operator is refused at the call.
                ChainTransformer(key, chain)
                factories.append(partial(ChainTransformer, key, chain))
        elif isinstance(one, StreamTransformer) or not callable(one):
            raise TypeError(
                f"transformers= takes classes, functions of a scope and dicts of operator chains, got {one!r}. "
                "A transformer that is made already serves one graph only: pass its class, or lambda scope: ..."
            )
        else:
            factories.append(one)
    return factories


__all__ = ("Transformers", "open_ahandle", "open_handle", "read_transformers")
