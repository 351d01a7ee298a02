"""Run configuration: its options, and how a node gets at its own."""

from __future__ import annotations

from typing import Any, cast

from typing_extensions import TypedDict

from rxgraph._context import current_task
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
