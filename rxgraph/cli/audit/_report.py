"""Write the report, for people as Markdown and for programs as JSON."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ._model import SEVERITIES, Finding, Package, Relations, Summary

HEADINGS: Final = {"error": "Errors", "warning": "Warnings", "note": "Notes"}
SHOWN: Final = 20
"""Names in a list of the Markdown report; the JSON report has all of them."""


def write_report(
    folder: Path,
    summary: Summary,
    findings: Sequence[Finding],
    packages: Sequence[Package],
    relations: Relations,
) -> list[Path]:
    """Write ``report.md`` and ``report.json`` into a folder, and return their paths.

    Two reports on one environment differ in ``created`` only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "environment": sys.prefix,
    }
    data = {
        **about,
        "summary": asdict(summary),
        "findings": [asdict(finding) for finding in findings],
        "packages": [asdict(package) for package in packages],
        "relations": asdict(relations),
    }
    markdown, as_json = folder / "report.md", folder / "report.json"
    as_json.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
    lines = _lines(about, summary, findings, packages, relations)
    markdown.write_text("\n".join(lines) + "\n", "utf-8")
    return [markdown, as_json]


def size(number: int) -> str:
    """Write a number of bytes as people read it."""
    amount, unit = float(number), "B"
    for bigger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, bigger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _lines(
    about: dict[str, str],
    summary: Summary,
    findings: Sequence[Finding],
    packages: Sequence[Package],
    relations: Relations,
) -> Iterator[str]:
    yield "# Audit of a Python environment"
    yield ""
    yield f"{about['python']} on {about['platform']}, in `{about['environment']}`, {about['created']}."
    yield ""
    yield "## Summary"
    yield ""
    yield from _table(("", ""), _summary_rows(summary, relations))
    for severity in SEVERITIES:
        group = [finding for finding in findings if finding.severity == severity]
        if group:
            yield ""
            yield f"## {HEADINGS[severity]} ({len(group)})"
            yield ""
            yield from _table(
                ("Package", "Rule", "What", "Expected", "Got", "What to do"),
                ((f.package, f.rule, f.message, f.expected, f.got, f.action) for f in group),
            )
    yield ""
    yield "## Dependencies"
    yield ""
    yield f"* Nothing needs these {len(relations.roots)} packages: {_names(relations.roots)}."
    yield f"* These {len(relations.leaves)} packages need nothing: {_names(relations.leaves)}."
    cycles = "; ".join(", ".join(cycle) for cycle in relations.cycles) or "none"
    yield f"* Packages that need each other: {cycles}."
    yield ""
    yield "## Licences"
    yield ""
    yield from _table(("Licence", "Packages"), ((licence, str(count)) for licence, count in summary.licences))
    yield ""
    yield "## Packages"
    yield ""
    counts = {package.name: 0 for package in packages}
    for finding in findings:
        counts[finding.package] = counts.get(finding.package, 0) + 1
    yield from _table(
        ("Package", "Version", "Licence", "Files verified", "Size", "Needs", "Findings"),
        (
            (
                package.name + (" (editable)" if package.editable else ""),
                package.version,
                package.licence or "unknown",
                str(package.files),
                size(package.size_bytes),
                str(len(relations.needs.get(package.name, ()))),
                str(counts[package.name]),
            )
            for package in packages
        ),
    )


def _summary_rows(summary: Summary, relations: Relations) -> Iterator[tuple[str, str]]:
    yield "Packages", str(summary.packages)
    yield "Files verified", f"{summary.files:,}"
    yield "Size", size(summary.size_bytes)
    for severity in SEVERITIES:
        yield HEADINGS[severity], str(summary.counts[severity])
    yield "Cycles of dependencies", str(len(relations.cycles))
    yield "Biggest packages", ", ".join(f"{name} ({size(number)})" for name, number in summary.biggest[:5]) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    """Keep text from being taken for markup or for the end of a cell."""
    for special in ("\\", "|", "`", "*", "_", "<"):
        text = text.replace(special, "\\" + special)
    return " ".join(text.split())


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more


__all__ = ("size", "write_report")
