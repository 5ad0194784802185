#only transcript
"""What is said in a session, and how its turn stands."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypedDict
from uuid import uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

from serving.identity import SessionKey

MAX_MESSAGE_ID_CHARS = 64

Role = Literal["system", "user", "assistant", "error"]
Status = Literal["idle", "received", "running", "tool in use", "streaming", "done", "failed"]


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(UTC)


def _encodable(text: object) -> object:
    # A model can answer with half a character, which no database takes.
    return text.encode(errors="replace").decode() if isinstance(text, str) else text


def is_message_id(text: str) -> bool:
    """Whether a message can have this id; what cannot, no database takes in a question either."""
    return len(text) <= MAX_MESSAGE_ID_CHARS and "\0" not in text and _encodable(text) == text


UtcDatetime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
Text = Annotated[str, BeforeValidator(_encodable)]
Id = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL


class ChatMessage(BaseModel):
    """One thing that was said; it never changes."""

    model_config = ConfigDict(frozen=True)

    message_id: Id = Field(default_factory=lambda: uuid4().hex, max_length=MAX_MESSAGE_ID_CHARS)
    role: Role
    message: Text
    session_id: Id
    user_id: Id | None = None  # None is the anonymous user
    tenant_id: Id | None = None
    conversation_id: str | None = None  # the same for as long as the agent remembers
    timestamp: UtcDatetime = Field(default_factory=utc_now)
    metadata: dict[str, JsonValue] = {}

    @property
    def key(self) -> SessionKey:
        """Whose session it was said in."""
        return SessionKey(self.tenant_id, self.user_id, self.session_id)


class StatusModel(BaseModel):
    """How the running turn of a session stands, or how the last one ended."""

    status: Status = "idle"
    current_step: str | None = None
    progress: int = Field(default=0, ge=0, le=100)
    issues: list[str] = []
    updated_at: UtcDatetime = Field(default_factory=utc_now)


class ContextMessage(TypedDict):
    """A message as model prompts and pages take it."""

    role: Role
    content: str
    timestamp: str


class SessionSummary(BaseModel):
    """One line of a list of sessions."""

    session_id: str
    first_line: str
    last_used: UtcDatetime


def first_line(messages: list[ChatMessage]) -> str | None:
    """The beginning of what the user said first, if the user has said something."""
    said = (message.message.strip().splitlines() for message in messages if message.role == "user")
    # The NUL that PostgreSQL does not take; in the JSON of a message it is escaped.
    return next(("".join(lines[:1])[:100].replace("\0", "\ufffd") for lines in said), None)


def without_failures(messages: Iterable[ChatMessage]) -> list[ContextMessage]:
    """Messages for a model, which must not see the half of a failed turn."""
    context: list[ContextMessage] = []
    for message in messages:
        if message.role != "error":
            time = message.timestamp.isoformat()
            context.append({"role": message.role, "content": message.message, "timestamp": time})
        elif context and context[-1]["role"] == "user":
            context.pop()
    return context
