"""The store in memory: threads, sharing, time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from rxgraph.store.base import GetOp, PutOp, SearchOp
from rxgraph.store.memory import InMemoryStore
from rxgraph.testing import ManualClock


def test_no_batch_sees_half_of_another() -> None:
    store = InMemoryStore()

    def write(number: int) -> None:
        store.batch([PutOp(("a",), "k", {"n": number}), PutOp(("b",), "k", {"n": number})])

    def read(_: int) -> bool:
        a, b = store.batch([GetOp(("a",), "k"), GetOp(("b",), "k")])
        return (a and a.value) == (b and b.value)  # type: ignore[union-attr]

    write(0)
    with ThreadPoolExecutor(8) as pool:
        written = pool.map(write, range(300))
        assert all(pool.map(read, range(300)))
        list(written)


def test_objects_that_are_no_containers_are_shared() -> None:
    store, thing = InMemoryStore(), object()
    store.put(("a",), "k", {"thing": thing, "pair": ({1}, [thing])})
    item = store.get(("a",), "k")
    assert item is not None
    assert item.value == {"thing": thing, "pair": ({1}, [thing])}


def test_order_is_that_of_the_first_put() -> None:
    store = InMemoryStore()
    for namespace, key in [("b", "1"), ("a", "2"), ("b", "3"), ("b", "1")]:
        store.put((namespace,), key, {})
    assert [(item.namespace, item.key) for item in store.search(())] == [(("b",), "1"), (("b",), "3"), (("a",), "2")]
    assert repr(store) == "<InMemoryStore 3 items in 2 namespaces>"


def test_a_started_sweeper_sweeps_and_stops() -> None:
    clock, swept = ManualClock(), Event()

    class Watched(InMemoryStore):
        failures = 1

        def sweep_ttl(self) -> int:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("once")
            count = super().sweep_ttl()
            swept.set()
            return count

    store = Watched(clock=clock, ttl={"default_ttl": 1, "omit_expired": False})
    store.put(("a",), "k", {})
    clock.advance(61)
    assert store.stop_ttl_sweeper()
    done = store.start_ttl_sweeper(sweep_interval_minutes=1e-6)
    assert store.start_ttl_sweeper() is done
    assert swept.wait(30)
    assert store.stop_ttl_sweeper(30)
    assert done.done()
    assert store.search(()) == []


def test_reads_of_a_batch_refresh_before_its_puts() -> None:
    clock = ManualClock()
    store = InMemoryStore(clock=clock, ttl={"default_ttl": 1})
    store.put(("a",), "k", {"v": 1})
    clock.advance(30)
    store.batch([SearchOp(("a",)), PutOp(("a",), "k", {"v": 2}, None, 0.25)])
    clock.advance(15)
    assert store.get(("a",), "k") is None
