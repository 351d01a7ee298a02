"""The rules that every saver keeps, as tests that run against any of them.

A run leans on these rules when it comes back after a crash or an interrupt: the wrong write kept, or one out of its
place, and a task runs twice or not at all. Each rule is played on the synchronous and on the asynchronous methods. The
suite is a plain class and imports no test framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from threading import Thread
from typing import Any, TypeAlias, cast
from unittest import SkipTest

from rxgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, CheckpointTuple, empty_checkpoint
from rxgraph.constants import ERROR, INTERRUPT, NULL_TASK_ID, RESUME

AnySaver: TypeAlias = BaseCheckpointSaver[Any]
Listed: TypeAlias = list[CheckpointTuple]
Law: TypeAlias = Callable[["Face"], Awaitable[None]]


class SaverConformance:
    """Tests that a saver keeps its contract; subclass it under a name that your runner collects.

    ``test_required_…`` are rules that runs build on. ``test_optional_…`` are what only some savers can do: set one to
    ``None`` in the subclass to decline it. Set ``colours`` to ``("async",)`` for a saver without synchronous methods.

    Example:
        >>> from rxgraph.checkpoint.memory import InMemorySaver
        >>> class TestMine(SaverConformance):
        ...     def create(self):
        ...         return InMemorySaver()
    """

    colours: Sequence[str] = ("sync", "async")
    """Which methods are tried. The synchronous ones are called in threads, while the event loop runs."""

    patience: float = 20.0
    """Seconds after which a rule that doesn't come to an end has failed."""

    def create(self) -> AbstractAsyncContextManager[AnySaver]:
        """Return an asynchronous context manager that gives a saver with nothing in it."""
        raise NotImplementedError("Override create() to return an async context manager that gives an empty saver.")

    # Checkpoints

    def test_required_put_returns_the_address(self) -> None:
        """``put`` returns thread, namespace and the id of the checkpoint that it kept.

        If this fails, check that the ``checkpoint_id`` of the answer is the checkpoint's own and not its parent's.
        """

        async def law(saver: Face) -> None:
            first = await saver.put(at("t", "child:1"), checkpoint("1"))
            assert place(first) == ("t", "child:1", "1"), f"put() returned {first!r}"
            second = await saver.put(first, checkpoint("2"))
            assert place(second) == ("t", "child:1", "2"), f"put() returned {second!r}"

        self._play(law)

    def test_required_checkpoint_comes_back_as_it_was(self) -> None:
        """Every field is read as it was put, the format's version and legal ``None`` values included.

        If this fails, check that the saver adds and drops no fields, and takes no falsy value for a missing one.
        """

        async def law(saver: Face) -> None:
            kept = checkpoint("1", s="text", i=0, n=None, l=[], d={"k": [1, {"x": 2.5}]}, b=b"\0")
            kept["versions_seen"] = {"__input__": {}, "a": {"s": VERSION}}
            kept["updated_channels"] = ["i", "s"]
            kept["v"] = 1
            config = await saver.put(at("t"), kept)
            found = await saver.found(config)
            assert found.checkpoint == kept, f"got {found.checkpoint!r}, put {kept!r}"
            assert place(found.config) == ("t", "", "1"), f"config is {found.config!r}"

        self._play(law)

    def test_required_latest_is_the_greatest_id(self) -> None:
        """Without an id the checkpoint with the greatest id is read, whichever came last; with one, exactly that.

        If this fails, check that "latest" is a maximum over ids as text and not the order of arrival.
        """

        async def law(saver: Face) -> None:
            for id in ("2", "3", "1"):
                await saver.put(at("t"), checkpoint(id, x=id))
            assert (await saver.found(at("t"))).checkpoint["id"] == "3"
            assert (await saver.found(at("t", "", "2"))).checkpoint["channel_values"] == {"x": "2"}

        self._play(law)

    def test_required_absent_checkpoint_is_none(self) -> None:
        """An unknown thread, namespace or id reads as ``None``, and reading it leaves no trace.

        If this fails, check for a ``defaultdict`` that grows by being read, or an id that falls back to the latest.
        """

        async def law(saver: Face) -> None:
            assert await saver.get_tuple(at("t")) is None
            await saver.put(at("t"), checkpoint("1"))
            for config in (at("t", "", "9"), at("t", "child"), at("u")):
                assert await saver.get_tuple(config) is None, f"{config!r} gives a checkpoint"
            assert [place(item.config) for item in await saver.listed(None)] == [("t", "", "1")]

        self._play(law)

    def test_required_threads_and_namespaces_are_apart(self) -> None:
        """The same id may stand in several threads and namespaces.

        If this fails, check that the key of a checkpoint has all three parts, and that of a value or write too.
        """

        async def law(saver: Face) -> None:
            places = [("t", ""), ("t", "a"), ("t", "a|b"), ("u", "")]
            for thread, ns in places:
                config = await saver.put(at(thread, ns), checkpoint("1", x=thread + ns))
                await saver.put_writes(config, [("x", thread + ns)], "task")
            for thread, ns in places:
                found = await saver.found(at(thread, ns))
                assert found.checkpoint["channel_values"] == {"x": thread + ns}
                assert found.pending_writes == [("task", "x", thread + ns)]

        self._play(law)

    def test_required_thread_ids_are_text(self) -> None:
        """A thread id that is a number names the same thread as its text.

        If this fails, check that the saver keeps ``str(thread_id)``.
        """

        async def law(saver: Face) -> None:
            await saver.put({"configurable": {"thread_id": 7, "checkpoint_ns": ""}}, checkpoint("1"))
            assert await saver.get_tuple(at("7")) is not None

        self._play(law)

    def test_required_parent_is_the_one_that_put_was_given(self) -> None:
        """The ``checkpoint_id`` in the configuration of ``put`` is the parent; without one there is none.

        If this fails, check that the parent isn't guessed from the order of ids: a fork's parent is an old checkpoint.
        """

        async def law(saver: Face) -> None:
            first = await saver.put(at("t"), checkpoint("1"))
            await saver.put(first, checkpoint("2"))
            await saver.put(first, checkpoint("3"))
            assert (await saver.found(first)).parent_config is None
            for id in ("2", "3"):
                parent = (await saver.found(at("t", "", id))).parent_config
                assert parent is not None, f"checkpoint {id!r} has no parent"
                assert place(parent) == ("t", "", "1"), f"the parent of {id!r} is {parent!r}"

        self._play(law)

    def test_required_unchanged_channels_keep_their_values(self) -> None:
        """Each checkpoint shows the values it had, whether they changed in it or before; an empty channel shows none.

        If this fails, check that values are found by the channel's version in *this* checkpoint, and that a channel
        with a new version and no value hides the value before.
        """

        async def law(saver: Face) -> None:
            first = checkpoint("1", x="x1", y="y1")
            config = await saver.put(at("t"), first)
            second = checkpoint("2", x="x2", y="y1")
            second["channel_versions"] = {"x": "2", "y": VERSION}
            config = await saver.put(config, second, versions={"x": "2"})
            third = checkpoint("3", y="y1")
            third["channel_versions"] = {"x": "3", "y": VERSION}
            await saver.put(config, third, versions={"x": "3"})
            values = [item.checkpoint["channel_values"] for item in await saver.listed(at("t"))]
            assert values == [{"y": "y1"}, {"x": "x2", "y": "y1"}, {"x": "x1", "y": "y1"}], f"got {values!r}"

        self._play(law)

    def test_required_kept_values_are_frozen(self) -> None:
        """What a program does to its state after ``put`` or ``put_writes``, or to what it read, is not seen later.

        If this fails, check that values are turned into bytes, or copied, before ``put`` returns, and made anew for
        each reader. The copies have to go all the way down.
        """

        async def law(saver: Face) -> None:
            kept = checkpoint("1", x=[[1]])
            kept["versions_seen"] = {"a": {"x": VERSION}}
            write = [[1]]
            config = await saver.put(at("t"), kept, metadata={"parents": {}})
            await saver.put_writes(config, [("x", write)], "task")
            for reader in (None, await saver.found(config), await saver.found(config)):
                state = kept if reader is None else reader.checkpoint
                state["channel_values"]["x"][0].append(2)
                state["channel_versions"]["x"] = state["versions_seen"]["a"]["x"] = "later"
                pending = write if reader is None else (reader.pending_writes or [])[0][2]
                pending[0].append(2)
                if reader is not None:
                    reader.metadata["parents"]["n"] = "1"
            found = await saver.found(config)
            assert found.checkpoint["channel_values"] == {"x": [[1]]}, "a later change of a value is seen"
            assert found.checkpoint["channel_versions"] == {"x": VERSION}, "a later change of the versions is seen"
            assert found.checkpoint["versions_seen"] == {"a": {"x": VERSION}}, "a later change of them is seen"
            assert found.pending_writes == [("task", "x", [[1]])], "a later change of a written value is seen"
            assert found.metadata["parents"] == {}, "a later change of the metadata is seen"

        self._play(law)

    def test_required_metadata_takes_over_the_users_scalars(self) -> None:
        """Metadata comes back with the scalars of ``config["metadata"]`` and of ``configurable``; addresses stay out.

        If this fails, call ``get_checkpoint_metadata`` in ``put``. Keys that begin with ``__`` hold live objects of
        the runtime and must be passed over.
        """

        async def law(saver: Face) -> None:
            config = {
                "metadata": {"user": "u1", "step": 99, "many": [1], "thread_id": "no"},
                "configurable": {**at("t")["configurable"], "user": "u2", "depth": 2, "__live": object()},
            }
            counters = {"m": (1, 2)}
            metadata = {"source": "loop", "step": 4, "parents": {"": "1"}, "counters_since_delta_snapshot": counters}
            await saver.put(config, checkpoint("1"), metadata=metadata)
            found = (await saver.found(at("t"))).metadata
            expected = {**metadata, "counters_since_delta_snapshot": {"m": [1, 2]}, "user": "u1", "depth": 2}
            assert found == expected, f"metadata is {found!r}"

        self._play(law)

    # Pending writes

    def test_required_writes_are_sorted(self) -> None:
        """Pending writes are ordered by task path, then task id, then index, whatever the order of arrival.

        If this fails, sort by ``writes_sort_key``; the order decides how reducers merge and delta channels replay.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            await saver.put_writes(config, [("x", "b2"), (INTERRUPT, "b1")], "2", "~b")
            await saver.put_writes(config, [("x", "a2")], "3", "~a")
            await saver.put_writes(config, [("x", "a1"), ("y", "a1")], "1", "~a")
            await saver.put_writes(config, [("x", "c")], "0", "~c")
            expected = [("1", "x", "a1"), ("1", "y", "a1"), ("3", "x", "a2"), ("2", INTERRUPT, "b1"), ("2", "x", "b2"),
                        ("0", "x", "c")]  # fmt: skip
            await saver.expect_writes(config, expected)

        self._play(law)

    def test_required_first_ordinary_write_stays(self) -> None:
        """An ordinary write at the place of an earlier one of its task is passed over.

        If this fails, check that (task id, index) is the key and that the insert doesn't replace: a task that is tried
        again after a crash has its first result applied already.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            await saver.put_writes(config, [("x", 1)], "task")
            await saver.put_writes(config, [("x", 2), ("y", 2)], "task")
            await saver.expect_writes(config, [("task", "x", 1), ("task", "y", 2)])

        self._play(law)

    def test_required_last_special_write_stays(self) -> None:
        """A write to a channel of ``WRITES_IDX_MAP`` replaces the earlier one of its task, whatever is with it.

        If this fails, check that special writes are upserts row by row. A task with two interrupts keeps all of its
        answers in one such write, and writes it again with each.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            await saver.put_writes(config, [(RESUME, [1]), ("x", 1)], "task")
            await saver.put_writes(config, [(RESUME, [1, 2]), ("x", 2)], "task")
            await saver.put_writes(config, [(ERROR, "e1")], "task")
            await saver.put_writes(config, [(ERROR, "e2")], "task")
            await saver.expect_writes(config, [("task", RESUME, [1, 2]), ("task", ERROR, "e2"), ("task", "x", 1)])

        self._play(law)

    def test_required_index_is_the_position_in_the_call(self) -> None:
        """An ordinary write stands at its position in the call, also behind special ones.

        If this fails, check that positions are counted over all writes of a call and not renumbered.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            await saver.put_writes(config, [(RESUME, 1), ("x", "second")], "task")
            await saver.put_writes(config, [("x", "first"), ("x", "too late")], "task")
            await saver.expect_writes(config, [("task", RESUME, 1), ("task", "x", "first"), ("task", "x", "second")])

        self._play(law)

    def test_required_writes_belong_to_one_checkpoint(self) -> None:
        """A new checkpoint has no pending writes, and the ones before keep theirs; the null task is a task like others.

        If this fails, check that writes are found by the checkpoint's id, and that ``pending_writes`` is ``[]`` then.
        """

        async def law(saver: Face) -> None:
            first = await saver.put(at("t"), checkpoint("1"))
            await saver.put_writes(first, [(RESUME, "answer")], NULL_TASK_ID)
            await saver.put_writes(first, [], "idle")
            second = await saver.put(first, checkpoint("2"))
            await saver.expect_writes(second, [])
            await saver.expect_writes(first, [(NULL_TASK_ID, RESUME, "answer")])

        self._play(law)

    def test_required_writes_of_parallel_tasks_are_all_kept(self) -> None:
        """Tasks of one superstep may save at the same time; nothing gets lost.

        If this fails, check what happens between reading and replacing a shared list, and transactions on a shared
        connection.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            tasks = [f"{number:02}" for number in range(24)]
            await asyncio.gather(*(saver.put_writes(config, [("x", task), ("y", task)], task) for task in tasks))
            await saver.expect_writes(config, [(task, channel, task) for task in tasks for channel in ("x", "y")])

        self._play(law)

    # Lists

    def test_required_list_gives_the_newest_first(self) -> None:
        """A list is ordered by id, greatest first, also across namespaces and threads.

        If this fails, check that the namespaces of a thread are merged and not listed one after the other.
        """

        async def law(saver: Face) -> None:
            await saver.fill(("t", "", "1"), ("t", "a", "2"), ("t", "", "3"), ("u", "", "4"), ("t", "a", "5"))
            for config, ids in (
                (None, "54321"),
                ({"configurable": {"thread_id": "t"}}, "5321"),
                (at("t"), "31"),
                (at("t", "a"), "52"),
                (at("t", "a", "2"), "2"),
                (at("v"), ""),
            ):
                found = ids_of(await saver.listed(config))
                assert found == list(ids), f"list({config!r}) gives {found}, expected {list(ids)}"

        self._play(law)

    def test_required_list_takes_before_and_limit(self) -> None:
        """``before`` leaves out the checkpoint that it names and all later ones; ``limit`` counts what is left.

        If this fails, check that filter, ``before`` and ``limit`` apply in this order.
        """

        async def law(saver: Face) -> None:
            await saver.fill(*(("t", "", str(number)) for number in range(1, 7)), metadata={"kind": "even"}, every=2)
            for options, ids in (
                ({"limit": 2}, "65"),
                ({"limit": 0}, ""),
                ({"before": at("t", "", "4")}, "321"),
                ({"before": at("t", "", "45")}, "4321"),
                ({"before": at("t", "", "5"), "limit": 1}, "4"),
                ({"before": at("t", "", "6"), "limit": 1, "filter": {"kind": "even"}}, "4"),
            ):
                found = ids_of(await saver.listed(at("t"), **options))
                assert found == list(ids), f"list({options!r}) gives {found}, expected {list(ids)}"

        self._play(law)

    def test_required_filter_compares_metadata(self) -> None:
        """``filter`` asks for equal values of all its keys; a key that isn't there equals ``None``.

        If this fails, check that keys and values of a filter never become part of a query's text, and that a dot
        or a quote in a key is an ordinary character.
        """

        async def law(saver: Face) -> None:
            odd = 'it\'s "odd".$[0]'
            await saver.put(at("t"), checkpoint("1"), metadata={"source": "input", "step": -1, odd: 1})
            await saver.put(at("t"), checkpoint("2"), metadata={"source": "loop", "step": 0, "a": {"b": 1}})
            await saver.put(at("t"), checkpoint("3"), metadata={"source": "loop", "step": 1, "a.b": 1})
            for filter, ids in (
                ({"source": "loop"}, "32"),
                ({"source": "loop", "step": 1}, "3"),
                ({"step": -1}, "1"),
                ({"source": "update"}, ""),
                ({"missing": None, "step": 0}, "2"),
                ({"a": {"b": 1}}, "2"),
                ({"a.b": 1}, "3"),
                ({odd: 1}, "1"),
                ({"x' OR 1=1 --": 1}, ""),
                ({"source": "' OR 1=1 --"}, ""),
                ({}, "321"),
            ):
                found = ids_of(await saver.listed(at("t"), filter=filter))
                assert found == list(ids), f"list(filter={filter!r}) gives {found}, expected {list(ids)}"

        self._play(law)

    def test_required_listed_checkpoints_are_whole(self) -> None:
        """What ``list`` gives equals what ``get_tuple`` gives, pending writes included.

        If this fails, check that both load a row the same way.
        """

        async def law(saver: Face) -> None:
            config = at("t")
            for id in ("1", "2", "3"):
                config = await saver.put(config, checkpoint(id, x=id), metadata={"step": int(id)})
                await saver.put_writes(config, [("x", id), (ERROR, id)], "task", "~a")
            listed = await saver.listed(at("t"))
            assert listed == [await saver.found(item.config) for item in listed]
            assert len(listed) == 3

        self._play(law)

    def test_required_saver_may_be_used_while_listing(self) -> None:
        """Any method may be called inside a loop over ``list``, and a loop may be left early.

        If this fails, check for a lock, a cursor or a transaction that is held while the caller has the control.
        """

        async def law(saver: Face) -> None:
            await saver.fill(*(("t", "", f"{number:02}") for number in range(40)))
            seen = await saver.use_while_listing(at("t"), stop_after=35)
            assert seen == [f"{number:02}" for number in range(39, 4, -1)], f"the loop gave {seen}"
            assert len(await saver.listed(at("other"))) == 35

        self._play(law)

    # Versions

    def test_required_versions_ascend(self) -> None:
        """``get_next_version`` starts from ``None``, and each version is greater than the one that it was made from.

        If this fails, check that numbers in text have leading zeros.
        """

        async def law(saver: Face) -> None:
            version = saver.saver.get_next_version(None, None)
            for _ in range(12):
                following = saver.saver.get_next_version(version, None)
                assert following > version, f"{following!r} doesn't come after {version!r}"
                assert type(following) is type(version), f"{following!r} is of another type than {version!r}"
                version = following

        self._play(law)

    # Delta channels

    def test_required_delta_history_is_oldest_first(self) -> None:
        """Writes come from the oldest ancestor to the parent, inside each in the order of pending writes.

        If this fails, check that the writes on the checkpoint itself are left out and those on the root are not.
        """

        async def law(saver: Face) -> None:
            config = at("t")
            for id in ("1", "2", "3"):
                config = await saver.put(config, checkpoint(id))
                await saver.put_writes(config, [("m", id + "b1"), ("o", 0), ("m", id + "b2")], "1", "~b")
                await saver.put_writes(config, [("m", id + "a")], "2", "~a")
            for address in (config, at("t")):
                history = await saver.delta(address, "m")
                assert "seed" not in history["m"], "there is a seed although nothing is stored"
                values = [write[2] for write in history["m"]["writes"]]
                assert values == ["1a", "1b1", "1b2", "2a", "2b1", "2b2"], f"writes are {values}"
            assert (await saver.delta(config, "m"))["m"]["writes"][0] == ("2", "m", "1a")

        self._play(law)

    def test_required_delta_history_starts_at_the_nearest_value(self) -> None:
        """The walk ends for each channel at the first ancestor with a value of it; that one's writes still count.

        If this fails, check that channels end independently, and that any stored value is a seed, a plain one too.
        """

        async def law(saver: Face) -> None:
            config = at("t")
            for id, values in (("1", {"m": "old", "n": None}), ("2", {"m": "new"}), ("3", {}), ("4", {"m": "own"})):
                kept = checkpoint(id, **values)
                kept["channel_versions"] = dict.fromkeys("mno", id)
                config = await saver.put(config, kept, versions=dict.fromkeys("mno", id))
                await saver.put_writes(config, [(channel, channel + id) for channel in "mno"], "task")
            history = await saver.delta(config, "m", "n", "o")
            shown = {
                channel: ([write[2] for write in found["writes"]], found.get("seed", "none"))
                for channel, found in history.items()
            }
            expected = {"m": (["m2", "m3"], "new"), "n": (["n1", "n2", "n3"], None), "o": (["o1", "o2", "o3"], "none")}
            assert shown == expected, f"got {shown!r}"

        self._play(law)

    def test_required_delta_history_follows_parents(self) -> None:
        """The walk follows parents: checkpoints of another branch don't count, whatever their ids.

        If this fails, check that ancestors aren't found by "id less than".
        """

        async def law(saver: Face) -> None:
            first = await saver.put(at("t"), checkpoint("1"))
            other = await saver.put(first, checkpoint("2", m="other"))
            fork = await saver.put(first, checkpoint("3"))
            last = await saver.put(fork, checkpoint("4"))
            for config, value in ((first, 1), (other, 2), (fork, 3), (last, 4)):
                await saver.put_writes(config, [("m", value)], "task")
            history = await saver.delta(last, "m")
            assert history == {"m": {"writes": [("task", "m", 1), ("task", "m", 3)]}}, f"got {history!r}"

        self._play(law)

    def test_required_delta_history_of_nothing(self) -> None:
        """No channels give ``{}``; a thread or a checkpoint that isn't there gives no writes.

        If this fails, check that every channel that was asked for is a key of the answer.
        """

        async def law(saver: Face) -> None:
            assert await saver.delta(at("t")) == {}
            assert await saver.delta(at("t"), "m") == {"m": {"writes": []}}
            config = await saver.put(at("t"), checkpoint("1"))
            assert await saver.delta(config, "m") == {"m": {"writes": []}}
            assert await saver.delta(at("t", "", "9"), "m") == {"m": {"writes": []}}

        self._play(law)

    def test_required_delta_history_of_a_long_chain(self) -> None:
        """The walk goes as far as it has to.

        If this fails, check a recursion, a page or a number of parameters that has a limit.
        """

        async def law(saver: Face) -> None:
            config = at("t")
            for number in range(70):
                config = await saver.put(config, checkpoint(f"{number:03}", **({"m": "seed"} if number == 3 else {})))
                await saver.put_writes(config, [("m", number)], "task")
            found = (await saver.delta(config, "m"))["m"]
            assert [write[2] for write in found["writes"]] == list(range(3, 69))
            assert found["seed"] == "seed"

        self._play(law)

    # Housekeeping

    def test_required_deleted_thread_is_gone(self) -> None:
        """``delete_thread`` forgets all namespaces, writes too, and nothing of other threads; an unknown one is fine.

        If this fails, check that it works as the first call on a new saver.
        """

        async def law(saver: Face) -> None:
            await saver.call("delete_thread", "t")
            await saver.fill(("t", "", "1"), ("t", "a", "2"), ("u", "", "3"))
            await saver.call("delete_thread", "t")
            assert ids_of(await saver.listed(None)) == ["3"]
            await saver.expect_writes(await saver.put(at("t"), checkpoint("1")), [])
            await saver.expect_writes(at("u"), [("task", "x", "3")])

        self._play(law)

    def test_optional_checkpoints_of_runs_are_deleted(self) -> None:
        """``delete_for_runs`` forgets the checkpoints with one of the ``run_id``s, and what remains is whole.

        If this fails, check all threads and namespaces, the writes, and values that a later run still shows. A later
        checkpoint whose delta channels are rebuilt from a deleted one is to be refused, before anything is deleted.
        """

        async def law(saver: Face) -> None:
            await saver.call("delete_for_runs", [])
            first = checkpoint("1", x="shared")
            config = await saver.put(at("t"), first, metadata={"run_id": "r1"})
            await saver.put_writes(config, [("x", 1)], "task")
            later = checkpoint("2", x="shared")
            later["channel_versions"] = {"x": "1"}
            await saver.put(config, later, metadata={"run_id": "r2"}, versions={})
            await saver.put(at("u", "a"), checkpoint("3"), metadata={"run_id": "r1"})
            await saver.put(at("u", "a"), checkpoint("4"), metadata={})
            await saver.call("delete_for_runs", ["r1", "unknown"])
            assert ids_of(await saver.listed(None)) == ["4", "2"]
            assert (await saver.found(at("t"))).checkpoint["channel_values"] == {"x": "shared"}
            await saver.expect_writes(await saver.put(at("t"), first), [])
            counters = {"counters_since_delta_snapshot": {"m": [1, 1]}}
            await saver.put(at("t", "", "2"), checkpoint("5"), metadata={"run_id": "r3", **counters})
            try:
                await saver.call("delete_for_runs", ["r2"])
            except NotImplementedError:
                assert await saver.get_tuple(at("t", "", "2")) is not None, "it refused, and deleted something"
            else:
                raise AssertionError("delete_for_runs() tore a delta channel off its writes")

        self._play(law)

    def test_optional_copied_thread_is_equal_and_apart(self) -> None:
        """``copy_thread`` gives the target all checkpoints of the source, under the same ids, and leaves the source.

        If this fails, check namespaces, parents, metadata and writes, and that neither sees what becomes of the other.
        """

        async def law(saver: Face) -> None:
            await saver.fill(("s", "", "1"), ("s", "a", "2"), ("s", "", "3"))
            await saver.call("copy_thread", "s", "t")
            await saver.call("copy_thread", "s", "s")
            source, target = await saver.listed(thread("s")), await saver.listed(thread("t"))
            assert [item[1:3] for item in source] == [item[1:3] for item in target]
            assert [item.pending_writes for item in source] == [item.pending_writes for item in target]
            assert [place(item.config)[1:] for item in target] == [("", "3"), ("a", "2"), ("", "1")]
            assert place(target[0].parent_config) == ("t", "", "1")
            await saver.put_writes(at("t", "", "3"), [("y", 1), ("y", 2)], "late")
            await saver.expect_writes(at("s", "", "3"), [("task", "x", "3")])
            await saver.call("delete_thread", "s")
            assert len(await saver.listed(thread("t"))) == 3
            await saver.call("copy_thread", "unknown", "v")
            assert await saver.listed(thread("v")) == []

        self._play(law)

    def test_optional_pruned_thread_keeps_the_latest(self) -> None:
        """``prune`` keeps the latest checkpoint of each namespace with its values and writes, or nothing.

        If this fails, check that what is kept has no parent any more, that other threads stay, and that a thread
        whose delta channels are rebuilt from older checkpoints is refused before anything is deleted.
        """

        async def law(saver: Face) -> None:
            await saver.fill(("t", "", "1"), ("t", "a", "2"), ("t", "", "3"), ("t", "a", "4"), ("u", "", "5"))
            unchanged = checkpoint("6", x="3")
            unchanged["channel_versions"] = {"x": "3"}
            await saver.put(at("t", "", "3"), unchanged, versions={})
            await saver.put_writes(at("t", "", "6"), [("x", "6")], "task")
            await saver.call("prune", [])
            await saver.call("prune", ["t", "unknown"])
            assert ids_of(await saver.listed(None)) == ["6", "5", "4"]
            latest = await saver.found(at("t"))
            assert latest.parent_config is None, "the kept checkpoint names a parent that is gone"
            assert latest.checkpoint["channel_values"] == {"x": "3"}
            assert latest.pending_writes == [("task", "x", "6")]
            await saver.put(
                at("t", "", "6"), checkpoint("7"), metadata={"counters_since_delta_snapshot": {"m": [0, 1]}}
            )
            try:
                await saver.call("prune", ["t"])
            except NotImplementedError:
                assert len(await saver.listed(thread("t"))) == 3, "it refused, and deleted something"
            else:
                raise AssertionError("prune() tore a delta channel off its writes")
            await saver.call("prune", ["t"], strategy="delete")
            assert ids_of(await saver.listed(None)) == ["5"]
            for threads, strategy in (("t", "delete"), (["t"], "keep_first")):
                try:
                    await saver.call("prune", threads, strategy=strategy)
                except (TypeError, ValueError):
                    continue
                raise AssertionError("prune() accepts a string of threads, or an unknown strategy")

        self._play(law)

    def test_optional_allow_list_gives_a_saver_on_the_same_storage(self) -> None:
        """``with_allowlist`` returns another saver; both see the same checkpoints.

        If this fails, check that the copy shares connection, locks and storage with the original.
        """

        async def law(saver: Face) -> None:
            config = await saver.put(at("t"), checkpoint("1"))
            twin = Face(saver.saver.with_allowlist([("somewhere", "Something")]), saver.colour)
            assert twin.saver is not saver.saver
            await twin.put_writes(config, [("x", 1)], "task")
            await saver.expect_writes(config, [("task", "x", 1)])

        self._play(law)

    def _play(self, law: Law) -> None:
        async def scene(colour: str) -> None:
            async with self.create() as saver:
                await asyncio.wait_for(law(Face(saver, colour)), self.patience)

        if not self.colours:
            raise SkipTest("untested: colours is empty")
        for colour in self.colours:
            try:
                asyncio.run(scene(colour))
            except Exception as error:
                error.add_note(f"while the {colour} methods were tried")
                raise


class Face:
    """One colour of a saver, to be awaited in any case."""

    def __init__(self, saver: AnySaver, colour: str) -> None:
        self.saver = saver
        self.colour = colour

    async def call(self, method: str, *args: Any, **options: Any) -> Any:
        if self.colour == "async":
            return await getattr(self.saver, f"a{method}")(*args, **options)
        return await _in_thread(lambda: getattr(self.saver, method)(*args, **options))

    async def put(
        self, config: Any, kept: Checkpoint, *, metadata: Any = None, versions: dict[str, Any] | None = None
    ) -> Any:
        new = kept["channel_versions"].copy() if versions is None else versions
        return await self.call("put", config, kept, metadata or {}, new)

    async def put_writes(self, config: Any, writes: list[tuple[str, Any]], task: str, path: str = "") -> None:
        await self.call("put_writes", config, writes, task, path)

    async def get_tuple(self, config: Any) -> CheckpointTuple | None:
        found: CheckpointTuple | None = await self.call("get_tuple", config)
        return found

    async def found(self, config: Any) -> CheckpointTuple:
        found = await self.get_tuple(config)
        assert found is not None, f"no checkpoint at {config!r}"
        return found

    async def listed(self, config: Any, **options: Any) -> Listed:
        if self.colour == "async":
            return [item async for item in self.saver.alist(config, **options)]
        return cast(Listed, await _in_thread(lambda: [*self.saver.list(config, **options)]))

    async def delta(self, config: Any, *channels: str) -> Any:
        return await self.call("get_delta_channel_history", config=config, channels=list(channels))

    async def fill(self, *places: tuple[str, str, str], metadata: Any = None, every: int = 1) -> None:
        """Put checkpoints, each the child of the one before at its place, with a value and a write."""
        parents: dict[tuple[str, str], Any] = {}
        for number, (thread, ns, id) in enumerate(places, start=1):
            facts = metadata if number % every == 0 else None
            config = await self.put(parents.get((thread, ns), at(thread, ns)), checkpoint(id, x=id), metadata=facts)
            await self.put_writes(config, [("x", id)], "task")
            parents[thread, ns] = config

    async def expect_writes(self, config: Any, expected: list[Any]) -> None:
        found = (await self.found(config)).pending_writes
        assert found == expected, f"pending writes are {found!r}, expected {expected!r}"

    async def use_while_listing(self, config: Any, stop_after: int) -> list[str]:
        """Go through a list and, for each item, read it and put a copy of it under thread ``other``."""
        seen = []
        saver = self.saver
        if self.colour == "async":
            async for item in saver.alist(config):
                assert await saver.aget_tuple(item.config) == item
                await saver.aput(at("other"), item.checkpoint, {}, item.checkpoint["channel_versions"])
                seen.append(item.checkpoint["id"])
                if len(seen) == stop_after:
                    break
            return seen

        def loop() -> None:
            for item in saver.list(config):
                assert saver.get_tuple(item.config) == item
                saver.put(at("other"), item.checkpoint, {}, item.checkpoint["channel_versions"])
                seen.append(item.checkpoint["id"])
                if len(seen) == stop_after:
                    break

        await _in_thread(loop)
        return seen


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run it in a thread of its own, which a deadlock doesn't make the interpreter wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def run() -> None:
        value, failure = None, None
        try:
            value = work()
        except Exception as error:
            failure = error
        loop.call_soon_threadsafe(settle, value, failure)

    Thread(target=run, daemon=True).start()
    return await future


VERSION = "1"


def checkpoint(id: str, **values: Any) -> Checkpoint:
    """A checkpoint with values, which all changed in it: its id is their version."""
    return {
        **empty_checkpoint(),
        "id": id,
        "channel_values": values,
        "channel_versions": dict.fromkeys(values, id),
    }


def at(thread: str, ns: str = "", id: str | None = None) -> Any:
    """The address of a checkpoint, or of the latest one."""
    configurable = {"thread_id": thread, "checkpoint_ns": ns}
    return {"configurable": configurable if id is None else {**configurable, "checkpoint_id": id}}


def thread(thread: str) -> Any:
    """The address of a thread, with all its namespaces."""
    return {"configurable": {"thread_id": thread}}


def place(config: Any) -> tuple[str, str, str | None]:
    """Thread, namespace and id of an address."""
    configurable = config["configurable"]
    return configurable["thread_id"], configurable["checkpoint_ns"], configurable.get("checkpoint_id")


def ids_of(found: Listed) -> list[str]:
    """The ids of checkpoints."""
    return [item.checkpoint["id"] for item in found]


__all__ = ("SaverConformance",)
