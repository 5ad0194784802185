"""What a turn through SessionCache costs beside simpler caches, measured side by side in one run.

Usage: `python benchmarks/cache.py`.

The bare one is an OrderedDict with a lock for each key: the least that keeps turns of a session
apart. It may evict a session in use and never closes one. alru_cache only loads: its turns of one
session overlap. So a ratio says what the missing guarantees cost, not that one could be the other.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from async_lru import alru_cache

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import_module("generated")
SessionCache: Any = import_module("serving.sessions").SessionCache

CAPS = (128, 100_000)
TURNS = 3_000
ROUNDS = 9
ENTRIES = 5_000

Turns = Callable[[Iterable[int]], Awaitable[None]]


async def open_session(_: int) -> list[str]:
    return []


def session_cache(cap: int) -> Turns:
    cache = SessionCache(open_session, maxsize=cap)

    async def turns(keys: Iterable[int]) -> None:
        for key in keys:
            async with cache.turn(key):
                pass

    return turns


def bare(cap: int) -> Turns:
    entries: OrderedDict[int, tuple[asyncio.Lock, list[str]]] = OrderedDict()

    async def turns(keys: Iterable[int]) -> None:
        for key in keys:
            entry = entries.get(key)
            if entry is None:
                entry = entries[key] = asyncio.Lock(), await open_session(key)
                if len(entries) > cap:
                    entries.popitem(last=False)
            else:
                entries.move_to_end(key)
            async with entry[0]:
                pass

    return turns


def alru(cap: int) -> Turns:
    load = alru_cache(maxsize=cap)(open_session)

    async def turns(keys: Iterable[int]) -> None:
        for key in keys:
            await load(key)

    return turns


CONTESTANTS: dict[str, Callable[[int], Turns]] = {
    "SessionCache": session_cache,
    "bare": bare,
    "alru_cache": alru,
}


async def rounds(cap: int, *, churn: bool) -> dict[str, list[float]]:
    """The processor seconds of each contestant by round; they take turns, in changing order."""
    running = {name: make(cap) for name, make in CONTESTANTS.items()}
    for turns in running.values():
        await turns(range(cap))
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for number in range(ROUNDS):
        if churn:  # keys that were never seen: each turn opens one and evicts one
            keys = range(cap + number * TURNS, cap + (number + 1) * TURNS)
        else:  # a stride prime to both caps goes through all of them in an order of its own
            keys = range(0, 7_919 * TURNS, 7_919)
        chosen = list(keys) if churn else [key % cap for key in keys]
        names = list(running)
        for name in names[number % 3 :] + names[: number % 3]:
            start = time.process_time()  # what else the machine does is not counted
            await running[name](chosen)
            seconds[name].append(time.process_time() - start)
    return seconds


async def bytes_per_entry(make: Callable[[int], Turns]) -> float:
    """The memory of one idle session with an empty state."""
    keys = list(range(ENTRIES))
    turns = make(ENTRIES)
    gc.collect()
    tracemalloc.start()
    await turns(keys)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / ENTRIES


async def main() -> None:
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPUs, async-lru {importlib.metadata.version('async-lru')}; "
        f"medians of {ROUNDS} rounds of {TURNS:,} turns"
    )
    print(f"{'':24}{'bare':>10}{'SessionCache':>16}{'alru_cache':>14}")
    for cap in CAPS:
        for churn in (False, True):
            gc.disable()  # its pauses would hit whoever happens to run
            seconds = await rounds(cap, churn=churn)
            gc.enable()
            base = seconds["bare"]
            ratio = {
                name: statistics.median(a / b for a, b in zip(taken, base, strict=True))
                for name, taken in seconds.items()
            }
            label = f"{'churn' if churn else 'hit'}, cap {cap:,}"
            print(
                f"{label:24}{statistics.median(base) / TURNS * 1e6:7.2f} µs"
                f"{ratio['SessionCache']:15.2f}x{ratio['alru_cache']:13.2f}x"
            )
    memory = {name: await bytes_per_entry(make) for name, make in CONTESTANTS.items()}
    print(
        f"{'memory an entry':24}{memory['bare']:8.0f} B"
        f"{memory['SessionCache'] / memory['bare']:15.2f}x"
        f"{memory['alru_cache'] / memory['bare']:13.2f}x"
    )


if __name__ == "__main__":
    asyncio.run(main())
