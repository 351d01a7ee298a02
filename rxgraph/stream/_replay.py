"""Catching up: events behind a place that a reader had reached before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from rxgraph.flow import Lagged
from rxgraph.types import Namespace

from ._branch import AsyncBranch, Branch
from ._channel import StreamChannel
from ._events import ProtocolEvent
from ._reader import Reader

Item = ProtocolEvent | Lagged


def since(log: StreamChannel[ProtocolEvent], seq: int, after: int | None) -> Reader[Any]:
    """Return a reader of *log* that begins behind the event number *after*.

    Args:
        log: Whose events are numbered without gaps, up to *seq*.
        seq: The number of its last event.
        after: ``None`` begins at the next event.

    Raises:
        ValueError: *after* is no place that the log has come to.
    """
    wanted = 0 if after is None else seq - after
    if wanted < 0 or (after is not None and after < 0):
        raise ValueError(f"events(after={after}) asks for what comes behind an event that is not there; seq is {seq}.")
    return log._join(None, None, None, log.keep().newest(wanted), False)


class Scoped(Iterator[Item]):
    """Events of one graph and of those inside it, out of the log of the run.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Disposal: ``close()``, leaving a ``with`` block, or dropping it frees its share of the log.
    """

    def __init__(self, reader: Reader[Any], scope: Namespace) -> None:
        self._branch: Branch[Any] = Branch.of(reader)
        self._scope = list(scope)

    def __next__(self) -> Item:
        for item in self._branch:
            if not self._scope or _is_inside(item, self._scope):
                return item  # type: ignore[no-any-return]
        raise StopIteration

    def close(self) -> None:
        """Free its share; idempotent."""
        self._branch.close()

    def __enter__(self) -> Scoped:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncScoped(AsyncIterator[Item]):
    """Events of one graph and of those inside it, out of the log of the run; a cancelled pull loses nothing.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Disposal: ``aclose()``, leaving an ``async with`` block, or dropping it frees its share of the log.
    """

    def __init__(self, reader: Reader[Any], scope: Namespace) -> None:
        self._branch: AsyncBranch[Any] = AsyncBranch(reader)
        self._scope = list(scope)

    async def __anext__(self) -> Item:
        while True:
            item = await self._branch.__anext__()
            if not self._scope or _is_inside(item, self._scope):
                return item  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Free its share; idempotent."""
        await self._branch.aclose()

    async def __aenter__(self) -> AsyncScoped:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


def _is_inside(item: Item, scope: list[str]) -> bool:
    if isinstance(item, Lagged):
        return True
    place = item["params"]["namespace"]
    if item["method"] == "lifecycle":
        place = item["params"]["data"]["namespace"]
        if place == scope:
            return False
    return place[: len(scope)] == scope


__all__ = ("AsyncScoped", "Scoped", "since")
