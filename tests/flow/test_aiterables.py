"""``from_aiterable``: what the conformance suites don't ask; the rules themselves are in ``tests/stream``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rxgraph.flow import from_aiterable, from_iterable
from tests.flow._support import Taker, run_threads


async def spin() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Numbers:
    """0, 1, 2, ...; notes how many were asked for, and its end."""

    def __init__(self) -> None:
        self.given = 0
        self.closed = 0

    def __aiter__(self) -> Numbers:
        return self

    async def __anext__(self) -> int:
        await asyncio.sleep(0)
        self.given += 1
        return self.given - 1

    async def aclose(self) -> None:
        self.closed += 1


async def test_nothing_is_pulled_that_nobody_asked_for() -> None:
    numbers, taker = Numbers(), Taker()
    from_aiterable(numbers).subscribe_with(taker)
    await spin()
    assert numbers.given == 0
    taker.link.request(3)
    await spin()
    assert (taker.values, numbers.given) == ([0, 1, 2], 3)
    taker.link.cancel()
    await spin()
    assert (numbers.given, numbers.closed) == (3, 1)


async def test_requests_from_other_threads_are_answered_on_the_loop() -> None:
    numbers, taker = Numbers(), Taker()
    from_aiterable(numbers).subscribe_with(taker)
    run_threads(*[lambda: taker.link.request(5)] * 4)
    for _ in range(5):
        await spin()
    assert taker.values == list(range(20))
    run_threads(taker.link.cancel)
    await spin()
    assert numbers.closed == 1


async def test_a_pull_that_waits_is_cancelled_and_its_iterator_closed() -> None:
    ended: list[bool] = []

    async def forever() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    taker = Taker(5)
    from_aiterable(forever()).subscribe_with(taker)
    await spin()
    assert (taker.values, ended) == ([1], [])
    taker.link.cancel()
    await spin()
    assert (ended, taker.ends) == ([True], [])


async def test_each_subscription_iterates_anew() -> None:
    class Two:
        async def __aiter__(self) -> AsyncIterator[int]:
            yield 1
            yield 2

    published, takers = from_aiterable(Two()), (Taker(3), Taker(3))
    for taker in takers:
        published.subscribe_with(taker)
    await spin()
    assert [(taker.values, taker.ends) for taker in takers] == [([1, 2], ["complete"])] * 2


async def test_what_is_no_async_iterable_is_told() -> None:
    nothing: Any = 5
    taker = Taker()
    from_aiterable(nothing).subscribe_with(taker)
    (error,) = taker.ends
    assert isinstance(error, TypeError)


def test_without_a_loop_a_subscription_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        from_aiterable(Numbers()).subscribe_with(Taker())


def test_a_loop_that_stops_ends_the_subscription_silently() -> None:
    numbers, taker = Numbers(), Taker()

    async def main() -> None:
        from_aiterable(numbers).subscribe_with(taker)
        taker.link.request(1_000_000)
        await spin()

    asyncio.run(main())
    assert taker.ends == []
    assert numbers.closed == 1
    # Nobody is left who could answer.
    run_threads(lambda: taker.link.request(1))


async def test_an_iterator_that_fails_to_close_is_written_down(caplog: pytest.LogCaptureFixture) -> None:
    class Bad(Numbers):
        def close(self) -> None:
            raise ValueError("close")

        async def aclose(self) -> None:
            raise ValueError("close")

        def __iter__(self) -> Bad:
            return self

        def __next__(self) -> int:
            return 1

    for publish in (from_aiterable, from_iterable):
        taker = Taker(1)
        publish(Bad()).subscribe_with(taker)
        await spin()
        taker.link.cancel()
        await spin()
        assert taker.ends == []
    assert caplog.text.count("failed to close") == 2
