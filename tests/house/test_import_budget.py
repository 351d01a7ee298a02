"""A light start: ``import rxgraph.graph`` stays near ``import reactivex``, and extras load when they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

EXTRAS = frozenset(
    """
    aiosqlite anyio httpx langchain langchain_core langgraph langgraph_sdk langsmith msgspec numpy ormsgpack orjson
    psycopg pydantic redis requests rich trio typer uvloop websockets xxhash yaml
    """.split()
)

MODULES = 70
"""Modules beyond those of reactivex and of rxgraph itself, all of them of the standard library."""

RATIO = 2.0
"""Times the import of reactivex, which a fifth of LangGraph's import time allows for."""

ROUNDS = 7

PROBE = """
import json, sys, time
before = set(sys.modules)
start = time.perf_counter()
import {module}
seconds = time.perf_counter() - start
json.dump([seconds, sorted(set(sys.modules) - before)], sys.stdout)
"""


def probe(module: str) -> tuple[float, set[str]]:
    """Seconds, and what was loaded, in a fresh interpreter."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    seconds, loaded = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
    return seconds, set(loaded)


@cache
def loaded(module: str) -> frozenset[str]:
    return frozenset(probe(module)[1])


@pytest.mark.parametrize("module", ["rxgraph", "rxgraph.graph", "rxgraph.operators", "rxgraph.types"])
def test_extras_stay_out(module: str) -> None:
    """Who doesn't use an extra doesn't wait for it."""
    tops = {name.split(".")[0] for name in loaded(module)}
    assert tops & EXTRAS == set()


def test_few_modules() -> None:
    beyond = {name for name in loaded("rxgraph.graph") - loaded("reactivex") if name.split(".")[0] != "rxgraph"}
    foreign = {
        name
        for name in beyond
        if name.split(".")[0] not in {*sys.stdlib_module_names, "reactivex", "typing_extensions"}
    }
    assert foreign == set()
    assert len(beyond) <= MODULES, ", ".join(sorted(beyond))


def test_short_time() -> None:
    rounds = [(probe("reactivex")[0], probe("rxgraph.graph")[0]) for _ in range(ROUNDS)]
    base, own = (min(column) for column in zip(*rounds, strict=True))
    assert own <= RATIO * base, f"rxgraph.graph takes {own * 1e3:.0f} ms and reactivex {base * 1e3:.0f} ms"


def test_the_probe_sees_a_heavy_import() -> None:
    assert "pydantic" in loaded("pydantic")
