"""The little YAML that stands in front of Mermaid text: mappings, lists and plain values, keys sorted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

PLAIN = re.compile(
    r"(?:[-?:](?=[^ ])|[\w./()+$^;~\\<=])(?:[\w./()+$^;~\\<= !\"%&'*>@`|,\[\]{}?-]|:(?=[^ ])|(?<=[^ ])#)*", re.ASCII
)
"""Strings that need no quotes, if they mean nothing else."""

OTHERWISE = re.compile(
    r"|[~=]|<<|null|Null|NULL|[yY]es|YES|[nN]o|NO|[tT]rue|TRUE|[fF]alse|FALSE|[oO]n|ON|[oO]ff|OFF"
    r"|[-+]?(0b[01_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(:[0-5]?[0-9])+)"
    r"|[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?|---.*|\.\.\..*"
)
"""Strings that without quotes would be numbers, dates, truth values, nothing, or the end of the front matter."""


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Return a mapping as block-style YAML."""
    return "".join(f"{line}\n" for line in _mapping(value, 0))


def _mapping(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key in sorted(value):
        item = value[key]
        if isinstance(item, Mapping) and item:
            yield f"{pad}{_scalar(key)}:"
            yield from _mapping(item, depth + 1)
        elif isinstance(item, (list, tuple)) and item:
            yield f"{pad}{_scalar(key)}:"
            yield from _sequence(item, depth)
        else:
            yield f"{pad}{_scalar(key)}: {_scalar(item)}"


def _sequence(value: list[Any] | tuple[Any, ...], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for item in value:
        if isinstance(item, (Mapping, list, tuple)) and item:
            lines = list(_mapping(item, depth + 1) if isinstance(item, Mapping) else _sequence(item, depth + 1))
            yield f"{pad}- {lines[0][len(pad) + 2 :]}"
            yield from lines[1:]
        else:
            yield f"{pad}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
        text = repr(value)
        # Without a point it would be a string.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (Mapping, list, tuple)):
        return "{}" if isinstance(value, Mapping) else "[]"
    text = str(value)
    if not text.isascii() or not text.isprintable():
        return '"' + "".join(map(_escaped, text)) + '"'
    if text != text.strip() or not PLAIN.fullmatch(text) or OTHERWISE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def _escaped(one: str) -> str:
    if one.isascii() and one.isprintable():
        return f"\\{one}" if one in '"\\' else one
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(one)
    plain = f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
    return named.get(one, plain)


__all__ = ("dump_yaml",)
