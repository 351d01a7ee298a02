"""How messages are read, known by their ids and merged.

Where langchain-core is installed, everything becomes a message object of LangChain, so that programs find the
attributes that they know. Where it is not, or where a reducer is told so, messages stay what they are: dicts with
``role`` (or ``type``) and ``content``. Both kinds are known by their ``id``, and taken out by one that is a removal.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from itertools import count
from operator import attrgetter
from types import ModuleType
from typing import Any, Final, NamedTuple
from uuid import uuid4

REMOVE_ALL_MESSAGES: Final = "__remove_all__"
"""Id of a removal that takes out every message before it."""


class AnyMessage:
    """Annotates a message in a state.

    What a state is made of is known without langchain-core, and naming its classes would import it; pydantic, which
    wants to know more, is told of them when it asks.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        langchain = langchain_messages()
        return handler(Any if langchain is None else langchain.AnyMessage)


class Kind(NamedTuple):
    """How to handle one kind of message.

    Args:
        read: Makes a list of messages, each with an id, out of whatever a node may return.
        convert: Makes one message out of one item, and leaves its id alone.
        key: The id of a message, if it has one.
        removes: Whether a message only takes out another one.
    """

    read: Callable[[Any], list[Any]]
    convert: Callable[[Any], Any]
    key: Callable[[Any], Any]
    removes: Callable[[Any], bool]


def merge(left: list[Any], right: list[Any], kind: Kind) -> list[Any]:
    """Return a list of *left* with the messages of *right* added, replaced by id, or taken out.

    Raises:
        ValueError: A removal of a message that is not there.
    """
    key, removes = kind.key, kind.removes
    merged = left.copy()
    # Of messages with the same id, the last one is the one that is replaced.
    places = dict(zip(map(key, merged), count()))
    removed = set()
    for message in right:
        name = key(message)
        place = places.get(name)
        if removes(message):
            if place is None:
                raise ValueError(
                    f"Attempting to delete a message with an ID that doesn't exist ({name!r}): a removal takes out a "
                    "message of the state, or one that comes before it in the same update."
                )
            removed.add(name)
        elif place is None:
            places[name] = len(merged)
            merged.append(message)
        else:
            removed.discard(name)
            merged[place] = message
    return [message for message in merged if key(message) not in removed] if removed else merged


def merge_writes(left: list[Any], writes: list[Any], kind: Kind) -> list[Any]:
    """Return a list of *left* with the messages of many writes, each one or a list, added, replaced, or taken out.

    Unlike :func:`merge` it gives the same for writes one by one as for all at once: a removal of what is not there does
    nothing, and a message that comes back comes last. It gives no ids.
    """
    merged: list[Any] = [kind.convert(message) for message in left]
    places = {name: place for place, name in enumerate(map(kind.key, merged)) if name is not None}
    gaps = set()
    for write in writes:
        for item in write if isinstance(write, list) else (write,):
            message = kind.convert(item)
            name = kind.key(message)
            place = places.get(name)
            if kind.removes(message):
                if place is not None:
                    gaps.add(places.pop(name))
            elif place is not None:
                merged[place] = message
            else:
                if name is not None:
                    places[name] = len(merged)
                merged.append(message)
    return [message for place, message in enumerate(merged) if place not in gaps] if gaps else merged


def after_remove_all(right: list[Any], kind: Kind) -> list[Any] | None:
    """Return what comes after the last removal of everything, or ``None`` if there is none."""
    for place in range(len(right) - 1, -1, -1):
        if kind.key(right[place]) == REMOVE_ALL_MESSAGES and kind.removes(right[place]):
            return right[place + 1 :]
    return None


def message_kind() -> Kind:
    """Return how messages are handled in this installation."""
    return PLAIN if langchain_messages() is None else _langchain_kind()


