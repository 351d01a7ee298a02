"""Paths into a value, to the texts that it is found by."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(r"\[[^\]]*\]|\{[^}]*\}|[^.\[{]+")


def tokenize_path(path: str) -> list[str]:
    """Split a path: ``"a.b[0].{x,y}"`` is ``["a", "b", "[0]", "{x,y}"]``."""
    return _TOKEN.findall(path)


def get_text_at_path(obj: Any, path: str | list[str]) -> list[str]:
    """Return the texts that a path leads to; none if it leads nowhere.

    ==================  ============================================================
    ``"$"`` or ``""``   the whole, as JSON with sorted keys
    ``"a.b"``           the key ``b`` of what is at ``a``
    ``"a[0]"``          an item of a list; ``[-1]`` is the last
    ``"a[*]"``          each item
    ``"*"``             each value of a dict, or each item of a list
    ``"{x,y}"``         what is at ``x``, and what is at ``y``
    ==================  ============================================================

    Text is given as it is, numbers and booleans as ``str``, dicts and lists as JSON; ``None`` gives nothing.
    """
    if path in ("$", "") or path == ["$"]:
        return [_json(obj)]
    found = [obj]
    for token in tokenize_path(path) if isinstance(path, str) else path:
        found = [inner for value in found for inner in _step(value, token)]
    return [text for value in found if (text := _text(value)) is not None]


def _step(value: Any, token: str) -> list[Any]:
    if token.startswith("["):
        if not isinstance(value, list | tuple):
            return []
        place = token[1:-1]
        if place == "*":
            return list(value)
        try:
            return [value[int(place)]]
        except (ValueError, IndexError):
            return []
    if token == "*":
        if isinstance(value, Mapping):
            return list(value.values())
        return list(value) if isinstance(value, list | tuple) else []
    if not isinstance(value, Mapping):
        return []
    names = [name.strip() for name in token[1:-1].split(",")] if token.startswith("{") else [token]
    return [value[name] for name in names if name in value]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    return _json(value) if isinstance(value, Mapping | list | tuple) else None


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


__all__ = ("get_text_at_path", "tokenize_path")
