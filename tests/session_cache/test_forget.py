"""A session that is forgotten leaves between two turns, and comes back as a new one."""

from __future__ import annotations

import asyncio

import pytest
from loops import settle

from session_cache.harness import Session, Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import Cache, inside


class Forgetting:
    """A `forget` in a task of its own, which stays in its block until it is told to end."""

    def __init__(self, cache: Cache[Session], key: str) -> None:
        self.begun = asyncio.Event()
        self.end = asyncio.Event()
        self.task = asyncio.create_task(self._run(cache, key))

    async def _run(self, cache: Cache[Session], key: str) -> None:
        async with cache.forget(key):
            self.begun.set()
            await self.end.wait()


async def forget(cache: Cache[Session], key: str) -> None:
    async with cache.forget(key):
        pass


def logs(sessions: Sessions, key: str) -> list[list[str]]:
    return [session.log for session in sessions.opened if session.key == key]


async def test_it_is_closed_once_and_the_next_turn_starts_anew(sessions: Sessions) -> None:
    cache = sessions.cache()
    for key in ("a", "b"):
        await whole_turn(cache, key, "old")
    await forget(cache, "a")
    assert sessions.keys_closed() == ["a"]
    assert inside(cache).idle == ["b"]
    await whole_turn(cache, "a", "new")
    await whole_turn(cache, "b", "later")
    assert logs(sessions, "a") == [["old"], ["new"]]
    assert logs(sessions, "b") == [["old", "later"]]
    await assert_left_clean(cache, sessions)


async def test_it_waits_for_the_turns_before_and_those_after_wait_for_it(
    sessions: Sessions,
) -> None:
    cache = sessions.cache()
    before = [Turn(cache, "a", f"before {n}") for n in range(2)]
    await settle()
    forgetting = Forgetting(cache, "a")
    await settle()
    after = [Turn(cache, "a", f"after {n}") for n in range(2)]
    before[0].finish()
    await settle()
    assert not forgetting.begun.is_set()
    before[1].finish()
    await settle()
    assert forgetting.begun.is_set()
    assert sessions.keys_closed() == []
    assert {turn.status for turn in after} == {"waiting"}
    for turn in after:
        turn.finish()
    forgetting.end.set()
    await settle()
    assert sessions.keys_closed() == ["a"]
    assert logs(sessions, "a") == [["before 0", "before 1"], ["after 0", "after 1"]]
    await assert_left_clean(cache, sessions)


async def test_it_is_over_when_the_session_is_closed_after_the_block(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a", "old")
    forgetting = Forgetting(cache, "a")
    await settle()
    assert forgetting.begun.is_set()
    forgetting.end.set()
    next_turn = Turn(cache, "a", "new")
    next_turn.finish()
    await settle()
    assert not forgetting.task.done()
    assert next_turn.status == "waiting"
    sessions.finish_close("a")
    await settle()
    assert forgetting.task.done()
    assert logs(sessions, "a") == [["old"], ["new"]]
    sessions.closes.clear()
    await assert_left_clean(cache, sessions)


async def test_nothing_is_opened_closed_or_evicted_for_an_unknown_one(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    for key in ("a", "b"):
        await whole_turn(cache, key)
    await forget(cache, "c")
    assert sessions.attempts == ["a", "b"]
    assert sessions.closed == []
    assert inside(cache).idle == ["a", "b"]
    await assert_left_clean(cache, sessions)


async def test_it_can_be_given_up_while_it_waits_for_a_turn(sessions: Sessions) -> None:
    cache = sessions.cache()
    turn = Turn(cache, "a")
    await settle()
    forgetting = Forgetting(cache, "a")
    await settle()
    forgetting.task.cancel()
    turn.finish()
    await settle()
    assert forgetting.task.cancelled()
    assert sessions.closed == []
    assert inside(cache).idle == ["a"]
    await assert_left_clean(cache, sessions)


async def test_given_up_while_the_session_closes_it_is_forgotten_all_the_same(
    sessions: Sessions,
) -> None:
    cache = sessions.cache()
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a", "old")
    forgetting = Forgetting(cache, "a")
    forgetting.end.set()
    await settle()
    forgetting.task.cancel()
    next_turn = Turn(cache, "a", "new")
    next_turn.finish()
    await settle()
    assert sessions.attempts == ["a"]
    sessions.finish_close("a")
    await settle()
    assert logs(sessions, "a") == [["old"], ["new"]]
    sessions.closes.clear()
    await assert_left_clean(cache, sessions)


async def test_a_block_that_fails_leaves_the_session_as_it_was(sessions: Sessions) -> None:
    cache = sessions.cache()
    await whole_turn(cache, "a", "old")
    with pytest.raises(LookupError):
        async with cache.forget("a"):
            raise LookupError
    forgetting = Forgetting(cache, "a")
    await settle()
    forgetting.task.cancel()
    await settle()
    assert forgetting.task.cancelled()
    await whole_turn(cache, "a", "new")
    assert logs(sessions, "a") == [["old", "new"]]
    assert sessions.closed == []
    await assert_left_clean(cache, sessions)


async def test_twice_at_once_it_is_closed_once(sessions: Sessions) -> None:
    cache = sessions.cache()
    await whole_turn(cache, "a")
    first, second = Forgetting(cache, "a"), Forgetting(cache, "a")
    await settle()
    assert (first.begun.is_set(), second.begun.is_set()) == (True, False)
    first.end.set()
    await settle()
    assert (first.task.done(), second.begun.is_set()) == (True, True)
    second.end.set()
    await settle()
    assert sessions.keys_closed() == ["a"]
    await assert_left_clean(cache, sessions)
