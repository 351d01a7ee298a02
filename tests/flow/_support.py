"""Subscribers and threads for the tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rxgraph.flow import Subscription
from rxgraph.testing._probe import PATIENCE as PATIENCE
from rxgraph.testing._probe import on_threads

run_threads = on_threads


class Taker:
    """A subscriber that notes what it is told; it requests *first* when it is introduced."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.link: Subscription
        self.introductions = 0
        self.values: list[Any] = []
        self.ends: list[Any] = []

    def on_subscribe(self, subscription: Subscription, /) -> None:
        self.link = subscription
        self.introductions += 1
        if self.first:
            subscription.request(self.first)

    def on_next(self, value: Any, /) -> None:
        self.values.append(value)

    def on_error(self, error: Exception, /) -> None:
        self.ends.append(error)

    def on_complete(self) -> None:
        self.ends.append("complete")


@contextmanager
def restless() -> Iterator[None]:
    """Make the interpreter switch threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def shallow(spare: int) -> Iterator[None]:
    """Leave *spare* frames of stack."""
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + spare)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
