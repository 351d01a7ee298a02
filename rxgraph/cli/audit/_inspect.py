"""Run every check on one distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ._files import FileCheck, check_files
from ._metadata import check_licence, check_origin, check_python, is_editable, licence_of
from ._model import Distribution, Finding, Package
from ._requirements import Extras, check_requirements

T = TypeVar("T")


def inspect_distribution(
    distribution: Distribution, versions: Mapping[str, str], extras: Extras
) -> tuple[Package, list[Finding]]:
    """Return what is known of a distribution, and what is wrong with it.

    Args:
        versions: What is installed, by name.
        extras: Extras of this distribution that the others ask for.
    """
    findings: list[Finding] = []

    def attempt(check: Callable[[], T], otherwise: T) -> T:
        """Run one check; if it raises, that is a finding, and the other checks go on."""
        try:
            return check()
        except Exception as error:
            message, got = "One of the checks failed on it; the others were done.", f"{type(error).__name__}: {error}"
            findings.append(Finding("error", distribution.name, "failed-check", message, "", got))
            return otherwise

    if distribution.problem:
        rule, action = "broken-metadata", f"Remove {distribution.folder}, and reinstall what it belongs to."
        findings.append(
            Finding("error", distribution.name, rule, distribution.problem, "", str(distribution.folder), action)
        )
        return Package(distribution.name, distribution.version, str(distribution.site)), findings
    files = attempt(lambda: check_files(distribution), FileCheck())
    licence = attempt(lambda: licence_of(distribution), "")
    editable = attempt(lambda: is_editable(distribution), False)
    findings += files.findings
    findings += attempt(lambda: check_licence(distribution, licence), [])
    findings += attempt(lambda: check_origin(distribution, editable), [])
    findings += attempt(lambda: check_python(distribution), [])
    findings += attempt(lambda: check_requirements(distribution, versions, extras), [])
    package = Package(
        name=distribution.name,
        version=distribution.version,
        location=str(distribution.site),
        files=files.files,
        size_bytes=files.size_bytes,
        licence=licence,
        editable=editable,
    )
    return package, findings


__all__ = ("inspect_distribution",)
