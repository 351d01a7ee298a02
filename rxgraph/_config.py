"""How the configuration of a run is read at the door."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rxgraph.config import RunnableConfig
from rxgraph.constants import CONF

KEYS: Final = frozenset(RunnableConfig.__annotations__)


def default_recursion_limit() -> int:
    """Read ``RXGRAPH_DEFAULT_RECURSION_LIMIT``, or LangGraph's variable of that meaning; 10007 without them."""
    for name in ("RXGRAPH_DEFAULT_RECURSION_LIMIT", "LANGGRAPH_DEFAULT_RECURSION_LIMIT"):
        if text := os.environ.get(name):
            return int(text)
    return 10007


def merge_configs(*configs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge run configurations, the later one winning.

    Tags and callbacks are joined, ``metadata`` and ``configurable`` merged key by key; a key that is no option of a
    run goes into ``configurable``.
    """
    merged: dict[str, Any] = {}
    for config in configs:
        unknown: dict[str, Any] = {}
        for key, value in (config or {}).items():
            if value is None:
                continue
            if key == "tags":
                merged[key] = [*merged.get(key, ()), *value]
            elif key in ("metadata", CONF):
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "callbacks" and key in merged:
                merged[key] = _joined(merged[key], value)
            elif key in KEYS:
                merged[key] = value
            else:
                unknown[key] = value
        if unknown:
            merged[CONF] = {**merged.get(CONF, {}), **unknown}
    return merged


def _joined(callbacks: Any, more: Any) -> Any:
    """Join lists of handlers, or the managers that LangChain makes of them; a manager knows the run around it."""
    managers = hasattr(callbacks, "add_handler"), hasattr(more, "add_handler")
    if managers == (False, False):
        return [*callbacks, *(handler for handler in more if handler not in callbacks)]
    if managers == (True, True):
        return callbacks.merge(more)
    manager, handlers = (callbacks, more) if managers[0] else (more, callbacks)
    joined = manager.copy()
    for handler in handlers:
        joined.add_handler(handler, inherit=True)
    return joined


RUN_FACTS: Final = ("run_id", "assistant_id", "graph_id")


def run_config(*configs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge the configurations of a run; what ``configurable`` says of the run itself is metadata, too."""
    merged = merge_configs(*configs)
    given = merged.get(CONF, {})
    if facts := {key: given[key] for key in RUN_FACTS if given.get(key) is not None}:
        merged["metadata"] = {**facts, **merged.get("metadata", {})}
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


__all__ = ("config_list", "default_recursion_limit", "merge_configs", "run_config")
