"""What a graph's schemas name, its rows may make."""

from __future__ import annotations

import enum
import operator
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypeVar,
    Union,
)

import pydantic
import pytest
from typing_extensions import TypeAliasType, TypedDict

from rxgraph.channels import DeltaChannel, Topic
from rxgraph.checkpoint.serde.allowlist import collect_allowlist
from rxgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

if TYPE_CHECKING:
    from nowhere import Hidden


class Colour(enum.Enum):
    RED = 1


@dataclass
class Leaf:
    colour: Colour


@dataclass
class Tree:
    left: Tree | None
    leaf: Leaf


class Point(NamedTuple):
    x: Leaf


class Model(pydantic.BaseModel):
    point: Point
    other: Optional[Model] = None  # noqa: UP045


class Patch(pydantic.BaseModel):
    n: int


class Base(TypedDict):
    inherited: Leaf


class State(Base, total=False):
    model: NotRequired[Annotated[list[Model], operator.add]]


class Half(TypedDict):
    leaf: Leaf
    hidden: Hidden


T = TypeVar("T", bound=Patch)


class Box(pydantic.BaseModel, Generic[T]):
    content: T


def merge(current: dict[str, Any], patch: Patch) -> dict[str, Any]:
    return current


ALL = {Leaf, Colour}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (None, set()),
        (int, set()),
        (Any, set()),
        (dict, set()),
        (Colour, {Colour}),
        (Leaf, ALL),
        (Tree, {Tree, *ALL}),
        (Point, {Point, *ALL}),
        (Model, {Model, Point, *ALL}),
        (State, {Model, Point, *ALL}),
        (Half, ALL),
        (Leaf | None, ALL),
        (Union[int, Leaf], ALL),  # noqa: UP007
        (dict[str, tuple[Leaf, ...]], ALL),
        (Sequence[list[set[Colour]]], {Colour}),
        (typing.List[Leaf], ALL),  # noqa: UP006
        (Annotated[Annotated[Leaf, 1] | None, 2], ALL),
        (Required[Leaf], ALL),
        (Literal[Colour.RED, "x"], {Colour}),
        (NewType("Mine", Leaf), ALL),
        (TypeAliasType("Alias", list[Leaf]), ALL),
        (T, {Patch}),
        (Box, {Box, Patch}),
        (Annotated[dict, merge], {Patch}),
        (Annotated[list, Topic(Leaf)], ALL),
        (Annotated[list, DeltaChannel(lambda state, writes: state, list[Colour])], set()),
        (pydantic.BaseModel, set()),
        (type, set()),
        (object(), set()),
    ],
    ids=str,
)
def test_classes_are_found(schema: Any, found: set[type]) -> None:
    assert collect_allowlist(schema) == found


def test_a_generic_model_is_found_with_its_origin() -> None:
    assert collect_allowlist(Box[Patch]) >= {Box[Patch], Patch}


def test_local_classes_are_found_and_come_back() -> None:
    """A schema inside a function can't be resolved by name from outside; what can be is found."""

    class Mood(enum.Enum):
        GOOD = 1

    class Inner(pydantic.BaseModel):
        mood: Mood

    @dataclass
    class Outer:
        inner: Inner
        leaf: Leaf = field(default_factory=lambda: Leaf(Colour.RED))

    found = collect_allowlist(Outer, Inner, Mood)
    assert found >= {Outer, Inner, Mood, Leaf, Colour}
    serde = JsonPlusSerializer().with_allowlist(found)
    value = [Outer(Inner(mood=Mood.GOOD)), Inner(mood=Mood.GOOD), Mood.GOOD]
    assert serde.loads_typed(serde.dumps_typed(value)) == value


def test_several_schemas_are_one_list() -> None:
    assert collect_allowlist(Colour, None, Patch, Colour) == {Colour, Patch}
