"""What a store gives back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class Item:
    """A value with its address and dates.

    Args:
        value: The value.
        key: Its key, unique in the namespace.
        namespace: The path to it; a list becomes a tuple.
        created_at: When the key was first put, a ``datetime`` or ISO text.
        updated_at: When it was last put, likewise.
    """

    __slots__ = ("created_at", "key", "namespace", "updated_at", "value")

    def __init__(
        self,
        *,
        value: dict[str, Any],
        key: str,
        namespace: Sequence[str],
        created_at: datetime | str,
        updated_at: datetime | str,
    ) -> None:
        self.value = value
        self.key = key
        # Rows and JSON have lists and text where we have tuples and dates.
        self.namespace: tuple[str, ...] = tuple(namespace)
        self.created_at = _date(created_at)
        self.updated_at = _date(updated_at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            return NotImplemented
        return (
            self.namespace == other.namespace
            and self.key == other.key
            and self.value == other.value
            and self.created_at == other.created_at
            and self.updated_at == other.updated_at
        )

    def __hash__(self) -> int:
        return hash((self.namespace, self.key))

    def dict(self) -> dict[str, Any]:
        """Return the item as JSON can have it: the namespace as a list, dates as ISO text."""
        return {
            "namespace": list(self.namespace),
            "key": self.key,
            "value": self.value,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.dict().items())
        return f"Item({fields})"


class SearchItem(Item):
    """An item that was searched for.

    Args:
        namespace, key, value, created_at, updated_at: See ``Item``.
        score: How near it is to the query, higher is nearer; ``None`` if it wasn't ranked.
    """

    __slots__ = ("score",)

    def __init__(
        self,
        namespace: Sequence[str],
        key: str,
        value: dict[str, Any],
        created_at: datetime | str,
        updated_at: datetime | str,
        score: float | None = None,
    ) -> None:
        super().__init__(value=value, key=key, namespace=namespace, created_at=created_at, updated_at=updated_at)
        self.score = score

    def dict(self) -> dict[str, Any]:
        """Return the item as JSON can have it, with its score."""
        return {**super().dict(), "score": self.score}


def _date(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


__all__ = ("Item", "SearchItem")
