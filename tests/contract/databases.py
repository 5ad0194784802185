"""The databases in which servers under test keep sessions, a new one for each test."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
from postgres import Postgres

from contract.projects import Variant

# Of each session how many rows it says it has, how many there are, the number of the last, and how
# many different ones: all of them must be equal.
COUNTS = """
    SELECT s.turns, count(t.number), coalesce(max(t.number), 0), count(DISTINCT t.row_id)
    FROM agent_sessions s LEFT JOIN agent_turns t ON t.session_key = s.session_key
    GROUP BY s.session_key, s.turns
"""
ORPHANS = """
    SELECT count(*) FROM agent_turns
    WHERE session_key NOT IN (SELECT session_key FROM agent_sessions)
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Database(Protocol):
    """What a project is told of one, and what is in it."""

    @property
    def environment(self) -> dict[str, str]:
        """What names it."""

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Run `sql` and return its rows, each value as text."""

    def execute(self, sql: str) -> None:
        """Change something, as another program could."""

    def connections(self, process: int) -> int:
        """How many there are, or how often the process has the file open."""

    def unfinished(self) -> int:
        """How many transactions have begun and not ended."""


class SqliteFile:
    """A file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "sessions.db"
        self.environment = {"SESSION_DB": str(self.file)}

    def query(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.file)) as database, database:
            # text that is none must be seen, too
            database.text_factory = lambda data: data.decode(errors="replace")
            return [tuple(map(str, row)) for row in database.execute(sql)]

    def execute(self, sql: str) -> None:
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(sql)

    def connections(self, process: int) -> int:
        files = Path(f"/proc/{process}/fd").iterdir()
        return sum(file.readlink() == self.file for file in files if file.is_symlink())

    def unfinished(self) -> int:
        with closing(sqlite3.connect(self.file, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return 1
        return 0


class PostgresDatabase:
    """A database of the server that all tests share."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.url = server.create_database()
        self.environment = {"DATABASE_URL": self.url}

    def query(self, sql: str) -> list[tuple[str, ...]]:
        return self.server.query(self.url, sql)

    def execute(self, sql: str) -> None:
        self.query(sql)

    def connections(self, process: int) -> int:  # noqa: ARG002 - it has them all
        ((number,),) = self.query(OTHERS)
        return int(number)

    def unfinished(self) -> int:
        ((number,),) = self.query(f"{OTHERS} AND xact_start IS NOT NULL")
        return int(number)


def is_whole(database: Database) -> bool:
    """Whether each session has the rows that it says it has, and no row is without a session."""
    return database.query(ORPHANS) == [("0",)] and all(
        len(set(counts)) == 1 for counts in database.query(COUNTS)
    )


def database_of(variant: Variant, folder: Path, request: pytest.FixtureRequest) -> Database:
    """A new one for a variant; only where it is needed PostgreSQL is started."""
    if variant.store == "sqlite":
        return SqliteFile(folder)
    return PostgresDatabase(request.getfixturevalue("postgres"))
