"""Random graphs inside graphs on LangGraph and on rxgraph: the same events, errors and saved threads.

``RXGRAPH_PARITY_EXAMPLES=5000 pytest tests/parity/test_nested_generated.py`` plays as many sessions, other ones every
time.
"""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, seed, settings

from tests.parity._nested import SessionSpec, play, session_specs, walk
from tests.parity._threads import compare

LONG = os.environ.get("RXGRAPH_PARITY_EXAMPLES")
EXAMPLES = int(LONG or 120)

WAYS = (("sync", "stream subgraphs"), ("async", "stream subgraphs v2"), ("sync", "invoke"), ("async", "stream"))

EXPECTED = {
    "one answer": 35,
    "several answers": 16,
    "answered in part": 12,
    "asked again": 17,
    "went on": 25,
    "second turn": 18,
    "forked": 20,
    "finished": 30,
    "failed": 16,
    "parent": 6,
    "graph": 30,
    "called": 12,
    "sent to a graph": 12,
    "stateful": 8,
    "stateless": 14,
    "third level": 25,
}
"""How often each of these has to be among the 120 sessions, so that the strategy does not become tame by accident."""


def features(spec: SessionSpec) -> set[str]:
    """Names of what a description holds."""
    found = set()
    for node, depth in walk(spec.root):
        found.update({"failed"} if node.kind == "fail" else ())
        found.update({"parent"} if node.kind == "parent" else ())
        found.update({"graph"} if node.kind == "child" else ())
        found.update({"called"} if node.kind == "call" else ())
        found.update({"sent to a graph"} if node.target and node.target.inner else ())
        found.update({"stateful"} if node.inner and node.inner.mode is True else ())
        found.update({"stateless"} if node.inner and node.inner.mode is False else ())
        found.update({"third level"} if depth == 2 else ())
    return found


def check_sessions(examples: int, check: Callable[[Any, str, str], None]) -> Counter[str]:
    """Draw sessions and hand each to *check* with a lane and a way; returns what happened how often."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(session_specs())
    def draw(spec: SessionSpec) -> None:
        happened: Counter[str] = Counter()

        def program(lg: Any) -> None:
            happened.clear()
            play(lg, spec, happened)

        for lane, way in (WAYS[len(spec.choices) % 2], WAYS[2 + len(spec.choices) % 2]):
            check(program, lane, way)
        for feature in {*happened, *features(spec)}:
            event(feature)
            seen[feature] += 1

    # One seed and not `derandomize`, which draws other sessions after every edit of this function.
    run = draw if LONG else seed(2)(draw)
    run()
    return seen


PENDING = "the last corners of nests of graphs"
"""What the sessions wait for, if anything."""


@pytest.mark.slow
@pytest.mark.skipif(bool(PENDING) and not os.environ.get("RXGRAPH_PENDING"), reason=f"waits for {PENDING}")
def test_generated_sessions_show_the_same_and_reach_everything() -> None:
    """Whatever nest of graphs one draws, both runtimes show and keep the same, in both lanes."""
    seen = check_sessions(EXAMPLES, compare)
    if not LONG:
        rare = {name: seen[name] for name, least in EXPECTED.items() if seen[name] < least}
        assert not rare, f"too rare among {EXAMPLES} sessions: {rare}, of {dict(seen)}"
