"""Traces and metrics of OpenTelemetry, with the extra ``otel``: a span for each run, superstep and attempt.

    with rxgraph.otel.tracing():
        graph.invoke(...)

A node runs inside its span: spans that its code starts are children of it, and so are the runs of graphs that it calls.
No value of the state is recorded.

=========  ===================  ======================================================================
span       name                 attributes
=========  ===================  ======================================================================
run        ``graph <name>``     ``rxgraph.graph``, ``rxgraph.thread_id``, ``rxgraph.run_id``
superstep  ``superstep <n>``    ``rxgraph.step``, ``rxgraph.nodes``
attempt    ``node <name>``      ``rxgraph.node``, ``rxgraph.step``, ``rxgraph.task_id``, ``rxgraph.attempt``
call       ``task <name>``      the same, for a function called as a task of its own
=========  ===================  ======================================================================

Links say by ``rxgraph.link`` where they lead: from the run of a graph inside to its ``outer run``, from an attempt to
the ``attempt before``.

Events: ``rxgraph.retry`` and ``rxgraph.resume`` on the span of the run, ``rxgraph.interrupt`` on those of the node and
of the run (at a breakpoint, of the run alone), ``rxgraph.stopped`` on one that a command, a cancellation or a reader
who left has ended. Errors set the status.

=========================  =========  ===============================================================
metric                     kind       beside ``rxgraph.graph``
=========================  =========  ===============================================================
``rxgraph.blocked.time``   histogram  ``rxgraph.blocked_by``: the logs that were full
``rxgraph.stream.lag``     gauge      ``rxgraph.projection``
``rxgraph.stream.demand``  gauge      none: the sum over the readers of a graph
``rxgraph.stream.items``   counter    ``rxgraph.projection``, ``rxgraph.outcome``
=========================  =========  ===============================================================
"""

from ._spans import instrument as instrument
from ._spans import tracing as tracing
from ._spans import uninstrument as uninstrument

__all__ = ("instrument", "tracing", "uninstrument")
