"""Old place of names that are in ``rxgraph.types``."""

from __future__ import annotations

import warnings

from rxgraph.types import All as All
from rxgraph.types import CachePolicy as CachePolicy
from rxgraph.types import PregelExecutableTask as PregelExecutableTask
from rxgraph.types import PregelTask as PregelTask
from rxgraph.types import RetryPolicy as RetryPolicy
from rxgraph.types import StateSnapshot as StateSnapshot
from rxgraph.types import StateUpdate as StateUpdate
from rxgraph.types import StreamMode as StreamMode
from rxgraph.types import StreamWriter as StreamWriter
from rxgraph.types import default_retry_on as default_retry_on
from rxgraph.warnings import LangGraphDeprecatedSinceV10

warnings.warn(
    "rxgraph.pregel.types is deprecated, import from rxgraph.types.", LangGraphDeprecatedSinceV10, stacklevel=2
)

__all__ = (
    "All",
    "CachePolicy",
    "PregelExecutableTask",
    "PregelTask",
    "RetryPolicy",
    "StateSnapshot",
    "StateUpdate",
    "StreamMode",
    "StreamWriter",
    "default_retry_on",
)
