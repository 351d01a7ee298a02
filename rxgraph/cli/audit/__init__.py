"""Audit a Python environment with a graph; the job behind ``rxgraph demo``.

``_graph.py`` is the graph and the place to begin reading. The other files know nothing of graphs: each does one kind of
check on one distribution.

Example:
    >>> from rxgraph.cli.audit import graph, in_order
    >>> result = graph.invoke({"only": ["packaging"]})
    >>> [package.name for package in result["packages"]]
    ['packaging']
"""

from ._graph import AuditInput as AuditInput
from ._graph import AuditOutput as AuditOutput
from ._graph import AuditState as AuditState
from ._graph import build_graph as build_graph
from ._graph import graph as graph
from ._model import Finding as Finding
from ._model import Package as Package
from ._model import Relations as Relations
from ._model import Summary as Summary
from ._model import in_order as in_order

__all__ = (
    "AuditInput",
    "AuditOutput",
    "AuditState",
    "Finding",
    "Package",
    "Relations",
    "Summary",
    "build_graph",
    "graph",
    "in_order",
)
