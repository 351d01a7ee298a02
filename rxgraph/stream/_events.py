"""Protocol events: what the raw log of a run shows, and how a part becomes one."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any, Literal, NamedTuple, NotRequired

from typing_extensions import TypedDict

from rxgraph.constants import INTERRUPT
from rxgraph.types import Namespace, Part

Coerce = Callable[[str, Any], Any]
"""Turns the payload of a mode into the user's classes."""
COERCED = frozenset({"values", "checkpoints", "debug"})
"""Modes whose payloads show a state."""


class EventParams(TypedDict):
    """What a protocol event says.

    Shapes: ``namespace`` is a list of ``"node:task id"`` from the root; ``timestamp`` is in milliseconds;
    ``interrupts`` stands at ``values`` events only.
    """

    namespace: list[str]
    timestamp: int
    data: Any
    interrupts: NotRequired[tuple[Any, ...]]


class ProtocolEvent(TypedDict):
    """One event of a run.

    Shapes: ``method`` is a stream mode, or the name of a forwarded channel: ``"lifecycle"``, ``"custom:<name>"``.
    ``seq`` counts the events of the run's log from 1.
    """

    type: Literal["event"]
    event_id: NotRequired[str]
    seq: NotRequired[int]
    method: str
    params: EventParams


class Kept(NamedTuple):
    """A part that is kept for readers that come later, and when it came."""

    part: Part
    seq: int
    ms: int


def now() -> int:
    """Return the time in milliseconds."""
    return int(time() * 1000)


def data_of(part: Part, coerce: Coerce | None = None, scope: Namespace = ()) -> Any:
    """Return the payload as readers see it: a ``values`` payload without its questions, in the user's classes."""
    ns, mode, data = part
    if mode == "values" and isinstance(data, dict) and INTERRUPT in data:
        data = {key: value for key, value in data.items() if key != INTERRUPT}
    return data if coerce is None or ns != scope else coerce(mode, data)


def questions_of(part: Part) -> tuple[Any, ...]:
    """Return the questions that a ``values`` part tells of."""
    data = part[2]
    return tuple(data[INTERRUPT]) if isinstance(data, dict) and INTERRUPT in data else ()


def make_event(part: Part, ms: int, coerce: Coerce | None = None, scope: Namespace = ()) -> ProtocolEvent:
    """Return the event of a part; the log numbers it."""
    ns, mode, data = part
    if mode == "lifecycle":
        return {"type": "event", "method": mode, "params": {"namespace": [], "timestamp": ms, "data": lifecycle(part)}}
    if mode != "values":
        if coerce is not None and mode in COERCED and ns == scope:
            data = coerce(mode, data)
        return {"type": "event", "method": mode, "params": {"namespace": list(ns), "timestamp": ms, "data": data}}
    params: EventParams = {
        "namespace": list(ns),
        "timestamp": ms,
        "data": data_of(part, coerce, scope),
        "interrupts": questions_of(part),
    }
    return {"type": "event", "method": mode, "params": params}


def part_of(event: ProtocolEvent) -> Part:
    """Return the part that an event was made of, or could have been."""
    params = event["params"]
    ns, data = tuple(params["namespace"]), params["data"]
    if interrupts := params.get("interrupts"):
        data = {**(data if isinstance(data, dict) else {}), INTERRUPT: tuple(interrupts)}
    if event["method"] == "lifecycle" and isinstance(data, dict):
        ns = tuple(data.get("namespace", ns))
    return ns, event["method"], data


def event_of_item(item: dict[str, Any], ms: int) -> ProtocolEvent:
    """Return the event of an item of ``stream(version="v2")``."""
    params: EventParams = {"namespace": list(item["ns"]), "timestamp": ms, "data": item["data"]}
    if "interrupts" in item:
        params["interrupts"] = tuple(item["interrupts"])
    return {"type": "event", "method": item["type"], "params": params}


def lifecycle(part: Part) -> dict[str, Any]:
    """Return the payload of a ``lifecycle`` event: where an inner graph is, and what has become of it."""
    ns, _, given = part
    payload = {"event": given["event"], "namespace": list(ns)}
    payload.update((key, given[key]) for key in ("graph_name", "trigger_call_id", "cause") if key in given)
    error = given.get("error")
    if error is not None and given["event"] == "failed":
        payload["error"] = str(error)
    return payload


def parent_of(ns: Namespace) -> Namespace:
    """Return the namespace of the graph that called the one at *ns*.

    A task that calls several graphs adds a number to the namespace of the second and those after it.
    """
    end = len(ns) - 1
    while end > 0 and ns[end].isdigit():
        end -= 1
    return ns[:end]


__all__ = (
    "COERCED",
    "Coerce",
    "EventParams",
    "Kept",
    "ProtocolEvent",
    "data_of",
    "event_of_item",
    "lifecycle",
    "make_event",
    "now",
    "parent_of",
    "part_of",
    "questions_of",
)
