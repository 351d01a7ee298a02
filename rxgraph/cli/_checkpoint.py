"""Where ``--checkpoint`` keeps threads, and how a thread of it is read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from rxgraph.config import RunnableConfig
from rxgraph.graph.state import CompiledStateGraph
from rxgraph.types import StateSnapshot

from ._console import Failure, UsageProblem
from ._load import AnyGraph

if TYPE_CHECKING:
    import sqlite3

Access = Literal["look", "write", "create"]
"""Whether a file is only looked at, written to, or made if it isn't there."""

FORGETFUL: Final = frozenset(("InMemorySaver", "MemorySaver"))
"""Savers, of either runtime, whose threads end with the process."""


def read_place(text: str | None) -> Path | None:
    """Return the file that a value of ``--checkpoint`` names.

    Raises:
        UsageProblem: It is not ``sqlite:PATH``.
    """
    if text is None:
        return None
    kind, _, path = text.partition(":")
    if kind == "sqlite" and path.strip() and not path.startswith((":", "//")):
        return Path(os.path.expanduser(path))
    hint = f" Did you mean sqlite:{text}?" if os.path.isfile(text) or text.endswith((".db", ".sqlite")) else ""
    raise UsageProblem(f"--checkpoint must be sqlite:PATH, with a file that outlives the process, got {text!r}.{hint}")


@contextmanager
def keeping(graph: AnyGraph, place: Path | None, access: Access) -> Iterator[AnyGraph]:
    """Give a copy of the graph that keeps its threads in a file; without a file, the graph as it is.

    Raises:
        UsageProblem: The file is not there, can't be opened, or holds no threads.
    """
    if place is None:
        yield graph
        return
    # sqlite3 and the serialisers are loaded only when there is a file.
    import sqlite3

    from rxgraph.checkpoint.serde.allowlist import collect_allowlist
    from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from rxgraph.checkpoint.sqlite import SqliteSaver

    if access != "create":
        _check_file(place)
    elif not place.parent.is_dir():
        raise UsageProblem(f"--checkpoint names {str(place)!r}, and there is no folder {str(place.parent)!r}.")
    schemas = graph.builder.schemas if isinstance(graph, CompiledStateGraph) else ()
    serde = JsonPlusSerializer(allowed_msgpack_modules=collect_allowlist(*schemas))
    try:
        conn = _connect(place, "rwc" if access == "create" else "rw")
    except sqlite3.Error as error:
        raise _unusable(place, error) from error
    with closing(conn):
        saver = SqliteSaver(conn, serde=serde)
        try:
            if access == "look":
                conn.execute("PRAGMA query_only = ON")
            saver.setup()
        except sqlite3.Error as error:
            raise _unusable(place, error) from error
        twin = copy(graph)
        twin.checkpointer = saver
        yield twin


def check_keeps(graph: AnyGraph, target: str) -> None:
    """Raise unless the graph has a checkpointer.

    Raises:
        UsageProblem: It has none.
    """
    if graph.checkpointer is None:
        raise UsageProblem(
            f"{target} has no checkpointer of its own. Say where its threads are: --checkpoint sqlite:PATH."
        )


def forgets(graph: AnyGraph) -> bool:
    """Whether nothing of a run is left when this process ends."""
    return graph.checkpointer is None or type(graph.checkpointer).__name__ in FORGETFUL


def read_state(graph: AnyGraph, config: Mapping[str, Any], where: str) -> StateSnapshot:
    """Return the state of the thread, or of the checkpoint, that *config* names.

    Args:
        graph: Has a checkpointer.
        config: Names the thread.
        where: What to call the place in which the thread should be.

    Raises:
        UsageProblem: It is not there.
        Failure: It can't be read.
    """
    typed = cast(RunnableConfig, config)
    with reading(config):
        found = asyncio.run(graph.aget_state(typed)) if graph.needs_async else graph.get_state(typed)
    if found.metadata is None:
        raise missing(config, where)
    return found


def read_history(graph: AnyGraph, config: Mapping[str, Any], limit: int | None, where: str) -> list[StateSnapshot]:
    """Return the checkpoints of a thread, newest first; see :func:`read_state`."""
    typed = cast(RunnableConfig, config)

    async def drained() -> list[StateSnapshot]:
        return [one async for one in graph.aget_state_history(typed, limit=limit)]

    with reading(config):
        found = asyncio.run(drained()) if graph.needs_async else list(graph.get_state_history(typed, limit=limit))
    if not found:
        raise missing(config, where)
    return found


def place_name(graph: AnyGraph, place: Path | None) -> str:
    """Return how messages call the place in which a graph keeps its threads."""
    return f"{type(graph.checkpointer).__name__} of the graph" if place is None else repr(str(place))


@contextmanager
def reading(config: Mapping[str, Any]) -> Iterator[None]:
    """Turn what goes wrong with a saver into a failure that names the thread."""
    try:
        yield
    except Exception as error:
        thread = config["configurable"]["thread_id"]
        raise Failure(f"thread {thread!r} can't be read: {type(error).__name__}: {error}") from error


def missing(config: Mapping[str, Any], where: str) -> UsageProblem:
    """Return the problem that a thread, or its checkpoint, is not there."""
    named = config["configurable"]
    checkpoint = named.get("checkpoint_id")
    what = f"thread {named['thread_id']!r}"
    return UsageProblem(
        f"there is no {what if checkpoint is None else f'checkpoint {checkpoint!r} of {what}'} in {where}."
    )


def _check_file(place: Path) -> None:
    """Raise for a file that isn't there or isn't ours, without changing it."""
    import sqlite3

    from rxgraph.checkpoint.sqlite import SqliteSaver

    if not place.is_file():
        raise UsageProblem(f"--checkpoint names {str(place)!r}, and there is no such file.")
    try:
        with closing(_connect(place, "ro")) as conn:
            SqliteSaver(conn).setup()
    except sqlite3.OperationalError as error:
        # It wanted to make its tables. Anything else comes again, or is healed, when the file is opened to be written.
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY:
            raise UsageProblem(f"--checkpoint names {str(place)!r}, which holds no threads.") from None
    except sqlite3.Error as error:
        raise _unusable(place, error) from error


def _connect(place: Path, mode: str) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(f"{place.resolve().as_uri()}?mode={mode}", uri=True, check_same_thread=False)


def _unusable(place: Path, error: Exception) -> UsageProblem:
    return UsageProblem(f"--checkpoint names {str(place)!r}, which can't be used: {error}.")


__all__ = (
    "Access",
    "check_keeps",
    "forgets",
    "keeping",
    "place_name",
    "read_history",
    "read_place",
    "read_state",
)
