"""One contract, run against each storage: memory, a sqlite file, a real PostgreSQL."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import generated  # noqa: F401 - puts `chat` and `invocation` on the path
import pytest
from chat import storage as in_memory
from chat.models import ChatMessage
from chat.sql import SqlSessionStorage
from chat.storage import (
    InMemorySessionStorage,
    InvalidDatabaseUrl,
    SessionStorage,
    UnknownMessageError,
)
from serving.identity import SessionKey

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = SessionKey("tenant", "user", "session")

Make = Callable[[], SessionStorage]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "memory":
        return InMemorySessionStorage
    if request.param == "sqlite":
        return lambda: SqlSessionStorage(f"sqlite:///{tmp_path}/chat.db")
    url = request.getfixturevalue("postgres").create_database()
    return lambda: SqlSessionStorage(url)


@asynccontextmanager
async def opened(make: Make) -> AsyncIterator[SessionStorage]:
    storage = make()
    try:
        yield storage
    finally:
        await storage.aclose()


@pytest.fixture
async def storage(make: Make) -> AsyncIterator[SessionStorage]:
    async with opened(make) as made:
        yield made


def said(text: str, key: SessionKey = KEY, seconds: float = 0.0) -> ChatMessage:
    return ChatMessage(
        role="user",
        message=text,
        tenant_id=key.tenant,
        user_id=key.user,
        session_id=key.session,
        timestamp=NOON + timedelta(seconds=seconds),
    )


def texts(messages: list[ChatMessage]) -> list[str]:
    return [message.message for message in messages]


async def test_messages_come_back_as_they_were_in_pages(storage: SessionStorage) -> None:
    messages = [said(f"message {n}", seconds=n + 0.123456) for n in range(7)]

    for start in (0, 2, 4, 6):
        await storage.append(messages[start : start + 2])
    assert await storage.page(KEY, 100) == messages
    assert [message async for message in storage.read(KEY)] == messages
    assert await storage.page(KEY, 3) == messages[4:]
    assert await storage.page(KEY, 3, messages[4].message_id) == messages[1:4]
    assert await storage.page(KEY, 3, messages[1].message_id) == messages[:1]
    assert await storage.page(KEY, 3, messages[0].message_id) == []


async def test_what_is_there_already_is_not_added_again(storage: SessionStorage) -> None:
    first, second = said("first"), said("second")

    await storage.append([first])
    await storage.append([first, second])
    assert await storage.page(KEY, 10) == [first, second]


async def test_to_add_nothing_changes_nothing(storage: SessionStorage) -> None:
    await storage.append([said("first")])
    await storage.append([])
    assert texts(await storage.page(KEY, 10)) == ["first"]
    assert len(await storage.unused_since(NOON + timedelta(seconds=1), 10)) == 1


async def test_an_unknown_message_or_one_of_another_session_is_no_place_to_page_from(
    storage: SessionStorage,
) -> None:
    other = said("other", SessionKey("tenant", "another", "session"))

    await storage.append([said("mine")])
    await storage.append([other])
    for before in ("unknown", other.message_id):
        with pytest.raises(UnknownMessageError):
            await storage.page(KEY, 10, before)


async def test_sessions_never_mix(storage: SessionStorage) -> None:
    ids = (None, "None", "a", "a','b", 'a", "b', "ü", "x" * 256)
    keys = [SessionKey(t, u, s or "s") for t, u, s in product(ids, repeat=3) if s]

    for key in keys[::9]:
        await storage.append([said(repr(key), key)])
    for key in keys[::9]:
        assert texts(await storage.page(key, 10)) == [repr(key)]
        for summary in await storage.sessions(key.tenant, key.user, 1_000):
            assert SessionKey(key.tenant, key.user, summary.session_id) in keys[::9]
    forgotten, *kept = keys[::9]
    assert await storage.delete(forgotten) == 1
    assert await storage.page(forgotten, 10) == []
    for key in kept:
        assert texts(await storage.page(key, 10)) == [repr(key)]


@pytest.mark.parametrize("text", ["", "a\0b", "half \ud83d", "🎉\r\n\u2028", "x" * 1_000_000])
async def test_any_text_can_be_said(storage: SessionStorage, text: str) -> None:
    message = said(text)

    await storage.append([message])
    assert await storage.page(KEY, 1) == [message]
    await storage.sessions("tenant", "user", 1)


async def test_sessions_are_listed_last_used_first(storage: SessionStorage) -> None:
    keys = {name: SessionKey("tenant", "user", name) for name in "abc"}

    for seconds, name in enumerate("abca"):
        await storage.append([said(f"{name}{seconds}\r\nmore", keys[name], seconds)])
    await storage.append([said("foreign", SessionKey("tenant", None, "d"), 9)])
    found = await storage.sessions("tenant", "user", 2)
    assert [(each.session_id, each.first_line) for each in found] == [("a", "a0"), ("c", "c2")]
    assert found[0].last_used == NOON + timedelta(seconds=3)


async def test_one_session_is_listed_however_many_there_are(storage: SessionStorage) -> None:
    keys = [SessionKey(None, None, str(n)) for n in range(3)]

    for seconds, key in enumerate(keys):
        await storage.append([said(f"in {key.session}", key, seconds)])
    for key in keys:
        (found,) = await storage.sessions(None, None, 1, key.session)
        assert (found.session_id, found.first_line) == (key.session, f"in {key.session}")
    assert await storage.sessions(None, None, 10, "another") == []
    assert await storage.sessions(None, "user", 10, "0") == []


async def test_a_session_is_unused_since_its_last_message(storage: SessionStorage) -> None:
    old, new = SessionKey(None, None, "old"), SessionKey(None, None, "new")

    await storage.append([said("1", old, -1)])
    await storage.append([said("1", new, -1)])
    await storage.append([said("2", new, 0)])
    assert await storage.unused_since(NOON, 10) == [old]
    assert await storage.unused_since(NOON - timedelta(seconds=1), 10) == []
    assert len(await storage.unused_since(NOON + timedelta(seconds=1), 1)) == 1


async def test_nothing_is_deleted_if_something_was_said_meanwhile(storage: SessionStorage) -> None:
    first, second = said("first"), said("second")

    await storage.append([first])
    await storage.append([second])
    assert await storage.delete(KEY, first.message_id) == 0
    assert await storage.page(KEY, 10) == [first, second]
    assert await storage.delete(KEY, second.message_id) == 2
    assert await storage.page(KEY, 10) == []
    assert await storage.delete(KEY) == 0


async def test_memory_holds_the_last_messages_of_the_last_used_sessions() -> None:
    storage = InMemorySessionStorage()
    keys = [SessionKey(None, None, str(n)) for n in range(129)]
    for key in (*keys[:128], keys[0]):
        await storage.append([said(key.session, key)])
    await storage.page(keys[1], 1)  # to look is not to use
    await storage.append([said("one more", keys[128])])
    await asyncio.sleep(0)
    assert await storage.page(keys[1], 1) == []
    assert len(await storage.page(keys[0], 10)) == 2
    for n in range(101):
        await storage.append([said(str(n), keys[0])])
    assert texts(await storage.page(keys[0], 200)) == [str(n) for n in range(1, 101)]


async def test_memory_is_bounded_in_bytes_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "MAX_BYTES_PER_SESSION", 10_000)
    storage = InMemorySessionStorage()
    for n in range(9):
        await storage.append([said(f"{n}" * 2_000), said("short")])
    assert [text[0] for text in texts(await storage.page(KEY, 100))] == list("s5s6s7s8s")
    # of a turn both messages stay, however large they are
    await storage.append([said("a" * 20_000), said("b" * 20_000)])
    assert [text[0] for text in texts(await storage.page(KEY, 100))] == ["a", "b"]


async def test_memory_is_bounded_in_bytes_of_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "_size", lambda held: len(held) * 50 * 1024 * 1024)
    storage = InMemorySessionStorage()
    keys = [SessionKey(None, None, name) for name in "abc"]
    for key in keys:
        await storage.append([said("prompt", key), said("reply", key)])
    for _ in range(3):  # the task that closes a session runs
        await asyncio.sleep(0)
    assert [len(await storage.page(key, 100)) for key in keys] == [0, 2, 2]


@pytest.mark.parametrize("damage", ["", "{", "[]", "x'ff00'", "a row of another session"])
async def test_a_damaged_row_is_set_aside_and_the_others_are_kept(
    tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "chat.db"
    foreign = said("foreign", SessionKey(None, None, "other"))
    body: object = {
        "x'ff00'": b"\xff\x00",
        "a row of another session": foreign.model_dump_json(),
    }.get(damage, damage)

    async with opened(lambda: SqlSessionStorage(f"sqlite:///{file}")) as storage:
        messages = [said(str(n)) for n in range(5)]
        await storage.append(messages)
        await storage.append([foreign])
        with sqlite3.connect(file) as database:
            change = "UPDATE chat_messages SET body = ? WHERE message_id IN (?, ?)"
            ids = (messages[1].message_id, messages[4].message_id)
            database.execute(change, (body, *ids))
        database.close()
        assert await storage.page(KEY, 2) == [messages[2], messages[3]]
        assert await storage.recover(KEY) == 1
        assert await storage.page(KEY, 10) == [messages[0], messages[2], messages[3]]
        assert await storage.page(foreign.key, 10) == [foreign]
        database = sqlite3.connect(file)
        assert database.execute("SELECT count(*) FROM chat_damaged_messages").fetchone() == (2,)
        database.close()


REFUSED = [
    "nonsense",
    "mysql://u:secret@h/d",
    "sqlite+pysqlite:///x",
    "postgresql://h:secret/d",
    "postgresql://u:secret@h:99999/d",
    "postgresql://u:secret@/d?host=a:1&host=b:99999",
    "postgresql://u:secret@h/d?nonsense=1",
    "postgresql://u:secret@h/d?sslmode=secret",
    "postgresql://u:secret@h/d?sslmode=require&sslmode=disable",
    "postgresql://u:secret@h/d?port=secret",
    "postgresql://u:secret@h/d?target_session_attrs=secret",
    "postgresql://u:secret@h/d?server_settings=secret",
    "sqlite:///secret.db?nonsense=1",
    "sqlite:///secret.db?mode=ro",
    "sqlite:///secret.db?uri=true&mode=ro",
    "sqlite:///secret.db?timeout=secret",
    "sqlite:///secret.db?timeout=1&timeout=2",
    "sqlite:///secret.db?detect_types=99999999999999999999",
    "sqlite:///file:secret.db?uri=true&mode=secret",
    "sqlite:///file:secret.db?uri=true&vfs=secret",
]
TAKEN = [
    "sqlite://",
    "sqlite:///taken.db",
    "sqlite:///taken.db?timeout=1",
    "sqlite:///file:taken.db?uri=true&mode=rwc&cache=shared",
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
    return tmp_path


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_none_is_refused_in_one_line(
    url: str, elsewhere: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(InvalidDatabaseUrl) as refused:
        SqlSessionStorage(url)
    assert "DATABASE_URL" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)
    assert list(recwarn) == []
    assert [*elsewhere.iterdir()] == []


@pytest.mark.parametrize("url", TAKEN)
@pytest.mark.parametrize("running", [False, True])
def test_an_address_that_a_driver_takes_is_not_connected_to(
    url: str, running: bool, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make() -> SqlSessionStorage:
        return SqlSessionStorage(url)

    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", connected.append)
    # with no loop, with one that ends before the store is closed
    storage = asyncio.run(make()) if running else SqlSessionStorage(url)
    asyncio.run(storage.aclose())
    assert connected == []
    assert [*elsewhere.iterdir()] == []
