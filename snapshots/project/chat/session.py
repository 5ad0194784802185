#only transcript
"""SessionManager: the transcript of each session, in memory and in a store if there is one."""

import asyncio
import json
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import JsonValue

from chat.models import (
    ChatMessage,
    ContextMessage,
    Role,
    SessionSummary,
    StatusModel,
    is_message_id,
    utc_now,
    without_failures,
)
from chat.outbox import Outbox
from chat.storage import (
    MAX_MESSAGES_PER_SESSION,
    MAX_SESSIONS,
    InMemorySessionStorage,
    InvalidDatabaseUrl,
    SessionStorage,
    StoreUnavailableError,
    UnknownMessageError,
    database_storage,
)
from serving.identity import SessionKey

MAX_AGE_HOURS = 24
SWEEP_SECONDS = 3_600.0
STORE_SECONDS = 5.0

log = logging.getLogger("bedrock_agentcore.app")

Archive = Callable[[SessionKey, AsyncIterator[ChatMessage]], Awaitable[None]]


class SessionManager:
    """Transcripts by tenant, user and session id; all calls must come from one event loop.

    The last messages of the last used sessions are in memory. With a store every message goes
    there too, and what is asked for comes from there, or from memory while the store is down.

    Args:
        connect: Makes the store at the first use; None is no store.
        archive: Called with each session and its messages before it is cleaned up; when it
            fails, the session stays.
        max_sessions: Sessions in memory.
        max_messages_per_session: Messages in memory of each.
        clock: Returns the time, aware of its zone, for what is kept and shown.
        monotonic: Returns seconds and never runs backwards.
    """

    def __init__(
        self,
        connect: Callable[[], SessionStorage | None] = database_storage,
        *,
        archive: Archive | None = None,
        max_sessions: int = MAX_SESSIONS,
        max_messages_per_session: int = MAX_MESSAGES_PER_SESSION,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._archive = archive
        self._max_messages = max_messages_per_session
        self._limit = max_sessions * max_messages_per_session
        self._clock = clock
        self._monotonic = monotonic
        self._memory = InMemorySessionStorage(
            max_sessions=max_sessions,
            max_messages_per_session=max_messages_per_session,
            # With an archive, sessions leave through it, however late that is.
            idle_seconds=math.inf if archive else MAX_AGE_HOURS * 3_600,
            clock=monotonic,
        )
        self._store: SessionStorage | None = None
        self._outbox: Outbox | None = None
        self._connected = False
        self._invalid: InvalidDatabaseUrl | None = None
        self._turns: dict[SessionKey, list[StatusModel]] = {}
        self._swept: float | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def connect(self) -> None:
        """Find the store, without talking to it yet.

        Raises:
            InvalidDatabaseUrl: There is none at this address.
        """
        if not self._connected:
            self._store = self._connect()
            self._outbox = Outbox(self._store, self._limit) if self._store else None
            self._connected = True

    async def create_session(
        self,
        user_id: str | None,
        initial_context: str | Mapping[str, JsonValue] | None = None,
        *,
        tenant_id: str | None = None,
        session_id: str | None = None,
    ) -> SessionKey:
        """Start a session; its context, if there is one, becomes a system message."""
        session = SessionKey(tenant_id, user_id, session_id or uuid4().hex)
        if initial_context:
            text = initial_context if isinstance(initial_context, str) else None
            await self.add_message(session, "system", text or json.dumps(initial_context))
        return session

    async def add_message(
        self,
        session: SessionKey,
        role: Role,
        message: str,
        *,
        conversation_id: str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
    ) -> ChatMessage:
        """Add one message."""
        added = self.new_message(session, role, message, conversation_id, metadata)
        await self.add_messages([added])
        return added

    async def record_error(
        self,
        session: SessionKey,
        sentence: str,
        *,
        request_id: str | None = None,
        conversation_id: str | None = None,
    ) -> ChatMessage:
        """Add an error, in words that the user may read."""
        return await self.add_message(
            session,
            "error",
            sentence,
            conversation_id=conversation_id,
            metadata={"request_id": request_id},
        )

    def new_message(
        self,
        session: SessionKey,
        role: Role,
        message: str,
        conversation_id: str | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
    ) -> ChatMessage:
        """Make a message of a session, as said now, without adding it."""
        return ChatMessage(
            role=role,
            message=message,
            session_id=session.session,
            user_id=session.user,
            tenant_id=session.tenant,
            conversation_id=conversation_id,
            timestamp=self._clock(),
            metadata=dict(metadata or {}),
        )

    async def add_messages(self, messages: Sequence[ChatMessage]) -> None:
        """Add messages of one session, in one piece; wait until they are written if all is well."""
        self._find_store()
        await self._memory.append(messages)
        self._sweep()
        if self._outbox and messages:
            await self._outbox.put(messages)

    async def get_messages(
        self, session: SessionKey, limit: int = 50, before: str | None = None
    ) -> list[ChatMessage]:
        """The last messages of a session, oldest first, or the last before the one with that id.

        While the store does not answer, they come from memory, which may not have the oldest.

        Raises:
            UnknownMessageError: The session has no message `before`.
            StoreUnavailableError: The store does not answer, and there are none in memory.
        """
        self._find_store()
        if before is not None and not is_message_id(before):
            raise UnknownMessageError(before)
        if not self._outbox:
            return await self._memory.page(session, limit, before)
        try:
            return await self._outbox.page(session, limit, before)
        except StoreUnavailableError:
            with suppress(UnknownMessageError):
                if held := await self._memory.page(session, limit, before):
                    return held
            raise

    async def get_conversation_context(
        self, session: SessionKey, limit: int = 10
    ) -> list[ContextMessage]:
        """The last messages, without those of failed turns."""
        return without_failures(await self.get_messages(session, limit))

    async def get_sessions(
        self, tenant: str | None, user: str | None, limit: int = 50, session: str | None = None
    ) -> list[SessionSummary]:
        """The sessions of a user, the last used first, or the one with that id alone."""
        self._find_store()
        with suppress(StoreUnavailableError):
            if self._outbox:
                return await self._outbox.sessions(tenant, user, limit, session)
        return await self._memory.sessions(tenant, user, limit, session)

    def begin_turn(self, session: SessionKey) -> StatusModel:
        """Say that a turn has come in; return its status, which changes as the turn goes on."""
        status = StatusModel(status="received", updated_at=self._clock())
        self._turns.setdefault(session, []).append(status)
        return status

    def end_turn(self, session: SessionKey, status: StatusModel) -> None:
        """Say that a turn is over."""
        turns = self._turns[session]
        turns[:] = [turn for turn in turns if turn is not status]
        if not turns:
            del self._turns[session]

    async def get_status(self, session: SessionKey) -> StatusModel:
        """How the running turn stands, or how the last one ended."""
        if turns := self._turns.get(session):
            return turns[0].model_copy(update={"issues": self._issues})
        last: list[ChatMessage] = []
        with suppress(StoreUnavailableError):
            last = await self.get_messages(session, 1)
        if not last or last[0].role not in ("assistant", "error"):
            return StatusModel(issues=self._issues, updated_at=self._clock())
        failed = last[0].role == "error"
        return StatusModel(
            status="failed" if failed else "done",
            progress=100,
            issues=[*([last[0].message] if failed else []), *self._issues],
            updated_at=last[0].timestamp,
        )

    async def save_session(self, session: SessionKey) -> bool:
        """Wait for what is on its way into the store; whether all of the session is there."""
        self._find_store()
        if not self._outbox:
            return False
        await self._outbox.flush()
        return not self._outbox.waiting(session)

    async def load_session(self, session: SessionKey) -> list[ChatMessage]:
        """Hold the last messages of a session in memory, and return them."""
        messages = await self.get_messages(session, self._max_messages)
        await self._memory.delete(session)
        await self._memory.append(messages)
        return messages

    async def forget_session(self, session: SessionKey) -> int:
        """Delete a session without archiving it; return how many messages it had.

        Raises:
            StoreUnavailableError: It is still in the store, which does not answer.
        """
        return await self._delete(session, None)

    async def cleanup_session(self, session: SessionKey) -> int:
        """Archive a session, then delete it; return how many messages it had.

        It stays as it is if the archive fails, or if something was said in it meanwhile.
        """
        return await self._clean_up(session, [])

    async def cleanup_expired_sessions(self, max_age_hours: float = MAX_AGE_HOURS) -> int:
        """Clean up the sessions in which nothing was said for so long; return how many.

        Those whose archive fails stay. Where several processes share a store, a session may be
        archived more than once.
        """
        self._find_store()
        storage = self._store or self._memory
        time, count = self._clock() - timedelta(hours=max_age_hours), 0
        stay: set[SessionKey] = set()
        while found := {*await storage.unused_since(time, 100 + len(stay))} - stay:
            for session in found:
                newest = await storage.page(session, 1)
                used = session in self._turns or (newest and newest[0].timestamp >= time)
                try:
                    if not used and await self._clean_up(session, newest):
                        count += 1
                        continue
                except StoreUnavailableError:
                    raise
                except Exception:
                    log.exception("Cleaning up a session failed")
                stay.add(session)
        return count

    async def recover_session_state(self, session: SessionKey) -> int:
        """Set the damaged messages of a session aside; return how many there were."""
        self._find_store()
        return await (self._store or self._memory).recover(session)

    async def aclose(self) -> None:
        """Write what waits and close the store, on the loop of the turns if that is another one."""
        if self._loop and self._loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._aclose(), self._loop)
            await asyncio.wrap_future(closing)

    async def _aclose(self) -> None:
        if self._sweeping:
            await asyncio.wait([self._sweeping], timeout=STORE_SECONDS)
            self._sweeping.cancel()
        if self._outbox:
            await self._outbox.aclose()

    async def _clean_up(self, session: SessionKey, last: list[ChatMessage]) -> int:
        """Archive and delete, unless another message than the `last` one has become the newest."""
        self._find_store()
        storage = self._store or self._memory
        newest = last[0].message_id if last else None

        async def messages() -> AsyncIterator[ChatMessage]:
            nonlocal newest
            async for message in storage.read(session):
                newest = message.message_id
                yield message

        if self._archive:
            await self.save_session(session)
            reading = messages()
            await self._archive(session, reading)
            async for _ in reading:
                pass  # what the archive did not want
        return await self._delete(session, newest)

    async def _delete(self, session: SessionKey, newest: str | None) -> int:
        """Delete from store and memory, unless another message than `newest` is the newest."""
        self._find_store()
        if not self._outbox:
            return await self._memory.delete(session, newest)
        count = await self._outbox.delete(session, newest)
        if count or not newest:
            await self._memory.delete(session)
        return count

    def _find_store(self) -> None:
        self._loop = asyncio.get_running_loop()  # what opens a connection closes it, too
        try:
            self.connect()
        except InvalidDatabaseUrl as error:
            log.error("%s", error)
            self._invalid, self._connected = error, True

    @property
    def _issues(self) -> list[str]:
        if self._invalid:
            return ["There is no store: DATABASE_URL is not valid."]
        return self._outbox.issues if self._outbox else []

    def _sweep(self) -> None:
        """Clean up what has expired, now and then and in the background."""
        now = self._monotonic()
        if self._swept is None or now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            # a context of its own: its log lines do not bear the ids of this turn
            self._sweeping = asyncio.create_task(self._clean_up_expired(), context=Context())

    async def _clean_up_expired(self) -> None:
        try:
            await self.cleanup_expired_sessions()
        except Exception as error:
            log.warning("What has expired is not cleaned up yet: %s", type(error).__name__)
