"""How rows spell classes, and which spellings every serializer permits.

A row names a class as ``(module, name)``. The classes of ours that LangGraph has too are written under its names and
read under both, so a thread moves between the runtimes and neither imports the other. What is imported is always the
right-hand side of the table here, never text of the row.
"""

from __future__ import annotations

from typing import Final

Name = tuple[str, str]
"""A class as a row spells it: module and ``__name__``."""

_TWINS: Final = {
    name: module
    for module, names in {
        "langgraph.types": "CachePolicy Command Interrupt Overwrite PregelTask RetryPolicy Send StateSnapshot "
        "StateUpdate TimeoutPolicy",
        "langgraph.store.base": "GetOp Item SearchItem",
    }.items()
    for name in names.split()
}
"""Our classes with a twin, by name, and the module that rows give them."""

_PLAIN: Final = {
    "builtins": "frozenset set",
    "collections": "deque",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "ipaddress": "IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network",
    "pathlib": "Path PosixPath WindowsPath",
    # A pattern is written as the call that makes it.
    "re": "compile",
    "uuid": "UUID",
    "zoneinfo": "ZoneInfo",
    "pydantic.types": "SecretBytes SecretStr",
    "pydantic.v1.types": "SecretBytes SecretStr",
    "langchain_core.documents.base": "Document",
    "langchain_core.messages.ai": "AIMessage AIMessageChunk",
    "langchain_core.messages.base": "BaseMessage BaseMessageChunk",
    "langchain_core.messages.chat": "ChatMessage ChatMessageChunk",
    "langchain_core.messages.function": "FunctionMessage FunctionMessageChunk",
    "langchain_core.messages.human": "HumanMessage HumanMessageChunk",
    "langchain_core.messages.modifier": "RemoveMessage",
    "langchain_core.messages.system": "SystemMessage SystemMessageChunk",
    "langchain_core.messages.tool": "ToolMessage ToolMessageChunk",
}


def _permitted() -> dict[Name, Name]:
    table = {(module, name): (module, name) for module, names in _PLAIN.items() for name in names.split()}
    # Python 3.13 keeps its paths one module deeper.
    table |= {("pathlib._local", name): ("pathlib", name) for name in _PLAIN["pathlib"].split()}
    for name, module in _TWINS.items():
        home = module.replace("langgraph", "rxgraph", 1)
        table[module, name] = table[home, name] = (home, name)
    return table


PERMITTED: Final = _permitted()
"""Spellings that need no permission, and the place each is imported from when a row has it."""

AS_TEXT: Final = frozenset({("pandas", "Timestamp"), ("pandas._libs.tslibs.timestamps", "Timestamp")})
"""Kinds of datetime that both runtimes write and that come back as ISO text."""

MESSAGES: Final = {
    name: (module, name) for module, name in PERMITTED if module.startswith("langchain_core.") and name[0].isupper()
}
"""The classes of langchain-core by bare name, as its old JSON form spells them."""


def spelling(cls: type) -> Name:
    """Return the module and name that a row gives to instances of the class."""
    module, name = cls.__module__, cls.__name__
    if module.startswith("rxgraph.") and name in _TWINS:
        return _TWINS[name], name
    return module, name


__all__ = ("AS_TEXT", "MESSAGES", "PERMITTED", "Name", "spelling")
