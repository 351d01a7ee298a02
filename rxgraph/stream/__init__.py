"""The events of a run: parts, the mux that numbers and multicasts them, and the readers that pull them."""

from ._channel import ChannelStatistics as ChannelStatistics
from ._channel import StreamChannel as StreamChannel
from ._mux import StreamMux as StreamMux
from ._shapes import projection as projection
from ._tee import AsyncBranch as AsyncBranch
from ._tee import Branch as Branch
from ._tee import Pump as Pump
from ._tee import ReaderStatistics as ReaderStatistics

__all__ = (
    "AsyncBranch",
    "Branch",
    "ChannelStatistics",
    "Pump",
    "ReaderStatistics",
    "StreamChannel",
    "StreamMux",
    "projection",
)
