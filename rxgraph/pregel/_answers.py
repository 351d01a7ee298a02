"""What an answer to a question has to look like, where the question says so with a type.

pydantic is imported when the first question does.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from rxgraph.errors import mark_invalid_resume


def shown_schema(schema: Any) -> dict[str, Any] | None:
    """Return the JSON schema that is shown with a question; a dict is one, and nothing is checked against it.

    Raises:
        ImportError: *schema* is a type, and pydantic is not installed.
    """
    if schema is None or isinstance(schema, dict):
        return schema
    shown: dict[str, Any] = _adapter(schema).json_schema()
    return shown


def checked(schema: Any, answer: Any) -> Any:
    """Return an answer as the type that its question asked for.

    Raises:
        pydantic.ValidationError: It is none; ``rxgraph.errors.is_invalid_resume`` knows the error.
    """
    if schema is None or isinstance(schema, dict):
        return answer
    try:
        return _adapter(schema).validate_python(answer)
    except ValueError as error:
        mark_invalid_resume(error)
        raise


@lru_cache(maxsize=256)
def _adapter(schema: Any) -> Any:
    try:
        pydantic = import_module("pydantic")
    except ImportError as error:
        raise ImportError(
            f"interrupt(response_schema={schema!r}) needs pydantic to check answers: install it, or pass a JSON schema "
            "as a dict, which is only shown."
        ) from error
    return pydantic.TypeAdapter(schema)


__all__ = ("checked", "shown_schema")
