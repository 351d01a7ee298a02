"""Graphs inside graphs: who calls, what an inner run takes over, and where it stands in the thread.

A graph that is called while a node runs is part of that node's run, unless its configuration names a thread of its
own. It takes over saver, store, context, durability and configuration, and runs in the namespace of the calling task.

======================  ========================  ==========================================================
``checkpointer=``       namespace                 lives
======================  ========================  ==========================================================
``None``, or a saver    ``node:<task id>``        as long as the task; the saver is that of the outer run
``True``                ``node``                  as long as the thread: the next run finds what this one left
``False``               ``node:<task id>``        nothing is saved
======================  ========================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from rxgraph._config import merge_configs, run_config
from rxgraph._context import CURRENT
from rxgraph.constants import CONF, NS_END, NS_SEP
from rxgraph.types import Namespace

from ._lineage import TASK_KEY
from ._task import Task

OWN_THREAD: Final = frozenset({"thread_id", "checkpoint_id", "checkpoint_ns", "checkpoint_map"})
"""Keys of ``configurable`` by which a call says that it is no part of the run around it."""


def caller_of(config: Mapping[str, Any] | None) -> tuple[Task | None, bool]:
    """Return the task whose node calls a graph, and whether the node has passed its own configuration on."""
    configurable = (config or {}).get(CONF) or {}
    if TASK_KEY in configurable:
        return configurable[TASK_KEY](), True
    if not OWN_THREAD.isdisjoint(configurable):
        return None, False
    return cast("Task | None", CURRENT.get()), False


def inner_config(
    caller: Task, passed_on: bool, own: Mapping[str, Any] | None, given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Merge the configuration of an inner run: what the caller has, what the graph was given, and what the call says.

    Args:
        caller: The calling task.
        passed_on: Whether *given* was made out of the caller's configuration.
        own: Of the graph.
        given: Of the call.
    """
    outermost, around = {"metadata": {"checkpoint_ns": caller.checkpoint_ns}}, caller.config
    said = merge_configs(own, given)
    if "tags" in said:
        said["tags"] = [tag for tag in said["tags"] if tag not in around.get("tags", ())]
    if passed_on:
        if said.get("callbacks") is around.get("callbacks"):
            said.pop("callbacks", None)
        # The caller may have left something out.
        around = {key: value for key, value in around.items() if key != CONF}
    return merge_configs(outermost, around, said)


def root_config(own: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge the configuration of a run that is part of no other; its namespace is always that of the root.

    The address of a checkpoint of an inner graph stands for that of the root's checkpoint around it.
    """
    merged = run_config(own, given)
    configurable = merged.get(CONF, {})
    if configurable.get("checkpoint_ns"):
        root = (configurable.get("checkpoint_map") or {}).get("")
        merged[CONF] = {**configurable, "checkpoint_ns": "", "checkpoint_id": root}
    return merged


def without_task_ids(namespace: Namespace) -> Namespace:
    """Return the place in a thread that stays the same from run to run: ``("a:<id>", "1")`` becomes ``("a", "1")``."""
    return tuple(segment.split(NS_END, 1)[0] for segment in namespace)


def node_names(checkpoint_ns: str) -> list[str]:
    """Return the nodes on the way to a namespace, without task ids and numbers of calls."""
    return [name for name in without_task_ids(tuple(checkpoint_ns.split(NS_SEP))) if not name.isdigit()]


__all__ = ("caller_of", "inner_config", "node_names", "root_config", "without_task_ids")
