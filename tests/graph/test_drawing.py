"""Pictures of graphs: what they show, of runs, too, and that nobody else is needed to make them."""

import operator
import random
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.graph import END, START, StateGraph
from rxgraph.graph.drawing import Drawing
from rxgraph.graph.drawing._layout import Gaps, Line, Size, lay_out
from rxgraph.graph.drawing._yaml import dump_yaml
from rxgraph.types import Command, interrupt


class State(TypedDict):
    log: Annotated[list, operator.add]


def node(state):
    return {"log": ["done"]}


def ask(state):
    return {"log": [interrupt("may I?")]}


def fail(state):
    raise ValueError("no")


def stop(state):
    return END


def line(*nodes: tuple[str, Any], **options: Any) -> Any:
    return StateGraph(State).add_sequence(nodes).add_edge(START, nodes[0][0]).compile(**options)


def agent() -> Any:
    builder = StateGraph(State).add_node("agent", node).add_node("tools", node).add_edge(START, "agent")
    return builder.add_conditional_edges("agent", stop, {"call": "tools", "stop": END}).add_edge("tools", "agent")


def by_chance(draw: random.Random, nodes: int, edges: int, labels: bool = False) -> Drawing:
    picture = Drawing()
    made = [picture.add_node(None, f"N{number}") for number in range(nodes)]
    pairs = {(draw.randrange(nodes), draw.randrange(nodes)) for _ in range(edges)}
    for source, target in sorted(pair for pair in pairs if pair[0] != pair[1]):
        label = f"L{source}.{target}" if labels and draw.random() < 0.5 else None
        picture.add_edge(made[source], made[target], label, draw.random() < 0.4)
    return picture


# --- text


AGENT = """\
        +-----------+
        | __start__ |
        +-----------+
              |
              v
        +-----------+
        |   agent   |
        +-----------+
           :    : ^
     +.....+    : +---+
   stop       call    |
     v          v     |
+---------+    +-------+
| __end__ |    | tools |
+---------+    +-------+"""

LOOP = """\
       +-----------+
       | __start__ |
       +-----------+
             |
             v
         +-------+..+
         |   a   |  : again
         +-------+<.+
             :
           stop
             v
        +---------+
        | __end__ |
        +---------+"""

LONG = """\
       +-----------+
       | __start__ |
       +-----------+
             |
             v
         +-------+
         |   a   |
         +-------+
             :
 this is said in more than
   twenty-eight letters
             v
         +-------+
         |   b   |
         +-------+
             |
             v
        +---------+
        | __end__ |
        +---------+"""

INNER = """\
 +-----------+
 | __start__ |
 +-----------+
       |
       v
+-------------+
|     漢字    |
|  team = ops |
+-------------+
       |
       v
  +== sub ==+
  | +-----+ |
  | |  x  | |
  | +-----+ |
  |    |    |
  |    v    |
  | +-----+ |
  | |  y  | |
  | +-----+ |
  +=========+
       |
       v
  +---------+
  | __end__ |
  +---------+"""


def test_text_shows_boxes_lines_and_labels(capsys: pytest.CaptureFixture[str]) -> None:
    picture = agent().compile().get_graph()
    assert picture.draw_ascii() == AGENT
    picture.print_ascii()
    assert capsys.readouterr().out == AGENT + "\n"


def test_text_shows_loops_beside_their_box() -> None:
    builder = StateGraph(State).add_node("a", node).add_edge(START, "a")
    graph = builder.add_conditional_edges("a", stop, {"again": "a", "stop": END}).compile()
    assert graph.get_graph().draw_ascii() == LOOP


def test_long_labels_are_wrapped_and_empty_ones_left_out() -> None:
    def drawn(label: str) -> str:
        builder = StateGraph(State).add_node("a", node).add_node("b", node).add_edge(START, "a")
        return builder.add_conditional_edges("a", stop, {label: "b"}).compile().get_graph().draw_ascii()

    assert drawn("this is said in more than twenty-eight letters") == LONG
    assert drawn("") == drawn("b"), "a label that is the name of the node is left out, too"


