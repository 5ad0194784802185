"""How many turns of a session may be in line.

Point 7, one at a time.
"""

from __future__ import annotations

import asyncio

import pytest
from loops import settle

from session_cache.harness import Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import SessionBusyError, inside


async def test_a_turn_too_many_is_refused_at_once(sessions: Sessions) -> None:
    cache = sessions.cache(maxline=3)
    await whole_turn(cache, "other")
    turns = [Turn(cache, "a", str(n)) for n in range(3)]
    await settle()
    before = inside(cache)
    for _ in range(2):
        with pytest.raises(SessionBusyError):
            await whole_turn(cache, "a")
    assert inside(cache) == before
    await whole_turn(cache, "other")
    await whole_turn(cache, None)
    for turn in turns:
        turn.finish()
    await asyncio.gather(*(turn.task for turn in turns))
    assert (await whole_turn(cache, "a", "after")).log == ["0", "1", "2", "after"]
    await assert_left_clean(cache, sessions)


async def test_a_turn_that_gives_up_leaves_its_place(sessions: Sessions) -> None:
    cache = sessions.cache(maxline=2)
    turns = [Turn(cache, "a") for _ in range(2)]
    await settle()
    turns[1].cancel()
    await settle()
    third = Turn(cache, "a")
    await settle()
    turns[0].finish()
    third.finish()
    await asyncio.gather(turns[0].task, third.task)
    await assert_left_clean(cache, sessions)


async def test_sixty_four_by_default(sessions: Sessions) -> None:
    cache = sessions.cache()
    turns = [Turn(cache, "a") for _ in range(64)]
    await settle()
    with pytest.raises(SessionBusyError):
        await whole_turn(cache, "a")
    for turn in turns:
        turn.finish()
    await asyncio.gather(*(turn.task for turn in turns))
    await assert_left_clean(cache, sessions)


async def test_who_forgets_is_in_line_too(sessions: Sessions) -> None:
    cache = sessions.cache(maxline=1)
    turn = Turn(cache, "a")
    await settle()
    with pytest.raises(SessionBusyError):
        async with cache.forget("a"):
            pass
    turn.finish()
    await turn.task
    await assert_left_clean(cache, sessions)
