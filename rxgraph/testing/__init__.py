"""Tools for the tests of programs and extensions that build on rxgraph."""

from __future__ import annotations

from rxgraph.testing import _marbles as marbles
from rxgraph.testing._aiterators import AsyncIteratorConformance as AsyncIteratorConformance
from rxgraph.testing._aiterators import Controlled as Controlled
from rxgraph.testing._channels import ChannelConformance as ChannelConformance
from rxgraph.testing._publishers import PublisherConformance as PublisherConformance
from rxgraph.testing._savers import SaverConformance as SaverConformance
from rxgraph.testing._stores import CacheConformance as CacheConformance
from rxgraph.testing._stores import ManualClock as ManualClock
from rxgraph.testing._stores import StoreConformance as StoreConformance
from rxgraph.testing._subscribers import ProcessorConformance as ProcessorConformance
from rxgraph.testing._subscribers import SubscriberConformance as SubscriberConformance
from rxgraph.testing._time import VirtualTime as VirtualTime

__all__ = (
    "AsyncIteratorConformance",
    "CacheConformance",
    "ChannelConformance",
    "Controlled",
    "ManualClock",
    "ProcessorConformance",
    "PublisherConformance",
    "SaverConformance",
    "StoreConformance",
    "SubscriberConformance",
    "VirtualTime",
    "marbles",
)
