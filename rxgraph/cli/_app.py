"""The commands, their options and their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rxgraph.version import __version__

from ._console import leaving
from ._demo import DEFAULT_OUTPUT, DemoOptions, demo
from ._run import RunOptions, resume, run
from ._threads import ThreadOptions, history, state

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rxgraph {__version__}")
        raise typer.Exit()


@app.callback()
def _rxgraph(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Run stateful graphs as reactive streams."""


Target = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:GRAPH",
        show_default=False,
        help="The graph: package.module:name or path/to/file.py:name. A StateGraph is compiled; a function "
        "without arguments is called.",
    ),
]
Modes = Annotated[
    list[str] | None,
    typer.Option(
        "--mode",
        "-m",
        metavar="MODE",
        show_default="updates, custom",
        help="What to show: values, updates, custom, tasks or debug; repeat it for several.",
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="sqlite:PATH",
        help="The file that keeps the threads; without it, the graph's own checkpointer.",
    ),
]
ThreadOfRun = Annotated[str | None, typer.Option("--thread", metavar="ID", help="Thread id of the run.")]
Thread = Annotated[str, typer.Option("--thread", metavar="ID", show_default=False, help="Thread id.")]
Config = Annotated[str | None, typer.Option("--config", metavar="JSON|@FILE|-", help="Configuration of the run.")]
Context = Annotated[
    str | None, typer.Option("--context", metavar="JSON|@FILE|-", help="Context of the run, for its nodes.")
]
RecursionLimit = Annotated[
    int | None, typer.Option("--recursion-limit", metavar="N", min=1, help="Most supersteps of the run.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines on a terminal too.")]
Traceback = Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")]

DEFAULT_MODES = ("updates", "custom")


@app.command("run")
def _run(
    target: Target,
    input: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="JSON|@FILE|-", show_default="{}", help="Input of the run; - reads standard input."
        ),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on where the thread failed or stopped, without an input.")
    ] = False,
    mode: Modes = None,
    checkpoint: Checkpoint = None,
    thread: ThreadOfRun = None,
    config: Config = None,
    context: Context = None,
    recursion_limit: RecursionLimit = None,
    json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Stream a graph.

    On a terminal: live progress and the output. Piped, or with --json: one JSON object a line,
    {"mode": ..., "step": ..., "data": ...}, and the last one has the mode "output", "interrupt" or "error".
    A step runs only when the lines before it are written, so `| head -3` also stops the graph.

    Exit codes: 0 the run ended, 1 it failed, 2 bad usage, 3 it waits for an answer or at a breakpoint, 130 Ctrl-C,
    141 nobody reads the output.
    """
    with leaving(traceback):
        options = RunOptions(
            target=target,
            modes=tuple(mode or DEFAULT_MODES),
            thread=thread,
            checkpoint=checkpoint,
            config=config,
            context=context,
            recursion_limit=recursion_limit,
            json=json,
        )
        run(options, input, go_on=go_on)


@app.command("resume")
def _resume(
    target: Target,
    thread: Thread,
    value: Annotated[
        str,
        typer.Option(
            "--value",
            metavar="JSON|@FILE|-",
            show_default=False,
            help="The answer; or, if there are several questions, an object of answers by their ids.",
        ),
    ],
    id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The question to answer; needed if there are several."),
    ] = None,
    mode: Modes = None,
    checkpoint: Checkpoint = None,
    config: Config = None,
    context: Context = None,
    recursion_limit: RecursionLimit = None,
    json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Answer a question on which a thread has stopped, and stream how it goes on.

    The node that asked runs again from its first line. Output and exit codes are those of `rxgraph run`.
    """
    with leaving(traceback):
        options = RunOptions(
            target=target,
            modes=tuple(mode or DEFAULT_MODES),
            thread=thread,
            checkpoint=checkpoint,
            config=config,
            context=context,
            recursion_limit=recursion_limit,
            json=json,
        )
        resume(options, value, id)


@app.command("state")
def _state(
    target: Target,
    thread: Thread,
    checkpoint: Checkpoint = None,
    checkpoint_id: Annotated[
        str | None,
        typer.Option("--checkpoint-id", metavar="ID", show_default="the latest", help="A checkpoint of the thread."),
    ] = None,
    json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Show where a thread stands: its values, what comes next, and its questions.

    Piped, or with --json: one JSON object. Nothing is run or changed.
    """
    with leaving(traceback):
        state(ThreadOptions(target=target, thread=thread, checkpoint=checkpoint, json=json), checkpoint_id)


@app.command("history")
def _history(
    target: Target,
    thread: Thread,
    checkpoint: Checkpoint = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, show_default="all", help="Most checkpoints to show.")
    ] = None,
    json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Show the checkpoints of a thread, newest first, one a line.

    Piped, or with --json: one JSON object a line. Nothing is run or changed.
    """
    with leaving(traceback):
        history(ThreadOptions(target=target, thread=thread, checkpoint=checkpoint, json=json), limit)


@app.command("demo")
def _demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of report.md and report.json.")
    ] = DEFAULT_OUTPUT,
    progress: Annotated[bool, typer.Option(" /--no-progress", help="Show no progress bar.")] = True,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Audit this package; repeat it for several.")
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on", metavar="SEVERITY", help="Leave with 1 if there are findings: error, warning or note."
        ),
    ] = None,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """Audit this Python environment with a graph.

    One task for each installed distribution checks its files against their recorded hashes, its licence and its
    requirements. The report is written as Markdown and as JSON. Nothing is changed, and no network is used.
    The graph is rxgraph.cli.audit:graph, made to be read.
    """
    with leaving(traceback):
        demo(DemoOptions(output=output, progress=progress, only=tuple(only or ()), fail_on=fail_on))


__all__ = ("app",)
