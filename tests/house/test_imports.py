"""Imports point one way, and the engine knows no lane."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house._source import Import, Module, modules

LAYERS = (
    # The leaves know one another and nothing else. `types` shows `Overwrite` of `channels`; `managed` needs no engine.
    set(
        "_annotations _clock _composing _config _context _defaults _hints _writer channels config constants errors"
        " managed runtime types typing version warnings".split()
    ),
    {"flow"},
    {"operators"},
    # Stores and caches share the serialisers of the checkpoints.
    {"checkpoint"},
    {"cache", "callbacks", "store", "stream"},
    {"pregel"},
    {"graph"},
    {"func"},
    {"langchain", "otel"},
    {"prebuilt"},
    # `utils` keeps old names importable; "" is rxgraph/__init__.py.
    {"", "cli", "utils"},
    {"testing"},
)
"""The rooms from the ground up: a room imports from itself and from the layers below it."""

LAZY_DOORS = frozenset({"", "cli"})
"""Rooms that may import from our own package inside a function, so that a light start stays light."""

LAZY_MODULES = frozenset({"rxgraph.pregel._pictures", "rxgraph.constants", "rxgraph.errors"})
"""Modules that may do so in rooms that otherwise don't: what draws is loaded when a picture is asked for, and names
that have moved are looked up in their new places when somebody uses the old ones."""

UPWARD_DOORS = frozenset({("rxgraph.pregel._pictures", "rxgraph.graph.drawing._build")})
"""Doors from a room to one above it: every graph can be drawn, and what draws knows builders of graphs, too."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

Tree = dict[str, Module]


def room(name: str) -> str:
    return [*name.split("."), ""][1]


def target(item: Import, tree: Tree) -> str:
    """The module that an import of ours loads: ``from rxgraph.flow import _log`` means ``rxgraph.flow._log``."""
    full = f"{item.module}.{item.name}"
    return full if full in tree else item.module


def ours(module: Module) -> list[Import]:
    return [item for item in module.imports if item.module.split(".")[0] == "rxgraph"]


def upward_imports(tree: Tree) -> list[str]:
    found = []
    for module in tree.values():
        here = room(module.name)
        for item in ours(module):
            there = room(target(item, tree))
            rank, rank_there = RANK.get(here, -1), RANK.get(there, len(LAYERS))
            allowed = here == there or rank_there < rank or rank_there == rank == 0
            allowed = allowed or (module.name, target(item, tree)) in UPWARD_DOORS
            if not (allowed or item.type_only):
                found.append(f"{module.at(item.line)} '{here}' imports '{there or 'rxgraph'}', which isn't below it")
    return found


def unknown_rooms(tree: Tree) -> list[str]:
    return sorted({room(name) for name in tree} - RANK.keys())


