"""One turn of a session: within its time limit, whole or not at all, failures in plain words."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from bedrock_agentcore import BedrockAgentCoreContext
from starlette.exceptions import HTTPException

from model.credentials import MissingCredentials

TURN_SECONDS = 900

log = logging.getLogger("bedrock_agentcore.app")

H = TypeVar("H")


@dataclass(slots=True)
class Session(Generic[H]):
    """What the cache holds of a session: its history, replaced when a turn is complete."""

    history: H


class TurnTimeoutError(Exception):
    """A turn took longer than TURN_SECONDS."""


class EmptyReplyError(Exception):
    """The model answered nothing; kept, a blank message would make providers refuse the session."""


async def complete(turn: Awaitable[tuple[str, H]]) -> tuple[str, H]:
    """Wait for a turn; return its reply and the history with the turn in it.

    Raises:
        TurnTimeoutError: It took too long.
        EmptyReplyError: It has no text.
    """
    task = asyncio.ensure_future(turn)
    try:
        done, _ = await asyncio.wait([task], timeout=TURN_SECONDS)
    finally:
        task.cancel()  # and is not waited for: not everything lets itself be cancelled
    if not done:
        raise TurnTimeoutError
    reply, history = task.result()
    if not reply.strip():
        raise EmptyReplyError
    return reply, history


@asynccontextmanager
async def plain_failures() -> AsyncIterator[None]:
    """Tell the caller of a failure in one sentence with the request id, and the log its cause.

    Raises:
        HTTPException: 504 for a turn over its time, 500 for missing credentials, else 502.
    """
    try:
        yield
    except MissingCredentials as error:
        log.error("%s", error)
        raise _failure(500, "The agent is not configured.") from error
    except TurnTimeoutError as error:
        log.exception("The turn took longer than %d s", TURN_SECONDS)
        raise _failure(504, "The agent took too long to answer.") from error
    except Exception as error:
        log.exception("The turn failed")
        raise _failure(502, "The agent could not answer.") from error


def _failure(status: int, sentence: str) -> HTTPException:
    request_id = BedrockAgentCoreContext.get_request_id()
    return HTTPException(status, f"{sentence} Request id: {request_id}")
