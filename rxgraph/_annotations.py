"""Which attributes a class annotates, without evaluating a single annotation; and how instances are made of dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import is_typeddict


def annotated_keys(cls: type) -> tuple[str, ...]:
    """Return the names that a class and its bases annotate, bases first.

    A class has an ``__annotations__`` of its own, which is empty where it only inherits.
    """
    keys: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        keys.update(dict.fromkeys(getattr(base, "__annotations__", None) or ()))
    return tuple(keys)


def make_instance(source: Any) -> Callable[[Any], Any] | None:
    """Return what makes an instance of a dataclass or pydantic model out of a dict; ``None`` for other classes."""
    if not isinstance(source, type) or is_typeddict(source):
        return None
    if hasattr(source, "__dataclass_fields__") or hasattr(source, "model_fields"):
        return lambda values: source(**values)
    return None


__all__ = ("annotated_keys", "make_instance")
