"""What savers check before they take something away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

PruneStrategy: TypeAlias = Literal["keep_latest", "delete"]


def check_prune(thread_ids: Sequence[str], strategy: str) -> list[str]:
    """Return the threads that ``prune`` was asked for.

    Raises:
        TypeError: A string instead of a list of them; it would be taken for threads of one letter.
        ValueError: An unknown strategy.
    """
    if isinstance(thread_ids, str):
        raise TypeError(f"prune() needs a list of thread ids, got the string {thread_ids!r}. Use [{thread_ids!r}].")
    if strategy not in get_args(PruneStrategy):
        known = ", ".join(map(repr, get_args(PruneStrategy)))
        raise ValueError(f"prune(strategy=...) takes one of {known}, got {strategy!r}.")
    return [str(thread) for thread in thread_ids]


def needs_ancestors(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a checkpoint has delta channels whose values are rebuilt from older checkpoints."""
    counters: Mapping[str, Sequence[int]] = metadata.get("counters_since_delta_snapshot") or {}
    return any(any(counts) for counts in counters.values())


def delta_refusal(what: str, thread: str, ns: str, checkpoint_id: str) -> NotImplementedError:
    """Return the error for an operation that would tear delta channels off the writes they are made of."""
    return NotImplementedError(
        f"{what} would lose state: checkpoint {checkpoint_id!r} of thread {thread!r} (namespace {ns!r}) has delta "
        "channels whose values are rebuilt from checkpoints that would go. Nothing was deleted. "
        "Delete the whole thread, or let a run end with a snapshot of these channels first."
    )


__all__ = ("PruneStrategy", "check_prune", "delta_refusal", "needs_ancestors")
