"""No shortcuts in the product: no swallowed errors, no unfinished parts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house._source import Module, modules

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BROAD = {"Exception", "BaseException"}


def _names(node: ast.expr | None) -> set[str]:
    """The classes that an ``except`` names; a bare one is the broadest of all."""
    match node:
        case None:
            return {"BaseException"}
        case ast.Tuple(elts=parts):
            return set().union(*map(_names, parts))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
    return set()


def _empty(body: list[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Pass | ast.Continue) or _is_ellipsis(node) for node in body)


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def swallowed(module: Module) -> list[str]:
    """Handlers that catch anything and do nothing; passing over one named error is fine."""
    found = []
    for node in ast.walk(module.tree):
        match node:
            case ast.ExceptHandler(type=kind, body=body) if _empty(body) and _names(kind) & BROAD:
                found.append(f"{module.at(node.lineno)} swallows every error")
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=kinds):
                if any(_names(kind) & BROAD for kind in kinds):
                    found.append(f"{module.at(node.lineno)} suppresses every error")
    return found


def unfinished(module: Module) -> list[str]:
    """Notes to self, and ``NotImplementedError`` without a word on what to do instead."""
    lines = enumerate(module.source.splitlines(), start=1)
    found = [f"{module.at(number)} says {mark[0]}" for number, line in lines if (mark := UNFINISHED.search(line))]
    for node in ast.walk(module.tree):
        match node:
            case ast.Raise(
                exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"), args=[])
            ):
                found.append(f"{module.at(node.lineno)} raises a bare NotImplementedError")
    return found


RULES = (swallowed, unfinished)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule) -> None:
    found = [line for module in modules().values() for line in rule(module)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (swallowed, "try: f()\nexcept: pass"),
        (swallowed, "try: f()\nexcept Exception: ..."),
        (swallowed, "for x in y:\n try: f()\n except (KeyError, builtins.BaseException): continue"),
        (swallowed, "with contextlib.suppress(Exception): f()"),
        (unfinished, "x = 1  # TODO: more"),
        (unfinished, "def f(): raise NotImplementedError"),
        (unfinished, "def f(): raise NotImplementedError()"),
    ],
)
def test_a_breach_is_found(rule, source: str) -> None:
    assert rule(Module("m", Path("m.py"), source))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_honest_code_passes(rule) -> None:
    handlers = "try: f()\nexcept KeyError: pass\nexcept Exception as error: hook(error)"
    assert rule(Module("m", Path("m.py"), f"{handlers}\ndef g(): raise NotImplementedError('Use h().')")) == []
