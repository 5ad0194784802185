"""Many turns at once, many of them ending badly: nothing is lost and nothing is shared."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from loops import settle

from session_cache.subject import SessionCache, inside

TURNS = 100_000
KEYS = 1_000
CAP = 128
AT_ONCE = 250


@dataclass(eq=False, slots=True)
class Counted:
    key: int
    count: int = 0
    closed: bool = False
    in_use: bool = False


class Failure(Exception):
    pass


async def test_a_hundred_thousand_turns_of_a_thousand_sessions() -> None:
    luck = random.Random(17)  # noqa: S311 - the same on every run
    states: list[Counted] = []
    done: Counter[Counted] = Counter()
    current: dict[int, Counted] = {}
    ends: Counter[str] = Counter()
    faults: list[tuple[int, Counted]] = []

    async def opens(key: int) -> Counted:
        if luck.random() < 0.2:
            await asyncio.sleep(0)
        if luck.random() < 0.02:
            raise Failure
        before = current.get(key)
        assert before is None or before.closed, "opened while the old state was in use"
        state = current[key] = Counted(key)
        states.append(state)
        return state

    async def closes(key: int, state: Counted) -> None:
        if (state.key, state.closed, state.in_use) != (key, False, False):
            faults.append((key, state))  # an assertion would end in the log of the cache
        if luck.random() < 0.2:
            await asyncio.sleep(0)
        state.closed = True
        if luck.random() < 0.01:
            raise Failure

    cache = SessionCache(opens, closes, maxsize=CAP, maxline=AT_ONCE)

    async def turn(key: int, yields: int, *, failing: bool) -> None:
        async with cache.turn(key) as state:
            assert (state.key, state.closed, state.in_use) == (key, False, False)
            count, state.in_use = state.count, True
            try:
                for _ in range(yields):
                    await asyncio.sleep(0)
                if failing:
                    raise Failure
                # Another turn of this session between the reading and the writing would be lost.
                state.count = count + 1
                done[state] += 1
            finally:
                state.in_use = False

    async def client() -> None:
        for _ in range(TURNS // AT_ONCE):
            # Some sessions are much busier than others, as in life.
            key = int(KEYS * luck.random() ** 3)
            task = turn(key, luck.choice((0, 0, 0, 1, 2)), failing=luck.random() < 0.05)
            if luck.random() < 0.15:
                running = asyncio.create_task(task)
                for _ in range(luck.randrange(4)):
                    await asyncio.sleep(0)
                running.cancel()
                (result,) = await asyncio.gather(running, return_exceptions=True)
                assert isinstance(result, Failure | asyncio.CancelledError | None), result
                ends[type(result).__name__] += 1
                continue
            try:
                await task
                ends["NoneType"] += 1
            except Failure:
                ends["Failure"] += 1

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    await settle()

    assert faults == []
    assert ends.total() == TURNS
    assert min(ends["NoneType"], ends["Failure"], ends["CancelledError"]) > TURNS // 100
    assert done.total() == ends["NoneType"]
    assert all(state.count == done[state] for state in states)
    found = inside(cache)
    assert (found.in_use, len(found.idle), found.closing) == ([], CAP, 0)
    assert {state.key for state in states if not state.closed} == set(found.idle)
    assert sum(not state.closed for state in states) == CAP
    await cache.aclose()
    assert all(state.closed for state in states)