def test_text_shows_inner_graphs_metadata_and_wide_letters() -> None:
    inner = line(("x", node), ("y", node))
    builder = StateGraph(State).add_node("漢字", node, metadata={"team": "ops"}).add_node("sub", inner)
    graph = builder.add_edge(START, "漢字").add_edge("漢字", "sub").compile()
    assert graph.get_graph(xray=True).draw_ascii() == INNER


def test_text_of_nothing_is_empty() -> None:
    assert Drawing().draw_ascii() == ""


class Reader:
    """Finds the boxes of a text, and follows lines from each arrow to where they come from."""

    def __init__(self, text: str, names: list[str]) -> None:
        self.rows = text.split("\n")
        self.boxes = {}
        for y, row in enumerate(self.rows):
            for name in names:
                place = row.find(f" {name} ")
                if place >= 0:
                    self.boxes[name] = (row.rfind("|", 0, place + 1), y - 1, row.find("|", place), y + 1)

    def edges(self) -> list[tuple[str, str]]:
        found = []
        for y, row in enumerate(self.rows):
            for x, character in enumerate(row):
                step = {"v": 1, "^": -1}.get(character, 0)
                if step and not self.box(x, y):
                    found.append((self.follow(x, y - step, -step), self.box(x, y + step)))
        return sorted(found)

    def cell(self, x: int, y: int) -> str:
        return self.rows[y][x] if 0 <= y < len(self.rows) and 0 <= x < len(self.rows[y]) else " "

    def box(self, x: int, y: int) -> str:
        for name, (left, top, right, bottom) in self.boxes.items():
            if left <= x <= right and top <= y <= bottom:
                return name
        return ""

    def follow(self, x: int, y: int, step: int) -> str:
        while not self.box(x, y):
            if self.cell(x, y) == "+":
                sides = [side for side in (-1, 1) if self.leads(x + side, y, side)]
                assert len(sides) == 1, f"the line at {x}, {y} is forked"
                x += sides[0]
                while self.cell(x, y) in "-.|:":
                    x += sides[0]
                assert self.cell(x, y) == "+", f"the line to {x}, {y} is broken"
            else:
                assert self.cell(x, y) in "|:^v", f"the line at {x}, {y} is broken"
            y += step
        return self.box(x, y)

    def leads(self, x: int, y: int, side: int) -> bool:
        """Whether a line goes on at that side of a corner; it may be crossed there."""
        while self.cell(x, y) in "|:":
            x += side
        return self.cell(x, y) in "-.+"


@pytest.mark.parametrize(("nodes", "edges"), [(3, 3), (5, 6), (7, 9), (9, 14), (12, 20)])
def test_every_line_of_a_text_can_be_followed(nodes: int, edges: int) -> None:
    for seed in range(60):
        picture = by_chance(random.Random(seed), nodes, edges)
        read = Reader(picture.draw_ascii(), list(picture.nodes))
        assert set(read.boxes) == set(picture.nodes), seed
        assert read.edges() == sorted(edge[:2] for edge in picture.edges), seed


def test_every_label_of_a_text_can_be_read() -> None:
    for seed in range(60):
        picture = by_chance(random.Random(seed), 8, 12, labels=True)
        words = picture.draw_ascii().split()
        labels = [edge.data for edge in picture.edges if edge.data]
        assert sorted(word for word in words if word.startswith("L")) == sorted(labels), seed


# --- places


def test_boxes_and_labels_keep_their_distance() -> None:
    for seed in range(60):
        draw = random.Random(seed)
        picture = by_chance(draw, 10, 15, labels=True)
        sizes = {name: Size(draw.randint(10, 80), draw.randint(10, 40)) for name in picture.nodes}
        lines = [Line(edge.source, edge.target, Size(20, 10) if edge.data else None) for edge in picture.edges]
        layout = lay_out(sizes, lines, Gaps(20, 10, 15))
        places = [*layout.places.values(), *(course.label for course in layout.courses if course.label)]
        for number, one in enumerate(places):
            assert one.x >= -1e-6
            assert one.x + one.width <= layout.size.width + 1e-6
            assert one.bottom <= layout.size.height + 1e-6
            for other in places[:number]:
                beside = one.x + one.width + 10 <= other.x + 1e-6 or other.x + other.width + 10 <= one.x + 1e-6
                assert beside or one.bottom + 15 <= other.y + 1e-6 or other.bottom + 15 <= one.y + 1e-6, seed


