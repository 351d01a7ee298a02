"""What a module exports is written down, exists, is sorted and says what it is."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.house._source import Module, definitions, literal_all, modules

Tree = dict[str, Module]


def export_order(name: str) -> tuple[object, ...]:
    """Constants, then classes, then the rest, numbers by their value: the order that ruff's RUF022 writes."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return (kind, [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part])


def shown(module: Module) -> set[str]:
    """Names that a module offers to readers: its functions and classes, and what it imports ``as`` the same name."""
    names = {node.name for node in definitions(module)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names if alias.asname == alias.name}
    return {name for name in names if not name.startswith("_")}


def unwritten(tree: Tree) -> list[str]:
    """Public names that ``__all__`` leaves out, in modules that a user may import."""
    found = []
    for module in tree.values():
        if module.is_public and (names := shown(module)):
            exported = literal_all(module)
            if exported is None:
                found.append(f"{module.path} has public names and no written __all__: {', '.join(sorted(names))}")
            elif missing := sorted(names - set(exported)):
                found.append(f"{module.path} leaves out of __all__: {', '.join(missing)}. Export or underscore them.")
    return found


def unsorted(tree: Tree) -> list[str]:
    found = []
    for module in tree.values():
        names = literal_all(module) or []
        if names != sorted(set(names), key=export_order):
            found.append(f"{module.path}: __all__ isn't sorted, or repeats a name; `make format` sorts it")
    return found


def missing(module: ModuleType, names: list[str]) -> list[str]:
    return [
        f"{module.__name__}.__all__ names '{name}', which doesn't exist" for name in names if not hasattr(module, name)
    ]


def undocumented(tree: Tree, load: Callable[[str], ModuleType] = importlib.import_module) -> list[str]:
    """Functions and classes within reach of a user that have no docstring, each named at its home."""
    homes: dict[tuple[str, str], None] = {}
    for module in tree.values():
        if module.is_public and literal_all(module):
            loaded = load(module.name)
            for name in literal_all(module) or []:
                value = getattr(loaded, name, None)
                home, own = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
                if isinstance(home, str) and isinstance(own, str) and home in tree:
                    homes[home, own] = None
    found = []
    for home, own in homes:
        nodes = [node for node in definitions(tree[home]) if node.name == own]
        if nodes and not any(ast.get_docstring(node) for node in nodes):
            found.append(f"{tree[home].at(nodes[0].lineno)} {own} has no docstring")
    return found


@pytest.mark.parametrize("rule", [unwritten, unsorted, undocumented], ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule) -> None:
    found = rule(modules())
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", [name for name, module in modules().items() if literal_all(module)])
def test_every_export_exists(name: str) -> None:
    loaded = importlib.import_module(name)
    assert missing(loaded, literal_all(modules()[name]) or []) == []


def module(source: str, path: str = "rxgraph/thing.py") -> Tree:
    name = path.removesuffix(".py").replace("/", ".")
    return {name: Module(name, Path(path), source)}


@pytest.mark.parametrize(
    "source",
    [
        "def f(): ...",
        "__all__ = []\nclass A: ...",
        "__all__ = ['f']\nfrom ._x import f as f, g as g",
        "if 1:\n def f(): ...",
    ],
)
def test_an_unwritten_export_is_found(source: str) -> None:
    assert unwritten(module(source))
    assert not unwritten(module(source, "rxgraph/_thing.py")), "private modules are free to leave it out"


def test_exports_are_sorted_as_the_linter_sorts_them() -> None:
    assert unsorted(module("__all__ = ['b', 'a']"))
    assert unsorted(module("__all__ = ['a', 'a']"))
    assert not unsorted(module("__all__ = ('END', 'START', 'Aa', 'T', 'Zz', 'a2', 'a10', 'b')"))


def test_a_missing_export_is_found() -> None:
    assert missing(importlib.import_module("types"), ["ModuleType", "NoSuchThing"])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A: ...", True),
        ("def A(): return 1", True),
        ("class A:\n 'What it is.'", False),
        ("@overload\ndef A(x): ...\ndef A(x, y):\n 'What it does.'", False),
    ],
)
def test_a_missing_docstring_is_found_at_home(source: str, found: bool) -> None:
    home = module(source, "rxgraph/_home.py")
    door = module("from ._home import A as A\n__all__ = ['A']", "rxgraph/door.py")
    loaded = ModuleType("rxgraph.door")
    loaded.A = type("A", (), {"__module__": "rxgraph._home"})
    assert bool(undocumented(home | door, load=lambda name: loaded)) is found
