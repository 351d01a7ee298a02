"""Models inside models: pydantic writes a field as what it is declared to be, and drops what a subclass adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any, dict[str, Any]], str]
"""From a model and its dump to what the dump has lost, as text; empty for nothing."""


def check_model(cls: type) -> Check | None:
    """Return what to check on each instance; ``None`` for classes that keep no models in their fields."""
    # The messages and documents of langchain-core hold plain data, and there are many of them.
    return None if cls.__module__.startswith("langchain_core.") else _lost


def _lost(model: Any, dumped: Any) -> str:
    values = getattr(model, "__dict__", None)
    if not isinstance(values, dict) or not isinstance(dumped, dict):
        return ""
    for name, value in values.items():
        # Absent: excluded by the model itself, or under another name; its author knows.
        if name in dumped and (lost := _lost_in(value, dumped[name])):
            return lost
    return ""


def _lost_in(value: Any, dumped: Any) -> str:
    if isinstance(value, list | tuple):
        if isinstance(dumped, list | tuple) and len(value) == len(dumped):
            for item, part in zip(value, dumped, strict=True):
                if lost := _lost_in(item, part):
                    return lost
    elif isinstance(value, dict):
        if isinstance(dumped, dict):
            for key, item in value.items():
                if key in dumped and (lost := _lost_in(item, dumped[key])):
                    return lost
    elif isinstance(dumped, dict):
        declared: dict[str, Any] = getattr(type(value), "__pydantic_fields__", {})
        gone = [name for name, field in declared.items() if name not in dumped and not field.exclude]
        if gone and all(name in declared for name in dumped):
            return (
                f"a field holds a {type(value).__qualname__} where a base class is declared, and its own fields "
                f"({', '.join(gone)}) would be lost. Declare the field as a union of the classes, "
                "or as SerializeAsAny and the class."
            )
        return _lost(value, dumped)
    return ""


__all__ = ("check_model",)
