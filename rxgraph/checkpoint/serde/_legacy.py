"""JSON rows of early LangGraph versions: objects stand in envelopes marked ``lc``.

``lc`` 2 names a class and its arguments, ``lc`` 1 is langchain-core's own form and names a message or a document by a
path of older days. Both get what the allow-list has and nothing else; a method named in an envelope is never called.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rxgraph.checkpoint.serde._names import MESSAGES
from rxgraph.checkpoint.serde.allowlist import AllowList
from rxgraph.checkpoint.serde.errors import BlockedTypeError, CorruptValueError, SerdeError


def revive(found: dict[str, Any], allow: AllowList) -> Any:
    """Return the value of a JSON object: of its envelope if it is one, else the object.

    Raises:
        BlockedTypeError: The class isn't on the allow-list.
        CorruptValueError: The class can't be made of the envelope's arguments.
    """
    marker = found.get("lc")
    if type(marker) is not int or marker not in (1, 2) or found.get("type") != "constructor":
        return found
    path = found.get("id")
    if not (isinstance(path, list) and len(path) > 1 and all(isinstance(part, str) for part in path)):
        return found
    name = ".".join(path)
    module = ".".join(path[:-1])
    if marker == 1:
        if path[0] not in ("langchain", "langchain_core") or path[-1] not in MESSAGES:
            raise BlockedTypeError(name)
        module, _ = MESSAGES[path[-1]]
    maker: Any = allow.maker(module, path[-1])
    method = found.get("method")
    # A list names what to try in turn, and None is the class itself.
    if method is not None and not (isinstance(method, list) and method[:1] == [None]):
        if maker is not datetime or method != "fromisoformat":
            raise BlockedTypeError(f"{name}.{method}", " as a method to call")
        maker = datetime.fromisoformat
    try:
        return maker(*(found.get("args") or ()), **(found.get("kwargs") or {}))
    except SerdeError:
        raise
    except Exception as error:
        raise CorruptValueError(f"Stored {name!r} can't be made from what the row holds: {error!r}.") from error


__all__ = ("revive",)
