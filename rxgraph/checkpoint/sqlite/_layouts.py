"""All layouts that there are."""

from __future__ import annotations

from typing import get_args

from rxgraph.checkpoint.sqlite._compact import CompactLayout
from rxgraph.checkpoint.sqlite._layout import Layout, LayoutName
from rxgraph.checkpoint.sqlite._shared import SharedLayout


def layouts(asked: LayoutName | None) -> tuple[Layout, ...]:
    """Return each layout, the one for new files first.

    Raises:
        ValueError: What was asked for is none of them.
    """
    if asked is not None and asked not in get_args(LayoutName):
        known = ", ".join(map(repr, get_args(LayoutName)))
        raise ValueError(f"layout must be one of {known}, or None, got {asked!r}.")
    return CompactLayout(), SharedLayout()


__all__ = ("layouts",)
