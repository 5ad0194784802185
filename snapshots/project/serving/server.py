"""Serves the agent, and ends in time when the process is told to stop."""

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import FrameType
from typing import Protocol

from bedrock_agentcore import BedrockAgentCoreApp, PingStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware

from serving.body import BodyLimit
from serving.invocation import refuse_unreadable
from serving.replies import give_up_all
from serving.start import free_port, greeting
from serving.turns import running

# From the moment when the process is told to stop; AgentCore kills it after 15 seconds.
GRACE_SECONDS = 7.0  # for turns to end
READ_SECONDS = 8.0  # for clients to take the last of their replies
CLOSE_SECONDS = 10.0  # for sessions and stores to close

log = logging.getLogger("bedrock_agentcore.app")


class Closing(Protocol):
    """What is to be closed on shutdown."""

    async def aclose(self) -> None:
        """Give back what is held, when the last turn has ended."""


def make_app(*closing: Closing) -> BedrockAgentCoreApp:
    """Return the app of the AgentCore runtime, bounded; on shutdown turns end, then these close."""
    app = BedrockAgentCoreApp(lifespan=lifespan(*closing), middleware=[Middleware(BodyLimit)])
    app.add_exception_handler(ValueError, refuse_unreadable)
    app.add_exception_handler(RecursionError, refuse_unreadable)

    @app.ping
    def status() -> PingStatus:
        busy = running.any or app.get_async_task_info()["active_count"]
        return PingStatus.HEALTHY_BUSY if busy else PingStatus.HEALTHY

    # AgentCore takes a machine that is idle for long, from the time that the runtime has noted:
    # that of a change, if it looks then and not only at the next ping.
    running.on_change = app.get_current_ping_status
    return app


def lifespan(*closing: Closing) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what runs while the app does: on shutdown turns end first, then these are closed."""

    @asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        print(greeting(getattr(app.state, "address", None)), flush=True)
        # A framework is half a million objects. To look through them whenever the parts of a long
        # payload are collected would take ten times as long as to read it, and /ping would wait.
        gc.freeze()
        stopping = _Stopping(asyncio.get_running_loop())
        with _on_signal(stopping.begin):
            yield
        stopping.begin()
        await running.ended(stopping.seconds_to(READ_SECONDS))
        try:
            async with asyncio.timeout(stopping.seconds_to(CLOSE_SECONDS)):
                await asyncio.gather(*(each.aclose() for each in closing))
        except TimeoutError:
            log.error("Closing the sessions took too long")

    return run


def serve(app: BedrockAgentCoreApp) -> None:
    """Serve until told to stop; then end, though a thread may still wait for a model or a tool."""
    port = free_port()
    app.state.address = f"http://127.0.0.1:{port}"
    app.run(port=port, timeout_graceful_shutdown=round(READ_SECONDS))
    # Python itself would wait for every thread.
    end = threading.Timer(1.0, os._exit, (0,))
    end.daemon = True
    end.start()


class _Stopping:
    """The moment when the process is told to stop, and what that sets going."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._since: float | None = None

    def begin(self) -> None:
        """Have turns end within the grace, and then give up the clients that do not read."""
        if self._since is None:
            self._since = time.monotonic()
            running.end_within(GRACE_SECONDS)
            last = self._loop.time() + (GRACE_SECONDS + READ_SECONDS) / 2
            self._loop.call_soon_threadsafe(self._loop.call_at, last, give_up_all)

    def seconds_to(self, end: float) -> float:
        """How much is left of so many seconds since then."""
        since = time.monotonic() if self._since is None else self._since
        return max(0.0, since + end - time.monotonic())


@contextmanager
def _on_signal(call: Callable[[], None]) -> Iterator[None]:
    """Call it as soon as the process is told to stop, before what the server does then."""
    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    of_server = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        call()
        handler = of_server[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in of_server:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in of_server.items():
            signal.signal(number, handler)
