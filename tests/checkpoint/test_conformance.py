"""The public suite, run against every saver of ours, one of a user, and a row of broken ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import SkipTest

import pytest

from rxgraph.checkpoint.base import WRITES_IDX_MAP, Address, BaseCheckpointSaver
from rxgraph.checkpoint.memory import InMemorySaver
from rxgraph.checkpoint.memory._shelf import Shelf
from rxgraph.checkpoint.sqlite import SqliteSaver
from rxgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from rxgraph.testing import SaverConformance


class TestMemory(SaverConformance):
    def create(self) -> Any:
        return InMemorySaver()


class TestSqlite(SaverConformance):
    @asynccontextmanager
    async def create(self) -> AsyncIterator[Any]:
        with SqliteSaver.from_conn_string(":memory:") as saver:
            yield saver


class TestAsyncSqlite(SaverConformance):
    def create(self) -> Any:
        return AsyncSqliteSaver.from_conn_string(":memory:")


class Plain(BaseCheckpointSaver[int]):
    """A user's saver with no more than it must have: the synchronous colour, around another saver."""

    def __init__(self) -> None:
        super().__init__()
        inner = InMemorySaver()
        for name in "get_tuple list put put_writes delete_thread".split():
            setattr(self, name, getattr(inner, name))


class TestPlain(SaverConformance):
    @asynccontextmanager
    async def create(self) -> AsyncIterator[Any]:
        yield Plain()

    test_optional_checkpoints_of_runs_are_deleted = None
    test_optional_copied_thread_is_equal_and_apart = None
    test_optional_pruned_thread_keeps_the_latest = None


def test_every_rule_says_what_to_check() -> None:
    rules = {name: rule for name, rule in vars(SaverConformance).items() if name.startswith("test_")}
    assert len(rules) > 25
    for name, rule in rules.items():
        assert name.startswith(("test_required_", "test_optional_")), name
        assert "If this fails, " in rule.__doc__, name


# The suite finds what is wrong: each broken saver differs from the one in memory by one method.


class Broken(InMemorySaver):
    def shelf(self, config: Any) -> Shelf:
        return self._shelf(Address.of(config))


class ReturnsTheParent(Broken):
    def put(self, config, *rest):
        super().put(config, *rest)
        return config


class KnowsOneFormat(Broken):
    def get_tuple(self, config):
        found = super().get_tuple(config)
        return found and found._replace(checkpoint={**found.checkpoint, "v": 4})


class LatestIsLast(Broken):
    def put(self, config, checkpoint, *rest):
        self.last = checkpoint["id"]
        return super().put(config, checkpoint, *rest)

    def get_tuple(self, config):
        return super().get_tuple({"configurable": {"checkpoint_id": self.last, **config["configurable"]}})


class FallsBack(Broken):
    def get_tuple(self, config):
        found = super().get_tuple(config)
        return found or super().get_tuple({"configurable": {**config["configurable"], "checkpoint_id": None}})


class WritesKnowNoNamespace(Broken):
    def put_writes(self, config, *rest):
        super().put_writes({"configurable": {**config["configurable"], "checkpoint_ns": ""}}, *rest)


class RepresentsThreads(Broken):
    def put(self, config, *rest):
        thread = repr(config["configurable"]["thread_id"])
        return super().put({"configurable": {**config["configurable"], "thread_id": f"<{thread}>"}}, *rest)


class GuessesTheParent(Broken):
    def put(self, config, *rest):
        latest = self.shelf(config).latest()
        return super().put({"configurable": {**config["configurable"], "checkpoint_id": latest}}, *rest)


class OneValueForAll(Broken):
    def put(self, config, checkpoint, metadata, new):
        versions = dict.fromkeys(checkpoint["channel_versions"], "1")
        return super().put(config, {**checkpoint, "channel_versions": versions}, metadata, dict.fromkeys(new, "1"))


class Live:
    """A serializer that isn't one."""

    def dumps_typed(self, value):
        return "live", value

    def loads_typed(self, data):
        return data[1]


