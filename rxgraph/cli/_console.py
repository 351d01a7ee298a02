"""What every command shares: exit codes, errors as a person reads them, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import Any, Final, NoReturn, TextIO

import typer
from rich.console import Console
from rich.text import Text

from rxgraph.warnings import RxGraphWarning

STOPPING: Final = b"\nStopping: waiting for the nodes that are running. Ctrl-C again leaves at once.\n"
SHOW_CURSOR: Final = b"\x1b[?25h"


class ExitCode(IntEnum):
    """How a command ends; the last two are what shells give for the signals of that meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    WAITING = 3
    INTERRUPTED = 128 + 2
    NO_READER = 128 + 13


class UsageProblem(Exception):
    """The command can't be done as it was given; the message says what to write instead."""


class Failure(Exception):
    """The command was understood, and what it started failed; ``__cause__`` is the error."""


class ReaderGone(Exception):
    """Whoever reads our output closed it."""


class PipeConsole(Console):
    """A console that leaves the end of a pipe to :func:`leaving`."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise :class:`ReaderGone` instead of ending the process here."""
        raise ReaderGone


def complain(kind: str, message: str, style: str = "bold red") -> None:
    """Print ``error: message`` or the like on standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble((f"{kind}:", style), " ", message), soft_wrap=True)


@contextmanager
def leaving(show_traceback: bool) -> Iterator[None]:
    """Turn the ways in which a command ends into messages and exit codes."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except UsageProblem as problem:
        complain("error", str(problem))
        raise typer.Exit(ExitCode.USAGE) from None
    except Failure as failure:
        if show_traceback and failure.__cause__ is not None:
            traceback.print_exception(failure.__cause__)
        hint = "" if show_traceback or failure.__cause__ is None else " (--traceback shows where)"
        complain("error", f"{failure}{hint}")
        raise typer.Exit(ExitCode.FAILED) from None
    except ReaderGone:
        _silence_stdout()
        raise typer.Exit(ExitCode.NO_READER) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


class CtrlC:
    """The first Ctrl-C stops the run and waits for its nodes; the second leaves the process.

    A node on a thread can't be stopped from outside, so without the second one a person would have to wait for it.
    """

    def __init__(self) -> None:
        self.cancel: Callable[[], object] | None = None
        """How to stop what the event loop is running; otherwise ``KeyboardInterrupt`` is raised where we are."""
        self.pressed = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        # Python delivers signals to the main thread only.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # os.write, because a signal may come in the middle of a print.
        if self.pressed:
            if sys.__stdout__ is not None and sys.__stdout__.isatty():
                os.write(1, SHOW_CURSOR)
            os._exit(ExitCode.INTERRUPTED)
        self.pressed = True
        os.write(2, STOPPING)
        if self.cancel is None:
            raise KeyboardInterrupt
        self.cancel()


def count(number: int, what: str) -> str:
    """Return ``1 step`` or ``2 steps``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print our own warnings as a sentence, and others with the line that they are about."""
    if issubclass(category, RxGraphWarning):
        complain("warning", str(message), "bold yellow")
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _silence_stdout() -> None:
    """Let the interpreter flush what is left of standard output into nowhere when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


__all__ = ("CtrlC", "ExitCode", "Failure", "PipeConsole", "ReaderGone", "UsageProblem", "complain", "count", "leaving")
