"""`aclose` closes the sessions that nobody uses, and the cache can go on after it.

Point 15, nothing asynchronous at import.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from loops import settle

from session_cache.harness import Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import SessionCache, inside


async def test_it_closes_the_idle_sessions_in_order_of_use(sessions: Sessions) -> None:
    cache = sessions.cache()
    for key in "abca":
        await whole_turn(cache, key)
    await cache.aclose()
    assert sessions.keys_closed() == ["b", "c", "a"]
    assert len(cache) == 0


async def test_it_leaves_a_running_turn_alone(sessions: Sessions) -> None:
    cache = sessions.cache()
    await whole_turn(cache, "idle")
    running, waiting = Turn(cache, "a", "first"), Turn(cache, "a", "second")
    await settle()
    await cache.aclose()
    assert (running.status, waiting.status) == ("running", "waiting")
    assert sessions.keys_closed() == ["idle"]
    running.finish()
    waiting.finish()
    await settle()
    session = await whole_turn(cache, "a", "third")
    assert session.log == ["first", "second", "third"]
    await assert_left_clean(cache, sessions)


async def test_it_returns_when_all_is_closed(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes.update({"a": "slow", "b": "slow"})
    await whole_turn(cache, "a")
    await whole_turn(cache, "b")  # the closing of a is under way before the shutdown
    shutdown = asyncio.create_task(cache.aclose())
    await settle()
    assert sessions.keys_closed() == ["a", "b"]
    for key in "ab":
        assert not shutdown.done()
        sessions.finish_close(key)
        await settle()
    await shutdown
    await assert_left_clean(cache, sessions)


async def test_an_error_in_closing_stops_it_not(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.closes["a"] = "fail"
    for key in "abc":
        await whole_turn(cache, key)
    await cache.aclose()
    assert sessions.keys_closed() == ["a", "b", "c"]


async def test_it_may_come_twice_and_at_once_and_before_any_turn(sessions: Sessions) -> None:
    cache = sessions.cache()
    await cache.aclose()
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    shutdowns = [asyncio.create_task(cache.aclose()) for _ in range(3)]
    await settle()
    assert not any(shutdown.done() for shutdown in shutdowns)
    sessions.finish_close("a")
    await asyncio.gather(*shutdowns)
    await cache.aclose()
    assert sessions.keys_closed() == ["a"]


async def test_its_cancellation_cuts_no_closing_short(sessions: Sessions) -> None:
    cache = sessions.cache()
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    shutdown = asyncio.create_task(cache.aclose())
    await settle()
    shutdown.cancel()
    await settle()
    assert shutdown.cancelled()
    assert len(sessions.closing) == 1
    sessions.finish_close("a")
    await assert_left_clean(cache, sessions)


async def test_the_cache_can_be_used_again(sessions: Sessions) -> None:
    cache = sessions.cache()
    for n in range(3):
        await whole_turn(cache, "a", f"turn {n}")
        await cache.aclose()
    assert [session.log for session in sessions.opened] == [["turn 0"], ["turn 1"], ["turn 2"]]
    assert inside(cache).closing == 0


def test_it_can_be_used_again_on_another_loop(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)

    async def life() -> None:
        turns = [Turn(cache, "a") for _ in range(3)]  # they bind the locks to their loop
        await settle()
        for turn in turns:
            turn.finish()
            await turn.task
        await whole_turn(cache, "b")
        await cache.aclose()

    for _ in range(3):
        asyncio.run(life())  # three loops, one after the other
    assert sessions.keys_closed() == ["a", "b"] * 3


def test_it_works_after_the_loop_of_the_turns_is_gone(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"

    async def turns() -> None:
        await whole_turn(cache, "a")
        await whole_turn(cache, "b")
        await settle()  # the closing of a begins, and ends with the loop

    # two loops, of which the first has ended
    asyncio.run(turns())
    asyncio.run(cache.aclose())
    assert sessions.keys_closed() == ["a", "b"]
    assert (len(cache), inside(cache).closing) == (0, 0)


@pytest.fixture
def worker() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread of its own, as handlers of a server may have it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_it_closes_on_the_loop_of_the_turns(worker: asyncio.AbstractEventLoop) -> None:
    loops: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def opens(_: str) -> str:
        loops.append(("open", asyncio.get_running_loop()))
        return "state"

    async def closes(_: str, __: str) -> None:
        await asyncio.sleep(0)
        loops.append(("close", asyncio.get_running_loop()))

    cache = SessionCache(opens, closes)

    async def turn() -> None:
        async with cache.turn("a"):
            pass

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(turn(), worker))
    await cache.aclose()  # as a server does it, on its own loop
    assert loops == [("open", worker), ("close", worker)]
    assert len(cache) == 0
