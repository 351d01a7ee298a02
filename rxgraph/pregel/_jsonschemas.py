"""What a graph takes and gives, as types, pydantic models and JSON schemas.

Pydantic is imported when a model or a schema is asked for.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from rxgraph.config import RunnableConfig
from rxgraph.warnings import LangGraphDeprecationWarning

from ._plan import Plan

if TYPE_CHECKING:
    from pydantic import BaseModel


class Shape(NamedTuple):
    """What goes into a graph, or comes out.

    Args:
        type: Of the whole; ``None`` for a dict.
        fields: Types of the dict's keys.
        declared: The user's class, whose JSON schema is shown.
        optional: Whether the JSON schema says that ``None`` stands for no value.
    """

    type: Any = None
    fields: Mapping[str, Any] | None = None
    declared: Any = None
    optional: bool = False


class JsonSchemas:
    """The part of a graph that says what it takes and gives."""

    _plan: Plan
    context_schema: Any
    name: str

    def _title(self, what: str) -> str:
        return f"{self.name}{what}" if self.name[:1].isupper() else f"{self.name}_{what.lower()}"

    def _input_shape(self) -> Shape:
        keys, channels = self._plan.input_channels, self._plan.channels
        if isinstance(keys, str):
            return Shape(channels[keys].UpdateType)
        return Shape(fields={key: channels[key].UpdateType for key in keys})

    def _output_shape(self) -> Shape:
        keys, channels = self._plan.output_channels, self._plan.channels
        if isinstance(keys, str):
            return Shape(channels[keys].ValueType)
        return Shape(fields={key: channels[key].ValueType for key in keys})

    @property
    def InputType(self) -> Any:
        """Type of the input; ``None`` for a dict of channels."""
        return self._input_shape().type

    @property
    def OutputType(self) -> Any:
        """Type of the output; ``None`` for a dict of channels."""
        return self._output_shape().type

    @property
    def input_schema(self) -> type[BaseModel]:
        """The pydantic model of :meth:`get_input_schema`."""
        return self.get_input_schema()

    @property
    def output_schema(self) -> type[BaseModel]:
        """The pydantic model of :meth:`get_output_schema`."""
        return self.get_output_schema()

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a pydantic model of the input; *config* changes nothing."""
        return _model(self._title("Input"), self._input_shape())

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a pydantic model of the output; *config* changes nothing."""
        return _model(self._title("Output"), self._output_shape())

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """Return the JSON schema of the input.

        Raises:
            pydantic.errors.PydanticUserError: A type has none.
        """
        return _json_schema(self._title("Input"), self._input_shape())

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """Return the JSON schema of the output; see :meth:`get_input_jsonschema`."""
        return _json_schema(self._title("Output"), self._output_shape())

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """Return the JSON schema of ``context_schema``; ``None`` without one."""
        return None if self.context_schema is None else _declared(self.context_schema)

    def config_schema(self, *, include: Sequence[str] | None = None) -> type[BaseModel]:
        """Return a pydantic model of the configuration; deprecated, use :meth:`get_context_jsonschema`."""
        _retired("config_schema")
        return self._config_model(include)

    def get_config_jsonschema(self, *, include: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the JSON schema of the configuration; deprecated, use :meth:`get_context_jsonschema`."""
        _retired("get_config_jsonschema")
        return self._config_model(include).model_json_schema()

    def _config_model(self, include: Sequence[str] | None) -> type[BaseModel]:
        hints = get_type_hints(RunnableConfig)
        fields = {} if self.context_schema is None else {"configurable": self.context_schema}
        fields |= {name: hints[name] for name in include or () if name in hints and name != "configurable"}
        return _model(self._title("Config"), Shape(fields=fields))


def _retired(name: str) -> None:
    warnings.warn(
        f"graph.{name}() is deprecated, use graph.get_context_jsonschema().", LangGraphDeprecationWarning, stacklevel=3
    )


def _model(name: str, shape: Shape) -> type[BaseModel]:
    from pydantic import BaseModel, ConfigDict, RootModel, create_model

    whole = shape.type
    if isinstance(whole, type) and issubclass(whole, BaseModel):
        return whole
    if whole is not None:
        content: Any = RootModel.__class_getitem__(whole)
        return type(name, (content,), {"__module__": __name__, "__doc__": None})
    fields: dict[str, Any] = {key: (hint, None) for key, hint in (shape.fields or {}).items()}
    return create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)


def _json_schema(name: str, shape: Shape) -> dict[str, Any]:
    declared = shape.declared
    if declared is None:
        schema = _model(name, shape).model_json_schema()
        return {"default": None, **schema} if shape.optional else schema
    if dataclasses.is_dataclass(declared):
        return _of_dataclass(name, declared).model_json_schema()
    return _declared(declared)


def _of_dataclass(name: str, declared: Any) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    hints = get_type_hints(declared, include_extras=True)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(declared):
        default: Any = ...
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        fields[field.name] = (hints[field.name], default)
    return create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)


def _declared(declared: Any) -> dict[str, Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(declared).json_schema()


__all__ = ("JsonSchemas", "Shape")
