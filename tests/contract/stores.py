"""Where servers under test keep their sessions: what tests see of it, take away and give back."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from postgres import Postgres

from contract.projects import Variant

TURNS = """
    SELECT session_id, number, body, said FROM agent_turns
    LEFT JOIN agent_sessions USING (session_key) ORDER BY session_key, number
"""


class KeptTurn(NamedTuple):
    """A turn in a database; without a session it would be one that nobody can delete."""

    session: str
    number: int
    body: str
    said: str


class InMemory:
    """The process alone has them."""

    environment: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class SqliteFile:
    """A file; while it is away another program has locked it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "sessions.db"
        self.environment = {"SESSION_DB": str(self.file)}

    def take_away(self) -> None:
        """Lock it."""
        self._lock = sqlite3.connect(self.file, isolation_level=None)
        self._lock.execute("PRAGMA journal_mode=WAL")
        self._lock.execute("BEGIN IMMEDIATE")

    def give_back(self) -> None:
        """Unlock it."""
        self._lock.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run `sql` and return its rows."""
        with closing(sqlite3.connect(self.file)) as database, database:
            return database.execute(sql).fetchall()


class SqliteFileInNoFolder(SqliteFile):
    """A file that can only be away at the start: what is open stays open, though it is deleted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "mount")
        self.file.parent.mkdir()

    def take_away(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.file.parent)

    def give_back(self) -> None:
        """Make the folder anew."""
        self.file.parent.mkdir()


class PostgresDatabase:
    """A database; while it is away its server is stopped, as in a crash, or hangs."""

    def __init__(self, server: Postgres, *, hangs: bool = False) -> None:
        self._server = server
        self._url = server.create_database()
        self.environment = {"DATABASE_URL": self._url}
        self.take_away: Callable[[], None]
        self.give_back: Callable[[], None]
        if hangs:
            self.take_away, self.give_back = server.pause, server.resume
        else:
            self.take_away, self.give_back = lambda: server.stop("immediate"), server.start

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run `sql` and return its rows, each value as text and NULL as an empty one."""
        return [*self._server.query(self._url, sql)]


Database = SqliteFile | PostgresDatabase
Store = Database | InMemory


def turns(store: Database, session: str = "") -> list[KeptTurn]:
    """The turns in it, of all sessions or of one, in order."""
    kept = [KeptTurn(name or "", int(n), *rest) for name, n, *rest in store.query(TURNS)]
    return [turn for turn in kept if session in ("", turn.session)]


def said(store: Database, session: str) -> list[str]:
    """What the turns of a session say, in order."""
    messages = [each for turn in turns(store, session) for each in json.loads(turn.said)]
    return [each["message"] for each in messages]
