"""How many sessions are held, and which one leaves.

Point 5, cap and order.
Point 6, in use is not evicted.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loops import settle

from session_cache.harness import OpenFailed, Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import Cache, inside


async def fill(cache: Cache[object], keys: str) -> None:
    for key in keys:
        async with cache.turn(key):
            pass
    await settle()


async def test_the_default_cap_is_128(sessions: Sessions) -> None:
    cache = sessions.cache()
    for key in range(128):
        await whole_turn(cache, key)
    await settle()
    assert (len(cache), sessions.closed) == (128, [])
    await whole_turn(cache, 128)
    await settle()
    assert (len(cache), sessions.keys_closed()) == (128, [0])


async def test_the_least_recently_used_leaves_first(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=3)
    await fill(cache, "abc")
    await fill(cache, "a")  # from here b is the oldest in use, though a was the first to come
    await fill(cache, "d")
    assert sessions.keys_closed() == ["b"]
    await fill(cache, "e")
    assert sessions.keys_closed() == ["b", "c"]
    assert inside(cache).idle == ["a", "d", "e"]


async def test_a_turn_counts_at_its_start(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    await fill(cache, "ab")
    turn = Turn(cache, "a")
    await settle()
    await fill(cache, "c")
    assert sessions.keys_closed() == ["b"]
    turn.finish()
    await turn.task


async def test_a_turn_counts_at_its_end(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=3)
    turn = Turn(cache, "a")
    await settle()
    await fill(cache, "bc")
    turn.finish()
    await turn.task
    await fill(cache, "d")
    assert sessions.keys_closed() == ["b"]
    assert inside(cache).idle == ["c", "a", "d"]


@pytest.mark.parametrize("end", ["fail", "cancel"])
async def test_a_turn_that_does_not_finish_counts_as_well(sessions: Sessions, end: str) -> None:
    cache = sessions.cache(maxsize=2)
    await fill(cache, "ab")
    turn = Turn(cache, "a")
    await settle()
    getattr(turn, end)()
    await settle()
    assert turn.status in ("failed", "cancelled")
    assert inside(cache).idle == ["b", "a"]


async def test_the_cache_grows_with_sessions_in_use_and_shrinks_back(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    turns = [Turn(cache, key) for key in "abcde"]
    await settle()
    assert (len(cache), sessions.closed) == (5, [])
    for left, turn in enumerate(turns):
        turn.finish()
        await settle()
        assert len(cache) == max(2, 4 - left)
    assert sessions.keys_closed() == ["a", "b", "c"]
    assert inside(cache).idle == ["d", "e"]
    await assert_left_clean(cache, sessions)


async def test_five_hundred_sessions_at_once_leave_no_more_than_the_cap(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=128)
    turns = [Turn(cache, key) for key in range(500)]
    await settle()
    assert len(cache) == 500
    for turn in turns:
        turn.finish()
    await settle()
    assert len(cache) == 128
    assert sessions.keys_closed() == list(range(372))


async def test_a_waiting_turn_keeps_its_session(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=0)
    first, second = Turn(cache, "a", "first"), Turn(cache, "a", "second")
    await settle()
    first.finish()
    await settle()
    await fill(cache, "bc")
    assert second.status == "running"
    second.finish()
    await settle()
    assert [session.log for session in sessions.opened if session.key == "a"] == [
        ["first", "second"]
    ]
    await assert_left_clean(cache, sessions)


async def test_a_session_is_trimmed_for_only_when_it_is_open(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    await fill(cache, "ab")
    sessions.opens["c"] = "slow"
    turn = Turn(cache, "c")
    await settle()
    assert sessions.closed == []
    sessions.finish_open("c")
    await settle()
    assert sessions.keys_closed() == ["a"]
    turn.finish()
    await turn.task
    assert len(cache) == 2


async def test_an_opening_that_fails_evicts_nobody(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    await fill(cache, "ab")
    sessions.opens["c"] = "fail"
    with pytest.raises(OpenFailed):
        await whole_turn(cache, "c")
    await settle()
    assert sessions.closed == []
    assert inside(cache).idle == ["a", "b"]


async def test_all_that_is_over_the_cap_leaves_at_once(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=3)
    await fill(cache, "abc")
    sessions.opens.update(dict.fromkeys("def", "slow"))
    turns = [Turn(cache, key) for key in "def"]
    await settle()
    sessions.finish_open("d")
    await settle()
    assert sessions.keys_closed() == ["a", "b", "c"]
    for key in "ef":
        sessions.finish_open(key)
    for turn in turns:
        turn.finish()
    await settle()
    await assert_left_clean(cache, sessions)


async def test_without_room_every_turn_starts_fresh(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=0)
    for n in range(3):
        await whole_turn(cache, "a", f"turn {n}")
        assert len(cache) == 0
    await settle()
    assert [session.log for session in sessions.opened] == [["turn 0"], ["turn 1"], ["turn 2"]]
    await assert_left_clean(cache, sessions)


async def test_room_for_one(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    await fill(cache, "aabba")
    assert sessions.keys_opened() == ["a", "b", "a"]
    assert sessions.keys_closed() == ["a", "b"]
    assert len(cache) == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(keys=st.lists(st.integers(0, 7), max_size=60), maxsize=st.integers(1, 6))
async def test_turns_one_by_one_miss_where_the_lru_cache_of_python_misses(
    keys: list[int], maxsize: int
) -> None:
    expected: list[Hashable | None] = []
    miss = functools.lru_cache(maxsize)(expected.append)
    sessions = Sessions()
    cache = sessions.cache(maxsize=maxsize)
    for key in keys:
        miss(key)
        await whole_turn(cache, key)
        assert len(cache) == miss.cache_info().currsize
    assert sessions.attempts == expected
