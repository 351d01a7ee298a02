"""What can stand for a graph: the methods that a graph here, and one on a server, have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Generic, Literal, Self, TypeAlias

from rxgraph.config import RunnableConfig
from rxgraph.types import All as All
from rxgraph.types import Command as Command
from rxgraph.types import GraphOutput as GraphOutput
from rxgraph.types import StateSnapshot as StateSnapshot
from rxgraph.types import StateUpdate as StateUpdate
from rxgraph.types import StreamMode as StreamMode
from rxgraph.types import StreamPart as StreamPart
from rxgraph.typing import ContextT as ContextT
from rxgraph.typing import InputT as InputT
from rxgraph.typing import OutputT as OutputT
from rxgraph.typing import StateT as StateT

from .main import Pregel

StreamChunk: TypeAlias = tuple[tuple[str, ...], str, Any]
"""One event of a run inside the library: ``(namespace, stream mode, payload)``."""


class PregelProtocol(ABC, Generic[StateT, ContextT, InputT, OutputT]):
    """A graph, wherever it runs; compiled graphs are instances of it."""

    @abstractmethod
    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Self:
        """Return a copy whose runs have *config* merged into their configuration."""

    @abstractmethod
    def get_graph(self, config: RunnableConfig | None = None, *, xray: int | bool = False) -> Any:
        """Return the graph as a drawing."""

    @abstractmethod
    async def aget_graph(self, config: RunnableConfig | None = None, *, xray: int | bool = False) -> Any:
        """Return the graph as a drawing."""

    @abstractmethod
    def get_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the state of a thread."""

    @abstractmethod
    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the state of a thread."""

    @abstractmethod
    def get_state_history(
        self,
        config: RunnableConfig,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[StateSnapshot]:
        """Return the states that a thread had, the newest first."""

    @abstractmethod
    def aget_state_history(
        self,
        config: RunnableConfig,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[StateSnapshot]:
        """Return the states that a thread had, the newest first."""

    @abstractmethod
    def bulk_update_state(self, config: RunnableConfig, updates: Sequence[Sequence[StateUpdate]]) -> RunnableConfig:
        """Update the state of a thread, superstep by superstep; return where it stands then."""

    @abstractmethod
    async def abulk_update_state(
        self, config: RunnableConfig, updates: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Update the state of a thread, superstep by superstep; return where it stands then."""

    @abstractmethod
    def update_state(self, config: RunnableConfig, values: Any, as_node: str | None = None) -> RunnableConfig:
        """Update the state of a thread as a node would; return where it stands then."""

    @abstractmethod
    async def aupdate_state(self, config: RunnableConfig, values: Any, as_node: str | None = None) -> RunnableConfig:
        """Update the state of a thread as a node would; return where it stands then."""

    @abstractmethod
    def stream(
        self,
        input: InputT | Command[Any] | None,
        config: RunnableConfig | None = None,
        *,
        context: ContextT | None = None,
        stream_mode: StreamMode | list[StreamMode] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        subgraphs: bool = False,
        version: Literal["v1", "v2"] = "v1",
    ) -> Iterator[Any]:
        """Run as far as items are pulled."""

    @abstractmethod
    def astream(
        self,
        input: InputT | Command[Any] | None,
        config: RunnableConfig | None = None,
        *,
        context: ContextT | None = None,
        stream_mode: StreamMode | list[StreamMode] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        subgraphs: bool = False,
        version: Literal["v1", "v2"] = "v1",
    ) -> AsyncIterator[Any]:
        """Run as far as items are pulled."""

    @abstractmethod
    def invoke(
        self,
        input: InputT | Command[Any] | None,
        config: RunnableConfig | None = None,
        *,
        context: ContextT | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        version: Literal["v1", "v2"] = "v1",
    ) -> Any:
        """Run to the end and return the output."""

    @abstractmethod
    async def ainvoke(
        self,
        input: InputT | Command[Any] | None,
        config: RunnableConfig | None = None,
        *,
        context: ContextT | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        version: Literal["v1", "v2"] = "v1",
    ) -> Any:
        """Run to the end and return the output."""


# Not a base class: what it would add to a graph are abstract methods that are all there.
PregelProtocol.register(Pregel)


class StreamProtocol:
    """A function that takes the chunks of a stream, and the modes that it wants.

    Args:
        call: Takes a chunk.
        modes: Modes whose payloads are worth building.
    """

    __slots__ = ("__call__", "modes")

    modes: set[StreamMode]
    __call__: Callable[[StreamChunk], None]

    def __init__(self, call: Callable[[StreamChunk], None], modes: set[StreamMode]) -> None:
        self.__call__ = call
        self.modes = modes


__all__ = (
    "All",
    "Command",
    "ContextT",
    "GraphOutput",
    "InputT",
    "OutputT",
    "PregelProtocol",
    "StateSnapshot",
    "StateT",
    "StateUpdate",
    "StreamChunk",
    "StreamMode",
    "StreamPart",
    "StreamProtocol",
)
