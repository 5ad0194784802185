"""SessionCache: the state of each session, for the most recently used sessions up to a cap.

Standard library only; it knows nothing of agents or HTTP.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

log = logging.getLogger("bedrock_agentcore.app")

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")


@dataclass(eq=False, slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # wakes waiters in order of arrival
    turns: int = 0  # running and waiting
    opened: bool = False
    state: Any = None
    size: int = 0
    last_used: float = 0.0


class SessionBusyError(Exception):
    """As many turns of the session as may be in line are there already."""


class SessionCache(Generic[K, S]):
    """Session states by key: turns of one session run in order, those of different ones together.

    A session in use is never evicted: the cache grows past its bounds while more is in use at
    once, and shrinks back as turns end. All turns must run on one event loop.

    Args:
        open: Makes the state at a session's first turn; when it fails, the next turn tries again.
        close: Gives back what `open` acquired, once, when the session has left the cache.
        maxsize: Sessions held; beyond it, the least recently used idle one leaves.
        maxbytes: Bytes held, of all sessions together; beyond it, the same.
        sizeof: Returns how many bytes a state has; asked when a turn of its session ends.
        maxline: Turns of one session that run and wait; one more is a SessionBusyError.
        idle_seconds: A session unused for so long leaves at the next turn of any session.
        clock: Returns seconds and never runs backwards.
    """

    def __init__(
        self,
        open: Callable[[K | None], Awaitable[S]],
        close: Callable[[K | None, S], Awaitable[None]] | None = None,
        *,
        maxsize: int = 128,
        maxbytes: int = 256 * 1024 * 1024,
        sizeof: Callable[[S], int] = lambda _: 0,
        maxline: int = 64,
        idle_seconds: float = 86_400,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open
        self._close = close
        self._maxsize = maxsize
        self._maxbytes = maxbytes
        self._sizeof = sizeof
        self._maxline = maxline
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_use: dict[K, _Entry] = {}
        self._idle: OrderedDict[K, _Entry] = OrderedDict()  # the least recently used comes first
        self._closing: dict[Any, asyncio.Task[None]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._in_use) + len(self._idle)

    @asynccontextmanager
    async def turn(self, key: K | None) -> AsyncIterator[S]:
        """Run one turn of a session, alone with its state; a turn inside a turn of it would hang.

        Without a key the turn has a state of its own, which is closed after it.

        Raises:
            SessionBusyError: As many turns of the session are in line as may be.
        """
        self._loop = asyncio.get_running_loop()
        self._expire()
        entry = self._enter(key)
        try:
            async with entry.lock:
                if not entry.opened:
                    if key in self._closing:  # a late close must not hit the new state
                        await asyncio.wait([self._closing[key]])
                    entry.state = await self._open(key)
                    entry.opened = True
                    self._shrink()
                yield entry.state
        finally:  # awaits nothing, so that no cancellation can cut it short
            self._leave(key, entry)

#if transcript
    @asynccontextmanager
    async def forget(self, key: K) -> AsyncIterator[None]:
        """Close a session after the turns before it and the block; those after start anew.

        If the block fails, the session stays.
        """
        entry = self._enter(key)
        try:
            async with entry.lock:
                yield
                self._evict(key, entry)
                entry.opened = False
                if key in self._closing:
                    await asyncio.wait([self._closing[key]])
        finally:
            self._leave(key, entry)

#end
    async def aclose(self) -> None:
        """Close the idle sessions, on the loop of the turns if that is another one."""
        if self._loop and self._loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._close_idle(), self._loop)
            await asyncio.wrap_future(closing)
        else:
            await self._close_idle()

    def _enter(self, key: K | None) -> _Entry:
        if key is None:
            return _Entry()
        entry = self._in_use.get(key) or self._idle.pop(key, None) or _Entry()
        if entry.turns == self._maxline:
            raise SessionBusyError
        entry.turns += 1
        self._in_use[key] = entry
        return entry

    def _leave(self, key: K | None, entry: _Entry) -> None:
        entry.last_used = self._clock()
        entry.turns -= 1
        if key is None:
            self._evict(None, entry)
            return
        size = self._sizeof(entry.state) if entry.opened else 0
        self._bytes += size - entry.size
        entry.size = size
        if entry.turns == 0:
            del self._in_use[key]
            if entry.opened:
                self._idle[key] = entry
                self._shrink()
        while self._idle and self._bytes > self._maxbytes:
            self._evict(*self._idle.popitem(last=False))

    def _expire(self) -> None:
        now = self._clock()
        while self._idle and now - next(iter(self._idle.values())).last_used >= self._idle_seconds:
            self._evict(*self._idle.popitem(last=False))

    def _shrink(self) -> None:
        while self._idle and len(self) > self._maxsize:
            self._evict(*self._idle.popitem(last=False))

    def _evict(self, key: K | None, entry: _Entry) -> None:
        self._bytes -= entry.size
        entry.size = 0
        if self._close and entry.opened:
            # A task and context of its own: it holds up no other session, outlives the turn that
            # caused it, and its log lines do not bear that turn's ids.
            closing = _closed(self._close, key, entry.state)
            task = asyncio.create_task(closing, context=Context())
            slot = task if key is None else key
            self._closing[slot] = task
            task.add_done_callback(lambda _: self._closing.pop(slot))

    async def _close_idle(self) -> None:
        while self._idle:
            self._evict(*self._idle.popitem(last=False))
        if self._closing:
            await asyncio.wait([*self._closing.values()])


async def _closed(close: Callable[[K, S], Awaitable[None]], key: K, state: S) -> None:
    try:
        await close(key, state)
    except Exception:
        log.exception("Closing a session failed")
