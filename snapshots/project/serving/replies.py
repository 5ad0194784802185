"""Sends replies to their clients, at the pace of each: bounded in bytes and in time."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

SLICE = 16_384  # bytes given to the server at a time
WRITE_SECONDS = 60.0  # a client that takes none of them for so long counts as gone
MAX_UNREAD_BYTES = 64 * 1024 * 1024  # of all clients; beyond it who has not read for longest goes

log = logging.getLogger("bedrock_agentcore.app")

_lock = threading.Lock()  # of everything that two threads change
_open: set["Reply"] = set()


def answer(reply: str) -> Response:
    """Return the response to a prompt: `{"result": reply}`."""
    body = json.dumps({"result": reply}, ensure_ascii=False).encode()
    if len(body) <= SLICE:  # which no client can hold up
        return Response(body, media_type="application/json")
    response = Reply("application/json", {"Content-Length": str(len(body))})
    response.put(body)
    response.end()
    return response


class Reply(StreamingResponse):
    """What is not sent yet, on its way from the loop of the turns to the loop of the server.

    Handing an async generator to the runtime instead would hold a server thread for each waiting
    stream: forty of them, and /ping no longer answers.
    """

    all_unread: ClassVar[int] = 0  # bytes, of all of them together

    def __init__(self, media_type: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(self._slices(), headers=headers, media_type=media_type)
        self.read_at = time.monotonic()
        self._unread = bytearray()  # for an object, a delta would take four times as much
        self._ended = False
        self._gone = False
        self._news = asyncio.Event()
        self._patience: asyncio.Timeout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        _open.add(self)

    def put(self, data: bytes) -> None:
        """Add what is to be sent; after the end, or to a client that has gone, nothing is."""
        with _lock:
            if self._ended or self._gone:
                return
            self._unread += data
            Reply.all_unread += len(data)
        self._tell_server(self._news.set)
        while Reply.all_unread > MAX_UNREAD_BYTES:
            unread = sorted(_open, key=lambda reply: (not reply.unread, reply.read_at))
            unread[0].give_up()

    def end(self) -> None:
        """Say that nothing follows."""
        with _lock:
            self._ended = True
        self._tell_server(self._news.set)

    def give_up(self) -> None:
        """Take the client for gone, from any thread."""
        with _lock:
            self._gone = True
            Reply.all_unread -= len(self._unread)
            self._unread.clear()
        self._tell_server(lambda: self._wait(None))

    def close(self) -> None:
        """Drop what is not sent: nobody will ask for it any more."""
        self.give_up()
        _open.discard(self)

    @property
    def unread(self) -> int:
        """How many bytes are not sent yet."""
        return len(self._unread)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, unless the client goes or counts as gone."""
        self._loop = asyncio.get_running_loop()

        async def send_in_time(message: Message) -> None:
            self._wait(WRITE_SECONDS)
            await send(message)
            self._wait(None)

        try:
            async with asyncio.timeout(None) as self._patience:
                self._wait(None)
                await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            log.warning("A client that does not read its reply counts as gone")
        finally:
            self._patience = self._loop = None
            self.close()

    async def _slices(self) -> AsyncIterator[bytes]:
        while True:
            part, ended = self._take()
            if part:
                yield part
            elif ended:
                return
            else:
                await self._news.wait()
                self._news.clear()

    def _take(self) -> tuple[bytes, bool]:
        with _lock:
            part = bytes(self._unread[:SLICE])
            del self._unread[:SLICE]
            Reply.all_unread -= len(part)
            self.read_at = time.monotonic()
            # What a client has not got whole must not look as if it had.
            return part, self._ended and not self._gone

    def _wait(self, seconds: float | None) -> None:
        if self._loop and self._patience and not self._patience.expired():
            seconds = 0.0 if self._gone else seconds
            self._patience.reschedule(None if seconds is None else self._loop.time() + seconds)

    def _tell_server(self, call: Callable[[], object]) -> None:
        if self._loop:
            self._loop.call_soon_threadsafe(call)


def give_up_all() -> None:
    """Take every client for gone that has not all of its reply."""
    for reply in list(_open):
        reply.give_up()
