"""Where transcripts are kept: the interface of a store, and the one in memory."""

import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Protocol

from chat.models import ChatMessage, SessionSummary, first_line
from serving.identity import SessionKey
from serving.sessions import SessionCache

MAX_SESSIONS = 128
MAX_MESSAGES_PER_SESSION = 100
MAX_BYTES_PER_SESSION = 8 * 1024 * 1024


class UnknownMessageError(LookupError):
    """A page was asked for before a message that the session does not have."""


class StoreUnavailableError(Exception):
    """The store does not answer, and memory does not know either."""


class InvalidDatabaseUrl(SystemExit):
    """DATABASE_URL cannot be used; uncaught, it ends the program with one line."""


class SessionStorage(Protocol):
    """The messages of each session, in the order in which they came."""

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        """Keep all of them or none; those that are there already are left as they are."""

    async def page(
        self, key: SessionKey, limit: int, before: str | None = None
    ) -> list[ChatMessage]:
        """The last `limit` messages of a session, or the last before the one with that id.

        Raises:
            UnknownMessageError: The session has no message `before`.
        """

    def read(self, key: SessionKey) -> AsyncIterator[ChatMessage]:
        """Every message of a session, one after the other."""

    async def sessions(
        self, tenant: str | None, user: str | None, limit: int, session: str | None = None
    ) -> list[SessionSummary]:
        """The sessions of a user, the last used first, or the one with that id alone."""

    async def unused_since(self, time: datetime, limit: int) -> list[SessionKey]:
        """Sessions in which nothing was said since then."""

    async def delete(self, key: SessionKey, newest: str | None = None) -> int:
        """Delete a session; return how many messages it had.

        Args:
            key: The session.
            newest: Delete nothing if another message than this one is the newest.
        """

    async def recover(self, key: SessionKey) -> int:
        """Set the damaged messages of a session aside; return how many there were."""

    async def aclose(self) -> None:
        """Give back what the store holds."""


def database_storage() -> SessionStorage | None:
    """The store that DATABASE_URL names; None if it is not set.

    Raises:
        InvalidDatabaseUrl: It names none that can be used.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        return None
    from chat.sql import SqlSessionStorage  # takes a moment, and memory needs none of it

    return SqlSessionStorage(url)


class InMemorySessionStorage:
    """The last messages of the last used sessions.

    Args:
        max_sessions: Sessions held; the least recently used one leaves first.
        max_messages_per_session: Messages held of each; the oldest leave first.
        idle_seconds: A session unused for so long leaves at the next use of any session.
        clock: Returns seconds and never runs backwards.
    """

    def __init__(
        self,
        *,
        max_sessions: int = MAX_SESSIONS,
        max_messages_per_session: int = MAX_MESSAGES_PER_SESSION,
        idle_seconds: float = 86_400,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_messages = max_messages_per_session
        self._cache = SessionCache(
            self._open,
            self._close,
            maxsize=max_sessions,
            sizeof=_size,
            idle_seconds=idle_seconds,
            clock=clock,
        )
        # What the cache holds, to be read without waiting for a turn or counting as one.
        self._held: dict[SessionKey, deque[ChatMessage]] = {}

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        for key, said in groupby(messages, key=lambda message: message.key):
            async with self._cache.turn(key) as held:
                known = {message.message_id for message in held}
                held.extend(message for message in said if message.message_id not in known)
                while len(held) > 2 and _size(held) > MAX_BYTES_PER_SESSION:
                    held.popleft()

    async def page(
        self, key: SessionKey, limit: int, before: str | None = None
    ) -> list[ChatMessage]:
        held = list(self._held.get(key, ()))
        return last_before(held, limit, before)

    async def read(self, key: SessionKey) -> AsyncIterator[ChatMessage]:
        for message in list(self._held.get(key, ())):
            yield message

    async def sessions(
        self, tenant: str | None, user: str | None, limit: int, session: str | None = None
    ) -> list[SessionSummary]:
        summaries = [
            SessionSummary(
                session_id=key.session,
                first_line=first_line(list(held)) or "",
                last_used=held[-1].timestamp,
            )
            for key, held in self._held.items()
            if held and (key.tenant, key.user) == (tenant, user)
            if session in (None, key.session)
        ]
        summaries.sort(key=lambda summary: summary.last_used, reverse=True)
        return summaries[:limit]

    async def unused_since(self, time: datetime, limit: int) -> list[SessionKey]:
        return [key for key, held in self._held.items() if held and held[-1].timestamp < time][
            :limit
        ]

    async def delete(self, key: SessionKey, newest: str | None = None) -> int:
        held = self._held.get(key, ())
        if newest and held and held[-1].message_id != newest:
            return 0
        count = len(held)
        async with self._cache.forget(key):
            return count

    async def recover(self, key: SessionKey) -> int:
        return 0  # what is in memory was checked when it was made

    async def aclose(self) -> None:
        await self._cache.aclose()

    async def _open(self, key: SessionKey | None) -> deque[ChatMessage]:
        messages: deque[ChatMessage] = deque(maxlen=self._max_messages)
        if key:
            self._held[key] = messages
        return messages

    async def _close(self, key: SessionKey | None, messages: deque[ChatMessage]) -> None:
        if key:
            del self._held[key]


def _size(held: Iterable[ChatMessage]) -> int:
    return sum(sys.getsizeof(message.message) for message in held)


def last_before(
    messages: list[ChatMessage], limit: int, before: str | None = None
) -> list[ChatMessage]:
    """The last `limit` of `messages`, or the last before the one with that id.

    Raises:
        UnknownMessageError: None of them has the id.
    """
    end = len(messages)
    if before is not None:
        ids = [message.message_id for message in messages]
        if before not in ids:
            raise UnknownMessageError(before)
        end = ids.index(before)
    return messages[max(0, end - limit) : end]
