"""What keeps a database from servers, each for the time of a `with`."""

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest

from contract.client import Reply
from contract.databases import PostgresDatabase, SqliteFile
from contract.projects import ON_DATABASES, Variant
from contract.server import Server

# of a database that a server uses already
Outage = Callable[[Any, Server], AbstractContextManager[None]]
# of one that none has used yet
Absence = Callable[[Any], AbstractContextManager[None]]
# more than a file of the log of changes has
FILL = """
    INSERT INTO agent_turns
    SELECT 'filling', n, '', repeat('x', 1900), '' FROM generate_series(1, 9000) AS n
"""
# and what is left in each page, with rows that are shorter than a turn
FILL_PAGES = """
    DO $$ BEGIN
        FOR n IN 9001..20000 LOOP
            BEGIN
                INSERT INTO agent_turns VALUES ('filling', n, '', repeat('x', 200), '');
            EXCEPTION WHEN OTHERS THEN RETURN;
            END;
        END LOOP;
    END $$
"""
REFUSED = "The store of the sessions does not answer. Try again later. Request id: "
SECONDS = 5.0  # in which a turn is refused
UNLIMITED = resource.RLIM_INFINITY


@contextmanager
def locked_file(database: SqliteFile, _: Server) -> Iterator[None]:
    """Another program writes, and does not end."""
    with closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full_disk(database: SqliteFile, server: Server) -> Iterator[None]:
    """The file in which SQLite writes first can grow no more."""
    log = database.file.with_name(database.file.name + "-wal")
    limits = (log.stat().st_size, UNLIMITED)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))


@contextmanager
def file_of_another(database: SqliteFile) -> Iterator[None]:
    """Another program has it for itself: nobody else can even read."""
    with closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def unwritable_folder(database: SqliteFile) -> Iterator[None]:
    """The server may not write in its folder."""
    folder = database.file.parent
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@contextmanager
def no_folder(database: SqliteFile) -> Iterator[None]:
    """Its folder is not there, and cannot be made."""
    folder = database.file.parent
    folder.rmdir()
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()


@contextmanager
def stopped(database: PostgresDatabase, *_: Server) -> Iterator[None]:
    """The database server has crashed."""
    database.server.stop("immediate")
    try:
        yield
    finally:
        database.server.start()


@contextmanager
def hanging(database: PostgresDatabase, *_: Server) -> Iterator[None]:
    """The database server takes connections and says nothing."""
    database.server.pause()
    try:
        yield
    finally:
        database.server.resume()


@contextmanager
def locked_tables(database: PostgresDatabase, _: Server) -> Iterator[None]:
    """Another program has the tables for itself."""
    lock = "LOCK TABLE agent_sessions, agent_turns IN ACCESS EXCLUSIVE MODE"
    with database.server.holding(database.url, lock):
        yield


@contextmanager
def locked_writes(database: PostgresDatabase, _: Server) -> Iterator[None]:
    """Another program lets nobody change anything."""
    lock = "LOCK TABLE agent_sessions IN SHARE MODE"
    with database.server.holding(database.url, lock):
        yield


@contextmanager
def full_tables(database: PostgresDatabase, _: Server) -> Iterator[None]:
    """The file of the turns can grow no more, and has no room left for one."""
    for statement in (FILL, "VACUUM agent_turns"):  # which finds the room that is left
        database.query(statement)
    ((size,),) = database.query("SELECT pg_relation_size('agent_turns')")
    try:
        with database.server.full(int(size)):
            database.query(FILL_PAGES)
            yield
    finally:
        database.query("DELETE FROM agent_turns WHERE session_key = 'filling'")


@contextmanager
def half_made_tables(database: PostgresDatabase) -> Iterator[None]:
    """Another server makes them, and does not end."""
    with database.server.holding(database.url, "CREATE TABLE agent_sessions (n INTEGER)"):
        yield


OUTAGES: dict[str, dict[str, Outage]] = {
    "sqlite": {"locked": locked_file, "full": full_disk},
    "postgres": {
        "stopped": stopped,
        "hanging": hanging,
        "locked": locked_tables,
        "full": full_tables,
    },
}
# those in which a server waits for an answer
HELD_UP: dict[str, dict[str, Outage]] = {
    "sqlite": {"locked": locked_file},
    "postgres": {"hanging": hanging, "locked": locked_tables},
}
# those in which a turn is run, and cannot be kept
WRITES: dict[str, dict[str, Outage]] = {
    "sqlite": {"locked": locked_file},
    "postgres": {"locked": locked_writes},
}
ABSENCES: dict[str, dict[str, Absence]] = {
    "sqlite": {
        "of another": file_of_another,
        "unwritable": unwritable_folder,
        "no folder": no_folder,
    },
    "postgres": {"stopped": stopped, "hanging": hanging, "half made": half_made_tables},
}


def each_way(
    kinds: dict[str, dict[str, Any]],
    shapes: list[list[bool]],
    among: list[Variant] = ON_DATABASES,
) -> pytest.MarkDecorator:
    """Run a test with each way in which a store is away: in these shapes, in turns."""
    cases = []
    for store, ways in kinds.items():
        for n, (name, way) in enumerate(ways.items()):
            for stream in shapes[n % len(shapes)]:
                variants = [each for each in among if (each.store, each.stream) == (store, stream)]
                variant = variants[n % len(variants)]
                marks = pytest.mark.xdist_group(str(variant))
                cases.append(pytest.param(variant, way, id=f"{name}-{variant}", marks=marks))
    return pytest.mark.parametrize(("variant", "way"), cases, indirect=["variant"], scope="session")


def is_refused(reply: Reply, variant: Variant) -> bool:
    """Whether the caller was told that the store does not answer."""
    status = 200 if variant.stream else 503
    return reply.status == status and reply.error.startswith(REFUSED)


@contextmanager
def timed(seconds: float = SECONDS) -> Iterator[None]:
    """See that the block takes no longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
