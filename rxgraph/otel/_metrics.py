"""How runs are read, as metrics: what waits for whom, and what was lost on the way.

A run that is traced says how it is read when it is opened; numbers are taken when somebody collects them, and cost the
run nothing. Only the time for which a run was blocked is measured: at the gate, which shuts seldom.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from threading import RLock
from time import monotonic
from typing import Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from rxgraph.flow import Gate
from rxgraph.pregel._tracing import Reading
from rxgraph.version import __version__

OUTCOMES: Final = ("delivered", "dropped", "overrun")


class Metrics:
    """Instruments of one provider, and the runs that they look at.

    Args:
        provider: Whose meter; by default the global provider's.
        clock: Seconds.
    """

    def __init__(self, provider: metrics.MeterProvider | None, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        # A garbage collection, and with it the end of a reader, may come while this very thread collects numbers.
        self._lock = RLock()
        self._open: dict[int, tuple[str, Reading]] = {}
        self._keys = count()
        self._past: Counter[tuple[str, str, str]] = Counter()
        meter = metrics.get_meter("rxgraph", __version__, provider)
        self._blocked = meter.create_histogram(
            "rxgraph.blocked.time", "s", "How long runs have waited for their readers, by the logs that were full"
        )
        meter.create_observable_gauge(
            "rxgraph.stream.lag", [self._lag], "{item}", "Items that the slowest reader of a projection has to take yet"
        )
        meter.create_observable_gauge(
            "rxgraph.stream.demand", [self._demand], "{request}", "Requests of readers that graphs have not met yet"
        )
        meter.create_observable_counter(
            "rxgraph.stream.items", [self._items], "{item}", "Items by what has become of them"
        )

    def watch(self, graph: str, reader: object, reading: Reading) -> None:
        """Look at a run as long as its reader is there."""
        key = next(self._keys)
        with self._lock:
            self._open[key] = (graph, reading)
        weakref.finalize(reader, self._retire, key).atexit = False
        _time_blocked(graph, reading, self._clock, self._blocked.record)

    def _retire(self, key: int) -> None:
        with self._lock:
            graph, reading = self._open.pop(key)
            _add(self._past, graph, reading)

    def _readings(self) -> list[tuple[str, Reading]]:
        with self._lock:
            return list(self._open.values())

    def _lag(self, options: CallbackOptions) -> Iterable[Observation]:
        lags: dict[tuple[str, str], int] = {}
        for graph, reading in self._readings():
            for name, one in reading.counts().items():
                lags[graph, name] = max(one.lag, lags.get((graph, name), 0))
        return [Observation(lag, _attributes(graph, name)) for (graph, name), lag in lags.items()]

    def _demand(self, options: CallbackOptions) -> Iterable[Observation]:
        found: Counter[str] = Counter()
        for graph, reading in self._readings():
            found[graph] += reading.demand()
        return [Observation(demand, {"rxgraph.graph": graph}) for graph, demand in found.items()]

    def _items(self, options: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            found = self._past.copy()
            for graph, reading in self._open.values():
                _add(found, graph, reading)
        return [
            Observation(number, {**_attributes(graph, name), "rxgraph.outcome": outcome})
            for (graph, name, outcome), number in found.items()
        ]


def _attributes(graph: str, projection: str) -> dict[str, str]:
    return {"rxgraph.graph": graph, "rxgraph.projection": projection}


def _add(found: Counter[tuple[str, str, str]], graph: str, reading: Reading) -> None:
    for name, one in reading.counts().items():
        for outcome in OUTCOMES:
            found[graph, name, outcome] += getattr(one, outcome)


def _time_blocked(
    graph: str, reading: Reading, clock: Callable[[], float], record: Callable[[float, Any], None]
) -> None:
    """Measure each time for which the gate of a run is shut."""
    gate, since, names = reading.gate, 0.0, ""

    def moved(is_open: bool) -> None:
        nonlocal since, names
        if is_open:
            record(clock() - since, {"rxgraph.graph": graph, "rxgraph.blocked_by": names})
        else:
            since, names = clock(), _full(gate, reading)

    gate.on_move = moved


def _full(gate: Gate, reading: Reading) -> str:
    """Name the logs that hold a run; the only one of an iterator gives no name to its gate."""
    names = {str(getattr(one, "name", one)) for one in gate.full} or reading.counts().keys()
    return ", ".join(sorted(names))


_METRICS: weakref.WeakKeyDictionary[metrics.MeterProvider, Metrics] = weakref.WeakKeyDictionary()
_GLOBAL: list[Metrics] = []


def metrics_of(provider: metrics.MeterProvider | None) -> Metrics:
    """Return the instruments of a provider, which are made once; ``None`` is the global provider."""
    if provider is None:
        if not _GLOBAL:
            _GLOBAL.append(Metrics(None))
        return _GLOBAL[0]
    found = _METRICS.get(provider)
    if found is None:
        found = _METRICS[provider] = Metrics(provider)
    return found


__all__ = ("Metrics", "metrics_of")
