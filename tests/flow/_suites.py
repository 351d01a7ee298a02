"""The bridges as subscriber and as processor, for the conformance suites."""

from __future__ import annotations

from typing import Any

from rxgraph import operators as ops
from rxgraph.flow import Publisher, Subscriber, to_observable, to_publisher
from rxgraph.testing import ProcessorConformance, SubscriberConformance


def refuse(*_: Any) -> Any:
    raise RuntimeError("on purpose")


class ToObservable(SubscriberConformance):
    """The subscriber inside ``to_observable``: what it gives to a publisher is caught at the door."""

    batch = 1

    def _caught(self, **handlers: Any) -> Any:
        caught: list[Any] = []

        class Door:
            def subscribe_with(self, subscriber: Any, /) -> None:
                caught.append(subscriber)

        self.values: list[Any] = []
        handlers.setdefault("on_next", self.values.append)
        left = to_observable(Door(), batch=self.batch).subscribe(on_error=lambda _: None, **handlers)
        self.leave = left.dispose
        return caught[0]

    def make_subscriber(self) -> Subscriber[Any]:
        subscriber: Subscriber[Any] = self._caught()
        return subscriber

    def make_failing_subscriber(self) -> Subscriber[Any]:
        subscriber: Subscriber[Any] = self._caught(on_next=refuse)
        return subscriber

    def received(self, subscriber: Any) -> list[Any]:
        return self.values

    def stop(self, subscriber: Any) -> None:
        self.leave()


class Processor(ProcessorConformance):
    """An operator between ``to_observable`` and ``to_publisher``."""

    operator: Any = staticmethod(ops.map(lambda x: x))
    batch = 1

    def make_processor(self, upstream: Publisher[Any]) -> Publisher[Any]:
        below = to_observable(upstream, batch=self.batch).pipe(type(self).operator)
        return to_publisher(below, overflow="unbounded")
