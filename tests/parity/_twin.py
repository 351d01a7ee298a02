"""The same program on LangGraph and on rxgraph, everything observable side by side.

A program is a function of one argument, the namespace of a runtime::

    def fan_out(lg):
        graph = lg.StateGraph(State).add_node(...)
        return lg.run(graph.compile(), {"log": []})

It returns a run (or a list of runs, or of calls); if its nodes count, it is called anew for every observation. Each run
is observed by ``invoke`` and in every stream mode, alone and together, ``v1`` and ``v2``, in three lanes:

* ``sync``: ``invoke`` and ``stream``;
* ``async``: ``ainvoke`` and ``astream``, plain functions turned into coroutine functions by the namespace;
* ``threads``: ``ainvoke`` and ``astream``, plain functions as they are.

What cannot be the same is taken out: ids become ``<id 1>``, ``<id 2>``, ... in order of appearance, times become
``<time>``, an error becomes the name of the first of its classes that both runtimes know. Results of several tasks of
one superstep come in order of completion, so they are put into a fixed order. If one of several tasks fails, what its
siblings still show is a matter of timing: results of that superstep are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import difflib
import functools
import importlib
import inspect
import io
import re
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import langgraph.errors

import rxgraph.errors
from tests.parity._differences import DIFFERENCES

Program = Callable[[Any], Any]

LANES = ("sync", "async", "threads")
MODES = ("values", "updates", "custom", "tasks", "debug")


# --- the two namespaces


@dataclasses.dataclass(frozen=True)
class Run:
    """A graph with an input, to be observed in every way."""

    graph: Any
    input: Any
    config: Any = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Call:
    """Something to be called once; what it returns, or awaits to, is the observation."""

    fn: Callable[[], Any]


@functools.cache
def runtime(name: str, lane: str = "sync") -> Any:
    """The namespace of ``langgraph`` or ``rxgraph`` for programs in *lane*."""
    part = functools.partial(_part, name)
    graph, types, runtime_, config = part("graph"), part("types"), part("runtime"), part("config")
    runnable_config = importlib.import_module("langchain_core.runnables" if name == "langgraph" else "rxgraph.config")
    is_sync = lane == "sync"

    def invoke(graph: Any, *args: Any, **options: Any) -> Any:
        return graph.invoke(*args, **options) if is_sync else graph.ainvoke(*args, **options)

    def stream(graph: Any, *args: Any, **options: Any) -> Any:
        return list(graph.stream(*args, **options)) if is_sync else _collect(graph.astream(*args, **options))

    def batch(graph: Any, *args: Any, **options: Any) -> Any:
        return graph.batch(*args, **options) if is_sync else graph.abatch(*args, **options)

    def run(graph: Any, input: Any, config: Any = None, **options: Any) -> Run:
        return Run(graph, input, config, options)

    return SimpleNamespace(
        name=name,
        lane=lane,
        run=run,
        call=Call,
        invoke=invoke,
        stream=stream,
        batch=batch,
        StateGraph=_coloured(graph.StateGraph) if lane == "async" else graph.StateGraph,
        START=graph.START,
        END=graph.END,
        Send=types.Send,
        Command=types.Command,
        Overwrite=types.Overwrite,
        StreamWriter=types.StreamWriter,
        GraphOutput=types.GraphOutput,
        Runtime=runtime_.Runtime,
        RunControl=runtime_.RunControl,
        get_runtime=runtime_.get_runtime,
        RunnableConfig=runnable_config.RunnableConfig,
        get_config=config.get_config,
        get_store=config.get_store,
        get_stream_writer=config.get_stream_writer,
        managed=part("managed"),
        channels=part("channels"),
        errors=part("errors"),
    )


def _part(name: str, module: str) -> Any:
    return importlib.import_module(f"{name}.{module}")


def _coloured(base: type) -> type:
    """A ``StateGraph`` whose plain nodes become coroutine functions and async generators."""

    class Coloured(base):  # type: ignore[misc, valid-type]
        def add_node(self, node: Any, action: Any = None, **options: Any) -> Any:
            if isinstance(action, dict):
                action = {key: colour(fn) for key, fn in action.items()}
            return super().add_node(colour(node), colour(action), **options)

    return Coloured


def colour(fn: Any) -> Any:
    """A plain function as a coroutine function; anything else as it is."""
    if not inspect.isfunction(fn) or inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        return fn
    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        async def items(*args: Any, **kwargs: Any) -> Any:
            for item in fn(*args, **kwargs):
                yield item

        return items

    @functools.wraps(fn)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return call


async def _collect(items: Any) -> list[Any]:
    return [item async for item in items]


# --- observing


@dataclasses.dataclass(frozen=True)
class Trace:
    """What one observation shows.

    Args:
        outcome: ``("returned", value)`` or ``("raised", error)``.
        events: Of a stream, in an order that does not depend on timing.
        printed: What was printed meanwhile.
        warned: Names of the warnings.
        lines: All of this but the warnings as text, with ids numbered.
    """

    outcome: Any
    events: tuple[Any, ...] = ()
    printed: str = ""
    warned: frozenset[str] = frozenset()
    lines: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to look at a run.

    Args:
        act: Runs it in the lane of a namespace, hands on each event, and returns (or awaits to) the result.
        shows: ``"all"`` modes, one of them, or ``""`` for none.
    """

    act: Callable[[Any, Run, Callable[[Any], None]], Any]
    shows: str = ""


