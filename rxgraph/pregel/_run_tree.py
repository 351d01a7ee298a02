"""The run tree of LangChain: callbacks hear of graphs and nodes as of chains.

A graph is a chain run, each attempt to run a node is a child of it, and what the node calls is a child of that: through
the configuration that the node is given, or through the context that it runs in. LangChain is imported when
a configuration has callbacks, and not before.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from itertools import count
from typing import Any, Final
from uuid import UUID, uuid4

from rxgraph.constants import CONF

from ._body import Body
from ._calls import CallTask
from ._effects import Notice
from ._task import Task
from ._tracing import Span, Tracer

NAMELESS: Final = "RunnableCallable"
"""What a path without a name is called in a run tree."""


LISTENERS: Final = "rxgraph.callbacks"
"""The module of handlers that hear of stops; it loads LangChain, so only they import it."""


def run_tree(name: str, config: Mapping[str, Any]) -> Tracer | None:
    """Return what tells the callbacks of a run; ``None`` if nobody listens who knows LangChain."""
    given = config.get("callbacks")
    if given is None:
        # The graph may have been called by a Runnable, which has handlers.
        module = sys.modules.get("langchain_core.runnables.config")
        around = None if module is None else module.var_child_runnable_config.get()
        given = (around or {}).get("callbacks")
    # Whoever has made a handler has imported LangChain.
    if not given or "langchain_core" not in sys.modules:
        return None
    from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager

    if not isinstance(given, BaseCallbackManager):
        given = [one for one in given if isinstance(one, BaseCallbackHandler)]
    return RunTree(name, config, given) if given else None


class _Chain(Span):
    """One run of a chain.

    Args:
        callbacks: Handlers, or the manager of the run around it.
        config: Its tags and metadata.
        name: Shown to handlers.
        run_id: Its id; by default a new one.
    """

    def __init__(self, callbacks: Any, config: Mapping[str, Any], name: str, run_id: Any = None) -> None:
        self._callbacks, self._config, self._name, self._run_id = callbacks, config, name, run_id
        self.manager: Any = None
        """LangChain's manager of the run, once it has begun."""

    def _configured(self, kind: Any) -> Any:
        config = self._config
        return kind.configure(
            inheritable_callbacks=self._callbacks,
            inheritable_tags=config.get("tags"),
            inheritable_metadata=config.get("metadata"),
        )

    def begin(self, input: Any) -> None:
        from langchain_core.callbacks import CallbackManager

        manager = self._configured(CallbackManager)
        self.manager = manager.on_chain_start(None, input, name=self._name, run_id=self._run_id)

    def end(self, output: Any) -> None:
        self.manager.on_chain_end(output)

    def fail(self, error: BaseException) -> None:
        self.manager.on_chain_error(error)

    async def abegin(self, input: Any) -> None:
        from langchain_core.callbacks import AsyncCallbackManager

        manager = self._configured(AsyncCallbackManager)
        self.manager = await manager.on_chain_start(None, input, name=self._name, run_id=self._run_id)

    async def aend(self, output: Any) -> None:
        await self.manager.on_chain_end(output)

    async def afail(self, error: BaseException) -> None:
        await self.manager.on_chain_error(error)


class RunTree(_Chain, Tracer):
    """The run of a graph, as a chain."""

    def __init__(self, name: str, config: Mapping[str, Any], callbacks: Any) -> None:
        run_id = config.get("run_id")
        super().__init__(
            callbacks,
            {**config, "metadata": _with_thread(config)},
            config.get("run_name") or name,
            UUID(run_id) if isinstance(run_id, str) else run_id,
        )

    def notice(self, notice: Notice) -> None:
        if (told := self._listeners(sys.modules.get(LISTENERS), "GraphCallbacks")) is not None:
            (told.on_interrupt if notice.kind == "interrupt" else told.on_resume)(self._event(notice))

    async def anotice(self, notice: Notice) -> None:
        if (told := self._listeners(sys.modules.get(LISTENERS), "AsyncGraphCallbacks")) is not None:
            await (told.on_interrupt if notice.kind == "interrupt" else told.on_resume)(self._event(notice))

    def _listeners(self, module: Any, kind: str) -> Any:
        """Return what tells those handlers that hear of stops, if there are any: they have imported the module."""
        told = None if module is None else getattr(module, kind)(self.manager.handlers, self.manager.run_id)
        return told if told is not None and told.handlers else None

    def _event(self, notice: Notice) -> Any:
        module: Any = sys.modules[LISTENERS]
        place = (self.manager.run_id, notice.status, notice.checkpoint_id, notice.namespace)
        if notice.kind == "interrupt":
            return module.GraphInterruptEvent(*place, notice.interrupts)
        return module.GraphResumeEvent(*place)

    def attempt(self, task: Task) -> Span:
        if isinstance(task, CallTask):
            return _NodeRun(task, task.above.config["callbacks"])
        return _NodeRun(task, self.manager.get_child(f"graph:step:{task.step}"))


