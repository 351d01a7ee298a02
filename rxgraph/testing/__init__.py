"""Tools for the tests of programs and extensions that build on rxgraph."""

from __future__ import annotations

from rxgraph.testing import _marbles as marbles
from rxgraph.testing._channels import ChannelConformance as ChannelConformance
from rxgraph.testing._savers import SaverConformance as SaverConformance
from rxgraph.testing._stores import StoreConformance as StoreConformance

__all__ = ("ChannelConformance", "SaverConformance", "StoreConformance", "marbles")
