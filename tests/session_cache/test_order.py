"""Turns of one session run one after the other, those of different sessions side by side.

Point 7, one at a time.
Point 8, one creation.
"""

from __future__ import annotations

import asyncio

import pytest
from loops import settle

from session_cache.harness import OpenFailed, Sessions, Turn, assert_left_clean, whole_turn


async def test_turns_of_a_session_run_in_order_of_arrival(sessions: Sessions) -> None:
    cache = sessions.cache()
    turns = [Turn(cache, "a", f"turn {n}") for n in range(10)]
    for n, turn in enumerate(turns):
        await settle()
        assert [t.status for t in turns] == ["done"] * n + ["running"] + ["waiting"] * (9 - n)
        turn.finish()
    await settle()
    assert sessions.opened[0].log == [f"turn {n}" for n in range(10)]
    await assert_left_clean(cache, sessions)


async def test_sessions_run_side_by_side(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    turns = [Turn(cache, key) for key in range(10)]
    await settle()
    assert {turn.status for turn in turns} == {"running"}
    for turn in turns:
        turn.finish()
    await settle()
    await assert_left_clean(cache, sessions)


async def test_a_slow_opening_holds_up_no_other_session(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens["a"] = "slow"
    slow = Turn(cache, "a")
    await settle()
    await whole_turn(cache, "b")
    assert slow.status == "waiting"
    sessions.finish_open("a")
    slow.finish()
    await slow.task


async def test_many_first_turns_open_a_session_once(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens["a"] = "slow"
    turns = [Turn(cache, "a", f"turn {n}") for n in range(64)]
    for turn in turns:
        turn.finish()
    await settle()
    assert len(cache) == 1
    sessions.finish_open("a")
    await asyncio.gather(*(turn.task for turn in turns))
    assert sessions.attempts == ["a"]
    assert sessions.opened[0].log == [f"turn {n}" for n in range(64)]
    await assert_left_clean(cache, sessions)


async def test_the_next_in_line_tries_again_after_a_failed_opening(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens["a"] = "slow"
    turns = [Turn(cache, "a", f"turn {n}") for n in range(3)]
    for failed in range(2):
        await settle()
        sessions.finish_open("a", OpenFailed(failed))
        await settle()
        assert turns[failed].status == "not opened"
        with pytest.raises(OpenFailed) as caught:
            await turns[failed].task
        assert caught.value.args == (failed,)
        assert all(turn.status == "waiting" for turn in turns[failed + 1 :])
    sessions.finish_open("a")
    await settle()
    turns[2].finish()
    await turns[2].task
    assert sessions.attempts == ["a"] * 3
    assert [session.log for session in sessions.opened] == [["turn 2"]]
    await assert_left_clean(cache, sessions)


async def test_a_failed_opening_leaves_nothing(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens["a"] = "fail"
    for _ in range(2):
        with pytest.raises(OpenFailed):
            await whole_turn(cache, "a")
        assert len(cache) == 0
    sessions.opens.clear()
    await whole_turn(cache, "a")
    await assert_left_clean(cache, sessions)


async def test_the_next_in_line_tries_again_after_a_cancelled_opening(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.opens["a"] = "slow"
    first, second = Turn(cache, "a"), Turn(cache, "a")
    await settle()
    first.cancel()
    await settle()
    assert (first.status, second.status) == ("cancelled", "waiting")
    sessions.finish_open("a")
    await settle()
    assert second.status == "running"
    second.finish()
    await second.task
    assert sessions.attempts == ["a", "a"]
    await assert_left_clean(cache, sessions)


async def test_a_cancelled_waiter_gives_up_its_place(sessions: Sessions) -> None:
    cache = sessions.cache()
    turns = [Turn(cache, "a", f"turn {n}") for n in range(4)]
    await settle()
    turns[1].cancel()
    await settle()
    assert [turn.status for turn in turns] == ["running", "cancelled", "waiting", "waiting"]
    for n in (0, 2, 3):
        turns[n].finish()
        await settle()
    assert sessions.opened[0].log == ["turn 0", "turn 2", "turn 3"]
    await assert_left_clean(cache, sessions)


@pytest.mark.parametrize("steps", range(5))
async def test_nobody_overtakes_while_a_turn_is_handed_over(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache()
    first, second = Turn(cache, "a", "first"), Turn(cache, "a", "second")
    await settle()
    first.finish()
    for _ in range(steps):
        await asyncio.sleep(0)
    third = Turn(cache, "a", "third")
    await settle()
    assert [turn.status for turn in (first, second, third)] == ["done", "running", "waiting"]
    second.finish()
    third.finish()
    await settle()
    assert sessions.opened[0].log == ["first", "second", "third"]
    await assert_left_clean(cache, sessions)
