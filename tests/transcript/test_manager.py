"""The manager of transcripts: what it is told is in memory and in the store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import generated  # noqa: F401 - puts `chat` and `invocation` on the path
import pytest
from chat import outbox
from chat.models import ChatMessage
from chat.session import SessionManager
from chat.sql import SqlSessionStorage
from invocation import SessionKey

KEY = SessionKey(None, "user", "session")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Unreliable(SqlSessionStorage):
    """A real store that can be away."""

    away = False

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        if self.away:
            raise ConnectionError("away")
        await super().append(messages)


def texts(messages: Sequence[ChatMessage]) -> list[str]:
    return [message.message for message in messages]


def test_what_is_added_is_in_the_store_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        store = SqlSessionStorage(f"sqlite:///{tmp_path}/chat.db")
        manager = SessionManager(lambda: store)
        await manager.add_message(KEY, "user", "hello")
        assert texts(await store.page(KEY, 10)) == ["hello"]
        assert await manager.save_session(KEY)
        await manager.aclose()

    asyncio.run(test())


def test_while_the_store_is_away_all_is_kept_and_then_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", (0.001,))

    async def test() -> None:
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

    asyncio.run(test())


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_what_has_expired_is_archived_and_deleted_and_nothing_else(
    tmp_path: Path, store: str
) -> None:
    clock, archived = Clock(), dict[SessionKey, list[str]]()
    url = f"sqlite:///{tmp_path}/chat.db"
    failing = SessionKey(None, None, "failing")

    async def archive(session: SessionKey, messages: AsyncIterator[ChatMessage]) -> None:
        if session == failing:
            raise OSError("no room")
        archived[session] = [message.message async for message in messages]

    async def test() -> None:
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

    asyncio.run(test())


def test_a_context_has_no_half_of_a_failed_turn() -> None:
    async def test() -> None:
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

    asyncio.run(test())
