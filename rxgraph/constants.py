"""Literal values that programs, savers and pictures see; they are shared with LangGraph, so data carries over."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

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

__all__ = ("END", "START", "TAG_HIDDEN", "TAG_NOSTREAM")
