"""The databases that servers under test write to, which a test can take away and give back."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from postgres import Postgres

BODIES = "SELECT body FROM chat_messages ORDER BY id"


class SqliteFile:
    """A file; while it is away another program has locked it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "chat.db"
        self.url = f"sqlite:///{self.file}"

    def take_away(self) -> None:
        """Lock it."""
        self._lock = sqlite3.connect(self.file, isolation_level=None)
        self._lock.execute("PRAGMA journal_mode=WAL")
        self._lock.execute("BEGIN IMMEDIATE")

    def give_back(self) -> None:
        """Unlock it."""
        self._lock.close()

    def messages(self) -> list[dict[str, Any]]:
        """All that is in it, in order."""
        with closing(sqlite3.connect(self.file)) as database:
            return [json.loads(body) for (body,) in database.execute(BODIES)]


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
        self.url = server.create_database()
        self._server = server
        self.take_away: Callable[[], None]
        self.give_back: Callable[[], None]
        if hangs:
            self.take_away, self.give_back = server.pause, server.resume
        else:
            self.take_away, self.give_back = lambda: server.stop("immediate"), server.start

    def messages(self) -> list[dict[str, Any]]:
        """All that is in it, in order."""
        return [json.loads(body) for (body,) in self._server.query(self.url, BODIES)]


Store = SqliteFile | PostgresDatabase
