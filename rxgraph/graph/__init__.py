"""Graphs over a shared state."""

from rxgraph.constants import END as END
from rxgraph.constants import START as START

from .message import MessageGraph as MessageGraph
from .message import MessagesState as MessagesState
from .message import add_messages as add_messages
from .state import StateGraph as StateGraph

__all__ = ("END", "START", "MessageGraph", "MessagesState", "StateGraph", "add_messages")
