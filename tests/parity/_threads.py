"""The same session on LangGraph and on rxgraph: several actions on one thread, everything that is kept side by side.

A session program is a function of a namespace, like those of ``_twin``; it opens a thread of a graph and acts on it::

    def one_question(lg):
        thread = lg.thread(lg.StateGraph(State).add_node(...))
        thread.send({"log": []})
        thread.resume("yes")

After each action its result (or error), every stream event, what the saver holds and ``get_state`` are recorded; at the
end the history, and the snapshot of each checkpoint. Interrupt ids are random, so ``thread.id("question")`` finds the
one of the question that was asked last with that value.

A thread that ``lg.nested`` opens also shows what graphs inside nodes keep: ``get_state(subgraphs=True)`` after each
action, and at the end the history of every namespace.

A session is run in the ways of :data:`WAYS` or :data:`NESTED_WAYS`, in the lanes ``sync`` and ``async``, on each of
:data:`SAVERS`. As in ``_twin``, ids are numbered in order of appearance, and what several tasks of a superstep show is
put into an order.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import difflib
import functools
import importlib.util
import io
import itertools
import os
import re
import sqlite3
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import aiosqlite

from tests.parity._differences import DIFFERENCES
from tests.parity._twin import MODES, Ids, Program, Tidy, _collect, _part, runtime

LANES = ("sync", "async")
ALL_MODES = [*MODES, "checkpoints"]
SAVERS = ("memory", "sqlite")

#: How each input of a session is run.
WAYS: dict[str, dict[str, Any] | None] = {
    "invoke": None,
    "stream": {"stream_mode": ALL_MODES},
    "stream v2": {"stream_mode": ALL_MODES, "version": "v2"},
}

#: How each input of a session with graphs inside nodes is run.
NESTED_WAYS: dict[str, dict[str, Any] | None] = {
    **WAYS,
    "stream subgraphs": {"stream_mode": ALL_MODES, "subgraphs": True},
    "stream subgraphs v2": {"stream_mode": ALL_MODES, "subgraphs": True, "version": "v2"},
}
#: Those that are played when time counts: between them they show all that the others show; `make stress` plays all.
PLAYED = tuple(NESTED_WAYS) if os.environ.get("RXGRAPH_ALL_WAYS") else ("invoke", "stream subgraphs")

CONFIG = {"configurable": {"thread_id": "1"}}
#: Classes in the states of the programs.
KNOWN = [("tests.parity._sessions", "Data"), ("tests.parity._sessions", "Model")]
NULL_TASK = "00000000-0000-0000-0000-000000000000"


@dataclasses.dataclass(frozen=True)
class Entry:
    """What one look at the thread showed.

    Args:
        label: Number and kind: ``events``, ``result``, ``saved``, ``state``, ``history``, ``record`` or ``note``.
        lines: What it showed, with numbered ids.
    """

    label: str
    lines: tuple[str, ...]


class Session:
    """One thread of one graph, and the record of what was done on it.

    Args:
        lg: The namespace of a runtime.
        way: One of :data:`NESTED_WAYS`.
        runner: Runs the async lane.
        saver: Where the thread is kept.
        nested: Whether to look at graphs inside nodes, too.
        loose: Whether tasks begin at any time: the events of a superstep are sorted, all of them.
    """

    def __init__(
        self, lg: Any, way: str, runner: asyncio.Runner, saver: Any, nested: bool = False, loose: bool = False
    ) -> None:
        self.lg = lg
        self.entries: list[Entry] = []
        self.saver = saver
        # Reads the same store, without what a graph tells a saver about the classes of its state.
        self._reader = copy.copy(self.saver)
        self._reader.serde = lg.JsonPlusSerializer(allowed_msgpack_modules=KNOWN)
        self._nested = nested
        self._loose = loose
        self._way = NESTED_WAYS[way]
        self._runner = runner
        self._ids = NumberedIds()
        self._asked: dict[str, str] = {}
        self._number = 0
        self.graph: Any = None

    # --- actions

    def use(self, builder: Any, **options: Any) -> None:
        """From now on the thread is one of this graph."""
        self.graph = builder.compile(**{"checkpointer": self.saver, **options})

    def send(self, input: Any, config: Any = None, **options: Any) -> Any:
        """Run the graph on the thread; returns the events or the result as they came, or the error."""
        self._number += 1
        if self._way is None:
            result = self._recorded("result", lambda: self._run("invoke", input, config, options))
        else:
            result = self._streamed(input, config, {**options, **self._way})
        self._observe()
        return result

    def take(self, number: int, input: Any) -> Any:
        """Run the graph until so many updates have come, and close the stream."""
        self._number += 1
        result = self._recorded("result", lambda: self._taken(number, input))
        self._observe()
        return result

    def resume(self, answer: Any, config: Any = None, **more: Any) -> Any:
        """Answer; further keywords are those of ``Command``."""
        return self.send(self.lg.Command(resume=answer, **more), config)

    def update(self, values: Any, as_node: str | None = None, config: Any = None, **more: Any) -> Any:
        """``update_state``."""
        self._number += 1
        more |= {} if as_node is None else {"as_node": as_node}
        result = self._recorded("result", lambda: self._call("update_state", config or CONFIG, values, **more))
        self._observe()
        return result

    def bulk(self, *supersteps: Sequence[Any], config: Any = None) -> Any:
        """``bulk_update_state``; an update is a tuple of what ``StateUpdate`` takes."""
        self._number += 1
        updates = [[self.lg.StateUpdate(*one) for one in superstep] for superstep in supersteps]
        result = self._recorded("result", lambda: self._call("bulk_update_state", config or CONFIG, updates))
        self._observe()
        return result

    def at(self, number: int, config: Any = None) -> Any:
        """The configuration of a checkpoint, by age: 0 is the oldest one.

        Args:
            config: Names the namespace; without one it is that of the root graph.
        """
        return self._history(config or CONFIG, {})[::-1][number].config

    def inside(self, *names: str) -> Any:
        """The configuration of the graph inside a waiting task: its node, the node inside of that, and so on."""
        config: Any = CONFIG
        for name in names:
            snapshot = self._call("get_state", config)
            config = next(task.state for task in snapshot.tasks if task.name == name)
        return config

    def namespaces(self) -> list[str]:
        """The namespaces that the saver knows, those of outer graphs first."""
        return [name for name, _ in self._by_namespace()]

    def history(self, config: Any = None, **options: Any) -> Any:
        """``get_state_history``, recorded; returns the snapshots."""
        return self._recorded("history", lambda: self._history(config or CONFIG, options))

    def state(self, config: Any = None, **options: Any) -> Any:
        """``get_state``, recorded; returns the snapshot."""
        return self._recorded("state", lambda: self._call("get_state", config or CONFIG, **options))

    def id(self, question: Any) -> str:
        """The id of the interrupt that last asked *question*."""
        return self._asked.get(repr(question), f"<never asked {question!r}>")

    def note(self, what: Any) -> None:
        """Record something that the program counted."""
        self._add("note", [repr(Shown()(what))])

    def close(self) -> None:
        """Record how the thread came about."""
        self._number += 1
        configs: list[Any] = [CONFIG]
        options: dict[str, Any] = {}
        if self._nested:
            names = [name for name in self.namespaces() if name]
            configs += [{"configurable": {**CONFIG["configurable"], "checkpoint_ns": name}} for name in names]
            options = {"subgraphs": True}
        for config in configs:
            snapshots = self.history(config)
            if isinstance(snapshots, list):
                for one in snapshots:
                    self._recorded("record", lambda one=one: self._call("get_state", one.config, **options))

    # --- recording

    def _run(self, method: str, input: Any, config: Any, options: dict[str, Any]) -> Any:
        return self._call(method, input, _on_thread(config), **options)

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        if self.lg.lane == "sync":
            return getattr(self.graph, method)(*args, **options)
        return self._runner.run(_awaited(getattr(self.graph, f"a{method}")(*args, **options)))

    def _taken(self, number: int, input: Any) -> list[Any]:
        if self.lg.lane == "sync":
            with contextlib.closing(self.graph.stream(input, CONFIG, stream_mode="updates")) as items:
                return [next(items) for _ in range(number)]

        async def take() -> list[Any]:
            async with contextlib.aclosing(self.graph.astream(input, CONFIG, stream_mode="updates")) as items:
                return [await anext(items) for _ in range(number)]

        return self._runner.run(take())

    def _history(self, config: Any, options: dict[str, Any]) -> list[Any]:
        if self.lg.lane == "sync":
            return list(self.graph.get_state_history(config, **options))
        return self._runner.run(_collect(self.graph.aget_state_history(config, **options)))

    def _streamed(self, input: Any, config: Any, options: dict[str, Any]) -> Any:
        events: list[Any] = []
        tidy = Shown(self._nested)
        printed = io.StringIO()

        def emit(event: Any) -> None:
            # At once: what an event holds may still change.
            events.append(tidy(event))
            self._learn(event)

        async def collect(items: Any) -> None:
            async for item in items:
                emit(item)

        try:
            with contextlib.redirect_stdout(printed):
                if self.lg.lane == "sync":
                    for item in self._run("stream", input, config, options):
                        emit(item)
                else:
                    self._runner.run(collect(self.graph.astream(input, _on_thread(config), **options)))
            outcome = ("returned", None)
        except Exception as error:
            outcome = ("raised", tidy(error))
        self._add("events", [*_steady(events, outcome, self._ids, self._loose), f"outcome: {outcome!r}"])
        if printed.getvalue():
            self._add("printed", printed.getvalue().splitlines())
        return outcome

    def _recorded(self, kind: str, act: Callable[[], Any]) -> Any:
        tidy = Shown(self._nested)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                result = act()
        except Exception as error:
            self._add(kind, [f"raised {tidy(error)!r}"])
            return error
        self._learn(result)
        shown = tidy(result)
        if isinstance(shown, dict) and isinstance(shown.get("__interrupt__"), list):
            # In order of completion.
            shown["__interrupt__"].sort(key=lambda one: repr(one[1]["value"]))
        self._add(kind, [*map(repr, shown)] if isinstance(shown, list) else [repr(shown)])
        if printed.getvalue():
            self._add("printed", printed.getvalue().splitlines())
        return result

    def _observe(self) -> None:
        self.state()
        if self._nested:
            self.state(subgraphs=True)
        # Sorted by task, so ids are numbered in the order of the tasks.
        lines: list[str] = []
        for number, (_, tuples) in enumerate(self._by_namespace()):
            lines += ["namespace"] if number else []
            for one in tuples:
                lines += _stored(one, self._ids, self._nested)
        self._add("saved", lines)

    def _by_namespace(self) -> Iterator[tuple[str, list[Any]]]:
        """What the saver holds, oldest first; outer namespaces first, equal ones in the order of their beginning.

        Those of one level are put in order when what the saver holds of the graphs around them has been shown: it
        names their tasks.
        """
        if self.lg.lane == "sync":
            tuples = list(self._reader.list(CONFIG))
        else:
            tuples = self._runner.run(_collect(self._reader.alist(CONFIG)))
        found: dict[str, list[Any]] = {}
        for one in sorted(tuples, key=lambda one: one.checkpoint["id"]):
            found.setdefault(one.config["configurable"].get("checkpoint_ns", ""), []).append(one)
        depth = {name: name.count("|") + bool(name) for name in found}
        for level in sorted({*depth.values()}):
            names = [name for name in found if depth[name] == level]
            for name in sorted(names, key=self._ids.key):
                yield name, found[name]

    def _add(self, kind: str, lines: Sequence[str]) -> None:
        self.entries.append(Entry(f"{self._number} {kind}", tuple(self._ids(line) for line in lines)))

    def _learn(self, value: Any) -> None:
        """Find the ids of the questions in a result or an event."""
        if type(value).__name__ == "Interrupt":
            self._asked[repr(value.value)] = value.id
        elif isinstance(value, dict):
            for item in value.values():
                self._learn(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._learn(item)


def _on_thread(config: Any) -> Any:
    config = config or {}
    return {**config, "configurable": {**CONFIG["configurable"], **config.get("configurable", {})}}


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _stored(one: Any, ids: NumberedIds, nested: bool) -> list[str]:
    """One checkpoint tuple: versions by number only, pending writes task by task."""
    tidy = Shown(nested)
    checkpoint = one.checkpoint
    seen = {
        node: {channel: _version(version) for channel, version in sorted(versions.items())}
        for node, versions in sorted(checkpoint["versions_seen"].items())
    }
    shown = {
        "config": tidy(one.config),
        "parent": tidy(one.parent_config),
        "metadata": tidy(dict(sorted(one.metadata.items()))),
        "values": tidy(dict(sorted(checkpoint["channel_values"].items()))),
        "versions": {key: _version(version) for key, version in sorted(checkpoint["channel_versions"].items())},
        "seen": seen,
        "updated": tidy(checkpoint.get("updated_channels")),
    }
    head = f"checkpoint {checkpoint['id']}"
    lines = [ids(head), *(ids(f"  {key}: {value!r}") for key, value in shown.items())]
    tasks: dict[str, list[Any]] = {}
    for task, channel, value in one.pending_writes or ():
        tasks.setdefault(task, []).append((channel, tidy(value)))
    for task, writes in sorted(tasks.items(), key=ids.key):
        # The edges from START are in no particular order.
        branches = iter(sorted((write for write in writes if write[0].startswith("branch:to:")), key=repr))
        writes = [next(branches) if write[0].startswith("branch:to:") else write for write in writes]
        lines += [ids(f"  write of {task}: {write!r}") for write in writes]
    return lines


def _version(version: Any) -> Any:
    return int(version.split(".")[0]) if isinstance(version, str) else version


#: The text of an error of the libraries themselves, as it is stored.
_LIBRARY_ERROR = re.compile(
    r"^(InvalidUpdateError|EmptyInputError|GraphRecursionError|NodeTimeoutError|NodeCancelledError)\(.*\)$", re.DOTALL
)


class NumberedIds(Ids):
    """Ids of interrupts are plain hexadecimal digits."""

    _ID: ClassVar[re.Pattern[str]] = re.compile(rf"(?!{NULL_TASK}){Ids._ID.pattern}|\b[0-9a-f]{{32}}\b")


class Shown(Tidy):
    """Also knows named tuples, configs, and the times of snapshots.

    Args:
        nested: Whether the questions of one task are sorted: those of several tasks of a graph inside it come in any
            order on LangGraph.
    """

    def __init__(self, nested: bool = False) -> None:
        self._nested = nested

    def __call__(self, value: Any) -> Any:
        if self._nested and isinstance(value, (list, tuple)) and len(value) > 1 and all(map(_is_question, value)):
            value = type(value)(sorted(value, key=_question))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            shown = value._asdict()
            if shown.get("created_at") is not None:
                shown["created_at"] = "<time>"
            return (f"<{type(value).__name__}>", {key: self(item) for key, item in shown.items()})
        if type(value) is dict and isinstance(value.get("configurable"), dict):
            # The keys of a config are in no particular order; LangGraph's own show in snapshots of inner graphs.
            mine = {key: item for key, item in value["configurable"].items() if not key.startswith("__pregel")}
            value = {**value, "configurable": dict(sorted(mine.items()))}
        if type(value) is dict and (inner := {"checkpoint_map", "parents"} & value.keys()):
            # Namespaces are in no particular order: outer ones first.
            ordered = {
                key: dict(sorted(value[key].items(), key=_depth)) for key in inner if isinstance(value[key], dict)
            }
            value = {**value, **ordered}
        shown = super().__call__(value)
        if kind_of(shown) == "<Send>":
            return (shown[0], dict(sorted(shown[1].items())))
        return _LIBRARY_ERROR.sub(r"\1(...)", shown) if type(shown) is str else shown


def _is_question(value: Any) -> bool:
    return type(value).__name__ == "Interrupt" or (isinstance(value, dict) and {"value", "id"} <= value.keys())


def _question(value: Any) -> str:
    return repr(value["value"] if isinstance(value, dict) else value.value)


def _depth(item: tuple[str, Any]) -> int:
    return item[0].count("|") + bool(item[0])


def kind_of(shown: Any) -> Any:
    """The class of what :class:`Shown` made of an object."""
    return shown[0] if type(shown) is tuple and shown else None


# --- order


def _steady(events: Sequence[Any], outcome: tuple[str, Any], ids: NumberedIds, loose: bool = False) -> list[str]:
    """The events as text, those that come in order of completion sorted."""
    if loose:
        return _loosely([(_namespace(event), event) for event in events], 0, ids)
    failed = outcome[0] == "raised" and outcome[1][1] not in ("GraphRecursionError", "GraphDrained")
    return _level([(_namespace(event), event) for event in events], 0, failed, ids)


def _loosely(events: Sequence[tuple[tuple[str, ...], Any]], depth: int, ids: NumberedIds) -> list[str]:
    """The same where tasks begin while others end: beginnings sorted, then graphs inside, then all the rest.

    Graphs that one node has called come one after the other.
    """
    numbers = sorted(
        {namespace[depth] for namespace, _ in events if namespace[depth : depth + 1] and namespace[depth].isdigit()}
    )
    if numbers:
        calls = [[one for one in events if one[0][depth : depth + 1] == (number,)] for number in numbers]
        first = [one for one in events if not any(one in call for call in calls)]
        return _loosely(first, depth, ids) + [line for call in calls for line in _loosely(call, depth + 1, ids)]
    result: list[str] = []
    for still, run in itertools.groupby(events, key=lambda one: len(one[0]) == depth and _is_still(one[1])):
        run = list(run)
        own = [event for namespace, event in run if len(namespace) == depth]
        if still:
            result += [ids(repr(event)) for event in own]
            continue
        starts = [event for event in own if _kind(event) in ("start", "before")]
        result += [ids(repr(event)) for event in sorted(starts, key=ids.key)]
        for segment in sorted({namespace[depth] for namespace, _ in run if len(namespace) > depth}, key=ids.key):
            inner = [one for one in run if one[0][depth : depth + 1] == (segment,)]
            result += _loosely(inner, depth + 1, ids)
        rest = [event for event in own if _kind(event) == "during"]
        result += [ids(repr(event)) for event in sorted(rest, key=ids.key)]
    return result


def _is_still(event: Any) -> bool:
    """Whether no task runs: what is not the beginning of one, nor comes while one runs."""
    mode, data = (event["type"], event["data"]) if isinstance(event, dict) else event[-2:]
    return _kind(event) == "before" and not (mode == "debug" and data["type"] == "task")


def _level(events: Sequence[tuple[tuple[str, ...], Any]], depth: int, failed: bool, ids: NumberedIds) -> list[str]:
    """The same for the events of one graph, together with those of the graphs inside it."""
    result: list[str] = []
    during: list[tuple[tuple[str, ...], Any]] = []
    width = 0
    for namespace, event in events:
        kind = "during" if len(namespace) > depth else _kind(event)
        if kind == "during":
            during.append((namespace, event))
            continue
        if during:
            result += _during(during, width, depth, failed, ids)
            during, width = [], 0
        result.append(ids(repr(event)))
        width += kind == "start"
    if width > 1 and failed:
        # What the siblings of a failed task still show is a matter of timing.
        return result
    return result + _during(during, width, depth, failed, ids)


def _during(
    events: Sequence[tuple[tuple[str, ...], Any]], width: int, depth: int, failed: bool, ids: NumberedIds
) -> list[str]:
    """What comes while the tasks of a superstep run: graphs inside them one after the other, then the tasks' own."""
    segments = {namespace[depth] for namespace, _ in events if len(namespace) > depth}
    place = {segment: _task_of(segment, segments) for segment in segments}
    result: list[str] = []
    if width > 1:
        for segment in sorted({*place.values()}, key=ids.key):
            inner = [one for one in events if len(one[0]) > depth and place[one[0][depth]] == segment]
            result += _level(inner, depth + 1, failed, ids)
        own = [event for namespace, event in events if len(namespace) == depth]
        return result + [ids(repr(one)) for one in sorted(own, key=ids.key)]
    for segment, run in itertools.groupby(events, key=lambda one: place[one[0][depth]] if len(one[0]) > depth else ""):
        run = list(run)
        result += _level(run, depth + 1, failed, ids) if segment else [ids(repr(event)) for _, event in run]
    return result


