"""The databases that servers under test keep their sessions in, read and changed from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from postgres import Postgres, Row

from contract.projects import Variant


class SqliteDatabase:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "sessions.db"

    @property
    def variables(self) -> dict[str, str]:
        """What tells a server where it is."""
        return {"SESSION_DB": str(self.file)}

    def query(self, sql: str) -> list[Row]:
        """Run `sql` and return its rows, each value as text and NULL as an empty one."""
        with closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            # text that is none must be seen too
            database.text_factory = lambda data: data.decode(errors="replace")
            rows = database.execute(sql).fetchall()
        return [tuple("" if value is None else str(value) for value in row) for row in rows]


class PostgresDatabase:
    """A database of its own on the server of the tests."""

    def __init__(self, server: Postgres) -> None:
        self.url = server.create_database()
        self._server = server

    @property
    def variables(self) -> dict[str, str]:
        """What tells a server where it is."""
        return {"DATABASE_URL": self.url}

    def query(self, sql: str) -> list[Row]:
        """Run `sql` and return its rows, each value as text and NULL as an empty one."""
        return self._server.query(self.url, sql)


Database = SqliteDatabase | PostgresDatabase


def database_of(variant: Variant, folder: Path, request: pytest.FixtureRequest) -> Database:
    """An empty database for a project that keeps its sessions in one."""
    if variant.store == "sqlite":
        return SqliteDatabase(folder)
    return PostgresDatabase(request.getfixturevalue("postgres"))


def quoted(text: str) -> str:
    """A text as SQL has it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
