"""``rxgraph run`` and ``rxgraph resume``: stream a graph of the user's."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, get_args

import typer

from rxgraph._hints import did_you_mean
from rxgraph.errors import EmptyInputError, InvalidUpdateError, NotYetAvailableError
from rxgraph.types import Command, Interrupt, StateSnapshot, StreamMode

from ._checkpoint import check_keeps, forgets, keeping, place_name, read_place, read_state
from ._console import CtrlC, ExitCode, Failure, PipeConsole, UsageProblem, complain, count
from ._events import Item, Progress, open_run
from ._input import read_json
from ._json import to_line
from ._load import AnyGraph, load_graph
from ._views import JsonView, Pause, TerminalView, View

MODES: Final = get_args(StreamMode)
SHOWN: Final = 60
"""Characters of a wrong value in a message."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``rxgraph run`` and ``rxgraph resume`` were both told, as it was typed."""

    target: str
    modes: tuple[str, ...]
    thread: str | None
    checkpoint: str | None
    config: str | None
    context: str | None
    recursion_limit: int | None
    json: bool

    @property
    def as_json(self) -> bool:
        """Whether to print for programs."""
        return self.json or not sys.stdout.isatty()


def run(options: RunOptions, input: str | None = None, *, go_on: bool = False) -> None:
    """Load the graph, stream it, show its events.

    Args:
        options: What was typed.
        input: What was typed as the input.
        go_on: Take no input, and go on where the thread stands.

    Raises:
        UsageProblem: Something is wrong with the options; no node has run.
        Failure: The run failed.
        ReaderGone: Nobody reads the output.
        KeyboardInterrupt: Ctrl-C; the run is closed.
        typer.Exit: The run waits for an answer, or at a breakpoint.
    """
    if go_on and input is not None:
        raise UsageProblem("--continue goes on without an input. Leave out --input or --continue.")
    _check_options(options, input=input)
    value = None if go_on else read_json("--input", "{}" if input is None else input)
    config, context, place = _config(options), _context(options), read_place(options.checkpoint)
    graph = _load(options)
    if not go_on:
        _check_input(graph, value)
    if place is not None or graph.checkpointer is not None:
        _check_thread(config, options.target)
    with keeping(graph, place, "write" if go_on else "create") as keeper:
        if go_on:
            check_keeps(keeper, options.target)
        head = read_state(keeper, config, place_name(keeper, place)) if go_on else None
        _stream(options, keeper, value, config, context, head)


def resume(options: RunOptions, value: str, question: str | None) -> None:
    """Answer a question of a thread that waits, and stream how it goes on.

    Args:
        options: What was typed; names a thread.
        value: The answer as it was typed, or answers by the ids of their questions.
        question: The id of the question.

    Raises:
        UsageProblem: Also if there is no such thread or question; no node has run.
        Failure, ReaderGone, KeyboardInterrupt, typer.Exit: See :func:`run`.
    """
    _check_options(options, value=value)
    answer = read_json("--value", value)
    config, context, place = _config(options), _context(options), read_place(options.checkpoint)
    graph = _load(options)
    with keeping(graph, place, "write") as keeper:
        check_keeps(keeper, options.target)
        head = read_state(keeper, config, place_name(keeper, place))
        answers = _addressed(answer, question, head, config, options)
        _stream(options, keeper, Command(resume=answers), config, context, head)


def _stream(
    options: RunOptions,
    graph: AnyGraph,
    input: Any,
    config: Mapping[str, Any],
    context: Any,
    head: StateSnapshot | None,
) -> None:
    """Run the graph and show its events; *head* is where its thread stands, if the run goes on from there."""
    progress = Progress(graph.output_channels)
    if head is not None and head.metadata is not None:
        progress.step = head.metadata["step"]
    view: View = JsonView(progress) if options.as_json else TerminalView(progress, PipeConsole())
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
        if not progress.stopped:
            view.finish()
            return
        pause = _pause(options, graph, config, progress)
        view.wait(pause)
    if options.as_json:
        command = f" {pause.command}" if pause.command else ""
        complain("waiting", f"the run stopped {pause.what}. {pause.advice}{command}", "bold yellow")
    raise typer.Exit(ExitCode.WAITING)


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


# Stopping and going on


