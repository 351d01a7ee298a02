"""Random graphs inside graphs on LangGraph and on rxgraph: the same events, errors and saved threads.

``RXGRAPH_NESTED_EXAMPLES=5000 pytest tests/parity/test_nested_generated.py`` plays as many sessions, other ones every
time.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, seed, settings

from tests.parity._nested import SessionSpec, play, session_specs, walk
from tests.parity._threads import compare

LONG = os.environ.get("RXGRAPH_NESTED_EXAMPLES")
EXAMPLES = int(LONG or 40)

WAYS = (("sync", "stream subgraphs"), ("async", "stream subgraphs v2"), ("sync", "invoke"), ("async", "stream"))
"""Each session is played in one way that shows everything, in memory, and in one of the others, on a file."""

EXPECTED = {
    "one answer": 6,
    "several answers": 3,
    "answered in part": 3,
    "asked again": 8,
    "went back while it waited": 6,
    "retried": 3,
    "went on": 12,
    "second turn": 3,
    "forked": 2,
    "finished": 6,
    "failed": 5,
    "parent": 3,
    "graph": 15,
    "called": 8,
    "sent to a graph": 4,
    "stateful": 6,
    "stateless": 7,
    "third level": 12,
}
"""How often each of these has to be among the 40 sessions, so that the strategy does not become tame by accident."""


def features(spec: SessionSpec) -> set[str]:
    """Names of what a description holds."""
    found = set()
    for node, depth in walk(spec.root):
        found.update({"failed"} if node.kind == "fail" else ())
        found.update({"retried"} if node.kind == "retry" else ())
        found.update({"parent"} if node.kind == "parent" else ())
        found.update({"graph"} if node.kind == "child" else ())
        found.update({"called"} if node.kind == "call" else ())
        found.update({"sent to a graph"} if node.target and node.target.inner else ())
        found.update({"stateful"} if node.inner and node.inner.mode is True else ())
        found.update({"stateless"} if node.inner and node.inner.mode is False else ())
        found.update({"third level"} if depth == 2 else ())
    return found


def check_sessions(examples: int, check: Callable[..., None], folder: Path) -> Counter[str]:
    """Draw sessions and hand each to *check*, as to :func:`compare`; returns what happened how often."""
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

        number = len(spec.choices) % 2
        check(program, *WAYS[number])
        with TemporaryDirectory(dir=folder) as files:
            check(program, *WAYS[2 + number], ("every_answer_is_kept",), Path(files))
        for feature in {*happened, *features(spec)}:
            event(feature)
            seen[feature] += 1

    # One seed and not `derandomize`, which draws other sessions after every edit of this function.
    run = draw if LONG else seed(2)(draw)
    run()
    return seen


@pytest.mark.slow
def test_generated_sessions_show_the_same_and_reach_everything(tmp_path: Path) -> None:
    """Whatever nest of graphs one draws, both runtimes show and keep the same, in both lanes."""
    seen = check_sessions(EXAMPLES, compare, tmp_path)
    if not LONG:
        rare = {name: seen[name] for name, least in EXPECTED.items() if seen[name] < least}
        assert not rare, f"too rare among {EXAMPLES} sessions: {rare}, of {dict(seen)}"
