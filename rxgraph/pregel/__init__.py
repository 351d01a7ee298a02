"""The runtime: plan, engine and lanes, and the face of a compiled graph."""

from .builder import NodeBuilder as NodeBuilder
from .main import Pregel as Pregel

__all__ = ("NodeBuilder", "Pregel")
