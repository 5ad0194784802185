"""Transcripts in a database: sqlite or PostgreSQL, through SQLAlchemy."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chat.drivers import check
from chat.models import ChatMessage, SessionSummary, first_line
from chat.storage import InvalidDatabaseUrl, UnknownMessageError
from serving.identity import SessionKey

BATCH = 500
# Where one process waits for another; a number that nothing else uses.
CREATING = text("SELECT pg_advisory_xact_lock(7311146993714017)")
DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
CONNECT: dict[str, dict[str, Any]] = {
    "postgresql+asyncpg": {"timeout": 5, "command_timeout": 10},
    "sqlite+aiosqlite": {"timeout": 5},
}

log = logging.getLogger("bedrock_agentcore.app")

METADATA = MetaData()
ROW_ID = BigInteger().with_variant(Integer, "sqlite")
KEY = String(64)  # a digest: three ids of 256 characters are too long for an index

SESSIONS = Table(
    "chat_sessions",
    METADATA,
    Column("session_key", KEY, primary_key=True),
    Column("user_key", KEY, nullable=False),
    Column("tenant_id", Text),
    Column("user_id", Text),
    Column("session_id", Text, nullable=False),
    Column("first_line", Text),
    Column("last_used", Double, nullable=False),  # seconds since 1970
    Index("chat_sessions_of_user", "user_key", "last_used"),
    Index("chat_sessions_by_use", "last_used"),
)
MESSAGES = Table(
    "chat_messages",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("session_key", KEY, nullable=False),
    Column("message_id", KEY, nullable=False, unique=True),
    Column("body", Text, nullable=False),  # the message as JSON
    Index("chat_messages_of_session", "session_key", "id"),
)
DAMAGED = Table(
    "chat_damaged_messages",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("session_key", KEY, nullable=False, index=True),
    Column("message_id", KEY),
    Column("body", Text),
)


class SqlSessionStorage:
    """Tables that are made at the first use; messages are added and deleted, never changed.

    Args:
        url: As people write it: `sqlite:///chat.db`, `postgresql://user:password@host/database`.

    Raises:
        InvalidDatabaseUrl: It cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        inserts: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
        insert = inserts[self._engine.dialect.name]
        add_session = insert(SESSIONS)
        new = add_session.excluded
        self._add_session = add_session.on_conflict_do_update(
            index_elements=["session_key"],
            set_={
                "last_used": new.last_used,
                "first_line": func.coalesce(SESSIONS.c.first_line, new.first_line),
            },
        )
        # A message can be there already: it was written, and the answer to that was lost.
        self._add_message = insert(MESSAGES).on_conflict_do_nothing(index_elements=["message_id"])
        self._creating = asyncio.Lock()
        self._created = False

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        if not messages:  # all that waited may have been forgotten
            return
        said: dict[str, list[ChatMessage]] = {}
        for message in messages:
            said.setdefault(_digest(message.key), []).append(message)
        keys = sorted(said)  # each session is a lock: whoever takes several, takes them in order
        sessions = [_session_row(key, said[key]) for key in keys]
        rows = [_message_row(key, message) for key in keys for message in said[key]]
        async with self._transaction() as connection:
            await connection.execute(self._add_session, sessions)
            await connection.execute(self._add_message, rows)

    async def page(
        self, key: SessionKey, limit: int, before: str | None = None
    ) -> list[ChatMessage]:
        column = MESSAGES.c
        while True:  # what is set aside stays so, however many times this is cut short
            async with self._transaction() as connection:
                own = _of(MESSAGES, key)
                if before is not None:
                    cursor = select(column.id).where(own, column.message_id == before)
                    end = await connection.scalar(cursor)
                    if end is None:
                        raise UnknownMessageError(before)
                    own = own & (column.id < end)
                query = select(MESSAGES).where(own).order_by(column.id.desc()).limit(limit)
                rows = (await connection.execute(query)).all()
                if not await _set_aside(connection, rows, key):
                    return [message for row in reversed(rows) if (message := _message(row, key))]

    async def read(self, key: SessionKey) -> AsyncIterator[ChatMessage]:
        column, last = MESSAGES.c, 0
        while True:
            query = select(MESSAGES).where(_of(MESSAGES, key), column.id > last)
            async with self._transaction() as connection:
                rows = (await connection.execute(query.order_by(column.id).limit(BATCH))).all()
                await _set_aside(connection, rows, key)
            for message in (_message(row, key) for row in rows):
                if message:
                    yield message
            if len(rows) < BATCH:
                return
            last = rows[-1].id

    async def sessions(
        self, tenant: str | None, user: str | None, limit: int, session: str | None = None
    ) -> list[SessionSummary]:
        column = SESSIONS.c
        query = select(column.session_id, column.first_line, column.last_used)
        query = query.where(column.user_key == _digest((tenant, user)))
        if session is not None:
            query = query.where(_of(SESSIONS, SessionKey(tenant, user, session)))
        query = query.order_by(column.last_used.desc()).limit(limit)
        async with self._transaction() as connection:
            return [
                SessionSummary(
                    session_id=row.session_id,
                    first_line=row.first_line or "",
                    last_used=datetime.fromtimestamp(row.last_used, UTC),
                )
                for row in await connection.execute(query)
            ]

    async def unused_since(self, time: datetime, limit: int) -> list[SessionKey]:
        column = SESSIONS.c
        query = select(column.tenant_id, column.user_id, column.session_id)
        query = query.where(column.last_used < time.timestamp())
        query = query.order_by(column.last_used).limit(limit)
        async with self._transaction() as connection:
            return [SessionKey(*row) for row in await connection.execute(query)]

    async def delete(self, key: SessionKey, newest: str | None = None) -> int:
        session, messages = _of(SESSIONS, key), _of(MESSAGES, key)
        last = select(MESSAGES.c.message_id).where(messages).order_by(MESSAGES.c.id.desc()).limit(1)
        async with self._transaction() as connection:
            # A change that changes nothing locks the session, in every database.
            lock = update(SESSIONS).where(session).values(last_used=SESSIONS.c.last_used)
            await connection.execute(lock)
            if newest is not None and await connection.scalar(last) != newest:
                return 0
            deleted = await connection.execute(delete(MESSAGES).where(messages))
            await connection.execute(delete(DAMAGED).where(_of(DAMAGED, key)))
            await connection.execute(delete(SESSIONS).where(session))
            return deleted.rowcount

    async def recover(self, key: SessionKey) -> int:
        column, last, damaged = MESSAGES.c, 0, 0
        while True:
            query = select(MESSAGES).where(_of(MESSAGES, key), column.id > last)
            async with self._transaction() as connection:
                rows = (await connection.execute(query.order_by(column.id).limit(BATCH))).all()
                damaged += await _set_aside(connection, rows, key)
            if len(rows) < BATCH:
                return damaged
            last = rows[-1].id

    async def aclose(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._creating:
            if not self._created:
                await self._create_tables()
                self._created = True
        async with self._engine.begin() as connection:
            yield connection

    async def _create_tables(self) -> None:
        """Make what is missing, one process after the other."""
        async with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(CREATING)
            else:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            await connection.run_sync(METADATA.create_all)


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
        if "sslmode" in parsed.query:  # as libpq calls it
            parsed = parsed.update_query_dict({"ssl": parsed.query["sslmode"]})
            parsed = parsed.difference_update_query(["sslmode"])
        options = CONNECT[parsed.drivername]
        check(parsed, options)
    except ModuleNotFoundError:
        raise InvalidDatabaseUrl(
            "DATABASE_URL names a PostgreSQL database, and its driver is not installed: "
            "uv sync --extra postgresql, or pip install '.[postgresql]'."
        ) from None
    except Exception:  # each driver has its own, and what they say may show the password
        raise InvalidDatabaseUrl(
            "DATABASE_URL is not valid: write sqlite:///chat.db, sqlite:////folder/chat.db or "
            "postgresql://user:password@host/database, and after a ? what the driver takes."
        ) from None
    engine = create_async_engine(
        parsed,
        connect_args=options,
        hide_parameters=True,  # an error must not write what was said into the log
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    # Text that is no text must be readable, to be set aside.
    connection.driver_connection.text_factory = lambda data: data.decode(errors="replace")
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
    cursor.close()


def _digest(ids: tuple[str | None, ...]) -> str:
    # Of JSON, so that no part of an id can pass for the border between two.
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()


def _of(table: Table, key: SessionKey) -> ColumnElement[bool]:
    return table.c.session_key == _digest(key)


def _session_row(session_key: str, said: list[ChatMessage]) -> dict[str, object]:
    key = said[-1].key
    return {
        "session_key": session_key,
        "user_key": _digest((key.tenant, key.user)),
        "tenant_id": key.tenant,
        "user_id": key.user,
        "session_id": key.session,
        "first_line": first_line(said),
        "last_used": said[-1].timestamp.timestamp(),
    }


def _message_row(session_key: str, message: ChatMessage) -> dict[str, object]:
    return {
        "session_key": session_key,
        "message_id": message.message_id,
        "body": message.model_dump_json(),
    }


def _message(row: Row[Any], key: SessionKey) -> ChatMessage | None:
    """The message of a row, unless the row is damaged."""
    try:
        message = ChatMessage.model_validate_json(row.body)
    except ValidationError:
        return None
    return message if (message.key, message.message_id) == (key, row.message_id) else None


async def _set_aside(connection: AsyncConnection, rows: Sequence[Row[Any]], key: SessionKey) -> int:
    """Move the damaged ones among the rows of a session where nobody reads them."""
    ids = [row.id for row in rows if _message(row, key) is None]
    if ids:
        these = MESSAGES.c.id.in_(ids)
        copy = DAMAGED.insert().from_select(list(DAMAGED.c.keys()), select(MESSAGES).where(these))
        await connection.execute(copy)
        await connection.execute(delete(MESSAGES).where(these))
        log.warning("Set %d damaged messages aside, in chat_damaged_messages", len(ids))
    return len(ids)
