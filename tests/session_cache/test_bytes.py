"""How many bytes are held, and which session leaves for them.

Point 17, bounded inside too.
"""

from __future__ import annotations

from loops import settle

from session_cache.harness import Session, Sessions, Turn, assert_left_clean, whole_turn
from session_cache.subject import inside


def size(session: Session) -> int:
    """A byte for each character of the names of its turns."""
    return sum(len(name) for name in session.log)


async def test_the_least_recently_used_leaves_for_bytes(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    for key in "abc":
        await whole_turn(cache, key, "xxx")
    await settle()
    assert (sessions.closed, inside(cache).size) == ([], 9)
    await whole_turn(cache, "a", "x")
    await settle()
    assert (sessions.closed, inside(cache).size) == ([], 10)
    await whole_turn(cache, "c", "x")
    await settle()
    assert sessions.keys_closed() == ["b"]
    assert inside(cache).size == 8
    await assert_left_clean(cache, sessions)


async def test_as_many_leave_as_have_to(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    for key in "abc":
        await whole_turn(cache, key, "xxx")
    await whole_turn(cache, "d", "x" * 7)
    await settle()
    assert sessions.keys_closed() == ["a", "b"]
    assert inside(cache).idle == ["c", "d"]


async def test_one_that_is_too_large_by_itself_leaves_last(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    await whole_turn(cache, "a", "x")
    await whole_turn(cache, "b", "x" * 11)
    await settle()
    assert sessions.keys_closed() == ["a", "b"]
    assert inside(cache).size == 0


async def test_what_is_in_use_counts_and_stays(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    await whole_turn(cache, "a", "x" * 6)
    await whole_turn(cache, "b", "x")
    turn = Turn(cache, "a", "xxxx")
    await settle()
    await whole_turn(cache, "c", "x" * 4)
    await settle()
    assert sessions.keys_closed() == ["b"]
    turn.finish()
    await turn.task
    await settle()
    assert sessions.keys_closed() == ["b", "c"]
    assert inside(cache).size == 10
    await assert_left_clean(cache, sessions)


async def test_a_session_that_turns_wait_for_is_weighed_too(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    await whole_turn(cache, "a", "x")
    first, second = Turn(cache, "b", "x" * 10), Turn(cache, "b")
    await settle()
    first.finish()
    await first.task
    await settle()
    assert sessions.keys_closed() == ["a"]
    second.cancel()
    await settle()
    assert inside(cache).idle == ["b"]
    await assert_left_clean(cache, sessions)


async def test_a_forgotten_session_has_no_bytes(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    await whole_turn(cache, "a", "x" * 9)
    async with cache.forget("a"):
        assert inside(cache).size == 9
    assert inside(cache).size == 0
    await whole_turn(cache, "a", "xx")
    assert inside(cache).size == 2
    await assert_left_clean(cache, sessions)


async def test_turns_of_no_session_have_no_bytes(sessions: Sessions) -> None:
    cache = sessions.cache(maxbytes=10, sizeof=size)
    await whole_turn(cache, "a", "x")
    await whole_turn(cache, None, "x" * 100)
    await settle()
    assert (sessions.keys_closed(), inside(cache).size) == ([None], 1)
    await assert_left_clean(cache, sessions)
