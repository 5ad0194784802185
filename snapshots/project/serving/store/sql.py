#only sqlite/postgres
#if sqlite
"""Rows in a file of SQLite, in tables that are made at the first use."""
#elif postgres
"""Rows in a PostgreSQL database, in tables that are made at the first use."""
#end

import asyncio
import hashlib
import json
import time
#if sqlite
from collections.abc import AsyncIterator, Callable, Coroutine
#elif postgres
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
#end
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import text
#if sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
#elif postgres
from sqlalchemy.exc import DBAPIError, IntegrityError
#end
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

#if transcript
from serving.identity import Caller, SessionKey
#else
from serving.identity import SessionKey
#end
#if sqlite
from serving.store.group_commit import Change, GroupCommit
#end
from serving.store.patience import patience
#if transcript
from serving.store.rows import NOTHING, Conflict, Known, Position, Row, Said, Unavailable
#else
from serving.store.rows import NOTHING, Conflict, Known, Position, Row, Unavailable
#end
from serving.turns import MAX_SESSION_BYTES, TURN_SECONDS

#if sqlite
LOCK_SECONDS = 3.5  # for which one tries to get the file; less than a turn waits for it
MAX_READ = 6 * MAX_SESSION_BYTES  # in JSON, a character takes up to six bytes
#elif postgres
MAX_READ = 6 * MAX_SESSION_BYTES  # in JSON, a character takes up to six bytes
# One process after the other makes the tables; the number is used by nothing else.
ALONE = text("SELECT pg_advisory_xact_lock(7311146993714017)")
#end
TABLES = (
    """CREATE TABLE IF NOT EXISTS agent_sessions (
        session_key TEXT PRIMARY KEY, -- a digest: three ids may be too long for an index
        conversation TEXT NOT NULL,
        turns INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        user_key TEXT NOT NULL,
        tenant_id TEXT,
        user_id TEXT,
        session_id TEXT NOT NULL,
        first_line TEXT NOT NULL,
        last_used DOUBLE PRECISION NOT NULL -- seconds since 1970
    )""",
    """CREATE TABLE IF NOT EXISTS agent_turns (
        session_key TEXT NOT NULL,
        number INTEGER NOT NULL, -- from 1
        row_id TEXT NOT NULL,
        body TEXT, -- NULL: the model does not remember it
        said TEXT NOT NULL,
        PRIMARY KEY (session_key, number)
    )""",
    "CREATE INDEX IF NOT EXISTS agent_sessions_used ON agent_sessions (last_used)",
    "CREATE INDEX IF NOT EXISTS agent_sessions_of ON agent_sessions (user_key, last_used)",
)
# One read: how far the session goes, and its newest turns before which there are not too many bytes.
SINCE = text("""
    SELECT conversation, turns, last_used, number, row_id, body
    FROM agent_sessions LEFT JOIN (
        SELECT *, sum(length(body)) OVER (ORDER BY number DESC) - length(body) AS newer FROM (
            SELECT number, row_id, body FROM agent_turns
            WHERE session_key = :key AND number > :known AND body IS NOT NULL
            ORDER BY number DESC LIMIT :limit
        ) AS newest
    ) AS part ON newer < :bytes
    WHERE session_key = :key ORDER BY number""")
BEGIN = text("""
    INSERT INTO agent_sessions VALUES (:key, :conversation, 1, :messages, :user_key, :tenant_id,
        :user_id, :session_id, :first_line, :now)""")
MOVE = text("""
    UPDATE agent_sessions SET turns = turns + 1, messages = messages + :messages, last_used = :now,
        first_line = CASE first_line WHEN '' THEN :first_line ELSE first_line END
    WHERE session_key = :key AND conversation = :conversation AND turns = :turns""")
ADD = text("INSERT INTO agent_turns VALUES (:key, :number, :row_id, :body, :said)")
FIND = text("SELECT row_id FROM agent_turns WHERE session_key = :key AND number = :number")
TOUCH = text("UPDATE agent_sessions SET last_used = :now WHERE session_key = :key")
DELETE = text("""
    DELETE FROM agent_sessions WHERE session_key = :key AND last_used < :before
#if transcript
    RETURNING messages""")
#else
    RETURNING turns""")
#end
DELETE_TURNS = text("DELETE FROM agent_turns WHERE session_key = :key")
UNUSED = text("""
    SELECT tenant_id, user_id, session_id FROM agent_sessions
    WHERE last_used < :since ORDER BY last_used LIMIT :limit""")
#if transcript
SAID = text("""
    SELECT conversation, turns, number, row_id, said FROM agent_sessions LEFT JOIN (
        SELECT number, row_id, said FROM agent_turns
        WHERE session_key = :key AND number < :before ORDER BY number DESC LIMIT :limit
    ) AS part ON TRUE
    WHERE session_key = :key ORDER BY number""")
SESSIONS = text("""
    SELECT session_id, first_line, last_used FROM agent_sessions
    WHERE user_key = :user_key ORDER BY last_used DESC LIMIT :limit""")
SESSION = text(
    "SELECT session_id, first_line, last_used FROM agent_sessions WHERE session_key = :key"
)
#end

P = ParamSpec("P")
R = TypeVar("R")
#if sqlite


def _again(ask: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Ask again while another process has the file: SQLite itself looks too seldom, after a while."""
#elif postgres
Change = Callable[[AsyncConnection], Awaitable[R]]


