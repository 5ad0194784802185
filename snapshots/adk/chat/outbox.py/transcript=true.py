"""What is on its way into a store: in order, many messages at once, kept while the store is down."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from itertools import islice

from chat.models import ChatMessage
from chat.storage import SessionStorage
from invocation import SessionKey

WAIT_SECONDS = 5.0  # a turn waits no longer for its record
WRITE_SECONDS = 10.0  # one attempt takes no longer
RETRY_SECONDS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # the last one from then on
BATCH = 500

log = logging.getLogger("bedrock_agentcore.app")


def describe(error: Exception) -> str:
    """An error in one line, without the statement that SQLAlchemy adds."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


@dataclass(eq=False, slots=True)
class _Parcel:
    messages: tuple[ChatMessage, ...]  # of one session
    written: asyncio.Future[None]  # or known to be late


class Outbox:
    """Writes to a store, one batch after the other.

    A turn that waits for its batch has its record in the store when it is answered. From the
    moment when the store fails or is slow, no turn waits until everything is written.

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
                self._fall_behind("it is slow")

    async def flush(self) -> bool:
        """Wait for what is under way; whether everything is written."""
        if self._task:
            await asyncio.wait([self._task], timeout=WAIT_SECONDS)
        return not self._parcels

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Write nothing during the block."""
        async with self._writing:
            yield

    def drop(self, key: SessionKey) -> int:
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
                    self._fall_behind(describe(error))
                await asyncio.sleep(pause)
            else:
                pauses = iter(RETRY_SECONDS)
        if self._late:
            log.info("The store of the transcripts answers again")
        self._late, self._lost = False, 0

    def _done(self, parcel: _Parcel) -> None:
        if parcel in self._parcels:
            del self._parcels[parcel]
        if not parcel.written.done():
            parcel.written.set_result(None)

    def _fall_behind(self, cause: str) -> None:
        if not self._late:
            log.warning("The store of the transcripts does not answer: %s", cause)
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
