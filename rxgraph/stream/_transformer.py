"""A transformer: what turns the events of a run into projections of it."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rxgraph.types import Namespace

from ._events import ProtocolEvent

if TYPE_CHECKING:
    from ._mux import StreamMux


class StreamTransformer(ABC):
    """Sees every event of a run, and of the graphs inside it, and offers projections of them.

    A subclass defines :meth:`init`, and :meth:`process` or :meth:`aprocess`.

    Order: the order of registration; those with ``before_builtins`` go ahead.
    Errors: of a hook end the run with that error, and every projection hears of it.

    Args:
        scope: Namespace of the graph whose events it is for; ``()`` is the root.
    """

    requires_async: ClassVar[bool] = False
    """Whether it can only work in an asynchronous run."""
    supports_sync: ClassVar[bool] = False
    """Whether it works in a synchronous run although it has asynchronous hooks."""
    required_stream_modes: tuple[str, ...] = ()
    """Stream modes that the run has to show because of it."""
    before_builtins: ClassVar[bool] = False
    """Whether it sees, and may change, events before the built-in projections do."""
    _native: ClassVar[bool] = False

    def __init__(self, scope: Namespace = ()) -> None:
        self.scope = scope

    @abstractmethod
    def init(self) -> dict[str, Any]:
        """Return the projections by key: channels, or anything else."""

    def process(self, event: ProtocolEvent) -> bool:
        """Take an event in; a false answer keeps it out of the raw log.

        Raises:
            NotImplementedError: The subclass has no ``process``.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define process(event), or aprocess(event).")

    async def aprocess(self, event: ProtocolEvent) -> bool:
        """Take an event in, in an asynchronous run; by default as :meth:`process`."""
        return self.process(event)

    def finalize(self) -> None:
        """Hear that the run has ended well; channels may still be pushed to."""

    async def afinalize(self) -> None:
        """Hear that an asynchronous run has ended well; by default as :meth:`finalize`."""
        self.finalize()

    def fail(self, err: BaseException) -> None:
        """Hear that the run has failed; channels may still be pushed to."""

    async def afail(self, err: BaseException) -> None:
        """Hear that an asynchronous run has failed; by default as :meth:`fail`."""
        self.fail(err)

    def schedule(self, coro: Coroutine[Any, Any, Any], *, on_error: Literal["log", "raise"] = "log") -> Any:
        """Run *coro* as a task that the end of the run waits for, and that a failure or ``abort`` cancels.

        Args:
            coro: The work.
            on_error: ``"raise"`` ends the run with the error of the task, ``"log"`` only writes it down.

        Raises:
            RuntimeError: No event loop is running.
            ValueError: Another *on_error*.
        """
        if on_error not in ("log", "raise"):
            coro.close()
            raise ValueError(f"schedule() got on_error={on_error!r}; expected 'log' or 'raise'.")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            coro.close()
            raise RuntimeError(
                f"{type(self).__name__}.schedule() needs a running event loop: use it in an asynchronous run, "
                "await graph.astream_events(...)."
            ) from None
        task = loop.create_task(coro)
        tasks = self._scheduled()
        tasks.add(task)
        task.add_done_callback(lambda done: self._settle(done, on_error))
        return task

    def _on_register(self, mux: StreamMux) -> None:
        """Hear of the mux that it belongs to."""

    def _scheduled(self) -> set[asyncio.Task[Any]]:
        # Not in __init__, which a subclass may replace.
        tasks: set[asyncio.Task[Any]] = self.__dict__.setdefault("_tasks", set())
        return tasks

    def _settle(self, task: asyncio.Task[Any], on_error: str) -> None:
        self._scheduled().discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        breaks: Callable[[BaseException], None] | None = self.__dict__.get("_breaks_run")
        if on_error == "raise" and breaks is not None:
            breaks(error)
        else:
            logger = logging.getLogger("rxgraph.stream")
            logger.error("Work scheduled by %s failed: %r", type(self).__name__, error, exc_info=error)


def needs_async(transformer: StreamTransformer) -> bool:
    """Whether a transformer can't work in a synchronous run."""
    return transformer.requires_async or (has_async_hooks(transformer) and not transformer.supports_sync)


def has_async_hooks(transformer: StreamTransformer) -> bool:
    """Whether a transformer has asynchronous hooks of its own."""
    kind = type(transformer)
    return any(
        getattr(kind, hook) is not getattr(StreamTransformer, hook) for hook in ("aprocess", "afinalize", "afail")
    )


__all__ = ("StreamTransformer", "has_async_hooks", "needs_async")
