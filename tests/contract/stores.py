"""What servers under test keep their sessions in, and what is there of a session."""

import json
from typing import NamedTuple

from contract.databases import Database

TURNS = """
    SELECT coalesce(session_id, ''), number, coalesce(body, ''), said
    FROM agent_turns LEFT JOIN agent_sessions USING (session_key) ORDER BY session_key, number
"""


class InMemory:
    """The process, which alone sees them."""

    environment: dict[str, str] = {}  # noqa: RUF012 - nobody changes it

    def query(self, _sql: str) -> list[tuple[str, ...]]:
        """Nothing, for nobody else can see it."""
        return []


Store = Database | InMemory


class KeptTurn(NamedTuple):
    """A turn in a database."""

    session: str
    number: int
    body: str
    said: str


def turns(database: Database, session: str) -> list[KeptTurn]:
    """The turns of a session, in order."""
    rows = [KeptTurn(name, int(n), body, said) for name, n, body, said in database.query(TURNS)]
    return [turn for turn in rows if turn.session == session]


def said(database: Database, session: str) -> list[str]:
    """What its turns say, in order."""
    messages = [each for turn in turns(database, session) for each in json.loads(turn.said)]
    return [each["message"] for each in messages]
