"""The manager of transcripts: what it is told is in memory and in the store."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import generated  # noqa: F401 - puts `chat` and `invocation` on the path
import pytest
from chat import outbox
from chat.models import ChatMessage
from chat.session import SessionManager
from chat.sql import SqlSessionStorage
from chat.storage import InvalidDatabaseUrl, StoreUnavailableError, UnknownMessageError
from pydantic import ValidationError
from serving.identity import SessionKey

KEY = SessionKey(None, "user", "session")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Unreliable(SqlSessionStorage):
    """A real store that can be away."""

    away = False

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        if self.away:
            raise ConnectionError("away")
        await super().append(messages)


async def others(before: set[asyncio.Task[Any]]) -> None:
    """Return when all that was started since is over."""
    await asyncio.wait_for(asyncio.gather(*(asyncio.all_tasks() - before)), 30)


def texts(messages: Sequence[ChatMessage]) -> list[str]:
    return [message.message for message in messages]


async def test_what_is_added_is_in_the_store_at_once(tmp_path: Path) -> None:
    store = SqlSessionStorage(f"sqlite:///{tmp_path}/chat.db")
    manager = SessionManager(lambda: store)
    await manager.add_message(KEY, "user", "hello")
    assert texts(await store.page(KEY, 10)) == ["hello"]
    assert await manager.save_session(KEY)
    await manager.aclose()


async def test_while_the_store_is_away_all_is_kept_and_then_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", (0.001,))

    store = Unreliable(f"sqlite:///{tmp_path}/chat.db")
    manager = SessionManager(lambda: store)
    await manager.add_message(KEY, "user", "0")
    store.away = True
    for n in range(1, 5):
        await manager.add_message(KEY, "user", str(n))
    assert texts(await store.page(KEY, 10)) == ["0"]
    assert texts(await manager.get_messages(KEY, 10)) == ["0", "1", "2", "3", "4"]
    (issue,) = (await manager.get_status(KEY)).issues
    assert issue == "The store does not answer: 4 messages wait to be written."
    store.away = False
    assert await manager.save_session(KEY)
    assert texts(await store.page(KEY, 10)) == ["0", "1", "2", "3", "4"]
    assert (await manager.get_status(KEY)).issues == []
    await manager.aclose()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_what_has_expired_is_archived_and_deleted_and_nothing_else(
    tmp_path: Path, store: str
) -> None:
    clock, archived = Clock(), dict[SessionKey, list[str]]()
    url = f"sqlite:///{tmp_path}/chat.db"
    failing = SessionKey(None, None, "failing")

    async def archive(session: SessionKey, messages: AsyncIterator[ChatMessage]) -> None:
        if session == failing:
            raise OSError("no room")
        archived[session] = [message.message async for message in messages]

    manager = SessionManager(
        lambda: SqlSessionStorage(url) if store == "sqlite" else None,
        archive=archive,
        clock=clock,
    )
    kept = SessionKey(None, None, "session")
    running = SessionKey("tenant", None, "running")
    for session in (KEY, failing, running):
        await manager.add_message(session, "user", "old")
    clock.now += timedelta(microseconds=1)
    await manager.add_message(kept, "user", "24 h ago")
    clock.now += timedelta(hours=24)
    manager.begin_turn(running)
    assert await manager.cleanup_expired_sessions() == 1
    assert archived == {KEY: ["old"]}
    assert texts(await manager.get_messages(KEY)) == []
    for session in (kept, failing, running):
        assert len(await manager.get_messages(session)) == 1
    await manager.aclose()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_what_has_expired_is_cleaned_up_though_the_clock_was_set_back(
    tmp_path: Path, store: str
) -> None:
    clock, seconds, archived = Clock(), Seconds(), list[SessionKey]()
    url = f"sqlite:///{tmp_path}/chat.db"

    async def archive(session: SessionKey, _: AsyncIterator[ChatMessage]) -> None:
        archived.append(session)

    before = asyncio.all_tasks()
    manager = SessionManager(
        lambda: SqlSessionStorage(url) if store == "sqlite" else None,
        archive=archive,
        clock=clock,
        monotonic=seconds,
    )
    now = clock.now
    clock.now += timedelta(days=365)
    await manager.add_message(SessionKey(None, None, "of the future"), "user", "hello")
    await others(before)
    clock.now = now
    await manager.add_message(KEY, "user", "old")
    clock.now += timedelta(hours=25)
    seconds.now += 25 * 3_600
    await manager.add_message(SessionKey(None, None, "new"), "user", "hello")
    await others(before)
    assert archived == [KEY]
    assert await manager.get_messages(KEY) == []
    await manager.aclose()


async def test_a_context_has_no_half_of_a_failed_turn() -> None:
    manager = SessionManager(lambda: None)
    session = await manager.create_session("user", {"plan": "gold"})
    await manager.add_message(session, "user", "lost")
    await manager.record_error(session, "It failed.", request_id="r")
    await manager.add_message(session, "user", "hello")
    context = await manager.get_conversation_context(session)
    assert [(each["role"], each["content"]) for each in context] == [
        ("system", '{"plan": "gold"}'),
        ("user", "hello"),
    ]


async def test_what_is_not_in_memory_is_asked_of_the_store_and_can_be_loaded(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"

    before = SessionManager(lambda: SqlSessionStorage(url))
    for n in range(150):
        await before.add_message(KEY, "user", str(n))
    await before.aclose()
    store = Unreliable(url)
    manager = SessionManager(lambda: store)
    assert texts(await manager.get_messages(KEY, 1000)) == [str(n) for n in range(150)]
    assert texts(await manager.load_session(KEY)) == [str(n) for n in range(50, 150)]
    store.away = True
    await manager.add_message(KEY, "user", "150")
    assert texts(await manager.get_messages(KEY, 1000)) == [str(n) for n in range(51, 151)]
    store.away = False
    assert await manager.save_session(KEY)
    await manager.aclose()


async def test_archives_that_fail_keep_their_sessions_and_no_others() -> None:
    clock = Clock()
    sessions = [SessionKey(None, None, str(n)) for n in range(350)]

    async def archive(session: SessionKey, _: AsyncIterator[ChatMessage]) -> None:
        if int(session.session) < 150:
            raise OSError("no room")

    manager = SessionManager(lambda: None, archive=archive, clock=clock, max_sessions=1_000)
    for session in sessions:
        await manager.add_message(session, "user", "old")
        clock.now += timedelta(seconds=1)
    clock.now += timedelta(hours=25)
    assert await manager.cleanup_expired_sessions() == 200
    kept = [session for session in sessions if await manager.get_messages(session)]
    assert kept == sessions[:150]
    await manager.aclose()


async def test_a_session_that_is_used_while_it_is_archived_stays(tmp_path: Path) -> None:
    async def archive(session: SessionKey, messages: AsyncIterator[ChatMessage]) -> None:
        archived.extend([message.message async for message in messages])
        await manager.add_message(session, "user", "new")

    archived: list[str] = []
    store = SqlSessionStorage(f"sqlite:///{tmp_path}/chat.db")
    manager = SessionManager(lambda: store, archive=archive)
    await manager.add_message(KEY, "user", "old")
    assert await manager.cleanup_session(KEY) == 0
    assert archived == ["old"]
    assert texts(await manager.get_messages(KEY)) == ["old", "new"]
    await manager.aclose()


async def test_to_forget_what_is_about_to_be_written_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", (0.001,))

    class Slow(SqlSessionStorage):
        async def delete(self, key: SessionKey, newest: str | None = None) -> int:
            adding.append(asyncio.create_task(manager.add_message(KEY, "user", "late")))
            for _ in range(3):
                await asyncio.sleep(0)  # until it waits for the end of this
            return await super().delete(key, newest)

    adding: list[asyncio.Task[ChatMessage]] = []
    manager = SessionManager(lambda: Slow(f"sqlite:///{tmp_path}/chat.db"))

    await manager.add_message(KEY, "user", "hello")
    assert await manager.forget_session(KEY) == 2
    await adding[0]
    assert await manager.save_session(KEY)
    assert await manager.get_messages(KEY) == []
    assert caplog.messages == []
    await manager.add_messages([])
    assert await manager.save_session(KEY)
    await manager.aclose()


@pytest.mark.parametrize("question", ["get_messages", "get_status", "recover_session_state"])
async def test_a_store_that_was_only_read_is_closed(tmp_path: Path, question: str) -> None:
    class Store(SqlSessionStorage):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1
            await super().aclose()

    store = Store(f"sqlite:///{tmp_path}/chat.db")
    manager = SessionManager(lambda: store)
    await getattr(manager, question)(KEY)
    await manager.aclose()
    assert store.closed == 1


async def test_what_is_forgotten_is_in_no_memory(tmp_path: Path) -> None:
    store = Unreliable(f"sqlite:///{tmp_path}/chat.db")
    manager = SessionManager(lambda: store)
    other = KEY._replace(session="other")
    for session in (KEY, other):
        await manager.add_message(session, "user", "hello")
    assert await manager.forget_session(KEY) == 1
    store.away = True
    await manager.add_message(other, "user", "hello")
    assert texts(await manager.get_messages(other)) == ["hello", "hello"]
    with pytest.raises(StoreUnavailableError):
        await manager.get_messages(KEY)
    assert [one.session_id for one in await manager.get_sessions(None, "user")] == ["other"]
    store.away = False
    assert await manager.save_session(other)
    await manager.aclose()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("before", ["\ud800", "a\0b", "x" * 65, "x" * 100_000, ""])
async def test_what_can_be_no_id_is_an_unknown_message(
    tmp_path: Path, store: str, before: str
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db" if store == "sqlite" else None
    manager = SessionManager(lambda: SqlSessionStorage(url) if url else None)
    await manager.add_message(KEY, "user", "hello")
    with pytest.raises(UnknownMessageError):
        await manager.get_messages(KEY, before=before)
    assert (await manager.get_status(KEY)).issues == []
    await manager.aclose()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_to_forget_is_not_to_archive(tmp_path: Path, store: str) -> None:
    async def archive(session: SessionKey, _: AsyncIterator[ChatMessage]) -> None:
        archived.append(session)

    archived: list[SessionKey] = []

    url = f"sqlite:///{tmp_path}/chat.db" if store == "sqlite" else None
    manager = SessionManager(lambda: SqlSessionStorage(url) if url else None, archive=archive)
    for _ in range(2):
        await manager.add_message(KEY, "user", "hello")
        assert await manager.forget_session(KEY) == 1
        assert await manager.get_messages(KEY) == []
    assert archived == []
    await manager.add_message(KEY, "user", "hello")
    assert await manager.cleanup_session(KEY) == 1
    assert await manager.cleanup_session(KEY) == 0
    assert archived[0] == KEY
    await manager.aclose()


async def test_damage_in_one_session_harms_no_other(tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    other = SessionKey(None, None, "other")

    manager = SessionManager(lambda: SqlSessionStorage(f"sqlite:///{file}"))
    for n in range(4):
        for session in (KEY, other):
            await manager.add_message(session, "user", str(n))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE chat_messages SET body = '{\"role\": 7}' WHERE id IN (1, 5)")
    assert await manager.recover_session_state(KEY) == 2
    assert await manager.recover_session_state(KEY) == 0
    assert texts(await manager.get_messages(KEY)) == ["1", "3"]
    assert texts(await manager.get_messages(other)) == ["0", "1", "2", "3"]
    await manager.aclose()


@pytest.mark.parametrize("part", ["tenant_id", "user_id", "session_id", "message_id"])
def test_an_id_that_no_database_takes_is_refused_at_once(part: str) -> None:
    ids = {"session_id": "s", part: "a\0b"}
    with pytest.raises(ValidationError):
        ChatMessage(role="user", message="hello", **ids)  # type: ignore[arg-type]


async def test_an_address_that_turns_out_to_be_none_is_told_by_the_status() -> None:
    def connect() -> SqlSessionStorage:
        raise InvalidDatabaseUrl("DATABASE_URL is not valid")

    manager = SessionManager(connect)
    await manager.add_message(KEY, "user", "hello")
    assert texts(await manager.get_messages(KEY)) == ["hello"]
    status = await manager.get_status(KEY)
    assert status.issues == ["There is no store: DATABASE_URL is not valid."]
