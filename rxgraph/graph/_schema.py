"""From a state's class to its channels, and from a dict of values to an instance of the class."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NotRequired, Required, get_args, get_origin, get_type_hints
from typing import NotRequired as ExtNotRequired
from typing import Required as ExtRequired

from typing_extensions import ReadOnly

from rxgraph._annotations import annotated_keys, make_instance
from rxgraph.channels.base import BaseChannel
from rxgraph.channels.binop import BinaryOperatorAggregate
from rxgraph.channels.last_value import LastValue
from rxgraph.constants import RESERVED, ROOT
from rxgraph.managed.base import ManagedValue, is_managed_value

Channel = BaseChannel[Any, Any, Any]
QUALIFIERS: Final = (Required, NotRequired, ExtRequired, ExtNotRequired, ReadOnly)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a graph needs to know of a class that describes a state.

    Args:
        source: The class.
        channels: A prototype for each key that is stored.
        managed: Keys that the runtime computes.
        mapper: Makes an instance out of a dict of values; ``None`` where the dict itself is the state.
        reads: What a node with this input reads; one object, by which the nodes of a schema know each other.
    """

    source: Any
    channels: dict[str, Channel]
    managed: dict[str, type[ManagedValue[Any]]] = field(default_factory=dict)
    mapper: Callable[[dict[str, Any]], Any] | None = None
    reads: str | tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", ROOT if self.is_root else tuple(self.channels))

    @property
    def is_root(self) -> bool:
        """Whether the state is one plain value."""
        return ROOT in self.channels


def read_schema(source: Any) -> Schema:
    """Read a TypedDict, dataclass, pydantic model, other annotated class, or the plain type of a root state.

    Raises:
        TypeError: *source* is unhashable.
        ValueError: A reducer has the wrong signature, or a key is reserved.
    """
    hash(source)
    if not isinstance(source, type) and get_origin(source) is None:
        warnings.warn(
            f"Invalid state_schema {source!r}: expected a class or a parametrised type, such as a TypedDict.",
            UserWarning,
            stacklevel=4,
        )
    if get_origin(source) is not None or not (isinstance(source, type) and annotated_keys(source)):
        return Schema(source, {ROOT: _channel(ROOT, source)})
    channels: dict[str, Channel] = {}
    managed: dict[str, type[ManagedValue[Any]]] = {}
    for key, hint in get_type_hints(source, include_extras=True).items():
        if key == "__slots__":
            continue
        if key in RESERVED:
            raise ValueError(f"State key {key!r} of {_name(source)} is reserved by the runtime. Rename it.")
        hint = _unqualified(hint)
        if (manager := _managed(hint)) is not None:
            managed[key] = manager
        else:
            channels[key] = _channel(key, hint)
    return Schema(source, channels, managed, make_instance(source))


def annotated_updates(value: Any) -> list[tuple[str, Any]]:
    """Return the updates that an instance of an annotated class stands for.

    A pydantic model gives the fields that were set, or that are not ``None``, or whose default is not ``None``; any
    other class gives every attribute that exists.
    """
    keys = annotated_keys(type(value))
    fields_set = getattr(value, "model_fields_set", None)
    if fields_set is None:
        return [(key, getattr(value, key)) for key in keys if hasattr(value, key)]
    fields = type(value).model_fields
    updates = []
    for key in keys:
        if key not in fields:
            continue
        current = getattr(value, key)
        if current is not None or key in fields_set or fields[key].default is not None:
            updates.append((key, current))
    return updates


def is_annotated_instance(value: Any) -> bool:
    """Whether *value* is an instance of a class with annotated attributes."""
    return bool(annotated_keys(type(value)))


def _unqualified(hint: Any) -> Any:
    while get_origin(hint) in QUALIFIERS:
        hint = get_args(hint)[0]
    return hint


def _managed(hint: Any) -> type[ManagedValue[Any]] | None:
    """Find a managed value: the last metadata item, also inside ``Annotated[NotRequired[...]]``."""
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        if is_managed_value(metadata[-1]):
            return metadata[-1]
        return _managed(_unqualified(base))
    return None


def _channel(key: str, hint: Any) -> Channel:
    metadata: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        base, *extra = get_args(hint)
        hint, metadata = _unqualified(base), tuple(extra)
        if get_origin(hint) is Annotated:
            base, *inner = get_args(hint)
            hint, metadata = base, (*inner, *metadata)
    channel: Channel | None = None
    for item in metadata:
        if isinstance(item, BaseChannel):
            channel = item.copy()
        elif inspect.isclass(item) and issubclass(item, BaseChannel):
            channel = item(hint)
        if channel is not None:
            break
    if channel is None and metadata and callable(metadata[-1]):
        channel = BinaryOperatorAggregate(hint, _check_reducer(key, metadata[-1]))
    if channel is None:
        channel = LastValue(hint)
    channel.key = key
    return channel


def _check_reducer(key: str, reducer: Any) -> Any:
    try:
        parameters = inspect.signature(reducer).parameters.values()
    except ValueError:
        # A builtin without a signature, such as max: it takes two values or fails at the first update.
        return reducer
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) != 2 and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise ValueError(
            f"State key {key!r} has an invalid reducer signature: expected (a, b) -> c, "
            f"got {getattr(reducer, '__name__', reducer)!r} with {len(positional)} positional parameters."
        )
    return reducer


def _name(source: Any) -> str:
    return getattr(source, "__name__", repr(source))


__all__ = ("Schema", "annotated_updates", "is_annotated_instance", "read_schema")
