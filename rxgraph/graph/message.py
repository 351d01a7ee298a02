"""Messages in a state: the reducer that merges them by id, and the states that are made of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, overload

from typing_extensions import TypedDict

from rxgraph.warnings import LangGraphDeprecationWarning

from ._messages import PLAIN, after_remove_all, in_openai_form, merge, merge_writes, message_kind
from ._messages import REMOVE_ALL_MESSAGES as REMOVE_ALL_MESSAGES
from ._messages_write import running_task, write_now
from .state import StateGraph

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage, MessageLikeRepresentation

    Messages = Sequence[MessageLikeRepresentation] | MessageLikeRepresentation
else:
    from ._messages import AnyMessage

    Messages = Any


@overload
def add_messages(left: None = None, right: None = None, *, format: str | None = None) -> Callable[..., Any]: ...
@overload
def add_messages(left: Messages, right: Messages, *, format: str | None = None) -> Any: ...
def add_messages(left: Any = None, right: Any = None, *, format: str | None = None) -> Any:
    """Merge two lists of messages, by id: the reducer of a state's messages.

    A message whose id is there already takes the place of the old one, a removal takes it out, any other message is
    appended. A removal with the id ``REMOVE_ALL_MESSAGES`` takes out everything before it.

    Shapes: either side is a list or one message: a message of LangChain, a dict with ``role`` and ``content``, a
    string of the user's, or ``(role, text)``. With langchain-core installed all of them become messages of LangChain;
    without it dicts, and a removal is ``{"role": "remove", "content": "", "id": ...}``. Messages without an id get one.

    Args:
        left: What is there.
        right: What comes; without both sides, the result is a reducer with this *format*.
        format: ``"langchain-openai"`` puts contents into the form of OpenAI (which loses the ids), ``"plain"`` leaves
            messages what they are, so that dicts stay dicts whatever is installed.

    Raises:
        ValueError: One side alone, a removal of what is not there, an unknown format, or a dict that is no message.
        NotImplementedError: Something that is no message at all.
        ImportError: A format that needs langchain-core, and it is not installed.

    Example:
        >>> reduce = add_messages(format="plain")
        >>> asked = reduce([], {"role": "user", "content": "Which way?", "id": "1"})
        >>> both = reduce(asked, {"role": "assistant", "content": "Left.", "id": "2"})
        >>> [message["content"] for message in reduce(both, {"role": "assistant", "content": "Right.", "id": "2"})]
        ['Which way?', 'Right.']
    """
    if left is None and right is None:
        return partial(add_messages) if format is None else partial(add_messages, format=format)
    if left is None or right is None:
        given = "left" if right is None else "right"
        raise ValueError(
            f"add_messages() needs non-null arguments for both 'left' and 'right', got only {given!r}. Pass both to "
            "merge them, or neither to make a reducer."
        )
    kind = PLAIN if format == "plain" else message_kind()
    before, new = kind.read(left), kind.read(right)
    if (rest := after_remove_all(new, kind)) is not None:
        return rest
    merged = merge(before, new, kind)
    if format == "langchain-openai":
        return in_openai_form(merged)
    if format and format != "plain":
        raise ValueError(
            f"add_messages() got an unrecognized format={format!r}: expected 'langchain-openai', 'plain' or None."
        )
    return merged


def _messages_delta_reducer(state: list[Any], writes: list[Any]) -> list[Any]:
    """Merge the writes of many supersteps by id: for ``DeltaChannel(_messages_delta_reducer)``.

    It gives no ids, removes nothing that is not there, and knows no removal of everything.
    """
    return merge_writes(state, writes, message_kind())


class MessagesState(TypedDict):
    """A state with one key, ``messages``; more keys are added by inheriting from it."""

    messages: Annotated[list[AnyMessage], add_messages]


# Pydantic would show it as the description of the schemas and tools of every graph with this state.
MessagesState.__doc__ = None


class MessageGraph(StateGraph[Any, Any, Any, Any]):
    """A graph whose whole state is a list of messages; deprecated, as ``MessagesState`` does more."""

    def __init__(self) -> None:
        warnings.warn(
            "MessageGraph is deprecated: use StateGraph(MessagesState), and read and write the key 'messages'.",
            LangGraphDeprecationWarning,
            stacklevel=2,
        )
        super().__init__(Annotated[list[AnyMessage], add_messages])  # type: ignore[arg-type]


def push_message(message: Any, *, state_key: str | None = "messages") -> Any:
    """Write a message from inside a node, before the node returns.

    Args:
        message: Whatever ``add_messages`` takes as one message; it must have an id.
        state_key: Where the message goes; ``None`` leaves the state as it is.

    Returns:
        The message, as an object of LangChain if langchain-core is installed.

    Raises:
        RuntimeError: No node is running in this context.
        ValueError: The message has no id.
    """
    task = running_task("push_message()")
    kind = message_kind()
    converted = kind.convert(message)
    if kind.key(converted) is None:
        raise ValueError(
            f"push_message() got a message without an id: Message ID is required, got {message!r}. Give it one, so "
            "that whoever sees it twice knows it again."
        )
    if state_key is not None:
        write_now(task, "push_message()", state_key, converted)
    return converted


__all__ = (
    "REMOVE_ALL_MESSAGES",
    "MessageGraph",
    "MessagesState",
    "add_messages",
    "push_message",
)
