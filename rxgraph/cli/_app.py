"""The commands, their options and their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rxgraph.version import __version__

from ._console import leaving
from ._demo import DEFAULT_OUTPUT, DemoOptions, demo
from ._run import RunOptions, run

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


@app.command("run")
def _run(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:GRAPH",
            show_default=False,
            help="The graph: package.module:name or path/to/file.py:name. A StateGraph is compiled; a function "
            "without arguments is called.",
        ),
    ],
    input: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE|-", help="Input of the run; - reads standard input.")
    ] = "{}",
    mode: Annotated[
        list[str] | None,
        typer.Option(
            "--mode",
            "-m",
            metavar="MODE",
            show_default="updates, custom",
            help="What to show: values, updates, custom, tasks or debug; repeat it for several.",
        ),
    ] = None,
    thread: Annotated[str | None, typer.Option("--thread", metavar="ID", help="Thread id of the run.")] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="JSON|@FILE|-", help="Configuration of the run.")
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="JSON|@FILE|-", help="Context of the run, for its nodes.")
    ] = None,
    recursion_limit: Annotated[
        int | None, typer.Option("--recursion-limit", metavar="N", min=1, help="Most supersteps of the run.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines on a terminal too.")] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """Stream a graph.

    On a terminal: live progress and the output. Piped, or with --json: one JSON object a line,
    {"mode": ..., "step": ..., "data": ...}, and the last one has the mode "output" or "error".
    A step runs only when the lines before it are written, so `| head -3` also stops the graph.

    Exit codes: 0 the run ended, 1 it failed, 2 bad usage, 130 Ctrl-C, 141 nobody reads the output.
    """
    with leaving(traceback):
        run(
            RunOptions(
                target=target,
                input=input,
                modes=tuple(mode or ("updates", "custom")),
                thread=thread,
                config=config,
                context=context,
                recursion_limit=recursion_limit,
                json=json,
            )
        )


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
