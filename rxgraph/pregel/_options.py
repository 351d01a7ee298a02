"""The options of one run: their names and types, and how they are checked at the door."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast, get_args

from typing_extensions import TypedDict

from rxgraph._hints import did_you_mean
from rxgraph.errors import NotYetAvailableError
from rxgraph.runtime import RunControl
from rxgraph.types import All, Durability, StreamMode
from rxgraph.warnings import LangGraphDeprecatedSinceV10


class RunOptions(TypedDict, total=False):
    """Keyword arguments of ``invoke``, ``ainvoke``, ``stream``, ``astream`` and ``observe``.

    Args:
        context: Read-only data of the run; a dict is made into the graph's ``context_schema``.
        stream_mode: One mode, or a list of modes; items of a list are labelled ``(mode, payload)``.
        print_mode: Modes that are also printed.
        output_keys: Channels that ``values`` and ``updates`` show; one name gives bare values.
        control: Lets another thread ask the run to drain.
        subgraphs: Also show the events of graphs inside nodes.
        debug: Print ``updates`` and ``values``.
        version: ``"v1"``: payloads; ``"v2"``: dicts ``{"type", "ns", "data"}``.
        interrupt_before: Stop before these nodes.
        interrupt_after: Stop after these nodes.
        durability: When checkpoints are saved. ``"sync"``: before the next superstep begins; ``"async"``, the
            default: meanwhile, a few at most; ``"exit"``: one, when the run ends.
        checkpoint_during: Retired: ``True`` is ``durability="async"``, ``False`` is ``durability="exit"``.
    """

    context: Any
    stream_mode: StreamMode | Sequence[StreamMode] | None
    print_mode: StreamMode | Sequence[StreamMode]
    output_keys: str | Sequence[str] | None
    control: RunControl | None
    subgraphs: bool
    debug: bool | None
    version: Literal["v1", "v2"]
    interrupt_before: All | Sequence[str] | None
    interrupt_after: All | Sequence[str] | None
    durability: Durability | None
    checkpoint_during: bool | None


NAMES: Final = frozenset(RunOptions.__annotations__)
MODES: Final = frozenset(get_args(StreamMode))
DURABILITIES: Final = frozenset(get_args(Durability))
NOT_YET: Final = {"messages": "token streaming"}


def check_names(options: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for an option that does not exist, and for one whose part is not built yet."""
    if unknown := sorted(options.keys() - NAMES):
        raise TypeError(f"A run has no option {unknown[0]!r}." + did_you_mean(unknown[0], NAMES))


def read_modes(value: Any, default: str, option: str = "stream_mode") -> str | tuple[str, ...]:
    """Check one mode or a sequence of modes.

    Raises:
        ValueError: A mode that does not exist.
    """
    if value is None:
        return default
    modes = (value,) if isinstance(value, str) else tuple(value)
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"{option} got an unknown mode {mode!r}." + did_you_mean(mode, MODES))
        if mode in NOT_YET:
            raise NotYetAvailableError(f"{option}={mode!r}", f"It comes with {NOT_YET[mode]}.")
    return value if isinstance(value, str) else modes


def read_version(value: Any) -> Literal["v1", "v2"]:
    """Check the version of the item shapes.

    Raises:
        ValueError: A version that does not exist.
    """
    if value not in ("v1", "v2"):
        raise ValueError(f"version got {value!r}; expected 'v1' or 'v2'.")
    return cast(Literal["v1", "v2"], value)


def asked_durability(options: RunOptions) -> str | None:
    """Read when checkpoints are saved, also in its retired spelling.

    Raises:
        ValueError: None of the three ways, or both spellings.
    """
    during = options.get("checkpoint_during")
    if during is None:
        return read_durability(options.get("durability"))
    warnings.warn(
        "checkpoint_during is deprecated, use durability: 'async' for True, 'exit' for False.",
        LangGraphDeprecatedSinceV10,
        stacklevel=6,
    )
    if options.get("durability") is not None:
        raise ValueError(
            f"A run takes checkpoint_during={during!r} or durability={options['durability']!r}, not both. "
            "Leave checkpoint_during out."
        )
    return "async" if during else "exit"


def read_durability(value: Any) -> str | None:
    """Check when checkpoints are saved.

    Raises:
        ValueError: None of the three ways.
    """
    if value is not None and value not in DURABILITIES:
        raise ValueError(f"durability got {value!r}; expected 'sync', 'async' or 'exit'.")
    return cast("str | None", value)


def read_limit(config: Mapping[str, Any], default: int) -> int:
    """Check ``recursion_limit``.

    Raises:
        ValueError: It is below 1.
    """
    limit = config.get("recursion_limit", default)
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"recursion_limit must be at least 1, got {limit!r}.")
    return limit


__all__ = ("RunOptions",)
