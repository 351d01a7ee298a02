"""Check declared requirements against what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from ._model import Distribution, Finding, normalised

Extras = frozenset[str]


def active(distribution: Distribution, extras: Extras) -> list[Requirement]:
    """Return the requirements that count here, with the extras that somebody asked for; invalid ones are left out."""
    parsed = map(_parse, distribution.requirements)
    return [
        requirement for requirement in parsed if isinstance(requirement, Requirement) and _applies(requirement, extras)
    ]


def wanted_extras(distributions: Iterable[Distribution]) -> dict[str, Extras]:
    """Return the extras of each package that the installed packages ask for.

    An extra may ask for further extras, so this goes on until nothing is added.
    """
    distributions = list(distributions)
    wanted: dict[str, Extras] = {distribution.name: frozenset() for distribution in distributions}
    grew = True
    while grew:
        grew = False
        for distribution in distributions:
            for requirement in active(distribution, wanted[distribution.name]):
                name, extras = normalised(requirement.name), frozenset(map(normalised, requirement.extras))
                if name in wanted and not extras <= wanted[name]:
                    wanted[name] |= extras
                    grew = True
    return wanted


def check_requirements(distribution: Distribution, versions: Mapping[str, str], extras: Extras) -> list[Finding]:
    """Compare each requirement that counts here with the installed version."""
    findings = []
    for line in distribution.requirements:
        requirement = _parse(line)
        if isinstance(requirement, str):
            message = f"{line!r} is no requirement."
            findings.append(Finding("warning", distribution.name, "invalid-requirement", message, "", requirement))
        elif _applies(requirement, extras) and (finding := _compare(distribution.name, requirement, versions)):
            findings.append(finding)
    return findings


def _compare(package: str, requirement: Requirement, versions: Mapping[str, str]) -> Finding | None:
    name = normalised(requirement.name)
    expected = str(requirement).partition(";")[0].strip()
    action = f"Install {expected!r}, or a version of {package} that needs something else."
    if name not in versions:
        message = f"It needs {requirement.name}, which is not installed."
        return Finding("error", package, "unmet-requirement", message, expected, "not installed", action)
    got = f"{name} {versions[name]}"
    try:
        fits = requirement.specifier.contains(Version(versions[name]), prereleases=True)
    except InvalidVersion:
        message = f"The version of {name} can't be compared."
        return Finding("warning", package, "invalid-version", message, expected, got)
    if fits:
        return None
    message = f"It needs another version of {requirement.name}."
    return Finding("error", package, "version-conflict", message, expected, got, action)


@cache
def _parse(line: str) -> Requirement | str:
    """Return the requirement, or what is wrong with it."""
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        return str(error).partition("\n")[0]


def _applies(requirement: Requirement, extras: Extras) -> bool:
    if requirement.marker is None:
        return True
    try:
        return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    except (UndefinedComparison, UndefinedEnvironmentName):
        # A marker that means nothing here can't ask for anything here.
        return False


__all__ = ("active", "check_requirements", "wanted_extras")
