"""The product as the house tests see it: modules with their syntax trees, read from the files as they are now."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """One imported name: ``from module import name``, or ``import module`` with ``name=None``."""

    module: str
    name: str | None
    line: int
    in_function: bool
    type_only: bool


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, str(self.path))

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def is_public(self) -> bool:
        """No part of the dotted name starts with an underscore."""
        return not any(part.startswith("_") for part in self.name.split("."))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self, self.tree, in_function=False, type_only=False))

    def at(self, line: int) -> str:
        """A place as terminals and editors link it."""
        return f"{self.path}:{line}"


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Every module of the product; the operators under the name they are imported by."""
    found = {}
    # pathlib doesn't walk through the link, so the operators come from their real folder.
    for folder in (root / "rxgraph", root / "operators"):
        for path in sorted(folder.rglob("*.py")):
            relative = path.relative_to(root).with_suffix("")
            parts = relative.parts if relative.parts[0] == "rxgraph" else ("rxgraph", *relative.parts)
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path.relative_to(root), path.read_text("utf-8"))
    return found


def literal_all(module: Module) -> list[str] | None:
    """The names in the module's written ``__all__``, or None if it has none."""
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return list(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                return list(ast.literal_eval(value))
    return None


def definitions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes at the top of a module, also those under an ``if`` or ``try``."""
    queue: list[ast.AST] = [module.tree]
    while queue:
        for node in ast.iter_child_nodes(queue.pop()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node
            elif isinstance(node, ast.If | ast.Try | ast.ExceptHandler | ast.With):
                queue.append(node)


def _imports(module: Module, node: ast.AST, *, in_function: bool, type_only: bool) -> Iterator[Import]:
    match node:
        case ast.Import():
            for alias in node.names:
                yield Import(alias.name, None, node.lineno, in_function, type_only)
            return
        case ast.ImportFrom():
            source = _absolute(module, node)
            for alias in node.names:
                yield Import(source, alias.name, node.lineno, in_function, type_only)
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for child in node.body:
                yield from _imports(module, child, in_function=in_function, type_only=True)
            for child in node.orelse:
                yield from _imports(module, child, in_function=in_function, type_only=type_only)
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            in_function = True
    for child in ast.iter_child_nodes(node):
        yield from _imports(module, child, in_function=in_function, type_only=type_only)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)
