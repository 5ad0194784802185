"""Streams a turn to its client as server-sent events, at whatever pace the client reads."""

import asyncio
import codecs
import json
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from serving.replies import Reply

Send = Callable[[str], None]

# The loop itself keeps only weak references.
_running: set[asyncio.Task[HTTPException | None]] = set()


async def stream(turn: Callable[[Send], Awaitable[None]]) -> StreamingResponse:
    """Start a turn in a task of its own and answer with what it sends.

    The turn never waits for its client: one that stalls or vanishes holds up nobody, and the turn
    is completed and kept.

    Raises:
        HTTPException: The turn was refused before it began.
    """
    reply = Reply("text/event-stream")
    task = asyncio.create_task(_run(turn, reply))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.sleep(0)
    if task.done() and (failure := task.result()) and failure.status_code < 500:
        reply.close()
        raise failure
    return reply


async def _run(turn: Callable[[Send], Awaitable[None]], reply: Reply) -> HTTPException | None:
    # Models split a text anywhere, between the two halves of a character too.
    halves = codecs.getincrementaldecoder("utf-16-le")("replace")

    def send(delta: str) -> None:
        if whole := halves.decode(delta.encode("utf-16-le", "surrogatepass")):
            reply.put(_frame(whole))

    try:
        await turn(send)
        if rest := halves.decode(b"", final=True):
            reply.put(_frame(rest))
    except HTTPException as failure:
        reply.put(_frame({"error": failure.detail}))
        return failure
    finally:
        reply.end()
    return None


def _frame(data: str | dict[str, str]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
