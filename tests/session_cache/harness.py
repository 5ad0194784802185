"""Sessions whose every opening and closing is on record, and turns that end when they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from loops import settle

from session_cache.subject import Cache, SessionCache, inside

How = Literal["now", "slow", "fail"]
Status = Literal["waiting", "running", "done", "failed", "not opened", "cancelled"]


class OpenFailed(Exception):
    """What a failing `open` raises."""


class CloseFailed(Exception):
    """What a failing `close` raises."""


class TurnFailed(Exception):
    """What the body of a failing turn raises."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(eq=False)
class Session:
    """The state of one session; it notices by itself when it is misused."""

    key: Hashable | None
    log: list[str] = field(default_factory=list)  # the turns done, in order
    in_use: bool = False
    closed: bool = False

    @contextmanager
    def used(self) -> Iterator[None]:
        assert not self.in_use, f"two turns at once on {self}"
        assert not self.closed, f"a turn on a closed session: {self}"
        self.in_use = True
        try:
            yield
        finally:
            assert not self.closed, f"closed in use: {self}"
            self.in_use = False


class Sessions:
    """Opens and closes sessions: at once, when told to, or not at all."""

    def __init__(self) -> None:
        self.opened: list[Session] = []
        self.closed: list[Session] = []  # in the order in which their closing began
        self.faults: list[str] = []  # of the cache, in what it asked to be closed
        self.attempts: list[Hashable | None] = []  # keys that were to be opened
        self.opens: dict[Hashable | None, How] = {}
        self.closes: dict[Hashable | None, How] = {}
        self.opening: list[tuple[Hashable | None, asyncio.Future[None]]] = []
        self.closing: list[tuple[Hashable | None, asyncio.Future[None]]] = []

    def cache(self, **options: Any) -> Cache[Session]:
        return SessionCache(self.open, self.close, **options)

    async def open(self, key: Hashable | None) -> Session:
        self.attempts.append(key)
        await self._wait(key, self.opens.get(key, "now"), self.opening, OpenFailed(key))
        session = Session(key)
        self.opened.append(session)
        return session

    async def close(self, key: Hashable | None, session: Session) -> None:
        # An assertion here would end in the log of the cache, where an error in closing belongs.
        if not isinstance(session, Session) or session.key != key:
            self.faults.append(f"{session} closed under the key {key!r}")
        elif session.closed or session.in_use:
            self.faults.append(f"closed twice or in use: {session}")
        session.closed = True
        self.closed.append(session)
        await self._wait(key, self.closes.get(key, "now"), self.closing, CloseFailed(key))

    async def _wait(
        self,
        key: Hashable | None,
        how: How,
        pending: list[tuple[Hashable | None, asyncio.Future[None]]],
        failure: Exception,
    ) -> None:
        if how == "fail":
            raise failure
        if how == "slow":
            told = (key, asyncio.get_running_loop().create_future())
            pending.append(told)
            try:
                await told[1]
            finally:
                pending.remove(told)

    def finish_open(self, key: Hashable | None, failure: Exception | None = None) -> None:
        _tell(self.opening, key, failure)

    def finish_close(self, key: Hashable | None, failure: Exception | None = None) -> None:
        _tell(self.closing, key, failure)

    def keys_opened(self) -> list[Hashable | None]:
        return [session.key for session in self.opened]

    def keys_closed(self) -> list[Hashable | None]:
        return [session.key for session in self.closed]


def _tell(
    pending: list[tuple[Hashable | None, asyncio.Future[None]]],
    key: Hashable | None,
    failure: Exception | None,
) -> None:
    future = next(future for waiting, future in pending if waiting == key and not future.done())
    if failure:
        future.set_exception(failure)
    else:
        future.set_result(None)


class Turn:
    """A turn in a task of its own, which stays in its body until it is told how to end."""

    def __init__(
        self,
        cache: Cache[Session],
        key: Hashable | None,
        name: str = "turn",
        *,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        loop = loop or asyncio.get_running_loop()
        self.name = name
        self.running = False
        self.session: Session | None = None
        self._end = loop.create_future()
        self.task = loop.create_task(self._run(cache, key))

    async def _run(self, cache: Cache[Session], key: Hashable | None) -> None:
        async with cache.turn(key) as session:
            assert session.key == key
            self.session = session
            with session.used():
                self.running = True
                try:
                    await self._end
                    session.log.append(self.name)
                finally:
                    self.running = False

    def finish(self) -> None:
        self._end.set_result(None)

    def fail(self) -> None:
        self._end.set_exception(TurnFailed(self.name))

    def cancel(self) -> None:
        self.task.cancel()

    @property
    def status(self) -> Status:
        if not self.task.done():
            return "running" if self.running else "waiting"
        if self.task.cancelled():
            return "cancelled"
        match self.task.exception():
            case None:
                return "done"
            case OpenFailed():
                return "not opened"
            case TurnFailed() as failure:
                assert failure.args == (self.name,), "the failure of another turn"
                return "failed"
            case other:
                raise other


async def whole_turn(cache: Cache[Session], key: Hashable | None, name: str = "turn") -> Session:
    """One turn that does nothing but leave its name."""
    async with cache.turn(key) as session:
        with session.used():
            session.log.append(name)
    return session


async def assert_left_clean(cache: Cache[Any], sessions: Sessions) -> None:
    """After its shutdown a cache holds nothing, and all that was opened is closed."""
    await cache.aclose()
    await settle()
    found = inside(cache)
    assert (found.in_use, found.idle, found.closing, found.size) == ([], [], 0, 0)
    assert sorted(map(id, sessions.opened)) == sorted(map(id, sessions.closed))
    assert len(cache) == 0
    assert not sessions.faults
