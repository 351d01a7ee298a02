"""Random graphs on LangGraph and on rxgraph: the same results, events and errors.

``RXGRAPH_PARITY_EXAMPLES=20000 pytest tests/parity/test_generated.py`` runs as many graphs, other ones every time.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from tests.parity._graphs import GraphSpec, build, features, graph_specs
from tests.parity._twin import ALL, compare

LONG = os.environ.get("RXGRAPH_PARITY_EXAMPLES")
EXAMPLES = int(LONG or 500)

EXPECTED = {
    "finished": 100,
    "raised Boom": 40,
    "raised GraphRecursionError": 40,
    "raised InvalidUpdateError": 20,
    "cycle": 100,
    "several tasks": 200,
    "send": 100,
    "several sends": 40,
    "deferred": 60,
    "deferred and sent": 10,
    "join of one": 20,
    "join of several": 20,
    "branch": 100,
    "generator": 60,
    "returns dict": 200,
    "returns none": 50,
    "returns command": 100,
    "returns pairs": 50,
    "returns commands": 50,
    "returns send": 50,
    **{f"writes {key}": 30 for key in ("fold", "last", "topic", "kept", "any", "eph", "once", "untracked")},
}
"""How often each of these has to happen in the 500 graphs, so that nobody makes the strategy tame by accident."""


@pytest.mark.slow
def test_generated_graphs_show_the_same_and_reach_everything() -> None:
    """Whatever graph one draws, both runtimes show the same, in both lanes."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=LONG is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(graph_specs())
    def check(spec: GraphSpec) -> None:
        def program(lg: Any) -> Any:
            return build(lg, spec)

        for lane in ("sync", "async"):
            traces = compare(program, lane, NAMED, WAYS)
        for feature in features(spec, traces[f"run 0: {ALL}"]):
            event(feature)
            seen[feature] += 1

    check()
    if LONG is None:
        rare = {name: seen[name] for name, least in EXPECTED.items() if seen[name] < least}
        assert not rare, f"too rare among {EXAMPLES} graphs: {rare}, of {dict(seen)}"


NAMED = ("unreachable_node_warns", "events_before_an_error_are_delivered")
"""Deliberate differences that any graph may run into."""

WAYS = (ALL, "stream all v2", "invoke", "stream updates", "stream tasks", "stream debug v2")
