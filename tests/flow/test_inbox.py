"""``Inbox``: many threads hand over to the one that owns a run."""

from __future__ import annotations

import asyncio
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from rxgraph.flow import Inbox
from tests.flow._support import PATIENCE, restless, run_threads


@pytest.mark.parametrize("wrong", [0, -1])
def test_an_inbox_holds_at_least_one(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"got {wrong}"):
        Inbox(wrong)


def test_first_in_first_out() -> None:
    inbox = Inbox()
    for i in range(3):
        inbox.put(i)
    assert [inbox.take() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(IndexError):
        inbox.take()


def test_what_must_not_wait_goes_into_a_full_inbox() -> None:
    inbox = Inbox(1)
    inbox.put(1)
    inbox.put_nowait("end")
    assert [inbox.take(), inbox.take()] == [1, "end"]


def test_none_is_an_item() -> None:
    inbox = Inbox()
    inbox.put(None)
    inbox.wait()
    assert inbox.take() is None


def test_waiting_for_an_item_that_is_there_returns_at_once() -> None:
    inbox = Inbox()
    inbox.put(1)
    inbox.wait()
    assert not inbox.sleep()


def test_waiting_for_an_item_of_another_thread() -> None:
    inbox, got = Inbox(), []
    asleep = Event()

    def own() -> None:
        for _ in range(100):
            asleep.set()
            inbox.wait()
            got.append(inbox.take())

    def write() -> None:
        asleep.wait(PATIENCE)
        for i in range(100):
            inbox.put(i)

    run_threads(own, write)
    assert got == [*range(100)]


def test_a_sleeper_is_called_once_for_many_items() -> None:
    inbox, calls = Inbox(), []
    inbox.on_wake(lambda: calls.append(len(inbox.items)))
    inbox.put("before")
    assert calls == []
    assert not inbox.sleep()
    inbox.take()
    assert inbox.sleep()
    inbox.put(1)
    inbox.put(2)
    assert calls == [1]


def blocked_writer(inbox: Inbox, item: Any) -> Thread:
    """A thread that is known to wait for room."""
    thread = Thread(target=inbox.put, args=(item,), daemon=True)
    thread.start()
    while not inbox._room._waiters:  # type: ignore[attr-defined]
        assert thread.is_alive()
    return thread


def test_a_writer_waits_until_a_full_inbox_is_down_to_a_quarter() -> None:
    inbox = Inbox(8)
    for i in range(8):
        inbox.put(i)
    thread = blocked_writer(inbox, "late")
    for _ in range(5):
        inbox.take()
    assert len(inbox.items) == 3
    assert inbox._blocked == 1
    inbox.take()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert [*inbox.items] == [6, 7, "late"]


def test_closing_lets_blocked_writers_go_and_takes_nothing_more() -> None:
    inbox = Inbox(1)
    inbox.put(1)
    threads = [blocked_writer(inbox, 2)]
    inbox.close()
    inbox.close()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    inbox.put(3)
    inbox.put_nowait(4)
    assert not inbox.items


@pytest.mark.parametrize("maxlen", [1, 2, 3, 16])
def test_many_writers(maxlen: int) -> None:
    """The order of each writer is kept, nothing is lost or doubled, and what waits is bounded."""
    writers, each = 4, 2_000
    inbox, got, most = Inbox(maxlen), [], 0
    barrier = Barrier(writers + 1)

    def write(name: int) -> None:
        barrier.wait(PATIENCE)
        for i in range(each):
            inbox.put((name, i))

    def own() -> None:
        nonlocal most
        barrier.wait(PATIENCE)
        while len(got) < writers * each:
            inbox.wait()
            while inbox.items:
                most = max(most, len(inbox.items))
                got.append(inbox.take())

    with restless():
        run_threads(own, *[lambda name=name: write(name) for name in range(writers)])
    for name in range(writers):
        assert [i for writer, i in got if writer == name] == [*range(each)]
    assert len(got) == writers * each
    # Writers that saw room at the same time may each have put one more.
    assert most <= maxlen + writers - 1


def test_many_writers_and_an_owner_that_leaves() -> None:
    """Nobody is left hanging, whenever the owner goes."""
    for patience in range(0, 60, 3):
        writers = 4
        inbox = Inbox(2)
        barrier = Barrier(writers + 1)

        def write(inbox: Inbox = inbox, barrier: Barrier = barrier) -> None:
            barrier.wait(PATIENCE)
            for i in range(100):
                inbox.put(i)

        def own(inbox: Inbox = inbox, barrier: Barrier = barrier, patience: int = patience) -> None:
            barrier.wait(PATIENCE)
            for _ in range(patience):
                inbox.wait()
                inbox.take()
            inbox.close()

        with restless():
            run_threads(own, *[write] * writers)


async def test_an_owner_on_an_event_loop_is_woken_for_every_item() -> None:
    loop, inbox, got = asyncio.get_running_loop(), Inbox(4), []
    writers, each = 4, 500
    done = loop.create_future()

    def hand_over() -> None:
        while True:
            while inbox.items:
                got.append(inbox.take())
            if inbox.sleep():
                break
        if len(got) == writers * each and not done.done():
            done.set_result(None)

    inbox.on_wake(lambda: loop.call_soon_threadsafe(hand_over))
    inbox.sleep()

    def write(name: int) -> None:
        for i in range(each):
            inbox.put((name, i))

    with restless():
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*[asyncio.to_thread(write, name) for name in range(writers)], done)
    for name in range(writers):
        assert [i for writer, i in got if writer == name] == [*range(each)]
