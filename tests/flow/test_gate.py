"""``Gate``: open while every lossless log has room."""

from __future__ import annotations

import asyncio
from itertools import repeat

import pytest

from rxgraph.flow import Gate


def test_it_opens_when_the_last_log_has_room() -> None:
    gate, calls = Gate(), []
    gate.shut()
    gate.shut()
    gate.when_open(lambda: calls.append(1))
    gate.reopen()
    assert (gate.is_open, calls) == (False, [])
    gate.reopen()
    assert (gate.is_open, calls) == (True, [1])


def test_a_callback_is_called_once() -> None:
    gate, calls = Gate(), []
    gate.shut()
    gate.when_open(lambda: calls.append(1))
    for _ in range(2):
        gate.reopen()
        gate.shut()
    assert calls == [1]


def test_a_callback_may_shut_the_gate_and_wait_again() -> None:
    gate, calls = Gate(), []

    def again() -> None:
        calls.append(gate.is_open)
        if len(calls) < 4:
            gate.shut()
            gate.when_open(again)

    gate.shut()
    gate.when_open(again)
    gate.when_open(lambda: calls.append("other"))
    gate.reopen()
    assert (calls, gate.is_open) == ([True], False)
    gate.reopen()
    assert (calls, gate.is_open) == ([True, "other", True], False)
    gate.reopen()
    assert (calls, gate.is_open) == ([True, "other", True, True], True)


def test_an_open_gate_cannot_be_opened() -> None:
    """A log that says so twice would otherwise hold the gate open for a full one, or shut for ever."""
    gate = Gate()
    with pytest.raises(RuntimeError, match="once for each shut"):
        gate.reopen()
    gate.shut()
    assert not gate.is_open


async def test_an_open_gate_is_passed_without_a_pause() -> None:
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await Gate()
    assert turns == []


async def test_waiting_for_room() -> None:
    gate, passed = Gate(), []
    gate.shut()

    async def write(name: str) -> None:
        await gate
        passed.append(name)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(write("a"))
        group.create_task(write("b"))
        await asyncio.sleep(0)
        assert passed == []
        gate.reopen()
    assert passed == ["a", "b"]


async def test_who_comes_late_waits_on() -> None:
    """The first writer fills the log again, so the second one isn't let through a gate that is shut."""
    gate, passed = Gate(), []
    gate.shut()

    async def write(name: str) -> None:
        await gate
        gate.shut()
        passed.append(name)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(write("a"))
        group.create_task(write("b"))
        await asyncio.sleep(0)
        gate.reopen()
        for _ in repeat(None, 3):
            await asyncio.sleep(0)
        assert passed == ["a"]
        gate.reopen()
    assert passed == ["a", "b"]


async def test_giving_up_leaves_nothing_behind() -> None:
    """A writer that tries again and again at a reader that is away costs no memory."""
    gate = Gate()
    gate.shut()
    for _ in range(10):
        task = asyncio.ensure_future(_wait(gate))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not gate._line
    gate.reopen()


async def test_giving_up_when_the_gate_has_just_opened() -> None:
    gate = Gate()
    gate.shut()
    task = asyncio.ensure_future(_wait(gate))
    await asyncio.sleep(0)
    gate.reopen()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.is_open


async def test_who_finds_the_room_filled_keeps_its_place() -> None:
    gate, turns = Gate(), []
    gate.shut()

    async def writer(name: str) -> None:
        for _ in range(3):
            await gate
            turns.append(name)
            gate.shut()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(writer(name))
        while len(turns) < 9:
            await asyncio.sleep(0)
            if not gate.is_open:
                gate.reopen()
    assert turns == list("abcabcabc")


async def test_who_gives_up_in_the_middle_of_the_line_leaves_the_others_their_places() -> None:
    gate, turns = Gate(), []
    gate.shut()

    async def writer(name: str) -> None:
        await gate
        turns.append(name)
        gate.shut()

    first, *others = (asyncio.ensure_future(writer(name)) for name in "abcd")
    await asyncio.sleep(0)
    gate.reopen()
    await first
    await asyncio.sleep(0)
    # b, c and d have been called, and found that a had shut the gate again.
    late = asyncio.ensure_future(writer("e"))
    others.pop(1).cancel()
    for _ in range(3):
        await asyncio.sleep(0)
        gate.reopen()
        await asyncio.sleep(0)
    await asyncio.gather(*others, late)
    assert turns == list("abde")


async def test_room_for_one_wakes_one() -> None:
    gate, woken = Gate(), 0
    gate.shut()

    async def writer() -> None:
        nonlocal woken
        await gate
        woken += 1
        gate.shut()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(writer())
        await asyncio.sleep(0)
        for number in range(100):
            waiting = len(gate._line)
            gate.reopen()
            for _ in range(3):
                await asyncio.sleep(0)
            # The next one is called where the first has not filled the room; here it has.
            assert (woken, len(gate._line)) == (number + 1, waiting - 1)


async def test_the_word_is_passed_on_by_one_who_is_cancelled_when_it_comes() -> None:
    gate, passed = Gate(), []
    gate.shut()

    async def writer(name: str) -> None:
        await gate
        passed.append(name)

    first, second = asyncio.ensure_future(writer("first")), asyncio.ensure_future(writer("second"))
    await asyncio.sleep(0)
    gate.reopen()
    first.cancel()
    async with asyncio.timeout(10):
        await second
    assert (passed, first.cancelled()) == (["second"], True)


async def _wait(gate: Gate) -> None:
    await gate
