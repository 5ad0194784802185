#only not memory | transcript
"""What is kept of sessions: a row a turn; and what a store of such rows does."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

#if transcript
from serving.identity import Caller, SessionKey
#else
from serving.identity import SessionKey
#end


class Position(NamedTuple):
    """How far a session is known: in which of its lives, and how many of its rows."""

    conversation: str = ""  # a session that was forgotten begins another one
    rows: int = 0


NOTHING = Position()


@dataclass(frozen=True, slots=True)
#if transcript
class Said:
    """What was said in a turn, for people to read."""

    messages: str = "[]"  # JSON
    number: int = 0  # of messages
    first_line: str = ""  # of what the user said


NO_WORDS = Said()


@dataclass(frozen=True, slots=True)
#end
class Row:
    """What is kept of a turn; it never changes."""

    row_id: str  # tells, when the answer to a commit was lost, whether it was this row
    body: Any  # the turn, encoded; None if the model is not to remember it
#if transcript
    said: Said = NO_WORDS
#end
    number: int = 0  # in its conversation, from 1; given by the store


Known = tuple[Position, list[Row]]  # how far a session goes, and some of its rows, in order


class StoreError(Exception):
    """A turn that cannot be read or kept; its caller is told so by the sentence."""

    status = 500
    sentence = ""


class Conflict(StoreError):
    """Another process has kept a turn of the session meanwhile, or deleted the session."""

    status = 409
    sentence = "Another process has changed the session meanwhile. Send the prompt again."


class Unavailable(StoreError):
    """The store does not answer."""

    status = 503
    sentence = "The store of the sessions does not answer. Try again later."


class Unreadable(StoreError):
    """What is kept cannot be read by this agent; it is left as it is."""

    sentence = "What is kept of this session cannot be read by this agent. Use another session."


class Store(Protocol):
    """The rows of each session, in the order in which they came."""

    async def since(self, key: SessionKey, position: Position, limit: int) -> Known:
        """Return the last rows with a body after `position`, all of them in another conversation."""

    async def add(self, key: SessionKey, position: Position, row: Row) -> Position:
        """Keep a row, unless it is kept already; return its own position.

        Raises:
            Conflict: The session is not at `position`.
        """

    async def delete(self, key: SessionKey, unused_since: float = float("inf")) -> int | None:
#if transcript
        """Delete a session not used since then; return how many messages it had, if it was there."""
#else
        """Delete a session not used since then; return how many turns it had, if it was there."""
#end

    async def unused(self, since: float, limit: int) -> list[SessionKey]:
        """Return sessions that were not used since then, in seconds since 1970."""
#if transcript

    async def said(self, key: SessionKey, limit: int, before: int | None = None) -> Known:
        """Return the last rows, or the last before the one with this number, without bodies."""

    async def sessions(
        self, caller: Caller, limit: int, session: str | None = None
    ) -> list[tuple[str, str, float]]:
        """Return the ids of a caller's sessions, or one, with first lines and times of last use."""
#end

    async def aclose(self) -> None:
        """Give back what the store holds."""
