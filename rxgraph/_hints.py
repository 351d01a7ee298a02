"""Hints for error messages."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a hint such as ``" Did you mean 'search'? Known: 'plan', 'search'."``; at most ten names are listed."""
    # Errors are rare, and difflib costs every import a millisecond or two.
    from difflib import get_close_matches

    names = sorted(known)
    close = get_close_matches(str(name), names, n=1)
    shown = ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return (f" Did you mean {close[0]!r}?" if close else "") + (f" Known: {shown}." if names else "")


__all__ = ("did_you_mean",)
