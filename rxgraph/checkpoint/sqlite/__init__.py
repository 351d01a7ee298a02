"""Checkpoints in an SQLite file, which LangGraph's savers read and write too.

``SqliteSaver`` is here and needs the standard library only. ``rxgraph.checkpoint.sqlite.aio`` has the asynchronous one.
"""

from __future__ import annotations

from rxgraph.checkpoint.sqlite._saver import SqliteSaver as SqliteSaver

__all__ = ("SqliteSaver",)
