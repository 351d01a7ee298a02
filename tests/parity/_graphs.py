"""Random graphs: a strategy of plain descriptions, and how one becomes a program.

A description says everything, so a program built of it does the same on every run and on every runtime: what a node
does depends on what it sees and on how many nodes have run (the key ``count``), never on time. Only one node of a graph
may fail, since which of two failures is raised is a matter of timing. Graphs stay small: every run has a recursion
limit, and Sends and gotos stop once ``count`` has passed a bound.

Annotations of this module are evaluated: a graph reads those of its state.
"""

import itertools
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from hypothesis import strategies as st

KEYS = ("fold", "last", "topic", "kept", "any", "eph", "once", "untracked")
"""Keys that a node may write, besides ``log`` and ``count``."""

END = "END"


class Boom(Exception):
    """The failure of a node that is made to fail."""


@dataclass(frozen=True)
class Packet:
    """A ``Send`` to a node."""

    node: str
    item: int


Target = str | Packet
Answers = tuple[tuple[Target, ...], ...]
"""Where to go, by turns."""


@dataclass(frozen=True)
class NodeSpec:
    """One node.

    Args:
        returns: ``dict``, ``none``, ``command``, ``pairs`` (a command whose update is pairs), ``commands`` (a list of
            commands), ``send`` (a bare one).
        writes: Keys that it writes besides ``log`` and ``count``.
        goto: Where its commands and bare sends go, by turns.
        overwrites: Whether ``log`` is replaced.
    """

    name: str
    returns: str
    writes: tuple[str, ...]
    goto: Answers
    defer: bool
    generator: bool
    overwrites: bool


@dataclass(frozen=True)
class GraphSpec:
    """One graph and a run of it.

    Args:
        branches: Source, answers, whether the path gets a map.
        fails: Node and activation that fails, if any.
        bound: Of ``count``, after which gotos, sends and branches stop; ``None`` leaves it to the limit.
    """

    nodes: tuple[NodeSpec, ...]
    edges: tuple[tuple[str, str], ...]
    joins: tuple[tuple[tuple[str, ...], str], ...]
    branches: tuple[tuple[str, Answers, bool], ...]
    fails: tuple[str, int] | None
    bound: int
    limit: int
    input: tuple[tuple[str, Any], ...]


# --- the strategy


