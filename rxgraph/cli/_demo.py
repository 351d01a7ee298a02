"""``rxgraph demo``: audit the running Python environment with a graph, and show what came out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from rxgraph._hints import did_you_mean

from ._console import CtrlC, ExitCode, Failure, PipeConsole, UsageProblem, count
from .audit import Finding, graph, in_order
from .audit._discover import find_distributions
from .audit._model import SEVERITIES, Summary, normalised
from .audit._report import size

DEFAULT_OUTPUT: Final = Path("rxgraph-report")
STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "cyan"}
SHOWN: Final = 12
"""Findings on the screen; the report has all of them."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of ``rxgraph demo`` as they were typed."""

    output: Path
    progress: bool
    only: tuple[str, ...]
    fail_on: str | None


def demo(options: DemoOptions) -> None:
    """Run the audit, write the report, print a summary.

    Raises:
        UsageProblem: Something is wrong with the options.
        Failure: The audit itself failed.
        typer.Exit: There are findings of the severity that was to be watched for.
    """
    if options.fail_on is not None and options.fail_on not in SEVERITIES:
        raise UsageProblem(f"--fail-on got {options.fail_on!r}.{did_you_mean(options.fail_on, SEVERITIES)}")
    _check_names(options.only)
    _prepare(options.output)
    console = PipeConsole(highlight=False)
    inputs = {"output": str(options.output), "only": list(options.only)}
    with CtrlC():
        result = _watch(inputs, console, options.progress and console.is_terminal)
    findings = in_order(result["findings"])
    _print_summary(console, result["summary"], findings)
    console.print(f"Report: {', '.join(result['reports'])}", soft_wrap=True)
    if options.fail_on is not None and any(
        SEVERITIES.index(finding.severity) <= SEVERITIES.index(options.fail_on) for finding in findings
    ):
        raise typer.Exit(ExitCode.FAILED)


def _watch(inputs: dict[str, Any], console: Console, visible: bool) -> dict[str, Any]:
    """Stream the graph: its custom events move the bar, the last of its values is the result."""
    columns = (
        SpinnerColumn(),
        TextColumn("Auditing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[size]:>9}  {task.fields[package]}"),
        TimeElapsedColumn(),
    )
    result: dict[str, Any] = {}
    with Progress(*columns, console=console, transient=True, disable=not visible) as progress:
        bar = progress.add_task("audit", total=None, size="", package="")
        seen = 0
        try:
            with closing(graph.stream(inputs, stream_mode=["custom", "values"])) as events:
                for mode, payload in events:
                    if mode == "values":
                        result = payload
                    elif payload["event"] == "discovered":
                        progress.update(bar, total=payload["packages"])
                    else:
                        seen += payload["bytes"]
                        progress.update(bar, advance=1, size=size(seen), package=payload["package"])
        except Exception as error:
            raise Failure(f"the audit failed: {type(error).__name__}: {error}") from error
    return result


def _check_names(only: Sequence[str]) -> None:
    if only:
        known = {distribution.name for distribution in find_distributions(sys.path)}
        for name in only:
            if normalised(name) not in known:
                raise UsageProblem(f"--only names {name!r}, which is not installed.{did_you_mean(name, known)}")


def _prepare(folder: Path) -> None:
    """Make the folder of the report, before there is work that could be lost."""
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if new:
            # The report is about one machine; keep it out of the repository that it may be written into.
            (folder / ".gitignore").write_text("*\n", "utf-8")
    except OSError as error:
        raise UsageProblem(f"--output {str(folder)!r} can't be written to: {error.strerror}.") from None


def _print_summary(console: Console, summary: Summary, findings: Sequence[Finding]) -> None:
    if findings:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for finding in findings[:SHOWN]:
            what = finding.message
            if finding.expected and finding.got:
                what += f" Expected {finding.expected}, got {finding.got}."
            elif finding.got:
                what += f" Got {finding.got}."
            table.add_row(
                Text(finding.severity, STYLES[finding.severity]),
                Text(finding.package, "bold"),
                Text(finding.rule),
                Text(what),
            )
        console.print(table)
        if (more := len(findings) - SHOWN) > 0:
            console.print(f"and {more} more in the report", style="dim")
        console.print()
    counts = ", ".join(count(summary.counts[severity], severity) for severity in SEVERITIES)
    biggest = ", ".join(f"{name} ({size(number)})" for name, number in summary.biggest[:3])
    licences = ", ".join(f"{licence} ({number})" for licence, number in summary.licences[:5])
    facts = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    facts.add_row(
        "Packages", f"{summary.packages}, {count(summary.files, 'file')} verified, {size(summary.size_bytes)}"
    )
    facts.add_row("Findings", counts)
    facts.add_row("Biggest", Text(biggest))
    facts.add_row("Licences", Text(licences))
    console.print(facts)


__all__ = ("DEFAULT_OUTPUT", "DemoOptions", "demo")
