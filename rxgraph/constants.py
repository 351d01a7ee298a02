"""Literal values that programs, savers and pictures see; they are shared with LangGraph, so data carries over."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Literal
from warnings import warn

from rxgraph.warnings import LangGraphDeprecatedSinceV10

START: Final = "__start__"
"""Virtual node that receives the input of a run."""
END: Final = "__end__"
"""Virtual node at which a path ends."""

TAG_HIDDEN: Final = "langsmith:hidden"
"""Tag that keeps a node out of streams and pictures."""
TAG_NOSTREAM: Final = "nostream"
"""Tag that keeps a chat model out of the ``messages`` stream."""

ROOT: Final = "__root__"
"""Channel of a state that is one plain value."""
INPUT: Final = "__input__"
COPY: Final = "__copy__"
TASKS: Final = "__pregel_tasks"
"""Topic of pending ``Send`` packets."""
PULL: Final = "__pregel_pull"
PUSH: Final = "__pregel_push"
INTERRUPT: Final = "__interrupt__"
RESUME: Final = "__resume__"
ERROR: Final = "__error__"
ERROR_SOURCE_NODE: Final = "__error_source_node__"
NO_WRITES: Final = "__no_writes__"
RETURN: Final = "__return__"
PREVIOUS: Final = "__previous__"
OVERWRITE: Final = "__overwrite__"
PARENT: Final = "__parent__"
NULL_TASK_ID: Final = "00000000-0000-0000-0000-000000000000"

NS_SEP: Final = "|"
"""Stands between the levels of a checkpoint namespace."""
NS_END: Final = ":"
"""Stands between a node's name and its task id in a namespace."""

CONF: Final = "configurable"
CONFIG_KEY_CHECKPOINTER: Final = "__pregel_checkpointer"
"""Key under which LangGraph hands a saver down; kept for programs that import it."""

RESERVED: Final = frozenset(
    {
        INPUT,
        COPY,
        TASKS,
        PULL,
        PUSH,
        INTERRUPT,
        RESUME,
        ERROR,
        ERROR_SOURCE_NODE,
        NO_WRITES,
        RETURN,
        PREVIOUS,
        "checkpoint_ns",
        "checkpoint_id",
        "checkpoint_map",
        "thread_id",
    }
)
"""Names that no node and no state key may take."""


class _Missing(Enum):
    """The type of :data:`MISSING`; an enum member, so that type checkers can narrow on identity."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing.MISSING
"""Says that there is no value where ``None`` is a legal one."""
Missing = Literal[_Missing.MISSING]

_RETIRED: Final = {
    **{
        f"CONFIG_KEY_{name.upper()}": f"__pregel_{name}"
        for name in (
            "cache call durability node_error node_finished read replay_state resume_map resuming runner_submit"
            " runtime scratchpad send stream stream_messages_v2 strict_resume task_id timed_attempt_observer"
        ).split()
    },
    **{
        f"CONFIG_KEY_{name.upper()}": name for name in ("checkpoint_id", "checkpoint_map", "checkpoint_ns", "thread_id")
    },
    "CACHE_NS_WRITES": "__pregel_ns_writes",
    "SNAPSHOT_BUMPS": "__snapshot_bumps__",
}
"""Names of LangGraph's own keys, which older programs import from here."""


def __getattr__(name: str) -> Any:
    if name in ("Send", "Interrupt"):
        import rxgraph.types

        found, instead = getattr(rxgraph.types, name), f"import it from rxgraph.types: {name} is a type"
    elif name in _RETIRED:
        found, instead = _RETIRED[name], "no program should need it: rxgraph reads configurable at the door"
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn(f"{__name__}.{name} is deprecated; {instead}.", LangGraphDeprecatedSinceV10, stacklevel=2)
    return found


__all__ = ("END", "START", "TAG_HIDDEN", "TAG_NOSTREAM")
