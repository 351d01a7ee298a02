"""The two lanes, what takes them on, and what reads them: the only files of the package that block or await."""

from ._aio import AsyncLane as AsyncLane
from ._iterators import AsyncStreamIterator as AsyncStreamIterator
from ._iterators import StreamIterator as StreamIterator
from ._sync import SyncLane as SyncLane
from ._wiring import LIVE_MODES as LIVE_MODES
from ._wiring import Wiring as Wiring

__all__ = ("LIVE_MODES", "AsyncLane", "AsyncStreamIterator", "StreamIterator", "SyncLane", "Wiring")
