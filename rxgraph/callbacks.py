"""Handlers that hear when a run stops for somebody and when it goes on; with the extra ``langchain``.

    class Pager(GraphCallbackHandler):
        def on_interrupt(self, event):
            page(event.interrupts)

    graph.invoke(input, {"callbacks": [Pager()]})

A handler is one of LangChain's, too, so it may also hear of the nodes. Its methods may be async: the asynchronous lane
awaits them, the synchronous one runs them to their end. What a handler raises is logged, unless it has ``raise_error``
set: then the run fails of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from rxgraph.types import Interrupt

try:
    from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
    from langchain_core.callbacks.manager import ahandle_event, handle_event
except ImportError as error:
    raise ImportError(
        "rxgraph.callbacks needs langchain-core, which is not installed: install it with the extra 'langchain' of "
        "rxgraph-runtime."
    ) from error

GraphLifecycleStatus: TypeAlias = Literal[
    "input", "pending", "done", "interrupt_before", "interrupt_after", "out_of_steps"
]
"""Where a run stands. One that waits for answers, or goes on, is ``pending``; at a breakpoint it's the breakpoint."""


@dataclass(frozen=True)
class GraphInterruptEvent:
    """A run has stopped.

    Args:
        run_id: Of the run, as other callbacks know it.
        status: ``pending`` at questions, otherwise the kind of breakpoint.
        checkpoint_id: The checkpoint from which it goes on; empty for a run that isn't saved.
        checkpoint_ns: Namespace of the graph; empty for the root.
        interrupts: The questions; none at a breakpoint.
    """

    run_id: UUID | None
    status: GraphLifecycleStatus
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]
    interrupts: tuple[Interrupt, ...]


@dataclass(frozen=True)
class GraphResumeEvent:
    """A run has taken up a thread where that stood; see :class:`GraphInterruptEvent` for the fields."""

    run_id: UUID | None
    status: GraphLifecycleStatus
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]


GraphLifecycleEvent: TypeAlias = GraphInterruptEvent | GraphResumeEvent


class GraphCallbackHandler(BaseCallbackHandler):
    """Hears of stops and of going on; pass it in ``config["callbacks"]``."""

    def on_interrupt(self, event: GraphInterruptEvent) -> Any:
        """Hear that the run has stopped; called once, for the root and not for graphs inside."""

    def on_resume(self, event: GraphResumeEvent) -> Any:
        """Hear that the run goes on; called for the root and for each graph inside that goes on with it."""


class GraphCallbacks:
    """Those among some handlers that hear of stops, and the run of which they hear.

    Args:
        handlers: Of any kind.
        run_id: Id of the run.
    """

    is_async = False

    def __init__(self, handlers: Iterable[Any], run_id: UUID | None = None) -> None:
        self.handlers: list[BaseCallbackHandler] = [one for one in handlers if isinstance(one, GraphCallbackHandler)]
        self.run_id = run_id

    def on_interrupt(self, event: GraphInterruptEvent) -> None:
        """Tell all that the run has stopped."""
        handle_event(self.handlers, "on_interrupt", None, event)

    def on_resume(self, event: GraphResumeEvent) -> None:
        """Tell all that the run goes on."""
        handle_event(self.handlers, "on_resume", None, event)


class AsyncGraphCallbacks(GraphCallbacks):
    """The same on an event loop."""

    is_async = True

    async def on_interrupt(self, event: GraphInterruptEvent) -> None:  # type: ignore[override]
        """Tell all that the run has stopped."""
        await ahandle_event(self.handlers, "on_interrupt", None, event)

    async def on_resume(self, event: GraphResumeEvent) -> None:  # type: ignore[override]
        """Tell all that the run goes on."""
        await ahandle_event(self.handlers, "on_resume", None, event)


def get_sync_graph_callback_manager_for_config(
    config: Mapping[str, Any], *, run_id: UUID | None = None
) -> GraphCallbacks:
    """Return what tells the handlers of a configuration."""
    return GraphCallbacks(_handlers(config), run_id)


def get_async_graph_callback_manager_for_config(
    config: Mapping[str, Any], *, run_id: UUID | None = None
) -> AsyncGraphCallbacks:
    """Return what tells the handlers of a configuration, on an event loop."""
    return AsyncGraphCallbacks(_handlers(config), run_id)


def _handlers(config: Mapping[str, Any]) -> Iterable[Any]:
    given = config.get("callbacks")
    return given.handlers if isinstance(given, BaseCallbackManager) else given or ()


__all__ = (
    "AsyncGraphCallbacks",
    "GraphCallbackHandler",
    "GraphCallbacks",
    "GraphInterruptEvent",
    "GraphLifecycleEvent",
    "GraphLifecycleStatus",
    "GraphResumeEvent",
    "get_async_graph_callback_manager_for_config",
    "get_sync_graph_callback_manager_for_config",
)