def _invoking(**more: Any) -> Way:
    return Way(lambda lg, run, emit: lg.invoke(run.graph, run.input, run.config, **{**run.options, **more}))


def _listing(shows: str, **more: Any) -> Way:
    def act(lg: Any, run: Run, emit: Callable[[Any], None]) -> Any:
        result = lg.invoke(run.graph, run.input, run.config, **{**run.options, **more})
        if lg.lane == "sync":
            return [emit(item) for item in result]

        async def collect() -> list[None]:
            return [emit(item) for item in await result]

        return collect()

    return Way(act, shows)


def _streaming(shows: str, modes: Any, **more: Any) -> Way:
    def act(lg: Any, run: Run, emit: Callable[[Any], None]) -> Any:
        options = {**run.options, **more}
        if modes is not None:
            options["stream_mode"] = modes
        if lg.lane == "sync":
            for item in run.graph.stream(run.input, run.config, **options):
                emit(item)
            return None

        async def collect() -> None:
            async for item in run.graph.astream(run.input, run.config, **options):
                emit(item)

        return collect()

    return Way(act, shows)


ALL = "stream all"

WAYS: dict[str, Way] = {
    # First, because the others are read with the supersteps that this one shows.
    ALL: _streaming("all", list(MODES)),
    "stream all v2": _streaming("all", list(MODES), version="v2"),
    "invoke": _invoking(),
    "invoke v2": _invoking(version="v2"),
    "stream": _streaming("updates", None),
    **{f"stream {mode}": _streaming(mode, mode) for mode in MODES},
    **{f"stream {mode} v2": _streaming(mode, mode, version="v2") for mode in MODES},
    "stream [updates]": _streaming("updates", ["updates"]),
    "invoke updates": _listing("updates", stream_mode="updates"),
    "invoke [values, tasks] v2": _listing("all", stream_mode=["values", "tasks"], version="v2"),
}


def observe(
    program: Program, name: str, lane: str, ways: Iterable[str] = tuple(WAYS), counts: bool = True
) -> dict[str, Trace]:
    """Every trace of a program on one runtime in one lane, in a form that can be compared.

    Args:
        counts: Whether nodes keep something between runs, so that each observation needs a program of its own.
    """
    lg = runtime(name, lane)
    traces: dict[str, Trace] = {}
    with asyncio.Runner() as runner:

        def record(label: str, way: str, act: Callable[[Any, list[Any]], Any], steps: list[dict[str, int]]) -> None:
            trace, raw = _record(runner, lg, act)
            if way == ALL:
                steps[:] = _count([_parted(event) for event in raw])
            shows = WAYS[way].shows if way else ""
            ids = Ids()
            events = _in_fixed_order(shows, trace, raw, steps, ids)
            shown = [*map(repr, events), *trace.printed.splitlines(), f"outcome: {trace.outcome!r}"]
            lines = tuple(ids(line) for line in shown)
            traces[label] = dataclasses.replace(trace, events=tuple(events), lines=lines)

        items: list[Any] = []
        record("build", "", lambda lg, events: items.extend(_items(program(lg))), [])
        for number, item in enumerate(items):
            if isinstance(item, Call):
                record(f"call {number}", "", lambda lg, events, item=item: item.fn(), [])
                continue
            steps: list[dict[str, int]] = []
            for way in (ALL, *(way for way in ways if way != ALL)):

                def act(lg: Any, events: list[Any], number: int = number, way: str = way) -> Any:
                    run = _items(program(lg))[number] if counts else items[number]
                    return WAYS[way].act(lg, run, events.append)

                record(f"run {number}: {way}", way, act, steps)
    return traces


