"""Streams a turn to its client as server-sent events, at whatever pace the client reads."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

SLICE = 16_384  # bytes given to the server at a time

Send = Callable[[str], None]

_running: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references


def stream(turn: Callable[[Send], Awaitable[None]]) -> StreamingResponse:
    """Start a turn in a task of its own and answer with what it sends.

    The turn never waits for its client: one that stalls or vanishes holds up nobody, and the turn
    is completed and kept.
    """
    frames = _Frames()

    async def run() -> None:
        try:
            await turn(frames.put)
        except HTTPException as failure:
            frames.put({"error": failure.detail})
        finally:
            frames.end()

    task = asyncio.create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    return StreamingResponse(frames.read(), media_type="text/event-stream")


class _Frames:
    """What is not sent yet, on its way from the loop of the turns to the loop of the server.

    Handing an async generator to the runtime instead would hold a server thread for each waiting
    stream: forty of them, and /ping no longer answers.
    """

    def __init__(self) -> None:
        # Bytes, for an object a delta would take four times as much. It needs no lock: one thread
        # only ever appends, the other only takes from the front.
        self._unsent = bytearray()
        self._ended = False
        self._wake: Callable[[], object] = lambda: None

    def put(self, data: str | dict[str, str]) -> None:
        # Some models send empty deltas, and a turn that ran out of time may send some late.
        if data and not self._ended:
            self._unsent.extend(f"data: {json.dumps(data)}\n\n".encode())
            self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    async def read(self) -> AsyncIterator[bytes]:
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(news.set)
        try:
            while True:
                ended = self._ended  # read before the frames: none may follow that goes unseen
                while part := bytes(self._unsent[:SLICE]):
                    del self._unsent[: len(part)]
                    yield part
                if ended:
                    return
                await news.wait()
                news.clear()
        finally:  # the client may be gone long before the turn ends: nothing is kept for it
            self._wake = lambda: None
            self._ended = True
            self._unsent.clear()
