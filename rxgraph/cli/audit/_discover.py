"""Find the installed distributions by their metadata folders."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ._model import Distribution, normalised

PATTERNS: Final = ("*.dist-info", "*.egg-info")


def find_distributions(path: Iterable[str]) -> list[Distribution]:
    """List the distributions on a search path in the order in which an import would find them.

    A distribution whose metadata can't be read is listed too: its ``problem`` says why.
    """
    folders: dict[Path, None] = {}
    for entry in path:
        site = Path(entry or ".").resolve()
        if site.is_dir():
            found = [folder for pattern in PATTERNS for folder in site.glob(pattern)]
            folders |= dict.fromkeys(sorted(found))
    return [_read(folder) for folder in folders]


def versions_of(distributions: Iterable[Distribution]) -> dict[str, str]:
    """Return the version that counts for each name: the first one on the path."""
    versions: dict[str, str] = {}
    for distribution in distributions:
        versions.setdefault(distribution.name, distribution.version)
    return versions


def metadata_of(distribution: Distribution) -> importlib.metadata.PackageMetadata:
    """Read the metadata of a distribution."""
    return importlib.metadata.Distribution.at(distribution.folder).metadata


def _read(folder: Path) -> Distribution:
    name = normalised(folder.stem.partition("-")[0])
    if folder.name.startswith("~"):
        return Distribution(folder, name, problem="It is what an interrupted uninstall left behind.")
    try:
        source = importlib.metadata.Distribution.at(folder)
        metadata = source.metadata
        if lacking := [field for field in ("Name", "Version") if field not in metadata]:
            return Distribution(folder, name, problem=f"The metadata has no {' and no '.join(lacking)}.")
        return Distribution(folder, normalised(metadata["Name"]), metadata["Version"], tuple(source.requires or ()))
    except Exception as error:
        # Whatever is wrong with one distribution, the others are still to be audited.
        return Distribution(folder, name, problem=f"{type(error).__name__}: {error}")


__all__ = ("find_distributions", "metadata_of", "versions_of")
