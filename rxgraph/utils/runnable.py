"""Old place of ``RunnableCallable``: a function as a Runnable of LangChain, with what a running node may ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import iscoroutinefunction, signature
from typing import Any, TypeAlias, cast

from rxgraph._config import merge_configs
from rxgraph._context import CURRENT
from rxgraph.pregel._body import callable_name, injected

try:
    from langchain_core.runnables import Runnable, RunnableConfig
except ImportError as error:
    raise ImportError(
        "rxgraph.utils.runnable needs langchain-core, which is not installed: install it with the extra 'langchain' "
        "of rxgraph-runtime."
    ) from error

RunnableLike: TypeAlias = Runnable[Any, Any] | Callable[..., Any] | Mapping[str, Any]
"""What can be a node."""


class RunnableCallable(Runnable[Any, Any]):
    """A function, or two of them, as a Runnable.

    Parameters ``config``, ``writer``, ``store``, ``runtime`` and ``previous`` of the functions are filled in.

    Args:
        func: Called by ``invoke``; by ``ainvoke``, too, where there is no *afunc*.
        afunc: Awaited by ``ainvoke``.
        name: Shown to tracers; by default the function's.
        tags: Shown to tracers.
        trace: Tell tracers of each call.
        recurse: Invoke a Runnable that the function returns, with the same input.
        explode_args: The input is ``(args, kwargs)`` of the function.
        kwargs: Further arguments of the function.

    Raises:
        TypeError: *func* can't be called.
        ValueError: There is no function at all.
    """

    def __init__(
        self,
        func: Callable[..., Any] | None,
        afunc: Callable[..., Awaitable[Any]] | None = None,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        trace: bool = True,
        recurse: bool = True,
        explode_args: bool = False,
        **kwargs: Any,
    ) -> None:
        for one in (func, afunc):
            if one is not None and not callable(one):
                raise TypeError(f"RunnableCallable() needs a function, got {type(one).__name__}: {one!r}.")
        if func is None and afunc is None:
            raise ValueError("RunnableCallable() needs a function, got none. Pass func, afunc, or both.")
        if afunc is None and iscoroutinefunction(func):
            func, afunc = None, func
        named = callable_name(func or afunc)
        self.name = name or (None if named == "<lambda>" else named)
        self.func, self.afunc, self.tags = func, afunc, tags
        self.trace, self.recurse, self.explode_args, self.kwargs = trace, recurse, explode_args, kwargs

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Call the function.

        Raises:
            TypeError: There is only an async one.
        """
        if self.func is None:
            raise TypeError(f"{self!r} has no sync function. Use: await ainvoke(...).")
        if not self.trace:
            return self._call(input, config or {}, **kwargs)
        return self._call_with_config(cast(Any, self._call), input, self._tagged(config), **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Await the async function, or call the other one."""
        if not self.trace:
            return await self._acall(input, config or {}, **kwargs)
        return await self._acall_with_config(cast(Any, self._acall), input, self._tagged(config), **kwargs)

    def _tagged(self, config: RunnableConfig | None) -> Any:
        return merge_configs(config, {"tags": self.tags}) if self.tags else config

    def _call(self, input: Any, config: RunnableConfig, **kwargs: Any) -> Any:
        output = self._called(self.func, input, config, kwargs)
        return output.invoke(input, config) if self._goes_on(output) else output

    async def _acall(self, input: Any, config: RunnableConfig, **kwargs: Any) -> Any:
        output = self._called(self.afunc or self.func, input, config, kwargs)
        output = await output if self.afunc is not None else output
        return await output.ainvoke(input, config) if self._goes_on(output) else output

    def _called(self, fn: Any, input: Any, config: RunnableConfig, given: Mapping[str, Any]) -> Any:
        args, more = input if self.explode_args else ((input,), {})
        named = {**self.kwargs, **more, **given}
        task = CURRENT.get()
        if task is not None:
            named = {**injected(fn, named, task), **named}
        if "config" in signature(fn).parameters and "config" not in given:
            # That of this very call: what the function calls belongs to it.
            named["config"] = config
        return fn(*args, **named)

    def _goes_on(self, output: Any) -> bool:
        return self.recurse and isinstance(output, Runnable)

    def __repr__(self) -> str:
        return f"<RunnableCallable {self.name!r}>"


__all__ = ("RunnableCallable", "RunnableLike")
