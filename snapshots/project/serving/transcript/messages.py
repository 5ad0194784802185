#only transcript
"""What is said in a session, and how its turn stands."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypedDict

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from serving.identity import SessionKey
from serving.store.rows import Row, Said, Unreadable

Role = Literal["system", "user", "assistant", "error"]
Status = Literal["idle", "received", "running", "tool in use", "streaming", "done", "failed"]


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(UTC)


def moment(seconds: float) -> datetime:
    """The time so many seconds after 1970 began."""
    return datetime.fromtimestamp(seconds, UTC)


UtcDatetime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]


class Message(BaseModel):
    """One thing that was said, as a row has it."""

    model_config = ConfigDict(frozen=True)

    role: Role
    message: str
    timestamp: UtcDatetime = Field(default_factory=utc_now)
    metadata: dict[str, JsonValue] = {}


class ChatMessage(Message):
    """One thing that was said, and where; it never changes."""

    message_id: str
    conversation_id: str  # the same until the session is forgotten
    session_id: str
    user_id: str | None = None  # None is the anonymous user
    tenant_id: str | None = None


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


class UnknownMessageError(LookupError):
    """A page was asked for before a message that the session does not have."""


MESSAGES = TypeAdapter(list[Message])
MESSAGE_ID = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})-([0-9]{1,3})", re.ASCII)


def said(*messages: Message) -> Said:
    """Return what a row has of messages."""
    texts = [message.message.strip() for message in messages if message.role == "user"]
    # The NUL that PostgreSQL does not take; in the JSON of a message it is escaped.
    line = "".join(texts[:1]).partition("\n")[0][:100].replace("\0", "\ufffd")
    return Said(MESSAGES.dump_json([*messages]).decode(), len(messages), line)


def read_messages(key: SessionKey, conversation: str, row: Row) -> list[ChatMessage]:
    """Return the messages of a row.

    Raises:
        Unreadable: The row is damaged.
    """
    try:
        messages = MESSAGES.validate_json(row.said.messages)
    except ValidationError as error:
        raise Unreadable("the messages of a turn are damaged") from error
    return [
        ChatMessage(
            **dict(message),
            message_id=f"{conversation}-{row.number}-{index}",
            conversation_id=conversation,
            session_id=key.session,
            user_id=key.user,
            tenant_id=key.tenant,
        )
        for index, message in enumerate(messages)
    ]


def read_message_id(text: str) -> tuple[str, int, int]:
    """Return the conversation of a message, the number of its row and its place there.

    Raises:
        UnknownMessageError: No message has this id.
    """
    if not (match := MESSAGE_ID.fullmatch(text)):
        raise UnknownMessageError
    return match[1], int(match[2]), int(match[3])


def without_failures(messages: Iterable[ChatMessage]) -> list[ContextMessage]:
    """Return messages for a model, which must not see the half of a failed turn."""
    context: list[ContextMessage] = []
    for message in messages:
        if message.role != "error":
            time = message.timestamp.isoformat()
            context.append({"role": message.role, "content": message.message, "timestamp": time})
        elif context and context[-1]["role"] == "user":
            context.pop()
    return context
