"""A session that leaves is closed once, and no turn comes too close to that.

Point 9, eviction really frees.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import weakref

import pytest
from loops import settle

from session_cache.harness import (
    CloseFailed,
    OpenFailed,
    Session,
    Sessions,
    Turn,
    assert_left_clean,
    whole_turn,
)
from session_cache.subject import SessionCache, inside


async def test_a_session_is_closed_once_with_its_key_and_state(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=2)
    for key in ("a", "b", "c", "d"):
        await whole_turn(cache, key)  # closing compares key and state, and counts
    await settle()
    assert sessions.closed == sessions.opened[:2]
    await assert_left_clean(cache, sessions)


async def test_a_session_being_closed_is_held_no_more(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    await whole_turn(cache, "b")
    await settle()
    found = inside(cache)
    assert (found.in_use, found.idle, found.closing) == ([], ["b"], 1)
    assert len(cache) == 1
    sessions.finish_close("a")
    await assert_left_clean(cache, sessions)


async def test_a_turn_waits_for_the_closing_and_starts_fresh(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a", "old")
    await whole_turn(cache, "b")
    turns = [Turn(cache, "a", f"new {n}") for n in range(3)]
    for turn in turns:
        turn.finish()
    await settle()
    assert sessions.attempts == ["a", "b"]
    sessions.finish_close("a")
    await settle()
    assert [session.log for session in sessions.opened if session.key == "a"] == [
        ["old"],
        ["new 0", "new 1", "new 2"],
    ]
    sessions.closes.clear()
    await assert_left_clean(cache, sessions)


async def test_a_slow_closing_holds_up_no_other_session(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    for key in ("a", "b", "c", "d", "c"):
        await whole_turn(cache, key)
    await settle()
    assert sessions.keys_closed() == ["a", "b", "c", "d"]
    sessions.finish_close("a")
    await assert_left_clean(cache, sessions)


async def test_a_turn_that_gives_up_waiting_leaves_the_closing_alone(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    await whole_turn(cache, "b")
    impatient, patient = Turn(cache, "a"), Turn(cache, "a")
    await settle()
    impatient.cancel()
    await settle()
    assert (impatient.status, patient.status) == ("cancelled", "waiting")
    assert len(sessions.closing) == 1
    sessions.finish_close("a")
    await settle()
    assert patient.status == "running"
    patient.finish()
    sessions.closes.clear()
    await settle()
    await assert_left_clean(cache, sessions)


@pytest.mark.parametrize("steps", range(4))
async def test_the_turn_that_evicts_may_be_cancelled(sessions: Sessions, steps: int) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    evicting = Turn(cache, "b")
    for _ in range(steps):
        await asyncio.sleep(0)
    evicting.cancel()
    await settle()
    await whole_turn(cache, "b")  # it evicts if the other turn was cancelled before it began
    await settle()
    assert sessions.keys_closed() == ["a"]
    assert len(sessions.closing) == 1
    sessions.finish_close("a")
    await assert_left_clean(cache, sessions)


async def test_an_error_in_closing_is_logged_and_stops_nobody(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a-private-key"] = "fail"
    await whole_turn(cache, "a-private-key", "old")
    await whole_turn(cache, "b")
    await settle()
    await whole_turn(cache, "a-private-key", "new")
    assert [session.log for session in sessions.opened] == [["old"], ["turn"], ["new"]]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("bedrock_agentcore.app", logging.ERROR)
    assert record.exc_info
    assert isinstance(record.exc_info[1], CloseFailed)
    assert "a-private-key" not in record.getMessage()
    await assert_left_clean(cache, sessions)


async def test_a_waiting_turn_starts_after_a_closing_that_fails(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=1)
    sessions.closes["a"] = "slow"
    await whole_turn(cache, "a")
    await whole_turn(cache, "b")
    turn = Turn(cache, "a")
    turn.finish()
    await settle()
    sessions.finish_close("a", CloseFailed("a"))
    await settle()
    assert turn.status == "done"
    sessions.closes.clear()
    await assert_left_clean(cache, sessions)


async def test_what_was_never_opened_is_never_closed(sessions: Sessions) -> None:
    cache = sessions.cache(maxsize=0)
    sessions.opens.update({"a": "fail", None: "fail"})
    for key in ("a", None):
        with pytest.raises(OpenFailed):
            await whole_turn(cache, key)
    await cache.aclose()
    assert sessions.closed == []


@pytest.mark.parametrize("with_close", [True, False])
async def test_nothing_of_an_evicted_session_stays(with_close: bool) -> None:
    async def opens(key: str | None) -> Session:
        return Session(key)

    async def closes(key: str | None, session: Session) -> None:
        pass

    cache = SessionCache(opens, closes if with_close else None, maxsize=1)

    async def state_of(key: str | None) -> weakref.ref[Session]:
        async with cache.turn(key) as session:
            return weakref.ref(session)

    evicted, unnamed, held = await state_of("a"), await state_of(None), await state_of("b")
    await settle()
    gc.collect()
    assert (evicted(), unnamed()) == (None, None)
    assert held()


async def test_a_closing_knows_nothing_of_the_turn_that_caused_it() -> None:
    request = contextvars.ContextVar("request", default="")
    seen: list[tuple[str | None, str]] = []

    async def opens(key: str | None) -> str:
        return key or ""

    async def closes(key: str | None, _: str) -> None:
        seen.append((key, request.get()))

    async def turn(key: str) -> None:
        request.set(key)
        async with cache.turn(key):
            pass

    cache = SessionCache(opens, closes, maxsize=1)
    for key in ("a", "b"):
        await asyncio.create_task(turn(key))
    await settle()
    assert seen == [("a", "")]
