"""``BoundedLog``: between a source that pushes and a reader that pulls."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any, get_args

import pytest
import reactivex as rx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rxgraph.flow import DEFAULT_MAXLEN, BoundedLog, Gate, Lagged, Overflow, SlowConsumerError
from tests.flow._support import restless, run_threads

POLICIES = get_args(Overflow)
LOSSY = ("drop_oldest", "drop_latest", "latest")


def filled(n: int, *args: Any, **kwargs: Any) -> BoundedLog[int]:
    log = BoundedLog[int](*args, **kwargs)
    for i in range(n):
        log.on_next(i)
    return log


def drained(log: BoundedLog[Any]) -> list[Any]:
    return [log.pop() for _ in range(_length(log))]


def _length(log: BoundedLog[Any]) -> int:
    # A gap at the front is one more pop.
    return len(log) + bool(log._gap)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'taps' got an unknown overflow policy 'drop'; expected one of"):
        BoundedLog(overflow="drop", name="taps")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_log_holds_at_least_one(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"maxlen >= 1, got {wrong}"):
        BoundedLog(wrong)


@pytest.mark.parametrize("policy", POLICIES)
def test_items_come_in_order_and_before_the_end(policy: Overflow) -> None:
    log = filled(1, 4, overflow=policy)
    log.on_completed()
    log.on_next(99)
    assert (log.is_closed, log.is_over) == (True, False)
    assert drained(log) == [0]
    assert log.is_over
    log.raise_error()
    with pytest.raises(IndexError):
        log.pop()


@pytest.mark.parametrize("policy", POLICIES)
def test_an_error_stands_behind_the_items(policy: Overflow) -> None:
    log, error = filled(1, 4, overflow=policy), ValueError("source")
    log.on_error(error)
    log.on_error(KeyError("late"))
    log.on_completed()
    assert drained(log) == [0]
    assert log.error is error
    with pytest.raises(ValueError, match="source"):
        log.raise_error()


def test_none_is_an_item() -> None:
    log = BoundedLog[Any](1, overflow="latest")
    log.on_next(None)
    assert (len(log), log.pop()) == (1, None)


def test_it_is_an_observer_of_rxpy() -> None:
    log = BoundedLog[int]()
    rx.of(1, 2, 3).subscribe(log)
    assert (drained(log), log.is_over) == ([1, 2, 3], True)


# Policies


@pytest.mark.parametrize(
    ("policy", "left", "dropped"),
    [
        ("suspend", [0, 1, 2, 3, 4], 0),
        ("unbounded", [0, 1, 2, 3, 4], 0),
        ("drop_oldest", [2, 3, 4], 2),
        ("drop_latest", [0, 1, 2], 2),
        ("latest", [4], 4),
        ("error", [0, 1, 2], 1),
    ],
)
def test_what_is_left_of_five_items_in_a_log_of_three(policy: Overflow, left: list[int], dropped: int) -> None:
    log = filled(5, 3, overflow=policy)
    assert log.statistics().dropped == dropped
    assert (log.statistics().buffered, log.statistics().delivered) == (len(left), 0)
    assert drained(log) == left
    assert (log.statistics().buffered, log.statistics().delivered) == (0, len(left))


def test_the_default_is_1024_and_suspend() -> None:
    log = filled(DEFAULT_MAXLEN)
    assert (log.is_full, log.overrun) == (True, 0)
    assert log.statistics().capacity == 1024
    log.on_next(0)
    assert (log.overrun, len(log)) == (1, 1025)


def test_error_ends_the_log_with_the_name_and_the_ways_out() -> None:
    left = []
    log = BoundedLog[int](2, overflow="error", name="updates")
    log.leave = lambda: left.append(1)
    for i in range(4):
        log.on_next(i)
    assert (log.is_closed, left) == (True, [1])
    assert drained(log) == [0, 1]
    with pytest.raises(SlowConsumerError, match=r"'updates' is full: its reader is 2 items behind.*Read faster"):
        log.raise_error()


def test_an_unbounded_log_is_never_full() -> None:
    log = filled(5000, 3, overflow="unbounded")
    assert not log.is_full
    assert log.statistics().capacity is None
    assert repr(log) == "<BoundedLog 'log' open 5000 unbounded>"


def test_repr_shows_how_full_it_is() -> None:
    log = filled(2, 3, name="values")
    assert repr(log) == "<BoundedLog 'values' open 2/3 suspend>"
    log.on_error(ValueError())
    assert repr(log) == "<BoundedLog 'values' failed 2/3 suspend>"


# The gate of a log that suspends


@pytest.mark.parametrize("maxlen", [1, 2, 3, 4, 8, 100])
def test_the_gate_is_shut_when_the_log_is_full_and_opens_when_a_quarter_is_taken(maxlen: int) -> None:
    gate = Gate()
    log = filled(maxlen - 1, maxlen, gate=gate)
    assert gate.is_open
    log.on_next(0)
    assert not gate.is_open
    while not gate.is_open:
        log.pop()
    taken = maxlen - len(log)
    assert taken == max(1, -(-maxlen // 4))


def test_items_beyond_the_limit_are_kept_counted_and_shut_the_gate_once() -> None:
    gate = Gate()
    log = filled(10, 4, gate=gate)
    assert (log.overrun, len(log)) == (6, 10)
    while len(log) > 4:
        log.pop()
        assert not gate.is_open
    log.pop()
    assert gate.is_open


def test_two_logs_at_one_gate() -> None:
    gate = Gate()
    first, second = filled(1, 1, gate=gate), filled(1, 1, gate=gate)
    first.pop()
    assert not gate.is_open
    second.pop()
    assert gate.is_open


@pytest.mark.parametrize("end", ["clear", "on_completed", "fail"])
def test_a_log_that_ends_or_is_cleared_gives_its_share_of_the_gate_back_once(end: str) -> None:
    gate = Gate()
    other, log = filled(1, 1, gate=gate), filled(1, 1, gate=gate)
    for _ in range(2):
        if end == "fail":
            log.on_error(ValueError())
        else:
            getattr(log, end)()
    assert not gate.is_open
    other.pop()
    assert gate.is_open
    if end == "clear":
        log.on_next(1)
        assert not gate.is_open


def test_what_waits_at_the_gate_may_fill_the_log_from_inside_pop() -> None:
    gate = Gate()
    log = filled(2, 2, gate=gate)
    gate.when_open(lambda: log.on_next(2))
    gate.when_open(lambda: log.on_next(3))
    assert log.pop() == 0
    assert [*log.items] == [1, 2], "there was room for one of the two"
    assert not gate.is_open
    assert drained(log) == [1, 2]
    assert [*log.items] == [3], "the other one's turn has come"
    assert gate.is_open


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "suspend"])
def test_other_policies_leave_the_gate_alone(policy: Overflow) -> None:
    gate = Gate()
    filled(10, 2, overflow=policy, gate=gate)
    assert gate.is_open


# The listener


def test_a_listener_is_told_once_of_the_next_item() -> None:
    log, calls = BoundedLog[int](), []
    log.listener = lambda: calls.append(len(log))
    log.on_next(1)
    log.on_next(2)
    assert (calls, log.listener) == ([1], None)


def test_a_listener_is_told_of_the_end() -> None:
    for end in (BoundedLog.on_completed, lambda log: log.on_error(ValueError())):
        log, calls = BoundedLog[int](), []
        log.listener = lambda log=log, calls=calls: calls.append(log.is_over)
        end(log)
        end(log)
        assert calls == [True]


def test_a_listener_may_leave_itself_again() -> None:
    log, calls = BoundedLog[int](), []

    def listen() -> None:
        calls.append(log.pop())
        log.listener = listen

    log.listener = listen
    for i in range(3):
        log.on_next(i)
    assert calls == [0, 1, 2]


# Marked gaps


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("drop_oldest", [Lagged(2), 2, 3, 4]),
        ("drop_latest", [0, 1, 2, Lagged(2)]),
        ("latest", [Lagged(4), 4]),
        ("error", [0, 1, 2]),
        ("suspend", [0, 1, 2, 3, 4]),
        ("unbounded", [0, 1, 2, 3, 4]),
    ],
)
def test_a_mark_stands_in_the_place_of_what_was_dropped(policy: Overflow, expected: list[Any]) -> None:
    log = filled(5, 3, overflow=policy, mark_gaps=True)
    log.on_completed()
    assert drained(log) == expected
    assert log.is_over


def test_two_gaps_have_two_marks() -> None:
    log = filled(4, 3, overflow="drop_latest", mark_gaps=True)
    assert [log.pop(), log.pop()] == [0, 1]
    for i in (4, 5, 6):
        log.on_next(i)
    assert drained(log) == [2, Lagged(1), 4, Lagged(2)]
    log = filled(4, 3, overflow="drop_oldest", mark_gaps=True)
    assert [log.pop(), log.pop()] == [Lagged(1), 1]
    for i in (4, 5, 6):
        log.on_next(i)
    assert drained(log) == [Lagged(2), 4, 5, 6]


def test_a_log_with_marks_is_bounded() -> None:
    for policy in LOSSY:
        log = BoundedLog[int](3, overflow=policy, mark_gaps=True)
        for i in range(1000):
            log.on_next(i)
            assert len(log) <= 3 + 1
            if i % 7 == 0:
                log.pop()


# Clearing


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("policy", [*LOSSY, "suspend", "unbounded"])
def test_what_is_cleared_counts_as_dropped(policy: Overflow, marks: bool) -> None:
    log = filled(5, 3, overflow=policy, mark_gaps=marks)
    log.clear()
    counts = log.statistics()
    assert (counts.buffered, counts.delivered, counts.dropped) == (0, 0, 5)
    log.on_next(7)
    assert drained(log) == [7]


# Threads


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("policy", LOSSY)
@pytest.mark.parametrize("maxlen", [1, 2, 7])
def test_one_thread_pushes_while_another_one_pulls(policy: Overflow, maxlen: int, marks: bool) -> None:
    """An item that the reader has seen is there when it is taken; the newest comes through; the counts are exact."""
    total = 20_000
    log = BoundedLog[int](maxlen, overflow=policy, mark_gaps=marks)
    got: list[Any] = []

    def push() -> None:
        for i in range(total):
            log.on_next(i)
        log.on_completed()

    def pull() -> None:
        while not log.is_over:
            if len(log):
                got.append(log.pop())

    with restless():
        run_threads(push, pull)
    items = [item for item in got if not isinstance(item, Lagged)]
    assert all(left < right for left, right in pairwise(items))
    if policy != "drop_latest":
        assert items[-1] == total - 1
    counts = log.statistics()
    assert (counts.buffered, counts.delivered, counts.dropped) == (0, len(items), total - len(items))
    if marks:
        assert sum(item.n for item in got if isinstance(item, Lagged)) == counts.dropped


# The law


class LogMachine(RuleBasedStateMachine):
    """Any order of calls agrees with a list, and emitted = delivered + dropped + buffered."""

    @initialize(policy=st.sampled_from(POLICIES), maxlen=st.integers(1, 5), marks=st.booleans())
    def create(self, policy: Overflow, maxlen: int, marks: bool) -> None:
        self.gate = Gate()
        self.policy, self.marks = policy, marks and policy in LOSSY
        self.maxlen = 1 if policy == "latest" else maxlen
        self.log = BoundedLog[Any](maxlen, overflow=policy, gate=self.gate, mark_gaps=marks)
        self.model: deque[Any] = deque()
        self.gap = 0
        self.emitted = self.delivered = self.dropped = 0
        self.closed = self.shut = False
        self.calls = 0

    @rule()
    def push(self) -> None:
        value = self.emitted
        self.log.on_next(value)
        if self.closed:
            return
        self.emitted += 1
        full = len(self.model) >= self.maxlen
        if not full or self.policy in ("suspend", "unbounded"):
            self.model.append(value)
        elif self.policy in ("drop_oldest", "latest"):
            self.model.popleft()
            self.model.append(value)
            self.dropped += 1
            self.gap += 1
        else:
            self.dropped += 1
            if self.policy == "error":
                self.closed = True
            elif self.marks:
                if isinstance(self.model[-1], Lagged):
                    self.model[-1] = Lagged(self.model[-1].n + 1)
                else:
                    self.model.append(Lagged(1))
        if self.policy == "suspend" and len(self.model) >= self.maxlen:
            self.shut = True

    @precondition(lambda self: self.model)
    @rule()
    def pop(self) -> None:
        item = self.log.pop()
        if self.gap and self.marks:
            assert item == Lagged(self.gap)
            self.gap = 0
            return
        assert item == self.model.popleft()
        self.delivered += not isinstance(item, Lagged)
        if len(self.model) <= self.maxlen * 3 // 4:
            self.shut = False

    @precondition(lambda self: not self.model)
    @rule()
    def pop_from_nothing(self) -> None:
        with pytest.raises(IndexError):
            self.log.pop()

    @rule()
    def clear(self) -> None:
        self.log.clear()
        self.dropped += sum(not isinstance(item, Lagged) for item in self.model)
        self.model.clear()
        self.gap = 0
        self.shut = False

    @rule()
    def listen(self) -> None:
        self.log.listener = self._call

    def _call(self) -> None:
        self.calls += 1
        assert self.log.listener is None

    @precondition(lambda self: self.emitted > 3)
    @rule(error=st.sampled_from([None, ValueError("source")]))
    def end(self, error: Exception | None) -> None:
        if error is None:
            self.log.on_completed()
        else:
            self.log.on_error(error)
        self.closed = True
        self.shut = False

    @invariant()
    def the_law_holds(self) -> None:
        if not hasattr(self, "log"):
            return
        counts = self.log.statistics()
        assert (counts.delivered, counts.dropped) == (self.delivered, self.dropped)
        assert self.emitted == counts.delivered + counts.dropped + counts.buffered

    @invariant()
    def the_items_are_those_of_the_model(self) -> None:
        if hasattr(self, "log"):
            assert [*self.log.items] == [*self.model]
            assert len(self.log) == len(self.model)
            assert self.log.is_closed == self.closed
            assert self.log.is_over == (self.closed and not self.model)

    @invariant()
    def the_gate_is_shut_exactly_while_a_reader_is_behind(self) -> None:
        if hasattr(self, "log"):
            assert self.gate.is_open == (not self.shut)
            assert self.gate._shut in (0, 1)


LogMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLogMachine = LogMachine.TestCase
