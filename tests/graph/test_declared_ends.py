"""Where a node says by its annotation that its ``Command`` goes, however it writes that."""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

import pytest

from rxgraph.graph import START, StateGraph
from rxgraph.types import Command
from rxgraph.types import Command as Go

Way = Command[Literal["b"]]


def plain(state: Any) -> Command[Literal["b"]]: ...


def renamed(state: Any) -> Go[Literal["b"]]: ...


def aliased(state: Any) -> Way: ...


def united(state: Any) -> dict[str, Any] | Command[Literal["b"]]: ...


def old_union(state: Any) -> Union[dict, Command[Literal["b"]]]: ...  # noqa: UP007


def optional(state: Any) -> Optional[Command[Literal["b"]]]: ...  # noqa: UP045


def a_dict(state: Any) -> dict[str, Any]: ...


def nothing(state: Any) -> None: ...


def evaluated(state):
    """Annotations that are no text are read as they are."""


evaluated.__annotations__["return"] = Command[Literal["b"]]


@pytest.mark.parametrize("node", [plain, renamed, aliased, united, old_union, optional, evaluated])
def test_a_node_declares_where_its_command_goes(node: Any) -> None:
    assert set(StateGraph(dict).add_node("a", node).add_edge(START, "a").nodes["a"].ends) == {"b"}


@pytest.mark.parametrize("node", [a_dict, nothing, lambda state: state])
def test_others_declare_nothing(node: Any) -> None:
    assert not StateGraph(dict).add_node("a", node).nodes["a"].ends
