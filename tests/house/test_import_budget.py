"""A light start, counted in modules; the time is measured in ``bench``.

``import rxgraph.graph`` stays near ``import reactivex``, and extras load when they are used.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

EXTRAS = frozenset(
    """
    aiosqlite anyio httpx langchain langchain_core langgraph langgraph_sdk langsmith msgspec numpy ormsgpack orjson
    matplotlib opentelemetry PIL psycopg pydantic redis requests rich trio typer uvloop websockets xxhash yaml
    """.split()
)

MODULES = 70
"""Modules beyond those of reactivex and of rxgraph itself, all of them of the standard library."""

PROBE = """
import json, sys
before = set(sys.modules)
import {module}
json.dump(sorted(set(sys.modules) - before), sys.stdout)
"""


@cache
def loaded(module: str) -> frozenset[str]:
    """What an import loads in a fresh interpreter."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    return frozenset(json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout))


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


def test_the_probe_sees_a_heavy_import() -> None:
    assert "pydantic" in loaded("pydantic")
