"""Marble diagrams that run: the drawing in a docstring is played on virtual time and has to come true.

A diagram is a paragraph of a docstring, with its marbles in one column, so that a column is an instant::

        request  1---1----
        source   -a-b-c--|    a=1 b=[2] c="three"
                 an_operator(...)
        result   -a--b---#

* The marbles of a row: ``-`` nothing, one tick; a letter or digit, an item; ``|`` completes; ``#`` fails. Each
  character takes one tick. What stands in parentheses comes in one instant, that of the opening one: ``(ab)``,
  ``(2|)``. A row without an end goes on for ever.
* The legend, behind the marbles of any row: ``name=value``, the value a Python literal. It is one legend for all the
  rows. A digit that isn't in it is that int, a letter is that string.
* The operator, between ``source`` and ``result``: a Python expression, on one or more lines.
* ``request``, if there is demand to draw: each item is a number of requests, made before the source's items of the
  same instant. A result that is a ``Publisher`` gets them through its subscription. An observable is subscribed on a
  ``RequestScheduler``, where each action waits for one.

An operator that schedules is given the virtual clock, in ticks.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable
from reactivex.scheduler import VirtualTimeScheduler

from rxgraph import operators
from rxgraph.flow import UNBOUNDED, Publisher, RequestScheduler, Subscription


class Signal(NamedTuple):
    """What happens at a tick. *value* is the item, or the error as far as it is known."""

    tick: int
    kind: Literal["next", "error", "complete"]
    value: Any = None

    def __str__(self) -> str:
        what = {"next": repr(self.value), "error": f"# {self.value or ''}".rstrip(), "complete": "|"}[self.kind]
        return f"{what} at {self.tick}"


@dataclass(frozen=True, slots=True)
class Diagram:
    """One marble block.

    Attributes:
        source, result, request: The marbles of a row; *request* may be missing.
        operator: A Python expression.
        legend: The values of symbols.
    """

    source: str
    operator: str
    result: str
    request: str | None
    legend: Mapping[str, Any]


def parse(marbles: str, legend: Mapping[str, Any] | None = None) -> tuple[Signal, ...]:
    """Read one row of marbles.

    Raises:
        ValueError: The row isn't written as this module says.

    Example:
        >>> [str(signal) for signal in parse("-1(a|)", {"a": None})]
        ['1 at 1', 'None at 2', '| at 2']
    """
    values = legend or {}
    signals: list[Signal] = []
    group: int | None = None
    ended = False
    for column, char in enumerate(marbles):
        tick = column if group is None else group
        if ended and char != ")":
            raise _wrong(marbles, column, "nothing follows the end")
        if char == "(" and group is None:
            group = column
        elif char == ")" and group is not None:
            group = None
        elif char == "-" and group is None:
            pass
        elif char in "|#":
            ended = True
            signals.append(Signal(tick, "complete" if char == "|" else "error"))
        elif char.isalnum():
            signals.append(Signal(tick, "next", values.get(char, int(char) if char.isdigit() else char)))
        else:
            raise _wrong(marbles, column, f"{char!r} has no meaning there")
    if group is not None:
        raise _wrong(marbles, len(marbles), "a parenthesis stays open")
    return tuple(signals)


def diagrams(text: str) -> list[Diagram]:
    """Read the marble blocks of a docstring.

    Raises:
        ValueError: A block has no operator, a row twice, or marbles that aren't in line.
    """
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    blocks = [lines for paragraph in paragraphs if _is_block(lines := paragraph.splitlines())]
    return [_diagram(lines) for lines in blocks]


def play(diagram: Diagram, namespace: Mapping[str, Any] | None = None) -> tuple[Signal, ...]:
    """Run the operator of a diagram on its source and return what comes out.

    Runs on as long again as the drawing, and ten ticks, to see what isn't drawn.

    Args:
        diagram: The marbles.
        namespace: Names for the operator's expression; by default those of ``rxgraph.operators``.
    """
    clock = VirtualTimeScheduler()
    recorder = _Recorder(clock)
    names = dict(vars(operators) if namespace is None else namespace)
    operator = eval(f"({diagram.operator}\n)", names)
    requests = None if diagram.request is None else parse(diagram.request, diagram.legend)
    result = operator(_cold(parse(diagram.source, diagram.legend), clock))
    width = max(len(diagram.source), len(diagram.result), len(diagram.request or ""))
    if isinstance(result, Publisher):
        result.subscribe_with(recorder)
        link = recorder.link
        for request in requests or (Signal(0, "next", UNBOUNDED),):
            _at(clock, request.tick, lambda n=request.value: link.request(n))
    elif requests is None:
        result.subscribe(recorder, scheduler=clock)
    else:
        gate = RequestScheduler(clock=clock)
        for request in requests:
            _at(clock, request.tick, lambda n=request.value: gate.request(n))
        result.subscribe(recorder, scheduler=gate)
    clock.advance_to(2 * width + 10)
    return tuple(recorder.signals)


def check(subject: Any, namespace: Mapping[str, Any] | None = None) -> None:
    """Play every diagram in the docstring of *subject*, or in a text, and compare.

    Errors are compared by their time only.

    Raises:
        AssertionError: A diagram says something else than what happens.
        ValueError: There is no diagram, or one that can't be read.
    """
    text = subject if isinstance(subject, str) else inspect.getdoc(subject) or ""
    found = diagrams(text)
    if not found:
        raise ValueError(f"{getattr(subject, '__name__', 'The text')} has no marble diagram.")
    for diagram in found:
        drawn, played = parse(diagram.result, diagram.legend), play(diagram, namespace)
        if drawn != tuple(s._replace(value=None) if s.kind == "error" else s for s in played):
            raise AssertionError(
                f"{diagram.operator} does something else than its diagram says:\n"
                f"  source  {diagram.source}\n"
                f"  drawn   {diagram.result}\n"
                f"  drawn   {_listed(drawn)}\n"
                f"  played  {_listed(played)}"
            )


ROW = re.compile(r" *(?P<label>request|source|result) +(?P<marbles>[-|#()A-Za-z0-9]+)(?: +(?P<legend>\w=.*))?")


def _is_block(lines: list[str]) -> bool:
    labels = {match["label"] for line in lines if (match := ROW.fullmatch(line))}
    return {"source", "result"} <= labels


def _diagram(lines: list[str]) -> Diagram:
    rows: dict[str, str] = {}
    columns: set[int] = set()
    operator: list[str] = []
    legend: dict[str, Any] = {}
    for line in lines:
        match = ROW.fullmatch(line)
        if match is None:
            operator.append(line.strip())
            continue
        if match["label"] in rows:
            raise ValueError(f"A marble diagram has two rows {match['label']!r}.")
        rows[match["label"]] = match["marbles"]
        columns.add(match.start("marbles"))
        # Between two entries stands a space and then `name=`; a literal may have spaces of its own.
        for entry in re.split(r"\s+(?=\w=)", match["legend"] or ""):
            name, _, value = entry.partition("=")
            if name:
                legend[name] = ast.literal_eval(value)
    if len(columns) > 1:
        raise ValueError(f"The marbles of {' '.join(operator)!r} don't begin in one column, so they show no instants.")
    if not operator:
        raise ValueError("A marble diagram names its operator between 'source' and 'result'.")
    return Diagram(rows["source"], "\n".join(operator), rows["result"], rows.get("request"), legend)


def _wrong(marbles: str, column: int, what: str) -> ValueError:
    return ValueError(f"The marbles {marbles!r} can't be read at column {column}: {what}.")


def _listed(signals: tuple[Signal, ...]) -> str:
    return ", ".join(map(str, signals)) or "nothing"


def _at(clock: VirtualTimeScheduler, tick: int, act: Any) -> abc.DisposableBase:
    def action(_scheduler: abc.SchedulerBase, _state: Any = None) -> None:
        act()

    return clock.schedule_absolute(tick, action)


def _cold(signals: tuple[Signal, ...], clock: VirtualTimeScheduler) -> Observable[Any]:
    def subscribe(observer: abc.ObserverBase[Any], _scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        start = round(clock.clock)
        acts = {
            "next": observer.on_next,
            "error": lambda _: observer.on_error(RuntimeError("the diagram's #")),
            "complete": lambda _: observer.on_completed(),
        }
        return CompositeDisposable(
            [
                _at(clock, start + signal.tick, lambda act=acts[signal.kind], value=signal.value: act(value))
                for signal in signals
            ]
        )

    return Observable(subscribe)


class _Recorder(abc.ObserverBase[Any]):
    """Notes what comes, as an observer and as a subscriber."""

    link: Subscription

    def __init__(self, clock: VirtualTimeScheduler) -> None:
        self.signals: list[Signal] = []
        self._clock = clock

    def on_subscribe(self, subscription: Subscription, /) -> None:
        self.link = subscription

    def on_next(self, value: Any) -> None:
        self._note("next", value)

    def on_error(self, error: Exception) -> None:
        self._note("error", error)

    def on_completed(self) -> None:
        self._note("complete")

    on_complete = on_completed

    def _note(self, kind: Literal["next", "error", "complete"], value: Any = None) -> None:
        self.signals.append(Signal(round(self._clock.clock), kind, value))


__all__ = ("Diagram", "Signal", "check", "diagrams", "parse", "play")
