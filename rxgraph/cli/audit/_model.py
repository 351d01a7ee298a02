"""What the audit knows and what it finds, as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""From the worst to the mildest."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person may want to know or mend.

    Args:
        severity: ``error``: broken; ``warning``: suspicious; ``note``: good to know.
        package: Name of the distribution.
        rule: Short name of what was checked.
        message: What is the matter, as a sentence.
        expected: What should have been there, if that can be said.
        got: What was there.
        action: What to do.
    """

    severity: Severity
    package: str
    rule: str
    message: str
    expected: str = ""
    got: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution, as its metadata folder tells.

    Args:
        folder: The ``.dist-info`` or ``.egg-info`` folder (or file).
        name: Normalised name; made out of the folder's name if the metadata has none.
        version: As written; empty if the metadata has none.
        requirements: Its ``Requires-Dist`` lines.
        problem: Why the metadata can't be read, or empty.
    """

    folder: Path
    name: str
    version: str = ""
    requirements: tuple[str, ...] = ()
    problem: str = ""

    @property
    def site(self) -> Path:
        """The folder on the path that it is installed in."""
        return self.folder.parent


@dataclass(frozen=True, slots=True)
class Package:
    """What the inspection of one distribution brought to light, besides findings.

    Args:
        files: Files whose hash was compared.
        size_bytes: Of all files that it recorded and has.
        licence: As declared; empty if unknown.
    """

    name: str
    version: str
    location: str
    files: int = 0
    size_bytes: int = 0
    licence: str = ""
    editable: bool = False


@dataclass(frozen=True, slots=True)
class Relations:
    """The dependency graph of the environment.

    Args:
        needs: Names of the installed packages that each package needs.
        roots: Packages that nothing needs.
        leaves: Packages that need nothing.
        cycles: Groups of packages that need each other.
    """

    needs: dict[str, list[str]]
    roots: list[str]
    leaves: list[str]
    cycles: list[list[str]]


@dataclass(frozen=True, slots=True)
class Summary:
    """The audit in numbers.

    Args:
        counts: Findings by severity.
        biggest: Name and size of the biggest packages, in bytes.
        licences: How many packages declare each licence, the most frequent first.
    """

    packages: int
    files: int
    size_bytes: int
    counts: dict[str, int]
    biggest: list[tuple[str, int]]
    licences: list[tuple[str, int]]


def normalised(name: str) -> str:
    """Return the one spelling of a distribution's name: ``Foo.Bar_baz`` is ``foo-bar-baz``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings for a reader: the worst first, then by package, rule and text."""
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(findings, key=lambda f: (rank[f.severity], f.package, f.rule, f.message, f.expected, f.got))


def packages_in_order(packages: Iterable[Package]) -> list[Package]:
    """Sort packages by name; of two with one name, by where they are."""
    return sorted(packages, key=lambda package: (package.name, package.location, package.version))


__all__ = (
    "SEVERITIES",
    "Distribution",
    "Finding",
    "Package",
    "Relations",
    "Severity",
    "Summary",
    "in_order",
    "normalised",
    "packages_in_order",
)
