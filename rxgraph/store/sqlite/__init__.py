"""Items in an SQLite file, in the table that LangGraph's stores use.

``SqliteStore`` is here and needs the standard library only. ``rxgraph.store.sqlite.aio`` has the asynchronous one.
"""

from __future__ import annotations

from rxgraph.store.sqlite._store import SqliteStore as SqliteStore

__all__ = ("SqliteStore",)