def test_lines_touch_their_boxes_each_at_its_own_place() -> None:
    picture = by_chance(random.Random(3), 6, 14)
    sizes = dict.fromkeys(picture.nodes, Size(60, 20))
    lines = [Line(edge.source, edge.target) for edge in picture.edges]
    layout = lay_out(sizes, lines, Gaps(20, 10, 15))
    touched = []
    for course, edge in zip(layout.courses, picture.edges, strict=True):
        upper, lower = (edge.target, edge.source) if course.upward else (edge.source, edge.target)
        assert course.stops[0] == layout.places[upper]
        assert course.stops[-1] == layout.places[lower]
        for x, side, name in ((course.leaves, "below", upper), (course.arrives, "above", lower)):
            assert layout.places[name].x < x < layout.places[name].x + 60
            touched.append((name, side, round(x, 6)))
    assert len(set(touched)) == len(touched)


def test_only_what_closes_a_cycle_goes_up() -> None:
    lines = [Line("a", "b"), Line("b", "c"), Line("c", "a"), Line("a", "c")]
    layout = lay_out(dict.fromkeys("abc", Size(10, 10)), lines, Gaps(5, 5, 5))
    assert [course.upward for course in layout.courses] == [False, False, True, False]
    assert sorted(layout.places, key=lambda name: layout.places[name].y) == ["a", "b", "c"]


# --- SVG and PNG


def test_svg_is_whole_and_shows_what_the_graph_says(tmp_path: Path) -> None:
    builder = agent().add_node('<b> & "q"\x00', node, metadata={"k": "a<b"}).add_edge("tools", '<b> & "q"\x00')
    picture = builder.compile().get_graph()
    drawn = picture.draw_svg(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == drawn
    root = ElementTree.fromstring(drawn)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == sorted(
        ["__start__", "agent", "tools", '<b> & "q"\ufffd', "k = a<b", "__end__", "call", "stop"]
    )
    assert len(list(root.iter("{http://www.w3.org/2000/svg}rect"))) == 5 + 2, "five boxes, two grounds of labels"
    dotted = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("stroke-dasharray")]
    assert len(dotted) == 2
    assert drawn.count("http") == 1, "nothing is taken from elsewhere; the name of SVG itself is an address"


def test_svg_draws_inner_graphs_open_and_loops_beside_their_boxes() -> None:
    inner = line(("x", node), ("y", node))
    builder = StateGraph(State).add_node("a", node).add_node("sub", inner).add_edge(START, "a").add_edge("a", "sub")
    picture = builder.add_conditional_edges("a", stop, {"again": "a", "b": "sub"}).compile().get_graph(xray=True)
    root = ElementTree.fromstring(picture.draw_svg())
    boxes = [[float(one.get(key)) for key in ("x", "y", "width", "height")] for one in root if one.tag.endswith("rect")]
    texts = {one.text: (float(one.get("x")), float(one.get("y"))) for one in root if one.tag.endswith("text")}

    def around(name: str) -> list[list[float]]:
        x, y = texts[name]
        return [box for box in boxes if box[0] < x < box[0] + box[2] and box[1] < y < box[1] + box[3]]

    assert [len(around(name)) for name in ("a", "x", "y")] == [1, 2, 2]
    assert around("sub") == [around("x")[0]], "the title stands in the frame of its nodes"
    assert around("again") == []
    assert texts["again"][0] > around("a")[0][0] + around("a")[0][2]
    assert picture.draw_png().startswith(b"\x89PNG")


def test_an_unknown_curve_is_named() -> None:
    with pytest.raises(ValueError, match="expected one of basis, bumpX"):
        agent().compile().get_graph().draw_mermaid(curve_style="bent")


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_png_has_the_size_of_the_svg(tmp_path: Path) -> None:
    picture = agent().compile().get_graph()
    root = ElementTree.fromstring(picture.draw_svg())
    width, height = size_of(picture.draw_png(tmp_path / "graph.png", scale=3.0))
    assert abs(width - 3 * float(root.get("width"))) <= 3
    assert abs(height - 3 * float(root.get("height"))) <= 3
    assert size_of((tmp_path / "graph.png").read_bytes()) == (width, height)
    wider, _ = size_of(picture.draw_png(scale=3.0, padding=40))
    assert wider == pytest.approx(width + 180, abs=2)


