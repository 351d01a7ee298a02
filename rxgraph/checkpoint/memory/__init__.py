"""Checkpoints that live as long as the process: for tests, notebooks and programs that need no more."""

from __future__ import annotations

from rxgraph.checkpoint.memory._saver import InMemorySaver as InMemorySaver

MemorySaver = InMemorySaver
"""Another name of it."""

__all__ = ("InMemorySaver", "MemorySaver")
