"""The two lanes: the only files that block (``_sync``) or await (``_aio``)."""

from ._aio import AsyncLane as AsyncLane
from ._aio import AsyncStreamIterator as AsyncStreamIterator
from ._sync import StreamIterator as StreamIterator
from ._sync import SyncLane as SyncLane
from ._wiring import LIVE_MODES as LIVE_MODES
from ._wiring import Wiring as Wiring

__all__ = ("LIVE_MODES", "AsyncLane", "AsyncStreamIterator", "StreamIterator", "SyncLane", "Wiring")