class KeepsLiveValues(Broken):
    serde: Any = Live()


class KeepsNoUserMetadata(Broken):
    def put(self, config, *rest):
        return super().put(Address.of(config).config(), *rest)


class Unsorted(Broken):
    def get_tuple(self, config):
        found = super().get_tuple(config)
        return found and found._replace(pending_writes=found.pending_writes[::-1])


class LastWriteStays(Broken):
    def put_writes(self, config, writes, *rest):
        self.shelf(config).writes.pop(config["configurable"]["checkpoint_id"], None)
        super().put_writes(config, writes, *rest)


class FirstWriteStays(Broken):
    def put_writes(self, config, writes, task, path=""):
        kept = self.shelf(config).writes.get(config["configurable"]["checkpoint_id"], {})
        super().put_writes(
            config, [item for item in writes if (task, WRITES_IDX_MAP.get(item[0])) not in kept], task, path
        )


class Renumbers(Broken):
    def put_writes(self, config, writes, *rest):
        super().put_writes(config, sorted(writes, key=lambda item: item[0] in WRITES_IDX_MAP), *rest)


class NoWritesAreNone(Broken):
    def get_tuple(self, config):
        found = super().get_tuple(config)
        return found and found._replace(pending_writes=found.pending_writes or None)


class LosesATask(Broken):
    def put_writes(self, config, writes, task, path=""):
        if task != "07":
            super().put_writes(config, writes, task, path)


class OldestFirst(Broken):
    def list(self, *arguments, **options):
        return reversed(list(super().list(*arguments, **options)))


class NoLimit(Broken):
    def list(self, config, *, limit=None, **options):
        return super().list(config, **options)


class NoFilter(Broken):
    def list(self, config, *, filter=None, **options):
        return super().list(config, **options)


class ListsWithoutWrites(Broken):
    def list(self, *arguments, **options):
        return (item._replace(pending_writes=[]) for item in super().list(*arguments, **options))


class HoldsItsLock(Broken):
    def list(self, *arguments, **options):
        items = [*super().list(*arguments, **options)]
        with self._lock:
            yield from items


class NoZeros(Broken):
    def get_next_version(self, current, channel):
        return str(int(current or 0) + 1)


class DeltaNewestFirst(Broken):
    def get_delta_channel_history(self, **options):
        history = super().get_delta_channel_history(**options)
        return {channel: {**found, "writes": found["writes"][::-1]} for channel, found in history.items()}


class DeltaWithoutSeed(Broken):
    def get_delta_channel_history(self, **options):
        history = super().get_delta_channel_history(**options)
        return {channel: {"writes": found["writes"]} for channel, found in history.items()}


class DeltaByIds(Broken):
    def get_delta_channel_history(self, *, config, channels):
        writes = [
            write
            for item in reversed([*self.list({"configurable": {"thread_id": "t"}}, before=config)])
            for write in item.pending_writes
        ]
        return {channel: {"writes": writes} for channel in channels}


class DeltaOfWhatIsThere(Broken):
    def get_delta_channel_history(self, **options):
        history = super().get_delta_channel_history(**options)
        return {channel: found for channel, found in history.items() if found["writes"]}


class DeltaOnePage(Broken):
    def get_delta_channel_history(self, **options):
        history = super().get_delta_channel_history(**options)
        return {channel: {**found, "writes": found["writes"][-50:]} for channel, found in history.items()}


class DeletesTheRoot(Broken):
    def delete_thread(self, thread_id):
        self._threads.get(thread_id, {}).pop("", None)


class DeletesNoRuns(Broken):
    def delete_for_runs(self, run_ids):
        pass


class SharesCopies(Broken):
    def copy_thread(self, source_thread_id, target_thread_id):
        self._threads[target_thread_id] = self._threads.get(source_thread_id, {})


class PrunesNothing(Broken):
    def prune(self, thread_ids, *, strategy="keep_latest"):
        pass


