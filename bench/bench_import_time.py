"""Fresh interpreters that import one module; both libraries get a cache for their byte code first."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from tempfile import TemporaryDirectory
from time import perf_counter

from _compare import COUNT, MILLISECONDS, Library, Line, Sample, check, run

QUESTION = "How long does a program wait for its import?"

PROBE = """
import json, sys, time
before = len(sys.modules)
begin = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - begin, len(sys.modules) - before, "{module}" in sys.modules]))
"""


@cache
def environment() -> dict[str, str]:
    """Environment of the probes: byte code is written, to a folder that goes away with this process."""
    folder = TemporaryDirectory(prefix="bench-import-")
    atexit.register(folder.cleanup)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder.name}


def probe(library: Library) -> tuple[float, int, float]:
    """Return seconds of the import, modules that it loaded, and seconds of the whole process."""
    command = [sys.executable, "-c", PROBE.format(module=f"{library.name}.graph")]
    begin = perf_counter()
    output = subprocess.run(command, env=environment(), check=True, capture_output=True, encoding="utf-8").stdout
    whole = perf_counter() - begin
    seconds, modules, imported = json.loads(output)
    check(imported, True)
    return seconds, modules, whole


def import_seconds(library: Library) -> Sample:
    """The import alone."""
    return lambda: probe(library)[0]


def modules_loaded(library: Library) -> Sample:
    """Modules that were not there before."""
    return lambda: probe(library)[1]


def process_seconds(library: Library) -> Sample:
    """From the start of the interpreter to its end."""
    return lambda: probe(library)[2]


def lines(quick: bool) -> list[Line]:
    """The import, what it loads, and what a user of a command line feels."""
    return [
        Line("import <library>.graph", import_seconds, MILLISECONDS, bar=5, goal=8),
        Line("modules loaded by it", modules_loaded, COUNT, rounds=2),
        Line("python -c 'import <library>.graph', whole process", process_seconds, MILLISECONDS),
    ]


if __name__ == "__main__":
    sys.exit(run({QUESTION: lines}))
