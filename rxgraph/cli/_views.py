"""How the events of a run are shown: as JSON lines for programs, live on a terminal for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.pretty import Pretty, pretty_repr
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from rxgraph.constants import INTERRUPT
from rxgraph.types import Interrupt

from ._console import ReaderGone, count
from ._events import METADATA, Progress
from ._json import to_line

NAMES_SHOWN: Final = 3
"""Names of running nodes on the progress line."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Where a run has stopped, and how to go on."""

    questions: tuple[Interrupt, ...]
    next: tuple[str, ...]
    advice: str
    command: str | None

    @property
    def what(self) -> str:
        """The rest of a sentence that says where it stopped."""
        if self.questions:
            return f"with {count(len(self.questions), 'question')}"
        return "at a breakpoint" + (f"; next: {', '.join(self.next)}" if self.next else "")


class View(Protocol):
    """Shows one run. Entering it prepares the output, leaving it puts everything back."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def show(self, mode: str, data: Any) -> None:
        """Show an event that the user asked for."""

    def finish(self) -> None:
        """Show the output."""

    def wait(self, pause: Pause) -> None:
        """Show on what the run has stopped."""

    def fail(self, error: BaseException) -> None:
        """Show that the run failed; the message for people comes later, on standard error."""


class JsonLines:
    """Standard output for programs: one object a line. What anything else prints meanwhile goes to standard error."""

    def __init__(self) -> None:
        self._out: TextIO = sys.stdout
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        # A backslash escape of a lone surrogate is also its JSON escape.
        if (reconfigure := getattr(self._out, "reconfigure", None)) is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
        self._undo.enter_context(redirect_stdout(sys.stderr))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._undo.close()

    def write(self, value: Any) -> None:
        """Write one object.

        Raises:
            ReaderGone: The other end of the pipe is closed.
        """
        try:
            self._out.write(to_line(value) + "\n")
            self._out.flush()
        except BrokenPipeError:
            raise ReaderGone from None


class JsonView(JsonLines):
    """One object a line, written before the next event is pulled.

    Every line is ``{"mode", "step", "data"}``. The last one has the mode ``output``, with the output of the graph;
    ``interrupt``, with ``{"questions", "next", "output", "command"}``; or ``error``, with ``{"node", "type",
    "message"}``. What nodes print goes to standard error, so that it can't come between.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def show(self, mode: str, data: Any) -> None:
        """Write one event.

        Raises:
            ReaderGone: The other end of the pipe is closed.
        """
        self.write({"mode": mode, "step": self._progress.step, "data": data})

    def finish(self) -> None:
        """Write the output."""
        self.show("output", self._progress.output)

    def wait(self, pause: Pause) -> None:
        """Write the questions, and what there is of the output."""
        questions = [question_facts(one) for one in pause.questions]
        output, command = self._progress.output, pause.command
        self.show("interrupt", {"questions": questions, "next": pause.next, "output": output, "command": command})

    def fail(self, error: BaseException) -> None:
        """Write the error."""
        self.show("error", {"node": self._progress.failed, "type": type(error).__name__, "message": str(error)})


class TerminalView:
    """A line for each event, and below them one that says what is running now."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._spinner = Spinner("dots")
        self._live = Live(self, console=console, transient=True, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.stop()

    def __rich__(self) -> RenderableType:
        """Draw the line that says what is running; the live display asks for it again and again."""
        progress = self._progress
        # A copy, because the display draws on a thread of its own.
        names = sorted(set(progress.running.copy().values()))
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        many = f" ({len(progress.running)} tasks)" if len(progress.running) > len(names) else ""
        what = ", ".join(names[:NAMES_SHOWN]) + more + many if names else "between steps"
        self._spinner.update(text=Text(f"step {progress.step} · {what} · {progress.elapsed:.1f} s", "dim"))
        return self._spinner

    def show(self, mode: str, data: Any) -> None:
        """Print one event on a line of its own."""
        step = Text(f"{self._progress.elapsed:7.2f} s  step {self._progress.step:<3}", "dim")
        if mode == "updates":
            kept = " (kept from before)" if data.get(METADATA, {}).get("cached") else ""
            for node, update in data.items():
                # What the run has stopped on is shown when it has.
                if node not in (INTERRUPT, METADATA):
                    self._line(step, Text(node, "bold cyan"), _update_text(update) + kept)
        else:
            self._line(step, Text(mode, "magenta"), _short(data))

    def finish(self) -> None:
        """Print how it went, and the output."""
        self._live.stop()
        progress = self._progress
        steps = count(progress.steps, "step")
        self._console.print(Text.assemble(("Done", "bold green"), f" in {steps}, {progress.elapsed:.2f} s."))
        self._console.print(Pretty(progress.output, expand_all=False))

    def wait(self, pause: Pause) -> None:
        """Print the questions, and the command that goes on from there."""
        self._live.stop()
        how_long = f"after {count(self._progress.steps, 'step')}, {self._progress.elapsed:.2f} s, "
        self._console.print(Text.assemble(("Waiting", "bold yellow"), f" {how_long}{pause.what}."))
        self._console.print(questions_table(pause.questions))
        self._console.print(Text(pause.advice))
        if pause.command is not None:
            # Not wrapped, so that it can be copied.
            self._console.print(Text(f"  {pause.command}", "bold"), soft_wrap=True)

    def fail(self, error: BaseException) -> None:
        """Take the progress line away."""
        self._live.stop()

    def _line(self, step: Text, label: Text, what: str) -> None:
        row = Table.grid(padding=(0, 2), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, min_width=12)
        row.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        row.add_row(step, label, Text(what))
        self._console.print(row)


def question_facts(question: Interrupt) -> dict[str, Any]:
    """Return a question as an object of its JSON form; the schema of its answer only if it has one."""
    schema = question.response_schema
    return {"id": question.id, "value": question.value} | ({} if schema is None else {"response_schema": schema})


def questions_table(questions: Sequence[Interrupt]) -> RenderableType:
    """Draw questions for people: the whole id, and the whole value."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for one in questions:
        grid.add_row(Text(f"  {one.id}", "cyan"), Text(one.value) if isinstance(one.value, str) else Pretty(one.value))
        if one.response_schema is not None:
            grid.add_row(Text("  answer", "dim"), Pretty(one.response_schema))
    return grid


def _update_text(update: Any) -> str:
    if update is None:
        return "no update"
    if isinstance(update, dict):
        return "  ".join(f"{key}={_short(value)}" for key, value in update.items())
    return _short(update)


def _short(value: Any) -> str:
    return pretty_repr(value, max_width=sys.maxsize, max_length=5, max_string=60, max_depth=3)


__all__ = ("JsonLines", "JsonView", "Pause", "TerminalView", "View", "question_facts", "questions_table")