@cache
def langchain_messages() -> ModuleType | None:
    """Import the messages of langchain-core; ``None`` where it is not installed."""
    if importlib.util.find_spec("langchain_core") is None:
        return None
    return importlib.import_module("langchain_core.messages")


def in_openai_form(messages: list[Any]) -> list[Any]:
    """Return messages of LangChain whose contents are in the form of OpenAI; they lose their ids.

    Raises:
        ImportError: langchain-core is not installed.
    """
    langchain = langchain_messages()
    if langchain is None:
        raise ImportError(
            "add_messages(format='langchain-openai') converts messages with langchain-core, which is not installed: "
            "install it with the extra 'langchain' of rxgraph-runtime, or leave the format out."
        )
    converted: list[Any] = langchain.convert_to_messages(langchain.convert_to_openai_messages(messages))
    return converted


# --- LangChain's


@cache
def _langchain_kind() -> Kind:
    langchain = importlib.import_module("langchain_core.messages")
    # Exactly these classes need no conversion; a chunk or a subclass takes the long way.
    names = "AIMessage ChatMessage FunctionMessage HumanMessage RemoveMessage SystemMessage ToolMessage".split()
    whole = frozenset(getattr(langchain, name) for name in names)
    key = attrgetter("id")

    def read(value: Any) -> list[Any]:
        messages: list[Any] = value if isinstance(value, list) else [value]
        # Every superstep reads the whole history: these two tests run in C.
        if not whole.issuperset(map(type, messages)):
            messages = [langchain.message_chunk_to_message(one) for one in langchain.convert_to_messages(messages)]
        for message in messages if None in map(key, messages) else ():
            if message.id is None:
                # On the object that the node has returned: others who see it know it by this id.
                message.id = str(uuid4())
        return messages

    def convert(item: Any) -> Any:
        return item if isinstance(item, langchain.BaseMessage) else langchain.convert_to_messages([item])[0]

    return Kind(read, convert, key, lambda message: isinstance(message, langchain.RemoveMessage))


# --- as they are


def _read_plain(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [item if _is_whole(item) else _with_id(_convert_plain(item)) for item in items]


def _is_whole(item: Any) -> bool:
    """Whether this is a dict that needs nothing: the usual case, quickly."""
    return type(item) is dict and "content" in item and "role" in item and item.get("id") is not None


def _convert_plain(item: Any) -> Any:
    if isinstance(item, str):
        return {"role": "user", "content": item}
    if isinstance(item, dict):
        if "content" not in item or not ("role" in item or "type" in item):
            raise ValueError(f"Message dict must contain 'role' and 'content' keys, got {item!r}.")
        return item
    if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
        return {"role": item[0], "content": item[1]}
    if hasattr(item, "content") and hasattr(item, "type") and hasattr(item, "id"):
        return item
    raise NotImplementedError(
        f"Unsupported message type: {type(item).__name__}. A message is a dict with 'role' and 'content', a string, "
        "(role, text), or an object of langchain-core (extra 'langchain' of rxgraph-runtime)."
    )


def _with_id(message: Any) -> Any:
    if _plain_key(message) is not None:
        return message
    if isinstance(message, dict):
        # A copy, unlike the objects: a dict that is sent twice is two messages.
        return {**message, "id": str(uuid4())}
    message.id = str(uuid4())
    return message


def _plain_key(message: Any) -> Any:
    return message.get("id") if isinstance(message, dict) else message.id


def _plain_removes(message: Any) -> bool:
    if isinstance(message, dict):
        return "remove" in (message.get("role"), message.get("type"))
    return bool(message.type == "remove")


PLAIN: Final = Kind(_read_plain, _convert_plain, _plain_key, _plain_removes)
"""Messages that stay what they are."""

__all__ = (
    "PLAIN",
    "REMOVE_ALL_MESSAGES",
    "AnyMessage",
    "Kind",
    "after_remove_all",
    "in_openai_form",
    "langchain_messages",
    "merge",
    "merge_writes",
    "message_kind",
)
