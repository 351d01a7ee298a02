"""Why a value wasn't written or a row wasn't read; nothing of the row has run or was imported by then."""

from __future__ import annotations


class SerdeError(ValueError):
    """Base of every error between values and bytes."""


class BlockedTypeError(SerdeError):
    """A row asks for a class that isn't on the allow-list.

    Args:
        name: The class as the row spells it, ``"module.Name"``.
        why: What the row wanted with it.
    """

    def __init__(self, name: str, why: str = "") -> None:
        self.name = name
        super().__init__(
            f"Stored value asks for {name!r}, which is not on the allow-list{why}; nothing was imported. "
            "If the row is yours, name the class in the graph's schemas, or allow it with "
            "JsonPlusSerializer(allowed_msgpack_modules=[TheClass]); if it isn't, somebody else wrote to the database."
        )


class UnavailableTypeError(SerdeError):
    """A row holds a permitted class that this process can't import.

    Args:
        name: The class, ``"module.Name"``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"Stored value holds a {name!r}, which can't be imported here. Install the package that has it, "
            "or make the module importable, and read the row again."
        )


class CorruptValueError(SerdeError):
    """A row's bytes are not what its tag says: cut off, overwritten, or in an unknown form."""


class PlaintextValueError(SerdeError):
    """A serializer with a cipher met a row that nobody encrypted."""


class UnserializableValueError(SerdeError, TypeError):
    """A value can't be written so that it comes back; a ``TypeError`` too, as LangGraph raises.

    Args:
        path: Where it stands inside the value that was to be saved, such as ``"['docs'][0].owner"``.
        reason: What is wrong with it, and what to do.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"Value{f' at {path}' if path else ''} can't be saved: {reason}")


__all__ = (
    "BlockedTypeError",
    "CorruptValueError",
    "PlaintextValueError",
    "SerdeError",
    "UnavailableTypeError",
    "UnserializableValueError",
)
