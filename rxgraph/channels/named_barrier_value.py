"""Channels that wait until every name of a set was written; joins are made of these."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Generic, Self

from rxgraph.channels.base import BaseChannel, Value
from rxgraph.constants import MISSING, Missing
from rxgraph.errors import EmptyChannelError, InvalidUpdateError


class NamedBarrierValue(BaseChannel[None, Value, set[Value]], Generic[Value]):
    """Become available, as ``None``, once every name was written; ``consume`` then starts it over.

    Shapes: Update one of ``names``, Read ``None``, Checkpoint the set of names seen.
    Errors: any other name is an ``InvalidUpdateError``.

    Args:
        typ: Type of a name.
        names: The names to wait for.
    """

    __slots__ = ("names", "seen")

    fades = False

    names: AbstractSet[Value]
    seen: set[Value]

    def __init__(self, typ: type[Value], names: Collection[Value]) -> None:
        super().__init__(typ)
        self.names = names if isinstance(names, AbstractSet) else set(names)
        self.seen = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedBarrierValue) and other.names == self.names

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        # All names are checked before the first counts: a refused update leaves the barrier as it was.
        for name in values:
            if name not in self.names:
                raise _stranger(self, name, self.names)
        seen = self.seen
        before = len(seen)
        seen.update(values)
        return len(seen) != before

    def consume(self) -> bool:
        if self.seen != self.names:
            return False
        self.seen = set()
        return True

    def get(self) -> None:
        if self.seen != self.names:
            raise _waiting(self, self.names - self.seen)

    def is_available(self) -> bool:
        return self.seen == self.names

    def checkpoint(self) -> set[Value]:
        return self.seen.copy()

    def from_checkpoint(self, checkpoint: Collection[Value] | Missing) -> Self:
        restored = self.__class__(self.typ, self.names)
        restored.key = self.key
        if checkpoint is not MISSING:
            restored.seen = set(checkpoint)
        return restored

    def __repr__(self) -> str:
        return _seen_of(self, len(self.seen), len(self.names))


class NamedBarrierValueAfterFinish(BaseChannel[None, Value, tuple[set[Value], bool]], Generic[Value]):
    """Like ``NamedBarrierValue``, and wait for the run to come to its end besides; joins of deferred nodes use it.

    Shapes: Update one of ``names``, Read ``None`` after ``finish``, Checkpoint ``(names seen, finished)``.
    Errors: any other name is an ``InvalidUpdateError``.

    Args:
        typ: Type of a name.
        names: The names to wait for.
    """

    __slots__ = ("finished", "names", "seen")

    fades = False

    names: AbstractSet[Value]
    seen: set[Value]
    finished: bool

    def __init__(self, typ: type[Value], names: Collection[Value]) -> None:
        super().__init__(typ)
        self.names = names if isinstance(names, AbstractSet) else set(names)
        self.seen = set()
        self.finished = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedBarrierValueAfterFinish) and other.names == self.names

    @property
    def ValueType(self) -> Any:
        return self.typ

    @property
    def UpdateType(self) -> Any:
        return self.typ

    def update(self, values: Sequence[Value]) -> bool:
        for name in values:
            if name not in self.names:
                raise _stranger(self, name, self.names)
        seen = self.seen
        before = len(seen)
        seen.update(values)
        return len(seen) != before

    def consume(self) -> bool:
        if not self.finished or self.seen != self.names:
            return False
        self.seen = set()
        self.finished = False
        return True

    def finish(self) -> bool:
        if self.finished or self.seen != self.names:
            return False
        self.finished = True
        return True

    def get(self) -> None:
        if not self.finished or self.seen != self.names:
            raise _waiting(self, self.names - self.seen)

    def is_available(self) -> bool:
        return self.finished and self.seen == self.names

    def checkpoint(self) -> tuple[set[Value], bool]:
        return self.seen.copy(), self.finished

    def from_checkpoint(self, checkpoint: tuple[Collection[Value], bool] | Missing) -> Self:
        restored = self.__class__(self.typ, self.names)
        restored.key = self.key
        if checkpoint is not MISSING:
            seen, restored.finished = checkpoint
            restored.seen = set(seen)
        return restored

    def __repr__(self) -> str:
        return _seen_of(self, len(self.seen), len(self.names)) if not self.finished else super().__repr__()


def _listed(names: Collection[object]) -> str:
    return ", ".join(sorted(map(repr, names)))


def _stranger(channel: BaseChannel[Any, Any, Any], name: object, names: Collection[object]) -> InvalidUpdateError:
    return InvalidUpdateError(
        f"{channel._label()} got {name!r}: expected one of {_listed(names)}. "
        "Write the name of one of the nodes that it joins."
    )


def _waiting(channel: BaseChannel[Any, Any, Any], missing: Collection[object]) -> EmptyChannelError:
    rest = _listed(missing) if missing else "the end of the run"
    return EmptyChannelError(f"{channel._label()} was read while it waits for {rest}. Ask is_available() first.")


def _seen_of(channel: BaseChannel[Any, Any, Any], seen: int, names: int) -> str:
    return f"<{type(channel).__name__}{f' {channel.key!r}' if channel.key else ''} seen {seen} of {names}>"


__all__ = ("NamedBarrierValue", "NamedBarrierValueAfterFinish")