def _again(ask: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Ask once more if the connection was lost: most often, it was one of before a restart."""
#end

    @wraps(ask)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> R:
#if sqlite
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return await ask(*args, **kwargs)
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > end:
                    raise
#elif postgres
        try:
            return await ask(*args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await ask(*args, **kwargs)
#end

    return asked


class SqlStore:
    """Sessions and their turns; turns are added and deleted, never changed.

    Args:
        engine: Of the database, which nobody has connected to yet.
        hours: For how long a session is kept after its last use; None is for ever.
    """

    def __init__(self, engine: AsyncEngine, hours: float | None) -> None:
        self._engine = engine
#if postgres
        # A single read needs no transaction, which would take as long again.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
#end
        # A session that could expire while a turn of it runs is marked as used before.
        self._fresh = float("inf") if hours is None else 3_600 * hours - 2 * TURN_SECONDS
#if sqlite
        self._group = GroupCommit(engine)
#end
        self._creating = asyncio.Lock()
        self._created = False

    @_again
    async def since(self, key: SessionKey, position: Position, limit: int) -> Known:
        session: dict[str, object] = {"key": _digest(*key)}
        known = {"known": position.rows, "limit": limit, "bytes": MAX_READ}
        async with self._read() as connection:
            found = (await connection.execute(SINCE, session | known)).all()
        if not found:
            return NOTHING, []
        first = found[0]
        if position != NOTHING and position.conversation != first.conversation:
            return await self.since(key, NOTHING, limit)
        if first.last_used < time.time() - self._fresh:
            used = session | {"now": time.time()}
            await self._change(lambda connection: connection.execute(TOUCH, used))
            return await self.since(key, position, limit)
        rows = [Row(row.row_id, row.body, number=row.number) for row in found if row.row_id]
        return Position(first.conversation, first.turns), rows

    @_again
    async def add(self, key: SessionKey, position: Position, row: Row) -> Position:
        after = Position(position.conversation or row.row_id, position.rows + 1)
        session: dict[str, object] = {
            "key": _digest(*key),
            "conversation": after.conversation,
            "turns": position.rows,
#if transcript
            "messages": row.said.number,
            "first_line": row.said.first_line,
#else
            "messages": 0,
            "first_line": "",
#end
            "now": time.time(),
        }
        ids = {"tenant_id": key.tenant, "user_id": key.user, "session_id": key.session}
        of_user = {"user_key": _digest(key.tenant, key.user)}
        turn = {
            "key": session["key"],
            "number": after.rows,
            "row_id": row.row_id,
            "body": row.body,
#if transcript
            "said": row.said.messages,
#else
            "said": "[]",
#end
        }

        async def change(connection: AsyncConnection) -> None:
            if position == NOTHING:
                await connection.execute(BEGIN, session | ids | of_user)
            elif (await connection.execute(MOVE, session)).rowcount == 0:
                raise Conflict("the session has changed")
            await connection.execute(ADD, turn)

        try:
            await self._change(change)
        except (Conflict, IntegrityError) as error:
            # It may be kept already, and the answer to that was lost.
            async with self._read() as connection:
                if await connection.scalar(FIND, turn) != row.row_id:
                    raise Conflict("the session has changed") from error
        return after

    @_again
    async def delete(self, key: SessionKey, unused_since: float = float("inf")) -> int | None:
        session: dict[str, object] = {"key": _digest(*key)}

        async def change(connection: AsyncConnection) -> int | None:
            # The session first: who adds a turn to it meanwhile waits, and finds it gone.
            deleted = await connection.execute(DELETE, session | {"before": unused_since})
            count: int | None = deleted.scalar()
            if count is not None:
                await connection.execute(DELETE_TURNS, session)
            return count

        return await self._change(change)

    @_again
    async def unused(self, since: float, limit: int) -> list[SessionKey]:
        async with self._read() as connection:
            found = await connection.execute(UNUSED, {"since": since, "limit": limit})
            return [SessionKey(*row) for row in found]
#if transcript

    @_again
    async def said(self, key: SessionKey, limit: int, before: int | None = None) -> Known:
        page = {"key": _digest(*key), "before": before or 2**31 - 1, "limit": limit}
        async with self._read() as connection:
            found = (await connection.execute(SAID, page)).all()
        rows = [Row(row.row_id, None, Said(row.said), row.number) for row in found if row.row_id]
        return Position(found[0].conversation, found[0].turns) if found else NOTHING, rows

    @_again
    async def sessions(
        self, caller: Caller, limit: int, session: str | None = None
    ) -> list[tuple[str, str, float]]:
        async with self._read() as connection:
            if session is None:
                of_user = {"user_key": _digest(*caller), "limit": limit}
                found = await connection.execute(SESSIONS, of_user)
            else:
                found = await connection.execute(SESSION, {"key": _digest(*caller, session)})
            return [(row.session_id, row.first_line, row.last_used) for row in found]
#end

    async def aclose(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        await self._create()
#if sqlite
        async with self._engine.connect() as connection:
#elif postgres
        async with self._reading.connect() as connection:
#end
            yield connection

    async def _change(self, change: Change[R]) -> R:
        asking = patience.get()

        async def in_time(connection: AsyncConnection) -> R:
            result = await change(connection)
            if asking and asking.is_late:
                raise Unavailable("it took too long")
            return result

        await self._create()
        return await self._commit(in_time)

    async def _commit(self, change: Change[R]) -> R:
#if sqlite
        return await self._group.commit(change)
#elif postgres
        async with self._engine.begin() as connection:
            return await change(connection)
#end

    async def _create(self) -> None:
        async with self._creating:
            if not self._created:
                await self._commit(_make_tables)
                self._created = True


async def _make_tables(connection: AsyncConnection) -> None:
#if sqlite
    for statement in map(text, TABLES):
#elif postgres
    for statement in (ALONE, *map(text, TABLES)):
#end
        await connection.execute(statement)


def _digest(*ids: str | None) -> str:
    # Of JSON, so that no part of an id can pass for the border between two.
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()
