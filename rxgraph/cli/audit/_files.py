"""Compare the files of a distribution with what its RECORD says of them."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ._model import Distribution, Finding, Severity

LISTED: Final = 5
"""Findings of one rule for one package; what goes beyond is counted in one more."""

UNHASHED: Final = ("RECORD", "RECORD.jws", "RECORD.p7s")
"""Files that can't hold their own hash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a RECORD.

    Args:
        path: As written, relative to the folder that the distribution is installed in.
        hash: ``algorithm=digest``, or empty.
        size: In bytes, or ``None``.
    """

    path: str
    hash: str
    size: int | None


@dataclass(slots=True)
class FileCheck:
    """The result for one distribution."""

    files: int = 0
    size_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)


def check_files(distribution: Distribution) -> FileCheck:
    """Check every recorded file: is it there, does it have the recorded size and hash?"""
    result = FileCheck()
    record = distribution.folder / "RECORD"
    if not record.is_file():
        got = "no RECORD"
        result.findings.append(
            Finding("note", distribution.name, "no-record", "Its files can't be verified.", "a RECORD", got)
        )
        return result
    entries = list(read_record(record))
    problems = [problem for entry in entries for problem in _check_entry(distribution, entry, result)]
    result.findings += _shortened([*problems, *_unrecorded(distribution, entries)])
    return result


def read_record(record: Path) -> Iterator[Entry]:
    """Read the lines of a RECORD."""
    with record.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines):
            if row:
                path, hash, size = (*row, "", "")[:3]
                yield Entry(path, hash, int(size) if size.isdecimal() else None)


def _check_entry(distribution: Distribution, entry: Entry, result: FileCheck) -> Iterator[Finding]:
    name, path = distribution.name, distribution.site / entry.path
    reinstall = f"Reinstall {name}."
    compiled = path.suffix == ".pyc"
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        # Python makes and removes compiled files as it likes.
        if not compiled:
            yield Finding("error", name, "missing-file", f"{entry.path} is gone.", "a file", "nothing", reinstall)
        return
    except OSError as error:
        yield Finding("warning", name, "unreadable-file", f"{entry.path} can't be read.", "", str(error))
        return
    result.size_bytes += size
    if not entry.hash:
        if not compiled and path.name not in UNHASHED:
            yield Finding("note", name, "unhashed-file", f"{entry.path} is recorded without a hash.", "a hash", "none")
        return
    if entry.size is not None and size != entry.size:
        expected, got = f"{entry.size} bytes", f"{size} bytes"
        yield Finding("error", name, "changed-file", f"{entry.path} was changed.", expected, got, reinstall)
        return
    algorithm, _, expected = entry.hash.partition("=")
    if algorithm not in hashlib.algorithms_available:
        yield Finding("note", name, "unknown-hash", f"{entry.path} has a hash of an unknown kind.", "", entry.hash)
        return
    try:
        got = _digest(path, algorithm)
    except OSError as error:
        yield Finding("warning", name, "unreadable-file", f"{entry.path} can't be read.", "", str(error))
        return
    result.files += 1
    if got != expected.rstrip("="):
        expected, got = f"{algorithm}={expected}", f"{algorithm}={got}"
        yield Finding("error", name, "changed-file", f"{entry.path} was changed.", expected, got, reinstall)


def _digest(path: Path, algorithm: str) -> str:
    """Hash a file piece by piece, so that a big one needs no memory; other threads run meanwhile."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _unrecorded(distribution: Distribution, entries: list[Entry]) -> Iterator[Finding]:
    """Look for files that nobody recorded, in the folders that are surely the distribution's own.

    Those are the folders with an ``__init__.py`` of its own; several distributions may share the others.
    """
    recorded = {distribution.site / entry.path for entry in entries}
    own = sorted(path.parent for path in recorded if path.name == "__init__.py")
    for folder in own:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file() and path not in recorded and path.suffix != ".pyc":
                yield Finding(
                    "warning",
                    distribution.name,
                    "unrecorded-file",
                    f"{path.relative_to(distribution.site).as_posix()} is not in RECORD.",
                    "",
                    "a file that was added after the installation",
                    "Remove it, unless you put it there.",
                )


def _shortened(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Keep the first findings of each rule, and count the others."""
    by_rule: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
    for (severity, rule), group in by_rule.items():
        yield from group[:LISTED]
        if (more := len(group) - LISTED) > 0:
            yield Finding(severity, group[0].package, rule, f"{more} more files like these.", "", "", group[0].action)


__all__ = ("FileCheck", "check_files", "read_record")
