"""``rxgraph state`` and ``rxgraph history``: look at a thread that was kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.pretty import Pretty
from rich.table import Table
from rich.text import Text

from rxgraph.types import StateSnapshot

from ._checkpoint import check_keeps, keeping, place_name, read_history, read_place, read_state
from ._console import PipeConsole
from ._load import AnyGraph, load_graph
from ._views import JsonLines, question_facts, questions_table


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """What names a thread on the command line, as it was typed."""

    target: str
    thread: str
    checkpoint: str | None
    json: bool


def state(options: ThreadOptions, checkpoint_id: str | None = None) -> None:
    """Show where a thread stands, or how it stood at one of its checkpoints.

    Raises:
        UsageProblem: There is no such thread.
        Failure: It can't be read.
        ReaderGone: Nobody reads the output.
    """
    with _thread(options) as (graph, config, where):
        if checkpoint_id is not None:
            config["configurable"]["checkpoint_id"] = checkpoint_id
        found = read_state(graph, config, where)
    if _as_json(options):
        with JsonLines() as lines:
            lines.write({**_facts(found), "values": found.values})
    else:
        _print_state(PipeConsole(highlight=False), options.thread, found)


def history(options: ThreadOptions, limit: int | None = None) -> None:
    """Show the checkpoints of a thread, newest first; see :func:`state` for errors."""
    with _thread(options) as (graph, config, where):
        found = read_history(graph, config, limit, where)
    if _as_json(options):
        with JsonLines() as lines:
            for one in found:
                lines.write(_facts(one))
    else:
        _print_history(PipeConsole(highlight=False), found)


@contextmanager
def _thread(options: ThreadOptions) -> Iterator[tuple[AnyGraph, dict[str, Any], str]]:
    place = read_place(options.checkpoint)
    with redirect_stdout(sys.stderr if _as_json(options) else sys.stdout):
        graph = load_graph(options.target)
    with keeping(graph, place, "look") as keeper:
        check_keeps(keeper, options.target)
        yield keeper, {"configurable": {"thread_id": options.thread}}, place_name(keeper, place)


def _as_json(options: ThreadOptions) -> bool:
    return options.json or not sys.stdout.isatty()


def _facts(found: StateSnapshot) -> dict[str, Any]:
    """Return what there is to know of a checkpoint, but for its values."""
    metadata = found.metadata or {}
    return {
        "checkpoint_id": _id(found.config),
        "parent_id": _id(found.parent_config),
        "created_at": found.created_at,
        "step": metadata.get("step"),
        "source": metadata.get("source"),
        "next": found.next,
        "questions": [question_facts(one) for one in found.interrupts],
        "errors": [{"node": task.name, "error": task.error} for task in found.tasks if task.error is not None],
    }


def _id(config: Mapping[str, Any] | None) -> str | None:
    return None if config is None else config["configurable"].get("checkpoint_id")


def _print_state(console: Console, thread: str, found: StateSnapshot) -> None:
    facts = _facts(found)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Thread", Text(thread))
    grid.add_row("Checkpoint", Text(f"{facts['checkpoint_id']}, step {facts['step']} ({facts['source']})"))
    grid.add_row("Created", Text(str(found.created_at)))
    grid.add_row("Next", Text(", ".join(found.next), "cyan") if found.next else Text("nothing; it has ended", "dim"))
    for error in facts["errors"]:
        grid.add_row("Failed", Text(f"{error['node']}: {error['error']!r}", "red"))
    grid.add_row("Values", Pretty(found.values))
    console.print(grid)
    if found.interrupts:
        console.print(Text("Questions", "bold"))
        console.print(questions_table(found.interrupts))


def _print_history(console: Console, found: list[StateSnapshot]) -> None:
    for one in found:
        facts = _facts(one)
        after = Text(f"→ {', '.join(one.next)}", "cyan") if one.next else Text("end", "dim")
        marks = Text(" waits for an answer", "yellow") if one.interrupts else Text()
        if facts["errors"]:
            marks.append(" failed", "red")
        step = f"step {facts['step']!s:<4} {facts['source']!s:<6} "
        line = Text.assemble((step, "bold"), f"{facts['checkpoint_id']}  {one.created_at}  ", after, marks)
        console.print(line, soft_wrap=True)


__all__ = ("ThreadOptions", "history", "state")
