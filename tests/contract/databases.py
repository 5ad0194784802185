"""A new database for each test, of the kind that a project keeps its sessions in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from postgres import Postgres

from contract import stores
from contract.projects import Variant

# Of each session how many rows it says it has, how many there are, the number of the last, and how
# many different ones: all of them must be equal.
COUNTS = """
    SELECT s.turns, count(t.number), coalesce(max(t.number), 0), count(DISTINCT t.row_id)
    FROM agent_sessions s LEFT JOIN agent_turns t ON t.session_key = s.session_key
    GROUP BY s.session_key, s.turns
"""
ORPHANS = """
    SELECT session_key FROM agent_turns
    WHERE session_key NOT IN (SELECT session_key FROM agent_sessions)
"""
OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class SqliteFile(stores.SqliteFile):
    """A file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)

    def connections(self, process: int) -> int:
        """How often the process has the file open."""
        files = Path(f"/proc/{process}/fd").iterdir()
        return sum(file.readlink() == self.file for file in files if file.is_symlink())

    def is_at_rest(self) -> bool:
        """Whether nobody is about to change anything."""
        with closing(sqlite3.connect(self.file, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True


class PostgresDatabase(stores.PostgresDatabase):
    """A database of the server that all tests share."""

    def __init__(self, server: Postgres) -> None:
        super().__init__(server)
        self.server = server
        self.url = self.environment["DATABASE_URL"]

    def connections(self, process: int) -> int:  # noqa: ARG002 - it has them all
        """How many there are."""
        return len(self.query(OTHERS))

    def is_at_rest(self) -> bool:
        """Whether nobody is in a transaction."""
        return not self.query(f"{OTHERS} AND xact_start IS NOT NULL")


Database = SqliteFile | PostgresDatabase


def is_whole(database: Database) -> bool:
    """Whether each session has the rows that it says it has, and no row is without a session."""
    counts = database.query(COUNTS)
    return not database.query(ORPHANS) and all(len(set(row)) == 1 for row in counts)


def database_of(variant: Variant, folder: Path, request: pytest.FixtureRequest) -> Database:
    """A new one for a variant; only where it is needed PostgreSQL is started."""
    if variant.store == "sqlite":
        return SqliteFile(folder)
    return PostgresDatabase(request.getfixturevalue("postgres"))
