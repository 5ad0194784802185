"""A turn may be cancelled at any point: nothing is lost, nothing stays, nobody else notices.

Point 8, one creation.
Point 9, eviction really frees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from loops import settle

from session_cache.harness import Session, Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import Cache, SessionCache, inside

# More steps than a turn has in these tests, so that the last ones find it done.
EACH_POINT = pytest.mark.parametrize("steps", range(24))


class StepwiseSessions(Sessions):
    """Takes several steps to open and to close, each a point to be cancelled at."""

    async def open(self, key: object) -> Session:
        for _ in range(3):
            await asyncio.sleep(0)
        return await super().open(key)

    async def close(self, key: object, session: Session) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        await super().close(key, session)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    made = StepwiseSessions()
    yield made
    assert not made.faults


async def turn_in_steps(cache: Cache[Session], key: object, name: str) -> None:
    async with cache.turn(key) as session:
        with session.used():
            for _ in range(3):
                await asyncio.sleep(0)
            session.log.append(name)


async def cancel_after(steps: int, task: asyncio.Task[None]) -> bool:
    """Cancel it at that point; say whether it had been done before."""
    for _ in range(steps):
        await asyncio.sleep(0)
    early = not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() is early
    return not early


@EACH_POINT
@pytest.mark.parametrize("key", ["a", None])
async def test_of_a_first_turn(sessions: Sessions, key: str | None, steps: int) -> None:
    cache = sessions.cache()
    done = await cancel_after(steps, asyncio.create_task(turn_in_steps(cache, key, "cancelled")))
    assert inside(cache).in_use == []
    assert len(cache) == (len(sessions.opened) if key else 0)
    await whole_turn(cache, "a", "next")
    expected = ["cancelled", "next"] if done and key else ["next"]
    assert sessions.opened[-1].log == expected
    await assert_left_clean(cache, sessions)


@EACH_POINT
async def test_of_a_turn_whose_session_is_being_closed(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache(maxsize=1)
    await whole_turn(cache, "a", "old")
    await whole_turn(cache, "b")
    first = asyncio.create_task(turn_in_steps(cache, "a", "cancelled"))
    second = asyncio.create_task(turn_in_steps(cache, "a", "next"))
    done = await cancel_after(steps, first)
    await second
    expected = [["old"], ["cancelled", "next"] if done else ["next"]]
    assert [session.log for session in sessions.opened if session.key == "a"] == expected
    await settle()
    assert inside(cache).idle == ["a"]
    await assert_left_clean(cache, sessions)


@EACH_POINT
async def test_of_the_first_of_many_turns(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache()
    turns = [asyncio.create_task(turn_in_steps(cache, "a", f"turn {n}")) for n in range(4)]
    done = await cancel_after(steps, turns[0])
    await asyncio.wait(turns)
    names = [f"turn {n}" for n in range(0 if done else 1, 4)]
    assert [session.log for session in sessions.opened] == [names]
    await assert_left_clean(cache, sessions)


@EACH_POINT
async def test_of_a_turn_in_the_middle_of_the_line(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache()
    turns = [asyncio.create_task(turn_in_steps(cache, "a", f"turn {n}")) for n in range(4)]
    done = await cancel_after(steps, turns[1])
    await asyncio.wait(turns)
    names = [f"turn {n}" for n in range(4) if done or n != 1]
    assert [session.log for session in sessions.opened] == [names]
    await assert_left_clean(cache, sessions)


@pytest.mark.parametrize("steps", range(4))
async def test_of_the_turn_that_the_session_was_just_handed_to(
    sessions: Sessions, steps: int
) -> None:
    cache = sessions.cache()
    first, second, third = (Turn(cache, "a", name) for name in ("first", "second", "third"))
    await settle()
    first.finish()
    for _ in range(steps):
        await asyncio.sleep(0)
    second.cancel()
    await settle()
    statuses = [turn.status for turn in (first, second, third)]
    assert statuses == ["done", "cancelled", "running"]
    third.finish()
    await settle()
    assert sessions.opened[0].log == ["first", "third"]
    await assert_left_clean(cache, sessions)


@EACH_POINT
async def test_of_everyone_at_once(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache(maxsize=1)
    tasks = [
        asyncio.create_task(turn_in_steps(cache, key, "turn"))
        for key in ("a", "b", "a", None, "c", "a")
    ]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await settle()
    assert inside(cache).in_use == []
    assert len(cache) <= 1
    session = await whole_turn(cache, "a", "next")
    assert session.log[-1] == "next"
    await assert_left_clean(cache, sessions)


@EACH_POINT
async def test_of_a_shutdown(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache()
    for key in "abc":
        await whole_turn(cache, key)
    await cancel_after(steps, asyncio.create_task(cache.aclose()))
    await assert_left_clean(cache, sessions)


async def test_by_a_timeout_lets_the_next_turn_work() -> None:
    async def opens(_: str) -> list[str]:
        return []

    cache = SessionCache(opens)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), cache.turn("a"):
            await asyncio.Event().wait()
    async with cache.turn("a") as state:
        assert state == []
