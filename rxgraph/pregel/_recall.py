"""Results of nodes that are kept in a cache: under which key, and what is kept.

An entry is the writes of a task that has finished, those of its routers among them. The key is made from the node's
input alone: thread, configuration and context don't count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from rxgraph._defaults import default_cache_key
from rxgraph.types import CachePolicy

CACHED_WRITES: Final = "__pregel_ns_writes"
"""First part of the namespaces that nodes' results have in a cache."""

FullKey = tuple[tuple[str, ...], str]


class Caching(NamedTuple):
    """How a node's results are cached.

    Args:
        namespace: Holds all of its entries.
        policy: Makes the key, and says how long an entry is good for.
    """

    namespace: tuple[str, ...]
    policy: CachePolicy

    @classmethod
    def of(cls, node: str | None, action: Any, policy: CachePolicy) -> Caching:
        """Return the caching of *action*, under its own name and that of the node that runs it, if one does."""
        module, name = getattr(action, "__module__", None), getattr(action, "__qualname__", None)
        code = f"{module}.{name}" if module and name else "__dynamic__"
        return cls((CACHED_WRITES, code) if node is None else (CACHED_WRITES, code, node), policy)

    def key(self, *args: Any, **kwargs: Any) -> FullKey:
        """Return the key of an input: one value for a node, the arguments for a call.

        Raises:
            TypeError: The key function returned neither text nor bytes, or there is none and the input can't be
                pickled.
        """
        from xxhash import xxh3_128_hexdigest

        make = self.policy.key_func or default_cache_key
        made = make(*args, **kwargs)
        if not isinstance(made, str | bytes):
            raise TypeError(
                f"Node {self.namespace[-1]!r}: CachePolicy.key_func returned {made!r}; expected str or bytes."
            )
        return self.namespace, xxh3_128_hexdigest(made.encode() if isinstance(made, str) else made)


def kept(writes: Iterable[tuple[str, Any]]) -> deque[tuple[str, Any]]:
    """Return writes as a cache keeps them."""
    return deque(writes)


def recalled(entry: Iterable[Sequence[Any]]) -> list[tuple[str, Any]]:
    """Return writes as they were before they were kept."""
    return [(channel, value) for channel, value in entry]


__all__ = ("Caching", "FullKey", "default_cache_key", "kept", "recalled")
