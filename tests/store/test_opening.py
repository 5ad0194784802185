"""Where sessions are kept is read at the start, and nothing is opened or connected to by that."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from generated import with_store
from sqlalchemy import text

POSTGRES, SQLITE = with_store("postgres"), with_store("sqlite")
REFUSED = [
    "nonsense",
    "mysql://u:secret@h/d",
    "sqlite:///secret.db",
    "postgresql+psycopg://u:secret@h/d",
    "postgresql://h:secret/d",
    "postgresql://u:secret@h:99999/d",
    "postgresql://u:secret@h/d?nonsense=1",
    "postgresql://u:secret@h/d?sslmode=secret",
    "postgresql://u:secret@h/d?sslmode=require&sslmode=disable",
    "postgresql://u:secret@h/d?port=secret",
    "postgresql://u:secret@h/d?prepared_statement_cache_size=secret",
    "postgresql://u:secret@h/d?server_settings=secret",
    "postgresql://u:secret@h/d?timeout=1",
]
TAKEN = [
    "postgres://u:p@h/d",
    "postgresql://u:p@[::1]:5433/d?sslmode=require",
    "postgresql:///d?host=/tmp",
    "postgresql://u:p@/d?host=a:1&host=b:2&target_session_attrs=primary",
    "postgresql+asyncpg://u:p@h/d?ssl=prefer&prepared_statement_cache_size=0",
]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGENT_OFFLINE", raising=False)
    return tmp_path


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_none_is_refused_in_one_line(
    url: str,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SystemExit) as refused:
        POSTGRES.opening.open_store()
    assert str(refused.value).startswith("DATABASE_URL is not valid: write postgresql://")
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)
    assert list(recwarn) == []
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize("url", TAKEN)
@pytest.mark.parametrize("running", [False, True])
def test_an_address_that_a_driver_takes_is_not_connected_to(
    url: str, running: bool, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make() -> Any:
        return POSTGRES.opening.open_store()

    connected: list[object] = []
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", connected.append)
    # with no loop, with one that ends before the store is closed
    store = asyncio.run(make()) if running else POSTGRES.opening.open_store()
    asyncio.run(store.aclose())
    assert connected == []
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize("url", ["", None])
@pytest.mark.usefixtures("elsewhere")
def test_without_an_address_sessions_are_in_memory_only_offline(
    url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    opening = POSTGRES.opening
    with pytest.raises(SystemExit) as refused:
        opening.open_store()
    assert str(refused.value).startswith("DATABASE_URL is not set: write where to keep sessions,")
    monkeypatch.setenv("AGENT_OFFLINE", "1")
    assert isinstance(opening.open_store(), POSTGRES.memory.MemoryStore)


async def used(store: Any) -> None:
    """Look something up, and close the store."""
    key = SQLITE.identity.SessionKey(None, None, "s")
    await store.since(key, SQLITE.rows.NOTHING, 1)
    await store.aclose()


async def test_a_file_is_opened_at_its_first_use(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_DB", "some/where/named.db")
    store = SQLITE.opening.open_store()
    monkeypatch.chdir("/")  # it is where it was named
    assert [*elsewhere.iterdir()] == []
    await used(store)
    assert (elsewhere / "some/where/named.db").is_file()


async def test_without_a_name_the_file_is_in_the_data_folder_of_the_user_alone(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SESSION_DB", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    store = SQLITE.opening.open_store()
    await used(store)
    assert [*elsewhere.iterdir()] == []
    (file,) = Path(os.environ["HOME"]).rglob("sessions.db")
    assert file.parent.name == "my-agent"
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0


async def test_the_name_of_a_file_may_start_at_home(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_DB", "~/named.db")
    await used(SQLITE.opening.open_store())
    assert Path(os.environ["HOME"], "named.db").is_file()
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize("hours", ["nonsense", "0", "0.5", "-24", "inf", "nan", " "])
def test_a_time_that_is_none_is_refused_in_one_line(
    hours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_TTL_HOURS", hours)
    for store in ("memory", "sqlite", "postgres"):
        with pytest.raises(SystemExit) as refused:
            with_store(store).expiry.ttl_hours()
        assert str(refused.value) == (f"SESSION_TTL_HOURS must be a number from 1, not {hours!r}.")


@pytest.mark.parametrize(("hours", "read"), [("1", 1.0), ("0.5e3", 500.0), ("", 24.0)])
def test_a_time_is_read(hours: str, read: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_TTL_HOURS", hours)
    assert SQLITE.expiry.ttl_hours() == read


def test_no_driver_gives_up_before_the_turn_that_waits() -> None:
    postgres = with_store("postgres")
    assert min(postgres.opening.OPTIONS.values()) > postgres.keeping.STORE_SECONDS


@pytest.mark.usefixtures("elsewhere")
async def test_a_file_is_looked_for_often() -> None:
    """What SQLite does after 228 ms, it does every 100 ms, and others may always be faster."""
    sqlite = with_store("sqlite")
    store = sqlite.opening.open_store()
    async with store._engine.connect() as connection:
        assert 0 < (await connection.execute(text("PRAGMA busy_timeout"))).scalar_one() <= 228
    assert sqlite.sql.LOCK_SECONDS < sqlite.keeping.STORE_SECONDS
    await store.aclose()