def _items(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _record(runner: asyncio.Runner, lg: Any, act: Callable[[Any, list[Any]], Any]) -> tuple[Trace, list[Any]]:
    tidy = Tidy()
    events: list[Any] = []

    class Events(list[Any]):
        def append(self, item: Any) -> None:
            # At once: what an event holds may still change.
            events.append(tidy(item))

    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            result = act(lg, Events())
            if isinstance(result, Awaitable):
                result = runner.run(_awaited(result))
            outcome = ("returned", tidy(result))
        except Exception as error:
            outcome = ("raised", tidy(error))
    warned = frozenset(one.category.__name__ for one in caught if _counts(one))
    return Trace(outcome, (), printed.getvalue(), warned), events


def _counts(warning: warnings.WarningMessage) -> bool:
    # A coroutine that is collected late warns in whatever is being observed at that time.
    return "was never awaited" not in str(warning.message)


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


# --- what cannot be the same

_LIBRARIES = ("langgraph", "langchain_core", "rxgraph")


class Ids:
    """Numbers ids in order of appearance."""

    _ID: ClassVar[re.Pattern[str]] = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The text with its ids numbered, new ones as they come."""
        return self._ID.sub(lambda match: self._numbers.setdefault(match[0], f"<id {len(self._numbers) + 1}>"), text)

    def key(self, event: Any) -> str:
        """By what to sort events: those that differ in ids only which are not known yet are alike."""
        return self._ID.sub(lambda match: self._numbers.get(match[0], "<id>"), repr(event))


class Tidy:
    """Makes plain comparable values out of whatever a run shows."""

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if kind in (str, int, float, bool, type(None), bytes):
            return value
        if kind is dict:
            if value.keys() >= {"assistant_id", "graph_id"}:
                # LangGraph takes these two out of a set, so their order is that of chance.
                value = dict(value)
                value |= {key: value.pop(key) for key in ("assistant_id", "graph_id")}
            return {self(key): self._time(item) if key == "timestamp" else self(item) for key, item in value.items()}
        if kind in (list, tuple):
            return kind(self(item) for item in value)
        if kind in (set, frozenset):
            return (kind.__name__, sorted((self(item) for item in value), key=repr))
        if isinstance(value, BaseException):
            return self._error(value)
        name = f"<{kind.__name__}>"
        if dataclasses.is_dataclass(value):
            fields = [field.name for field in dataclasses.fields(value)]
        elif hasattr(kind, "model_fields"):
            fields = list(kind.model_fields)
        elif kind.__module__.split(".")[0] in _LIBRARIES:
            fields = [one for one in getattr(kind, "__slots__", ()) if not one.startswith("_")]
        else:
            return (name, self(vars(value))) if hasattr(value, "__dict__") and not callable(value) else name
        # `type` of an Overwrite is a constant that only LangGraph shows.
        shown = {one: self(getattr(value, one)) for one in fields if hasattr(value, one) and one != "type"}
        return (name, shown)

    def _time(self, value: Any) -> Any:
        if isinstance(value, str):
            assert datetime.fromisoformat(value).utcoffset() == timedelta(0)
            return "<time>"
        return self(value)

    def _error(self, error: BaseException) -> Any:
        cls = next(cls for cls in type(error).__mro__ if _both_know(cls))
        mine = cls.__module__.startswith("tests.")
        return ("<error>", cls.__name__, *map(self, error.args)) if mine else ("<error>", cls.__name__)


def _both_know(cls: type) -> bool:
    if cls.__module__.split(".")[0] not in _LIBRARIES:
        return True
    return hasattr(langgraph.errors, cls.__name__) and hasattr(rxgraph.errors, cls.__name__)


# --- order


def _in_fixed_order(shows: str, trace: Trace, raw: list[Any], steps: list[dict[str, int]], ids: Ids) -> list[Any]:
    """The events of a trace, those of one superstep sorted where order of completion shows.

    Args:
        shows: As in :class:`Way`.
        steps: How many events of each kind each superstep has, in the trace of all modes.
        ids: Learns ids in the fixed order.
    """
    if shows == "all":
        return _sorted_by_starts([_parted(event) for event in raw], _unfinished(trace), ids)
    if shows in ("updates", "custom"):
        return _sorted_by_count(raw, shows, steps, _unfinished(trace), ids)
    if shows in ("tasks", "debug"):
        return _sorted_by_starts([(shows, event) for event in raw], _unfinished(trace), ids)
    return raw


def _unfinished(trace: Trace) -> bool:
    return trace.outcome[0] == "raised" and trace.outcome[1][1] != "GraphRecursionError"


def _parted(event: Any) -> tuple[str, Any]:
    return (event["type"], event) if isinstance(event, dict) else event


def _kind(mode: str, payload: Any) -> str:
    data = payload["data"] if isinstance(payload, dict) and "ns" in payload and "data" in payload else payload
    if mode == "debug":
        return "debug start" if data["type"] == "task" else "debug result"
    if mode == "tasks":
        return "start" if "triggers" in data else "result"
    return mode


def _count(events: Sequence[tuple[str, Any]]) -> list[dict[str, int]]:
    steps: list[dict[str, int]] = []
    before = ""
    for mode, payload in events:
        kind = _kind(mode, payload)
        if kind == "start":
            if before not in ("start", "debug start"):
                steps.append({"width": 0})
            steps[-1]["width"] += 1
        elif steps and kind in ("updates", "custom"):
            steps[-1][kind] = steps[-1].get(kind, 0) + 1
        before = kind
    return steps


def _sorted_by_starts(events: Sequence[tuple[str, Any]], unfinished: bool, ids: Ids) -> list[Any]:
    # One start for each task: `debug` repeats those of `tasks`.
    counted = "start" if any(mode == "tasks" for mode, _ in events) else "debug start"
    result: list[Any] = []
    during: list[Any] = []
    width = 0
    for event in events:
        kind = _kind(*event)
        if kind in ("start", "debug start", "values"):
            if during:
                result += sorted(during, key=ids.key) if width > 1 else during
                during, width = [], 0
            result.append(event)
            ids(repr(event))
            width += kind == counted
        else:
            during.append(event)
    if width > 1:
        during = [] if unfinished else sorted(during, key=ids.key)
    return result + during


def _sorted_by_count(
    raw: Sequence[Any], kind: str, steps: Sequence[dict[str, int]], unfinished: bool, ids: Ids
) -> list[Any]:
    result: list[Any] = []
    place = 0
    for number, step in enumerate(steps, 1):
        if unfinished and number == len(steps) and step["width"] > 1:
            return result
        part = raw[place : place + step.get(kind, 0)]
        place += len(part)
        result += sorted(part, key=ids.key) if step["width"] > 1 else part
    return result + list(raw[place:])


# --- comparing


def compare(
    program: Program,
    lane: str,
    differences: Sequence[str] = (),
    ways: Iterable[str] = tuple(WAYS),
    counts: bool = True,
) -> dict[str, Trace]:
    """Assert that a program shows the same on both runtimes; returns what it shows.

    Args:
        differences: Names of deliberate differences that the program runs into.
        ways: Which of :data:`WAYS`.
        counts: As in :func:`observe`.

    Raises:
        AssertionError: A difference that is not named, as a diff.
    """
    ways = tuple(ways)
    theirs = observe(program, "langgraph", lane, ways, counts)
    ours = observe(program, "rxgraph", lane, ways, counts)
    text = difference(theirs, ours, lane, differences)
    if text:
        raise AssertionError(text)
    return ours


def difference(theirs: dict[str, Trace], ours: dict[str, Trace], lane: str, differences: Sequence[str] = ()) -> str:
    """Describe how the traces differ, the first few of them; empty if they do not."""
    allowed = {warning for name in differences for warning in DIFFERENCES[name].warns}
    found: list[str] = []
    for label in [*theirs, *(label for label in ours if label not in theirs)]:
        one, two = theirs.get(label, Trace("absent")), ours.get(label, Trace("absent"))
        left, right = list(one.lines), list(two.lines)
        if one.outcome[0] == "raised" and one.outcome == two.outcome:
            # The outcome is the last line.
            if lane == "sync" and "async_node_under_invoke_raises_first" in differences:
                left, right = left[-1:], right[-1:]
            if "events_before_an_error_are_delivered" in differences and left[:-1] == right[: len(left) - 1]:
                left = right = []
        if unexpected := two.warned - one.warned - allowed:
            right.append(f"warned: {sorted(unexpected)}")
        if missing := {name for name in one.warned - two.warned if "Beta" not in name and "LangGraph" not in name}:
            left.append(f"warned: {sorted(missing)}")
        if left != right:
            diff = difflib.unified_diff(left, right, "LangGraph", "rxgraph", lineterm="", n=2)
            found.append("\n".join([f"[{lane}] {label}", *diff]))
    if not found:
        return ""
    rest = f"\n... and {len(found) - 3} more observations differ" if len(found) > 3 else ""
    return "\n\n".join(["", *found[:3]]) + rest
