"""A session that nobody uses for long leaves when another comes.

Point 14, idle expiry.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from loops import settle

from session_cache.harness import Clock, Sessions, Turn, assert_left_clean
from session_cache.harness import whole_turn as turn
from session_cache.subject import SOURCE, inside


async def test_an_unused_session_leaves_at_the_next_turn_of_any(
    sessions: Sessions, clock: Clock
) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    await turn(cache, "a")
    clock.now += 1
    await turn(cache, "b")
    clock.now += 58.9
    await turn(cache, "c")
    await settle()
    assert sessions.closed == []
    clock.now += 0.1
    await turn(cache, "c")
    await settle()
    assert sessions.keys_closed() == ["a"]
    clock.now += 1
    await turn(cache, None)
    await settle()
    assert sessions.keys_closed() == ["a", "b", None]
    assert inside(cache).idle == ["c"]
    await assert_left_clean(cache, sessions)


async def test_the_default_is_one_day(sessions: Sessions, clock: Clock) -> None:
    cache = sessions.cache(clock=clock)
    await turn(cache, "a")
    clock.now += 86_399
    await turn(cache, "a")
    clock.now += 86_400
    await turn(cache, "b")
    await settle()
    assert sessions.keys_closed() == ["a"]


async def test_all_expired_sessions_leave_together(sessions: Sessions, clock: Clock) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    for key in "abc":
        await turn(cache, key)
    clock.now += 60
    await turn(cache, "d")
    await settle()
    assert sessions.keys_closed() == ["a", "b", "c"]
    assert len(cache) == 1


async def test_an_expired_session_starts_fresh_after_its_closing(
    sessions: Sessions, clock: Clock
) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    old = await turn(cache, "a")
    clock.now += 60
    sessions.closes["a"] = "slow"
    late = Turn(cache, "a", "late")
    await settle()
    assert (late.status, sessions.closed) == ("waiting", [old])
    sessions.finish_close("a")
    late.finish()
    await late.task
    assert late.session is not old
    sessions.closes.clear()
    await assert_left_clean(cache, sessions)


async def test_each_use_starts_the_time_anew(sessions: Sessions, clock: Clock) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    for _ in range(4):
        await turn(cache, "a")
        clock.now += 59
    await turn(cache, "b")
    await settle()
    assert sessions.closed == []
    assert sessions.opened[0].log == ["turn"] * 4


@pytest.mark.parametrize("end", ["finish", "fail", "cancel"])
async def test_the_time_counts_from_the_end_of_a_turn(
    sessions: Sessions, clock: Clock, end: str
) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    long = Turn(cache, "a")
    await settle()
    clock.now += 600
    await turn(cache, None)  # a session in use never expires
    await settle()
    assert sessions.keys_closed() == [None]
    getattr(long, end)()
    await settle()
    assert long.status in ("done", "failed", "cancelled")
    clock.now += 59
    await turn(cache, "b")
    await settle()
    assert sessions.keys_closed() == [None]
    clock.now += 1
    await turn(cache, "b")
    await settle()
    assert sessions.keys_closed() == [None, "a"]


async def test_a_session_with_turns_waiting_never_expires(sessions: Sessions, clock: Clock) -> None:
    cache = sessions.cache(idle_seconds=60, clock=clock)
    first, second = Turn(cache, "a", "first"), Turn(cache, "a", "second")
    await settle()
    clock.now += 100
    first.finish()
    await settle()
    clock.now += 100
    await turn(cache, "b")
    second.finish()
    await settle()
    assert sessions.opened[0].log == ["first", "second"]
    assert sessions.closed == []


async def test_a_turn_costs_the_same_however_many_sessions_are_held(
    sessions: Sessions, clock: Clock
) -> None:
    async def steps_of_a_turn(held: int) -> int:
        cache = sessions.cache(maxsize=held, idle_seconds=60, clock=clock)
        for key in range(held):
            await turn(cache, key)
        clock.now += 59  # none has expired
        with _Steps() as steps:
            await turn(cache, held - 1)
        return steps.count

    few, many = await steps_of_a_turn(10), await steps_of_a_turn(2_000)
    assert few == many


class _Steps:
    """Counts the bytecode instructions of the cache: no clock, so no luck."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> _Steps:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != str(SOURCE):
            return None
        frame.f_trace_opcodes = True
        self.count += event == "opcode"
        return self._trace
