"""The operator library is complete and its docstrings are contracts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house._source import ROOT, Module, definitions, literal_all, modules

SECTIONS = ("Shapes", "Demand", "Order", "Errors", "Disposal", "Args", "Example", "Source")
"""The sections of a docstring in their order; an operator leaves out what has nothing to say."""

REQUIRED = {"Shapes", "Demand", "Errors", "Source"}
DEMANDS = {"pass-through", "full", "unbounded-in", "error", "none", "special"}
LONGEST = 45
"""Lines of a docstring, beyond which a reader looks for the documentation."""


def operators() -> dict[str, Module]:
    """Each operator's module by the operator's name: ``_buffer.py`` holds ``buffer``."""
    inside = {name: module for name, module in modules().items() if name.startswith("rxgraph.operators.")}
    return {name.removeprefix("rxgraph.operators.").removeprefix("_"): module for name, module in inside.items()}


def docstring(module: Module, name: str) -> str:
    nodes = [node for node in definitions(module) if node.name == name]
    return next((text for node in nodes if (text := ast.get_docstring(node))), "")


def breaches(name: str, text: str) -> list[str]:
    """What the docstring of the operator ``name`` lacks."""
    if not text:
        return [f"{name} has no docstring"]
    found = []
    first, _, rest = text.partition("\n")
    if not first.endswith("."):
        found.append(f"{name} doesn't open with one sentence on one line: {first!r}")
    if rest.strip() and not rest.startswith("\n"):
        found.append(f"{name} has no empty line after its first sentence")
    sections = re.findall(rf"^({'|'.join(SECTIONS)}):", text, flags=re.MULTILINE)
    if lacking := REQUIRED - set(sections):
        found.append(f"{name} lacks the section {', '.join(sorted(lacking))}")
    if sections != sorted(set(sections), key=SECTIONS.index):
        found.append(f"{name} has its sections out of order: {', '.join(sections)}")
    if demand := re.search(r"^Demand:\s*(\S*)", text, flags=re.MULTILINE):
        word = demand[1].strip("`*").rstrip(".,;:")
        if word not in DEMANDS:
            found.append(f"{name} has 'Demand: {word}', expected one of {', '.join(sorted(DEMANDS))}")
    for section, body in re.findall(r"^([A-Z][a-z]+):(.*(?:\n(?: .*)?)*)", text, flags=re.MULTILINE):
        if section in SECTIONS and not body.strip():
            found.append(f"{name} has nothing under '{section}:'")
    if (lines := len(text.splitlines())) > LONGEST:
        found.append(f"{name} has a docstring of {lines} lines, expected at most {LONGEST}")
    return found


def test_exports_and_files_are_the_same_set() -> None:
    """Every file of operators/ is one operator, and the table of contents names them all."""
    contents = modules()["rxgraph.operators"]
    assert sorted(literal_all(contents) or []) == sorted(operators())


def test_there_is_one_folder_of_operators() -> None:
    link = ROOT / "rxgraph" / "operators"
    assert link.samefile(ROOT / "operators") or not link.is_symlink()


@pytest.mark.parametrize("name", sorted(operators()))
def test_operator(name: str) -> None:
    module = operators()[name]
    assert module.path.name == f"_{name}.py", "one operator a file, named after it"
    assert name in {node.name for node in definitions(module)}, f"{module.path} defines no {name}"
    assert (ROOT / "tests" / "operators" / f"test_{name}.py").is_file(), f"tests/operators/test_{name}.py is missing"
    assert breaches(name, docstring(module, name)) == []


GOOD = """Keep the newest.

    request  1--1
    result   -a--

Shapes: ``Observable[T] -> Observable[T]``.
Demand: unbounded-in; honours ``request(n)`` downstream.
Errors: a source error cuts ahead.
Args:
    size: In items.
Source: Reactor.
"""


def test_a_whole_docstring_passes() -> None:
    assert breaches("latest", GOOD) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Keep the newest.", "Keep the newest"),
        ("Shapes:", "Shape:"),
        ("Demand: unbounded-in", "Demand: unbounded"),
        ("Errors: a source error cuts ahead.\n", ""),
        ("    size: In items.\n", ""),
        ("Source: Reactor.", "Source:"),
        ("Source: Reactor.", "Source: Reactor.\nDisposal: late."),
        ("Source: Reactor.", "Source: Reactor." + "\n  more" * LONGEST),
    ],
)
def test_a_breach_is_found(old: str, new: str) -> None:
    assert len(breaches("latest", GOOD.replace(old, new))) == 1


def test_no_docstring_is_found() -> None:
    assert breaches("latest", docstring(Module("m", Path("m.py"), "def latest(): ..."), "latest"))
