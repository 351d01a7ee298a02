"""Differences of bytes: what is made of them is what they were made of, and they are short where little changed."""

from __future__ import annotations

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgraph.checkpoint._cache import Cache
from rxgraph.checkpoint.serde.base import Pieces, whole
from rxgraph.checkpoint.sqlite._splice import splice, unsplice

PARTS = st.lists(st.binary(max_size=8) | st.sampled_from([b"x" * 300, bytes(range(256)), b"abc" * 50]), max_size=8)


@given(PARTS, PARTS, PARTS, PARTS)
def test_new_bytes_are_made_of_old_ones(
    head: list[bytes], cut: list[bytes], put: list[bytes], tail: list[bytes]
) -> None:
    old, new = (b"".join([*head, *middle, *tail]) for middle in (cut, put))
    delta = splice(old, new)
    if delta is not None:
        assert unsplice(old, delta) == new
        assert len(delta) <= len(new) // 2
    for one in (old, new):
        assert one == b"" or len(one) < 64 or unsplice(one, splice(one, one) or b"") == one


TEXT = [f"{number:05} " * 100 for number in range(400)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TEXT[:14], TEXT[:15]),
        (TEXT[:15], TEXT[:16]),
        (TEXT[:30], TEXT[:10]),
        (TEXT[:255], TEXT[:257]),
        (TEXT[:30], [*TEXT[:15], "new", *TEXT[15:30]]),
        (TEXT[:30], ["new", *TEXT[2:29]]),
        ({"n": 1, "deep": {"m": TEXT[:15], "n": 1}}, {"n": 70_000, "deep": {"m": TEXT[:16], "n": 2}}),
        ({"m": TEXT[:30]}, TEXT[:30]),
        ([{"count": n, "text": TEXT[n]} for n in range(8)], [{"count": n * n, "text": TEXT[n]} for n in range(8)]),
    ],
)
def test_a_small_change_makes_a_short_delta(old: object, new: object) -> None:
    before, after = ormsgpack.packb(old), ormsgpack.packb(new)
    delta = splice(before, after)
    assert delta is not None
    assert len(delta) < 1600
    assert unsplice(before, delta) == after


@given(
    st.lists(st.sampled_from([b"a" * 900, b"b" * 900, b"tail"]), max_size=6),
    st.lists(st.binary(max_size=40), max_size=3),
    st.lists(st.binary(max_size=40), max_size=3),
)
def test_values_that_share_pieces_are_compared_from_where_they_part(
    shared: list[bytes], mine: list[bytes], yours: list[bytes]
) -> None:
    old, new = Pieces((b"old", *shared, *mine)), Pieces((b"new!", *shared, *yours))
    delta = splice(old, new)
    if delta is None:
        assert len(new) < 1000
    else:
        assert unsplice(whole(old), delta) == whole(new)
        assert len(delta) < 400


def test_bytes_with_nothing_in_common_have_no_delta() -> None:
    assert splice(b"a" * 5000, b"b" * 5000) is None
    assert splice(b"", b"b" * 500) is None
    assert splice(b"b" * 500, b"") is None


@pytest.mark.parametrize(
    "damage", [b"", b"\1", b"\2\0\0", b"\1\0\1", b"\1\0\0x", b"\1\0\1" + b"\0" * 3 + b"\xff" + b"\0" * 8]
)
def test_a_damaged_delta_is_an_error(damage: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unsplice(b"abc", damage)


def test_a_delta_cut_anywhere_is_an_error() -> None:
    old, new = b"x" * 2000, b"x" * 1000 + b"new" + b"x" * 1500
    delta = splice(old, new)
    assert delta is not None
    for length in range(len(delta)):
        with pytest.raises(ValueError, match=r".+"):
            unsplice(old, delta[:length])


def test_a_cache_keeps_what_was_used_last_within_its_weight() -> None:
    cache: Cache[str, bytes] = Cache(10, len)
    for key in "abc":
        cache.put(key, b"1234")
        cache.get("a")
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    cache.put("a", b"1")
    assert cache.weight == 5
    cache.put("d", b"12345678901")
    assert cache.get("d") is None
    assert cache.weight == 5
