"""Which classes a row may make.

Everything that a stored value asks for is looked up here first. The list holds the built-in value types, the classes
that the user named, and those that ``collect_allowlist`` found in the graph's schemas. A name that isn't on it is
neither imported nor looked for: the row is refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Literal, TypeAlias, cast

from rxgraph.checkpoint.serde._collect import collect_allowlist as collect_allowlist
from rxgraph.checkpoint.serde._names import PERMITTED, Name, spelling
from rxgraph.checkpoint.serde.errors import BlockedTypeError, UnavailableTypeError
from rxgraph.types import Send, TimeoutPolicy

Allowed: TypeAlias = type | tuple[str, ...]
"""A class, or where it is: ``("package.module", "Name")`` or ``("package", "module", "Name")``."""

Maker: TypeAlias = Callable[..., Any]
"""Makes a value from what a row has: a class, or a function that stands for one."""


class AllowList:
    """An immutable set of classes that a stored value may make.

    Args:
        extra: Classes beyond the built-in ones, as classes or as names. ``True`` stands for every dataclass, pydantic
            model, enum and named tuple of the modules that the program *has imported already*; nothing is imported.

    Raises:
        TypeError: An item that is neither a class nor a tuple of strings.
    """

    __slots__ = ("_classes", "_known", "_makers", "_names")

    def __init__(self, extra: Iterable[Allowed] | Literal[True] | None = None) -> None:
        self._known = extra is True
        self._classes: dict[Name, type] = {}
        self._names: set[Name] = set()
        self._makers: dict[Name, Maker] = {
            ("langgraph.types", "Send"): _send,
            ("rxgraph.types", "Send"): _send,
            ("re", "compile"): _pattern,
        }
        if extra is None or extra is True:
            return
        if isinstance(extra, str | bytes | Mapping) or not isinstance(extra, Iterable):
            raise TypeError(f"Allow-list needs an iterable of classes or of ('module', 'Name'), got {extra!r}.")
        for item in extra:
            if isinstance(item, type):
                self._classes[spelling(item)] = item
            elif isinstance(item, tuple) and len(item) > 1 and all(isinstance(part, str) for part in item):
                self._names.add((".".join(item[:-1]), item[-1]))
            else:
                raise TypeError(f"Allow-list takes classes and tuples ('module', 'Name'), got {item!r}.")

    def extended(self, extra: Iterable[Allowed]) -> AllowList:
        """Return a list with more classes on it; a later class takes the place of an earlier one of the same name."""
        more = AllowList(extra)
        more._known = self._known
        more._classes = self._classes | more._classes
        more._names |= self._names
        return more

    def covers(self, cls: type) -> bool:
        """Tell whether this very class, not just one of its name, was put on the list as a class."""
        return self._classes.get(spelling(cls)) is cls

    def permits(self, cls: type) -> bool:
        """Tell whether a row may make instances of a class; nothing is imported to find out."""
        name = spelling(cls)
        return name in PERMITTED or name in self._classes or name in self._names or (self._known and is_record(cls))

    def maker(self, module: str, name: str) -> Maker:
        """Return what makes the values that a row spells ``(module, name)``.

        Raises:
            BlockedTypeError: It isn't on the list.
            UnavailableTypeError: It is, and can't be imported.
        """
        key = (module, name)
        maker = self._makers.get(key)
        if maker is None:
            maker = self._makers[key] = self._find(key)
        return maker

    def _find(self, key: Name) -> Maker:
        if key in PERMITTED:
            return _imported(PERMITTED[key])
        if key in self._classes:
            return self._classes[key]
        if key in self._names:
            found = _imported(key)
            if isinstance(found, type):
                return found
            raise BlockedTypeError(".".join(key), " as a class (it is none)")
        if self._known and key[0] in sys.modules:
            # Not getattr: a module may import when it is asked for a name.
            cls = vars(sys.modules[key[0]]).get(key[1])
            if isinstance(cls, type) and is_record(cls):
                return cls
        raise BlockedTypeError(".".join(map(str, key)))


def is_record(cls: type) -> bool:
    """Tell whether instances only hold data: dataclass, pydantic model, enum or named tuple."""
    enum = sys.modules.get("enum")
    return (
        hasattr(cls, "__dataclass_fields__")
        or hasattr(cls, "__pydantic_fields__")
        or (hasattr(cls, "__fields__") and hasattr(cls, "construct"))
        or (enum is not None and issubclass(cls, enum.Enum))
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )


def _imported(name: Name) -> Maker:
    """Import what a list of ours, or of the user, names; never what only a row names."""
    try:
        return cast(Maker, getattr(import_module(name[0]), name[1]))
    except (ImportError, AttributeError) as error:
        raise UnavailableTypeError(".".join(name)) from error


def _send(node: str, arg: Any, timeout: TimeoutPolicy | None = None) -> Send:
    """A row has all three in a row; the class wants the last by name."""
    return Send(node, arg, timeout=timeout)


def _pattern(pattern: Any, flags: int) -> re.Pattern[Any]:
    """A pattern compiled with ``re.DEBUG`` prints; a row has no business on the screen."""
    return re.compile(pattern, flags & ~re.DEBUG.value)


__all__ = ("AllowList", "Allowed", "Maker", "collect_allowlist", "is_record")
