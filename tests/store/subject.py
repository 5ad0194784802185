"""What is under test: a store of one kind, and what a project puts around it."""

import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from generated import Modules

Archive = Callable[[Any, Any], Awaitable[None]]


class Clocks:
    """The time of day, and one that never runs backwards."""

    def __init__(self) -> None:
        self.day = time.time()
        self.seconds = 0.0

    def forward(self, seconds: float) -> None:
        """Let so much time pass."""
        self.day += seconds
        self.seconds += seconds


class Subject:
    """A kind of store.

    Args:
        kind: What it is called.
        modules: Those of a project that has it.
        make: Opens it; another time, as another process would.
    """

    def __init__(self, kind: str, modules: Modules, make: Callable[[], Any]) -> None:
        self.kind = kind
        self.modules = modules
        self.clocks = Clocks()
        self._make = make
        self._opened: list[Any] = []

    def control_time(self, monkeypatch: pytest.MonkeyPatch) -> Clocks:
        """Have its modules go by these clocks."""
        clocks = self.clocks
        times = SimpleNamespace(time=lambda: clocks.day, monotonic=lambda: clocks.seconds)
        for name in ("expiry", "memory", "sql"):
            if name in vars(self.modules):
                monkeypatch.setattr(getattr(self.modules, name), "time", times)
        return clocks

    def open(self) -> Any:
        """Open the store, until the test is over."""
        store = self._make()
        self._opened.append(store)
        return store

    async def aclose(self) -> None:
        """Close what was opened."""
        for store in self._opened:
            await store.aclose()

    def key(self, session: str = "session", user: str | None = "user") -> Any:
        """The key of a session."""
        return self.modules.identity.SessionKey("tenant", user, session)

    def row(self, *said: str, body: str | None = "body") -> Any:
        """A row in which a user said the first, and the others were answers."""
        message = self.modules.messages.Message
        roles = ["user", *["assistant"] * len(said)]
        messages = [
            message(role=role, message=text) for role, text in zip(roles, said, strict=False)
        ]
        return self.modules.rows.Row(uuid4().hex, body, self.modules.messages.said(*messages))

    async def add(self, store: Any, key: Any, *rows: Any) -> list[Any]:
        """Add rows to a session that has none; return its position after each."""
        positions = [self.modules.rows.NOTHING]
        for row in rows:
            positions.append(await store.add(key, positions[-1], row))
        return positions[1:]

    def agent(self, archive: Archive | None = None, **limits: int) -> "Agent":
        """A process that keeps its sessions here."""
        return Agent(self, archive, **limits)


class Agent:
    """What main.py puts together; a turn of it is the texts of its messages."""

    def __init__(self, subject: Subject, archive: Archive | None, **limits: int) -> None:
        modules = subject.modules
        self.store = subject.open()
        in_memory = modules.session_store == "memory"
        form = modules.memory.AsItIs() if in_memory else modules.codec.TurnFormat("t", list, list)
        self.kept = modules.keeping.KeptSessions(self.store, form)
        close = self.kept.closing(self._close) if in_memory else self._close
        sizeof = self.store.sizeof if in_memory else modules.turns.Session.size
        self.closed: list[Any] = []
        self.sessions = modules.sessions.SessionCache(
            self._open, close, sizeof=sizeof, clock=lambda: subject.clocks.seconds, **limits
        )
        self.transcripts = modules.transcripts.Transcripts(self.sessions, self.kept, archive)
        self._modules = modules

    async def ask(self, key: Any, prompt: str) -> str:
        """Run a turn, in which the agent counts those that it remembers."""
        async with self.transcripts.turn(key, prompt) as turn:
            reply = f"{len(turn.session.turns) + 1}: {prompt}"
            await turn.keep(reply, [prompt, reply])
        return reply

    async def refused(self, key: Any, prompt: str, inside: Callable[[Any], Any]) -> Any:
        """Run a turn in which this happens, and which fails; return what its caller is told."""
        with pytest.raises(self._modules.turns.HTTPException) as raised:
            async with self.transcripts.turn(key, prompt) as turn:
                await inside(turn)
        return raised.value

    async def fail(self, key: Any, prompt: str, error: Exception) -> str:
        """Run a turn that fails in this way; return the sentence for its caller."""

        async def inside(_: Any) -> None:
            raise error

        return str((await self.refused(key, prompt, inside)).detail)

    async def said(self, key: Any, limit: int = 1_000) -> list[str]:
        """The texts of a transcript."""
        return [message.message for message in await self.transcripts.get_messages(key, limit)]

    async def swept(self) -> None:
        """Return when the store does nothing more: what was to be deleted is."""
        for task in [*self.kept._asked, *self.kept.expiry.running]:
            await task

    async def aclose(self) -> None:
        """End, as the server does."""
        await self.sessions.aclose()
        await self.kept.aclose()

    async def _open(self, key: Any) -> Any:
        return self._modules.turns.Session(key)

    async def _close(self, key: Any, _: Any) -> None:
        self.closed.append(key)
