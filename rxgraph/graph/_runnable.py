"""LangChain's Runnables as parts of a graph.

Nothing here imports langchain-core: whoever holds a Runnable has imported it.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from rxgraph.pregel._body import Body

OF_THE_RUN: Final = ("run_id", "run_name")
"""Options that name one run, and not those inside it."""


def is_runnable(value: Any) -> bool:
    """Whether *value* is a Runnable of LangChain; having the methods of one is not enough."""
    module = sys.modules.get("langchain_core.runnables.base")
    # A module that is just being imported has no such class yet, and nobody has an instance of it.
    runnable = getattr(module, "Runnable", None)
    return runnable is not None and isinstance(value, runnable)


def runnable_body(name: str, runnable: Any) -> Body:
    """Run a Runnable as a node or a path: it is given the task's configuration, callbacks and all."""

    def sync(value: Any, task: Any) -> Any:
        return runnable.invoke(value, _inner_config(task))

    async def asynchronous(value: Any, task: Any) -> Any:
        return await runnable.ainvoke(value, _inner_config(task))

    return Body(name, sync, asynchronous)


def _inner_config(task: Any) -> dict[str, Any]:
    return {key: value for key, value in task.config.items() if key not in OF_THE_RUN}


__all__ = ("is_runnable", "runnable_body")
