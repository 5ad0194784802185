#only transcript
"""What a caller can ask for besides a reply: history, status, sessions, forget."""

import logging
from typing import Any, NamedTuple

from bedrock_agentcore import RequestContext
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from serving.identity import Caller, SessionKey
from serving.invocation import read_caller, read_key, refusal
from serving.sessions import SessionBusyError
from serving.store.rows import StoreError
from serving.transcript.messages import UnknownMessageError
from serving.transcript.transcripts import Transcripts
from serving.turns import TOO_MANY_TURNS

ACTIONS = ("history", "status", "sessions", "forget")
DEFAULT_LIMIT = 50
MAX_LIMIT = 100

log = logging.getLogger("bedrock_agentcore.app")


class Action(NamedTuple):
    """What is asked for, and by whom."""

    name: str
    caller: Caller
    session: SessionKey | None  # only `sessions` goes without
    limit: int
    before: str | None


def read_action(payload: object, context: RequestContext) -> Action | None:
    """Read what a payload asks for; None if it is a prompt.

    Raises:
        HTTPException: 400 with a sentence for the caller.
    """
    if not isinstance(payload, dict) or "action" not in payload:
        return None
    name = payload["action"]
    if name not in ACTIONS:
        raise refusal(f"The action must be one of: {', '.join(ACTIONS)}.")
    if "prompt" in payload:
        raise refusal("The payload has a prompt and an action: send one of them.")
    session = read_key(payload, context)
    if session is None and name != "sessions":
        raise refusal(f"The action {name} needs a session id.")
    limit, before = payload.get("limit", DEFAULT_LIMIT), payload.get("before")
    if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
        raise refusal(f"The limit must be a number from 1 to {MAX_LIMIT}.")
    if before is not None and not isinstance(before, str):
        raise refusal("What comes in before must be the id of a message.")
    return Action(name, read_caller(payload, context), session, limit, before)


async def perform(action: Action, transcripts: Transcripts[Any]) -> dict[str, object]:
    """Do what is asked for; return the answer.

    Raises:
        HTTPException: 400 for an unknown message, 429 for a session with too many turns in line,
            500 for what cannot be read, 503 if the store does not answer.
    """
    try:
        return await _answer(action, transcripts)
    except UnknownMessageError:
        raise refusal("The session has no message with the id in before.") from None
    except SessionBusyError:
        raise HTTPException(429, TOO_MANY_TURNS) from None
    except StoreError as error:
        log.error("%s: %s", action.name, error)
        raise HTTPException(error.status, error.sentence) from None


async def _answer(action: Action, transcripts: Transcripts[Any]) -> dict[str, object]:
    session = action.session
    if session is None or action.name == "sessions":
        return {"sessions": await _sessions(action, transcripts)}
    if action.name == "history":
        messages = await transcripts.get_messages(session, action.limit + 1, action.before)
        page = messages[-action.limit :]
        more = len(messages) > len(page)
        return {
            "messages": [_json(message) for message in page],
            "before": page[0].message_id if more else None,
        }
    if action.name == "status":
        return _json(await transcripts.get_status(session))
    return {"forgotten": True, "messages": await transcripts.forget(session)}


async def _sessions(action: Action, transcripts: Transcripts[Any]) -> list[dict[str, object]]:
    named = None
    if action.caller.user is None:
        # Anonymous callers cannot be told apart: each sees only the session that it can name.
        if action.session is None:
            return []
        named = action.session.session
    found = await transcripts.get_sessions(action.caller, action.limit, named)
    return [_json(summary) for summary in found]


def _json(model: BaseModel) -> dict[str, object]:
    return model.model_dump(mode="json")
