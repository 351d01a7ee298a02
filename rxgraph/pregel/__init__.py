"""The runtime: plan, engine and lanes, and the face of a compiled graph."""

from .main import Pregel as Pregel

__all__ = ("Pregel",)
