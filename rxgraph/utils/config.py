"""Old place of ``get_config`` and ``get_store``, and two helpers for configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rxgraph._config import default_recursion_limit, merge_configs
from rxgraph.config import get_config as get_config
from rxgraph.config import get_store as get_store
from rxgraph.constants import CONF


def ensure_config(*configs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return one configuration out of several, with a value for each key that a run reads."""
    empty: dict[str, Any] = {
        "tags": [],
        "metadata": {},
        "callbacks": None,
        "recursion_limit": default_recursion_limit(),
        CONF: {},
    }
    return {**empty, **merge_configs(*configs)}


def patch_configurable(config: Mapping[str, Any] | None, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return *config* with *patch* in its ``configurable``."""
    given = dict(config or {})
    return {**given, CONF: {**given.get(CONF, {}), **patch}}


__all__ = ("ensure_config", "get_config", "get_store", "patch_configurable")