def _task_of(segment: str, segments: set[str]) -> str:
    """The namespaces of a stateful graph, and of those inside it, do not tell the tasks: the only one of that name."""
    of_name = [one for one in segments if one.startswith(f"{segment}:")]
    return of_name[0] if len(of_name) == 1 else segment


def _namespace(event: Any) -> tuple[str, ...]:
    if isinstance(event, dict):
        return tuple(event["ns"])
    return event[0] if len(event) == 3 else ()


def _kind(event: Any) -> str:
    if isinstance(event, dict):
        mode, data, asked = event["type"], event["data"], bool(event.get("interrupts"))
    else:
        mode, data = event[-2:]
        asked = isinstance(data, dict) and "__interrupt__" in data
    if mode == "tasks":
        return "start" if "triggers" in data else "during"
    if mode == "debug":
        return "during" if data["type"] == "task_result" else "before"
    if mode == "values":
        return "during" if asked else "before"
    return "before" if mode == "checkpoints" else "during"


# --- comparing


@contextlib.contextmanager
def _savers(name: str, lane: str, runner: asyncio.Runner, folder: Path | None) -> Iterator[Callable[[], Any]]:
    """What opens savers, each with a store of its own: in memory, or a file of the folder."""
    if folder is None:
        yield _part(name, "checkpoint.memory").InMemorySaver
        return
    count = itertools.count()

    def connect() -> sqlite3.Connection:
        # The savers' methods run in worker threads, too. Files of a test need not survive the machine.
        connection = sqlite3.connect(folder / f"{name}-{next(count)}.db", check_same_thread=False)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    async def opened() -> Any:
        connection = await aiosqlite.Connection(connect, 64)
        stack.callback(lambda: runner.run(connection.close()))
        return _part(name, "checkpoint.sqlite.aio").AsyncSqliteSaver(connection)

    def open_saver() -> Any:
        if lane == "async":
            return runner.run(opened())
        connection = connect()
        stack.callback(connection.close)
        return _part(name, "checkpoint.sqlite").SqliteSaver(connection)

    with contextlib.ExitStack() as stack:
        yield open_saver


