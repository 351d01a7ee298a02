"""Run configuration: how it is read at the door, and how a node gets at its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from typing_extensions import TypedDict

from rxgraph._context import current_task
from rxgraph.constants import CONF
from rxgraph.types import StreamWriter


class RunnableConfig(TypedDict, total=False):
    """Options of one run; every key may be left out.

    Args:
        tags: Labels, passed on to every task.
        metadata: Facts, passed on to every task and shown in ``tasks`` events.
        callbacks: Handlers of lifecycle events.
        run_name: Name of the run for tracers.
        max_concurrency: How many tasks of a superstep run at once.
        recursion_limit: How many supersteps a run may take, plus one.
        configurable: Values for nodes; ``thread_id`` names the thread.
        run_id: Id of the run.
    """

    tags: list[str]
    metadata: dict[str, Any]
    callbacks: Any
    run_name: str
    max_concurrency: int | None
    recursion_limit: int
    configurable: dict[str, Any]
    run_id: Any


KEYS: Final = frozenset(RunnableConfig.__annotations__)


def default_recursion_limit() -> int:
    """Read ``RXGRAPH_DEFAULT_RECURSION_LIMIT``, or LangGraph's variable of that meaning; 10007 without them."""
    for name in ("RXGRAPH_DEFAULT_RECURSION_LIMIT", "LANGGRAPH_DEFAULT_RECURSION_LIMIT"):
        if text := os.environ.get(name):
            return int(text)
    return 10007


def merge_configs(*configs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge run configurations, the later one winning.

    Tags are joined, ``metadata`` and ``configurable`` merged key by key; a key that is no option of a run goes
    into ``configurable``.
    """
    merged: dict[str, Any] = {}
    for config in configs:
        for key, value in (config or {}).items():
            if value is None:
                continue
            if key == "tags":
                merged[key] = [*merged.get(key, ()), *value]
            elif key in ("metadata", CONF):
                merged[key] = {**merged.get(key, {}), **value}
            elif key in KEYS:
                merged[key] = value
            else:
                merged[CONF] = {**merged.get(CONF, {}), key: value}
    return merged


def config_list(config: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, n: int) -> list[Mapping[str, Any]]:
    """Spread the ``config`` argument of a batch over its *n* inputs.

    Raises:
        ValueError: A list of another length than the inputs.
    """
    if config is None or isinstance(config, Mapping):
        return [config or {}] * n
    if len(config) != n:
        raise ValueError(f"batch() got {n} inputs and {len(config)} configs; give one config, or one for each input.")
    return list(config)


def get_config() -> RunnableConfig:
    """Return the configuration of the task that is running here.

    Raises:
        RuntimeError: No node is running in this context.
    """
    return cast(RunnableConfig, current_task("get_config()").config)


def get_store() -> Any:
    """Return the store of the graph whose node is running here, or ``None``.

    Raises:
        RuntimeError: No node is running in this context.
    """
    return current_task("get_store()").store


def get_stream_writer() -> StreamWriter:
    """Return the writer of the ``custom`` stream; it does nothing where nobody reads that stream.

    Raises:
        RuntimeError: No node is running in this context.
    """
    return cast(StreamWriter, current_task("get_stream_writer()").writer)


__all__ = ("RunnableConfig", "get_config", "get_store", "get_stream_writer")
