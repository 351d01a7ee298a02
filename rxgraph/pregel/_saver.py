"""Which objects can be savers and caches, and which configurations can be saved under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rxgraph.constants import CONF

SURFACE: Final = ("get_tuple", "list", "put", "put_writes", "get_next_version")
"""What a run asks of a saver; an async run asks for the same with an ``a`` in front."""


def check_saver(saver: Any) -> Any:
    """Return what ``compile(checkpointer=...)`` was given: a saver, or what a graph inside another does without one.

    Raises:
        TypeError: It has not the methods of one.
    """
    if saver is None or isinstance(saver, bool):
        return saver
    if missing := [name for name in SURFACE if not callable(getattr(saver, name, None))]:
        raise TypeError(
            f"compile(checkpointer=...) got {saver!r}, which has no {missing[0]}(): expected None, True, False, or a "
            "saver with " + ", ".join(SURFACE) + ", such as rxgraph.checkpoint.memory.InMemorySaver()."
        )
    return saver


def no_root(name: str) -> RuntimeError:
    """Build the error for a run of a graph that can only be part of another."""
    return RuntimeError(
        f"Graph {name!r} was compiled with checkpointer=True, which means the saver of a graph around it: "
        "checkpointer=True cannot be used for root graphs. Pass a saver, e.g. InMemorySaver()."
    )


def check_cache(cache: Any) -> Any:
    """Return the cache that ``compile(cache=...)`` was given.

    Raises:
        TypeError: It has not the methods of one.
    """
    missing = [name for name in ("get", "set", "clear") if not callable(getattr(cache, name, None))]
    if cache is not None and missing:
        raise TypeError(
            f"compile(cache=...) got {cache!r}, which has no {missing[0]}(): expected a cache with get, set and clear, "
            "such as rxgraph.cache.memory.InMemoryCache()."
        )
    return cache


def check_thread(config: Mapping[str, Any], name: str) -> None:
    """Raise unless a run with a saver says which thread it belongs to.

    Raises:
        ValueError: ``configurable`` has no ``thread_id``.
    """
    if config.get(CONF, {}).get("thread_id") is None:
        raise ValueError(
            f"Graph {name!r} has a checkpointer, and its run names no thread: Checkpointer requires one or more of "
            'thread_id, checkpoint_ns, checkpoint_id. Pass config={"configurable": {"thread_id": ...}}.'
        )


__all__ = ("check_cache", "check_saver", "check_thread")
