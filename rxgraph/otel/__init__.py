"""Traces of OpenTelemetry: a span for each run and for each attempt to run a node, with the extra ``otel``.

    with rxgraph.otel.tracing():
        graph.invoke(...)

A node runs inside its span: spans that its code starts are children of it, and so are the runs of graphs that it calls.
No value of the state is recorded.

========  ===================  ======================================================================
span      name                 attributes
========  ===================  ======================================================================
run       ``graph <name>``     ``rxgraph.graph``, ``rxgraph.thread_id``, ``rxgraph.run_id``
attempt   ``node <name>``      ``rxgraph.node``, ``rxgraph.step``, ``rxgraph.task_id``, ``rxgraph.attempt``
call      ``task <name>``      the same, for a function called as a task of its own
========  ===================  ======================================================================

Events: ``rxgraph.retry`` on the span of the run, ``rxgraph.interrupt`` on those of the node and of the run,
``rxgraph.stopped`` on one that a command, a cancellation or a reader who left has ended. Errors set the status.
"""

from ._spans import instrument as instrument
from ._spans import tracing as tracing
from ._spans import uninstrument as uninstrument

__all__ = ("instrument", "tracing", "uninstrument")