class _NodeRun(_Chain):
    """An attempt to run a node, as a chain inside that of its graph."""

    def __init__(self, task: Task, callbacks: Any) -> None:
        hidden = ["langsmith:hidden"] if task.node.hidden else []
        config = task.config
        shown = {**config, "tags": [*config.get("tags", ()), *hidden]}
        super().__init__(callbacks, shown, task.name)
        self._task = task
        policy = task.node.trace_policy
        self._inputs = None if policy is None else policy.process_inputs
        self._outputs = None if policy is None else policy.process_outputs
        # LangGraph counts what a node is, what it writes, and its paths; a start node is nothing.
        self._places = count(2 if task.node.hidden else 3)

    def begin(self, input: Any) -> None:
        from langchain_core.callbacks import CallbackManager

        for manager, shown in self._shares(self._configured(CallbackManager), _shown_input(self._task), self._inputs):
            self.manager = manager.on_chain_start(None, shown, name=self._name, run_id=self._run_id)
        self._enter()

    async def abegin(self, input: Any) -> None:
        from langchain_core.callbacks import AsyncCallbackManager

        manager, shown = self._configured(AsyncCallbackManager), _shown_input(self._task)
        for one, value in self._shares(manager, shown, self._inputs):
            self.manager = await one.on_chain_start(None, value, name=self._name, run_id=self._run_id)
        self._enter()

    def end(self, output: Any) -> None:
        for manager, shown in self._shares(self.manager, output, self._outputs):
            manager.on_chain_end(shown)

    async def aend(self, output: Any) -> None:
        for manager, shown in self._shares(self.manager, output, self._outputs):
            await manager.on_chain_end(shown)

    def _shares(self, manager: Any, value: Any, process: Callable[[Any], Any] | None) -> Iterator[tuple[Any, Any]]:
        """Yield who is told what: tracers what the policy of the node leaves of a value, other handlers the value."""
        tracers = [] if process is None else [one for one in manager.handlers if _records(one)]
        if not tracers or process is None:
            yield manager, value
            return
        share = copy(manager)
        share.handlers = [one for one in manager.handlers if one not in tracers]
        if self._run_id is None:
            # Both shares have to tell of one and the same run.
            self._run_id = uuid4()
        yield share, value
        share = copy(manager)
        share.handlers = tracers
        yield share, _processed(process, value)
        self.manager.handlers = manager.handlers

    def _enter(self) -> None:
        """Make what the node calls a child: with the configuration that it passes on, or without any."""
        from langchain_core.runnables.config import var_child_runnable_config

        config = self._task.config
        config["callbacks"] = self.manager.get_child("seq:step:1")
        var_child_runnable_config.set({key: value for key, value in config.items() if key != "run_id"})  # type: ignore[arg-type]

    def _path(self, body: Body) -> _Chain | None:
        child = self.manager.get_child(f"seq:step:{next(self._places)}")
        if body.sync is not None and body.asynchronous is not None:
            # Only a Runnable has both faces, and it tells of itself.
            self._task.config["callbacks"] = child
            return None
        return _Chain(child, {}, NAMELESS if body.name == "<lambda>" else body.name)

    def route(self, body: Body, view: Any, task: Task) -> Any:
        chain = self._path(body)
        if chain is None:
            return super().route(body, view, task)
        chain.begin(view)
        try:
            answer = super().route(body, view, task)
        except BaseException as error:
            chain.fail(error)
            raise
        chain.end(answer)
        return answer

    async def aroute(self, body: Body, view: Any, task: Task) -> Any:
        chain = self._path(body)
        if chain is None:
            return await super().aroute(body, view, task)
        await chain.abegin(view)
        try:
            answer = await super().aroute(body, view, task)
        except GeneratorExit:
            raise
        except BaseException as error:
            await chain.afail(error)
            raise
        await chain.aend(answer)
        return answer


def _records(handler: Any) -> bool:
    """Whether a handler keeps what it hears, as LangChain's tracers do; those that stream events only pass it on."""
    from langchain_core.tracers.base import AsyncBaseTracer, BaseTracer

    return isinstance(handler, BaseTracer | AsyncBaseTracer) and not hasattr(handler, "tap_output_aiter")


def _processed(process: Callable[[Any], Any], value: Any) -> Any:
    try:
        return process(value)
    except Exception as error:
        # Tracing never changes how a run goes.
        logger = logging.getLogger("rxgraph.pregel")
        logger.error("A function of a TracePolicy failed, so the value was shown as it is: %r", error, exc_info=error)
        return value


def _with_thread(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a run, and the thread that it belongs to."""
    thread = config.get(CONF, {}).get("thread_id")
    return {**({} if thread is None else {"thread_id": thread}), **config.get("metadata", {})}


def _shown_input(task: Task) -> Any:
    """Return what a node is given; the arguments of a call by their names."""
    if not isinstance(task, CallTask):
        return task.input
    face: Any = task.node.body.sync or task.node.body.asynchronous
    args, kwargs = task.input
    try:
        return dict(inspect.signature(face.args[0]).bind_partial(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        # The call itself will say that the arguments don't fit; some builtins have no signature.
        return {"args": args, **kwargs}


__all__ = ("RunTree", "run_tree")
