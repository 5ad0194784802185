"""What was asked and answered: sessions, the turns of each, and what went over the wire.

It is kept in memory, and no more of it than a person looks at.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from agentcore_new.dev.platform import Headers
from agentcore_new.dev.traces import Call

TURNS_OF_A_SESSION = 100
SESSIONS = 2_000
TEXT_CHARS = 200_000  # of one answer
BODY_CHARS = 100_000  # of a request, and of what an agent said of a failure
EVENTS = 2_000  # of one turn
EVENTS_CHARS = 1_000_000  # of all of them

State = Literal["running", "done", "failed", "stopped"]


@dataclass(slots=True)
class Turn:
    """One request to the agent, and what came of it; times in seconds.

    Args:
        id: Its number.
        session: The id of its session.
        prompt: What was asked, or the whole payload where there is no prompt.
        headers: Those that reached the agent.
        dropped: The names of those that did not, with why.
        body: What was sent.
        trace: The id of its trace.
    """

    id: int
    session: str
    prompt: str
    headers: Headers
    dropped: Headers
    body: str
    trace: str
    state: State = "running"
    machine: int | None = None
    text: str = ""
    status: int | None = None
    answer: Headers = field(default_factory=list)
    error: str | None = None
    original: dict[str, Any] | None = None
    events: list[tuple[float, str]] = field(default_factory=list)
    unkept: int = 0  # events that were too many
    bytes: int = 0
    calls: list[Call] = field(default_factory=list)
    tool: str | None = None  # what the agent says that it is doing
    started: float = field(default_factory=time.time)
    first: float | None = None
    seconds: float | None = None
    stop: Callable[[], object] | None = None  # while it runs
    _begun: float = field(default_factory=time.monotonic)
    _room: int = EVENTS_CHARS

    def so_far(self) -> float:
        """How long it has taken until now."""
        return time.monotonic() - self._begun

    def arrived(self, data: str, text: str) -> None:
        """Note an event and the text that it adds to the answer."""
        if self.first is None:
            self.first = self.so_far()
        if len(self.events) < EVENTS and self._room > 0:
            self.events.append((self.so_far(), data[:BODY_CHARS]))
            self._room -= len(data)
        else:
            self.unkept += 1
        self.text = (self.text + text)[:TEXT_CHARS]

    def ended(self, state: State, error: str | None = None) -> None:
        """Note how it ended."""
        self.state, self.error = state, error
        self.seconds = self.so_far()
        self.stop = self.tool = None


@dataclass(slots=True)
class Session:
    """A conversation, as the one who develops the agent sees it."""

    id: str
    name: str | None = None
    user: str | None = None
    tenant: str | None = None
    last_used: float | None = None
    turns: list[Turn] = field(default_factory=list)

    @property
    def running(self) -> int:
        """How many of its turns run."""
        return sum(turn.state == "running" for turn in self.turns)


Changed = Callable[[str, str | int], None]


class Record:
    """The sessions, each with its last turns; the longest unused leave first.

    Attributes:
        changed: Is called with ("session" or "turn" or "gone", the id) after a change.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}  # the last used last
        self._turns: dict[int, Turn] = {}
        self._traces: dict[str, Turn] = {}
        self._numbers = count(1)
        self.changed: Changed = lambda *_: None

    def __iter__(self) -> Iterator[Session]:
        return iter([*self._sessions.values()])

    def session(self, identity: str) -> Session | None:
        """The session of that id."""
        return self._sessions.get(identity)

    def turn(self, number: int) -> Turn | None:
        """The turn of that number."""
        return self._turns.get(number)

    def traced(self, trace: str) -> Turn | None:
        """The turn of a trace."""
        return self._traces.get(trace)

    def open(self, identity: str) -> Session:
        """Return the session of that id, made if there is none, as the last used."""
        session = self._sessions.pop(identity, None) or Session(identity)
        self._sessions[identity] = session
        for old in [*self._sessions.values()][:-SESSIONS]:
            if not old.running:
                self.forget(old.id)
        self.changed("session", identity)
        return session

    def forget(self, identity: str) -> None:
        """Drop a session with its turns."""
        session = self._sessions.pop(identity, None)
        if session:
            for turn in session.turns:
                self._drop(turn)
            self.changed("gone", identity)

    def begin(
        self, session: str, prompt: str, headers: Headers, dropped: Headers, body: str, trace: str
    ) -> Turn:
        """Note that a turn begins."""
        opened = self.open(session)
        turn = Turn(
            next(self._numbers),
            session,
            prompt[:BODY_CHARS],
            headers,
            dropped,
            body[:BODY_CHARS],
            trace,
        )
        opened.turns.append(turn)
        opened.last_used = turn.started
        self._turns[turn.id] = turn
        self._traces[trace] = turn
        for old in opened.turns[:-TURNS_OF_A_SESSION]:
            if old.state != "running":
                opened.turns.remove(old)
                self._drop(old)
        self.told(turn)
        return turn

    def told(self, turn: Turn) -> None:
        """Say that something of a turn has changed."""
        self.changed("turn", turn.id)
        self.changed("session", turn.session)

    def _drop(self, turn: Turn) -> None:
        self._turns.pop(turn.id, None)
        self._traces.pop(turn.trace, None)
