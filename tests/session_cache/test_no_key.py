"""A turn without a key has a state of its own and touches no session.

Point 3, no session id.
"""

from __future__ import annotations

import pytest
from loops import settle

from session_cache.harness import Clock, OpenFailed, Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import inside


async def test_each_turn_has_a_state_of_its_own_closed_after_it(sessions: Sessions) -> None:
    cache = sessions.cache()
    for n in range(3):
        await whole_turn(cache, None, f"turn {n}")
        await settle()
        assert len(sessions.closed) == n + 1
    assert [session.log for session in sessions.opened] == [["turn 0"], ["turn 1"], ["turn 2"]]
    await assert_left_clean(cache, sessions)


@pytest.mark.parametrize("maxsize", [0, 2])
async def test_it_is_never_counted_and_evicts_nobody(sessions: Sessions, maxsize: int) -> None:
    cache = sessions.cache(maxsize=maxsize)
    for key in range(maxsize):
        await whole_turn(cache, key)
    turns = [Turn(cache, None) for _ in range(10)]
    await settle()
    assert {turn.status for turn in turns} == {"running"}
    assert len({id(turn.session) for turn in turns}) == 10
    assert (len(cache), sessions.closed) == (maxsize, [])
    for turn in turns:
        turn.finish()
    await settle()
    assert sessions.keys_closed() == [None] * 10
    assert inside(cache).idle == list(range(maxsize))
    await assert_left_clean(cache, sessions)


@pytest.mark.parametrize("end", ["fail", "cancel"])
async def test_its_state_is_closed_however_it_ends(sessions: Sessions, end: str) -> None:
    cache = sessions.cache()
    turn = Turn(cache, None)
    await settle()
    getattr(turn, end)()
    await settle()
    assert turn.status in ("failed", "cancelled")
    assert sessions.closed == [turn.session]
    await assert_left_clean(cache, sessions)


async def test_a_failed_opening_stops_no_other(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens[None] = "slow"
    failing, other = Turn(cache, None), Turn(cache, None)
    await settle()
    sessions.finish_open(None, OpenFailed())
    sessions.finish_open(None)
    other.finish()
    await settle()
    assert (failing.status, other.status) == ("not opened", "done")
    await assert_left_clean(cache, sessions)


async def test_it_waits_for_no_closing(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.closes[None] = "slow"
    for _ in range(3):
        await whole_turn(cache, None)
        await settle()
    assert len(sessions.closing) == inside(cache).closing == 3
    for _ in range(3):
        sessions.finish_close(None)
    await assert_left_clean(cache, sessions)


async def test_it_makes_expired_sessions_leave(sessions: Sessions, clock: Clock) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    await whole_turn(cache, "a")
    clock.now += 60
    turn = Turn(cache, None)
    await settle()
    assert sessions.keys_closed() == ["a"]
    turn.finish()
    await turn.task
