#only postgres/agentcore-memory | not sqlite & transcript
#if memory
"""Rows in memory, of the sessions that the session cache holds."""
#else
"""Rows in memory: for a first run, and for tests, where no store is named."""
#end

import time
from dataclasses import dataclass, field, replace
#if memory
from typing import Generic, TypeVar
#end

#if transcript
from serving.identity import Caller, SessionKey
#else
from serving.identity import SessionKey
#end
from serving.store.rows import NOTHING, Conflict, Known, Position, Row
#if memory
from serving.turns import MAX_SESSION_BYTES, MAX_TURNS, Session

T = TypeVar("T")


class AsItIs(Generic[T]):
    """The form of a turn in memory: the turn itself."""

    def encode(self, turn: T) -> T:
        """Return the turn."""
        return turn

    def decode(self, body: T) -> T:
        """Return the turn."""
        return body
#end


@dataclass(slots=True)
class _Kept:
    position: Position
    rows: list[Row] = field(default_factory=list)
    last_used: float = 0.0
#if transcript
    messages: int = 0
    first_line: str = ""
#end

#if memory
    def size(self) -> int:
        """Return how many bytes its transcript has."""
        return sum(len(row.said.messages) for row in self.rows)

#end

class MemoryStore:
#if memory
    """The last rows of each session, until the process ends or the cache lets the session go."""
#else
    """The last rows of each session, until the process ends."""
#end

    def __init__(self) -> None:
        self._sessions: dict[SessionKey, _Kept] = {}

    async def since(self, key: SessionKey, position: Position, limit: int) -> Known:
        if key not in self._sessions:
            return NOTHING, []
        kept = self._sessions[key]
        kept.last_used = time.time()
        known = position.rows if position.conversation == kept.position.conversation else 0
        rows = [row for row in kept.rows if row.number > known and row.body is not None]
        return kept.position, rows[-limit:]

    async def add(self, key: SessionKey, position: Position, row: Row) -> Position:
        kept = self._sessions.get(key, _Kept(NOTHING))
        if kept.position != position:
            raise Conflict
        kept.position = Position(position.conversation or row.row_id, position.rows + 1)
        rows = kept.rows
        rows.append(replace(row, number=kept.position.rows))
        kept.last_used = time.time()
#if transcript
        kept.messages += row.said.number
        kept.first_line = kept.first_line or row.said.first_line
#if memory
        while len(rows) > 1 and (len(rows) > MAX_TURNS or kept.size() > MAX_SESSION_BYTES):
            del rows[0]
#end
#end
        self._sessions[key] = kept
        return kept.position

    async def delete(self, key: SessionKey, unused_since: float = float("inf")) -> int | None:
        kept = self._sessions.get(key)
        if kept is None or kept.last_used >= unused_since:
            return None
        del self._sessions[key]
#if transcript
        return kept.messages
#else
        return kept.position.rows
#end

    async def unused(self, since: float, limit: int) -> list[SessionKey]:
        return [key for key, kept in self._sessions.items() if kept.last_used < since][:limit]
#if transcript

    async def said(self, key: SessionKey, limit: int, before: int | None = None) -> Known:
        if key not in self._sessions:
            return NOTHING, []
        kept = self._sessions[key]
        rows = [row for row in kept.rows if before is None or row.number < before]
        return kept.position, rows[-limit:]

    async def sessions(
        self, caller: Caller, limit: int, session: str | None = None
    ) -> list[tuple[str, str, float]]:
        own = [
            (key.session, kept.first_line, kept.last_used)
            for key, kept in self._sessions.items()
            if (key.tenant, key.user) == caller and session in (None, key.session)
        ]
        return sorted(own, key=lambda each: each[2], reverse=True)[:limit]
#end

    async def aclose(self) -> None:
        pass
#if memory

    def sizeof(self, session: Session[T]) -> int:
        """Return how many bytes a session takes, its transcript included."""
        kept = self._sessions.get(session.key) if session.key else None
        return session.size() + (kept.size() if kept else 0)
#end
