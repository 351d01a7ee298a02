"""Tools for the tests of programs and extensions that build on rxgraph."""

from __future__ import annotations

from rxgraph.testing import _marbles as marbles
from rxgraph.testing._channels import ChannelConformance as ChannelConformance

__all__ = ("ChannelConformance", "marbles")
