"""Fifteen rules that an async iterator over a running source keeps, as tests that run against any of them.

Nothing here sleeps: ``settle`` gives the event loop a number of turns. The suite is a plain class and imports no test
framework; ``uvloop`` and ``anyio`` are used where they are installed.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar
from unittest import SkipTest

from rxgraph.testing._probe import PATIENCE, on_threads

_WHERE: ContextVar[str] = ContextVar("rxgraph_conformance_where", default="nowhere")


@dataclass(slots=True)
class Controlled:
    """A source that is played by hand, with one iterator or several branches over it."""

    iterators: list[AsyncIterator[Any]]
    push: Callable[[Any], Any]
    """Makes the source give an item."""
    fail: Callable[[Exception], Any] | None = None
    """Makes the source fail; leave it out where it can't."""
    stopped: Callable[[], bool] | None = None
    """Tells whether the source was stopped; leave it out where nobody knows."""


class AsyncIteratorConformance:
    """Tests that an async iterator keeps the rules A01 to A15; subclass it under a name that your runner collects.

    ``make_iterator`` and ``make_controlled`` cover most. They are called while an event loop runs, and those that give
    async iterators may be coroutine functions. Rules that want more of you are skipped, and say what they want.

    Example:
        >>> import reactivex as rx
        >>> from rxgraph.flow import to_aiterator
        >>> class TestMine(AsyncIteratorConformance):
        ...     def make_iterator(self, elements):
        ...         return to_aiterator(rx.range(elements))
    """

    untestable: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"A14": "no iterator of rxgraph counts bytes: logs are bounded in items"}
    )
    """Rules that no test can see broken, each with the reason."""

    turns: int = 20
    """Turns of the loop after which a source that was told something has acted."""
    warns_when_dropped: bool = True
    """Whether dropping an iterator in the middle of a stream gives a ``ResourceWarning``. [A06]"""
    producers: int = 1
    """How many producers may each have one item on the way. [A11]"""
    fairness_window: int = 8
    """In so many items for each producer, everyone has come to word. [A15]"""

    def make_iterator(self, elements: int) -> AsyncIterator[Any] | Awaitable[AsyncIterator[Any]]:
        """Return a new iterator of *elements* items that then ends."""
        raise NotImplementedError("Override make_iterator() to return an async iterator of that many items.")

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop; override it to play all rules on another kind of loop."""
        return asyncio.new_event_loop()

    async def surround(self, law: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await *law*; override it to play all rules inside a scope of another framework."""
        await law()

    def make_controlled(self, branches: int) -> Controlled | Awaitable[Controlled]:
        """Return a source that is played by hand; raise ``SkipTest`` where there is only one branch."""
        raise SkipTest("untested: make_controlled() is not overridden")

    def make_context_iterator(self, read: Callable[[], Any]) -> AsyncIterator[Any] | Awaitable[AsyncIterator[Any]]:
        """Return an iterator whose one item is what *read* returned where the items are made."""
        raise SkipTest("untested: make_context_iterator() is not overridden")

    def make_sync_iterator(self, elements: int) -> Iterator[Any]:
        """Return the synchronous twin of the iterator."""
        raise SkipTest("untested: make_sync_iterator() is not overridden")

    def make_late_iterator(
        self,
    ) -> tuple[AsyncIterator[Any], Sequence[Any]] | Awaitable[tuple[AsyncIterator[Any], Sequence[Any]]]:
        """Return an iterator that came late to a finite source, and the items that it has to give."""
        raise SkipTest("untested: make_late_iterator() is not overridden: this iterator has no late subscribers")

    def make_merged_iterator(self, producers: int, elements: int) -> AsyncIterator[int] | Awaitable[AsyncIterator[int]]:
        """Return an iterator over *producers* that give *elements* items each: the number of the producer."""
        raise SkipTest("untested: make_merged_iterator() is not overridden: this iterator has one producer")

    def sequence(self, item: Any) -> int:
        """Return the ``seq`` of an item."""
        raise SkipTest("untested: sequence() is not overridden: these items carry no seq")

    def memory(self, iterator: Any) -> tuple[int, int]:
        """Return how many items *iterator* holds, and the most that it may; by default, its ``statistics()``."""
        if not hasattr(iterator, "statistics") or iterator.statistics().capacity is None:
            raise SkipTest("untested: memory() is not overridden, and the iterator has no statistics() with a capacity")
        counted = iterator.statistics()
        return counted.buffered, counted.capacity

    def test_rule_a01_cancelled_pull_loses_nothing(self) -> None:
        """A pull that is cancelled, as ``wait_for`` does, loses no item and stops nothing.

        If this fails, check that the pull leaves its request, and that an item is taken only when it is returned.
        """
        self._play(self._cancelled_pull)

    def test_rule_a02_aclose_stops_the_source(self) -> None:
        """``aclose()`` stops the source within a turn, twice does no harm, and a pull behind it is at the end.

        If this fails, check that ``aclose`` disposes of the source, and that it remembers having done so.
        """
        self._play(self._closed)

    def test_rule_a03_cancelled_branch_leaves_the_others_whole(self) -> None:
        """A consumer that is cancelled takes nothing away from its siblings.

        If this fails, check that no consumer pulls the source in its own task.
        """

        async def law() -> None:
            source = await _made(self.make_controlled(2))
            first, second = source.iterators
            pulls = [asyncio.ensure_future(_pull(it)) for it in (first, second)]
            await self._settle()
            await _cancel(pulls[0])
            source.push(1)
            assert await self._soon(pulls[1], "A03") == 1, "[A03] the sibling of a cancelled pull got another item"
            await self._close(first)
            source.push(2)
            got = await self._item(second, "A03")
            assert got == 2, f"[A03] after its sibling had left, the branch got {got!r}"
            await self._close(second)

        self._play(law)

    def test_rule_a04_error_is_raised(self) -> None:
        """An error of the source is raised by the pull that waits.

        If this fails, check that a failed source doesn't look like a finished one.
        """
        self._play(lambda: self._failing(1))

    def test_rule_a04_errors_reach_every_branch(self) -> None:
        """An error of the source is raised by every iterator over it, waiting or not.

        If this fails, check that the error is kept for branches that pull later.
        """
        self._play(lambda: self._failing(2))

    def test_rule_a05_two_pulls_at_once_are_refused(self) -> None:
        """A second task that pulls while one waits gets a ``RuntimeError`` that names both; the first goes on.

        If this fails, check that the pull notes its task, and lets go of it in a ``finally``.
        """

        async def law() -> None:
            source = await _made(self.make_controlled(1))
            iterator = source.iterators[0]
            first = asyncio.create_task(_pull(iterator), name="first-puller")
            await self._settle()
            second = asyncio.create_task(_pull(iterator), name="second-puller")
            await self._settle()
            if not second.done():
                await _cancel(second)
                await _cancel(first)
                raise AssertionError("[A05] a second pull waits beside the first, instead of RuntimeError")
            error = second.exception()
            assert isinstance(error, RuntimeError), f"[A05] the second pull got {error!r}"
            told = all(name in str(error) for name in ("first-puller", "second-puller"))
            assert told, f"[A05] the message doesn't name both tasks: {error}"
            source.push(7)
            got = await self._soon(first, "A05")
            assert got == 7, f"[A05] the first pull got {got!r}"
            await self._close(iterator)

        self._play(law)

    def test_rule_a06_dropped_iterator_stops_the_source(self) -> None:
        """An iterator that is dropped in the middle of its stream stops the source and says so.

        If this fails, check for references from the source to the iterator, and its finalizer.
        """

        async def law() -> None:
            source = await _made(self.make_controlled(1))
            if source.stopped is None:
                raise SkipTest("untested: make_controlled() gives no stopped")
            pull = asyncio.ensure_future(_pull(source.iterators[0]))
            await self._settle()
            await _cancel(pull)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                del pull
                source.iterators.clear()
                gc.collect()
                await self._settle()
            assert source.stopped(), "[A06] dropping the iterator did not stop the source"
            kinds = [warning.category for warning in said]
            if self.warns_when_dropped:
                assert ResourceWarning in kinds, f"[A06] no ResourceWarning, but {kinds}"

        self._play(law)

    def test_rule_a07_works_under_uvloop(self) -> None:
        """The rules A01 and A02 hold under uvloop as well.

        If this fails, check for private parts of asyncio's loop.
        """
        uvloop = _optional("uvloop")
        self._play(self._cancelled_pull, uvloop.new_event_loop)
        self._play(self._closed, uvloop.new_event_loop)
        self._play(self._whole, uvloop.new_event_loop)

    def test_rule_a07_works_in_an_anyio_cancel_scope(self) -> None:
        """A cancel scope ends a pull without losing an item, and ``aclose`` comes to its end inside a cancelled scope.

        If this fails, check that no scope or task group stays open over a pull, and that ``aclose`` stops the source
        before it awaits anything.
        """
        anyio = _optional("anyio")

        async def law() -> None:
            source = await _made(self.make_controlled(1))
            iterator = source.iterators[0]
            with anyio.CancelScope() as scope:
                asyncio.get_running_loop().call_soon(scope.cancel)
                await anext(iterator)
            assert scope.cancelled_caught, "[A07] the scope did not catch its cancellation"
            source.push(1)
            got = await self._item(iterator, "A07")
            assert got == 1, f"[A07] after a cancelled scope the pull got {got!r}"
            with anyio.CancelScope() as scope:
                scope.cancel()
                await self._close(iterator)
            await self._settle()
            if source.stopped is not None:
                assert source.stopped(), "[A07] aclose() in a cancelled scope did not stop the source"
            await self._close(iterator)

        self._play(law)

    def test_rule_a08_contexts_are_kept_apart(self) -> None:
        """Pulling leaves the consumer's context variables alone, and the source sees those of the first pull's task.

        If this fails, check that the source runs in a copy of the context it was started from.
        """

        async def law() -> None:
            _WHERE.set("consumer")

            def read() -> str:
                seen = _WHERE.get()
                _WHERE.set("source")
                return seen

            iterator = await _made(self.make_context_iterator(read))
            got = await self._item(iterator, "A08")
            assert got == "consumer", f"[A08] the source saw {got!r}"
            assert _WHERE.get() == "consumer", f"[A08] the source's {_WHERE.get()!r} leaked into the consumer"
            await self._close(iterator)

        self._play(law)

    def test_rule_a09_sync_iterator_works_beside_a_running_loop(self) -> None:
        """The synchronous twin is read to its end on a thread whose loop runs, as in a notebook.

        If this fails, check that the sync iterator neither needs a loop nor waits for the running one.
        """

        async def read() -> None:
            try:
                got = len(list(self.make_sync_iterator(5)))
            except RuntimeError as error:
                raise AssertionError(f"[A09] beside a running loop it raised {error!r}") from error
            assert got == 5, f"[A09] {got} of 5 items came"

        skips: list[SkipTest] = []

        def run() -> None:
            try:
                self._play(read)
            except SkipTest as skip:
                skips.append(skip)

        on_threads(run)
        if skips:
            raise skips[0]

    def test_rule_a10_late_subscriber_gets_the_window(self) -> None:
        """An iterator that comes late gives exactly what is replayed, or says what is missing.

        If this fails, check where a new reader starts, and that what it missed is counted.
        """

        async def law() -> None:
            iterator, expected = await _made(self.make_late_iterator())
            got = await self._rest(iterator)
            assert got == list(expected), f"[A10] a late iterator gave {got}, expected {list(expected)}"

        self._play(law)

    def test_rule_a11_memory_is_bounded(self) -> None:
        """However a consumer pulls, no more than the capacity and one item a producer is held.

        If this fails, check that the source waits while the log is full.
        """

        async def law(seed: int) -> None:
            random, iterator, got = Random(seed), await _made(self.make_iterator(500)), 0
            while True:
                for _ in range(random.choice((0, 0, 1, 5))):
                    await asyncio.sleep(0)
                held, capacity = self.memory(iterator)
                most = capacity + self.producers
                assert held <= most, f"[A11] {held} items are held, {most} are allowed (seed {seed})"
                try:
                    await self._next(iterator, "A11")
                except StopAsyncIteration:
                    break
                got += 1
            assert got == 500, f"[A11] {got} of 500 items came (seed {seed})"

        for seed in range(3):
            self._play(lambda seed=seed: law(seed))  # type: ignore[misc]  # the default binds the loop's variable

    def test_rule_a12_pulling_makes_progress(self) -> None:
        """When everybody pulls, the stream comes to its end, with all its items.

        If this fails, check that each pull either finds an item or asks for one.
        """
        self._play(self._whole)

    def test_rule_a13_seq_grows_by_one(self) -> None:
        """The ``seq`` of items in one stream grows by one.

        If this fails, check that numbers are given at one place, by one writer.
        """

        async def law() -> None:
            numbers = [self.sequence(item) for item in await self._rest(await _made(self.make_iterator(20)))]
            gaps = [(a, b) for a, b in pairwise(numbers) if b != a + 1]
            assert len(numbers) > 1, "[A13] there are no numbers to compare"
            assert not gaps, f"[A13] seq goes {gaps}"

        self._play(law)

    def test_rule_a15_no_producer_starves(self) -> None:
        """Under a merge every producer comes to word.

        If this fails, check that the source takes turns and doesn't drain the first producer.
        """

        async def law() -> None:
            producers = 3
            got = await self._rest(await _made(self.make_merged_iterator(producers, 50)))
            early = set(got[: self.fairness_window * producers])
            assert len(early) == producers, f"[A15] only {early} of {producers} producers came to word: {got[:30]}"

        self._play(law)

    # Laws that more than one rule plays

    async def _cancelled_pull(self) -> None:
        source = await _made(self.make_controlled(1))
        iterator = source.iterators[0]
        for n in range(3):
            pull = asyncio.ensure_future(_pull(iterator))
            await self._settle()
            assert not pull.done(), f"[A01] a pull ended before an item was pushed: {pull!r}"
            await _cancel(pull)
            source.push(n)
            got = await self._item(iterator, "A01")
            assert got == n, f"[A01] after a cancelled pull the next one got {got!r}, not {n!r}"
        # The item and the cancellation come in the same turn.
        pull = asyncio.ensure_future(_pull(iterator))
        await self._settle()
        source.push("last")
        await _cancel(pull)
        if pull.cancelled():
            got = await self._item(iterator, "A01")
            assert got == "last", f"[A01] an item that came with the cancellation was lost, got {got!r}"
        await self._close(iterator)

    async def _closed(self) -> None:
        source = await _made(self.make_controlled(1))
        iterator = source.iterators[0]
        pull = asyncio.ensure_future(_pull(iterator))
        await self._settle()
        source.push(1)
        await self._soon(pull, "A02")
        for _ in range(2):
            await self._close(iterator)
        await asyncio.sleep(0)
        if source.stopped is not None:
            assert source.stopped(), "[A02] aclose() did not stop the source"
        try:
            item = await self._next(iterator, "A02")
        except StopAsyncIteration:
            return
        raise AssertionError(f"[A02] a pull after aclose() gave {item!r}")

    async def _failing(self, branches: int) -> None:
        source = await _made(self.make_controlled(branches))
        if source.fail is None:
            raise SkipTest("untested: make_controlled() gives no fail")
        waiting = asyncio.ensure_future(_pull(source.iterators[0]))
        await self._settle()
        source.fail(error := _OnPurposeError("on purpose"))
        pulls = [waiting, *(asyncio.ensure_future(_pull(it)) for it in source.iterators[1:])]
        for n, pull in enumerate(pulls):
            try:
                item = await self._soon(pull, "A04")
            except StopAsyncIteration:
                raise AssertionError(f"[A04] iterator {n} ended as if the source hadn't failed") from None
            except _OnPurposeError as raised:
                if raised is not error:
                    raise AssertionError(f"[A04] iterator {n} raised another error: {raised!r}") from raised
            else:
                raise AssertionError(f"[A04] iterator {n} gave {item!r} instead of the error")
        for iterator in source.iterators:
            await self._close(iterator)

    async def _whole(self) -> None:
        for elements in (0, 1, 100):
            got = len(await self._rest(await _made(self.make_iterator(elements))))
            assert got == elements, f"[A12] {got} of {elements} items came"

    # Steps

    def _play(
        self,
        law: Callable[[], Coroutine[Any, Any, None]],
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        with asyncio.Runner(loop_factory=loop_factory or self.make_loop) as runner:
            runner.run(self.surround(law))

    async def _settle(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)

    async def _soon(self, work: Awaitable[Any], rule: str) -> Any:
        try:
            # Not wait_for(): it pulls in a task of its own, and what leaks into that context is lost with it.
            async with asyncio.timeout(PATIENCE):
                return await work
        except TimeoutError:
            raise AssertionError(f"[{rule}] a pull got neither an item nor an end") from None

    async def _next(self, iterator: AsyncIterator[Any], rule: str) -> Any:
        return await self._soon(_pull(iterator), rule)

    async def _item(self, iterator: AsyncIterator[Any], rule: str) -> Any:
        try:
            return await self._next(iterator, rule)
        except StopAsyncIteration:
            raise AssertionError(f"[{rule}] the iterator is at its end where an item was due") from None

    async def _rest(self, iterator: AsyncIterator[Any]) -> list[Any]:
        items = []
        while True:
            try:
                items.append(await self._next(iterator, "A12"))
            except StopAsyncIteration:
                return items

    async def _close(self, iterator: Any) -> None:
        closing = iterator.aclose()
        if inspect.isawaitable(closing):
            await self._soon(closing, "A02")


class _OnPurposeError(Exception):
    """An error that only these tests raise."""


async def _made(what: Any) -> Any:
    return await what if inspect.isawaitable(what) else what


async def _pull(iterator: AsyncIterator[Any]) -> Any:
    return await anext(iterator)


async def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SkipTest(f"untested: {name} is not installed") from None


__all__ = ("AsyncIteratorConformance", "Controlled")
