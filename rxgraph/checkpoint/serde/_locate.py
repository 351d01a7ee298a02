"""Where in a value the part is that can't be written; asked only after it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_DEPTH = 200


def locate(value: Any, fails: Callable[[Any], bool]) -> tuple[str, Any]:
    """Return the path to the innermost part for which ``fails`` holds, and the part."""
    path = ""
    for _ in range(_DEPTH):
        for step, part in _parts(value):
            if fails(part):
                path, value = path + step, part
                break
        else:
            break
    return path, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip((f".{name}" for name in value._fields), value, strict=False)
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from (("{...}", part) for part in value)
    elif hasattr(value, "__dataclass_fields__"):
        yield from ((f".{name}", getattr(value, name)) for name in value.__dataclass_fields__ if hasattr(value, name))
    elif hasattr(value, "node") and hasattr(value, "arg"):
        yield ".arg", value.arg
    elif hasattr(type(value), "model_dump"):
        yield from ((f".{name}", part) for name, part in vars(value).items())


__all__ = ("locate",)
