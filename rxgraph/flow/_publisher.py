"""The roles of Reactive Streams 1.0.4.

Two deviations that Python asks for: ``None`` is a legal element, and a ``BaseException`` that is no ``Exception``
(``KeyboardInterrupt``, ``CancelledError``) is never an element error.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


@runtime_checkable
class Subscription(Protocol):
    """The link between one subscriber and its publisher. [RS §3]"""

    def request(self, n: int, /) -> None:
        """Ask for *n* more elements; ``UNBOUNDED`` or more lifts the limit. [RS §3.8, §3.17]"""

    def cancel(self) -> None:
        """Ask for nothing more; idempotent. [RS §3.5, §3.7]"""


@runtime_checkable
class Subscriber(Protocol[T_contra]):
    """Receives ``on_subscribe``, then at most as many ``on_next`` as it requested, then at most one end. [RS §2]"""

    def on_subscribe(self, subscription: Subscription, /) -> None:
        """Receive the link, once, before anything else."""

    def on_next(self, value: T_contra, /) -> None:
        """Receive an element that was requested."""

    def on_error(self, error: Exception, /) -> None:
        """Receive the failure that ends the stream."""

    def on_complete(self) -> None:
        """Receive the end of the stream."""


@runtime_checkable
class Publisher(Protocol[T_co]):
    """A source that sends no more than was requested. [RS §1]"""

    def subscribe_with(self, subscriber: Subscriber[T_co], /) -> None:
        """Start a subscription.

        It is not called ``subscribe``, so that one object can be a publisher and an RxPY observable.

        Raises:
            TypeError: *subscriber* is None or has not the methods of one. [RS §1.9]
        """


__all__ = ("Publisher", "Subscriber", "Subscription")