def record(program: Program, name: str, lane: str, way: str, folder: Path | None = None) -> list[Entry]:
    """Run a session program on one runtime, on a file of the folder if there is one."""
    sessions: list[Session] = []
    with (
        asyncio.Runner() as runner,
        warnings.catch_warnings(),
        _savers(name, lane, runner, folder) as open_saver,
    ):
        warnings.simplefilter("ignore")

        def opened(nested: bool, builder: Any, loose: bool = False, **options: Any) -> Session:
            session = Session(lg, way, runner, open_saver(), nested, loose)
            session.use(builder, **options)
            sessions.append(session)
            return session

        def member(module: str, wanted: str) -> Any:
            # Where one of the two has not got the module yet, only the programs that need it fail.
            found = importlib.util.find_spec(f"{name}.{module}")
            return getattr(_part(name, module), wanted, None) if found else None

        types = _part(name, "types")
        more = {"thread": functools.partial(opened, False), "nested": functools.partial(opened, True)}
        more |= {"interrupt": types.interrupt, "RetryPolicy": types.RetryPolicy}
        more |= {"StateUpdate": types.StateUpdate, "InMemoryStore": _part(name, "store.memory").InMemoryStore}
        more |= {"TimeoutPolicy": types.TimeoutPolicy, "CachePolicy": types.CachePolicy}
        more |= {"entrypoint": member("func", "entrypoint"), "task": member("func", "task")}
        more |= {"Pregel": member("pregel", "Pregel"), "NodeBuilder": member("pregel", "NodeBuilder")}
        more["GraphCallbackHandler"] = member("callbacks", "GraphCallbackHandler")
        more["NodeError"] = member("errors", "NodeError")
        more["InMemoryCache"] = _part(name, "cache.memory").InMemoryCache
        more["JsonPlusSerializer"] = _part(name, "checkpoint.serde.jsonplus").JsonPlusSerializer
        more["InMemorySaver"] = _part(name, "checkpoint.memory").InMemorySaver
        lg = SimpleNamespace(**vars(runtime(name, lane)), **more)
        program(lg)
        for session in sessions:
            session.close()
    return [entry for session in sessions for entry in session.entries]


