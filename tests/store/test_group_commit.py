"""SQLite makes one change at a time: those that wait meanwhile are committed together."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

from sqlalchemy import event

from store.kinds import each
from store.subject import Subject

pytestmark = each(["sqlite"])


async def at_once(subject: Subject, store: Any, rows: dict[Any, Any]) -> list[Any]:
    """Begin a session with each of the rows, all at once; return what came of each."""
    nothing = subject.modules.rows.NOTHING
    adding = [store.add(key, nothing, row) for key, row in rows.items()]
    return await asyncio.gather(*adding, return_exceptions=True)


async def test_many_wait_for_few_commits(subject: Subject) -> None:
    store = subject.open()
    await subject.add(store, subject.key("first"), subject.row("hello"))
    commits: list[object] = []
    event.listen(store._engine.sync_engine, "commit", commits.append)
    rows = {subject.key(f"session {n}"): subject.row(f"prompt {n}") for n in range(100)}
    for position, row in zip(await at_once(subject, store, rows), rows.values(), strict=True):
        assert position == subject.modules.rows.Position(row.row_id, 1)
    assert len(commits) < 10
    for key, row in rows.items():
        _, kept = await store.since(key, subject.modules.rows.NOTHING, 10)
        assert [one.row_id for one in kept] == [row.row_id]


async def test_of_those_that_are_committed_together_each_stands_for_itself(
    subject: Subject,
) -> None:
    store, nothing = subject.open(), subject.modules.rows.NOTHING
    key, stray = subject.key("known"), subject.key("with a stray turn")
    (known,) = await subject.add(store, key, subject.row("hello"))
    await subject.add(store, stray, subject.row("hello"))
    with closing(sqlite3.connect(store._engine.url.database)) as file, file:
        file.execute("UPDATE agent_turns SET number = 2 WHERE number = 1")
        file.execute(
            "UPDATE agent_turns SET number = 1 WHERE session_key = ?", [digest(store, key)]
        )
    others = [subject.key(f"other {n}") for n in range(10)]
    last = subject.row("last")
    outcomes = await asyncio.gather(
        *[store.add(each_one, nothing, subject.row("hello")) for each_one in others[:5]],
        store.add(key, known, subject.row("late")),
        store.add(key, nothing, subject.row("new")),
        store.add(stray, (await store.since(stray, nothing, 1))[0], subject.row("again")),
        *[store.add(each_one, nothing, subject.row("hello")) for each_one in others[5:]],
        store.delete(subject.key("unknown")),
        store.add(key, known, last),
        return_exceptions=True,
    )
    conflict = subject.modules.rows.Conflict
    refused = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
    assert refused == [6, 7, 14]
    assert all(isinstance(outcomes[n], conflict) for n in refused)
    assert outcomes[13] is None
    for each_one in others:
        assert (await store.since(each_one, nothing, 10))[0].rows == 1
    assert (await store.since(key, nothing, 10))[0].rows == 2
    assert (await store.since(stray, nothing, 10))[0].rows == 1  # the turn was not counted, either


def digest(store: Any, key: Any) -> str:
    """How a session is called in the tables."""
    with closing(sqlite3.connect(store._engine.url.database)) as file:
        found = file.execute(
            "SELECT session_key FROM agent_sessions WHERE session_id = ?", [key.session]
        )
        return str(found.fetchone()[0])


async def test_a_file_that_another_process_changes_is_waited_for(subject: Subject) -> None:
    store = subject.open()
    await subject.add(store, subject.key("first"), subject.row("hello"))
    rows = {subject.key(f"session {n}"): subject.row(f"prompt {n}") for n in range(3)}
    path = store._engine.url.database
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        adding = asyncio.create_task(at_once(subject, store, rows))
        done, _ = await asyncio.wait([adding], timeout=0.5)
        assert not done
        other.execute("ROLLBACK")
    positions = await adding
    assert positions == [subject.modules.rows.Position(row.row_id, 1) for row in rows.values()]


async def test_a_change_of_one_who_has_gone_is_made_and_hurts_nobody(subject: Subject) -> None:
    store = subject.open()
    await subject.add(store, subject.key("first"), subject.row("hello"))
    rows = {subject.key(f"session {n}"): subject.row(f"prompt {n}") for n in range(3)}
    gone, *others = [
        asyncio.create_task(store.add(key, subject.modules.rows.NOTHING, row))
        for key, row in rows.items()
    ]
    while not store._group._waiting:
        await asyncio.sleep(0)
    gone.cancel()
    assert [position.rows for position in await asyncio.gather(*others)] == [1, 1]
    assert await asyncio.gather(gone, return_exceptions=True)
    for key in rows:
        assert (await store.since(key, subject.modules.rows.NOTHING, 1))[0].rows == 1
