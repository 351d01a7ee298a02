"""Names that stored writes share with LangGraph, and the protocols that the serializer recognises."""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable

from rxgraph.channels.delta import _DeltaSnapshot as _DeltaSnapshot
from rxgraph.constants import ERROR as ERROR
from rxgraph.constants import INTERRUPT as INTERRUPT
from rxgraph.constants import RESUME as RESUME
from rxgraph.constants import TASKS as TASKS

SCHEDULED: Final = "__scheduled__"
"""Reserved write; no runtime writes it today."""


@runtime_checkable
class SendProtocol(Protocol):
    """What is stored as a ``Send``, whatever its class."""

    node: str
    arg: Any


__all__ = ("ERROR", "INTERRUPT", "RESUME", "SCHEDULED", "TASKS", "SendProtocol")
