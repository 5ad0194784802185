"""What changes, told to each page that is open: once in a while, however often it does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from agentcore_new.dev import page_views
from agentcore_new.dev.events import Event, Events
from agentcore_new.dev.machine import Machine
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.problem import Problem
from agentcore_new.dev.turns import Record

PAUSE = 0.05  # seconds
SILENCE = 15.0  # until something is said for the connection's sake

Message = dict[str, Any]


class Pages:
    """The pages that are open.

    Args:
        agent: What each is told first.
        record: The sessions and turns.
        machines: The machines.
        problem: What is wrong with the agent.
        events: What happens.
    """

    def __init__(
        self,
        agent: Message,
        record: Record,
        machines: Machines,
        problem: Problem,
        events: Events,
    ) -> None:
        self._agent = agent
        self._record = record
        self._machines = machines
        self._problem = problem
        self._open: set[_Page] = set()
        events.listen(self._happened)

    def changed(self, kind: str, identity: str | int | None = None) -> None:
        """Note that something has: a session, a turn, what is gone, machines, the problem."""
        for page in self._open:
            page.note(kind, identity)

    def machine_changed(self, machine: Machine) -> None:
        """Note that a machine has."""
        if machine.session is None:
            self.changed("machines")
        else:
            self.changed("session", machine.session)

    def looks_at(self, session: str) -> bool:
        """Whether a page shows that session."""
        return any(page.session == session for page in self._open)

    def _happened(self, event: Event) -> None:
        if event.kind in ("syntax-error", "machine-failed", "healed"):
            self.changed("problem")
        elif event.kind == "reloaded":
            self.changed("notice", f"Reloaded in {event.data['seconds']:.1f} s")

    async def messages(self, session: str | None) -> AsyncIterator[str]:
        """What a page that shows that session is to be told, as long as it is open."""
        page = _Page(session)
        self._open.add(page)
        try:
            yield self._line(self._first())
            page.note("problem")
            page.note("machines")
            shown = self._record.session(session) if session else None
            for turn in shown.turns if shown else ():
                page.note("turn", turn.id)
            while True:
                changes = await page.changes()
                begun = time.monotonic()
                yield self._line(self._told(page, changes)) if changes else ":\n\n"
                # A long answer takes long to render: that is not to be all that is done.
                await asyncio.sleep(max(PAUSE, 4 * (time.monotonic() - begun)))
        finally:
            self._open.discard(page)

    def _line(self, messages: Iterable[Message]) -> str:
        return "".join(f"data: {json.dumps(each)}\n\n" for each in messages)

    def _first(self) -> list[Message]:
        sessions = [self._session(each.id) for each in self._record]
        return [
            {"type": "hello", "agent": self._agent},
            {"type": "sessions", "sessions": sessions},
        ]

    def _session(self, identity: str) -> Message | None:
        session = self._record.session(identity)
        return page_views.of_session(session, self._machines.of(identity)) if session else None

    def _told(self, page: "_Page", changes: list[tuple[str, Any]]) -> list[Message]:
        told = (self._message(page, kind, identity) for kind, identity in changes)
        return [message for message in told if message]

    def _message(self, page: "_Page", kind: str, identity: Any) -> Message | None:  # noqa: ANN401
        if kind == "session":
            session = self._session(identity)
            return {"type": "session", "session": session} if session else None
        if kind == "turn":
            turn = self._record.turn(identity)
            shown = turn and turn.session == page.session
            return {"type": "turn", "turn": page_views.of_turn(turn)} if turn and shown else None
        if kind == "gone":
            return {"type": "gone", "id": identity}
        if kind == "problem":
            return {"type": "problem", "problem": self._problem.now}
        if kind == "notice":
            return {"type": "notice", "text": identity}
        return {"type": "machines", "machines": self._unassigned()}

    def _unassigned(self) -> list[Message]:
        last = max((each.id for each in self._machines if each.session is None), default=0)
        return [
            each.as_object()
            for each in self._machines
            if each.session is None and (each.state != "ended" or each.id == last)
        ]


class _Page:
    """One page, and what it is not yet told."""

    def __init__(self, session: str | None) -> None:
        self.session = session
        self._changes: dict[tuple[str, Any], None] = {}
        self._some = asyncio.Event()

    def note(self, kind: str, identity: str | int | None = None) -> None:
        self._changes[kind, identity] = None
        self._some.set()

    async def changes(self) -> list[tuple[str, Any]]:
        """What there is to tell; nothing after a long silence."""
        try:
            async with asyncio.timeout(SILENCE):
                await self._some.wait()
        except TimeoutError:
            return []
        changes = [*self._changes]
        self._changes.clear()
        self._some.clear()
        return changes
