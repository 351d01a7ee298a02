"""What policies do unless they are told otherwise: which errors are tried again, and the keys of cached results."""

from __future__ import annotations

import pickle
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

PERMANENT: Final = (
    ValueError,
    TypeError,
    ArithmeticError,
    ImportError,
    LookupError,
    NameError,
    SyntaxError,
    RuntimeError,
    ReferenceError,
    StopIteration,
    StopAsyncIteration,
    OSError,
)
"""Errors that trying again doesn't mend, unless they are of the network."""


def default_retry_on(exc: Exception) -> bool:
    """Whether an error is worth another attempt: of the network, of a server, or of a class that nobody knows."""
    if isinstance(exc, ConnectionError):
        return True
    if (httpx := sys.modules.get("httpx")) is not None and isinstance(exc, httpx.HTTPStatusError):
        return is_servers(exc.response)
    if (requests := sys.modules.get("requests")) is not None and isinstance(exc, requests.HTTPError):
        return exc.response is None or is_servers(exc.response)
    return not isinstance(exc, PERMANENT)


def is_servers(response: Any) -> bool:
    """Whether an answer of HTTP says that the server has failed, not the caller."""
    return bool(500 <= response.status_code < 600)


def default_cache_key(*args: Any, **kwargs: Any) -> bytes:
    """Return the same bytes for the same arguments, in whatever order dicts and sets hold theirs.

    Raises:
        TypeError: An argument can't be pickled.
    """
    try:
        return pickle.dumps((_frozen(args), _frozen(kwargs)), protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(
            f"Input can't be made into a cache key ({error}). Give CachePolicy a key_func that makes one out of the "
            "part that counts."
        ) from error


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return "dict", tuple(sorted(((_frozen(key), _frozen(item)) for key, item in value.items()), key=_order))
    if isinstance(value, set | frozenset):
        return "set", tuple(sorted(map(_frozen, value), key=_order))
    if isinstance(value, list | tuple | deque):
        return tuple(map(_frozen, value))
    return value


def _order(value: Any) -> bytes:
    return pickle.dumps(value, protocol=5)


__all__ = ("default_cache_key", "default_retry_on")
