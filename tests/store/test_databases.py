"""What only databases have: tables that many make at once, indexes, servers that go away."""

import asyncio
import re
import subprocess
import sys
from typing import Any

import pytest
from postgres import Postgres
from sqlalchemy import event, text

from store.kinds import IN_A_DATABASE, each
from store.subject import Subject

pytestmark = pytest.mark.real
in_each = each(IN_A_DATABASE)

PROCESSES = 10

# each waits for the word to go, so that all come at once to a database without tables
WRITER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from serving.identity import SessionKey
from serving.store.opening import open_store
from serving.store.rows import NOTHING, Conflict, Row

async def main():
    store, name = open_store(), sys.argv[2]
    print("ready", flush=True)
    sys.stdin.readline()
    for session in (name, "all"):
        key, position = SessionKey(None, None, session), NOTHING
        while True:
            try:
                await store.add(key, position, Row(f"{name:>032}", "body"))
                break
            except Conflict:
                position, _ = await store.since(key, NOTHING, 0)
    await store.aclose()

asyncio.run(main())
"""


@in_each
async def test_ten_processes_may_start_at_once(subject: Subject) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITER, str(subject.modules.folder)]
    names = [str(n) for n in range(PROCESSES)]
    processes = [
        subprocess.Popen([*command, name], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for name in names
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert ends == [(("", ""), 0)] * PROCESSES
    store, make = subject.open(), subject.modules.identity.SessionKey
    rows = (await store.said(make(None, None, "all"), 100))[1]
    assert [row.number for row in rows] == [*range(1, PROCESSES + 1)]
    assert sorted(row.row_id for row in rows) == [f"{name:>032}" for name in names]
    for name in names:
        assert len((await store.said(make(None, None, name), 100))[1]) == 1


# of 100,000 turns each twentieth is of the session that is there, the others of 950
FILL = {
    "sqlite": "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)",
    "postgresql": "WITH n(n) AS (SELECT generate_series(1, 100000))",
}
FILL_TURNS = """
    INSERT INTO agent_turns (session_key, number, row_id, body, said) {numbers}
    SELECT CASE WHEN n % 20 = 0 THEN session_key ELSE 's' || (n % 1000) END,
        n + 1, row_id, body, said
    FROM n, agent_turns"""
COUNT_TURNS = "UPDATE agent_sessions SET turns = 100001"
FILL_SESSIONS = """
    INSERT INTO agent_sessions (session_key, conversation, turns, messages, user_key, session_id,
        first_line, last_used)
    SELECT session_key, 'c', 100001, 1, substr(session_key, 1, 3), session_key, '', max(number)
    FROM agent_turns WHERE length(session_key) < 64 GROUP BY session_key"""
WHOLE_TABLE = re.compile(r"(SCAN|Seq Scan on) agent_(turns|sessions)\b")


@in_each
async def test_every_question_is_answered_through_an_index(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100,000 turns, 5,000 of them of one session, no table is read as a whole."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if statement.split()[0] not in ("EXPLAIN", "PRAGMA", "BEGIN"):
            asked.append((statement, parameters))

    monkeypatch.setenv("SESSION_TTL_HOURS", "24")
    store, key = subject.open(), subject.key()
    (position,) = await subject.add(store, key, subject.row("hello", "reply"))
    engine = store._engine
    numbers = FILL[engine.dialect.name]
    async with engine.begin() as connection:
        for statement in (FILL_TURNS.format(numbers=numbers), COUNT_TURNS, FILL_SESSIONS):
            await connection.execute(text(statement))
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE"))
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    position = position._replace(rows=100_001)
    assert len((await store.since(key, subject.modules.rows.NOTHING, 100))[1]) == 100
    position = await store.add(key, position, subject.row("later"))
    assert (await store.since(key, position, 100)) == (position, [])
    assert len((await store.said(key, 10))[1]) == 10
    assert len((await store.said(key, 10, 5_000))[1]) == 10
    assert len(await store.sessions(("tenant", "user"), 10)) == 1
    assert len(await store.sessions(("tenant", "user"), 10, "session")) == 1
    assert len(await store.unused(200_000.0, 10)) == 10
    assert await store.delete(key, 200_000.0) is None
    assert await store.delete(key) == 3
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert len(asked) >= 11
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    for statement, parameters in asked:
        async with engine.begin() as connection:
            found = await connection.exec_driver_sql(explain + statement, parameters)
            plan = "\n".join(str(row) for row in found)
        assert not WHOLE_TABLE.search(plan), f"{statement}\n{plan}"
        # what was limited before may be sorted
        assert "TEMP B-TREE" not in plan or "JOIN" in statement, f"{statement}\n{plan}"


@in_each
async def test_what_is_deleted_leaves_no_turn_behind(subject: Subject) -> None:
    stores, key, rows = [subject.open(), subject.open()], subject.key(), subject.modules.rows
    ends: Any
    for turn in range(8):
        (position,) = await subject.add(stores[0], key, subject.row("first"))
        adding = stores[0].add(key, position, subject.row(str(turn)))
        deleting = stores[1].delete(key)
        ends = await asyncio.gather(adding, deleting, return_exceptions=True)
        added, deleted = ends
        assert isinstance(added, rows.Conflict | rows.Position)
        # of a turn that comes first the messages are counted, of one that comes later nothing stays
        assert deleted == (1 if isinstance(added, rows.Conflict) else 2)
        async with stores[0]._engine.begin() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM agent_turns")) == 0
            assert await connection.scalar(text("SELECT count(*) FROM agent_sessions")) == 0


@in_each
async def test_what_was_said_is_not_in_the_log(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "hello")
    await agent.swept()
    async with agent.store._engine.begin() as connection:
        await connection.execute(text("DROP TABLE agent_turns"))
    with pytest.raises(subject.modules.turns.HTTPException) as raised:
        await agent.ask(key, "a secret")
    assert raised.value.status_code == 503
    session = subject.modules.turns.Session(key)
    with pytest.raises(subject.modules.rows.Unavailable) as unavailable:
        await agent.kept.keep(session, ["a secret"], subject.row("a secret").said)
    assert "secret" not in str(unavailable.value)
    assert "Unavailable" in caplog.text
    assert "secret" not in caplog.text


@each(IN_A_DATABASE[1:])
@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_restart_of_the_server_between_two_turns_is_not_noticed(
    subject: Subject, postgres: Postgres, how: Any
) -> None:
    async def restart() -> None:
        await asyncio.to_thread(postgres.stop, how)
        await asyncio.to_thread(postgres.start)

    agent, key = subject.agent(), subject.key()
    for turn in range(1, 4):
        assert await agent.ask(key, "hello") == f"{turn}: hello"
        await restart()
    assert len(await agent.transcripts.get_sessions(("tenant", "user"))) == 1
    await restart()
    assert len(await agent.said(key)) == 6
    await restart()
    assert await agent.transcripts.forget(key) == 6
