"""LangChain's Runnables as parts of a graph.

Nothing here imports langchain-core: whoever holds a Runnable has imported it.
"""

from __future__ import annotations

from typing import Any

from rxgraph._composing import loaded_runnable
from rxgraph.pregel._body import Body


def is_runnable(value: Any) -> bool:
    """Whether *value* is a Runnable of LangChain; having the methods of one is not enough."""
    runnable = loaded_runnable()
    return runnable is not None and isinstance(value, runnable)


def runnable_body(name: str, runnable: Any) -> Body:
    """Run a Runnable as a node or a path: it is given the task's configuration, callbacks and all."""

    def sync(value: Any, task: Any) -> Any:
        return runnable.invoke(value, task.config)

    async def asynchronous(value: Any, task: Any) -> Any:
        return await runnable.ainvoke(value, task.config)

    return Body(name, sync, asynchronous)


def hinted(action: Any) -> Any:
    """Return what has the annotations of *action*: the function inside a ``RunnableLambda``."""
    if not is_runnable(action):
        return action
    # Its own: a Runnable that wraps another one passes such names on to it.
    own = getattr(action, "__dict__", {})
    return own.get("func") or own.get("afunc") or action


__all__ = ("hinted", "is_runnable", "runnable_body")
