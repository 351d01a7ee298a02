"""Ids that another runtime computes too, and ids that sort by time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rxgraph.checkpoint.base import _checkpoints as checkpoints
from rxgraph.checkpoint.base import (
    delta_input_task_id,
    interrupt_id,
    next_version,
    path_string,
    task_id,
    update_task_id,
    uuid6,
)
from rxgraph.checkpoint.base import id as ids
from rxgraph.constants import PULL, PUSH

CHECKPOINT = "1f1e5719-5b89-6fea-8001-1396396ef5e1"
TASK_A = "a965900b-de22-6dde-022a-b1478cccb663"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("", 2, "a", PULL, "branch:to:a"), TASK_A),
        (("", 2, "c", PULL, "branch:to:c", "join:a+b:c"), "6cb36e36-a00c-86aa-9f0b-7e067614d2db"),
        (("", 2, "w", PUSH, "0"), "78dc9dc0-35bf-9d36-3522-dc97670ba7c7"),
        ((f"sub:{TASK_A}", 0, "i", PULL, "branch:to:i"), "730aa3ac-33e6-6fe5-d735-99c1c3111df5"),
        (("", 2, "wf", PULL, "__start__"), "6c96cb14-722f-d89d-116e-9117ce2f6253"),
        (
            ("wf:6c96cb14-722f-d89d-116e-9117ce2f6253", 2, "t1", PUSH, "~__pregel_pull, wf", "0"),
            "1fc81bdd-2f3a-5de9-02ea-44bda72a5001",
        ),
    ],
)
def test_tasks_have_the_ids_that_the_reference_gives_them(arguments, expected: str) -> None:
    assert task_id(CHECKPOINT, *arguments) == expected


def test_the_first_format_hashed_with_sha1() -> None:
    assert task_id(CHECKPOINT, "", 2, "a", PULL, "branch:to:a", v=1) == "95dbbb6f-994c-6141-84b3-b042098982a5"


def test_interrupts_have_the_ids_that_the_reference_gives_them() -> None:
    assert interrupt_id(f"a:{TASK_A}", 0) == "06c8fd1dff5bdcd44a596db3cb07edc9"
    assert interrupt_id(f"a:{TASK_A}", 1) == "8f26110f291cbbd1f7776a1062e1c94b"


def test_updates_and_delta_inputs_have_the_ids_that_the_reference_gives_them() -> None:
    assert update_task_id(CHECKPOINT) == "fd727428-b3ee-5fd2-a98d-a8634dd68e3f"
    assert update_task_id(CHECKPOINT, 1) == "150bd68e-8e29-587f-aa02-944aabfe2363"
    assert delta_input_task_id(CHECKPOINT) == "dd1e3c74-8dea-5600-9f21-ff0020441c5b"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((PULL, "a"), "~__pregel_pull, a"),
        ((PUSH, 1, False), "~__pregel_push, 0000000001, 0000000000"),
        ((PUSH, (PULL, "wf"), 0, True), "~__pregel_push, ~__pregel_pull, wf, 0000000000, 0000000001"),
        (("__interrupt__", 0), "~__interrupt__, 0000000000"),
    ],
)
def test_paths_are_written_so_that_text_sorts_as_they_do(path, text: str) -> None:
    assert path_string(path) == text


@pytest.mark.parametrize(("step", "group"), [(0, "8000"), (1, "8001"), (-1, "bfff"), (-2, "bffe"), (0x4000, "8000")])
def test_an_id_carries_its_step(step: int, group: str) -> None:
    assert str(uuid6(clock_seq=step)).split("-")[3] == group


def test_an_id_is_a_uuid_of_version_6() -> None:
    made = uuid6(node=5, clock_seq=3)
    assert isinstance(made, UUID)
    assert (made.version, made.clock_seq, made.node) == (6, 3, 5)
    assert uuid6() < uuid6()


def test_ids_of_a_thread_ascend_and_none_is_given_twice() -> None:
    """Eight threads draw at once: each sees its own ids ascend, and all are different."""
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda step: [ids.uuid6_text(step) for _ in range(2000)], range(8)))
    assert all(run == sorted(run) for run in drawn)
    # The part that is time, which alone has to keep them apart.
    assert len({text[:18] for run in drawn for text in run}) == 16000


def test_ids_ascend_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.uuid6_text(0)
    monkeypatch.setattr(ids, "time_ns", lambda: 0)
    assert first < ids.uuid6_text(0) < ids.uuid6_text(0)


def test_an_id_can_be_made_to_follow_one_of_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", ids._last)
    ahead = "3fffffff-ffff-6fea-8001-1396396ef5e1"
    assert ids.uuid6_text(2, after=ahead) > ahead


@pytest.mark.parametrize(
    "foreign", ["", "c1", "3fffffff-ffff-4fea-8001-1396396ef5e1", "zzzzzzzz-zzzz-6zzz-8001-1396396ef5e1"]
)
def test_an_id_of_another_kind_has_no_time(foreign: str) -> None:
    before = ids.uuid6_text(0)
    assert before < ids.uuid6_text(0, after=foreign) < "2"


def test_versions_count_up_and_sort_as_text() -> None:
    first = next_version(None)
    assert first.startswith("00000000000000000000000000000001.0.")
    assert first < next_version(first) < next_version(next_version(first))
    assert next_version(5).startswith("00000000000000000000000000000006.0.")
    assert next_version(next_version(5)) != next_version(next_version(5))


@pytest.mark.parametrize("ticks", [0, 999, 1_000, 10**9 - 1, 10**9, 1_700_000_000 * 10**9 + 5_000, 10**18])
def test_a_time_is_iso_text_in_utc_and_sorts(monkeypatch: pytest.MonkeyPatch, ticks: int) -> None:
    shown = []
    for now in (ticks, ticks + 10**9, ticks + 2 * 10**9 + 1_000):
        monkeypatch.setattr(checkpoints, "time_ns", lambda now=now: now)
        shown.append(checkpoints.timestamp())
        found = datetime.fromisoformat(shown[-1])
        assert found == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now // 1000)
    assert sorted(shown) == shown
