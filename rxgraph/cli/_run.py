"""``rxgraph run``: stream a graph of the user's."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, get_args

from rxgraph._hints import did_you_mean
from rxgraph.errors import EmptyInputError, InvalidUpdateError, NotYetAvailableError
from rxgraph.types import StreamMode

from ._console import CtrlC, Failure, PipeConsole, UsageProblem
from ._events import Item, Progress, open_run
from ._input import read_json
from ._json import to_line
from ._load import AnyGraph, load_graph
from ._views import JsonView, TerminalView, View

MODES: Final = get_args(StreamMode)
SHOWN: Final = 60
"""Characters of a wrong value in a message."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``rxgraph run`` as they were typed."""

    target: str
    input: str
    modes: tuple[str, ...]
    thread: str | None
    config: str | None
    context: str | None
    recursion_limit: int | None
    json: bool


def run(options: RunOptions) -> None:
    """Load the graph, stream it, show its events.

    Raises:
        UsageProblem: Something is wrong with the options; no node has run.
        Failure: The run failed.
        ReaderGone: Nobody reads the output.
        KeyboardInterrupt: Ctrl-C; the run is closed.
    """
    _check_modes(options.modes)
    _check_stdin(options)
    input = read_json("--input", options.input)
    config = _config(options)
    context = None if options.context is None else read_json("--context", options.context)
    as_json = options.json or not sys.stdout.isatty()
    # What a module prints while it is imported must not come between the JSON lines.
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        graph = load_graph(options.target)
    _check_input(graph, input)
    progress = Progress(graph.output_channels)
    view: View = JsonView(progress) if as_json else TerminalView(progress, PipeConsole())
    with CtrlC() as ctrl_c, view:
        try:
            pulls = open_run(graph, input, config, context, options.modes, ctrl_c)
        except (NotYetAvailableError, TypeError, ValueError) as error:
            raise UsageProblem(str(error)) from error
        with closing(pulls):
            try:
                for mode, data in _followed(pulls, progress):
                    if mode in options.modes:
                        view.show(mode, data)
            except Failure as failure:
                view.fail(failure.__cause__ or failure)
                raise
        view.finish()


def _followed(pulls: Iterator[Item], progress: Progress) -> Iterator[Item]:
    """Keep *progress* up to date, and tell the errors of the run from those of showing it."""
    try:
        for mode, data in pulls:
            progress.see(mode, data)
            yield mode, data
    except (EmptyInputError, InvalidUpdateError) as error:
        if progress.step == 0:
            raise UsageProblem(f"--input does not fit the graph: {error}") from error
        raise _failure(error, progress) from error
    except (Exception, SystemExit) as error:
        raise _failure(error, progress) from error


def _failure(error: BaseException, progress: Progress) -> Failure:
    who = "the run" if progress.failed is None else f"node {progress.failed!r}"
    return Failure(f"{who} failed in step {progress.step}: {type(error).__name__}: {error}")


def _check_modes(modes: tuple[str, ...]) -> None:
    for mode in modes:
        if mode not in MODES:
            raise UsageProblem(f"--mode got an unknown mode {mode!r}.{did_you_mean(mode, MODES)}")


def _check_stdin(options: RunOptions) -> None:
    users = [name for name in ("input", "config", "context") if getattr(options, name) == "-"]
    if len(users) > 1:
        raise UsageProblem(f"standard input can be read once, and --{' and --'.join(users)} want it. Use @FILE.")


def _check_input(graph: AnyGraph, input: Any) -> None:
    keys = graph.input_keys
    if keys and not isinstance(input, dict):
        raise UsageProblem(
            f"--input must be a JSON object with keys of the state ({', '.join(map(repr, keys))}), got {_shown(input)}."
        )


def _config(options: RunOptions) -> dict[str, Any]:
    config = {} if options.config is None else read_json("--config", options.config)
    if not isinstance(config, Mapping):
        raise UsageProblem(f"--config must be a JSON object, got {_shown(config)}.")
    merged = dict(config)
    if options.thread is not None:
        merged["configurable"] = {**merged.get("configurable", {}), "thread_id": options.thread}
    if options.recursion_limit is not None:
        merged["recursion_limit"] = options.recursion_limit
    return merged


def _shown(value: Any) -> str:
    """Return the beginning of a JSON value."""
    text = to_line(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


__all__ = ("RunOptions", "run")
