#only transcript
"""Transcripts: who said what in each session, read from the rows that the agent remembers by."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar
from uuid import uuid4

from pydantic import JsonValue

from serving.identity import Caller, SessionKey
from serving.sessions import SessionCache
from serving.store.keeping import KeptSessions
from serving.store.rows import StoreError
from serving.transcript.messages import (
    ChatMessage,
    ContextMessage,
    Message,
    SessionSummary,
    StatusModel,
    UnknownMessageError,
    moment,
    read_message_id,
    read_messages,
    said,
    without_failures,
)
from serving.transcript.recording import RecordedTurn
from serving.turns import Session, failure_of, plain_failures, running

BATCH = 100
LAST_SECONDS = 0.5  # that a turn which the shutdown ends waits to be kept as failed

T = TypeVar("T")
Archive = Callable[[SessionKey, AsyncIterator[ChatMessage]], Awaitable[None]]


class Transcripts(Generic[T]):
    """What was said in each session, by tenant, user and session id.

    Args:
        sessions: The session cache.
        kept: What is kept of the sessions.
        archive: Is called with each session and its messages before it expires; when it fails,
            the session stays.
    """

    def __init__(
        self,
        sessions: SessionCache[Any, Session[T]],
        kept: KeptSessions[T],
        archive: Archive | None = None,
    ) -> None:
        self._sessions = sessions
        self._kept = kept
        self._store = kept.store
        self._running: dict[SessionKey, list[StatusModel]] = {}

        async def archived(key: SessionKey) -> None:
            caller = Caller(key.tenant, key.user)
            if archive and await self._store.sessions(caller, 1, key.session):  # or it is forgotten
                await archive(key, self._read(key))

        kept.expiry.archive = archived

    @asynccontextmanager
    async def turn(self, key: SessionKey | None, prompt: str) -> AsyncIterator[RecordedTurn[T]]:
        """Run one turn of a session, and keep how it failed if it does.

        Raises:
            HTTPException: What the caller is told of a failure.
        """
        status = StatusModel(status="received")
        if key:
            self._running.setdefault(key, []).append(status)
        try:
            async with plain_failures() as limit, self._sessions.turn(key) as session:
                await self._kept.refresh(session)
                turn = RecordedTurn(self._kept, session, prompt, status)
                try:
                    yield turn
                except StoreError:
                    raise
                except (Exception, asyncio.CancelledError) as error:
                    failure = failure_of(error, limit)
                    with suppress(StoreError, TimeoutError):
                        async with asyncio.timeout(LAST_SECONDS if running.ending else None):
                            await turn.fail(failure)
                    raise failure from error
        finally:
            if key:
                self._ended(key, status)

    async def create_session(
        self,
        user_id: str | None,
        initial_context: str | Mapping[str, JsonValue] | None = None,
        *,
        tenant_id: str | None = None,
        session_id: str | None = None,
    ) -> SessionKey:
        """Start a session; its context, if there is one, becomes a system message.

        Raises:
            StoreError: The store does not answer.
        """
        key = SessionKey(tenant_id, user_id, session_id or uuid4().hex)
        if initial_context:
            text = initial_context if isinstance(initial_context, str) else None
            system = Message(role="system", message=text or json.dumps(initial_context))
            async with self._sessions.turn(key) as session:
                await self._kept.refresh(session)
                await self._kept.keep(session, None, said(system))
        return key

    async def get_messages(
        self, session: SessionKey, limit: int = 50, before: str | None = None
    ) -> list[ChatMessage]:
        """Return the last messages of a session, in order, or the last before the one with that id.

        Raises:
            UnknownMessageError: The session has no message `before`.
            StoreError: The store does not answer, or what is kept is damaged.
        """
        place = read_message_id(before) if before is not None else None
        end = place[1] + 1 if place else None
        messages: list[ChatMessage] = []
        while len(messages) < limit:
            position, rows = await self._kept.in_time(self._store.said(session, limit, end))
            if place and not (position.conversation == place[0] and place[1] <= position.rows):
                raise UnknownMessageError
            for row in reversed(rows):
                index = place[2] if place and row.number == place[1] else None
                messages[:0] = read_messages(session, position.conversation, row)[:index]
            if len(rows) < limit:
                break
            end = rows[0].number
        return messages[-limit:]

    async def get_conversation_context(
        self, session: SessionKey, limit: int = 10
    ) -> list[ContextMessage]:
        """Return the last messages, without those of failed turns."""
        return without_failures(await self.get_messages(session, limit))

    async def get_sessions(
        self, caller: Caller, limit: int = 50, session: str | None = None
    ) -> list[SessionSummary]:
        """Return the sessions of a user, the last used first, or the one with that id alone.

        Raises:
            StoreError: The store does not answer.
        """
        found = await self._kept.in_time(self._store.sessions(caller, limit, session))
        return [
            SessionSummary(session_id=name, first_line=line, last_used=moment(at))
            for name, line, at in found
        ]

    async def get_status(self, session: SessionKey) -> StatusModel:
        """Return how the running turn stands, or how the last one ended."""
        if turns := self._running.get(session):
            return turns[0].model_copy()
        try:
            last = await self.get_messages(session, 1)
        except StoreError as error:
            return StatusModel(issues=[error.sentence])
        if not last or last[0].role not in ("assistant", "error"):
            return StatusModel()
        failed = last[0].role == "error"
        return StatusModel(
            status="failed" if failed else "done",
            progress=100,
            issues=[last[0].message] if failed else [],
            updated_at=last[0].timestamp,
        )

    async def forget(self, session: SessionKey) -> int:
        """Delete a session without archiving it; return how many messages it had.

        Raises:
            SessionBusyError: Too many turns of the session are in line.
            StoreError: The store does not answer, and the session is as it was.
        """
        async with self._sessions.forget(session):
            return await self._kept.in_time(self._store.delete(session), though_cancelled=True) or 0

    async def _read(self, key: SessionKey) -> AsyncIterator[ChatMessage]:
        end, last = 0, 1
        while end < last:
            position, rows = await self._store.said(key, BATCH, end + BATCH + 1)
            for row in rows:
                if row.number > end:  # of fewer than a batch, the last ones of before come again
                    for message in read_messages(key, position.conversation, row):
                        yield message
            end, last = end + BATCH, position.rows

    def _ended(self, key: SessionKey, status: StatusModel) -> None:
        turns = self._running[key]
        turns[:] = [turn for turn in turns if turn is not status]
        if not turns:
            del self._running[key]
