"""Any order of pushes, pulls, cancellations, joins and departures agrees with a list for each reader.

The law, for every reader at every moment: emitted since it joined = delivered + dropped + buffered; and each gets one
end, behind its items.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rxgraph.flow import Lagged, Overflow
from rxgraph.stream import StreamChannel

END = "|"
POLICIES: tuple[Overflow, ...] = ("suspend", "drop_oldest", "drop_latest", "latest", "unbounded")


@dataclass
class Model:
    """What one reader should have: where it joined, and what it got."""

    door: Any
    policy: Overflow
    joined: int
    got: list[Any] = field(default_factory=list)
    ends: int = 0
    left: bool = False


class Subscriber:
    """Asks as it is told, and may raise at some item."""

    def __init__(self, fail_at: int | None) -> None:
        self.fail_at = fail_at
        self.got: list[Any] = []
        self.requested = self.ends = 0
        self.link: Any = None

    def on_subscribe(self, subscription: Any, /) -> None:
        self.link = subscription

    def on_next(self, value: Any, /) -> None:
        self.got.append(value)
        assert len(self.got) <= self.requested
        if len(self.got) == self.fail_at:
            raise ValueError("subscriber")

    def on_error(self, error: Exception, /) -> None:
        self.ends += 1

    def on_complete(self) -> None:
        self.ends += 1


class ChannelMachine(RuleBasedStateMachine):
    """Readers of all kinds on one channel without a run: sync, async, subscribers and observers."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.models: list[Model] = []
        self.amodels: list[Model] = []
        self.subscribers: list[tuple[Subscriber, int]] = []
        self.observers: list[tuple[list[Any], int, Any]] = []
        self.pushed = 0
        self.closed = False
        self.read = False

    @initialize(maxlen=st.sampled_from([1, 2, 4, 33, 64]), replay=st.integers(0, 5), tee=st.integers(0, 3))
    def create(self, maxlen: int, replay: int, tee: int) -> None:
        self.maxlen, self.replay = maxlen, replay
        self.channel = StreamChannel[int]("x", maxlen=maxlen, replay=replay)
        self.channel.on_subscriber_error = lambda observer, error: None
        if tee:
            self.models += [Model(branch, "suspend", 0) for branch in self.channel.tee(tee)]
            self.read = True

    @property
    def live(self) -> list[Model]:
        return [model for model in self.models if not model.left]

    # The source

    @precondition(lambda self: not self.closed)
    @rule(n=st.one_of(st.integers(1, 3), st.integers(30, 70)))
    def push(self, n: int) -> None:
        for _ in range(n):
            self.channel.push(self.pushed)
            self.pushed += 1

    @precondition(lambda self: not self.closed and self.pushed > 60)
    @rule(fails=st.booleans())
    def close(self, fails: bool) -> None:
        self.closed = True
        if fails:
            self.channel.fail(ValueError("source"))
        else:
            self.channel.close()

    # Readers come

    @rule(policy=st.sampled_from(POLICIES), replay=st.integers(0, 7), asynchronous=st.booleans())
    def join(self, policy: Overflow, replay: int, asynchronous: bool) -> None:
        replay = replay if self.replay else 0
        begin = self.pushed - min(replay, self.pushed)
        enter = self.channel.areader if asynchronous else self.channel.reader
        model = Model(enter(overflow=policy, replay=replay), policy, begin)
        (self.amodels if asynchronous else self.models).append(model)

    @precondition(lambda self: not self.closed)
    @rule(fail_at=st.one_of(st.none(), st.integers(1, 3)))
    def subscribe(self, fail_at: int | None) -> None:
        subscriber = Subscriber(fail_at)
        self.channel.subscribe_with(subscriber)
        self.subscribers.append((subscriber, self.pushed))

    @precondition(lambda self: not self.closed)
    @rule(raising=st.booleans())
    def observe(self, raising: bool) -> None:
        seen: list[Any] = []

        def bad(item: int) -> None:
            raise ValueError("observer")

        if raising:
            self.channel.subscribe(bad)
        else:
            handle = self.channel.subscribe(seen.append, lambda _: seen.append(END), lambda: seen.append(END))
            self.observers.append((seen, self.pushed, handle))

    # Readers read

    @precondition(lambda self: self.live)
    @rule(data=st.data(), n=st.one_of(st.integers(1, 3), st.integers(30, 70)))
    def pull(self, data: st.DataObject, n: int) -> None:
        model = data.draw(st.sampled_from(self.live))
        for _ in range(n):
            if not model.door.statistics().buffered and not self.closed and not self._lag_pending(model):
                break
            try:
                model.got.append(next(model.door))
            except (StopIteration, ValueError):
                model.ends += 1
                model.left = True
                break

    def _lag_pending(self, model: Model) -> bool:
        return bool(model.door._reader._past)

    @precondition(lambda self: self.amodels)
    @rule(data=st.data(), n=st.integers(1, 3), turns=st.integers(0, 3))
    def apull(self, data: st.DataObject, n: int, turns: int) -> None:
        """Pulls that find nothing are cancelled; what was pushed meanwhile must not be lost."""
        model = data.draw(st.sampled_from(self.amodels))

        async def one(push: bool) -> None:
            pull = asyncio.ensure_future(anext(model.door))
            for i in range(turns):
                await asyncio.sleep(0)
                if push and i == 0 and not self.closed:
                    self.push(1)
            pull.cancel()
            try:
                model.got.append(await pull)
            except asyncio.CancelledError:
                pass
            except (StopAsyncIteration, ValueError):
                if not model.left:
                    model.ends += 1
                model.left = True

        for i in range(n):
            self.loop.run_until_complete(one(i == 0))

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), n=st.integers(1, 50))
    def request(self, data: st.DataObject, n: int) -> None:
        subscriber, _ = data.draw(st.sampled_from(self.subscribers))
        subscriber.requested += n
        subscriber.link.request(n)

    # Readers go

    @precondition(lambda self: self.live)
    @rule(data=st.data(), drop=st.booleans())
    def leave(self, data: st.DataObject, drop: bool) -> None:
        model = data.draw(st.sampled_from(self.live))
        model.left = True
        if drop:
            self.models.remove(model)
            model.door = None
        else:
            model.door.close()
            assert list(model.door) == []

    @precondition(lambda self: self.amodels)
    @rule(data=st.data())
    def aleave(self, data: st.DataObject) -> None:
        model = data.draw(st.sampled_from(self.amodels))
        self.loop.run_until_complete(model.door.aclose())
        self.amodels.remove(model)

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.subscribers))
        entry[0].link.cancel()
        self.subscribers.remove(entry)

    @precondition(lambda self: self.observers)
    @rule(data=st.data())
    def dispose(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.observers))
        entry[2].dispose()
        self.observers.remove(entry)

    # Laws

    @invariant()
    def everything_is_accounted_for(self) -> None:
        for model in [*self.models, *self.amodels]:
            counted = model.door.statistics()
            assert counted.emitted == counted.delivered + counted.dropped + counted.buffered
            items = [item for item in model.got if type(item) is not Lagged]
            assert counted.delivered == len(items)
            assert items == sorted(set(items))
            if not model.left:
                assert counted.emitted == self.pushed - model.joined
            if model.policy in ("suspend", "unbounded"):
                # Lossless: no gap behind the past that was gone when it joined.
                gone = sum(item.n for item in model.got if type(item) is Lagged)
                assert items == list(range(model.joined + gone, model.joined + gone + len(items)))
            assert model.ends <= 1
        for subscriber, joined in self.subscribers:
            assert subscriber.got == list(range(joined, joined + len(subscriber.got)))
            if subscriber.fail_at is None and not self.closed:
                assert len(subscriber.got) == min(subscriber.requested, self.pushed - joined)
            assert subscriber.ends <= 1
        for seen, joined, _ in self.observers:
            assert seen == [*range(joined, self.pushed), *([END] if self.closed else [])]

    @invariant()
    def the_gate_follows_the_slowest(self) -> None:
        if not hasattr(self, "channel"):
            return
        channel = self.channel
        channel.settle()
        buffered = len(channel._buf)
        lags = [cursor.ring.emitted - cursor.pos for cursor in channel._cursors]
        assert buffered == max(lags, default=0)
        assert channel._slow == sum(cursor.pos == channel._base for cursor in channel._cursors)
        assert len(channel._readers) <= len(self.models) + len(self.amodels) + len(self.subscribers)
        if self.closed or buffered <= self.maxlen * 3 // 4:
            assert channel.gate.is_open
        elif buffered >= self.maxlen:
            assert not channel.gate.is_open

    def teardown(self) -> None:
        """Whoever reads on to the end gets everything and one end."""
        if not hasattr(self, "channel"):
            self.loop.close()
            return
        if not self.closed:
            self.closed = True
            self.channel.close()
        for model in self.live:
            try:
                model.got += list(model.door)
            except ValueError:
                pass
            assert next(model.door, END) == END
            counted = model.door.statistics()
            assert (counted.buffered, counted.emitted) == (0, self.pushed - model.joined)
        for model in self.amodels:
            self.loop.run_until_complete(self._to_the_end(model))
            counted = model.door.statistics()
            assert (counted.buffered, counted.emitted) == (0, self.pushed - model.joined)
        for subscriber, joined in self.subscribers:
            subscriber.requested += 10_000_000
            subscriber.link.request(10_000_000)
            if subscriber.fail_at is None:
                assert (len(subscriber.got), subscriber.ends) == (self.pushed - joined, 1)
        assert self.channel._buf == []
        assert self.channel._readers == []
        self.loop.close()

    @staticmethod
    async def _to_the_end(model: Model) -> None:
        try:
            async for item in model.door:
                model.got.append(item)
        except ValueError:
            pass
        assert await anext(model.door, END) == END


def test_any_order_of_calls_keeps_the_law(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    run_state_machine_as_test(
        ChannelMachine, settings=settings(max_examples=120, stateful_step_count=30, deadline=None)
    )
    gc.collect()
