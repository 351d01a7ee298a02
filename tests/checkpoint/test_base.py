"""What the base class and its helpers promise to savers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from rxgraph.channels import LastValue
from rxgraph.checkpoint.base import (
    Address,
    BaseCheckpointSaver,
    CheckpointTuple,
    copy_checkpoint,
    create_checkpoint,
    empty_checkpoint,
    get_checkpoint_id,
    get_checkpoint_metadata,
    get_serializable_checkpoint_metadata,
    writes_sort_key,
)

CONFIG: Any = {"configurable": {"thread_id": "1", "checkpoint_ns": "", "checkpoint_id": "c"}}


def test_the_runtime_wins_then_metadata_then_configurable() -> None:
    config: Any = {
        "metadata": {
            "a": 1,
            "b": "x\0y",
            "__z": 1,
            "thread_id": "q",
            "list": [1],
            "t": True,
            "none": None,
            "source": "?",
        },
        "configurable": {"a": 2, "f": 1.5, "thread_id": "1", "checkpoint_ns": "", "obj": object()},
    }
    assert get_checkpoint_metadata(config, {"source": "loop", "step": 1, "parents": {}}) == {
        "source": "loop", "step": 1, "parents": {}, "a": 1, "b": "xy", "t": True, "f": 1.5,
    }  # fmt: skip


def test_serializable_metadata_leaves_out_the_old_writes() -> None:
    metadata: Any = {"step": 1, "writes": {"a": object()}}
    assert get_serializable_checkpoint_metadata({}, metadata) == {"step": 1}


def test_an_address_is_read_and_written() -> None:
    assert Address.of({"configurable": {"thread_id": 7}}) == ("7", "", None)
    assert Address.of(CONFIG).config() == CONFIG
    assert get_checkpoint_id(CONFIG) == "c"
    assert get_checkpoint_id({}) is None


@pytest.mark.parametrize("config", [{}, {"configurable": {}}, {"configurable": {"checkpoint_ns": ""}}])
def test_a_config_without_a_thread_says_what_is_missing(config) -> None:
    with pytest.raises(ValueError, match="thread_id"):
        Address.of(config)


def test_writes_sort_by_path_then_task_then_index() -> None:
    keys = [("b", "1", 0), ("a", "2", 0), ("a", "1", 1), ("a", "1", -3)]
    expected = [("a", "1", -3), ("a", "1", 1), ("a", "2", 0), ("b", "1", 0)]
    assert sorted(keys, key=lambda key: writes_sort_key(*key)) == expected


def test_a_copied_checkpoint_shares_no_dict() -> None:
    first = empty_checkpoint()
    first["versions_seen"]["a"] = {}
    second = copy_checkpoint(first)
    second["versions_seen"]["a"]["x"] = 1
    second["channel_values"]["x"] = second["channel_versions"]["x"] = 1
    assert first["channel_values"] == first["channel_versions"] == first["versions_seen"]["a"] == {}


def test_a_created_checkpoint_follows_on_its_base_and_leaves_out_empty_channels() -> None:
    base = empty_checkpoint()
    base["channel_versions"] = {"x": 1, "y": 1}
    full, blank = LastValue(int, "x"), LastValue(int, "y")
    full.update([5])
    made = create_checkpoint(base, {"x": full, "y": blank, "unwritten": full}, 3)
    assert made["v"] == 4
    assert made["id"] > base["id"]
    assert made["id"][19:23] == "8003"
    assert made["channel_values"] == {"x": 5}
    assert create_checkpoint(made, None, 4, id="mine")["channel_values"] == {"x": 5}


@pytest.mark.parametrize(
    "call",
    [
        lambda saver: saver.get(CONFIG),
        lambda saver: saver.list(CONFIG),
        lambda saver: saver.put(CONFIG, empty_checkpoint(), {}, {}),
        lambda saver: saver.put_writes(CONFIG, [], "t"),
        lambda saver: saver.delete_thread("1"),
        lambda saver: saver.delete_for_runs(["1"]),
        lambda saver: saver.copy_thread("1", "2"),
        lambda saver: saver.prune(["1"]),
        lambda saver: asyncio.run(saver.aget(CONFIG)),
        lambda saver: asyncio.run(saver.aprune(["1"])),
    ],
)
def test_what_a_saver_has_not_it_says(call) -> None:
    with pytest.raises(NotImplementedError, match="Mine has no "):
        call(type("Mine", (BaseCheckpointSaver,), {})())


def test_versions_of_the_base_class_are_numbers() -> None:
    saver: BaseCheckpointSaver[int] = BaseCheckpointSaver()
    assert saver.get_next_version(None, None) == 1
    assert saver.get_next_version(4, None) == 5
    with pytest.raises(NotImplementedError, match=r"version '0001\.0'"):
        saver.get_next_version("0001.0", None)  # type: ignore[arg-type]
    assert saver.config_specs == []


class _Chain:
    """Three checkpoints in a row, c the youngest; each wrote its id to "m", and a has a value stored."""

    PARENTS: ClassVar[dict[str, str | None]] = {"a": None, "b": "a", "c": "b"}

    def item(self, id: str) -> CheckpointTuple:
        address, parent = Address("1", "", id), self.PARENTS[id]
        checkpoint = {**empty_checkpoint(), "id": id, "channel_values": {"m": "seed"} if id == "a" else {}}
        return CheckpointTuple(
            address.config(), checkpoint, {}, parent and address.at(parent).config(), [("t", "m", id), ("t", "o", id)]
        )


class SyncOnly(BaseCheckpointSaver[int], _Chain):
    def get_tuple(self, config: Any) -> CheckpointTuple | None:
        return self.item(Address.of(config).id)

    def list(self, config: Any, **options: Any) -> Iterator[CheckpointTuple]:
        return map(self.item, "cba" * 20)


class AsyncOnly(BaseCheckpointSaver[int], _Chain):
    async def aget_tuple(self, config: Any) -> CheckpointTuple | None:
        return self.item(Address.of(config).id)


HISTORY = {
    "m": {"writes": [("t", "m", "a"), ("t", "m", "b")], "seed": "seed"},
    "o": {"writes": [("t", "o", "a"), ("t", "o", "b")]},
}


async def test_an_adapted_saver_lends_its_synchronous_methods() -> None:
    saver = SyncOnly()
    assert (await saver.aget(CONFIG))["id"] == "c"
    assert [found.checkpoint["id"] async for found in saver.alist(None)] == list("cba" * 20)


@pytest.mark.parametrize("saver", [SyncOnly(), AsyncOnly()])
async def test_the_history_of_a_delta_channel_needs_one_colour(saver) -> None:
    assert await saver.aget_delta_channel_history(config=CONFIG, channels=["m", "o"]) == HISTORY
    assert await saver.aget_delta_channel_history(config=CONFIG, channels=[]) == {}


def test_the_history_of_a_delta_channel_comes_from_the_parents() -> None:
    assert SyncOnly().get_delta_channel_history(config=CONFIG, channels=["m", "o"]) == HISTORY


async def test_a_damaged_chain_comes_to_an_end() -> None:
    class Round(SyncOnly):
        PARENTS: ClassVar[dict[str, str | None]] = {"a": "b", "b": "c", "c": "b"}

    found = Round().get_delta_channel_history(config=CONFIG, channels=["o"])
    assert [write[2] for write in found["o"]["writes"]] == ["c", "b"]


class Tagged:
    """A serializer that notes what it was allowed."""

    def __init__(self, allowed: tuple[Any, ...] = ()) -> None:
        self.allowed = allowed

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return "x", b""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return None

    def with_msgpack_allowlist(self, extra: Any) -> Tagged:
        return Tagged((*self.allowed, *extra))


def test_an_allow_list_makes_a_saver_on_the_same_storage() -> None:
    saver = SyncOnly(serde=Tagged())
    twin = saver.with_allowlist([("m", "C")])
    assert type(twin) is SyncOnly
    assert (saver.serde.allowed, twin.serde.allowed) == ((), (("m", "C"),))


def test_a_class_may_have_a_serializer_of_its_own() -> None:
    own = Tagged()
    assert type("Mine", (BaseCheckpointSaver,), {"serde": own})().serde is own


def test_savers_without_a_serializer_share_one() -> None:
    assert SyncOnly().serde is AsyncOnly().serde is BaseCheckpointSaver.serde
