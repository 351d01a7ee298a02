"""Graphs over a shared state."""

from rxgraph.constants import END as END
from rxgraph.constants import START as START

from .state import StateGraph as StateGraph

__all__ = ("END", "START", "StateGraph")
