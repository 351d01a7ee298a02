"""The dependency graph of the environment: who needs whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ._metadata import is_editable
from ._model import Distribution, Finding, Relations, normalised
from ._requirements import active, wanted_extras


def relate(distributions: Sequence[Distribution]) -> Relations:
    """Compute who needs whom among the installed packages."""
    extras = wanted_extras(distributions)
    needs: dict[str, list[str]] = {}
    # The sort is stable: of two with one name, the first one on the path comes first, and counts.
    for distribution in sorted(distributions, key=lambda one: one.name):
        if distribution.name not in needs:
            named = {normalised(one.name) for one in active(distribution, extras[distribution.name])}
            # A package may ask for its own extras; that is no cycle.
            needs[distribution.name] = sorted((named & extras.keys()) - {distribution.name})
    needed = {name for names in needs.values() for name in names}
    return Relations(
        needs=needs,
        roots=[name for name in needs if name not in needed],
        leaves=[name for name, names in needs.items() if not names],
        cycles=find_cycles(needs),
    )


def find_cycles(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of packages that need each other, directly or through others.

    Two packages are in one group if each can be reached from the other (strongly connected components).
    """
    reach = {name: _reachable(name, needs) for name in needs}
    groups: dict[tuple[str, ...], None] = {}
    for name in sorted(needs):
        if name in reach[name]:
            groups[tuple(sorted(other for other in reach[name] if name in reach[other]))] = None
    return [list(group) for group in groups]


def check_relations(distributions: Iterable[Distribution], relations: Relations) -> list[Finding]:
    """Report names that are installed twice, and cycles."""
    findings = []
    by_name: dict[str, list[Distribution]] = {}
    for distribution in distributions:
        by_name.setdefault(distribution.name, []).append(distribution)
    for name, (first, *others) in by_name.items():
        for other in others:
            if _same_tree(first, other):
                continue
            findings.append(
                Finding(
                    "warning",
                    name,
                    "duplicate",
                    f"It is installed twice; the copy in {first.site} wins.",
                    f"one version, {first.version}",
                    f"also {other.version} in {other.site}",
                    "Uninstall it until it is gone, then install it once.",
                )
            )
    for cycle in relations.cycles:
        message = f"These packages need each other: {', '.join(cycle)}."
        findings.append(Finding("note", cycle[0], "cycle", message, "", " -> ".join([*cycle, cycle[0]])))
    return findings


def _same_tree(first: Distribution, other: Distribution) -> bool:
    """Whether one is an editable install and the other the source tree that it was made from."""
    trees = [one for one in (first, other) if one.folder.suffix == ".egg-info"]
    return len(trees) == 1 and first.version == other.version and (is_editable(first) or is_editable(other))


def _reachable(start: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for name in needs.get(ahead.pop(), ()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return found


__all__ = ("check_relations", "find_cycles", "relate")
