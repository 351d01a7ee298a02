"""The events of a run: parts, the mux that numbers and multicasts them, and the readers that pull them."""

from ._mux import StreamMux as StreamMux
from ._shapes import projection as projection

__all__ = ("StreamMux", "projection")
