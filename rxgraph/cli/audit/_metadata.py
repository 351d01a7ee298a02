"""Check what a distribution says of itself: licence, Python version, origin."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ._discover import metadata_of
from ._model import Distribution, Finding

COPYLEFT: Final = re.compile(
    r"GPL|MPL|EUPL|CDDL|OSL|SSPL|CECILL|CC-BY-SA|\bEPL|General Public|Mozilla Public|Eclipse Public", re.IGNORECASE
)
CLASSIFIER: Final = "License :: "
SHORT: Final = 80
"""Characters beyond which a licence field is a licence text, not a name."""


def licence_of(distribution: Distribution) -> str:
    """Return the declared licence: the SPDX expression, the classifiers, or the old free field; or nothing."""
    metadata = metadata_of(distribution)
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = metadata.get_all("Classifier") or []
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith(CLASSIFIER)]
    if names := [name for name in names if name != "OSI Approved"]:
        return ", ".join(names)
    field = metadata["License"].strip() if "License" in metadata else ""
    if field.upper() == "UNKNOWN":
        return ""
    first = field.partition("\n")[0].strip()
    return first if len(first) <= SHORT else first[: SHORT - 1] + "…"


def check_licence(distribution: Distribution, licence: str) -> list[Finding]:
    """Note a licence that is unknown, and one that asks for the source of what is built on it."""
    if not licence:
        action = "Look for a licence file, or ask its authors."
        return [
            Finding("note", distribution.name, "unknown-licence", "It declares no licence.", "a licence", "", action)
        ]
    # "A or B" is the user's choice.
    if all(COPYLEFT.search(choice) for choice in _choices(licence)):
        action = "Read its terms before you pass on what you build with it."
        return [Finding("note", distribution.name, "copyleft", "Its licence is a copyleft one.", "", licence, action)]
    return []


def check_python(distribution: Distribution) -> list[Finding]:
    """Check that it was made for the Python that is running."""
    metadata = metadata_of(distribution)
    if "Requires-Python" not in metadata:
        return []
    wanted, running = metadata["Requires-Python"], platform.python_version()
    try:
        fits = SpecifierSet(wanted).contains(running, prereleases=True)
    except InvalidSpecifier as error:
        message = "Its Requires-Python is invalid."
        return [Finding("warning", distribution.name, "invalid-metadata", message, "", str(error))]
    if fits:
        return []
    message, action = "It was not made for this Python.", "Install a version that supports this Python."
    expected, got = f"Python {wanted}", f"Python {running}"
    return [Finding("error", distribution.name, "python-version", message, expected, got, action)]


def _choices(licence: str) -> list[str]:
    """Split at each "or" that stands outside of brackets; "GPL v2 or later" is one choice."""
    choices, depth = [""], 0
    for part in re.split(r"(\(|\)|\s+or\s+(?!later))", licence, flags=re.IGNORECASE):
        depth += (part == "(") - (part == ")")
        if depth == 0 and part.strip().lower() == "or":
            choices.append("")
        else:
            choices[-1] += part
    return choices


def is_editable(distribution: Distribution) -> bool:
    """Whether it is imported from a source tree that its owner edits; a broken record of its origin says no."""
    text = importlib.metadata.Distribution.at(distribution.folder).read_text("direct_url.json")
    try:
        origin = json.loads(text or "{}")
    except ValueError:
        return False
    return isinstance(origin, dict) and bool(origin.get("dir_info", {}).get("editable"))


def check_origin(distribution: Distribution, editable: bool) -> list[Finding]:
    """Note an editable install: its code is not what RECORD lists."""
    message = "It is an editable install; its source files are not verified."
    return [Finding("note", distribution.name, "editable", message)] if editable else []


__all__ = ("check_licence", "check_origin", "check_python", "is_editable", "licence_of")
