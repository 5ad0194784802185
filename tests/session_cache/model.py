"""What a session cache is to do, said as plainly as possible: no task, no lock, no waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from session_cache.harness import Clock, How, Status

Ending = Literal["done", "failed", "cancelled"]


@dataclass(eq=False)
class ModelTurn:
    line: Line
    name: str
    ends_at_once: bool
    status: Status = "waiting"


@dataclass(eq=False)
class ModelSession:
    key: Hashable | None
    log: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Line:
    """The turns of one key that have come and not gone; the first has the session."""

    key: Hashable | None
    turns: deque[ModelTurn] = field(default_factory=deque)
    session: ModelSession | None = None
    opening: bool = False
    last_used: float = 0.0


class Model:
    def __init__(
        self,
        clock: Clock,
        maxsize: int,
        idle_seconds: float,
        opens: dict[Hashable | None, How],
        closes: dict[Hashable | None, How],
    ) -> None:
        self.clock = clock
        self.maxsize = maxsize
        self.idle_seconds = idle_seconds
        self.opens = opens
        self.closes = closes
        self.in_use: dict[Hashable, Line] = {}
        self.idle: list[Line] = []  # the least recently used first
        self.opening: list[Line] = []
        self.closing: list[ModelSession] = []
        self.opened: list[ModelSession] = []
        self.closed: list[ModelSession] = []

    def start(self, key: Hashable | None, name: str, *, ends_at_once: bool) -> ModelTurn:
        while self.idle and self.clock() - self.idle[0].last_used >= self.idle_seconds:
            self._evict(self.idle.pop(0))
        line = self._line(key)
        turn = ModelTurn(line, name, ends_at_once)
        line.turns.append(turn)
        if line.turns[0] is turn:
            self._first_goes_on(line)
        return turn

    def end(self, turn: ModelTurn, how: Ending | Literal["not opened"]) -> None:
        line = turn.line
        was_first = line.turns[0] is turn
        line.turns.remove(turn)
        turn.status = how
        if was_first and line.opening:
            line.opening = False
            self.opening.remove(line)
        if how == "done" and line.session:
            line.session.log.append(turn.name)
        if not line.turns:
            self._leave(line)
        elif was_first:
            self._first_goes_on(line)

    def finish_open(self, line: Line, *, failing: bool) -> None:
        self.opening.remove(line)
        line.opening = False
        self._opened(line, failing=failing)

    def finish_close(self, session: ModelSession) -> None:
        self.closing.remove(session)
        line = self.in_use.get(session.key)
        if line and line.turns[0].status == "waiting" and not line.session and not line.opening:
            self._first_goes_on(line)

    def close_idle(self) -> None:
        while self.idle:
            self._evict(self.idle.pop(0))

    def held(self) -> int:
        return len(self.in_use) + len(self.idle)

    def _line(self, key: Hashable | None) -> Line:
        if key is None:
            return Line(None)
        idle = next((line for line in self.idle if line.key == key), None)
        if idle:
            self.idle.remove(idle)
        line = self.in_use.get(key) or idle or Line(key)
        self.in_use[key] = line
        return line

    def _first_goes_on(self, line: Line) -> None:
        if line.session:
            self._run(line.turns[0])
        elif line.key is not None and any(gone.key == line.key for gone in self.closing):
            pass  # until that is closed
        elif self.opens.get(line.key, "now") == "slow":
            line.opening = True
            self.opening.append(line)
        else:
            self._opened(line, failing=self.opens.get(line.key) == "fail")

    def _opened(self, line: Line, *, failing: bool) -> None:
        first = line.turns[0]
        if failing:
            self.end(first, "not opened")
            return
        line.session = ModelSession(line.key)
        self.opened.append(line.session)
        self._trim()
        self._run(first)

    def _run(self, turn: ModelTurn) -> None:
        turn.status = "running"
        if turn.ends_at_once:
            self.end(turn, "done")

    def _leave(self, line: Line) -> None:
        if line.key is None:
            self._evict(line)
            return
        del self.in_use[line.key]
        if line.session:
            line.last_used = self.clock()
            self.idle.append(line)
            self._trim()

    def _trim(self) -> None:
        while self.idle and self.held() > self.maxsize:
            self._evict(self.idle.pop(0))

    def _evict(self, line: Line) -> None:
        if line.session:
            self.closed.append(line.session)
            if self.closes.get(line.key, "now") == "slow":
                self.closing.append(line.session)
