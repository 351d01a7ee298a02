"""Tools for the tests of programs and extensions that build on rxgraph."""

from __future__ import annotations

from rxgraph.testing import _marbles as marbles
from rxgraph.testing._channels import ChannelConformance as ChannelConformance
from rxgraph.testing._savers import SaverConformance as SaverConformance
from rxgraph.testing._stores import CacheConformance as CacheConformance
from rxgraph.testing._stores import ManualClock as ManualClock
from rxgraph.testing._stores import StoreConformance as StoreConformance

__all__ = ("CacheConformance", "ChannelConformance", "ManualClock", "SaverConformance", "StoreConformance", "marbles")
