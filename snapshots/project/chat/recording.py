#only transcript
"""One turn, as it goes into the transcript and into the status of its session."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from bedrock_agentcore import BedrockAgentCoreContext
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from chat.models import Role, Status, StatusModel, utc_now
from chat.session import SessionManager
from serving.identity import SessionKey
from serving.values import mended

PROGRESS: dict[Status, int] = {"received": 0, "running": 10, "tool in use": 40, "streaming": 70}
INTERRUPTED = "The turn was interrupted."

P = ParamSpec("P")
R = TypeVar("R")


class Turn:
    """A turn that runs: its status while it does, its reply when it is complete."""

    def __init__(self, status: StatusModel) -> None:
        self.conversation_id: str | None = None
        self.reply = ""
        self._status = status
        self._sent: list[str] = []

    def begin(self, conversation_id: str) -> None:
        """Say that the turn has its session for itself now."""
        self.conversation_id = conversation_id
        self.show("running")

    def show(self, status: Status, step: str | None = None) -> None:
        """Change the status; the progress never goes back."""
        self._status.status = status
        self._status.current_step = step
        self._status.progress = max(self._status.progress, PROGRESS[status])
        self._status.updated_at = utc_now()

    def sends(self, send: Callable[[str], None]) -> Callable[[str], None]:
        """Make `send` remember what it sends."""

        def recorded(delta: str) -> None:
            if self._status.status != "streaming":
                self.show("streaming")
            self._sent.append(delta)
            send(delta)

        return recorded

    def end(self, reply: str) -> None:
        """Say what the reply is; of a streamed one, it is what was sent."""
        self.reply = mended("".join(self._sent)) or reply


_running: ContextVar[Turn | None] = ContextVar("_running", default=None)


@asynccontextmanager
async def record(
    transcripts: SessionManager, session: SessionKey | None, prompt: str
) -> AsyncIterator[Turn]:
    """Record a turn when it is over: the prompt, and the reply or what is said of the failure.

    A turn without a session is not recorded, nor is one that was refused.
    """
    if session is None:
        yield Turn(StatusModel())
        return
    status = transcripts.begin_turn(session)
    turn = Turn(status)
    _running.set(turn)
    asked = transcripts.new_message(session, "user", prompt)
    answer: tuple[Role, str, dict[str, JsonValue]] | None = ("error", INTERRUPTED, _request())
    try:
        yield turn
        answer = ("assistant", turn.reply, {})
    except HTTPException as failure:
        metadata = {**_request(), "status": failure.status_code}
        answer = ("error", failure.detail, metadata) if failure.status_code >= 500 else None
        raise
    finally:
        transcripts.end_turn(session, status)
        if answer:
            role, text, about = answer
            said = transcripts.new_message(session, role, text, turn.conversation_id, about)
            asked = asked.model_copy(update={"conversation_id": turn.conversation_id})
            await transcripts.add_messages([asked, said])


def _request() -> dict[str, JsonValue]:
    return {"request_id": BedrockAgentCoreContext.get_request_id()}


def shown(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Show a tool in the status of the turn that uses it."""

    @wraps(function)
    async def tool(*args: P.args, **kwargs: P.kwargs) -> R:
        turn = _running.get()
        if turn:
            turn.show("tool in use", function.__name__)
        try:
            return await function(*args, **kwargs)
        finally:
            if turn:
                turn.show("running")

    return tool
