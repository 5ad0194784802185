"""One turn of a session: within its time limit, whole or not at all, failures in plain words."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bedrock_agentcore import BedrockAgentCoreContext
from starlette.exceptions import HTTPException

from model.credentials import MissingCredentials
from serving.identity import SessionKey
from serving.sessions import SessionBusyError
#if not memory | transcript
from serving.store.rows import NOTHING, Position, StoreError
#end
#if tracing
from serving.tracing import tell_reply
#end
from serving.values import mended, weight

#if stream
# Of a turn, its waiting included: less than the 60 minutes of a stream on AgentCore.
TURN_SECONDS = 3_540.0
#else
# Of a turn, its waiting included: less than the 15 minutes of an answer on AgentCore.
TURN_SECONDS = 870.0
#end
TOO_MANY_TURNS = "Too many turns of this session are waiting already."
MAX_TURNS = 100  # of a session
MAX_SESSION_BYTES = 8 * 1024 * 1024  # the newest turn stays, however large it is

log = logging.getLogger("bedrock_agentcore.app")

T = TypeVar("T")


@dataclass(slots=True)
class Session(Generic[T]):
    """What the cache holds of a session: its last turns, as the framework's own values."""

    key: SessionKey | None
    turns: list[T] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # of the turns, in bytes
#if not memory | transcript
    position: Position = NOTHING  # of the last row of which it knows
#end

    def size(self) -> int:
        """Return how many bytes its turns take."""
        return sum(self.sizes)

    def keep(self, turn: T) -> None:
        """Add a complete turn; the oldest leave whole when there are too many or too large ones."""
        turns, sizes = [*self.turns, mended(turn)], [*self.sizes, weight(turn)]
        while len(turns) > MAX_TURNS or (len(turns) > 1 and sum(sizes) > MAX_SESSION_BYTES):
            del turns[0], sizes[0]
        self.turns, self.sizes = turns, sizes


class EmptyReplyError(Exception):
    """The model answered nothing; kept, a blank message would make providers refuse the session."""


class RunningTurns:
    """The turns that run and wait: each within its time, and all of them once it is set."""

    def __init__(self) -> None:
        self.on_change: Callable[[], object] = lambda: None  # called when one begins or has ended
        self._tasks: set[asyncio.Task[Any]] = set()
        self._limits: set[asyncio.Timeout] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: float | None = None  # of all of them, by the monotonic clock

    @property
    def any(self) -> bool:
        """Whether a turn runs or waits, though its client may have gone."""
        return bool(self._tasks)

    @property
    def ending(self) -> bool:
        """Whether all of them are to end."""
        return self._end is not None

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """Give the block so much time, which is a turn of the task that runs it."""
        self._loop = asyncio.get_running_loop()
        # AgentCore may start all machines from one picture of the memory, this state in it: without
        # a new one all would draw alike, and ask a model that is overloaded again at once.
        random.seed()
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._done)
            self.on_change()
        end = time.monotonic() + seconds
        async with asyncio.timeout_at(min(end, self._end or end)) as limit:
            self._limits.add(limit)
            try:
                yield limit
            finally:
                self._limits.discard(limit)

    def end_within(self, seconds: float) -> None:
        """Have all turns end by then, those that are yet to come as well; from any thread."""
        self._end = time.monotonic() + seconds
        if self._loop and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._shorten, self._end)

    async def ended(self, seconds: float) -> None:
        """Wait until none runs, but no longer than this; from any event loop."""
        if self._loop and self._loop.is_running():
            waiting = asyncio.run_coroutine_threadsafe(self._wait(seconds), self._loop)
            await asyncio.wrap_future(waiting)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self.on_change()

    def _shorten(self, end: float) -> None:
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(min(end, limit.when() or end))

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


running = RunningTurns()


async def complete(turn: Awaitable[tuple[str, T]]) -> tuple[str, T]:
    """Wait for what a framework does in a turn; return its reply and the turn to be kept.

    Raises:
        EmptyReplyError: It has no text.
    """
    task = asyncio.ensure_future(turn)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()  # and is not waited for: not everything lets itself be cancelled
    reply, done = task.result()
    if not reply.strip():
        raise EmptyReplyError
#if tracing
    tell_reply(mended(reply))
#end
    return mended(reply), done


class TurnFailure(HTTPException):
    """What the caller of a turn is told of its failure."""


@asynccontextmanager
#if transcript
async def plain_failures() -> AsyncIterator[asyncio.Timeout]:
#else
async def plain_failures() -> AsyncIterator[None]:
#end
    """Limit the time of a turn; tell the caller of a failure in one sentence, the log its cause.

    Raises:
        TurnFailure: 429 for a turn too many in its session, 500 for missing credentials, 503 on
#if not memory | transcript
            shutdown, 504 for a turn over its time, else 502; that of the store.
#else
            shutdown, 504 for a turn over its time, else 502.
#end
    """
    limit: asyncio.Timeout | None = None
    try:
        async with running.limit(TURN_SECONDS) as limit:
#if transcript
            yield limit
    except TurnFailure:
        raise
#else
            yield
#end
    except Exception as error:
        raise failure_of(error, limit) from error


def failure_of(error: BaseException, limit: asyncio.Timeout | None) -> TurnFailure:
    """Return what the caller of a failed turn is told; tell the log its cause."""
    if isinstance(error, SessionBusyError):
        return TurnFailure(429, TOO_MANY_TURNS)
    if isinstance(error, MissingCredentials):
        log.error("%s", error)
        return _failure(500, "The agent is not configured.")
#if not memory | transcript
    if isinstance(error, StoreError):
        log.error("%s: %s", type(error).__name__, error)
        return _failure(error.status, error.sentence)
#end
    if not (limit and limit.expired()):
        log.error("The turn failed", exc_info=error)
        return _failure(502, "The agent could not answer.")
    if running.ending:
        log.error("The turn was ended by the shutdown")
        return _failure(503, "The agent is shutting down.")
    log.error("The turn took longer than %d s", TURN_SECONDS)
    return _failure(504, "The agent took too long to answer.")


def _failure(status: int, sentence: str) -> TurnFailure:
    request_id = BedrockAgentCoreContext.get_request_id()
    return TurnFailure(status, f"{sentence} Request id: {request_id}")