def cycles(tree: Tree) -> list[str]:
    """Each cycle of imports that run while modules load, as 'a -> b -> a'."""
    graph = {
        name: sorted(
            {target(item, tree) for item in ours(module) if not (item.in_function or item.type_only)} & tree.keys()
        )
        for name, module in tree.items()
    }
    done: set[str] = set()
    found = []

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append(" -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for other in graph[name]:
                if other != name:
                    visit(other, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def imports_in_functions(tree: Tree) -> list[str]:
    return [
        f"{module.at(item.line)} imports {item.module} inside a function"
        for module in tree.values()
        if room(module.name) not in LAZY_DOORS and module.name not in LAZY_MODULES
        for item in ours(module)
        if item.in_function and not item.type_only
    ]


def lanes_in_engine(tree: Tree) -> list[str]:
    return [
        f"{module.at(item.line)} imports {item.module}: the engine decides, lanes/ block or await"
        for module in tree.values()
        if module.path.parent.as_posix() == "rxgraph/pregel"
        and module.path.name.startswith("_")
        and not module.is_package
        for item in module.imports
        if item.module.split(".")[0] in {"_thread", "asyncio", "threading"}
    ]


def foreign_imports(tree: Tree) -> list[str]:
    """LangGraph is the reference of the tests, and the folder ``operators`` has one name only."""
    found = []
    for module in tree.values():
        names = [(item.line, item.module) for item in module.imports]
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(
                    func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.append((node.lineno, name))
        for line, name in names:
            if name.split(".")[0] in {"langgraph", "operators"}:
                found.append(f"{module.at(line)} imports {name}")
    return found


RULES = (upward_imports, unknown_rooms, cycles, imports_in_functions, lanes_in_engine, foreign_imports)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule) -> None:
    tree = modules()
    assert tree, "no modules found"
    found = rule(tree)
    assert not found, "\n" + "\n".join(found)


BAD = [
    (upward_imports, {"rxgraph/flow/_a.py": "from rxgraph.pregel import x"}),
    (upward_imports, {"operators/_a.py": "from rxgraph.stream import x"}),
    (upward_imports, {"rxgraph/graph/a.py": "from ..func import x"}),
    (upward_imports, {"rxgraph/graph/a.py": "import rxgraph"}),
    (unknown_rooms, {"rxgraph/attic/a.py": ""}),
    (cycles, {"rxgraph/flow/_a.py": "from ._b import x", "rxgraph/flow/_b.py": "from rxgraph.flow._a import y"}),
    (cycles, {"rxgraph/flow/__init__.py": "from ._a import x", "rxgraph/flow/_a.py": "from rxgraph.flow import y"}),
    (
        cycles,
        {
            "rxgraph/types.py": "import rxgraph.errors",
            "rxgraph/errors.py": "try:\n from . import types\nfinally: 0",
        },
    ),
    (
        upward_imports,
        {"rxgraph/pregel/_pictures.py": "def f():\n from rxgraph.graph.state import x", "rxgraph/graph/state.py": ""},
    ),
    (imports_in_functions, {"rxgraph/func/_pictures.py": "def f():\n from rxgraph.graph import drawing"}),
    (imports_in_functions, {"rxgraph/graph/a.py": "class A:\n def f(self):\n  from rxgraph.types import x"}),
    (lanes_in_engine, {"rxgraph/pregel/_engine.py": "import asyncio.events"}),
    (lanes_in_engine, {"rxgraph/pregel/_engine.py": "def f():\n from threading import Lock"}),
    (foreign_imports, {"rxgraph/types.py": "def f():\n from langgraph.types import Send"}),
    (foreign_imports, {"rxgraph/types.py": "import importlib\nimportlib.import_module('langgraph.types')"}),
    (foreign_imports, {"rxgraph/stream/_a.py": "import operators"}),
]

GOOD = {
    "rxgraph/__init__.py": "def __getattr__(name):\n from rxgraph import graph",
    "rxgraph/types.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n from rxgraph.graph import x",
    "rxgraph/channels/__init__.py": "from . import _a\nfrom ._a import x",
    "rxgraph/channels/_a.py": "from rxgraph import types\nfrom rxgraph.channels import _b",
    "rxgraph/channels/_b.py": "",
    "rxgraph/pregel/main.py": "import asyncio",
    "rxgraph/pregel/lanes/__init__.py": "",
    "rxgraph/pregel/lanes/_aio.py": "import asyncio\nfrom .._engine import x",
    "rxgraph/pregel/_engine.py": "from rxgraph import operators as ops\nfrom rxgraph.flow import x",
    "rxgraph/testing/fakes.py": "from rxgraph.graph import x\nimport rxgraph.cli",
    "rxgraph/cli/__init__.py": "def main():\n from rxgraph.graph import x",
    "rxgraph/graph/__init__.py": "",
    "rxgraph/pregel/_pictures.py": "def f():\n from rxgraph.graph.drawing._build import x",
    "rxgraph/graph/drawing/_build.py": "",
    "operators/__init__.py": "from ._map import map as map",
    "operators/_map.py": "from rxgraph.flow import x",
}


def write(root: Path, files: dict[str, str]) -> Tree:
    for name, source in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source)
    return modules(root)


@pytest.mark.parametrize(("rule", "files"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_breach_is_found(rule, files: dict[str, str], tmp_path: Path) -> None:
    assert rule(write(tmp_path, files))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_legal_imports_pass(rule, tmp_path: Path) -> None:
    assert rule(write(tmp_path, GOOD)) == []
