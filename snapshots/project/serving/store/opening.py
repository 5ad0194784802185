#only not memory
#if sqlite
"""Where the sessions are kept: in a file, which is opened at the first turn."""

import os
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import create_async_engine

from serving.store.expiry import ttl_hours
from serving.store.sql import SqlStore

OPEN_SECONDS = 3.0  # that one waits for other processes that open the file
LOOK_MILLISECONDS = 50  # after which the store asks again: within them, SQLite looks often


def open_store() -> SqlStore:
    """Return the store in the file that SESSION_DB names, without touching the file yet.

    The default is outside the project, so that no package of it has conversations in it.
    """
    named = os.environ.get("SESSION_DB")
#if strands
    place = named or user_data_path("strands-agent") / "sessions.db"
#elif framework=openai
    place = named or user_data_path("openai-agent") / "sessions.db"
#elif adk
    place = named or user_data_path("adk-agent") / "sessions.db"
#elif langgraph
    place = named or user_data_path("langgraph-agent") / "sessions.db"
#elif autogen
    place = named or user_data_path("autogen-agent") / "sessions.db"
#end
    file = Path(place).expanduser().absolute()
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(file)),
        # The lock first, at the first change: who reads and then wants it may be refused.
        connect_args={"timeout": OPEN_SECONDS, "isolation_level": "IMMEDIATE"},
        pool_reset_on_return=None,  # who begins a transaction ends it, and a look costs a trip
        hide_parameters=True,  # an error must not write what was said into the log
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def make_folder(*_: Any) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # nobody else is to read it

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        # Text that is none must be readable, to be refused as damaged.
        connection.driver_connection.text_factory = lambda data: data.decode(errors="replace")
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")  # who reads does not wait for who writes
        cursor.execute("PRAGMA synchronous=FULL")  # a turn that is kept outlives a power cut
        cursor.execute(f"PRAGMA busy_timeout={LOOK_MILLISECONDS}")
        cursor.close()

    return SqlStore(engine, ttl_hours())
#elif postgres
"""Where the sessions are kept: in a PostgreSQL database, connected to at the first turn."""

import logging
import os
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from model.settings import is_offline
from serving.store.expiry import ttl_hours
from serving.store.memory import MemoryStore
from serving.store.sql import SqlStore

# What can stand after the ? of an address: the driver takes texts for these alone.
TAKEN = {"database", "host", "passfile", "password", "port", "ssl", "sslmode", "user"}
TAKEN |= {"gsslib", "krbsrvname", "prepared_statement_cache_size", "target_session_attrs"}
SSL = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
EXAMPLE = "postgresql://user:password@host/database"
# Longer than a turn waits for the store: a process that is busy has its answers late.
OPTIONS: dict[str, Any] = {"timeout": 10.0, "command_timeout": 10.0}

log = logging.getLogger("bedrock_agentcore.app")


def open_store() -> SqlStore | MemoryStore:
    """Return the store that DATABASE_URL names, without connecting to it yet.

    Raises:
        SystemExit: It names none; uncaught, it ends the program with one line.
    """
    address = os.environ.get("DATABASE_URL")
    if not address:
        if is_offline():
            log.warning("DATABASE_URL is not set: offline, sessions are kept in memory")
            return MemoryStore()
        raise SystemExit(f"DATABASE_URL is not set: write where to keep sessions, {EXAMPLE}.")
    try:
        engine = create_async_engine(
            _checked(make_url(address)),
            connect_args=OPTIONS,
            hide_parameters=True,  # an error must not write what was said into the log
        )
    except Exception:  # what SQLAlchemy says may show the password
        raise SystemExit(
            f"DATABASE_URL is not valid: write {EXAMPLE}, and after a ? what asyncpg takes."
        ) from None
    return SqlStore(engine, ttl_hours())


def _checked(url: URL) -> URL:
    once = all(isinstance(value, str) for name, value in url.query.items() if name != "host")
    if url.drivername not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise ValueError("another database")
    if not (once and set(url.query) <= TAKEN and 0 < (url.port or 5432) < 65_536):
        raise ValueError("a parameter that the driver does not take")
    query = dict(url.query)
    if "sslmode" in query:  # as libpq calls it
        query["ssl"] = query.pop("sslmode")
    if query.get("ssl", "prefer") not in SSL:
        raise ValueError("a way to encrypt that there is not")
    return url.set(drivername="postgresql+asyncpg", query=query)
#elif agentcore-memory
"""Where the sessions are kept: in AgentCore Memory, which is connected to at the first turn."""

import os
import re

from model.settings import is_offline
from serving.store.agentcore_memory import AgentCoreMemoryStore
from serving.store.memory import MemoryStore

ID = r"[a-zA-Z][a-zA-Z0-9-_]{0,99}-[a-zA-Z0-9]{10}"
ARN = r"arn:(aws|aws-cn|aws-us-gov):bedrock-agentcore:[a-z0-9-]+:[0-9]{12}:memory/"


def open_store() -> AgentCoreMemoryStore | MemoryStore:
    """Return the store that MEMORY_ID names, without connecting to it yet.

    Raises:
        SystemExit: It names none; uncaught, it ends the program with one line.
    """
    text = os.environ.get("MEMORY_ID")
    if not text and is_offline():
        return MemoryStore()
    if not text:
        raise SystemExit("MEMORY_ID is not set: write the id of the memory that keeps sessions.")
    if not re.fullmatch(f"({ARN})?{ID}", text, re.ASCII):
        raise SystemExit(f"MEMORY_ID must be the id or the ARN of a memory, not {text!r}.")
    return AgentCoreMemoryStore(text)
#end
