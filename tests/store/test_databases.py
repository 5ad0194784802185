"""What only databases have: tables that many make at once, indexes, servers that go away."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import generated
import pytest
from chat.models import ChatMessage
from chat.session import SessionManager
from chat.sql import SqlSessionStorage
from postgres import Postgres
from serving.identity import SessionKey
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

pytestmark = pytest.mark.real

KEY = SessionKey("tenant", "user", "session")
PROCESSES = 10

# locks the session that comes first; counts who waits for a lock; finds what nobody has locked
FIRST = "SELECT session_key FROM chat_sessions ORDER BY session_key LIMIT 1 FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
FREE = "SELECT session_key FROM chat_sessions ORDER BY session_key FOR UPDATE SKIP LOCKED"

# each waits for the word to go, so that all come at once to a database without tables
WRITER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from chat.models import ChatMessage
from chat.sql import SqlSessionStorage

async def main():
    storage = SqlSessionStorage(sys.argv[2])
    name = sys.argv[3]
    mine = [ChatMessage(role="user", message=name, session_id=s) for s in ("all", name)]
    print("ready", flush=True)
    sys.stdin.readline()
    await storage.append(mine)
    await storage.aclose()

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    database: str = request.getfixturevalue("postgres").create_database()
    return database


async def test_ten_processes_may_start_at_once(url: str) -> None:
    command = [sys.executable, "-c", WRITER, str(generated.FOLDER), url]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([*command, str(n)], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for n in range(PROCESSES)
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

    storage = SqlSessionStorage(url)
    shared = await storage.page(SessionKey(None, None, "all"), 100)
    names = sorted(str(n) for n in range(PROCESSES))
    assert sorted(message.message for message in shared) == names
    for name in names:
        assert len(await storage.page(SessionKey(None, None, name), 100)) == 1
    await storage.aclose()


# of 100,000 messages each twentieth is of the session that is there, the others of 950
FILL = {
    "sqlite": """
        WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
        INSERT INTO chat_messages (session_key, message_id, body)
        SELECT CASE WHEN n % 20 = 0 THEN session_key ELSE 's' || (n % 1000) END,
               printf('%032d', n), replace(body, message_id, printf('%032d', n))
        FROM n, chat_messages AS first""",
    "postgresql": """
        INSERT INTO chat_messages (session_key, message_id, body)
        SELECT CASE WHEN n % 20 = 0 THEN session_key ELSE 's' || (n % 1000) END,
               lpad(n::text, 32, '0'), replace(body, message_id, lpad(n::text, 32, '0'))
        FROM generate_series(1, 100000) AS n, chat_messages AS first""",
}
FILL_SESSIONS = """
    INSERT INTO chat_sessions (session_key, user_key, session_id, last_used)
    SELECT session_key, substr(session_key, 1, 3), session_key, max(id)
    FROM chat_messages WHERE length(session_key) < 64 GROUP BY session_key"""
WHOLE_TABLE = re.compile(r"(SCAN|Seq Scan on) chat_(messages|sessions)\b|TEMP B-TREE")


async def test_every_question_is_answered_through_an_index(url: str) -> None:
    """With 100,000 messages, 5,000 of them of one session, no table is read as a whole."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if not statement.startswith(("EXPLAIN", "INSERT INTO chat_messages", "PRAGMA")):
            asked.append((statement, parameters[0] if many else parameters))

    storage = SqlSessionStorage(url)
    message = ChatMessage(
        role="user", message="hello", tenant_id="tenant", user_id="user", session_id="session"
    )
    await storage.append([message])
    engine = storage._engine
    async with engine.begin() as connection:
        await connection.execute(text(FILL[engine.dialect.name]))
        await connection.execute(text(FILL_SESSIONS))
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE"))
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    later = message.model_copy(update={"message_id": "later"})
    await storage.append([later])
    assert len(await storage.page(KEY, 10)) == 10
    assert len(await storage.page(KEY, 10, "later")) == 10
    assert len([each async for each in storage.read(KEY)]) == 5_002
    assert len(await storage.sessions("tenant", "user", 10)) == 1
    assert len(await storage.sessions("tenant", "user", 10, "session")) == 1
    assert len(await storage.unused_since(message.timestamp, 10)) == 10
    assert await storage.delete(KEY, message.message_id) == 0
    assert await storage.delete(KEY) == 5_002
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert len(asked) >= 10
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    for statement, parameters in asked:
        async with engine.begin() as connection:
            found = await connection.exec_driver_sql(explain + statement, parameters)
            plan = "\n".join(str(row) for row in found)
        assert not WHOLE_TABLE.search(plan), plan
    await storage.aclose()


async def test_two_processes_take_the_sessions_of_a_batch_in_the_same_order(
    postgres: Postgres,
) -> None:
    """While a third has the session that comes first, neither of them has the other one."""
    url = postgres.create_database()

    def batch(*sessions: str) -> list[ChatMessage]:
        return [ChatMessage(role="user", message="hello", session_id=name) for name in sessions]

    async def waiting(third: AsyncConnection, count: int) -> None:
        async with asyncio.timeout(60):
            while await third.scalar(text(WAITING)) != count:
                await asyncio.sleep(0.01)

    storages = [SqlSessionStorage(url) for _ in range(3)]
    *two, third = storages
    await third.append(batch("a", "b"))
    async with third._engine.begin() as connection:
        await connection.execute(text(FIRST))
        async with asyncio.TaskGroup() as group:
            for number, (storage, names) in enumerate(zip(two, ("ab", "ba"), strict=True), 1):
                group.create_task(storage.append(batch(*names)))
                await waiting(connection, number)
            assert len((await connection.execute(text(FREE))).all()) == 2
            await connection.rollback()
    for name in "ab":
        assert len(await third.page(SessionKey(None, None, name), 10)) == 3
    for storage in storages:
        await storage.aclose()


async def test_a_restart_of_the_server_between_two_turns_is_not_noticed(postgres: Postgres) -> None:
    manager = SessionManager(lambda: SqlSessionStorage(postgres.create_database()))
    for n in range(3):
        await manager.add_message(KEY, "user", str(n))
        assert (await manager.get_status(KEY)).issues == []
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
    await manager.add_message(KEY, "user", "3")
    assert (await manager.get_status(KEY)).issues == []
    messages = await manager.get_messages(KEY)
    assert [message.message for message in messages] == ["0", "1", "2", "3"]
    await manager.aclose()


async def test_a_question_after_a_restart_of_the_server_is_answered(postgres: Postgres) -> None:
    manager = SessionManager(lambda: SqlSessionStorage(postgres.create_database()))
    await manager.add_message(KEY, "user", "hello")
    await asyncio.to_thread(postgres.stop, "immediate")
    await asyncio.to_thread(postgres.start)
    assert await manager.get_sessions("tenant", "user")
    assert (await manager.get_status(KEY)).issues == []
    await manager.aclose()


async def test_text_of_a_database_is_not_in_the_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    storage = SqlSessionStorage(url)
    manager = SessionManager(lambda: storage)
    await manager.add_message(KEY, "user", "hello")
    async with storage._engine.begin() as connection:
        await connection.execute(text("DROP TABLE chat_messages"))
    await manager.add_message(KEY, "user", "a secret")
    assert "The store of the transcripts does not answer" in caplog.text
    assert "secret" not in caplog.text
    async with storage._engine.begin() as connection:
        await connection.execute(text("DROP TABLE chat_sessions"))
    await manager.aclose()
    for task in asyncio.all_tasks() - before:
        task.cancel()  # it goes on trying to write