@st.composite
def graph_specs(draw: st.DrawFn) -> GraphSpec:
    """Graphs of up to seven nodes."""
    names = tuple(f"n{i}" for i in range(draw(st.integers(1, 7))))
    some = st.sampled_from(names)
    target = st.one_of(some, some, st.builds(Packet, some, st.integers(0, 9)), st.just(END))
    answers = st.lists(st.lists(target, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
    nodes = tuple(draw(_nodes(name, answers)) for name in names)

    edge = st.tuples(some, st.one_of(some, some, some, st.just(END)))
    entry = st.tuples(st.just("START"), some)
    edges = [draw(entry), *draw(st.lists(entry, max_size=2)), *draw(st.lists(edge, max_size=2 * len(names)))]
    sources = st.lists(some, min_size=1, max_size=3, unique=True).map(tuple)
    joins = draw(st.lists(st.tuples(sources, some), max_size=3)) if len(names) > 2 else []
    if joins and draw(st.booleans()):
        # By chance alone hardly any join of several nodes is ever complete.
        edges += [("START", source) for source in joins[0][0]]
    branch = st.tuples(st.one_of(some, some, some, st.just("START")), answers, st.booleans())
    branches = draw(st.lists(branch, max_size=3))
    fails = draw(st.one_of(st.none(), st.tuples(some, st.integers(1, 2))))
    return GraphSpec(
        nodes,
        tuple(edges),
        tuple(joins),
        tuple(branches),
        fails,
        bound=draw(st.sampled_from((4, 8, 16))),
        limit=draw(st.sampled_from((3, 6, 9, 12))),
        input=draw(_inputs()),
    )


def _nodes(name: str, answers: st.SearchStrategy[Answers]) -> st.SearchStrategy[NodeSpec]:
    return st.builds(
        NodeSpec,
        st.just(name),
        returns=st.sampled_from(("dict", "dict", "dict", "none", "command", "command", "pairs", "commands", "send")),
        # `last` and `once` conflict easily, so they are rarer.
        writes=st.lists(st.sampled_from((*KEYS, "fold", "topic", "kept", "any", "eph")), max_size=3).map(_distinct),
        goto=answers,
        defer=st.sampled_from((False, False, False, True)),
        generator=st.sampled_from((False, False, False, False, True)),
        overwrites=st.sampled_from((False,) * 9 + (True,)),
    )


def _distinct(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


@st.composite
def _inputs(draw: st.DrawFn) -> tuple[tuple[str, Any], ...]:
    values = {"log": [0], "fold": 1, "last": "i", "topic": ["i", "j"], "kept": "i", "any": 0, "eph": 0, "untracked": 0}
    return tuple((key, values[key]) for key in draw(st.lists(st.sampled_from(sorted(values)), unique=True, max_size=4)))


# --- the program


def build(lg: Any, spec: GraphSpec) -> Any:
    """The run that a description describes, on one runtime."""
    channels = lg.channels

    class State(TypedDict):
        log: Annotated[list, operator.add]
        count: Annotated[int, operator.add]
        fold: Annotated[int, _fold]
        last: str
        topic: Annotated[list, channels.Topic(str)]
        kept: Annotated[list, channels.Topic(str, accumulate=True)]
        any: Annotated[int, channels.AnyValue(int)]
        eph: Annotated[int, channels.EphemeralValue(int, guard=False)]
        once: Annotated[int, channels.EphemeralValue(int)]
        untracked: Annotated[int, channels.UntrackedValue(int, guard=False)]

    graph = lg.StateGraph(State)
    for node in spec.nodes:
        graph.add_node(node.name, _make_node(lg, spec, node), defer=node.defer)
    place = {"START": lg.START, END: lg.END}
    for start, end in spec.edges:
        graph.add_edge(place.get(start, start), place.get(end, end))
    for starts, end in spec.joins:
        graph.add_edge(list(starts), end)
    for number, (source, answers, mapped) in enumerate(spec.branches):
        path = _make_path(lg, spec, answers, mapped)
        path.__name__ = f"path{number}"
        path_map = {f"to {name}": name for name in (*(n.name for n in spec.nodes), lg.END)} if mapped else None
        graph.add_conditional_edges(place.get(source, source), path, path_map)
    return lg.run(graph.compile(), dict(spec.input), {"recursion_limit": spec.limit})


def _fold(left: int, right: int) -> int:
    # The order of writes shows in the result.
    return (left * 31 + right) % 9973


def _make_node(lg: Any, spec: GraphSpec, node: NodeSpec) -> Any:
    # Sent tasks of one node count on several threads at once.
    activations = itertools.count(1)

    def answer(state: dict[str, Any]) -> Any:
        if spec.fails == (node.name, next(activations)):
            raise Boom(node.name)
        if node.returns == "none":
            return None
        seen = {key: state[key] for key in (*KEYS, "item") if key in state}
        count = state.get("count", spec.bound)
        log = [(node.name, tuple(seen.items()))]
        update: dict[str, Any] = {"log": lg.Overwrite(log) if node.overwrites else log, "count": 1}
        for key in node.writes:
            update[key] = f"{node.name}.{count}" if key in ("last", "topic", "kept") else 7 * count + len(node.name)
        goto = _destinations(lg, node.goto[count % len(node.goto)], count) if count < spec.bound else []
        match node.returns:
            case "dict":
                return update
            case "command":
                return lg.Command(update=update, goto=goto)
            case "pairs":
                return lg.Command(update=list(update.items()), goto=goto)
            case "commands":
                first = {key: value for key, value in update.items() if key in ("log", "count")}
                rest = {key: value for key, value in update.items() if key not in first}
                return [lg.Command(update=first), lg.Command(update=rest, goto=goto)]
            case _:
                packets = [one for one in goto if isinstance(one, lg.Send)]
                return packets[0] if packets else update

    if not node.generator:
        return lambda state: answer(state)

    def generator(state: dict[str, Any]) -> Any:
        yield {"log": ["a chunk that does not count"]}
        yield answer(state)

    return generator


def _make_path(lg: Any, spec: GraphSpec, answers: Answers, mapped: bool) -> Any:
    def path(state: dict[str, Any]) -> Any:
        count = state.get("count", 0)
        if count >= spec.bound:
            return []
        chosen = _destinations(lg, answers[count % len(answers)], count)
        if mapped:
            chosen = [f"to {one}" if isinstance(one, str) else one for one in chosen]
        return chosen[0] if len(chosen) == 1 else chosen

    return path


def _destinations(lg: Any, targets: Sequence[Target], count: int) -> list[Any]:
    return [
        lg.Send(one.node, {"item": one.item, "count": count + 1})
        if isinstance(one, Packet)
        else (lg.END if one == END else one)
        for one in targets
    ]


# --- what a run has reached


def features(spec: GraphSpec, trace: Any) -> set[str]:
    """Names of what happened in a run, out of its trace of all modes."""
    by_name = {node.name: node for node in spec.nodes}
    steps: list[list[dict[str, Any]]] = []
    before = ""
    for mode, payload in trace.events:
        if mode == "tasks" and "triggers" in payload:
            if before != "start":
                steps.append([])
            steps[-1].append(payload)
            before = "start"
        elif mode != "debug":
            before = mode
    found = {"raised " + trace.outcome[1][1] if trace.outcome[0] == "raised" else "finished"}
    ran: Counter[str] = Counter()
    for step in steps:
        names = [task["name"] for task in step]
        found.update({"several tasks"} if len(step) > 1 else ())
        found.update({"several sends"} if sum(_is_sent(task) for task in step) > 1 else ())
        ran.update(set(names))
        for task in step:
            node = by_name[task["name"]]
            found.add(f"returns {node.returns}")
            found.update(f"writes {key}" for key in node.writes if node.returns != "none")
            found.update({"generator"} if node.generator else ())
            found.update({"send"} if _is_sent(task) else ())
            found.update({"deferred"} if node.defer and not _is_sent(task) else ())
            found.update({"deferred and sent"} if node.defer and _is_sent(task) else ())
    found.update({"cycle"} if any(times > 1 for times in ran.values()) else ())
    found.update(_joined(spec, steps))
    found.update({"branch"} if any(source == "START" or ran[source] for source, _, _ in spec.branches) else ())
    found.update({"no task"} if not steps else ())
    return found


def _is_sent(task: dict[str, Any]) -> bool:
    return task["triggers"] == ("__pregel_push",)


def _joined(spec: GraphSpec, steps: list[list[dict[str, Any]]]) -> set[str]:
    """Whether the sources of a join were complete, and a superstep with its target followed."""
    found: set[str] = set()
    for sources, target in spec.joins:
        seen: set[str] = set()
        for step, following in itertools.pairwise(steps):
            seen |= {task["name"] for task in step} & set(sources)
            if seen == set(sources):
                seen = set()
                if any(task["name"] == target and not _is_sent(task) for task in following):
                    found.add("join of several" if len(sources) > 1 else "join of one")
    return found