def test_png_takes_other_labels_and_the_arguments_of_the_service(tmp_path: Path) -> None:
    picture = agent().compile().get_graph()
    plain = size_of(picture.draw_png())
    labels = {"nodes": {"tools": "many more tools than before"}, "edges": {"stop": "stop when there is no more to do"}}
    assert size_of(picture.draw_png(labels=labels))[0] > plain[0] + 100
    drawn = picture.draw_mermaid_png(
        output_file_path=tmp_path / "graph.png",
        background_color="!transparent",
        padding=10,
        max_retries=5,
        base_url="https://example.org",
    )
    assert size_of(drawn) == plain
    assert (tmp_path / "graph.png").read_bytes() == drawn


def test_png_without_its_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    picture = agent().compile().get_graph()
    with pytest.raises(ImportError, match=r"rxgraph-runtime\[draw\]"):
        picture.draw_png()
    assert picture.draw_svg().startswith("<svg")


# --- runs


def thread() -> dict[str, Any]:
    return {"configurable": {"thread_id": "1"}}


def classes(text: str) -> dict[str, str]:
    """State -> ids that Mermaid text gives it."""
    found = (row.split() for row in text.splitlines() if row.startswith("\tclass "))
    return {state: ids for _, ids, state in found}


def test_a_picture_shows_what_waits_for_a_person() -> None:
    graph = line(("plan", node), ("ask", ask), ("go", node), checkpointer=InMemorySaver())
    picture = graph.get_graph()
    graph.invoke({"log": []}, thread())
    assert classes(picture.draw_mermaid(run=graph.get_state(thread()))) == {"done": "__start__", "waiting": "ask"}
    history = graph.get_state_history(thread())
    assert classes(picture.draw_mermaid(run=history)) == {"done": "__start__,plan", "waiting": "ask"}
    assert "[??] ask" in picture.draw_ascii(run=graph.get_state(thread()))
    graph.invoke(Command(resume="yes"), thread())
    assert classes(picture.draw_mermaid(run=graph.get_state(thread()))) == {"done": "__start__,__end__"}
    done = classes(picture.draw_mermaid(run=graph.get_state_history(thread())))
    assert done == {"done": "__start__,plan,ask,go,__end__"}


def test_a_picture_shows_what_has_failed_and_what_comes_next() -> None:
    builder = StateGraph(State).add_node("a", node).add_node("fail", fail).add_node("ok", node).add_edge(START, "a")
    graph = builder.add_edge("a", "fail").add_edge("a", "ok").compile(checkpointer=InMemorySaver())
    with pytest.raises(ValueError, match="no"):
        graph.invoke({"log": []}, thread())
    text = graph.get_graph().draw_mermaid(run=graph.get_state(thread()))
    assert classes(text)["failed"] == "fail"
    stopped = line(("a", node), ("b", node), checkpointer=InMemorySaver(), interrupt_before=["b"])
    stopped.invoke({"log": []}, thread())
    text = stopped.get_graph().draw_mermaid(run=stopped.get_state(thread()))
    assert classes(text) == {"done": "__start__", "next": "b"}
    for state in ("done", "next"):
        assert text.count(f"\tclassDef {state} fill:") == 1


def test_a_picture_shows_states_inside_inner_graphs() -> None:
    graph = line(("a", node), ("sub", line(("x", node), ("y", ask))), checkpointer=InMemorySaver())
    graph.invoke({"log": []}, thread())
    state = graph.get_state(thread(), subgraphs=True)
    assert classes(graph.get_graph(xray=True).draw_mermaid(run=state))["waiting"] == "sub\\3ay,sub"
    assert classes(graph.get_graph().draw_mermaid(run=state))["waiting"] == "sub"


def test_a_picture_of_a_loop_shows_what_comes_again_as_next() -> None:
    builder = StateGraph(State).add_node("a", node).add_node("b", node).add_edge(START, "a").add_edge("a", "b")
    graph = builder.add_edge("b", "a").compile(checkpointer=InMemorySaver(), interrupt_after=["b"])
    graph.invoke({"log": []}, thread())
    history = list(graph.get_state_history(thread()))
    assert classes(graph.get_graph().draw_mermaid(run=history)) == {"done": "__start__,b", "next": "a"}


