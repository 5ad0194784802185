#only transcript
"""A store and what is on its way there: in order, in batches, kept while the store is down."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from itertools import islice

from chat.models import ChatMessage, SessionSummary, first_line
from chat.storage import SessionStorage, StoreUnavailableError, UnknownMessageError, last_before
from serving.identity import SessionKey

WAIT_SECONDS = 5.0  # a turn waits no longer for its record, nor does a question for its answer
WRITE_SECONDS = 10.0  # one attempt takes no longer
CLOSE_SECONDS = 2.0
RETRY_SECONDS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # the last one from then on
BATCH = 500

log = logging.getLogger("bedrock_agentcore.app")


@dataclass(eq=False, slots=True)
class _Parcel:
    messages: tuple[ChatMessage, ...]  # of one session
    written: asyncio.Future[None]  # or known to be late


class Outbox:
    """Writes to a store, one batch after the other; shows what is there and what will be.

    A turn that waits for its batch has its record in the store when it is answered. From the
    moment when the store fails or is slow, nobody waits for it until everything is written.

    Args:
        storage: The store.
        limit: Messages kept while the store is down; beyond it, the oldest are lost.
    """

    def __init__(self, storage: SessionStorage, limit: int) -> None:
        self._storage = storage
        self._limit = limit
        self._parcels: dict[_Parcel, None] = {}
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._late = False
        self._silent = False
        self._lost = 0

    @property
    def size(self) -> int:
        """How many messages are not written yet."""
        return sum(len(parcel.messages) for parcel in self._parcels)

    @property
    def issues(self) -> list[str]:
        """What a status says of the store."""
        issues = []
        if self._late:
            issues.append(f"The store does not answer: {self.size} messages wait to be written.")
        elif self._silent:
            issues.append("The store does not answer.")
        if self._lost:
            issues.append(f"The store was down for too long: {self._lost} messages are lost.")
        return issues

    def waiting(self, key: SessionKey | None = None) -> list[ChatMessage]:
        """What is not written yet, of one session or of all."""
        messages = [message for parcel in self._parcels for message in parcel.messages]
        return [message for message in messages if key is None or message.key == key]

    async def put(self, messages: Sequence[ChatMessage]) -> None:
        """Have messages of one session written; wait for that, unless the store is late."""
        parcel = _Parcel(tuple(messages), asyncio.get_running_loop().create_future())
        self._parcels[parcel] = None
        if self._task is None or self._task.done():
            # a context of its own: its log lines do not bear the ids of this turn
            self._task = asyncio.create_task(self._run(), context=Context())
        if self._late:
            self._trim()
        else:
            await asyncio.wait([parcel.written], timeout=WAIT_SECONDS)
            if not parcel.written.done():
                self._fall_behind(TimeoutError("it is slow"))

    async def page(
        self, key: SessionKey, limit: int, before: str | None = None
    ) -> list[ChatMessage]:
        """The last messages of a session, or the last before the one with that id.

        Raises:
            UnknownMessageError: The session has no message `before`.
            StoreUnavailableError: The store does not answer.
        """
        waiting = self.waiting(key)
        is_waiting = before in {message.message_id for message in waiting}
        stored_before = None if is_waiting else before
        async with self._answering():
            # Enough of them, though what waits may be in the store by then.
            stored = await self._storage.page(key, limit + len(waiting), stored_before)
        if stored_before:
            return stored[-limit:]
        known = {message.message_id for message in stored}
        new = [message for message in waiting if message.message_id not in known]
        return last_before([*stored, *new], limit, before)

    async def sessions(
        self, tenant: str | None, user: str | None, limit: int, session: str | None = None
    ) -> list[SessionSummary]:
        """The sessions of a user, the last used first, or the one with that id alone.

        Raises:
            StoreUnavailableError: The store does not answer.
        """
        async with self._answering():
            stored = await self._storage.sessions(tenant, user, limit, session)
        summaries = {summary.session_id: summary for summary in stored}
        for message in self.waiting():
            own = (message.tenant_id, message.user_id) == (tenant, user)
            if own and session in (None, message.session_id):
                known = summaries.get(message.session_id)
                summaries[message.session_id] = SessionSummary(
                    session_id=message.session_id,
                    first_line=(known.first_line if known else first_line([message])) or "",
                    last_used=message.timestamp,
                )
        latest = sorted(summaries.values(), key=lambda summary: summary.last_used, reverse=True)
        return latest[:limit]

    async def delete(self, key: SessionKey, newest: str | None = None) -> int:
        """Delete a session, unless another message than `newest` is its newest; return how many.

        Raises:
            StoreUnavailableError: The store does not answer.
        """
        async with self._answering(), self._writing:
            if newest and self.waiting(key):
                return 0
            count = await self._storage.delete(key, newest)
            return 0 if newest and not count else count + self._drop(key)

    async def flush(self) -> bool:
        """Wait for what is under way; whether everything is written."""
        if self._task:
            await asyncio.wait([self._task], timeout=WAIT_SECONDS)
        return not self._parcels

    async def aclose(self) -> None:
        """Write what waits, if the store answers, and close it."""
        if not await self.flush():
            log.error("%d messages of transcripts were not written", self.size)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._storage.aclose()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Ask the store, but wait for it not for long, and not at all while records wait."""
        try:
            if self._late:
                raise TimeoutError("records wait for it")
            async with asyncio.timeout(WAIT_SECONDS):
                yield
        except UnknownMessageError:
            raise
        except Exception as error:
            if not (self._late or self._silent):
                _warn(error)
            self._silent = True
            raise StoreUnavailableError from error
        self._silent = False

    def _drop(self, key: SessionKey) -> int:
        """Do not write what waits of a session; return how many messages that were."""
        dropped = [parcel for parcel in self._parcels if parcel.messages[0].key == key]
        for parcel in dropped:
            self._done(parcel)
        return sum(len(parcel.messages) for parcel in dropped)

    async def _run(self) -> None:
        pauses = iter(RETRY_SECONDS)
        while self._parcels:
            try:
                async with asyncio.timeout(WRITE_SECONDS), self._writing:
                    batch = list(islice(self._parcels, BATCH))
                    await self._storage.append([m for parcel in batch for m in parcel.messages])
                    for parcel in batch:
                        self._done(parcel)
            except Exception as error:
                pause = next(pauses, RETRY_SECONDS[-1])
                if pause:  # the first attempt may have had a connection of before a restart
                    self._fall_behind(error)
                await asyncio.sleep(pause)
            else:
                pauses = iter(RETRY_SECONDS)
        if self._late:
            log.info("The store of the transcripts answers again")
        self._late, self._silent, self._lost = False, False, 0

    def _done(self, parcel: _Parcel) -> None:
        if parcel in self._parcels:
            del self._parcels[parcel]
        if not parcel.written.done():
            parcel.written.set_result(None)

    def _fall_behind(self, error: Exception) -> None:
        if not self._late:
            _warn(error)
        self._late = True
        for parcel in self._parcels:
            if not parcel.written.done():
                parcel.written.set_result(None)
        self._trim()

    def _trim(self) -> None:
        excess = self.size - self._limit
        while excess > 0:
            parcel = next(iter(self._parcels))
            excess -= len(parcel.messages)
            self._lost += len(parcel.messages)
            self._done(parcel)


def _warn(error: Exception) -> None:
    # Its first line: after that SQLAlchemy adds the statement.
    cause = f"{type(error).__name__}: {error}".partition("\n")[0]
    log.warning("The store of the transcripts does not answer: %s", cause)
