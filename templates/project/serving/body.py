"""Reads the body of a request as it comes, and no more of it than a valid one can have."""

import asyncio
import logging
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.identity import MAX_ID_CHARS, MAX_USER_CHARS
from serving.invocation import MAX_PROMPT_CHARS

# In JSON a character takes up to twelve bytes; beside the texts there are the names of the fields.
MAX_BODY_BYTES = 12 * (MAX_PROMPT_CHARS + 2 * MAX_ID_CHARS + MAX_USER_CHARS) + 4_096
LINGER_SECONDS = 5.0  # for a client to read that it is refused, while it still sends

log = logging.getLogger("bedrock_agentcore.app")


class ClientLeftError(Exception):
    """The client went before its request was complete."""


class BodyLimit:
    """Middleware: a larger body is a 413 as it comes in, and nothing of it is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request once its body is there."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except ClientLeftError:
            log.warning("A client left before its request was complete")
            return
        if body is None:
            log.warning("A request of more than %d bytes was refused", MAX_BODY_BYTES)
            await _refuse(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, receive_again, send)


async def _read(receive: Receive) -> bytes | None:
    """The body; None as soon as it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = JSONResponse(
        {"error": f"The request is longer than {MAX_BODY_BYTES:,} bytes."},
        status_code=413,
        headers={"Connection": "close"},
    )

    async def send_then_linger(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({**message, "more_body": True})
        # A connection that is closed on a client that sends is reset, and the answer may be lost.
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b""})

    await refusal(scope, receive, send_then_linger)