def _pause(options: RunOptions, graph: AnyGraph, config: Mapping[str, Any], progress: Progress) -> Pause:
    """Say where a run stopped, and which command goes on from there."""
    questions = tuple(progress.questions)
    if forgets(graph):
        advice = "Nothing was kept of it. To go on from there, run it with --checkpoint sqlite:PATH --thread ID."
        return Pause(questions, progress.next, advice, None)
    named = dict(config["configurable"])
    typed = {"checkpoint": options.checkpoint, "thread": str(named["thread_id"]), "config": options.config}
    if named.pop("checkpoint_id", None) is not None:
        # The run has left the checkpoint that it was sent to.
        typed["config"] = to_line({**config, "configurable": named})
    typed["context"] = options.context
    given = [options.target]
    for name, text in typed.items():
        given += [] if text is None else [f"--{name}", text]
    if not questions:
        command = shlex.join(["rxgraph", "run", *given, "--continue"])
        return Pause(questions, progress.next, "Go on with:", command)
    which = ["--id", "ID"] if len(questions) > 1 else []
    return Pause(
        questions, progress.next, "Answer with:", shlex.join(["rxgraph", "resume", *given, *which, "--value", "JSON"])
    )


def _addressed(
    answer: Any, question: str | None, head: StateSnapshot, config: Mapping[str, Any], options: RunOptions
) -> dict[str, Any]:
    """Return the answers by the ids of their questions.

    An answer is always sent to a question: one that is ``null``, or looks like a map of answers, would be taken for
    something else.
    """
    thread = f"thread {config['configurable']['thread_id']!r}"
    asked = {one.id: one for one in head.interrupts}
    if not asked:
        ended = "it has ended" if not head.next else "go on with: rxgraph run ... --continue"
        raise UsageProblem(f"{thread} waits for no answer; {ended}.")
    if question is not None:
        if question not in asked:
            raise UsageProblem(
                f"--id names {question!r}, and {thread} has no such question.\n{_listed(head.interrupts)}"
            )
        return {question: answer}
    if len(asked) == 1:
        return {next(iter(asked)): answer}
    if isinstance(answer, dict) and answer and asked.keys() >= answer.keys():
        return answer
    raise UsageProblem(
        f"{thread} has {count(len(asked), 'question')}: expected --id with one of their ids, or a --value that maps "
        f"ids to answers.\n{_listed(head.interrupts)}"
    )


def _listed(questions: Sequence[Interrupt]) -> str:
    return "\n".join(f"  {one.id}  {_shown(one.value)}" for one in questions)


# Reading options


def _load(options: RunOptions) -> AnyGraph:
    # What a module prints while it is imported must not come between the JSON lines.
    with redirect_stdout(sys.stderr if options.as_json else sys.stdout):
        return load_graph(options.target)


def _check_options(options: RunOptions, **values: str | None) -> None:
    for mode in options.modes:
        if mode not in MODES:
            raise UsageProblem(f"--mode got an unknown mode {mode!r}.{did_you_mean(mode, MODES)}")
    given = {**values, "config": options.config, "context": options.context}
    users = [name for name, text in given.items() if text == "-"]
    if len(users) > 1:
        raise UsageProblem(f"standard input can be read once, and --{' and --'.join(users)} want it. Use @FILE.")


def _check_input(graph: AnyGraph, input: Any) -> None:
    keys = graph.input_keys
    if keys and not isinstance(input, dict):
        raise UsageProblem(
            f"--input must be a JSON object with keys of the state ({', '.join(map(repr, keys))}), got {_shown(input)}."
        )


def _check_thread(config: Mapping[str, Any], target: str) -> None:
    if config.get("configurable", {}).get("thread_id") is None:
        raise UsageProblem(f"{target} keeps its runs in threads. Name the thread of this one: --thread ID.")


def _context(options: RunOptions) -> Any:
    return None if options.context is None else read_json("--context", options.context)


def _config(options: RunOptions) -> dict[str, Any]:
    config = {} if options.config is None else read_json("--config", options.config)
    if not isinstance(config, Mapping):
        raise UsageProblem(f"--config must be a JSON object, got {_shown(config)}.")
    merged = dict(config)
    if not isinstance(named := merged.get("configurable", {}), Mapping):
        raise UsageProblem(f"--config has a 'configurable' that must be a JSON object, got {_shown(named)}.")
    if options.thread is not None:
        merged["configurable"] = {**named, "thread_id": options.thread}
    if options.recursion_limit is not None:
        merged["recursion_limit"] = options.recursion_limit
    return merged


def _shown(value: Any) -> str:
    """Return the beginning of a JSON value."""
    text = to_line(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


__all__ = ("RunOptions", "resume", "run")
