"""The machines: which session has which, and when each starts and ends.

As on AgentCore a session has a machine to itself, made when the session is used; or one has all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiohttp

from agentcore_new.dev.events import Events
from agentcore_new.dev.hosting import Host, Process
from agentcore_new.dev.logs import shorten
from agentcore_new.dev.machine import Machine, measure, ping, start, stop, watch
from agentcore_new.dev.platform import Limits

ENDED = 100  # that are still shown

ALL = ""  # the session of the one machine that has all


class Full(Exception):
    """All machines that there can be are in use."""


class Machines:
    """Starts, keeps and ends the machines.

    Args:
        host: What starts their processes.
        http: Asks them.
        logs: The folder of what they write.
        limits: What they are given.
        events: Who is told.
        per_session: Whether each session has one of its own.

    Attributes:
        changed: Is called with each machine of which something changed.
    """

    def __init__(
        self,
        host: Host,
        http: aiohttp.ClientSession,
        logs: Path,
        limits: Limits,
        events: Events,
        *,
        per_session: bool = True,
    ) -> None:
        self.limits = limits
        self.per_session = per_session
        self._host = host
        self.changed: Callable[[Machine], None] = lambda _: None
        self._http = http
        self._logs = logs
        self._events = events
        self._numbers = count(1)
        self._all: dict[int, Machine] = {}
        self._of: dict[str, Machine] = {}  # the last that each session had, the last used last
        self._spare: Machine | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._open = asyncio.Event()  # whether machines can be started
        self._open.set()

    def __iter__(self) -> Iterator[Machine]:
        return iter([*self._all.values()])

    def machine(self, number: int) -> Machine | None:
        """The machine of that number."""
        return self._all.get(number)

    def of(self, session: str) -> Machine | None:
        """The machine that a session has, or had last."""
        return self._of.get(session if self.per_session else ALL)

    def prepare(self) -> None:
        """Start the machine that the next new session gets, or the one that has all."""
        if (
            self._closing
            or not self._open.is_set()
            or (self._spare and self._spare.state != "ended")
        ):
            return
        if self.per_session:
            self._spare = self._start(None)
        elif (have := self._of.get(ALL)) is None or have.state == "ended":
            self._of[ALL] = self._start(None)

    @asynccontextmanager
    async def turn(self, session: str) -> AsyncIterator[Machine]:
        """The machine of a session for one turn, started if it has none that is up.

        Raises:
            Full: All are in use.
            StartFailed: The agent does not come up.
        """
        key = session if self.per_session else ALL
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:  # of two turns that find none, one starts it
            machine = await self._machine(key)
            machine.turns += 1
        self.changed(machine)
        try:
            # Another turn that waits for the same start is not to be cancelled with this one.
            await asyncio.shield(machine.up)
            yield machine
        finally:
            machine.turns -= 1
            machine.used = time.monotonic()
            self.changed(machine)
            if machine.stale and not machine.turns:
                self._soon(self.stop(machine, "Its code has changed."))

    async def _machine(self, key: str) -> Machine:
        await self._open.wait()
        have = self._of.pop(key, None)
        if have and (have.state == "stopping" or (have.stale and have.state != "ended")):
            self._of[key] = have  # it is still the one to be shown
            await have.gone.wait()
            self._of.pop(key, None)
        elif have and have.state != "ended":
            self._of[key] = have
            return have
        if self._closing:
            raise Full
        if self.per_session:
            await self._make_room()
        machine, self._spare = self._spare, None
        if machine is None or machine.state in ("stopping", "ended"):
            machine = self._start(key or None)
        elif key:
            machine.session = key
            machine.used = time.monotonic()
        self._of[key] = machine
        if self.per_session:
            self.prepare()
        return machine

    async def _make_room(self) -> None:
        """Take the machine that was not used for longest, where there are as many as can be."""
        limit = self.limits.machines
        while len(taken := [each for each in self._of.values() if each.state != "ended"]) >= limit:
            idle = [each for each in taken if each.idle or each.state == "stopping"]
            if not idle:
                raise Full
            first = min(idle, key=lambda each: each.used)
            await self.stop(first, f"Another session needed one of the {limit} machines.")

    def _start(self, session: str | None) -> Machine:
        number = next(self._numbers)
        machine = Machine(number, self._logs / f"machine-{number}.log", self.limits, session)
        self._all[number] = machine
        self._forget_ended()
        self._soon(self._run(machine))
        return machine

    async def _run(self, machine: Machine) -> None:
        self.changed(machine)
        await start(machine, self._host, self._http, self._events)
        if machine.process:
            self._soon(self._see_to_its_end(machine, machine.process))
        else:
            machine.state = "ended"
            machine.gone.set()
        measure(machine)
        self.changed(machine)

    async def _see_to_its_end(self, machine: Machine, process: Process) -> None:
        await watch(machine, process, self._events)
        if machine is self._spare:
            self._spare = None
        self.changed(machine)

    def _forget_ended(self) -> None:
        """Keep those that run, and the last of those that have ended."""
        ended = [each for each in self._all.values() if each.state == "ended"]
        for machine in ended[:-ENDED]:
            del self._all[machine.id]
            machine.log.unlink(missing_ok=True)
            if machine.session is not None and self._of.get(machine.session) is machine:
                del self._of[machine.session]

    async def stop(self, machine: Machine, why: str, *, kill: bool = False) -> None:
        """End one."""
        ending = asyncio.ensure_future(stop(machine, why, kill=kill))
        await asyncio.sleep(0)
        self.changed(machine)
        await ending

    async def stop_all(self, why: str, *, kill: bool = False) -> None:
        """End all."""
        running = [each for each in self._all.values() if each.state != "ended"]
        self._spare = None
        await asyncio.gather(*(self.stop(each, why, kill=kill) for each in running))

    async def renew(self, host: Callable[[], Awaitable[Host]], why: str) -> None:
        """End all, and have what another host starts; meanwhile turns wait."""
        self._open.clear()
        try:
            await self.stop_all(why)
            self._host = await host()
        finally:
            self._open.set()
        self.prepare()

    async def reload(self) -> Machine | None:
        """Have new code run: idle machines end at once, others after their turns.

        Returns:
            The machine that runs the new code first, which is starting; None if a turn has to end
            before there can be one.
        """
        for machine in [each for each in self._all.values() if each.state != "ended"]:
            machine.stale = True
            if not machine.turns:
                self._soon(self.stop(machine, "Its code has changed."))
        self._spare = None
        if not self.per_session:
            async with self._locks.setdefault(ALL, asyncio.Lock()):
                old = self._of.get(ALL)
                if old and old.state != "ended":
                    await old.gone.wait()
        self.prepare()
        return self._spare or self._of.get(ALL)

    async def look_after(self) -> None:
        """Ask each machine how it is, and take those whose time is over; until cancelled."""
        pause = min(self.limits.ping_seconds, self.limits.idle_seconds / 4)
        while True:
            await asyncio.sleep(pause)
            up = [each for each in self._all.values() if each.state == "ready"]
            await asyncio.gather(*(self._look(each) for each in up))

    async def _look(self, machine: Machine) -> None:
        await ping(machine, self._http)
        measure(machine)
        shorten(machine.log)
        self.changed(machine)
        now = time.monotonic()
        if machine.state != "ready" or not self.per_session:  # what has all is nobody's machine
            return
        if now - machine.started >= self.limits.life_seconds:
            why = f"A machine lives {self.limits.life_seconds:g} s."
        elif (
            machine.idle
            and machine is not self._spare
            and now - machine.used >= self.limits.idle_seconds
        ):
            why = f"It was idle for {self.limits.idle_seconds:g} s."
        else:
            return
        self._soon(self.stop(machine, why))

    async def close(self, *, kill: bool = False) -> None:
        """End all."""
        self._closing = True
        await self.stop_all("dev was ended.", kill=kill)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
