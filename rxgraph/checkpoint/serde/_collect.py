"""The classes that a graph's schemas name, so that its rows may make them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from inspect import get_annotations
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from rxgraph.channels.base import BaseChannel

_UNRESOLVED: Final = (AttributeError, NameError, SyntaxError, TypeError)
"""What looking up an annotation raises when a name in it leads nowhere."""


def collect_allowlist(*schemas: Any) -> frozenset[type]:
    """Return the dataclasses, pydantic models, enums and named tuples that the schemas hold, at any depth.

    Looks into TypedDicts, the fields of what it finds, unions, ``Annotated``, containers, aliases, and the value types
    of channels and reducers in an annotation. What stands behind ``Any`` or a bare ``dict`` is not to be seen.

    Args:
        schemas: Classes or type expressions; ``None`` is passed over.

    Example:
        >>> from enum import Enum
        >>> class Mood(Enum):
        ...     GOOD = 1
        >>> sorted(cls.__name__ for cls in collect_allowlist(dict[str, list[Mood | None]]))
        ['Mood']
    """
    found: set[type] = set()
    seen: set[int] = set()
    # The objects whose ids are in `seen` are kept alive by it.
    kept: list[Any] = []
    waiting = list(schemas)
    while waiting:
        item = waiting.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        kept.append(item)
        if isinstance(item, type) and get_origin(item) is None:
            if _is_value_class(item):
                found.add(item)
            waiting.extend(_fields(item))
        waiting.extend(_inside(item))
    return frozenset(found)


def _is_value_class(cls: type) -> bool:
    return (
        is_dataclass(cls)
        or _is_pydantic(cls)
        or issubclass(cls, Enum)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )


def _is_pydantic(cls: type) -> bool:
    for module, name in (("pydantic.main", "BaseModel"), ("pydantic.v1.main", "BaseModel")):
        base = getattr(sys.modules.get(module), name, None)
        if base is not None and issubclass(cls, base):
            return cls is not base
    return False


def _fields(cls: type) -> Iterator[Any]:
    """Annotations of a class that says what it holds."""
    if not (_is_value_class(cls) or is_typeddict(cls)) or issubclass(cls, Enum):
        return
    models = cls.__dict__.get("__pydantic_fields__") or cls.__dict__.get("__fields__")
    if isinstance(models, dict):
        # Names in quotes are resolved there already, with what the model saw when it was made.
        yield from (getattr(field, "annotation", None) for field in models.values())
    try:
        yield from get_type_hints(cls, include_extras=True).values()
    except _UNRESOLVED:
        # One name that can't be resolved (an import for type checkers, a class of a function) spoils the whole call;
        # the others still count.
        yield from _one_by_one(cls)


def _one_by_one(cls: type) -> Iterator[Any]:
    for base in cls.__mro__:
        space = dict(vars(sys.modules.get(base.__module__, sys)))
        for name, hint in get_annotations(base).items():
            single = type(name, (), {"__annotations__": {name: hint}, "__module__": base.__module__})
            try:
                yield from get_type_hints(single, space, include_extras=True).values()
            except _UNRESOLVED:
                continue


def _inside(item: Any) -> Iterator[Any]:
    """Parts of a type expression."""
    if isinstance(item, BaseChannel):
        yield from (_attribute(item, "ValueType"), _attribute(item, "UpdateType"))
    elif get_origin(item) is Literal:
        # Members of enums.
        yield from (type(value) for value in get_args(item) if isinstance(value, Enum))
    else:
        yield get_origin(item)
        yield from get_args(item)
        yield from _metadata(getattr(item, "__metadata__", ()))
        # A type alias, a NewType, a type variable.
        yield from (_attribute(item, name) for name in ("__value__", "__supertype__", "__bound__"))
        yield from _attribute(item, "__constraints__") or ()


def _metadata(extras: tuple[Any, ...]) -> Iterator[Any]:
    for extra in extras:
        if isinstance(extra, BaseChannel):
            yield extra
        elif callable(extra) and not isinstance(extra, type):
            yield from _parameters(extra)


def _parameters(reducer: Callable[..., Any]) -> Iterator[Any]:
    """What a reducer takes: its second argument is stored as a write."""
    try:
        yield from get_type_hints(reducer, include_extras=True).values()
    except _UNRESOLVED:
        return


def _attribute(item: Any, name: str) -> Any:
    try:
        return getattr(item, name, None)
    except _UNRESOLVED:
        return None


__all__ = ("collect_allowlist",)
