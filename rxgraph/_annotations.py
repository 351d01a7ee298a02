"""Which attributes a class annotates, without evaluating a single annotation."""

from __future__ import annotations


def annotated_keys(cls: type) -> tuple[str, ...]:
    """Return the names that a class and its bases annotate, bases first.

    A class has an ``__annotations__`` of its own, which is empty where it only inherits.
    """
    keys: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        keys.update(dict.fromkeys(getattr(base, "__annotations__", None) or ()))
    return tuple(keys)


__all__ = ("annotated_keys",)
