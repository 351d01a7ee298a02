"""Graphs among the Runnables of LangChain (extra ``langchain``)."""

from ._runnable import as_runnable as as_runnable

__all__ = ("as_runnable",)
