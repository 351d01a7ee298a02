"""From ``MODULE:GRAPH`` to a compiled graph."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from rxgraph._hints import did_you_mean
from rxgraph.graph import StateGraph
from rxgraph.pregel import Pregel

from ._console import Failure, UsageProblem

AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]


def load_graph(target: str) -> AnyGraph:
    """Import the module of *target* and return its graph, compiled.

    Raises:
        UsageProblem: There is no such module or graph, or it is something else.
        Failure: The module, the function or the compilation raised an error.
    """
    where, _, name = target.rpartition(":")
    if not where or not name:
        example = f"{target.strip(':') or 'package.module'}:graph"
        raise UsageProblem(f"expected MODULE:GRAPH or FILE.py:GRAPH, got {target!r}. For example: {example}")
    sys.path.insert(0, str(Path.cwd()))
    is_file = where.endswith(".py") or "/" in where or "\\" in where
    module = _import_file(Path(where)) if is_file else _import_module(where)
    return _as_graph(_find(module, name, where), target)


def _import_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageProblem(
            f"{name!r} is not the name of a module. Write package.module:GRAPH or path/to/file.py:GRAPH."
        )
    # A missing package of the user's module is another problem than a missing module.
    parents = [name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in parents:
            raise _broken(name, error) from error
        parent, _, leaf = error.name.rpartition(".")
        path = getattr(sys.modules[parent], "__path__", []) if parent else [str(Path.cwd())]
        known = [module.name for module in pkgutil.iter_modules(path)]
        place = f"package {parent!r}" if parent else "the current folder or the environment"
        raise UsageProblem(f"there is no module {leaf!r} in {place}.{did_you_mean(leaf, known)}") from None
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _import_file(path: Path) -> ModuleType:
    if not os.path.isfile(path):
        siblings = [str(path.with_name(file.name)) for file in path.parent.glob("*.py")]
        raise UsageProblem(f"there is no file {str(path)!r}.{did_you_mean(str(path), siblings)}")
    sys.path.insert(0, str(path.parent.resolve()))
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_from_file"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageProblem(f"{str(path)!r} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    # Type hints are resolved through sys.modules.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _broken(str(path), error) from error
    return module


def _find(module: ModuleType, name: str, where: str) -> Any:
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            graphs = [key for key, item in vars(module).items() if isinstance(item, Pregel | StateGraph)]
            known: Iterable[str] = graphs or [
                key for key, item in vars(module).items() if not (key.startswith("_") or inspect.ismodule(item))
            ]
            raise UsageProblem(f"{where!r} has no {name!r}.{did_you_mean(name, known)}")
        value = getattr(value, part)
    return value


def _as_graph(value: Any, target: str) -> AnyGraph:
    if inspect.isfunction(value) or inspect.ismethod(value):
        value = _call_factory(value, target)
    if isinstance(value, Pregel):
        return value
    if isinstance(value, StateGraph):
        try:
            return value.compile(name=target.rpartition(":")[2])
        except Exception as error:
            raise Failure(f"{target} does not compile: {error}") from error
    raise UsageProblem(
        f"{target} is {_kind(value)}; expected a StateGraph, a compiled graph, or a function without arguments that "
        "returns one."
    )


def _call_factory(factory: Callable[..., Any], target: str) -> Any:
    required = [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required or inspect.iscoroutinefunction(factory):
        got = "is async" if not required else f"needs {', '.join(map(repr, required))}"
        raise UsageProblem(f"{target} is a function that {got}; expected one that is called without arguments.")
    try:
        return factory()
    except Exception as error:
        raise Failure(f"{target}() failed: {type(error).__name__}: {error}") from error


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a value of type {type(value).__name__}"


def _broken(what: str, error: BaseException) -> Failure:
    return Failure(f"importing {what!r} failed: {type(error).__name__}: {error}")


__all__ = ("AnyGraph", "load_graph")
