"""Checkpoints in an SQLite file: what each superstep changed, or the tables that LangGraph's savers read and write.

``SqliteSaver`` is here and needs the standard library only. ``rxgraph.checkpoint.sqlite.aio`` has the asynchronous one.
"""

from __future__ import annotations

from rxgraph.checkpoint.sqlite._layout import LayoutError as LayoutError
from rxgraph.checkpoint.sqlite._saver import SqliteSaver as SqliteSaver

__all__ = ("LayoutError", "SqliteSaver")
