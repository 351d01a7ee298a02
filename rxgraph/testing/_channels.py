"""The rules that every channel keeps, as tests that run against any of them.

The engine leans on these rules without checking them: it skips channels that say they don't fade, trusts ``False``
to mean "as before", and gives copies to readers of old states. The suite is a plain class and imports no test
framework; a rule that the samples can't reach is skipped rather than passed.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, TypeAlias
from unittest import SkipTest

from rxgraph.channels import BaseChannel
from rxgraph.constants import MISSING
from rxgraph.errors import EmptyChannelError, InvalidUpdateError

AnyChannel: TypeAlias = BaseChannel[Any, Any, Any]
Reading: TypeAlias = tuple[bool, Any]


class ChannelConformance:
    """Tests that a channel keeps the contract of ``BaseChannel``; subclass it under a name that your runner collects.

    ``test_required_…`` are rules that the engine builds on. ``test_optional_…`` are good manners: set one to ``None``
    in the subclass to decline it. Rules that the samples can't reach are reported as skipped.

    Example:
        >>> class TestHighest(ChannelConformance):
        ...     def create(self):
        ...         return Highest(int, "best")
        ...
        ...     def updates(self):
        ...         return [[3], [5, 4], [1]]
    """

    def create(self) -> AnyChannel:
        """Return a new channel that was never written, the same each time; give it a ``key``."""
        raise NotImplementedError("Override create() to return a new channel.")

    def updates(self) -> list[list[Any]]:
        """Return batches of writes that the channel accepts in any state; one after the other they make it readable.

        A channel that waits for ``finish()`` may stay unreadable up to that call.
        """
        raise NotImplementedError("Override updates() to return sample batches of writes.")

    def refused(self) -> list[list[Any]]:
        """Return batches that raise ``InvalidUpdateError`` in any state; none by default."""
        return []

    def same(self, left: Any, right: Any) -> bool:
        """Tell whether two values read are equal; override it where ``==`` gives no bool, as with arrays."""
        return bool(left == right)

    # Reading

    def test_required_empty_channel_raises_empty_channel_error(self) -> None:
        """Reading what is not there raises ``EmptyChannelError`` and nothing else.

        If this fails, check that ``get`` raises ``rxgraph.errors.EmptyChannelError`` instead of returning ``None``
        or letting a ``KeyError`` or ``IndexError`` through.
        """
        empty = [channel for channel in self._stages() if not channel.is_available()]
        if not empty:
            raise SkipTest("untested: this channel was never empty")
        for channel in empty:
            try:
                value = channel.get()
            except EmptyChannelError:
                continue
            raise AssertionError(f"get() of an empty channel returned {value!r}")

    def test_required_is_available_agrees_with_get(self) -> None:
        """``is_available`` is true exactly when ``get`` returns.

        If this fails, check that ``is_available`` and ``get`` test the same condition, also after ``consume`` and
        ``finish``. A value that is falsy is still a value.
        """
        for channel in self._stages():
            available = channel.is_available()
            assert type(available) is bool, f"is_available() returned {available!r}"
            try:
                channel.get()
            except EmptyChannelError:
                assert not available, "is_available() is True and get() raises EmptyChannelError"
            else:
                assert available, "is_available() is False and get() returns"

    def test_required_reading_changes_nothing(self) -> None:
        """``get``, ``is_available`` and ``checkpoint`` may be called any number of times.

        If this fails, check that ``get`` doesn't empty the channel; ``consume`` and ``update([])`` are for that.
        """
        for channel in self._stages():
            first = self._read(channel)
            channel.checkpoint()
            self._agree(first, self._read(channel), "the second read")

    # Writing

    def test_required_samples_reach_the_channel(self) -> None:
        """Some batch of ``updates()`` changes the channel, and it can be read in the end.

        If this fails, check the samples: with batches that do nothing, the other tests prove nothing.
        """
        channel = self.create()
        assert self.updates(), "updates() returned no batch"
        answers = [channel.update(batch) for batch in self.updates()]
        assert True in answers, "no batch changed the channel"
        if not channel.is_available():
            channel.finish()
        assert channel.is_available(), "the channel is empty after all batches and finish()"

    def test_required_update_returns_bool(self) -> None:
        """``update`` says ``True`` or ``False``.

        If this fails, check that every path through ``update`` returns; a forgotten return gives ``None``.
        """
        channel = self.create()
        for batch in [[], *self.updates(), []]:
            changed = channel.update(batch)
            assert type(changed) is bool, f"update({batch!r}) returned {changed!r}"

    def test_required_false_means_unchanged(self) -> None:
        """When ``update``, ``consume`` or ``finish`` returns ``False``, the channel reads and saves as before.

        If this fails, check that the method compares before and after. The engine gives no new version to a channel
        that says it is unchanged, so nothing that waits for it would run, and a saver would keep the old value.
        """
        for channel in self._stages():
            for name, act in (
                *((f"update({batch!r})", _updater(batch)) for batch in [[], *self.updates()]),
                ("consume()", _consume),
                ("finish()", _finish),
            ):
                twin = channel.copy()
                before, saved = self._read(twin), deepcopy(twin.checkpoint())
                if act(twin) is False:
                    self._agree(before, self._read(twin), f"{name}, which returned False,")
                    assert self._same_checkpoint(saved, twin.checkpoint()), f"{name} returned False; checkpoint changed"

    def test_required_update_leaves_the_batch_alone(self) -> None:
        """``update`` does not modify the sequence of writes that it gets.

        If this fails, check for ``values.sort()``, ``values.pop()`` or keeping the list itself as the value.
        """
        channel = self.create()
        for batch, untouched in zip(self.updates(), self.updates(), strict=True):
            channel.update(batch)
            assert len(batch) == len(untouched), f"update() left {batch!r} of {untouched!r}"
            assert all(map(self.same, batch, untouched)), f"update() made {batch!r} of {untouched!r}"

    def test_required_empty_update_keeps_a_channel_that_does_not_fade(self) -> None:
        """With ``fades = False``, ``update([])`` returns ``False`` and changes nothing.

        If this fails, check whether the channel is really independent of supersteps without writes. If it isn't,
        leave ``fades`` at ``True``: the engine never calls ``update([])`` on a channel that doesn't fade.
        """
        if self.create().fades:
            raise SkipTest("untested: this channel may fade")
        for channel in self._stages():
            before = self._read(channel)
            assert channel.update([]) is False, "update([]) did not return False"
            self._agree(before, self._read(channel), "update([])")

    def test_required_settled_value_stays(self) -> None:
        """With ``settles = True``, only a write changes what is read.

        If this fails, check ``consume``, ``finish`` and ``update([])``; a channel that they change has to leave
        ``settles`` at ``False``, since the engine reads a settled channel once for each write.
        """
        if not self.create().settles:
            raise SkipTest("untested: this channel does not promise to settle")
        for channel in self._stages():
            before = self._read(channel)
            for name, act in (("update([])", _updater([])), ("consume()", _consume), ("finish()", _finish)):
                act(channel)
                self._agree(before, self._read(channel), name)

    def test_required_saved_value_is_the_value(self) -> None:
        """With ``saves_value = True``, a channel that is made from what ``checkpoint`` gave gives just that.

        If this fails, leave ``saves_value`` at ``False``: whoever looks at a saved state is shown what was saved.
        """
        if not self.create().saves_value:
            raise SkipTest("untested: this channel saves something else than its value")
        for channel in self._stages():
            saved = channel.checkpoint()
            if saved is not MISSING:
                restored = self.create().from_checkpoint(saved)
                assert restored.is_available(), f"made from {saved!r}, it has no value"
                self._agree((True, saved), self._read(restored), "from_checkpoint()")

    def test_required_refused_update_changes_nothing(self) -> None:
        """A batch that the channel can't take raises ``InvalidUpdateError`` and leaves it as it was.

        If this fails, check that the whole batch is examined before the first write counts.
        """
        if not self.refused():
            raise SkipTest("untested: refused() names no batch")
        for batch in self.refused():
            for channel in self._stages():
                before, saved = self._read(channel), deepcopy(channel.checkpoint())
                try:
                    channel.update(batch)
                except InvalidUpdateError:
                    self._agree(before, self._read(channel), f"the refused update({batch!r})")
                    assert self._same_checkpoint(saved, channel.checkpoint()), f"update({batch!r}) changed checkpoint()"
                else:
                    raise AssertionError(f"update({batch!r}) did not raise InvalidUpdateError")

    def test_required_consume_and_finish_return_bool(self) -> None:
        """``consume`` and ``finish`` say ``True`` or ``False``.

        If this fails, check that an override returns whether it changed the channel.
        """
        for channel in self._stages():
            for answer in (channel.copy().consume(), channel.copy().finish()):
                assert type(answer) is bool, f"got {answer!r}"

    # Saving and copying

    def test_required_saved_and_restored_channel_reads_the_same(self) -> None:
        """``from_checkpoint(checkpoint())`` reads like the original, unless ``checkpoint()`` is ``MISSING``.

        If this fails, check that ``checkpoint`` holds all that ``get`` needs. A channel may keep out of checkpoints
        altogether by returning ``MISSING``; then it comes back as new.
        """
        for channel in self._stages():
            saved = channel.checkpoint()
            expected = self.create().from_checkpoint(MISSING) if saved is MISSING else channel
            self._agree(self._read(expected), self._read(channel.from_checkpoint(saved)), "the restored channel")

    def test_required_restored_channel_goes_on_alike(self) -> None:
        """A restored channel answers later writes as the original would.

        If this fails, check for state that ``get`` doesn't show and ``checkpoint`` forgets, such as names already
        seen or a flag set by ``finish``.
        """
        for channel in self._stages():
            saved = channel.checkpoint()
            if saved is not MISSING:
                self._go_on_alike(channel, channel.from_checkpoint(saved))

    def test_required_missing_checkpoint_is_a_new_start(self) -> None:
        """``from_checkpoint(MISSING)`` never carries anything over from the channel that it was called on.

        If this fails, check that ``from_checkpoint`` builds a new channel and treats ``MISSING`` as "nothing saved".
        """
        expected = self._read(self.create().from_checkpoint(MISSING))
        for channel in self._stages():
            self._agree(expected, self._read(channel.from_checkpoint(MISSING)), "from_checkpoint(MISSING)")

    def test_required_from_checkpoint_leaves_the_original_alone(self) -> None:
        """``from_checkpoint`` returns another channel, and the original stays as it was.

        If this fails, check that ``from_checkpoint`` doesn't return or modify ``self``: compiled graphs keep one
        channel as the pattern of all runs.
        """
        for channel in self._stages():
            before = self._read(channel)
            assert channel.from_checkpoint(channel.checkpoint()) is not channel, "from_checkpoint() returned itself"
            channel.from_checkpoint(MISSING)
            self._agree(before, self._read(channel), "from_checkpoint()")

    def test_required_checkpoint_shares_nothing(self) -> None:
        """What was saved stays as it was, whatever happens to the channel or to one restored from it.

        If this fails, check that ``checkpoint`` and ``from_checkpoint`` copy a list or set that the channel modifies
        in place. Not every saver turns a checkpoint into bytes.
        """
        for channel in self._stages():
            saved = channel.checkpoint()
            kept = deepcopy(saved)
            self._disturb(channel.from_checkpoint(saved))
            assert self._same_checkpoint(kept, saved), "the restored channel changed the checkpoint"
            self._disturb(channel)
            assert self._same_checkpoint(kept, saved), "the channel changed its checkpoint"

    def test_required_copy_reads_the_same_and_goes_on_alike(self) -> None:
        """A copy can't be told from the original, also when ``checkpoint()`` is ``MISSING``.

        If this fails, check whether the channel needs a ``copy`` of its own: the inherited one is made of
        ``checkpoint`` and ``from_checkpoint``.
        """
        for channel in self._stages():
            twin = channel.copy()
            assert twin is not channel, "copy() returned the channel itself"
            assert type(twin) is type(channel), f"copy() returned a {type(twin).__name__}"
            self._agree(self._read(channel), self._read(twin), "the copy")
            self._go_on_alike(channel, twin)

    def test_required_copy_shares_nothing(self) -> None:
        """What happens to a copy is not seen in the original, and the other way round.

        If this fails, check that ``copy`` duplicates every list or set that ``update`` modifies in place.
        """
        for disturb_copy in (True, False):
            for channel in self._stages():
                twin = channel.copy()
                disturbed, calm = (twin, channel) if disturb_copy else (channel, twin)
                before, saved = self._read(calm), deepcopy(calm.checkpoint())
                self._disturb(disturbed)
                self._agree(before, self._read(calm), "writing to its twin")
                assert self._same_checkpoint(saved, calm.checkpoint()), "writing to one changed the other's checkpoint"

    # Facts

    def test_required_facts_and_types_exist(self) -> None:
        """The channel has ``key``, ``typ``, ``ValueType``, ``UpdateType``, and bools for the facts.

        If this fails, check that ``__init__`` calls ``super().__init__(typ, key)`` and that the types are properties.
        """
        channel = self.create()
        assert isinstance(channel.key, str), f"key is {channel.key!r}"
        for name in ("typ", "ValueType", "UpdateType"):
            assert not callable(getattr(type(channel), name)), f"{name} is a method; make it a property"
            getattr(channel, name)
        for fact in ("fades", "settles", "saves_value"):
            assert type(getattr(channel, fact)) is bool, f"{fact} is {getattr(channel, fact)!r}"

    def test_required_equality_is_sound(self) -> None:
        """A channel equals itself, equals nothing that is no channel, and ``==`` is symmetric.

        If this fails, check that ``__eq__`` tests the type of the other side first, and compares how a channel
        works, not what it holds.
        """
        for channel in self._stages():
            other = self.create()
            assert channel == channel, "a channel differs from itself"
            assert channel != object(), "a channel equals any object"
            assert (channel == other) is (other == channel), "== depends on the order"

    def test_optional_alike_channels_are_equal(self) -> None:
        """Two channels that were built alike are equal, whatever they hold.

        If this fails, define ``__eq__``. Without it, two schemas of one graph can't both declare the key, unless they
        share the channel object.
        """
        for channel in self._stages():
            assert channel == self.create(), "create() gives channels that differ"

    def test_optional_name_is_kept(self) -> None:
        """A restored or copied channel has the ``key`` of the original.

        If this fails, pass ``key`` on in ``from_checkpoint``; otherwise errors can't say which channel they are about.
        """
        channel = self.create()
        channel.key = "a name of its own"
        assert channel.copy().key == channel.key, f"copy() has the key {channel.copy().key!r}"
        restored = channel.from_checkpoint(MISSING)
        assert restored.key == channel.key, f"from_checkpoint() gives the key {restored.key!r}"

    def test_optional_any_sequence_is_a_batch(self) -> None:
        """``update`` takes a tuple as it takes a list.

        If this fails, check for ``values + [...]`` or ``isinstance(values, list)``.
        """
        left, right = self.create(), self.create()
        for batch in self.updates():
            assert left.update(batch) is right.update(tuple(batch)), f"update({tuple(batch)!r}) answers differently"
            self._agree(self._read(left), self._read(right), "the tuple")

    # The samples, played

    def _stages(self) -> list[AnyChannel]:
        """Channels in every state that the samples lead to, each with a history of its own."""
        stages = [self.create()]
        for count in range(1, len(self.updates()) + 1):
            for tail in ((), (_finish,), (_finish, _consume), (_updater([]),)):
                channel = self.create()
                for batch in self.updates()[:count]:
                    channel.update(batch)
                for act in tail:
                    act(channel)
                stages.append(channel)
        return stages

    def _disturb(self, channel: AnyChannel) -> None:
        for batch in [*self.updates(), []]:
            channel.update(batch)
        channel.finish()
        channel.consume()
        channel.update(self.updates()[0])

    def _go_on_alike(self, left: AnyChannel, right: AnyChannel) -> None:
        for name, act in (
            ("finish()", _finish),
            ("consume()", _consume),
            *((f"update({batch!r})", _updater(batch)) for batch in [*self.updates(), []]),
            ("finish()", _finish),
        ):
            answers = act(left), act(right)
            assert answers[0] is answers[1], f"{name} returned {answers[0]} here and {answers[1]} there"
            self._agree(self._read(left), self._read(right), f"{name} on both sides")

    def _read(self, channel: AnyChannel) -> Reading:
        # A copy, so that a value changed in place is not compared with itself.
        return (True, deepcopy(channel.get())) if channel.is_available() else (False, None)

    def _agree(self, expected: Reading, got: Reading, after: str) -> None:
        assert expected[0] is got[0], f"after {after} is_available() is {got[0]}, expected {expected[0]}"
        assert self.same(expected[1], got[1]), f"after {after} the value is {got[1]!r}, expected {expected[1]!r}"

    def _same_checkpoint(self, left: Any, right: Any) -> bool:
        if left is MISSING or right is MISSING:
            return left is right
        return self.same(left, right)


def _updater(batch: list[Any]) -> Any:
    return lambda channel: channel.update(batch)


def _consume(channel: AnyChannel) -> bool:
    return channel.consume()


def _finish(channel: AnyChannel) -> bool:
    return channel.finish()


__all__ = ("ChannelConformance",)
