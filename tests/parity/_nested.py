"""Random graphs inside graphs: a strategy of plain descriptions, and how one becomes a session.

A graph is a line of layers; each node of a layer leads to every node of the next one. A node may be a graph, call one,
or send packets to one, three levels deep. What nodes do depends on what they see and on how often they have run, never
on time: only one node of all fails, and it is alone, as is each graph around it; a node that commands the graph outside
is alone in its own. The session answers, goes on, takes a second turn or forks, whichever the thread is ready for.

Annotations of this module are evaluated: a graph reads those of its state.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from hypothesis import strategies as st

KINDS = ("say", "say", "ask", "write", "retry", "child", "child", "call", "send")
ALONE = (*KINDS, "fail", "fail", "fail", "fail", "fail")
DEPTH = 3


class Boom(Exception):
    """The failure of a node that is made to fail."""


@dataclass(frozen=True)
class NodeSpec:
    """One node.

    Args:
        kind: ``say``, ``ask``, ``write`` (a custom event), ``fail``, ``retry`` (fails, and is tried again at once),
            ``parent`` (commands the graph outside), ``child`` (is a graph), ``call`` (calls one), ``send`` (sends
            packets to a node of its own).
        times: How many questions, failures, calls or packets.
        inner: The graph that it is or calls.
        target: The node that it sends packets to.
        goto: Where in the graph outside it goes.
    """

    name: str
    kind: str
    times: int = 1
    inner: "InnerSpec | None" = None
    target: "NodeSpec | None" = None
    goto: str | None = None


@dataclass(frozen=True)
class InnerSpec:
    """One graph.

    Args:
        mode: Its ``checkpointer``.
        before: Nodes before which it stops, and after which.
    """

    layers: tuple[tuple[NodeSpec, ...], ...]
    mode: bool | None
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class SessionSpec:
    """A graph and what happens to its thread: numbers that choose among what is possible."""

    root: InnerSpec
    choices: tuple[int, ...]


# --- the strategy


@st.composite
def session_specs(draw: st.DrawFn) -> SessionSpec:
    """Sessions of graphs that nest up to three levels."""
    root = draw(_inner("n", 0, (), True, False, [True]))
    return SessionSpec(root, tuple(draw(st.lists(st.integers(0, 11), min_size=5, max_size=7))))


@st.composite
def _inner(
    draw: st.DrawFn, prefix: str, depth: int, outside: tuple[str, ...], alone: bool, sent: bool, fails: list[bool]
) -> Any:
    widths = draw(st.lists(st.sampled_from((1, 1, 2, 3)), min_size=1, max_size=3 if depth < 2 else 2))
    names = [[f"{prefix}{place}{letter}" for letter in "abc"[:width]] for place, width in enumerate(widths)]
    layers: list[Any] = []
    for place, layer in enumerate(names):
        later = tuple(name for one in names[place + 1 :] for name in one)
        # What the last layer has sent runs beside this one, and what a graph inside an earlier one has jumped to.
        single = len(layer) == 1 and not any(node.target for one in layers[-1:] for node in one)
        single = single and not any(_jumps(node) for one in layers for node in one)
        layers.append(tuple(draw(_node(name, depth, later, outside, alone, sent, single, fails)) for name in layer))
    flat = [name for layer in names for name in layer]
    stops = st.one_of(st.just(()), st.just(()), st.just(()), st.sampled_from(flat).map(lambda name: (name,)))
    # Packets of one superstep to a stateful graph share its history: what it keeps is a matter of timing.
    nests = any(node.inner is not None or node.target is not None for layer in layers for node in layer)
    # What is never saved stands among the parents of graphs inside it there, and not here: parents_are_saved.
    modes = (None, None, True, False, False)
    mode = draw(st.sampled_from([one for one in modes if not (sent and one is True) and not (nests and one is False)]))
    return InnerSpec(tuple(layers), mode, draw(stops), draw(stops))


@st.composite
def _node(
    draw: st.DrawFn,
    name: str,
    depth: int,
    later: tuple[str, ...],
    outside: tuple[str, ...],
    alone: bool,
    sent: bool,
    single: bool,
    fails: list[bool],
) -> Any:
    alone = alone and single
    kinds = [*(ALONE if alone and fails[0] else KINDS), *(["parent"] * 3 if depth and single else [])]
    kind = draw(st.sampled_from(kinds))
    if kind in ("child", "call") and depth == DEPTH - 1:
        kind = "ask"
    times = draw(st.sampled_from((1, 1, 2)))
    if kind == "fail":
        fails[0] = False
        return NodeSpec(name, kind, times)
    if kind == "parent":
        return NodeSpec(name, kind, goto=draw(st.sampled_from((None, *outside))))
    if kind in ("child", "call"):
        return NodeSpec(name, kind, times, draw(_inner(f"{name}_", depth + 1, later, alone, sent, fails)))
    if kind == "send":
        target = f"{name}t"
        if depth < DEPTH - 1 and draw(st.booleans()):
            inner = draw(_inner(f"{target}_", depth + 1, later, False, True, [False]))
            return NodeSpec(name, kind, times, target=NodeSpec(target, "child", inner=inner))
        return NodeSpec(name, kind, times, target=NodeSpec(target, draw(st.sampled_from(("say", "ask")))))
    return NodeSpec(name, kind, times)


def _jumps(node: NodeSpec) -> bool:
    """Whether the graph that a node is, calls or sends to may go to a later node of the graph around it."""
    inner = node.inner if node.target is None else node.target.inner
    return inner is not None and any(one.goto for layer in inner.layers for one in layer)


def walk(inner: InnerSpec, depth: int = 0) -> Any:
    """Each node with the depth of its graph."""
    for node in itertools.chain.from_iterable(inner.layers):
        for one in (node, node.target):
            if one is not None:
                yield one, depth
                if one.inner is not None:
                    yield from walk(one.inner, depth + 1)


# --- the session


def _join(left: list, right: list) -> list:
    # What a graph inside hands back of what it was given is not repeated.
    return left + [one for one in right if one not in left]


def _fold(left: int, right: int) -> int:
    # The order of writes shows in the result.
    return (left * 31 + right) % 9973


class State(TypedDict):
    log: Annotated[list, _join]
    n: Annotated[int, _fold]


def play(lg: Any, spec: SessionSpec, seen: Counter[str]) -> None:
    """The session that a description describes, on one runtime; counts what happened."""
    thread = lg.nested(build(lg, spec.root), **_stops(spec.root))
    thread.send({"log": ["i"], "n": 1})
    turns = 0
    for choice in spec.choices:
        snapshot = thread.state()
        if isinstance(snapshot, Exception):
            break
        asked = sorted(snapshot.interrupts, key=lambda one: repr(one.value))
        answers = {one.id: f"{one.value}!{choice}" for one in asked}
        if asked and choice in (0, 9) and turns < 1:
            turns += 1
            seen["went back while it waited"] += 1
            thread.send(None, _earlier(thread, snapshot, choice))
        elif asked and choice % 4 == 3:
            seen["asked again"] += 1
            thread.send(None)
        elif asked and choice % 4 == 2 and len(asked) > 1:
            seen["answered in part"] += 1
            thread.resume(dict(list(answers.items())[:1]))
        elif asked:
            seen["several answers" if len(asked) > 1 else "one answer"] += 1
            thread.resume(answers)
        elif snapshot.next:
            seen["went on"] += 1
            thread.send(None)
        elif turns < 1 and choice % 3:
            turns += 1
            seen["second turn"] += 1
            thread.send({"log": [f"turn {turns}"], "n": turns})
        elif turns < 1:
            turns += 1
            seen["forked"] += 1
            thread.send(None, _earlier(thread, snapshot, choice))
        else:
            seen["finished"] += 1
            break


def _earlier(thread: Any, snapshot: Any, choice: int) -> Any:
    """The configuration of one of the last checkpoints."""
    return thread.at(-1 - min(choice // 3, snapshot.metadata["step"] + 1))


def build(lg: Any, spec: InnerSpec) -> Any:
    """The graph that a description describes, not yet compiled."""
    graph = lg.StateGraph(State)
    for layer in spec.layers:
        for node in layer:
            more = {"retry_policy": _retried(lg)} if node.kind == "retry" else {}
            graph.add_node(node.name, _action(lg, node), **more)
            if node.target:
                graph.add_node(node.target.name, _action(lg, node.target))
    for node in spec.layers[0]:
        graph.add_edge(lg.START, node.name)
    for layer, following in itertools.pairwise(spec.layers):
        for node, after in itertools.product(layer, following):
            graph.add_edge(node.name, after.name)
            if node.target:
                graph.add_edge(node.target.name, after.name)
    return graph


def _retried(lg: Any) -> Any:
    return lg.RetryPolicy(initial_interval=0, jitter=False, max_attempts=3, retry_on=Boom)


def _stops(spec: InnerSpec) -> dict[str, Any]:
    return {"interrupt_before": list(spec.before), "interrupt_after": list(spec.after)}


def _action(lg: Any, node: NodeSpec) -> Any:
    if node.inner is None:
        return _plain(lg, node)
    child = build(lg, node.inner).compile(checkpointer=node.inner.mode, **_stops(node.inner))
    if node.kind == "child":
        return child

    def shown(result: dict[str, Any]) -> list[Any]:
        return [node.name, len(result["log"]), result["n"]]

    def call(state: dict[str, Any]) -> Any:
        return {
            "log": [
                shown(child.invoke({"log": [node.name], "n": 2 * state["n"] + time})) for time in range(node.times)
            ],
            "n": 3,
        }

    async def coloured(state: dict[str, Any]) -> Any:
        results = [await child.ainvoke({"log": [node.name], "n": 2 * state["n"] + time}) for time in range(node.times)]
        return {"log": [shown(result) for result in results], "n": 3}

    return call if lg.lane == "sync" else coloured


def _plain(lg: Any, node: NodeSpec) -> Any:
    runs = itertools.count()

    def act(state: dict[str, Any], writer: lg.StreamWriter) -> Any:
        said: list[Any] = [node.name, state["n"]]
        if node.kind in ("fail", "retry") and next(runs) < node.times:
            raise Boom(node.name)
        if node.kind == "ask":
            said += [lg.interrupt(f"{node.name}.{number} at {state['n']}") for number in range(node.times)]
        if node.kind == "write":
            writer(said)
        update = {"log": [said], "n": len(node.name)}
        if node.kind == "parent":
            return lg.Command(graph=lg.Command.PARENT, update=update, goto=node.goto or ())
        if node.target:
            packets = [
                lg.Send(node.target.name, {"log": [number], "n": 2 * state["n"] + number})
                for number in range(node.times)
            ]
            return lg.Command(update=update, goto=packets)
        return update

    return act
