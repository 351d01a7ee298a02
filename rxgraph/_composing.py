"""A compiled graph where LangChain expects a Runnable.

A compiled graph does not inherit from ``Runnable``: importing that class takes longer than importing this library. It
is registered as one instead (a virtual subclass) once the program has imported langchain-core, and it borrows the
methods that it does not have itself. They are plain functions over ``invoke``, ``stream`` and their async twins, which
a graph has.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

HOME: Final = "langchain_core.runnables.base"

BORROWED: Final = frozenset(
    """
    abatch_as_completed as_tool assign atransform batch_as_completed bind config_schema config_specs
    get_config_jsonschema get_graph get_input_jsonschema get_input_schema get_output_jsonschema get_output_schema
    get_prompts input_schema map output_schema pick pipe transform with_alisteners with_fallbacks with_listeners
    with_retry with_types
    """.split()
)
"""What a Runnable has and a graph may not have itself; its events are not among them, since a graph has its own."""


class Composable:
    """The operators and methods of a Runnable, borrowed from langchain-core when they are used.

    ``graph | parser``, ``prompt | graph`` and ``{"answer": graph} | format`` are sequences of LangChain; so are
    ``pipe``, ``assign`` and ``pick``. ``bind``, ``map``, ``with_retry``, ``with_fallbacks``, ``with_listeners`` and
    ``as_tool`` wrap the graph.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        # Real annotations would make a graph look like an instance of a state class.
        name: str
        bind: Callable[..., Runnable[Any, Any]]
        pipe: Callable[..., Runnable[Any, Any]]
        map: Callable[..., Runnable[Any, Any]]
        pick: Callable[..., Runnable[Any, Any]]
        assign: Callable[..., Runnable[Any, Any]]
        with_retry: Callable[..., Runnable[Any, Any]]
        with_fallbacks: Callable[..., Runnable[Any, Any]]
        with_listeners: Callable[..., Runnable[Any, Any]]
        with_alisteners: Callable[..., Runnable[Any, Any]]
        with_types: Callable[..., Runnable[Any, Any]]
        as_tool: Callable[..., Any]
        transform: Callable[..., Any]
        atransform: Callable[..., Any]
        batch_as_completed: Callable[..., Any]
        abatch_as_completed: Callable[..., Any]
    else:

        def __getattr__(self, name: str) -> Any:
            if name not in BORROWED:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            try:
                found = getattr(runnable_class(f"{type(self).__name__}.{name}"), name)
            except ImportError as error:
                # hasattr() has to get an answer.
                raise AttributeError(str(error), name=name, obj=self) from error
            return found.__get__(self, type(self))

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # Whoever composes graphs with Runnables has mostly imported them before the first graph is compiled.
        loaded_runnable()
        return super().__new__(cls)

    def __or__(self, other: Any) -> Runnable[Any, Any]:
        return cast("Runnable[Any, Any]", runnable_class(f"{self.name!r} | ...").__or__(self, other))

    def __ror__(self, other: Any) -> Runnable[Any, Any]:
        return cast("Runnable[Any, Any]", runnable_class(f"... | {self.name!r}").__ror__(self, other))

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the graph's name, or *name*; with a suffix, as LangChain puts the two together."""
        if suffix:
            return str(runnable_class("get_name()").get_name(self, suffix, name=name))
        return name or self.name

    @property
    def InputType(self) -> Any:
        """What an input is annotated with."""
        return getattr(getattr(self, "builder", None), "input_schema", Any)

    @property
    def OutputType(self) -> Any:
        """What an output is annotated with."""
        return getattr(getattr(self, "builder", None), "output_schema", Any)


def loaded_runnable() -> Any:
    """Return LangChain's ``Runnable``, which every graph counts as from now on; ``None`` if nobody has imported it."""
    # A module that is just being imported has no such class yet.
    runnable = getattr(sys.modules.get(HOME), "Runnable", None)
    if runnable is not None and not issubclass(Composable, runnable):
        runnable.register(Composable)
    return runnable


def runnable_class(wanted: str) -> Any:
    """Import LangChain's ``Runnable``.

    Args:
        wanted: What needs it, for the error.

    Raises:
        ImportError: langchain-core is not installed.
    """
    if importlib.util.find_spec("langchain_core") is None:
        raise ImportError(
            f"{wanted} is made by langchain-core, which is not installed: install it with the extra 'langchain' of "
            "rxgraph-runtime."
        )
    importlib.import_module(HOME)
    return loaded_runnable()


__all__ = ("Composable", "loaded_runnable", "runnable_class")