def compare(program: Program, lane: str, way: str, differences: Sequence[str] = (), folder: Path | None = None) -> None:
    """Assert that a session shows the same on both runtimes.

    Args:
        folder: Where each runtime keeps its file; without one both keep the thread in memory.
        differences: Names of deliberate differences that the program runs into.

    Raises:
        AssertionError: A difference that is not named, as a diff.
    """
    assert set(differences) <= DIFFERENCES.keys()
    theirs, ours = (record(program, name, lane, way, folder) for name in ("langgraph", "rxgraph"))
    if not folder:
        differences = [one for one in differences if one not in ON_FILES]
    elif lane == "sync":
        # LangGraph saves a live value later only in the async lane.
        differences = [one for one in differences if one != "a_checkpoint_is_not_the_live_value"]
    if "every_answer_is_kept" in differences:
        theirs, ours = _without_last_answers(theirs, ours)
    if named := [_UNTOLD[one] for one in differences if one in _UNTOLD]:
        theirs, ours = (_untold(side, named) for side in (theirs, ours))
    if text := difference(theirs, ours, f"{lane}, {way}", differences):
        raise AssertionError(text)


_ANSWERS = re.compile(r"^  write of <id \d+>: \('__resume__', (\[.*\])\)$")


def _without_last_answers(theirs: Sequence[Entry], ours: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Our entries with the answers of LangGraph's where ours go on."""
    tidied: list[Entry] = []
    for one, two in zip(theirs, ours, strict=True):
        lines = list(two.lines)
        for place, (left, right) in enumerate(zip(one.lines, two.lines, strict=False)):
            kept, all_kept = _ANSWERS.match(left), _ANSWERS.match(right)
            if kept and all_kept and all_kept[1].startswith(kept[1][:-1] + ", "):
                lines[place] = left
        tidied.append(Entry(two.label, tuple(lines)))
    return [*theirs], tidied


def _without_parent(kind: str, line: str) -> str:
    if kind != "events":
        return line
    return re.sub(r"'parent_config': (?:None|\{.*?\}\}), 'values'", "'parent_config': ..., 'values'", line)


def _without_unsaved_parents(kind: str, line: str) -> str:
    return re.sub(r"'(parents|checkpoint_map)': \{[^{}]*\}", r"'\1': ...", line)


def _without_input(kind: str, line: str) -> str:
    return "  values: {'__start__': ...}" if line.startswith("  values: {'__start__': ") else line


def _without_place(kind: str, line: str) -> str:
    if kind != "events":
        return line
    line = re.sub(r"^\(\(.*?\), 'custom'", "(..., 'custom'", line)
    return re.sub(r"^\{'type': 'custom', 'ns': \(.*?\)", "{'type': 'custom', 'ns': ...", line)


def _without_options(kind: str, line: str) -> str:
    options = (
        r"\{(?:'(?:tags|metadata)': (?:\[[^]]*\]|\{[^{}]*\}), )+'configurable': \{(?:'(?!checkpoint_)\w+': \w+, )*"
    )
    return re.sub(options, "{'configurable': {", line)


_UNTOLD: dict[str, Callable[[str, str], str]] = {
    "a_streamed_parent_is_the_real_one": _without_parent,
    "parents_are_saved": _without_unsaved_parents,
    "inner_input_is_what_it_takes": _without_input,
    "custom_events_of_tasks_are_their_graphs": _without_place,
    "an_address_is_only_an_address": _without_options,
}
"""What is left out of a line of an entry of some kind; ids are numbered anew without it."""


def _untold(entries: Sequence[Entry], cuts: Sequence[Callable[[str, str], str]]) -> list[Entry]:
    numbers: dict[str, str] = {}
    result = []
    for entry in entries:
        lines = list(entry.lines)
        for cut in cuts:
            lines = [cut(entry.label.split(" ")[1], line) for line in lines]
        if _without_place in cuts:
            # They stand among the events of another graph, too.
            lines.sort(key=lambda line: "..., 'custom'" in line or "'custom', 'ns': ..." in line)
        lines = [
            re.sub(r"<id \d+>", lambda match: numbers.setdefault(match[0], f"<id {len(numbers) + 1}>"), line)
            for line in lines
        ]
        result.append(Entry(entry.label, tuple(lines)))
    return result


ON_FILES = {"every_answer_is_kept", "a_checkpoint_is_not_the_live_value"}
"""Differences that sessions in memory do not run into."""

PARTINGS = {
    "a_checkpoint_is_not_the_live_value",
    "a_handler_may_command_the_parent",
    "an_answer_is_given_once",
    "an_update_keeps_what_siblings_wrote",
    "unknown_target_warns",
}
"""Differences after which the rest of a session is another story; what comes before is compared."""


def difference(theirs: Sequence[Entry], ours: Sequence[Entry], where: str, differences: Sequence[str] = ()) -> str:
    """Describe how the entries differ, the first few of them; empty if they do not."""
    labels = [[entry.label for entry in side] for side in (theirs, ours)]
    found = [] if labels[0] == labels[1] else [f"[{where}] looked at {labels[0]} and {labels[1]}"]
    for one, two in zip(theirs, ours, strict=False):
        left, right = list(one.lines), list(two.lines)
        kind = one.label.split(" ")[1]
        if "an_empty_command_is_empty_input" in differences:
            left = [text.replace("UnboundLocalError", "EmptyInputError") for text in left]
        if "command_input_is_applied_once" in differences and kind in ("saved", "history", "record", "events"):
            # Twice is what is stored, and what the event of the first checkpoint shows.
            continue
        if "events_before_an_error_are_delivered" in differences and kind == "events" and "raised" in left[-1]:
            right = right if left[-1] != right[-1] or left[:-1] != right[: len(left) - 1] else left
        if "a_state_names_its_thread" in differences:
            left = [text.replace("KeyError", "ValueError") for text in left]
        if "a_failed_task_shows_no_update" in differences and kind == "events":
            continue
        if left != right:
            diff = difflib.unified_diff(left, right, "LangGraph", "rxgraph", lineterm="", n=1)
            found.append("\n".join([f"[{where}] {one.label}", *diff]))
            if PARTINGS & set(differences):
                # From here on the two threads are different ones.
                return ""
    rest = [f"... and {len(found) - 3} more differ"] if len(found) > 3 else []
    return "\n\n".join(["", *found[:3], *rest]) if found else ""
