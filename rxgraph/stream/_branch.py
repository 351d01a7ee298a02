"""The doors of a channel: iterators and async iterators over a reader of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterable
from itertools import chain
from threading import get_ident
from typing import Any, TypeVar
from weakref import ref

from ._reader import Reader, ReaderStatistics, nobody

T = TypeVar("T")


class _Raise:
    """Raises one error out of a pull and leaves the branch whole: the next pull tries again."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error: BaseException | None = error

    def __iter__(self) -> _Raise:
        return self

    def __next__(self) -> Any:
        error, self._error = self._error, None
        if error is None:
            raise StopIteration
        raise error


def _portions(reader: Reader[T]) -> Generator[Iterable[T], None, None]:
    """Yield what the pulls of a branch hand out, portion by portion; ends as the branch ends."""
    portion: Iterable[T] | None
    while True:
        try:
            portion = reader.fetch()
        except StopIteration as error:
            portion = _Raise(RuntimeError(f"The pump of channel {reader.ring.name!r} raised {error!r}."))
        except BaseException as error:
            portion = _Raise(error)
        if portion is None:
            break
        # After the except block: a frame that waits inside it would keep the error, and the error the frame.
        yield portion
    failure = None if reader.left else reader.failure()
    reader.leave()
    if failure is not None:
        raise failure


class Branch(chain[T]):
    """An iterator over a channel.

    It is an ``itertools.chain`` of portions, so a portion of many items is gone through without any Python code.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Errors: the channel's error is raised behind the items before it, once; then the branch is at its end.
    Disposal: ``close()``, leaving a ``with`` block, or dropping the branch frees its share of the log.
    """

    _reader: Reader[T]
    _lease: object

    @classmethod
    def of(cls, reader: Reader[T]) -> Branch[T]:
        """Make the branch of a reader."""
        branch = cls.from_iterable(_portions(reader))
        assert isinstance(branch, Branch)
        branch._reader, branch._lease = reader, reader.ring.lease()
        return branch

    def close(self) -> None:
        """Free the branch's share; idempotent."""
        self._reader.leave()

    def statistics(self) -> ReaderStatistics:
        """Count the branch's items: emitted since it joined, delivered, dropped, buffered."""
        return self._reader.statistics()

    def __enter__(self) -> Branch[T]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        reader = getattr(self, "_reader", None)
        if reader is not None:
            reader.leave()

    def __repr__(self) -> str:
        return _show(self._reader)


class AsyncBranch(AsyncIterator[T]):
    """An async iterator over a channel; a cancelled pull loses nothing.

    Demand: ``request(1)`` a pull that finds nothing waiting.
    Errors: the channel's error is raised behind the items before it, once; then the branch is at its end.
    Disposal: ``aclose()``, leaving an ``async with`` block, or dropping the branch frees its share of the log.
    """

    __slots__ = ("__weakref__", "_ended", "_lease", "_loop", "_reader")

    def __init__(self, reader: Reader[T]) -> None:
        self._reader = reader
        self._lease = reader.ring.lease()
        self._loop: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._ended = False

    async def __anext__(self) -> T:
        for item in self._reader.chunk:
            return item  # type: ignore[no-any-return]
        return await self._pull()

    async def _pull(self) -> T:
        reader = self._reader
        task = asyncio.current_task()
        if reader._pulling is not None:
            raise RuntimeError(
                f"Reader {reader.name!r} is being pulled by {reader._pulling!r}, and now by {task!r}. "
                "Give each task a branch of its own: atee(n)."
            )
        reader.task = nobody if task is None else ref(task)
        if self._loop is None:
            self._loop = asyncio.get_running_loop(), get_ident()
        portion = reader.ready() or reader.ask()
        if portion is None:
            portion = await reader.afetch(task)
        if portion is None:
            failure = None if reader.left else reader.failure()
            reader.leave()
            if failure is not None:
                raise failure
            raise StopAsyncIteration
        for item in portion:
            return item
        raise AssertionError("a portion is never empty")

    async def aclose(self) -> None:
        """Free the branch's share; idempotent. A pull that waits comes to an end."""
        self._reader.leave()

    def statistics(self) -> ReaderStatistics:
        """Count the branch's items: emitted since it joined, delivered, dropped, buffered."""
        return self._reader.statistics()

    async def __aenter__(self) -> AsyncBranch[T]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        reader = getattr(self, "_reader", None)
        if reader is None or reader.left:
            return
        if self._loop is not None and self._loop[1] != get_ident() and not self._loop[0].is_closed():
            # Collected on a foreign thread: the channel belongs to the loop's.
            self._loop[0].call_soon_threadsafe(reader.leave)
        else:
            reader.leave()

    def __repr__(self) -> str:
        return _show(self._reader)


def _show(reader: Reader[Any]) -> str:
    counted = reader.statistics()
    state = "left" if reader.left else "waiting" if reader.waiting else "open"
    return f"<Branch {reader.name!r} {state} | delivered {counted.delivered}, lag {counted.lag}>"


__all__ = ("AsyncBranch", "Branch")
