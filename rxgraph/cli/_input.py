"""JSON from the command line, a file or standard input."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from ._console import UsageProblem

WIDTH: Final = 72
"""Characters of a faulty line that are shown around the fault."""


def read_json(option: str, text: str) -> Any:
    """Read the value of a ``JSON|@FILE|-`` option.

    Raises:
        UsageProblem: It can't be read, or is not JSON.
    """
    source = _read(option, text)
    where = {"-": " from standard input"}.get(text, f" from {text[1:]}" if text.startswith("@") else "")
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        hint = "" if text.startswith("@") or text == "-" or not os.path.isfile(text) else f" Did you mean @{text}?"
        raise UsageProblem(
            f"{option}{where} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.{hint}\n"
            + _pointed(source, error)
        ) from None
    except RecursionError:
        raise UsageProblem(f"{option}{where} is nested too deeply to be read.") from None


def _read(option: str, text: str) -> str:
    if text == "-":
        if sys.stdin.isatty():
            print(f"Reading {option} from the terminal; Ctrl-D ends it.", file=sys.stderr)
        data = sys.stdin.buffer.read()
    elif text.startswith("@"):
        try:
            data = Path(text[1:]).read_bytes()
        except OSError as error:
            raise UsageProblem(f"{option} can't read the file {text[1:]!r}: {error.strerror}.") from None
    else:
        return text
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{option} {text} is not UTF-8: {error.reason} at byte {error.start}.") from None


def _pointed(source: str, error: json.JSONDecodeError) -> str:
    """Show the faulty line with a caret below the fault."""
    lines = source.splitlines() or [""]
    # An unexpected end may be reported on the line after the last one.
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    start = max(0, error.colno - 1 - WIDTH // 2)
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return f"  {shown}\n  {' ' * (error.colno - 1 - start)}^"


__all__ = ("read_json",)
