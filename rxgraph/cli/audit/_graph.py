"""The audit as a graph.

    discover ──┬─ Send, one for each distribution ──> inspect ──> summarise ──┬──> report
               └─────────────> relate ───────────────────────────────────────┘

``relate`` runs beside the inspections, so it reaches ``report`` a superstep before ``summarise`` does. ``report`` is
deferred: it runs once, when nothing else is left to run.
"""

from __future__ import annotations

import operator
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from typing_extensions import TypedDict

from rxgraph.graph import END, START, StateGraph
from rxgraph.types import Send, StreamWriter

from ._discover import find_distributions, versions_of
from ._inspect import inspect_distribution
from ._model import (
    SEVERITIES,
    Distribution,
    Finding,
    Package,
    Relations,
    Summary,
    in_order,
    normalised,
    packages_in_order,
)
from ._relations import check_relations
from ._relations import relate as relations_of
from ._report import write_report
from ._requirements import Extras, wanted_extras


class AuditInput(TypedDict, total=False):
    """What an audit may be told.

    Args:
        path: Folders to search; by default ``sys.path``.
        only: Names of the packages to inspect; by default all of them.
        output: Folder of the report; without it no report is written.
    """

    path: list[str]
    only: list[str]
    output: str


class AuditOutput(TypedDict):
    """What comes out: the findings are in no particular order; ``in_order`` sorts them for reading."""

    packages: Annotated[list[Package], operator.add]
    findings: Annotated[list[Finding], operator.add]
    relations: Relations
    summary: Summary
    reports: list[str]


class AuditState(AuditInput, AuditOutput):
    """What the nodes share. Many tasks add to ``packages`` and ``findings``, so these two have a reducer."""

    distributions: list[Distribution]


class Job(TypedDict):
    """What one inspection is about; it travels in a ``Send``, beside the state."""

    distribution: Distribution
    versions: Mapping[str, str]
    extras: Extras


def discover(state: AuditState, writer: StreamWriter) -> dict[str, Any]:
    """List the installed distributions."""
    distributions = find_distributions(state.get("path") or sys.path)
    chosen = _chosen(distributions, state.get("only"))
    writer({"event": "discovered", "packages": len(chosen)})
    return {"distributions": distributions}


def each_distribution(state: AuditState) -> list[Send] | str:
    """Fan out: one task of ``inspect`` for each distribution."""
    distributions = state["distributions"]
    versions, extras = versions_of(distributions), wanted_extras(distributions)
    return [
        Send("inspect", Job(distribution=one, versions=versions, extras=extras[one.name]))
        for one in _chosen(distributions, state.get("only"))
    ] or "summarise"


def inspect(job: Job, writer: StreamWriter) -> dict[str, Any]:
    """Inspect one distribution. It is hashing on a thread of the pool, while others hash on theirs."""
    package, findings = inspect_distribution(job["distribution"], job["versions"], job["extras"])
    writer({"event": "inspected", "package": package.name, "files": package.files, "bytes": package.size_bytes})
    return {"packages": [package], "findings": findings}


def relate(state: AuditState) -> dict[str, Any]:
    """Compute the dependency graph, and what is wrong with it."""
    relations = relations_of(state["distributions"])
    findings = check_relations(state["distributions"], relations)
    chosen = {distribution.name for distribution in _chosen(state["distributions"], state.get("only"))}
    return {"relations": relations, "findings": [finding for finding in findings if finding.package in chosen]}


def summarise(state: AuditState) -> dict[str, Any]:
    """Count."""
    packages = packages_in_order(state["packages"])
    severities = Counter(finding.severity for finding in state["findings"])
    biggest = sorted(packages, key=lambda package: -package.size_bytes)[:10]
    licences = Counter(package.licence or "unknown" for package in packages)
    summary = Summary(
        packages=len(packages),
        files=sum(package.files for package in packages),
        size_bytes=sum(package.size_bytes for package in packages),
        counts={severity: severities[severity] for severity in SEVERITIES},
        biggest=[(package.name, package.size_bytes) for package in biggest],
        licences=sorted(licences.items(), key=lambda item: (-item[1], item[0])),
    )
    return {"summary": summary}


def report(state: AuditState) -> dict[str, Any]:
    """Write the report."""
    if "output" not in state:
        return {"reports": []}
    packages, findings = packages_in_order(state["packages"]), in_order(state["findings"])
    written = write_report(Path(state["output"]), state["summary"], findings, packages, state["relations"])
    return {"reports": [str(path) for path in written]}


def build_graph() -> StateGraph[AuditState, Any, AuditInput, AuditOutput]:
    """Put the nodes together."""
    builder = StateGraph(AuditState, input_schema=AuditInput, output_schema=AuditOutput)
    builder.add_node("discover", discover)
    builder.add_node("inspect", inspect)
    builder.add_node("relate", relate)
    builder.add_node("summarise", summarise)
    builder.add_node("report", report, defer=True)
    builder.add_edge(START, "discover")
    builder.add_edge("discover", "relate")
    builder.add_conditional_edges("discover", each_distribution, ["inspect", "summarise"])
    builder.add_edge("inspect", "summarise")
    builder.add_edge("summarise", "report")
    builder.add_edge("relate", "report")
    builder.add_edge("report", END)
    return builder


graph = build_graph().compile(name="audit")
"""The audit, ready to run: ``graph.invoke({})`` audits the environment of the running Python."""


def _chosen(distributions: Iterable[Distribution], only: Iterable[str] | None) -> list[Distribution]:
    names = {normalised(name) for name in only or ()}
    return [distribution for distribution in distributions if not names or distribution.name in names]


__all__ = ("AuditInput", "AuditOutput", "AuditState", "build_graph", "graph")