class StartsAnew(Broken):
    def with_allowlist(self, extra_allowlist):
        return type(self)()


BROKEN: list[tuple[str, type[Broken]]] = [
    ("test_required_put_returns_the_address", ReturnsTheParent),
    ("test_required_checkpoint_comes_back_as_it_was", KnowsOneFormat),
    ("test_required_latest_is_the_greatest_id", LatestIsLast),
    ("test_required_absent_checkpoint_is_none", FallsBack),
    ("test_required_threads_and_namespaces_are_apart", WritesKnowNoNamespace),
    ("test_required_thread_ids_are_text", RepresentsThreads),
    ("test_required_parent_is_the_one_that_put_was_given", GuessesTheParent),
    ("test_required_unchanged_channels_keep_their_values", OneValueForAll),
    ("test_required_kept_values_are_frozen", KeepsLiveValues),
    ("test_required_metadata_takes_over_the_users_scalars", KeepsNoUserMetadata),
    ("test_required_writes_are_sorted", Unsorted),
    ("test_required_first_ordinary_write_stays", LastWriteStays),
    ("test_required_last_special_write_stays", FirstWriteStays),
    ("test_required_index_is_the_position_in_the_call", Renumbers),
    ("test_required_writes_belong_to_one_checkpoint", NoWritesAreNone),
    ("test_required_writes_of_parallel_tasks_are_all_kept", LosesATask),
    ("test_required_list_gives_the_newest_first", OldestFirst),
    ("test_required_list_takes_before_and_limit", NoLimit),
    ("test_required_filter_compares_metadata", NoFilter),
    ("test_required_listed_checkpoints_are_whole", ListsWithoutWrites),
    ("test_required_saver_may_be_used_while_listing", HoldsItsLock),
    ("test_required_versions_ascend", NoZeros),
    ("test_required_delta_history_is_oldest_first", DeltaNewestFirst),
    ("test_required_delta_history_starts_at_the_nearest_value", DeltaWithoutSeed),
    ("test_required_delta_history_follows_parents", DeltaByIds),
    ("test_required_delta_history_of_nothing", DeltaOfWhatIsThere),
    ("test_required_delta_history_of_a_long_chain", DeltaOnePage),
    ("test_required_deleted_thread_is_gone", DeletesTheRoot),
    ("test_optional_checkpoints_of_runs_are_deleted", DeletesNoRuns),
    ("test_optional_copied_thread_is_equal_and_apart", SharesCopies),
    ("test_optional_pruned_thread_keeps_the_latest", PrunesNothing),
    ("test_optional_allow_list_gives_a_saver_on_the_same_storage", StartsAnew),
]


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(("rule", "broken"), BROKEN, ids=[rule.removeprefix("test_") for rule, _ in BROKEN])
def test_the_suite_finds_a_broken_saver(rule: str, broken: type[Broken], colour: str) -> None:
    """The asynchronous methods of the saver in memory are its synchronous ones, so both are broken."""

    class Suite(SaverConformance):
        colours = (colour,)
        # Only who waits for a lock for ever gets so far, and on the loop itself nobody can be told that time is up.
        patience = 0.5

        def create(self) -> Any:
            return broken()

    if broken is HoldsItsLock and colour == "async":
        pytest.skip("it would hold up the event loop")
    with pytest.raises((AssertionError, TimeoutError)) as caught:
        getattr(Suite(), rule)()
    assert f"while the {colour} methods were tried" in caught.value.__notes__


def test_every_rule_has_a_broken_saver() -> None:
    rules = {name for name in vars(SaverConformance) if name.startswith("test_")}
    assert rules == {rule for rule, _ in BROKEN}


def test_a_suite_without_colours_is_skipped_not_passed() -> None:
    class Suite(TestMemory):
        colours = ()

    with pytest.raises(SkipTest, match="colours"):
        Suite().test_required_writes_are_sorted()


def test_the_saver_has_to_be_given() -> None:
    with pytest.raises(NotImplementedError, match="create"):
        SaverConformance().create()
