"""Several projections as one stream, in the order in which their items came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from reactivex import abc

from rxgraph.flow._lean import connect

from ._branch import AsyncBranch, Branch
from ._channel import StreamChannel
from ._mux import StreamMux

Named = tuple[str, Any]


class _Tag(abc.ObserverBase[Any]):
    """Puts the items of one channel into the common log."""

    __slots__ = ("_merge", "_name", "_push")

    def __init__(self, merge: Merge, name: str) -> None:
        self._merge, self._name, self._push = merge, name, merge.log.push

    def on_next(self, value: Any) -> None:
        self._push((self._name, value))

    def on_error(self, error: Exception) -> None:
        self._merge.log.end(error)

    def on_completed(self) -> None:
        self._merge.ended()


class Merge:
    """Reads several channels into one log, in push order, while it is open.

    Args:
        mux: Of the run.
        names: Keys of its projections.

    Raises:
        KeyError: There is no such projection.
        RuntimeError: One is being read, or named twice.
        TypeError: One is no channel.
    """

    def __init__(self, mux: StreamMux, names: Sequence[str]) -> None:
        channels: list[tuple[str, StreamChannel[Any]]] = []
        for name in names:
            if name not in mux.extensions:
                raise KeyError(name)
            channel = mux.extensions[name]
            if not isinstance(channel, StreamChannel) or channel.is_async is not mux.is_async:
                raise TypeError(f"interleave() reads channels of this run; {name!r} is {channel!r}.")
            channels.append((name, channel))
        claimed: list[StreamChannel[Any]] = []
        try:
            for _, channel in channels:
                channel._claim("interleave")
                claimed.append(channel)
        except RuntimeError:
            for channel in claimed:
                channel._release(channel._left_over)
            raise
        self.log = StreamChannel[Named]("interleave", maxlen=min((c.maxlen for _, c in channels), default=1))
        self._mux, self._channels = mux, channels
        self._left = len(channels)
        self._links: list[abc.DisposableBase] = []
        self._reader = self.log._new("interleave", ())
        # It ends with the channels, which may have ended already and still have something to give.
        mux._adopt(self.log, ends_itself=True)
        for name, channel in channels:
            for item in channel._told_of(channel._leftovers()):
                self.log.push((name, item))
        with mux.at_once():
            for name, channel in channels:
                self._links.append(connect(channel, _Tag(self, name)))
        if not channels:
            self.log.close()

    def ended(self) -> None:
        """Hear that one of the channels has ended."""
        self._left -= 1
        if not self._left:
            self.log.close()

    def branch(self) -> Branch[Named]:
        """Return the iterator over the common log."""
        return Branch.of(self._reader)

    def abranch(self) -> AsyncBranch[Named]:
        """Return the async iterator over the common log."""
        return AsyncBranch(self._reader)

    def release(self) -> None:
        """Let the channels go; whoever reads one next begins with what was not taken of it. Idempotent."""
        links, self._links = self._links, []
        for link in links:
            link.dispose()
        if self.log not in self._mux._channels:
            return
        self._mux._channels.remove(self.log)
        left: list[Named] = []
        while self._reader.has():
            left.append(self._reader.pop())
        self._reader.leave()
        for name, channel in self._channels:
            channel._release([item for key, item in left if key == name])


class AsyncInterleave(AsyncIterator[Named]):
    """What ``interleave`` of an asynchronous run returns; a cancelled pull loses nothing.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Disposal: ``aclose()``, or dropping it, lets the projections go.
    """

    def __init__(self, merge: Callable[[], Merge]) -> None:
        self._make = merge
        self._merge: Merge | None = None
        self._closed = False

    def __anext__(self) -> Coroutine[Any, Any, Named]:
        if self._merge is None:
            return self._begin()
        return self._branch.__anext__()

    async def _begin(self) -> Named:
        if self._closed:
            raise StopAsyncIteration
        if self._merge is None:
            self._merge = self._make()
            self._branch = self._merge.abranch()
        return await self._branch.__anext__()

    async def aclose(self) -> None:
        """Let the projections go; idempotent."""
        self._closed = True
        if self._merge is not None:
            self._merge.release()
            await self._branch.aclose()

    def __del__(self) -> None:
        merge = getattr(self, "_merge", None)
        if merge is not None:
            merge.release()


__all__ = ("AsyncInterleave", "Merge")
