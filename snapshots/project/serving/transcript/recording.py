#only transcript
"""One turn, as it goes into the transcript and into the status of its session."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from bedrock_agentcore import BedrockAgentCoreContext
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from serving.store.keeping import KeptSessions
from serving.transcript.messages import Message, Status, StatusModel, said, utc_now
from serving.turns import Session
from serving.values import mended

PROGRESS: dict[Status, int] = {"received": 0, "running": 10, "tool in use": 40, "streaming": 70}

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class RecordedTurn(Generic[T]):
    """A turn that has its session for itself: its status while it runs, its row when it is over."""

    def __init__(
        self, kept: KeptSessions[T], session: Session[T], prompt: str, status: StatusModel
    ) -> None:
        self.session = session
        self._kept = kept
        self._asked = Message(role="user", message=prompt, timestamp=status.updated_at)
        self._status = status
        self._sent: list[str] = []
        running.set(self)
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

    async def keep(self, reply: str, turn: T) -> None:
        """Keep the turn with what was said; of a streamed reply, that is what was sent."""
        answer = Message(role="assistant", message=mended("".join(self._sent)) or reply)
        await self._kept.keep(self.session, turn, said(self._asked, answer))

    async def fail(self, failure: HTTPException) -> None:
        """Keep that the turn failed, and how; the model does not remember it."""
        about: dict[str, JsonValue] = {
            "request_id": BedrockAgentCoreContext.get_request_id(),
            "status": failure.status_code,
        }
        error = Message(role="error", message=failure.detail, metadata=about)
        await self._kept.keep(self.session, None, said(self._asked, error))


running: ContextVar[RecordedTurn[Any] | None] = ContextVar("running", default=None)


def shown(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Show a tool in the status of the turn that uses it."""

    @wraps(function)
    async def tool(*args: P.args, **kwargs: P.kwargs) -> R:
        turn = running.get()
        if turn:
            turn.show("tool in use", function.__name__)
        try:
            return await function(*args, **kwargs)
        finally:
            if turn:
                turn.show("running")

    return tool
