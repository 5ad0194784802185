#only not memory | transcript
"""Reads what is kept of a session before its turn, and keeps the turn before it is answered."""

import asyncio
#if memory
from collections.abc import Awaitable, Callable, Coroutine
#else
from collections.abc import Coroutine
#end
from typing import Any, Generic, TypeVar
from uuid import uuid4

#if memory
from serving.identity import SessionKey
#else
from serving.store.codec import TurnFormat
#end
from serving.store.expiry import Expiry
#if memory
from serving.store.memory import AsItIs
#end
from serving.store.patience import Patience, patience
#if transcript
from serving.store.rows import Row, Said, Store, StoreError, Unavailable
#else
from serving.store.rows import Row, Store, StoreError, Unavailable
#end
from serving.turns import MAX_TURNS, Session
from serving.values import mended

STORE_SECONDS = 4.0  # that a turn waits for what is kept, and again to be kept itself
CLOSE_SECONDS = 2.0

T = TypeVar("T")
R = TypeVar("R")


class KeptSessions(Generic[T]):
    """Sessions of which the cache has what was read back from their rows.

    Args:
        store: Where the rows are.
        form: How a turn is written there.
    """

#if memory
    def __init__(self, store: Store, form: AsItIs[T]) -> None:
#else
    def __init__(self, store: Store, form: TurnFormat[T]) -> None:
#end
        self.store = store
        self.expiry = Expiry(store)
        self._form = form
        self._asked: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def refresh(self, session: Session[T]) -> None:
        """Give a session the turns that it has not: those of other processes, or all.

        Raises:
            Unavailable: The store does not answer.
            Unreadable: Nothing can be made of one of them.
        """
        if session.key is None:
            return
        known = session.position
        position, rows = await self.in_time(self.store.since(session.key, known, MAX_TURNS))
        turns = [self._form.decode(row.body) for row in rows]
        if position.conversation != known.conversation:
            session.turns, session.sizes = [], []
        for turn in turns:
            session.keep(turn)
        session.position = position

#if transcript
    async def keep(self, session: Session[T], turn: T | None, said: Said) -> None:
        """Keep a turn and what was said in it, and only then add it to its session.

        Of no turn, what was said is kept; the model does not remember it.
#else
    async def keep(self, session: Session[T], turn: T) -> None:
        """Keep a turn, and only then add it to its session.
#end

        Raises:
            Conflict: Another process has changed the session since `refresh`.
            Unavailable: The store does not answer.
        """
        if session.key is None:
            return
#if transcript
        body = None if turn is None else self._form.encode(mended(turn))
        kept = None if body is None else self._form.decode(body)
        row = Row(uuid4().hex, body, said)
#else
        body = self._form.encode(mended(turn))
        kept = self._form.decode(body)
        row = Row(uuid4().hex, body)
#end
        adding = self.store.add(session.key, session.position, row)
#if transcript
        session.position = await self.in_time(adding, though_cancelled=turn is not None)
        if kept is not None:
            session.keep(kept)
#else
        session.position = await self.in_time(adding, though_cancelled=True)
        session.keep(kept)
#end
        self.expiry.soon()

    async def in_time(self, asking: Coroutine[Any, Any, R], *, though_cancelled: bool = False) -> R:
        """Wait for the store, but not for long; what it does then, it does to its end.

        Args:
            asking: What it is to do.
            though_cancelled: Wait as well when the turn is cancelled: what is kept must be answered.

        Raises:
            Unavailable: It does not answer.
        """
        self._loop = asyncio.get_running_loop()  # what opens a connection closes it, too
        waiting = Patience(STORE_SECONDS)
        of_others = patience.set(waiting)
        # Cancelled half-way, a driver may go on to wait for a lock that nobody gives it any more.
        task = asyncio.create_task(asking)
        patience.reset(of_others)
        self._asked.add(task)
        task.add_done_callback(self._ended)
        while not task.done() and waiting.left > 0:
            try:
                await waiting.wait(task)
            except asyncio.CancelledError:
                if not though_cancelled:
                    raise
        if not task.done():
            raise Unavailable(f"no answer in {STORE_SECONDS} s")
        try:
            return task.result()
        except StoreError:
            raise
        except Exception as error:
            # Its first line: after that SQLAlchemy adds the statement.
            cause = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise Unavailable(cause) from error
#if memory

    def closing(
        self, close: Callable[[SessionKey | None, Session[T]], Awaitable[None]]
    ) -> Callable[[SessionKey | None, Session[T]], Awaitable[None]]:
        """Return what closes a session, and has its transcript archived, which ends with it."""

        async def closed(key: SessionKey | None, session: Session[T]) -> None:
            if key:
                await self.expiry.archived(key)
                await self.store.delete(key)
            await close(key, session)

        return closed
#end

    async def aclose(self) -> None:
        """Close the store, on the loop of the turns if that is another one."""
        if self._loop and self._loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._aclose(), self._loop)
            await asyncio.wrap_future(closing)

    async def _aclose(self) -> None:
        waiting = {*self._asked, *self.expiry.running}
        if waiting:
            await asyncio.wait(waiting, timeout=CLOSE_SECONDS)
        await asyncio.wait([asyncio.create_task(self.store.aclose())], timeout=CLOSE_SECONDS)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # of one for which nobody waited, asyncio would tell the log