def test_a_handle_of_a_run_is_taken() -> None:
    task = SimpleNamespace(name="ask", error=None, interrupts=(), state=None)
    snapshot = SimpleNamespace(next=("ask",), tasks=(task,), values={"log": []})
    picture = line(("ask", ask)).get_graph()
    for interrupts, state in (((), "next"), (("may I?",), "waiting")):
        handle = SimpleNamespace(snapshot=snapshot, interrupts=interrupts)
        assert classes(picture.draw_mermaid(run=handle))[state] == "ask"


class Events(list):
    """A handle whose events are there to be read once."""

    interrupts = ()


@pytest.mark.parametrize("run", [3, "run", {"next": ()}, Events()], ids=["int", "str", "dict", "handle"])
def test_what_is_no_run_is_refused(run: Any) -> None:
    with pytest.raises(TypeError, match="StateSnapshot"):
        line(("a", node)).get_graph().draw_mermaid(run=run)


def test_every_kind_of_picture_shows_a_run() -> None:
    graph = line(("plan", node), ("ask", ask), checkpointer=InMemorySaver())
    graph.invoke({"log": []}, thread())
    picture, state = graph.get_graph(), graph.get_state(thread())
    waiting = [one for one in ElementTree.fromstring(picture.draw_svg(run=state)) if one.get("class") == "waiting"]
    assert [one.get("fill") for one in waiting] == ["#fff3c4"]
    assert picture.draw_png(run=state) != picture.draw_png()
    bare = picture.draw_mermaid(run=state, with_styles=False)
    assert classes(bare)["waiting"] == "ask"


# --- the compiled graph


def test_a_notebook_shows_the_picture_and_never_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = agent().compile(name="helper")
    bundle = graph._repr_mimebundle_(include=None, exclude=None)
    assert bundle == {
        "text/plain": repr(graph),
        "text/vnd.mermaid": graph.get_graph().draw_mermaid(),
        "image/svg+xml": graph.get_graph().draw_svg(),
    }
    assert graph.get_graph()._repr_mimebundle_()["image/svg+xml"] == bundle["image/svg+xml"]

    def broken(self, **options):
        raise ArithmeticError("no room")

    monkeypatch.setattr(Drawing, "draw_svg", broken)
    bundle = graph._repr_mimebundle_()
    assert bundle["text/plain"] == f"{graph!r}\n(no picture: ArithmeticError('no room'))"


def test_a_repr_counts_what_is_there() -> None:
    assert repr(agent().compile(name="helper")) == (
        "<CompiledStateGraph 'helper' | 2 nodes: agent, tools | 2 edges, 1 branch>"
    )
    many = StateGraph(State).add_sequence([(f"n{number}", node) for number in range(9)]).add_edge(START, "n0")
    many.add_edge(["n1", "n2"], "n8")
    assert repr(many.compile()) == (
        "<CompiledStateGraph 'LangGraph' | 9 nodes: n0, n1, n2, n3, n4, n5, and 3 more | 11 edges>"
    )


def test_what_draws_is_loaded_when_a_picture_is_asked_for() -> None:
    program = """
import sys
from rxgraph.graph import START, StateGraph
graph = StateGraph(dict).add_node("a", lambda state: state).add_edge(START, "a").compile()
repr(graph), list(graph.get_subgraphs())
assert not [name for name in sys.modules if name.startswith("rxgraph.graph.drawing")]
graph._repr_mimebundle_()
graph.get_graph().draw_ascii()
assert "rxgraph.graph.drawing" in sys.modules
assert not {"matplotlib", "PIL", "numpy", "langchain_core", "yaml"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# --- front matter


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
ODD = "yes no null ~ 1.5 1e+3 0x1F 12:30 - ? : # a:b".split()
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(ODD)
VALUES = st.recursive(
    PLAIN | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_front_matter_is_yaml_that_says_the_same(value: dict[str, Any]) -> None:
    assert yaml.safe_load(dump_yaml(value)) == value
