"""A session keeps its state from turn to turn; sessions share nothing.

Point 1, recall.
Point 2, isolation.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from loops import settle

from session_cache.harness import Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import SessionCache


async def test_a_turn_sees_what_all_earlier_ones_left(sessions: Sessions) -> None:
    cache = sessions.cache()
    for n in range(5):
        session = await whole_turn(cache, "a", f"turn {n}")
        assert session.log == [f"turn {m}" for m in range(n + 1)]
    assert len(sessions.opened) == 1
    await assert_left_clean(cache, sessions)


async def test_sessions_have_states_of_their_own(sessions: Sessions) -> None:
    cache = sessions.cache()
    for name in ("first", "second"):
        for key in ("a", "b", ("a", "b")):
            await whole_turn(cache, key, f"{key} {name}")
    assert [session.log for session in sessions.opened] == [
        [f"{key} first", f"{key} second"] for key in ("a", "b", ("a", "b"))
    ]
    assert len(cache) == 3


@pytest.mark.parametrize("key", [0, "", (), frozenset(), False], ids=repr)
async def test_a_key_may_be_falsy(sessions: Sessions, key: Hashable) -> None:
    cache = sessions.cache(maxsize=2)
    first = await whole_turn(cache, key, "first")
    assert await whole_turn(cache, key, "second") is first
    assert len(cache) == 1
    await whole_turn(cache, "b")
    await whole_turn(cache, "c")
    await settle()
    assert sessions.closed == [first]


@pytest.mark.parametrize("state", [None, 0, "", []], ids=repr)
async def test_a_state_may_be_falsy(state: Any) -> None:
    opened, closed = [], []

    async def opens(key: str) -> Any:
        opened.append(key)
        return state

    async def closes(key: str, given: Any) -> None:
        closed.append((key, given))

    cache = SessionCache(opens, closes)
    for _ in range(3):
        async with cache.turn("a") as seen:
            assert seen is state
    await cache.aclose()
    assert (opened, closed) == (["a"], [("a", state)])


async def test_a_session_outlives_a_turn_that_fails(sessions: Sessions) -> None:
    cache = sessions.cache()
    first = await whole_turn(cache, "a", "first")
    failing = Turn(cache, "a")
    await settle()
    failing.fail()
    await settle()
    assert failing.status == "failed"
    assert await whole_turn(cache, "a", "last") is first
    assert first.log == ["first", "last"]
    await assert_left_clean(cache, sessions)


async def test_a_cache_needs_no_close() -> None:
    async def opens(key: str) -> list[str]:
        return [key]

    cache = SessionCache(opens, maxsize=1)
    for key in ("a", "b", None, "a"):
        async with cache.turn(key) as state:
            assert state == [key]
    assert len(cache) == 1
    await cache.aclose()
    assert len(cache) == 0
