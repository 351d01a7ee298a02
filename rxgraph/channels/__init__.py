"""The cells of a state: one class a file, each a rule for the writes of one superstep.

===============================  ==================================================================
the last value                   ``LastValue``, ``AnyValue``, ``EphemeralValue``, ``UntrackedValue``
merged by a reducer              ``BinaryOperatorAggregate``, ``DeltaChannel``
a queue                          ``Topic``
wait for all of these            ``NamedBarrierValue``
and for the end of the run       ``LastValueAfterFinish``, ``NamedBarrierValueAfterFinish``
===============================  ==================================================================

Subclass ``BaseChannel`` for a rule of your own, and test it with ``rxgraph.testing.ChannelConformance``.
"""

from __future__ import annotations

from rxgraph.channels.any_value import AnyValue as AnyValue
from rxgraph.channels.base import BaseChannel as BaseChannel
from rxgraph.channels.binop import BinaryOperatorAggregate as BinaryOperatorAggregate
from rxgraph.channels.delta import DeltaChannel as DeltaChannel
from rxgraph.channels.ephemeral_value import EphemeralValue as EphemeralValue
from rxgraph.channels.last_value import LastValue as LastValue
from rxgraph.channels.last_value import LastValueAfterFinish as LastValueAfterFinish
from rxgraph.channels.named_barrier_value import NamedBarrierValue as NamedBarrierValue
from rxgraph.channels.named_barrier_value import NamedBarrierValueAfterFinish as NamedBarrierValueAfterFinish
from rxgraph.channels.topic import Topic as Topic
from rxgraph.channels.untracked_value import UntrackedValue as UntrackedValue

__all__ = (
    "AnyValue",
    "BaseChannel",
    "BinaryOperatorAggregate",
    "DeltaChannel",
    "EphemeralValue",
    "LastValue",
    "LastValueAfterFinish",
    "NamedBarrierValue",
    "NamedBarrierValueAfterFinish",
    "Topic",
    "UntrackedValue",
)
