"""Random graphs on LangGraph and on rxgraph: the same results, events and errors.

``RXGRAPH_PARITY_EXAMPLES=20000 pytest tests/parity/test_generated.py`` runs as many graphs, other ones every time.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, seed, settings

from tests.parity._graphs import GraphSpec, build, features, graph_specs
from tests.parity._twin import ALL, compare

LONG = os.environ.get("RXGRAPH_PARITY_EXAMPLES")
EXAMPLES = int(LONG or 500)

NAMED = ("unreachable_node_warns", "events_before_an_error_are_delivered")
"""Deliberate differences that any graph may run into."""

WAYS = {
    "sync": (ALL, "invoke", "stream all v2", "stream updates"),
    "async": (ALL, "invoke", "stream debug v2"),
    "threads": (ALL,),
}

EXPECTED = {
    "finished": 100,
    "raised Boom": 30,
    "raised GraphRecursionError": 50,
    "raised InvalidUpdateError": 20,
    "cycle": 100,
    "several tasks": 100,
    "send": 100,
    "several sends": 40,
    "deferred": 50,
    "deferred and sent": 20,
    "join of one": 20,
    "join of several": 20,
    "branch": 100,
    "generator": 50,
    "returns dict": 100,
    "returns none": 40,
    "returns command": 75,
    "returns pairs": 50,
    "returns commands": 50,
    "returns send": 30,
    **{f"writes {key}": 25 for key in ("fold", "last", "topic", "kept", "any", "eph", "once", "untracked")},
}
"""How often each of these has to happen in the 500 graphs, so that the strategy does not become tame by accident."""


@pytest.mark.slow
def test_generated_graphs_show_the_same_and_reach_everything() -> None:
    """Whatever graph one draws, both runtimes show the same, in both lanes."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(graph_specs())
    def check(spec: GraphSpec) -> None:
        def program(lg: Any) -> Any:
            return build(lg, spec)

        traces = compare(program, "sync", NAMED, WAYS["sync"])
        compare(program, "async", NAMED, WAYS["async"])
        if spec.limit == 3:
            # Threads are slow, so short runs only.
            compare(program, "threads", NAMED, WAYS["threads"])
        for feature in features(spec, traces[f"run 0: {ALL}"]):
            event(feature)
            seen[feature] += 1

    # One seed and not `derandomize`, which draws other graphs after every edit of this function.
    run = check if LONG else seed(1)(check)
    run()
    if not LONG:
        rare = {name: seen[name] for name, least in EXPECTED.items() if seen[name] < least}
        assert not rare, f"too rare among {EXAMPLES} graphs: {rare}, of {dict(seen)}"
