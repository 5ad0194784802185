"""Adds turns to a short and a long session of a project's own store, in alternation.

Run by a framework's interpreter, in the folder of a project that has a SQL store: `adding.py ROWS
ROUNDS` prints the seconds that one takes, in the short one and in the one of so many rows.
"""

# mypy: disable-error-code="import-not-found,unused-ignore"

import asyncio
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path.cwd()))

from serving.identity import SessionKey
from serving.store.opening import open_store
from serving.store.rows import NOTHING, Position, Row
from sqlalchemy import text

SHORT = 10
ONE_MORE = text("""
    INSERT INTO agent_turns SELECT session_key, :number, :row_id, body, said
    FROM agent_turns WHERE row_id = :first AND number = 1
    AND session_key = (SELECT session_key FROM agent_sessions WHERE conversation = :first)""")
COUNT = text("UPDATE agent_sessions SET turns = :number WHERE conversation = :first")


async def longer(store: Any, position: Position, rows: int) -> Position:
    """A session with so many rows: one by one, to write them would take minutes."""
    first = {"first": position.conversation}
    numbers = [{**first, "number": n, "row_id": uuid4().hex} for n in range(SHORT + 1, rows + 1)]

    async def change(connection: Any) -> None:
        for start in range(0, len(numbers), 1_000):
            await connection.execute(ONE_MORE, numbers[start : start + 1_000])
        await connection.execute(COUNT, {**first, "number": rows})

    await store._change(change)
    return Position(position.conversation, rows)


async def measure(rows: int, rounds: int) -> tuple[float, float]:
    """The seconds of adding to each."""
    store = open_store()
    body = "x" * 1_000
    at: dict[SessionKey, Position] = {}
    for name, number in (("short", SHORT), ("long", rows)):
        key, position = SessionKey(None, None, name), NOTHING
        for _ in range(SHORT):
            position = await store.add(key, position, Row(uuid4().hex, body))
        at[key] = await longer(store, position, number)
    times: dict[SessionKey, list[float]] = {key: [] for key in at}
    for _ in range(rounds):
        for key, position in at.items():
            start = time.perf_counter()
            at[key] = await store.add(key, position, Row(uuid4().hex, body))
            times[key].append(time.perf_counter() - start)
    await store.aclose()
    short, long = times.values()
    return median(short), median(long)


if __name__ == "__main__":
    print(*asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]))))
