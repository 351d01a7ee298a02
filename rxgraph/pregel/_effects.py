"""What the engine asks of a lane. A lane performs an effect and sends the outcome back, or throws it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from rxgraph.types import Interrupt, Namespace, Part

from ._lineage import LoadBefore, LoadHistory
from ._plan import Router
from ._recall import FullKey
from ._superstep import SaveWrites, Superstep
from ._task import Task


class Execute(NamedTuple):
    """Run the tasks of a superstep; the outcome is ``None`` when all have ended, or the first error."""

    superstep: Superstep


class Emit(NamedTuple):
    """Put parts into the mux; the outcome is ``None``."""

    parts: Iterable[Part]


class Load(NamedTuple):
    """Ask the saver for a checkpoint; the outcome is its ``CheckpointTuple``, or ``None``."""

    config: dict[str, Any]


class Recall(NamedTuple):
    """Look results of nodes up in the cache; the outcome is a dict of those that are there."""

    keys: Sequence[FullKey]


class Remember(NamedTuple):
    """Put results of nodes into the cache, each with the seconds that it is good for; the outcome is ``None``."""

    entries: Mapping[FullKey, tuple[Any, int | None]]


class Notice(NamedTuple):
    """Tell who traces the run that it has stopped, or goes on where its thread stands; the outcome is ``None``."""

    kind: Literal["interrupt", "resume"]
    status: Literal["pending", "interrupt_before", "interrupt_after"]
    checkpoint_id: str
    namespace: Namespace
    interrupts: tuple[Interrupt, ...] = ()


class Route(NamedTuple):
    """Run a router of a task that stands for an update; the outcome is ``None``."""

    task: Task
    router: Router
    output: Any


class Save(NamedTuple):
    """Give the saver a checkpoint; the outcome is its address."""

    config: dict[str, Any]
    checkpoint: Any
    metadata: Any
    new_versions: dict[str, Any]


Effect: TypeAlias = (
    Execute | Emit | Load | LoadBefore | LoadHistory | Notice | Recall | Remember | Route | Save | SaveWrites
)

__all__ = (
    "Effect",
    "Emit",
    "Execute",
    "Load",
    "LoadBefore",
    "LoadHistory",
    "Notice",
    "Recall",
    "Remember",
    "Route",
    "Save",
    "SaveWrites",
)
